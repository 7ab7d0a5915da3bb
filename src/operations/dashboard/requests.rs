//! Requests: rate, errors, duration; and what they cost the machine.

use svgx_controller::spec::Spec;

use super::WHO;
use super::model::{Colour, Dashboard, Panel, Row, Target, Unit, View, good_until};

pub(super) const COUNT: &str = "http_server_request_duration_seconds_count";
const BUCKET: &str = "http_server_request_duration_seconds_bucket";

pub(super) fn dashboard(spec: &Spec) -> Dashboard {
    Dashboard {
        uid: crate::links::REQUESTS,
        title: "SVGX Engine / Requests and resources",
        description: "How many requests come, how many fail, how long they take, and what they \
                      cost the machine.",
        variables: Vec::new(),
        rows: vec![
            Row { title: "At a glance", panels: glance(spec) },
            Row { title: "By route", panels: routes() },
            Row { title: "Resources", panels: resources(spec) },
            Row { title: "Behind the scenes", panels: behind(spec) },
        ],
    }
}

/// A counter's growth a second, summed by `by`.
pub(super) fn rate(metric: &str, more: &str, by: &str) -> String {
    let by = if by.is_empty() { String::new() } else { format!(" by ({by})") };
    format!("sum{by} (rate({metric}{{{WHO}{more}}}[$__rate_interval]))")
}

/// The six panels of the guide.
pub(super) fn glance(spec: &Spec) -> Vec<Panel> {
    let [ui, redraw, _] = &spec.objectives;
    let p95 = Panel::lines(
        "P95 response time by class",
        Unit::Seconds,
        format!("{} {}", sentence(spec, &ui.slo), sentence(spec, &redraw.slo)),
        spec.objectives
            .iter()
            .map(|o| Target {
                exemplars: true,
                ..Target::new(quantile(&o.target.to_string(), o.class.as_str()), o.class.as_str())
            })
            .collect(),
    )
    .steps(good_until(&[
        (ui.threshold.as_f64(), Colour::Yellow),
        (redraw.threshold.as_f64(), Colour::Red),
    ]))
    .up_to(0.05);
    vec![
        p95,
        Panel::lines(
            "Requests",
            Unit::Rate,
            "Requests answered in a second, by the class of their status.",
            vec![
                Target::new(rate(COUNT, ", http_response_status_code=~\"2..\"", ""), "2xx"),
                Target::new(rate(COUNT, ", http_response_status_code=~\"3..\"", ""), "3xx"),
                Target::new(rate(COUNT, ", http_response_status_code=~\"4..\"", ""), "4xx"),
                Target::new(rate(COUNT, ", http_response_status_code=~\"5..\"", ""), "5xx"),
            ],
        )
        .view(View::Stack),
        Panel::lines(
            "Server errors",
            Unit::Rate,
            "Answers with 5xx in a second, by their code; 503 is a refusal of the controller.",
            vec![Target::new(
                rate(COUNT, ", http_response_status_code=~\"5..\"", "http_response_status_code"),
                "{{http_response_status_code}}",
            )],
        ),
        Panel::lines(
            "Memory",
            Unit::Bytes,
            sentence(spec, "svgx-memory"),
            vec![Target::new(format!("process_memory_usage_bytes{{{WHO}}}"), "{{instance}}")],
        )
        .steps(line(spec, "svgx-memory"))
        .up_to(1024e6),
        Panel::lines(
            "Processor",
            Unit::Share,
            sentence(spec, "svgx-cpu"),
            vec![Target::new(
                format!("sum by (instance) (process_cpu_utilization_ratio{{{WHO}}})"),
                "{{instance}}",
            )],
        )
        .steps(line(spec, "svgx-cpu"))
        .up_to(1.0),
        Panel::stat(
            "Active requests",
            Unit::Number,
            "Requests being worked on now.",
            vec![Target::new(format!("sum(http_server_active_requests{{{WHO}}})"), "active")],
        )
        .size(8, 8),
    ]
}

/// The sentence of an objective.
pub(super) fn sentence(spec: &Spec, slo: &str) -> String {
    spec.slo(slo).map(|s| s.spec.description.clone()).unwrap_or_default()
}

/// A red line at the bound of an objective.
pub(super) fn line(spec: &Spec, slo: &str) -> Vec<super::model::ColourFrom> {
    let bound: Vec<_> = super::bound(spec, slo).map(|b| (b, Colour::Red)).into_iter().collect();
    good_until(&bound)
}

fn quantile(quantile: &str, class: &str) -> String {
    format!(
        "histogram_quantile({quantile}, sum by (le) (rate(svgx_operation_duration_seconds_bucket\
         {{{WHO}, svgx_budget_class=\"{class}\"}}[$__rate_interval])))"
    )
}

