//! Log lines: one JSON object each, with the trace at the top level.
//!
//! Only what the service itself puts into an event is written. Document text,
//! keys and personal data never are, because no event carries them. The line of
//! a request is [`super::access`].

use std::fmt::{self, Write as _};
use std::io::IsTerminal;

use opentelemetry::trace::TraceContextExt;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Layer, fmt as format};

use super::log_writer::LogWriter;
use super::settings::LogFormat;

/// The layer that writes log lines.
pub(crate) fn layer<S>(log_format: LogFormat, lines: LogWriter) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let layer = format::layer().with_writer(lines).fmt_fields(NoFields);
    match log_format {
        LogFormat::Json => layer.event_format(JsonLines).boxed(),
        LogFormat::Pretty => {
            let colours = std::io::stderr().is_terminal();
            layer.with_ansi(colours).event_format(TextLines).boxed()
        }
    }
}

/// Fields of spans belong into traces; writing them out for every request would cost it.
struct NoFields;

impl<'w> FormatFields<'w> for NoFields {
    fn format_fields<R: RecordFields>(&self, _: Writer<'w>, _: R) -> fmt::Result {
        Ok(())
    }
}

/// Lines for a person: time, level, message, and what else the event says.
struct TextLines;

impl<S, N> FormatEvent<S, N> for TextLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let level = *event.metadata().level();
        let (on, off) = match (writer.has_ansi_escapes(), level) {
            (false, _) => ("", ""),
            (true, Level::ERROR) => ("\u{1b}[31m", "\u{1b}[0m"),
            (true, Level::WARN) => ("\u{1b}[33m", "\u{1b}[0m"),
            (true, _) => ("\u{1b}[2m", "\u{1b}[0m"),
        };
        write!(writer, "{} {on}{level:>5}{off}", jiff::Timestamp::now())?;
        let mut fields = Map::new();
        event.record(&mut Fields(&mut fields));
        if let Some(message) = fields.shift_remove("message") {
            write!(writer, " {}", plain(&message))?;
        }
        for (name, value) in &fields {
            write!(writer, " {name}={}", plain(value))?;
        }
        writeln!(writer)
    }
}

/// A value on one line, and unable to steer a terminal.
fn plain(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c.is_control() {
            true => out.extend(c.escape_default()),
            false => out.push(c),
        }
    }
    out
}

struct JsonLines;

impl<S, N> FormatEvent<S, N> for JsonLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = Map::new();
        line.insert("timestamp".to_owned(), jiff::Timestamp::now().to_string().into());
        line.insert("level".to_owned(), event.metadata().level().as_str().into());
        line.insert("target".to_owned(), event.metadata().target().into());
        let current = opentelemetry::Context::current();
        let span = current.span().span_context().clone();
        if span.is_valid() {
            line.insert("trace_id".to_owned(), span.trace_id().to_string().into());
            line.insert("span_id".to_owned(), span.span_id().to_string().into());
            line.insert("trace_flags".to_owned(), format!("{:02x}", span.trace_flags()).into());
        }
        event.record(&mut Fields(&mut line));
        let text = serde_json::to_string(&line).map_err(|_| fmt::Error)?;
        writeln!(writer, "{text}")
    }
}

struct Fields<'m>(&'m mut Map<String, Value>);

impl Fields<'_> {
    fn put(&mut self, field: &Field, value: Value) {
        self.0.insert(field.name().to_owned(), value);
    }
}

impl Visit for Fields<'_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        // JSON has no NaN: it is written as the word, never as a silent null.
        let value = serde_json::Number::from_f64(value)
            .map_or_else(|| Value::String(value.to_string()), Value::Number);
        self.put(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value.into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let mut text = String::new();
        if write!(text, "{value:?}").is_ok() {
            self.put(field, text.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Arc;

    use parking_lot::Mutex;
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What `log` writes in a format.
    fn written(log_format: LogFormat, log: impl FnOnce()) -> String {
        let sink = Sink::default();
        let lines = LogWriter::to(sink.clone(), 1 << 16).expect("a thread");
        let subscriber = tracing_subscriber::registry().with(layer(log_format, lines.clone()));
        tracing::subscriber::with_default(subscriber, log);
        lines.close(std::time::Duration::from_secs(60));
        let bytes = sink.0.lock().clone();
        String::from_utf8(bytes).expect("text")
    }

    #[test]
    fn a_line_for_a_person_says_its_message_and_its_fields() {
        let text = written(LogFormat::Pretty, || {
            tracing::warn!("the store is full");
            tracing::error!(error = %"no such file", attempts = 3, "cannot reload keys");
            tracing::warn!("two\nlines and \u{1b}[31ma colour");
        });
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3, "{text}");
        // The level is coloured where the tests run at a terminal.
        assert!(lines[0].contains("WARN") && lines[0].ends_with(" the store is full"), "{text}");
        assert!(lines[1].contains("ERROR"), "{text}");
        assert!(lines[1].ends_with(" cannot reload keys error=no such file attempts=3"), "{text}");
        assert!(lines[2].ends_with("two\\nlines and \\u{1b}[31ma colour"), "{text}");
    }

    #[test]
    fn a_line_for_a_program_is_json() {
        let text = written(LogFormat::Json, || tracing::warn!(n = 1, "the store is full"));
        let line: Value = serde_json::from_str(text.trim()).expect("JSON");
        assert_eq!((&line["message"], &line["n"]), (&"the store is full".into(), &1.into()));
        assert_eq!(line["level"], "WARN");
    }
}
