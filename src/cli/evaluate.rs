//! `svgx evaluate`: what the formulas of a drawing come to.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::json;
use svgx_base::budget::{Budget, Class, Tier};
use svgx_base::digits::figure;
use svgx_base::nearest::did_you_mean;
use svgx_engine::behavior::{Evaluation, Outcome, Program, Value};
use svgx_engine::document::{Document, Limits, Severity};
use svgx_engine::geometry::Scene;

use super::{files, style};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The drawing; `-` reads standard input.
    file: PathBuf,
    /// A table for people, one JSON document, or a line of JSON per value.
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
    /// Only the values of this object or behavior.
    #[arg(long, value_name = "ID")]
    of: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, clap::ValueEnum)]
enum Format {
    Table,
    Json,
    Ndjson,
}

impl Args {
    /// 0: every formula has a value. 1: one has not, or the drawing cannot be read.
    pub(crate) fn run(self) -> ExitCode {
        let document = match files::open(&self.file) {
            Ok(document) => document,
            Err(code) => return code,
        };
        let program = Program::compile(&document, &Limits::default());
        files::print(&self.file, document.source(), program.diagnostics());
        let budget = Budget::unlimited(Class::Batch, Tier::Compute);
        let evaluation = match evaluate(&document, &program, &budget) {
            Ok(evaluation) => evaluation,
            Err(error) => return files::failed(&format!("{}: {error}", self.file.display())),
        };
        let wanted = |scope: &str| self.of.as_deref().is_none_or(|of| of == scope);
        let results: Vec<Outcome<'_>> =
            program.results(&evaluation).filter(|o| wanted(o.scope)).collect();
        if let Some(of) = self.of.as_deref().filter(|_| results.is_empty()) {
            let scopes: BTreeSet<&str> = program.results(&evaluation).map(|o| o.scope).collect();
            let near =
                did_you_mean(of, scopes).map_or_else(String::new, |near| format!("; {near}"));
            return files::failed(&format!(
                "{}: nothing called `{of}` has formulas{near}",
                self.file.display()
            ));
        }
        let failed = results.iter().filter(|o| o.value.is_err()).count();
        let wrong =
            failed > 0 || program.diagnostics().iter().any(|d| d.severity == Severity::Error);
        let text = match self.format {
            Format::Table => {
                let rows: Vec<Vec<String>> = results.iter().map(row).collect();
                let totals = format!("{} values, {failed} without\n", results.len());
                style::table(&["OF", "NAME", "VALUE", "UNIT", "FORMULA"], &rows) + &totals
            }
            Format::Ndjson => results.iter().map(|o| format!("{}\n", object(o))).collect(),
            Format::Json => {
                let results: Vec<serde_json::Value> = results.iter().map(object).collect();
                format!("{:#}\n", json!({ "results": results, "failed": failed }))
            }
        };
        let written = files::write(None, text.as_bytes());
        if wrong && written == ExitCode::SUCCESS { ExitCode::from(files::WRONG) } else { written }
    }
}

/// The values of the formulas; what they read of dimensions is measured.
fn evaluate(document: &Document, program: &Program, budget: &Budget) -> Result<Evaluation, String> {
    if !program.has_measures() {
        return program.evaluate(budget).map_err(|stop| stop.to_string());
    }
    let scene = Scene::build(document, &Limits::default(), budget).map_err(|e| e.to_string())?;
    svgx_drafting::evaluate(document, &scene, program, budget).map_err(|stop| stop.to_string())
}

fn row(outcome: &Outcome<'_>) -> Vec<String> {
    let value = match &outcome.value {
        // For a person; JSON has every digit.
        Ok(Value::Number(number)) => figure(*number),
        Ok(Value::Boolean(truth)) => truth.to_string(),
        Err(failure) => format!("none: {}", failure.message),
    };
    vec![
        outcome.scope.to_owned(),
        outcome.name.to_owned(),
        value,
        outcome.unit.clone().unwrap_or_default(),
        outcome.formula.split_whitespace().collect::<Vec<_>>().join(" "),
    ]
}

fn object(outcome: &Outcome<'_>) -> serde_json::Value {
    let (value, error) = match &outcome.value {
        Ok(value) => (Some(value), None),
        Err(failure) => (None, Some(json!({ "code": failure.code, "message": failure.message }))),
    };
    json!({
        "of": outcome.scope, "name": outcome.name, "formula": outcome.formula,
        "value": value, "unit": outcome.unit, "error": error,
    })
}
