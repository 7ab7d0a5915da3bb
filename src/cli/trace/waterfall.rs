//! One trace as a waterfall: read from OTLP's JSON, as the Collector's file
//! exporter and the service's own `/traces/{id}` write it; drawn as SVG, or as
//! text for a terminal.

use std::collections::HashMap;
use std::fmt::Write as _;

use serde_json::Value;
use svgx_base::duration;
use svgx_base::svg::Canvas;
use svgx_base::xml::escape;

/// A span, as it is drawn.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Span {
    /// The trace, 32 hexadecimal digits.
    pub(super) trace_id: String,
    /// The span.
    pub(super) id: String,
    /// Its parent; empty for none.
    pub(super) parent: String,
    /// Its name.
    pub(super) name: String,
    /// Whether it is a request that came in.
    pub(super) is_server: bool,
    /// Whether it failed.
    pub(super) failed: bool,
    /// When it began, in nanoseconds since the epoch.
    pub(super) began: u64,
    /// When it ended.
    pub(super) ended: u64,
    /// What explains it.
    pub(super) attributes: Vec<(String, Value)>,
}

impl Span {
    fn seconds(&self) -> f64 {
        self.ended.saturating_sub(self.began) as f64 / 1e9
    }

    fn attribute(&self, key: &str) -> Option<&Value> {
        self.attributes.iter().find(|(k, _)| k == key).map(|(_, v)| v)
    }
}

/// Reads spans out of OTLP's JSON: one object, or one on each line. What is no
/// such object (a line that was cut off) is passed over.
pub(super) fn read(text: &str) -> Vec<Span> {
    let whole = serde_json::from_str::<Value>(text).ok();
    let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let objects: Vec<Value> = whole.map_or_else(|| lines.collect(), |one| vec![one]);
    let mut spans = Vec::new();
    for object in &objects {
        for resource in list(object, "resourceSpans") {
            for scope in list(resource, "scopeSpans") {
                spans.extend(list(scope, "spans").iter().map(span));
            }
        }
    }
    spans
}

/// The spans of one trace: the one asked for, or the one with the slowest request.
pub(super) fn pick<'s>(spans: &'s [Span], trace: Option<&str>) -> Vec<&'s Span> {
    let slowest = || {
        let requests = spans.iter().filter(|s| s.is_server);
        let slowest = requests.max_by_key(|s| s.ended.saturating_sub(s.began))?;
        Some(slowest.trace_id.as_str())
    };
    let Some(trace) = trace.or_else(slowest) else { return Vec::new() };
    spans.iter().filter(|s| s.trace_id.eq_ignore_ascii_case(trace)).collect()
}

fn list<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    value.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn span(value: &Value) -> Span {
    let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    // 64-bit numbers are text in OTLP's JSON; some writers leave them numbers.
    let number = |name: &str| {
        let value = value.get(name)?;
        value.as_u64().or_else(|| value.as_str()?.parse().ok())
    };
    Span {
        trace_id: text("traceId"),
        id: text("spanId"),
        parent: text("parentSpanId"),
        name: text("name"),
        is_server: number("kind") == Some(2) || text("kind") == "SPAN_KIND_SERVER",
        failed: value.pointer("/status/code").and_then(Value::as_u64) == Some(2),
        began: number("startTimeUnixNano").unwrap_or_default(),
        ended: number("endTimeUnixNano").unwrap_or_default(),
        attributes: list(value, "attributes")
            .iter()
            .filter_map(|a| Some((a.get("key")?.as_str()?.to_owned(), plain(a.get("value")?)?)))
            .collect(),
    }
}

fn plain(value: &Value) -> Option<Value> {
    if let Some(text) = value.get("intValue").and_then(Value::as_str) {
        return text.parse::<i64>().ok().map(Value::from);
    }
    ["stringValue", "intValue", "doubleValue", "boolValue"]
        .iter()
        .find_map(|kind| value.get(*kind).cloned())
}

/// Of equal siblings in a row, such as the iterations of a solver, how many are drawn apart.
const APART: usize = 3;

