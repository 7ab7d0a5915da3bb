//! `svgx trace`: one trace as a waterfall.

mod waterfall;

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::Value;

use super::{files, internal};
use waterfall::{pick, read, svg, text};

/// Draw one trace: of a running service, or of a file the Collector wrote.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The trace, 32 hexadecimal digits; the slowest request without it.
    trace: Option<String>,
    /// The internal listener of a running service.
    #[arg(long, default_value = "127.0.0.1:9464", value_name = "HOST:PORT")]
    from: String,
    /// OTLP's JSON lines, as the Collector's file exporter writes them; `-` reads standard input.
    #[arg(long, conflicts_with = "from")]
    file: Option<PathBuf>,
    /// Where to write; standard output without it.
    #[arg(short, long)]
    output: Option<PathBuf>,
    /// Text for a terminal instead of SVG.
    #[arg(long)]
    text: bool,
    /// Every span: without it, many equal ones in a row are drawn as one.
    #[arg(long)]
    all: bool,
    /// List the traces the service remembers, newest first.
    #[arg(long, conflicts_with_all = ["file", "output", "text"])]
    list: bool,
}

impl Args {
    pub(crate) fn run(self) -> ExitCode {
        if self.list {
            return match recent(&self.from) {
                Ok(traces) => files::write(None, listed(&traces).as_bytes()),
                Err(message) => files::failed(&message),
            };
        }
        let source = match &self.file {
            Some(path) => files::read_all(path).map_err(|e| format!("{}: {e}", path.display())),
            None => remembered(&self.from, self.trace.as_deref()),
        };
        let spans = match source {
            Ok(source) => read(&source),
            Err(message) => return files::failed(&message),
        };
        let picked = pick(&spans, self.trace.as_deref());
        if picked.is_empty() {
            return files::failed("no such trace");
        }
        let drawn = match self.text {
            true => text(&picked, 120, self.all),
            false => svg(&picked, self.all),
        };
        files::write(self.output.as_deref(), drawn.as_bytes())
    }
}

/// The traces the service remembers.
pub(super) fn recent(from: &str) -> Result<Vec<Value>, String> {
    let text = internal::get(from, "/traces")?;
    let mut answer: Value = serde_json::from_str(&text).map_err(|e| format!("{from}: {e}"))?;
    match answer.get_mut("traces").map(Value::take) {
        Some(Value::Array(traces)) => Ok(traces),
        _ => Err(format!("{from}: no list of traces")),
    }
}

fn remembered(from: &str, trace: Option<&str>) -> Result<String, String> {
    let id = match trace {
        Some(id) => id.to_owned(),
        None => {
            let traces = recent(from)?;
            let took = |t: &Value| t["duration_ms"].as_f64().unwrap_or(0.0);
            let slowest = traces.iter().max_by(|a, b| took(a).total_cmp(&took(b)));
            let id = slowest.and_then(|t| t["trace_id"].as_str());
            id.ok_or_else(|| format!("{from} remembers no trace yet"))?.to_owned()
        }
    };
    if !id.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(format!("{id:?} is no trace id: 32 hexadecimal digits"));
    }
    internal::get(from, &format!("/traces/{id}"))
}

fn listed(traces: &[Value]) -> String {
    let word = |t: &Value, name: &str| t[name].as_str().unwrap_or_default().to_owned();
    traces
        .iter()
        .map(|t| {
            format!(
                "{}  {:>9.2} ms  {:<11}  {:<22}  {}\n",
                word(t, "began"),
                t["duration_ms"].as_f64().unwrap_or(0.0),
                word(t, "outcome"),
                word(t, "name"),
                word(t, "trace_id"),
            )
        })
        .collect()
}
