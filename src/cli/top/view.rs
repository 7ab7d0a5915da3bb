//! What is shown: read from `/slo`, `/metrics` and `/traces`, and made into
//! tables of words. The screen and the plain text show the same.

use serde_json::Value;
use svgx_base::duration;

/// Slow requests shown.
const SLOW: usize = 12;

/// One look at a service.
#[derive(Clone, Debug, Default)]
pub(super) struct View {
    /// Who it is and how it stands.
    pub(super) title: String,
    /// The process and its telemetry, a line each.
    pub(super) facts: Vec<String>,
    /// Classes against their budgets.
    pub(super) classes: Table,
    /// The share of its budget that each class uses, in the same order.
    pub(super) used: Vec<Option<f64>>,
    /// The queues.
    pub(super) lanes: Table,
    /// The first of the traces the service remembers, in the order asked for.
    pub(super) slow: Table,
}

/// The order of requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Sort {
    /// The slowest first.
    #[default]
    Duration,
    /// The newest first.
    Time,
    /// By method and path, the slowest of each first.
    Name,
}

impl Sort {
    /// The one after it.
    pub(super) fn next(self) -> Sort {
        match self {
            Sort::Duration => Sort::Time,
            Sort::Time => Sort::Name,
            Sort::Name => Sort::Duration,
        }
    }
}

/// Words in columns; the rows that need attention are marked.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    pub(super) head: Vec<&'static str>,
    /// Columns that may go where there is no room, the first one first.
    pub(super) spare: &'static [&'static str],
    pub(super) rows: Vec<(Mark, Vec<String>)>,
}

/// Whether a row needs attention.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Mark {
    /// All is well.
    #[default]
    Good,
    /// Worth a look.
    Warn,
    /// The budget is spent.
    Bad,
}

impl View {
    pub(super) fn of(from: &str, slo: &Value, page: &str, traces: &[Value], sort: Sort) -> View {
        let page = Page(page);
        View {
            title: title(from, slo, &page),
            facts: facts(&page),
            classes: classes(slo),
            used: used(slo),
            lanes: lanes(slo),
            slow: slow(traces, sort),
        }
    }

    /// As plain text.
    pub(super) fn text(&self) -> String {
        let mut out = format!("{}\n", self.title);
        for fact in &self.facts {
            out.push_str(&format!("{fact}\n"));
        }
        for table in [&self.classes, &self.lanes, &self.slow] {
            out.push('\n');
            table.write(&mut out);
        }
        out
    }
}

impl Table {
    /// The width of each column.
    pub(super) fn widths(&self) -> Vec<usize> {
        let mut widths: Vec<usize> = self.head.iter().map(|h| h.chars().count()).collect();
        for (_, row) in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        widths
    }

    /// The columns that fit into `width`, with `gap` between them.
    pub(super) fn columns(&self, width: usize, gap: usize) -> Vec<usize> {
        let widths = self.widths();
        let mut shown: Vec<usize> = (0..widths.len()).collect();
        for spare in self.spare {
            let needed: usize =
                shown.iter().filter_map(|at| widths.get(*at)).map(|w| w + gap).sum();
            if needed <= width + gap {
                break;
            }
            shown.retain(|at| self.head.get(*at) != Some(spare));
        }
        shown
    }

    fn write(&self, out: &mut String) {
        let widths = self.widths();
        let mut line = |cells: &mut dyn Iterator<Item = &str>| {
            let padded: Vec<String> =
                cells.zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
            out.push_str(padded.join("  ").trim_end());
            out.push('\n');
        };
        line(&mut self.head.iter().copied());
        for (_, row) in &self.rows {
            line(&mut row.iter().map(String::as_str));
        }
    }
}

/// The text of `/metrics`.
struct Page<'t>(&'t str);