/// A span in its place in the tree, or the rest of many equal ones.
struct Row<'s> {
    span: &'s Span,
    depth: usize,
    /// The spans that the row stands for: itself, or the rest of equal siblings.
    spans: Vec<&'s Span>,
}

impl Row<'_> {
    fn is_rest(&self) -> bool {
        self.spans.len() > 1
    }

    fn name(&self) -> String {
        match self.spans.len() {
            0 | 1 => self.span.name.clone(),
            n => format!("{n} more"),
        }
    }

    fn ended(&self) -> u64 {
        self.spans.iter().map(|s| s.ended).max().unwrap_or(self.span.ended)
    }

    fn seconds(&self) -> f64 {
        self.spans.iter().map(|s| s.seconds()).sum()
    }

    fn explained(&self) -> Vec<String> {
        if self.is_rest() { Vec::new() } else { explained(self.span) }
    }
}

/// Parents before children, each in the order they began; `all`, or many equal siblings as one.
fn rows<'s>(spans: &[&'s Span], all: bool) -> Vec<Row<'s>> {
    let mut children: HashMap<&str, Vec<&'s Span>> = HashMap::new();
    let known: Vec<&str> = spans.iter().map(|s| s.id.as_str()).collect();
    for span in spans {
        // A parent that is not here, the caller's own span, is no row.
        let parent = if known.contains(&span.parent.as_str()) { span.parent.as_str() } else { "" };
        children.entry(parent).or_default().push(span);
    }
    for list in children.values_mut() {
        list.sort_by_key(|s| (s.began, std::cmp::Reverse(s.ended)));
    }
    let mut rows = Vec::with_capacity(spans.len());
    place("", 0, all, &mut children, &mut rows);
    rows
}

fn place<'s>(
    parent: &str,
    depth: usize,
    all: bool,
    children: &mut HashMap<&str, Vec<&'s Span>>,
    rows: &mut Vec<Row<'s>>,
) {
    let siblings = children.remove(parent).unwrap_or_default();
    let mut left = &siblings[..];
    while let Some(first) = left.first() {
        let equal = left.iter().take_while(|s| s.name == first.name).count();
        let (run, after) = left.split_at(equal);
        // A rest of one is no shorter than itself.
        let apart = if all || equal <= APART + 1 { equal } else { APART };
        for &span in &run[..apart] {
            rows.push(Row { span, depth, spans: vec![span] });
            // A span that names itself as its parent was taken out above.
            place(&span.id, depth + 1, all, children, rows);
        }
        if let Some(&span) = run.get(apart) {
            rows.push(Row { span, depth, spans: run[apart..].to_vec() });
        }
        left = after;
    }
}

/// The trace as text, `width` columns across.
pub(super) fn text(spans: &[&Span], width: usize, all: bool) -> String {
    let rows = rows(spans, all);
    let Some((from, whole)) = range(&rows) else { return String::new() };
    let names = rows.iter().map(|r| r.depth * 2 + r.name().chars().count()).max().unwrap_or(0);
    let bar = width.saturating_sub(names + 14).clamp(10, 120);
    let mut out = String::new();
    for row in &rows {
        let place = |at: u64| {
            let part = at.saturating_sub(from) as f64 / whole as f64;
            (part * bar as f64) as usize
        };
        let start = place(row.span.began).min(bar - 1);
        let end = place(row.ended()).clamp(start + 1, bar);
        let name = format!("{:indent$}{}", "", row.name(), indent = row.depth * 2);
        let drawn = format!("{}{}", " ".repeat(start), "█".repeat(end - start));
        // Writing into a String cannot fail.
        let _ =
            writeln!(out, "{name:<names$}  {drawn:<bar$} {:>10}", duration::short(row.seconds()));
        for line in row.explained() {
            let _ = writeln!(out, "{:names$}  {line}", "");
        }
    }
    out
}

