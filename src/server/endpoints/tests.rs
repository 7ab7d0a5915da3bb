use super::*;

#[test]
fn the_versioned_path_is_the_same_route_and_an_unknown_one_is_none() {
    for (path, name) in [
        ("/parse", Some("/parse")),
        ("/api/v1/parse", Some("/parse")),
        ("/docs", Some("/docs")),
        ("/docs/index.html", Some("/docs")),
        ("/documents", None),
        ("/slo/stream", Some("/slo/stream")),
        ("/jobs", Some("/jobs")),
        ("/api/v1/jobs/j7", Some("/jobs/{id}")),
        ("/jobs/j7/result", Some("/jobs/{id}/result")),
        ("/jobs/j7/other", None),
        ("/nowhere", None),
    ] {
        assert_eq!(policy(path).route, name, "{path}");
    }
}

#[test]
fn every_endpoint_is_described_where_it_is() {
    for endpoint in ENDPOINTS {
        let mut api = OpenApi::default();
        let Some(describe) = endpoint.describe else {
            // A page, for people.
            assert!(endpoint.is_open, "{}", endpoint.path);
            continue;
        };
        describe(&mut api);
        let described: Vec<_> = api.paths.paths.iter().collect();
        let [(path, item)] = described[..] else {
            panic!("{}: {}", endpoint.path, described.len())
        };
        assert_eq!(path, endpoint.path);
        let operation = match endpoint.method {
            Method::Get => &item.get,
            Method::Post => &item.post,
            Method::Put => &item.put,
            Method::Delete => &item.delete,
        };
        assert!(operation.is_some(), "{:?} {path}", endpoint.method);
    }
}

#[test]
fn the_names_of_operations_are_those_that_telemetry_declares() {
    let declared = include_str!("../../../slo/telemetry/attributes.yaml");
    for endpoint in ENDPOINTS {
        if let Pool(operation) = endpoint.handler {
            let value = format!("value: {},", operation.name);
            assert!(declared.contains(&value), "{value}");
        }
    }
}