impl Page<'_> {
    /// The sum of a metric's series whose labels contain all of `labels`.
    fn sum(&self, name: &str, labels: &[&str]) -> f64 {
        self.0
            .lines()
            .filter(|line| {
                let rest = line.strip_prefix(name).unwrap_or_default();
                rest.starts_with(['{', ' ']) && labels.iter().all(|l| rest.contains(l))
            })
            .filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok())
            // An empty sum of floats is -0.
            .fold(0.0, |sum, value| sum + value)
    }

    /// A label of `target_info`.
    fn who(&self, label: &str) -> &str {
        let line = self.0.lines().find(|l| l.starts_with("target_info{")).unwrap_or_default();
        let rest = line.split_once(&format!("{label}=\"")).map_or("", |(_, rest)| rest);
        rest.split('"').next().unwrap_or_default()
    }
}

fn word<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or("-")
}

fn number(value: &Value, name: &str) -> f64 {
    value[name].as_f64().unwrap_or(0.0)
}

fn title(from: &str, slo: &Value, page: &Page<'_>) -> String {
    let stale = if slo["stale"] == true { " · sensors stale: fixed limits hold" } else { "" };
    format!(
        "{} {} ({}) at {from} · controller {} · tier {} · {:.2} of {:.2} processors · up {}{stale}",
        page.who("service_name"),
        page.who("service_version"),
        page.who("deployment_environment_name"),
        word(slo, "mode"),
        word(slo, "tier"),
        number(slo, "capacity"),
        number(slo, "cores"),
        duration::coarse(page.sum("process_uptime_seconds", &[]) as u64),
    )
}

fn facts(page: &Page<'_>) -> Vec<String> {
    let requests = page.sum("http_server_request_duration_seconds_count", &[]);
    let failed = page.sum("http_server_request_duration_seconds_count", &["error_type="]);
    let outcome = |name: &str| {
        page.sum("svgx_operation_outcomes_total", &[&format!("svgx_slo_outcome=\"{name}\"")])
    };
    let operations = page.sum("svgx_operation_outcomes_total", &[]);
    let share = |n: f64, of: f64| if of > 0.0 { 100.0 * n / of } else { 0.0 };
    let lost = |signal: &str| {
        page.sum("svgx_telemetry_lost_total", &[&format!("svgx_telemetry_signal=\"{signal}\"")])
    };
    vec![
        format!(
            "requests {requests} · active {} · connections {} · 5xx {:.2} % · of {operations} operations: \
             shed {:.2} %, degraded {:.2} %, over budget {:.2} %",
            page.sum("http_server_active_requests", &[]),
            page.sum("svgx_server_connections", &[]),
            share(failed, requests),
            share(outcome("shed"), operations),
            share(outcome("degraded"), operations),
            share(outcome("over_budget"), operations),
        ),
        format!(
            "processor {:.0} % · memory {:.0} MiB · heap {:.0} MiB · throttled {:.1} s · threads {} · \
             sessions {} · cache {:.1} MiB",
            100.0 * page.sum("process_cpu_utilization_ratio", &[]),
            page.sum("process_memory_usage_bytes", &[]) / f64::from(1 << 20),
            page.sum("svgx_heap_allocated_bytes", &[]) / f64::from(1 << 20),
            page.sum("svgx_cgroup_throttled_seconds_total", &[]),
            page.sum("process_thread_count", &[]),
            page.sum("svgx_session_live", &[]),
            page.sum("svgx_cache_size_bytes", &[]) / f64::from(1 << 20),
        ),
        format!(
            "telemetry sent {} · lost: traces {}, metrics {}, logs {}, lines {}",
            page.sum("svgx_telemetry_sent_total", &[]),
            lost("traces"),
            lost("metrics"),
            lost("logs"),
            lost("lines"),
        ),
    ]
}

fn used(slo: &Value) -> Vec<Option<f64>> {
    let classes = slo["classes"].as_array().into_iter().flatten();
    classes.map(|c| c["p95_ms"].as_f64().map(|p95| p95 / number(c, "budget_ms"))).collect()
}

