//! The command that shows a failure: what a person types to see it with their own eyes.

use super::Options;

/// The command for the check `id`. The key is named by its variable and never printed.
pub(super) fn command(id: &str, options: &Options) -> String {
    let url = options.url.trim_end_matches('/');
    let ca = options.ca.as_ref().map_or_else(String::new, |p| format!(" --cacert {}", p.display()));
    let key = match options.key {
        Some(_) => " -H \"Authorization: Bearer $SVGX_API_KEY\"",
        None => "",
    };
    let get = |path: &str| format!("curl -si{ca}{key} {url}/{path}");
    let room = |path: &str| {
        format!(
            "curl -si{ca}{key} -H 'Content-Type: image/svg+xml' \
             --data-binary @examples/room.svgx {url}/{path}"
        )
    };
    let json = |path: &str, body: &str| {
        format!("curl -si{ca}{key} -H 'Content-Type: application/json' -d '{body}' {url}/{path}")
    };
    let load = |class: &str| {
        let profile = if class == "physics" { "physics" } else { "guide" };
        let remote = if options.url.contains("://127.0.0.1") || url.contains("://localhost") {
            ""
        } else {
            " --allow-remote"
        };
        // The key, if there is one, is in the variable already.
        let keys = if key.is_empty() { "" } else { "SVGX_LOAD_KEYS=$SVGX_API_KEY " };
        format!("{keys}svgx load --url {url}{remote} --profile {profile} --duration 30s")
    };
    let neighbour = |address: Option<&String>, fallback: &str, path: &str| {
        // A user and a password in it are not repeated.
        let address = address.map_or(fallback, String::as_str).trim_end_matches('/');
        let (scheme, rest) = address.split_once("://").unwrap_or(("http", address));
        let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
        let user = if rest.contains('@') { " -u USER" } else { "" };
        format!("curl -s{user} '{scheme}://{host}/{path}'")
    };
    match id {
        "metrics" => get("metrics"),
        "parse" => room("parse"),
        "evaluate" => room("evaluate"),
        "simulate" => room("simulate"),
        "compile-svg" => room("compile/svg"),
        "compile-json" => room("compile/json"),
        "interactive" => json("interactive", r#"{"operation":"click","element_id":"lf01_box"}"#),
        "precision" => {
            json("precision", r#"{"level":"edit","coordinates":[10.123456789,20.987654321]}"#)
        }
        "state" => get("state"),
        "key-missing" => format!("curl -si{ca} {url}/health"),
        "key-wrong" | "key-revoked" => {
            format!("curl -si{ca} -H \"Authorization: Bearer $OTHER_KEY\" {url}/health")
        }
        "hostile-input" => json("compile/svg", r#"{"content":"<svg"}"#),
        "latency-ui" | "latency-redraw" => load("ui"),
        "latency-physics" => load("physics"),
        "success" | "errors" | "memory" | "cpu" => load("all"),
        "rate-limit" => format!(
            "seq 200 | xargs -P 50 -I N curl -s{ca}{key} -o /dev/null -w '%{{http_code}}\\n' \
             {url}/slo | sort | uniq -c"
        ),
        "scraped" => neighbour(
            options.prometheus.as_ref(),
            "http://localhost:9090",
            "api/v1/query?query=up{job=\"svgx-engine\"}",
        ),
        "alerts" => neighbour(
            options.prometheus.as_ref(),
            "http://localhost:9090",
            "api/v1/rules?type=alert",
        ),
        "dashboards" => {
            neighbour(options.grafana.as_ref(), "http://localhost:3000", "api/search?type=dash-db")
        }
        "traces" | "logs" => {
            let file = if id == "traces" { &options.traces } else { &options.logs };
            let file = file.as_ref().map_or_else(|| "FILE".to_owned(), |p| p.display().to_string());
            format!("tail -n 3 {file}")
        }
        // Health, headers, tls: all are on the first answer.
        _ => get("health"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_shown_by_a_command_that_holds_no_secret() {
        let options = Options {
            url: "https://engine.example.com/".to_owned(),
            key: Some("a-secret".to_owned()),
            grafana: Some("https://admin:a-secret@grafana.example.com".to_owned()),
            ..Options::default()
        };
        for (id, part) in [
            ("health", "https://engine.example.com/health"),
            ("parse", "--data-binary @examples/room.svgx https://engine.example.com/parse"),
            ("latency-physics", "svgx load --url https://engine.example.com --allow-remote"),
            ("rate-limit", "seq 200"),
            ("dashboards", "-u USER 'https://grafana.example.com/api/search"),
            ("alerts", "http://localhost:9090/api/v1/rules"),
            ("traces", "tail -n 3 FILE"),
        ] {
            let command = command(id, &options);
            assert!(command.contains(part), "{id}: {command}");
            assert!(!command.contains("a-secret"), "{id}: {command}");
        }
    }
}
