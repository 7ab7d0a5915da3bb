//! The road to the real Collector.

use super::receiver::{Collector, attributes};
use super::{TRACE, parse, serve};

#[test]
fn the_collector_receives_traces_metrics_and_logs_of_one_trace() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(mut collector) = Collector::new(folder.path()) else { return };
    collector.start();
    let endpoint = collector.grpc();
    let variables =
        [("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()), ("OTEL_TRACES_SAMPLER_ARG", "1")];
    let mut service = serve(None, &variables);
    let answer = parse(&service);
    assert!(answer.contains(TRACE), "{answer}");
    // Nothing is waited for: a stopping service sends what it holds.
    assert!(service.process.terminate());
    collector.stop();

    let received = collector.received();
    let span = received.spans.iter().find(|s| s.item["name"] == "POST /parse").expect("the span");
    assert_eq!(span.item["traceId"], TRACE);
    let names: Vec<String> = attributes(&span.item).into_iter().map(|(k, _)| k).collect();
    for expected in ["svgx.slo.outcome", "http.response.status_code"] {
        assert!(names.iter().any(|n| n == expected), "{expected} in {names:?}");
    }
    assert!(received.records.iter().any(|r| r.item["traceId"] == TRACE));
    assert!(received.metrics.iter().any(|m| m.item["name"] == "svgx.operation.duration"));
}