fn classes(slo: &Value) -> Table {
    let mut table = Table {
        spare: &["OFFERED", "ANSWERS ui/edit/compute", "1h", "5m", "BURN 1s"],
        head: vec![
            "CLASS",
            "P95",
            "BUDGET",
            "USED",
            "SHED 12s",
            "BURN 1s",
            "12s",
            "5m",
            "1h",
            "OFFERED",
            "ANSWERS ui/edit/compute",
        ],
        rows: Vec::new(),
    };
    for class in slo["classes"].as_array().into_iter().flatten() {
        let budget = number(class, "budget_ms");
        let p95 = class["p95_ms"].as_f64();
        let used = p95.map(|p| p / budget);
        let window = |name: &str| {
            let windows = class["windows"].as_array()?;
            windows.iter().find(|w| w["window"] == name)
        };
        let burn = |name| window(name).map_or(0.0, |w| number(w, "burn_rate"));
        let shed = window("12s").map_or(0.0, |w| 1.0 - number(w, "admitted_ratio"));
        let delivered: Vec<String> =
            class["delivered"].as_array().into_iter().flatten().map(ToString::to_string).collect();
        let mark = match used {
            _ if class["closed"] == true => Mark::Bad,
            Some(used) if used > 1.0 => Mark::Bad,
            _ if shed > 0.0 || burn("12s") > 1.0 => Mark::Warn,
            _ => Mark::Good,
        };
        let mut row = vec![
            word(class, "class").to_owned(),
            p95.map_or_else(|| "-".to_owned(), |p| format!("{p:.2} ms")),
            format!("{budget:.0} ms"),
            used.map_or_else(|| "-".to_owned(), |u| format!("{:.0} %", 100.0 * u)),
            format!("{:.1} %", 100.0 * shed),
        ];
        row.extend(["1s", "12s", "5m", "1h"].map(|w| format!("{:.2}", burn(w))));
        row.push(format!("{:.2} cpu", number(class, "offered")));
        row.push(delivered.join(" / "));
        table.rows.push((mark, row));
    }
    table
}

fn lanes(slo: &Value) -> Table {
    let mut table = Table {
        head: vec!["LANE", "WAITING", "RUNNING", "WORKERS", "BACKLOG"],
        ..Table::default()
    };
    for lane in slo["lanes"].as_array().into_iter().flatten() {
        let mark = if number(lane, "waiting") > 0.0 { Mark::Warn } else { Mark::Good };
        let row = vec![
            word(lane, "lane").to_owned(),
            lane["waiting"].to_string(),
            lane["running"].to_string(),
            lane["workers"].to_string(),
            format!("{:.2} ms", number(lane, "backlog_ms")),
        ];
        table.rows.push((mark, row));
    }
    table
}