/// When the first span began, and how long it takes from there to the last end.
fn range(rows: &[Row<'_>]) -> Option<(u64, u64)> {
    let from = rows.iter().map(|r| r.span.began).min()?;
    let to = rows.iter().map(Row::ended).max()?;
    Some((from, to.saturating_sub(from).max(1)))
}

/// What explains a span, in words: `120 bodies`, `predicted 4.1 ms`.
fn explained(span: &Span) -> Vec<String> {
    let mut words = Vec::new();
    for (key, value) in &span.attributes {
        if let Some(word) = phrase(key, value) {
            words.push(word);
        }
    }
    let mut lines: Vec<String> = Vec::new();
    for word in words {
        match lines.last_mut() {
            Some(line) if line.chars().count() + word.chars().count() < 100 => {
                line.push_str(" · ");
                line.push_str(&word);
            }
            _ => lines.push(word),
        }
    }
    lines
}

fn phrase(key: &str, value: &Value) -> Option<String> {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let count = |one: &str, many: &str| {
        let n = value.as_u64().unwrap_or_default();
        Some(format!("{n} {}", if n == 1 { one } else { many }))
    };
    let time = |what: &str| Some(format!("{what} {}", duration::short(value.as_f64()?)));
    match key {
        // Said by the name of the span, or by the line at the top.
        "http.request.method" | "http.route" | "url.path" | "url.scheme" => None,
        "http.response.status_code" => Some(format!("status {text}")),
        "http.request.body.size"
        | "http.response.body.size"
        | "svgx.output.size"
        | "svgx.document.size"
        | "svgx.write.size" => Some(bytes(value.as_u64()?)),
        "svgx.cost.predicted" => time("predicted"),
        "svgx.cost.actual" => time("processor"),
        "svgx.queue.ahead" => time("ahead"),
        "svgx.queue.waiting" => count("job waiting", "jobs waiting"),
        "svgx.time.limit" => time("allowed"),
        "svgx.element.count" => count("element", "elements"),
        "svgx.formula.count" => count("formula", "formulas"),
        "svgx.shape.count" => count("shape", "shapes"),
        "svgx.entity.count" => count("entity", "entities"),
        "svgx.equation.count" => count("equation", "equations"),
        "svgx.unknown.count" => count("unknown", "unknowns"),
        "svgx.component.count" => count("component", "components"),
        "svgx.joint.count" => count("joint", "joints"),
        "svgx.contact.count" => count("contact", "contacts"),
        "svgx.awake.count" => Some(format!("{text} awake")),
        "svgx.pixel.count" => count("pixel", "pixels"),
        "svgx.write.count" => count("write", "writes"),
        "svgx.deep.asked_by" => Some(format!("deep, asked for by the {text}")),
        "svgx.deep.dropped" => count("span did not fit", "spans did not fit"),
        // Said by what it stands below.
        "svgx.aggregated" => None,
        "svgx.formula.failed" if value == 0 => None,
        "svgx.formula.failed" => count("failed", "failed"),
        "svgx.body.count" => count("body", "bodies"),
        "svgx.step.count" => count("step", "steps"),
        "svgx.frame.count" => count("frame", "frames"),
        "svgx.iteration.count" => count("iteration", "iterations"),
        "svgx.constraint.count" => count("constraint", "constraints"),
        "svgx.simulated.time" => time("simulated"),
        "svgx.residual" => Some(match value.as_f64()? {
            mm if mm != 0.0 && mm.abs() < 1e-3 => format!("error {mm:.1e} mm"),
            mm => format!("error {mm:.3} mm"),
        }),
        "svgx.undo.depth" => count("step to undo", "steps to undo"),
        "svgx.cache.result" => Some(format!("cache {text}")),
        "svgx.tier" => Some(format!("tier {text}")),
        "svgx.budget.class" => Some(format!("class {text}")),
        "svgx.slo.outcome" => Some(text.replace('_', " ")),
        "svgx.operation.name" => None,
        "svgx.slo.reason" | "svgx.encoding" | "svgx.output.format" | "svgx.solver.name" => {
            Some(text)
        }
        other => Some(format!("{} {text}", other.trim_start_matches("svgx."))),
    }
}

fn bytes(n: u64) -> String {
    match n {
        n if n >= 10 << 20 => format!("{:.0} MiB", n as f64 / f64::from(1 << 20)),
        n if n >= 10 << 10 => format!("{:.0} KiB", n as f64 / 1024.0),
        n if n >= 1 << 10 => format!("{:.1} KiB", n as f64 / 1024.0),
        n => format!("{n} B"),
    }
}

const WIDTH: f64 = 1080.0;
const LEFT: f64 = 214.0;
const RIGHT: f64 = 96.0;
const TOP: f64 = 104.0;
const MARGIN: f64 = 28.0;

/// The trace as SVG: a card that reads on a light page and on a dark one.
pub(super) fn svg(spans: &[&Span], all: bool) -> String {
    let rows = rows(spans, all);
    let Some((from, whole)) = range(&rows) else { return String::new() };
    let notes: Vec<Vec<String>> = rows.iter().map(Row::explained).collect();
    let heights: Vec<f64> = notes.iter().map(|n| 30.0 + 15.0 * n.len() as f64).collect();
    let height = TOP + heights.iter().sum::<f64>() + 30.0;
    let across = WIDTH - LEFT - RIGHT;
    let x = |at: u64| LEFT + across * (at.saturating_sub(from) as f64 / whole as f64);
    let mut canvas = head(height, &rows);

    // The grid, at round times.
    let step = round_step(whole as f64 / 1e6);
    let bottom = height - 22.0;
    let mut tick = 0.0;
    while tick * 1e6 <= whole as f64 {
        let at = LEFT + across * (tick * 1e6 / whole as f64);
        canvas.segment((at, TOP - 8.0), (at, bottom), "class=\"grid\"");
        canvas.text((at, TOP - 14.0), "class=\"tick\"", &duration::short(tick / 1e3));
        tick += step;
    }

    let mut colors: Vec<&str> = Vec::new();
    let (mut y, mut above) = (TOP, Vec::new());
    for (row, notes) in rows.iter().zip(&notes) {
        let Row { span, depth, .. } = row;
        let (start, end) = (x(span.began), x(row.ended()));
        let length = (end - start).max(2.0);
        let indent = MARGIN + *depth as f64 * 18.0;
        // A branch grows from its sibling before, past whatever is below that.
        let from = above.get(*depth).copied().unwrap_or(y - 6.0);
        above.truncate(*depth);
        above.resize(depth + 1, y + 12.0);
        if *depth > 0 {
            let (left, down) = (indent - 11.0, y + 12.0);
            let branch = [vec![(left, from), (left, down), (left + 7.0, down)]];
            canvas.polyline(&branch, false, "class=\"tree\"");
        }
        let class = if *depth == 0 { "class=\"name root\"" } else { "class=\"name\"" };
        canvas.text((indent, y + 16.0), class, &row.name());
        // What has no colour of its own has that of the stage it is a part of, paler.
        colors.truncate(*depth);
        let own = color(span);
        let inherited = colors.last().copied().filter(|_| *depth > 1);
        let color = own.or(inherited).unwrap_or("#57606a");
        colors.push(color);
        let opacity = if own.is_none() && inherited.is_some() { "0.55" } else { "1" };
        let fill = format_args!("rx=\"3\" fill=\"{color}\" opacity=\"{opacity}\"");
        canvas.rect((start, y + 5.0), (length, 14.0), fill);
        // The duration stands right of its bar, or left where there is no room.
        let text = duration::short(row.seconds());
        let beside = start + length + 6.0;
        if beside + 62.0 < WIDTH {
            canvas.text((beside, y + 16.0), "class=\"time\"", &text);
        } else {
            let left = "class=\"time\" text-anchor=\"end\"";
            canvas.text((start - 6.0, y + 16.0), left, &text);
        }
        for (line, note) in notes.iter().enumerate() {
            // Notes begin under their bar, but never so far right that they run out of the card.
            let room = WIDTH - MARGIN - 6.1 * note.chars().count() as f64;
            let at = (start.min(room).max(LEFT), y + 31.0 + 15.0 * line as f64);
            canvas.text(at, "class=\"note\"", note);
        }
        y += 30.0 + 15.0 * notes.len() as f64;
    }
    canvas.finish()
}

const STYLE: &str = "\
text{font-family:ui-sans-serif,-apple-system,Segoe UI,Helvetica,Arial,sans-serif;fill:#1f2328}\
.title{font-size:19px;font-weight:600}.sub{font-size:12px;fill:#59636e}\
.name{font-size:13px}.root{font-weight:600}.time{font-size:12px;font-weight:600}\
.note{font-size:11px;fill:#59636e;paint-order:stroke;stroke:#fff;stroke-width:3px}\
.tick{font-size:11px;fill:#59636e;text-anchor:middle}\
.grid{stroke:#d1d9e0;stroke-width:1;fill:none}.tree{stroke:#afb8c1;stroke-width:1;fill:none}\
.badge{font-size:11px;font-weight:600;fill:#fff;text-anchor:middle}";

/// The card with its title: what was asked, how long it took, how it ended.
fn head(height: f64, rows: &[Row<'_>]) -> Canvas {
    let root = rows.first().map(|r| r.span);
    let of = |key: &str| root.and_then(|r| r.attribute(key)).and_then(Value::as_str).unwrap_or("");
    let title = root.map_or("", |r| r.name.as_str());
    let took = root.map_or(0.0, Span::seconds);
    let trace = root.map_or("", |r| r.trace_id.as_str());
    let outcome = of("svgx.slo.outcome").replace('_', " ");
    let badge = match of("svgx.slo.outcome") {
        "ok" => "#1a7f37",
        "failed" => "#cf222e",
        _ => "#9a6700",
    };
    let label = format!("role=\"img\" aria-label=\"Trace of {}\"", escape(title));
    let mut canvas = Canvas::new((WIDTH, height.round()), &label);
    canvas.style(STYLE);
    let card = "rx=\"10\" fill=\"#fff\" stroke=\"#d1d9e0\"";
    canvas.rect((0.5, 0.5), (WIDTH - 1.0, height - 1.0), card);
    let heading = format!("{title} · {}", duration::short(took));
    canvas.text((MARGIN, 40.0), "class=\"title\"", &heading);
    canvas.text((MARGIN, 60.0), "class=\"sub\"", &format!("trace {trace}"));
    if !outcome.is_empty() {
        let width = 18.0 + 6.6 * outcome.chars().count() as f64;
        let left = WIDTH - MARGIN - width;
        let fill = format_args!("rx=\"10\" fill=\"{badge}\"");
        canvas.rect((left, 25.0), (width, 20.0), fill);
        canvas.text((left + width / 2.0, 39.0), "class=\"badge\"", &outcome);
    }
    canvas
}

/// The colour of a stage, or of what failed.
fn color(span: &Span) -> Option<&'static str> {
    if span.failed {
        return Some("#cf222e");
    }
    Some(match span.name.as_str() {
        "admit" => "#8250df",
        "read" => "#6e7781",
        "queue" => "#bf8700",
        "work" => "#8c959f",
        "parse" => "#0969da",
        "evaluate" => "#1a7f37",
        "solve" => "#bc4c00",
        "step" => "#e16f24",
        "compile" => "#0550ae",
        "encode" => "#6639ba",
        "store" => "#953800",
        _ => return None,
    })
}

/// A round step that gives five to ten ticks.
fn round_step(milliseconds: f64) -> f64 {
    let raw = milliseconds / 8.0;
    let power = 10f64.powf(raw.log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|f| f * power).find(|s| *s >= raw).unwrap_or(raw)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[
        {"traceId":"aa","spanId":"1","name":"POST /simulate","kind":2,"startTimeUnixNano":"1000000","endTimeUnixNano":"9000000",
         "attributes":[{"key":"http.response.status_code","value":{"intValue":"200"}},{"key":"svgx.slo.outcome","value":{"stringValue":"over_budget"}}]},
        {"traceId":"aa","spanId":"3","parentSpanId":"2","name":"step","kind":1,"startTimeUnixNano":"3000000","endTimeUnixNano":"8000000",
         "attributes":[{"key":"svgx.body.count","value":{"intValue":"120"}},{"key":"svgx.residual","value":{"doubleValue":0.0125}}]},
        {"traceId":"aa","spanId":"2","parentSpanId":"1","name":"work","kind":1,"startTimeUnixNano":"2000000","endTimeUnixNano":"8500000"},
        {"traceId":"bb","spanId":"9","name":"GET <b>","kind":2,"startTimeUnixNano":"1","endTimeUnixNano":"2"}
        ]}]}]}"#;

    fn line() -> String {
        LINE.replace('\n', "")
    }

    #[test]
    fn the_slowest_request_is_picked_and_a_line_that_was_cut_off_is_passed_over() {
        let text = format!("{}\n{{\"resourceSpans\":[{{", line());
        let spans = read(&text);
        assert_eq!(spans.len(), 4);
        assert_eq!(pick(&spans, None).len(), 3);
        assert_eq!(pick(&spans, Some("BB")).len(), 1);
        assert!(pick(&spans, Some("cc")).is_empty());
    }

    #[test]
    fn a_terminal_shows_parents_before_children_with_what_explains_them() {
        let spans = read(&line());
        let text = text(&pick(&spans, None), 100, false);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].starts_with("POST /simulate") && lines[0].ends_with("8 ms"), "{text}");
        assert!(lines[1].contains("status 200 · over budget"), "{text}");
        assert!(lines[2].starts_with("  work "), "{text}");
        assert!(lines[3].starts_with("    step ") && lines[3].ends_with("5 ms"), "{text}");
        assert!(lines[4].contains("120 bodies · error 0.013 mm"), "{text}");
    }

    #[test]
    fn the_picture_is_xml_whatever_the_names_are() {
        let spans = read(&line());
        for trace in ["aa", "bb"] {
            let picture = svg(&pick(&spans, Some(trace)), false);
            roxmltree::Document::parse(&picture).expect("well-formed");
        }
        assert!(svg(&pick(&spans, Some("bb")), false).contains("GET &lt;b&gt;"));
        assert_eq!(svg(&[], false), "");
    }

    #[test]
    fn many_equal_siblings_are_one_row_unless_all_are_asked_for() {
        let span = |id: String, parent: &str, name: &str, began: u64| Span {
            trace_id: "aa".to_owned(),
            id,
            parent: parent.to_owned(),
            name: name.to_owned(),
            is_server: parent.is_empty(),
            failed: false,
            began,
            ended: began + 10,
            attributes: Vec::new(),
        };
        let mut spans = vec![span("1".to_owned(), "", "POST /solve", 0)];
        spans.extend((0..9).map(|i| span(format!("i{i}"), "1", "iteration", i * 10)));
        spans.extend((0..4).map(|i| span(format!("s{i}"), "1", "soft", 100 + i * 10)));
        // What is below those that are not drawn apart is not drawn either.
        spans.extend((0..9).map(|i| span(format!("b{i}"), &format!("i{i}"), "step", i * 10)));
        let seen = |all: bool| {
            let picked = pick(&spans, None);
            rows(&picked, all).iter().map(Row::name).collect::<Vec<String>>()
        };
        assert_eq!(seen(true).len(), spans.len());
        let expected = ["POST /solve", "iteration", "step", "iteration", "step", "iteration"];
        assert_eq!(seen(false)[..6], expected);
        assert_eq!(seen(false)[6..], ["step", "6 more", "soft", "soft", "soft", "soft"]);
        let picked = pick(&spans, None);
        let rest = rows(&picked, false).into_iter().find(Row::is_rest).expect("a rest");
        assert_eq!((rest.span.began, rest.ended()), (30, 90));
        assert!((rest.seconds() - 60e-9).abs() < 1e-12);
    }

    #[test]
    fn the_grid_has_round_times() {
        for (whole, step) in [(8.0, 1.0), (812.0, 200.0), (0.03, 0.005)] {
            assert!(
                (round_step(whole) - step).abs() < step * 1e-9,
                "{whole}: {}",
                round_step(whole)
            );
        }
    }
}
