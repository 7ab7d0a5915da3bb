//! `svgx edit`: see [`svgx_session::edit`].

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use serde::Deserialize as _;
use serde_json::Value;
use svgx_base::budget::{Budget, Class, Tier};
use svgx_engine::document::Limits;
use svgx_session::{Effect, Operation};

use super::{files, style};

/// Edit a drawing by a list of operations: trim, fillet, offset, combine, move, group, and all others of a
/// session.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The drawing; `-` reads standard input.
    file: PathBuf,
    /// The edits: a JSON array of operations, such as
    /// [{"operation": "fillet", "element_id": "plate", "radius": "5mm"}].
    #[arg(long, value_name = "EDITS.json")]
    script: PathBuf,
    /// Where to write the drawing; standard output without.
    #[arg(short, long, value_name = "OUT.svgx")]
    output: Option<PathBuf>,
    /// Print what each edit did as JSON instead of the drawing, which is then written only with
    /// `--output`.
    #[arg(long)]
    report: bool,
}

impl Args {
    /// 0: edited. 1: the drawing or an edit is wrong. 2: files and streams.
    pub(crate) fn run(self) -> ExitCode {
        let document = match files::open(&self.file) {
            Ok(document) => document,
            Err(code) => return code,
        };
        let limits = Limits::default();
        let script = match files::read(&self.script, &limits) {
            Ok(script) => script,
            Err(e) => return files::failed(&format!("{}: {e}", self.script.display())),
        };
        let wrong = |message: String| {
            complain!("svgx: {message}");
            ExitCode::from(files::WRONG)
        };
        let name = self.script.display();
        let values: Vec<Value> = match serde_json::from_slice(&script) {
            Ok(values) => values,
            Err(e) => return wrong(format!("{name}: an array of operations is expected: {e}")),
        };
        let mut edits = Vec::new();
        for (number, value) in values.into_iter().enumerate() {
            match Operation::deserialize(value) {
                Ok(operation) => edits.push(operation),
                Err(e) => return wrong(format!("{name}: edit {}: {e}", number + 1)),
            }
        }
        let budget = Budget::unlimited(Class::Batch, Tier::Compute);
        let edited = svgx_session::edit(document.source(), &edits, Arc::new(limits), &budget);
        let edited = match edited {
            Ok(edited) => edited,
            Err((None, error)) => return wrong(format!("{}: {error}", self.file.display())),
            Err((Some(number), error)) => {
                return wrong(format!("{name}: edit {}: {error}", number + 1));
            }
        };
        if self.report {
            match serde_json::to_string_pretty(&edited.changes) {
                Ok(text) => say!("{text}"),
                Err(e) => return files::failed(&e.to_string()),
            }
        } else if !style::is_quiet() {
            tell(&name.to_string(), &edited.changes);
        }
        if self.report && self.output.is_none() {
            return ExitCode::SUCCESS;
        }
        files::write(self.output.as_deref(), edited.content.as_bytes())
    }
}

/// Says on standard error what could not be kept exactly, and what went along.
fn tell(script: &str, changes: &[Effect]) {
    for (number, change) in changes.iter().enumerate() {
        for note in &change.notes {
            let of = note.element_id.as_ref().map_or_else(String::new, |id| format!(" {id}:"));
            complain!("svgx: {script}: edit {}:{of} {}", number + 1, note.message);
        }
    }
}