fn slow(traces: &[Value], sort: Sort) -> Table {
    let mut sorted: Vec<&Value> = traces.iter().collect();
    sorted.sort_by(|a, b| number(b, "duration_ms").total_cmp(&number(a, "duration_ms")));
    match sort {
        Sort::Duration => {}
        // ISO 8601 in UTC sorts as text.
        Sort::Time => sorted.sort_by(|a, b| word(b, "began").cmp(word(a, "began"))),
        Sort::Name => sorted.sort_by(|a, b| word(a, "name").cmp(word(b, "name"))),
    }
    let rows = sorted.into_iter().take(SLOW).map(|t| {
        let mark = match word(t, "outcome") {
            "ok" => Mark::Good,
            "failed" => Mark::Bad,
            _ => Mark::Warn,
        };
        // The time of day is enough of a moment that is minutes ago.
        let began = word(t, "began");
        let row = vec![
            format!("{:.2} ms", number(t, "duration_ms")),
            word(t, "name").to_owned(),
            word(t, "outcome").to_owned(),
            word(&t["attributes"], "svgx.slo.reason").to_owned(),
            began.get(11..23).unwrap_or(began).to_owned(),
            word(t, "trace_id").to_owned(),
        ];
        (mark, row)
    });
    Table {
        spare: &["REASON", "AT (UTC)"],
        head: vec!["TOOK", "REQUEST", "OUTCOME", "REASON", "AT (UTC)", "TRACE"],
        rows: rows.collect(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_class_over_its_budget_is_marked_and_the_numbers_are_those_of_the_service() {
        let slo = json!({
            "mode": "on", "tier": "edit", "capacity": 1.5, "cores": 2.0, "stale": false,
            "classes": [{"class": "ui", "budget_ms": 16.0, "p95_ms": 20.0, "closed": false,
                "offered": 0.5, "delivered": [1, 2, 3],
                "windows": [{"window": "12s", "admitted_ratio": 0.75, "burn_rate": 4.0}]}],
            "lanes": [{"lane": "urgent", "waiting": 2, "running": 1, "workers": 2, "backlog_ms": 3.5}],
        });
        let page = "target_info{service_name=\"svgx-engine\",service_version=\"0.1.0\"} 1\n\
            process_uptime_seconds 3725\n\
            svgx_operation_outcomes_total{svgx_slo_outcome=\"ok\"} 3\n\
            svgx_operation_outcomes_total{svgx_slo_outcome=\"shed\"} 1\n";
        let traces = [
            json!({"duration_ms": 1.0, "name": "GET /state", "outcome": "ok", "trace_id": "aa"}),
            json!({"duration_ms": 9.0, "name": "POST /parse", "outcome": "shed", "trace_id": "bb",
                "began": "2026-11-25T03:04:05.678901Z", "attributes": {"svgx.slo.reason": "backstop"}}),
        ];
        let view = View::of("here", &slo, page, &traces, Sort::Duration);
        assert!(view.title.starts_with("svgx-engine 0.1.0"), "{}", view.title);
        assert!(view.title.contains("tier edit") && view.title.ends_with("up 1 h 2 min"));
        assert!(view.facts[0].contains("shed 25.00 %"), "{}", view.facts[0]);
        let (mark, ui) = &view.classes.rows[0];
        assert_eq!(*mark, Mark::Bad);
        assert_eq!(ui[..5], ["ui", "20.00 ms", "16 ms", "125 %", "25.0 %"]);
        let text = view.text();
        let slowest =
            text.lines().find(|l| l.starts_with("9.00 ms")).expect("the slowest is there");
        assert!(slowest.contains("backstop") && slowest.ends_with("bb"), "{slowest}");
        assert!(slowest.contains("03:04:05.678"), "{slowest}");
    }

    #[test]
    fn requests_are_in_the_order_asked_for() {
        let trace = |ms: f64, name: &str, began: &str| json!({"duration_ms": ms, "name": name, "outcome": "ok", "began": began, "trace_id": "a"});
        let traces = [
            trace(1.0, "POST /b", "2026-11-25T03:04:07Z"),
            trace(9.0, "POST /b", "2026-11-25T03:04:05Z"),
            trace(5.0, "POST /a", "2026-11-25T03:04:06Z"),
        ];
        let mut sort = Sort::default();
        for expected in
            [["9.00", "5.00", "1.00"], ["1.00", "5.00", "9.00"], ["5.00", "9.00", "1.00"]]
        {
            let rows = slow(&traces, sort).rows;
            let took: Vec<&str> =
                rows.iter().filter_map(|(_, row)| row.first()?.strip_suffix(" ms")).collect();
            assert_eq!(took, expected, "{sort:?}");
            sort = sort.next();
        }
        assert_eq!(sort, Sort::default());
    }

    #[test]
    fn columns_go_in_their_order_until_the_rest_fits() {
        let table = Table {
            head: vec!["AAAA", "BBBB", "CCCC"],
            spare: &["CCCC", "AAAA"],
            rows: Vec::new(),
        };
        for (width, shown) in [(16, vec![0, 1, 2]), (15, vec![0, 1]), (9, vec![1]), (1, vec![1])] {
            assert_eq!(table.columns(width, 2), shown, "{width}");
        }
    }
}
