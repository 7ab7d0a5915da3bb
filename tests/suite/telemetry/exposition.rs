//! `/metrics`, as a scraper sees it.

use svgx_controller::spec::Spec;

use super::{TRACE, keep_everything, metrics, parse, serve};

#[test]
fn every_edge_an_objective_names_is_an_edge_of_the_histogram() {
    let service = serve(None, &[]);
    let answer = parse(&service);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let text = metrics(&service, "text/plain");
    let spec = Spec::embedded().expect("valid");
    for objective in &spec.objectives {
        let edge = format!("le=\"{}\"", objective.threshold.as_f64());
        for metric in ["svgx_operation_duration_seconds", "http_server_request_duration_seconds"] {
            let bucket = format!("{metric}_bucket{{");
            let found = text.lines().any(|l| l.starts_with(&bucket) && l.contains(&edge));
            assert!(found, "{metric} has no {edge} in\n{text}");
        }
    }
    let count = text
        .lines()
        .find(|l| l.starts_with("svgx_operation_duration_seconds_count{"))
        .expect("the operation is counted");
    assert!(count.contains("svgx_budget_class=\"redraw\"") && count.ends_with(" 1"), "{count}");
}

#[test]
fn openmetrics_leads_from_a_bucket_to_the_trace_of_the_caller() {
    let service = serve(None, &keep_everything());
    let answer = parse(&service);
    assert!(answer.contains(&format!("traceparent: 00-{TRACE}-")), "{answer}");
    let text = metrics(&service, "application/openmetrics-text; version=1.0.0");
    let exemplar = format!("# {{trace_id=\"{TRACE}\"");
    for metric in ["svgx_operation_duration_seconds", "http_server_request_duration_seconds"] {
        let found = text.lines().any(|l| l.starts_with(metric) && l.contains(&exemplar));
        assert!(found, "{metric} has no exemplar in\n{text}");
    }
    assert!(text.contains("# EOF"));
    assert!(!metrics(&service, "text/plain").contains("trace_id="));
}