fn routes() -> Vec<Panel> {
    vec![
        Panel::lines(
            "Rate by route",
            Unit::Rate,
            "Requests in a second. Where no route matched, the name is empty.",
            vec![Target::new(rate(COUNT, "", "http_route"), "{{http_route}}")],
        ),
        Panel::lines(
            "Error share by route",
            Unit::Share,
            "Share of answers with 5xx.",
            vec![Target::new(
                format!(
                    "{} / ({} > 0)",
                    rate(COUNT, ", http_response_status_code=~\"5..\"", "http_route"),
                    rate(COUNT, "", "http_route")
                ),
                "{{http_route}}",
            )],
        ),
        Panel::lines(
            "P95 by route",
            Unit::Seconds,
            "From the first byte read to the answer. The dots are kept traces: click one to see \
             where its time went.",
            vec![Target {
                exemplars: true,
                ..Target::new(
                    format!("histogram_quantile(0.95, {})", rate(BUCKET, "", "le, http_route")),
                    "{{http_route}}",
                )
            }],
        ),
        Panel {
            min: None,
            ..Panel::lines(
                "Latency heat map",
                Unit::Seconds,
                "How many requests fell between two edges of the histogram; the edges include every \
                 budget exactly.",
                vec![Target {
                    exemplars: true,
                    ..Target::new(
                        format!("sum by (le) (increase({BUCKET}{{{WHO}}}[$__rate_interval]))"),
                        "{{le}}",
                    )
                }],
            )
        }
        .view(View::Heatmap)
        .size(16, 9),
        Panel::lines(
            "Quantiles of all requests",
            Unit::Seconds,
            "P50, P95 and P99 of every request.",
            [("0.5", "P50"), ("0.95", "P95"), ("0.99", "P99")]
                .iter()
                .map(|(q, name)| {
                    Target::new(
                        format!("histogram_quantile({q}, {})", rate(BUCKET, "", "le")),
                        *name,
                    )
                })
                .collect(),
        )
        .size(8, 9),
    ]
}

fn resources(spec: &Spec) -> Vec<Panel> {
    let gauge = |metric: &str| format!("sum({metric}{{{WHO}}})");
    vec![
        Panel::lines(
            "Processor time by mode",
            Unit::Share,
            sentence(spec, "svgx-cpu"),
            vec![Target::new(
                format!("sum by (cpu_mode) (process_cpu_utilization_ratio{{{WHO}}})"),
                "{{cpu_mode}}",
            )],
        )
        .view(View::Stack),
        Panel::lines(
            "Memory by holder",
            Unit::Bytes,
            "Resident: what counts against the limit. Heap: what the allocator holds, and what of \
             it is in use; a growing gap is fragmentation, a growing use is a leak or more sessions.",
            vec![
                Target::new(gauge("process_memory_usage_bytes"), "resident"),
                Target::new(gauge("svgx_heap_resident_bytes"), "heap"),
                Target::new(gauge("svgx_heap_allocated_bytes"), "in use"),
                Target::new(gauge("svgx_cache_size_bytes"), "document cache"),
            ],
        ),
        Panel::lines(
            "Connections and threads",
            Unit::Number,
            "Open connections of the public listener, and what the process holds open.",
            vec![
                Target::new(gauge("svgx_server_connections"), "connections"),
                Target::new(gauge("process_unix_file_descriptor_count"), "descriptors"),
                Target::new(gauge("http_server_active_requests"), "active requests"),
                Target::new(gauge("process_thread_count"), "threads"),
            ],
        ),
    ]
}

fn behind(spec: &Spec) -> Vec<Panel> {
    vec![
        Panel::lines(
            "Throttled by the control group",
            Unit::Share,
            "Share of the time in which the process wanted a processor and its limit said no.",
            vec![Target::new(
                format!(
                    "sum by (instance) (rate(svgx_cgroup_throttled_seconds_total{{{WHO}}}[$__rate_interval]))"
                ),
                "{{instance}}",
            )],
        ),
        Panel::lines(
            "Document cache",
            Unit::Share,
            "Share of look-ups that found the document parsed.",
            vec![Target::new(
                format!(
                    "{} / ({} > 0)",
                    rate("svgx_cache_requests_total", ", svgx_cache_result=\"hit\"", ""),
                    rate("svgx_cache_requests_total", "", "")
                ),
                "hits",
            )],
        ),
        Panel::lines(
            "Telemetry lost",
            Unit::Number,
            sentence(spec, "svgx-telemetry"),
            vec![Target::new(
                rate("svgx_telemetry_lost_total", "", "svgx_telemetry_signal, svgx_telemetry_loss"),
                "{{svgx_telemetry_signal}} {{svgx_telemetry_loss}}",
            )],
        ),
    ]
}
