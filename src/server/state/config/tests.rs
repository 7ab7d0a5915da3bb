use super::*;

fn environment(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
}

fn origin_of<'l>(loaded: &'l Loaded, key: &str) -> &'l Origin {
    &loaded.given.iter().find(|g| g.key == key).expect("a known key").origin
}

#[test]
fn a_flag_wins_over_the_environment_and_the_environment_over_the_file() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("svgx.toml");
    std::fs::write(&file, "log-level = \"error\"\nworkers = 3\nkeep_alive = 5\n").expect("written");
    let flags = Flags { file: Some(file), ..Flags::default() }.with("log-level", "trace");
    let loaded =
        load(&flags, environment(&[("LOG_LEVEL", "debug"), ("SVGX_WORKERS", "4")])).expect("loads");
    assert_eq!(loaded.config.log_level, "trace");
    assert_eq!(loaded.config.workers, 4);
    assert_eq!(loaded.config.keep_alive, Duration::from_secs(5));
    assert_eq!(origin_of(&loaded, "log-level"), &Origin::Flag);
    assert_eq!(origin_of(&loaded, "workers"), &Origin::Environment("SVGX_WORKERS".into()));
    assert!(matches!(origin_of(&loaded, "keep-alive"), Origin::File(_)));
    assert_eq!(origin_of(&loaded, "max-body"), &Origin::Default);
}

#[test]
fn an_unknown_key_is_an_error_that_names_the_nearest_one() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("svgx.toml");
    std::fs::write(&file, "log-levle = \"error\"").expect("written");
    let flags = Flags { file: Some(file), ..Flags::default() };
    let error = load(&flags, []).expect_err("unknown key").to_string();
    assert!(error.contains("log-levle") && error.contains("log-level"), "{error}");
    let error = load(&Flags::default(), environment(&[("SVGX_WORKER", "4")])).expect_err("unknown");
    assert!(error.to_string().contains("SVGX_WORKERS"), "{error}");
}

#[test]
fn variables_of_a_kubernetes_service_are_not_ours() {
    let pod = [
        ("SVGX_ENGINE_STAGING_SERVICE_HOST", "10.0.0.1"),
        ("SVGX_ENGINE_STAGING_SERVICE_PORT_HTTP", "80"),
        ("SVGX_ENGINE_STAGING_PORT", "tcp://10.0.0.1:80"),
        ("SVGX_ENGINE_STAGING_PORT_80_TCP_ADDR", "10.0.0.1"),
    ];
    assert!(load(&Flags::default(), environment(&pod)).is_ok());
}

#[test]
fn the_variables_of_the_guide_mean_what_they_say_or_are_reported() {
    let guide = [
        ("API_KEY", "secret-key\n"),
        ("ENVIRONMENT", "staging"),
        ("REDIS_URL", "redis://localhost:6379"),
        ("DATABASE_URL", "sqlite:///app/x.db"),
        ("LOAD_TESTING_MODE", "true"),
        ("CACHE_ENABLED", "false"),
    ];
    let loaded = load(&Flags::default(), environment(&guide)).expect("loads");
    assert_eq!(loaded.config.api_keys, [Secret("secret-key".into())]);
    assert_eq!(loaded.config.environment, "staging");
    assert!(!loaded.config.rate_limit);
    assert_eq!(loaded.config.cache_bytes, 0);
    assert_eq!(loaded.config.store, Some(Secret("redis://localhost:6379".into())));
    for name in ["DATABASE_URL", "LOAD_TESTING_MODE"] {
        assert!(loaded.notices.iter().any(|n| n.contains(name)), "{name}: {:?}", loaded.notices);
    }
}

#[test]
fn a_secret_that_came_out_empty_does_not_open_the_service() {
    for (name, value) in [("SVGX_API_KEYS", ""), ("SVGX_API_KEYS", ","), ("API_KEY", " ")] {
        let error = load(&Flags::default(), environment(&[(name, value)])).expect_err(name);
        assert!(error.to_string().contains(name), "{error}");
    }
    let given = load(&Flags::default(), environment(&[("LOG_LEVEL", "")])).expect("loads");
    assert_eq!(given.config.log_level, "info");
}

#[test]
fn secrets_are_not_shown() {
    let loaded = load(&Flags::default().with("api-key", "alice:s3cret-s3cret"), []).expect("loads");
    let shown = format!("{:?}", loaded);
    assert!(!shown.contains("s3cret"), "{shown}");
    assert!(shown.contains("alice"));
}

#[test]
fn the_password_of_a_store_is_not_shown() {
    let flags = Flags::default().with("store", "redis://svgx:s3cret@redis.example:6379/1");
    let loaded = load(&flags, []).expect("loads");
    let shown = format!("{loaded:?}");
    assert!(!shown.contains("s3cret") && shown.contains("redis.example"), "{shown}");
    for wrong in ["http://svgx:s3cret@redis.example", "svgx:s3cret@redis.example"] {
        let error = load(&Flags::default().with("store", wrong), []).expect_err(wrong);
        assert!(!error.to_string().contains("s3cret"), "{error}");
    }
}

#[test]
fn values_that_cannot_be_read_are_errors() {
    for (key, value) in [
        ("listen", "nowhere"),
        ("workers", "0"),
        ("max-body", "10 apples"),
        ("request-timeout", "-1"),
        ("rate-limit", "maybe"),
        ("cors-origin", "*"),
        ("log-level", "loud"),
        ("log-level", "5"),
        ("api-key", ""),
        ("api-key", " "),
        ("store", "localhost:6379"),
        ("store", "http://user:s3cret@localhost"),
        ("store-trust", "perhaps"),
        ("replica-listen", "nowhere"),
        ("replica-address", "a host"),
    ] {
        let flags = Flags::default().with(key, value);
        assert!(matches!(load(&flags, []), Err(Error::Value { .. })), "{key} = {value}");
    }
}

#[test]
fn the_defaults_that_are_shown_are_those_in_force() {
    let loaded = load(&Flags::default(), []).expect("loads");
    assert_eq!(format!("{:?}", loaded.config), format!("{:?}", Config::default()));
}
