//! The access line: one for each request, to standard error always, and to the
//! collector where the trace is kept, so that a trace always has its line.
//!
//! It says what the service knows of a request and nothing the caller wrote:
//! no key, no query, no text of a document, no path that is not a declared one.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use opentelemetry::logs::{LogRecord as _, Logger as _, Severity};
use opentelemetry::trace::{SpanId, TraceFlags, TraceId};
use opentelemetry_sdk::logs::SdkLogger;

use super::log_writer::LogWriter;
use super::settings::LogFormat;
use svgx_base::digits::{decimal, hexadecimal};

/// What the line is called: the target in the filter of levels, and the name of the event.
pub const EVENT: &str = "svgx.request";

/// What is said of a request.
#[derive(Clone, Copy, Debug)]
pub struct AccessLine<'r> {
    /// When it was answered, by the time of day.
    pub at: SystemTime,
    /// Its trace and its span.
    pub trace: (TraceId, SpanId),
    /// `GET`, `POST`, ... or `_OTHER`.
    pub method: &'static str,
    /// The route; none where none matched.
    pub route: Option<&'static str>,
    /// The status code.
    pub status: u16,
    /// From the first byte to the answer.
    pub duration: Duration,
    /// The part of it spent waiting for a thread.
    pub queued: Duration,
    /// Bytes of the body of the answer.
    pub bytes: u64,
    /// The name of the key, as the operator gave it; not the key.
    pub key: &'r str,
    /// The class of its budget.
    pub class: Option<&'static str>,
    /// How it ended.
    pub outcome: &'static str,
    /// Why, in one word.
    pub reason: Option<&'static str>,
}

/// Lets so many pass in each second.
#[derive(Debug, Default)]
pub(crate) struct Throttle(AtomicU64);

/// Lines of refused requests in a second.
const REFUSED: u64 = 20;

impl Throttle {
    /// Whether one more may pass at this time. Of two threads that begin a second at once, one
    /// counts.
    pub(crate) fn allows(&self, at: SystemTime) -> bool {
        let second = at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        // The second above, the count below: both change in one step.
        let next = |old: u64| match old >> 16 == second & (u64::MAX >> 16) {
            true => (old & 0xffff < REFUSED).then_some(old + 1),
            false => Some(second << 16 | 1),
        };
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).is_ok()
    }
}

/// Whether a character stands for itself in a JSON string.
fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\'
}

enum Value<'r> {
    Word(&'r str),
    Count(u64),
    Time(Duration),
}

/// A line, and what most lines of the same second begin with.
#[derive(Default)]
struct Scratch {
    line: String,
    /// Since the Unix epoch.
    second: u64,
    /// `second` by the calendar, without its `Z`.
    date: String,
}

/// A time since the Unix epoch by the calendar; the epoch for what is beyond it.
fn timestamp(since: Duration) -> jiff::Timestamp {
    i64::try_from(since.as_micros())
        .ok()
        .and_then(|us| jiff::Timestamp::from_microsecond(us).ok())
        .unwrap_or_default()
}

impl AccessLine<'_> {
    fn fields(&self, mut field: impl FnMut(&'static str, Value<'_>)) {
        field("http.request.method", Value::Word(self.method));
        if let Some(route) = self.route {
            field("http.route", Value::Word(route));
        }
        field("http.response.status_code", Value::Count(u64::from(self.status)));
        field("svgx.request.duration", Value::Time(self.duration));
        field("svgx.queue.wait", Value::Time(self.queued));
        field("http.response.body.size", Value::Count(self.bytes));
        field("svgx.key.name", Value::Word(self.key));
        if let Some(class) = self.class {
            field("svgx.budget.class", Value::Word(class));
        }
        field("svgx.slo.outcome", Value::Word(self.outcome));
        if let Some(reason) = self.reason {
            field("svgx.slo.reason", Value::Word(reason));
        }
    }

    fn json(&self, scratch: &mut Scratch) {
        let Scratch { line, second, date } = scratch;
        let since = self.at.duration_since(UNIX_EPOCH).unwrap_or_default();
        if date.is_empty() || *second != since.as_secs() {
            *second = since.as_secs();
            *date = timestamp(Duration::from_secs(*second)).to_string();
            date.truncate(date.find('Z').unwrap_or(date.len()));
        }
        line.push_str("{\"timestamp\":\"");
        line.push_str(date);
        line.push('.');
        decimal(since.subsec_micros().into(), 6, line);
        line.push_str("Z\"");
        line.push_str(",\"level\":\"INFO\",\"target\":\"");
        line.push_str(EVENT);
        line.push_str("\",\"trace_id\":\"");
        hexadecimal(self.trace.0.to_bytes(), line);
        line.push_str("\",\"span_id\":\"");
        hexadecimal(self.trace.1.to_bytes(), line);
        line.push_str("\",\"trace_flags\":\"01\"");
        self.fields(|name, value| {
            line.push_str(",\"");
            line.push_str(name);
            line.push_str("\":");
            match value {
                Value::Word(word) if word.bytes().all(is_plain) => {
                    line.push('"');
                    line.push_str(word);
                    line.push('"');
                }
                Value::Word(word) => {
                    line.push_str(&serde_json::to_string(word).unwrap_or_default());
                }
                Value::Count(n) => decimal(n, 1, line),
                Value::Time(time) => {
                    decimal(time.as_secs(), 1, line);
                    line.push('.');
                    decimal(time.subsec_micros().into(), 6, line);
                }
            }
        });
        line.push_str("}\n");
    }

    fn pretty(&self, line: &mut String) {
        let now = timestamp(self.at.duration_since(UNIX_EPOCH).unwrap_or_default());
        // Writing into a String cannot fail.
        let _ = writeln!(
            line,
            "{now:.3}  {} {:<16} {} {:>9.3} ms  {:<8} {:<11} {} trace {}",
            self.method,
            self.route.unwrap_or("-"),
            self.status,
            self.duration.as_secs_f64() * 1e3,
            self.class.unwrap_or("-"),
            self.outcome,
            self.reason.unwrap_or(""),
            self.trace.0
        );
    }

    /// Writes the line.
    pub(crate) fn write(&self, format: LogFormat, lines: &LogWriter) {
        thread_local! {
            static SCRATCH: RefCell<Scratch> = RefCell::default();
        }
        SCRATCH.with_borrow_mut(|scratch| {
            scratch.line.clear();
            match format {
                LogFormat::Json => self.json(scratch),
                LogFormat::Pretty => self.pretty(&mut scratch.line),
            }
            lines.write(scratch.line.as_bytes());
        });
    }

    /// Queues the line for the collector.
    pub(crate) fn emit(&self, logger: &SdkLogger) {
        let mut record = logger.create_log_record();
        record.set_event_name(EVENT);
        record.set_target(EVENT);
        record.set_timestamp(self.at);
        record.set_severity_number(Severity::Info);
        record.set_severity_text("INFO");
        record.set_trace_context(self.trace.0, self.trace.1, Some(TraceFlags::SAMPLED));
        self.fields(|name, value| match value {
            Value::Word(word) => record.add_attribute(name, word.to_owned()),
            Value::Count(n) => record.add_attribute(name, i64::try_from(n).unwrap_or(i64::MAX)),
            Value::Time(time) => record.add_attribute(name, time.as_secs_f64()),
        });
        logger.emit(record);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_refusals_writes_a_few_lines_a_second() {
        let throttle = Throttle::default();
        let at = |ms| UNIX_EPOCH + Duration::from_millis(ms);
        let passed = |from: u64, n: u64| {
            (0..n).filter(|i| throttle.allows(at(from + i % 1_000))).count() as u64
        };
        assert_eq!(passed(1_000, 5_000), REFUSED);
        assert_eq!(passed(2_000, 5), 5);
        assert_eq!(passed(2_500, 500), REFUSED - 5);
        // A clock that is set back begins anew.
        assert_eq!(passed(1_000, 500), REFUSED);
    }

    #[test]
    fn the_line_is_json_with_the_trace_at_the_top_level() {
        let access = AccessLine {
            at: UNIX_EPOCH + Duration::from_micros(1_000_042),
            trace: (TraceId::from(7u128), SpanId::from(9u64)),
            method: "POST",
            route: Some("/parse"),
            status: 200,
            duration: Duration::from_micros(1_500),
            queued: Duration::ZERO,
            bytes: 42,
            key: "a \"quoted\" name",
            class: Some("redraw"),
            outcome: "ok",
            reason: None,
        };
        let mut scratch = Scratch::default();
        access.json(&mut scratch);
        let line = &scratch.line;
        let value: serde_json::Value = serde_json::from_str(line).expect("JSON");
        assert_eq!(value["timestamp"], "1970-01-01T00:00:01.000042Z");
        assert_eq!(value["trace_id"], "00000000000000000000000000000007");
        assert_eq!(value["http.response.body.size"], 42);
        assert_eq!(value["svgx.key.name"], "a \"quoted\" name");
        assert_eq!(value["svgx.request.duration"], 0.0015);
        assert!(value.get("svgx.slo.reason").is_none());
        assert!(line.ends_with("}\n") && line.matches('\n').count() == 1);
    }
}
