use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use svgx_base::budget::{Budget, Class, Tier};
use svgx_engine::constraint::{self, Error, Outcome, Sketch, Solution, Status, Target};
use svgx_engine::document::{Document, Limits, canonical};
use svgx_engine::geometry::Scene;

use super::files;

/// Solve the geometric constraints of a drawing, and say what they leave open.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The drawing; `-` reads standard input.
    file: PathBuf,
    /// Precision: ui, edit or compute.
    #[arg(long, default_value = "compute")]
    tier: Tier,
    /// How to print what was found.
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
    /// Also write the drawing with the solution in it, if it is solved; `-` is standard output.
    #[arg(short, long)]
    output: Option<PathBuf>,
    /// Write the drawing even if it could not be solved: as near as it came.
    #[arg(long, requires = "output")]
    even_unsolved: bool,
    /// Pull a point, as far as the constraints leave room.
    #[arg(long, value_name = "POINT=X,Y", value_parser = target)]
    pull: Vec<Target>,
    /// Do not look for degrees of freedom, redundancy and conflicts.
    #[arg(long)]
    no_diagnosis: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, clap::ValueEnum)]
enum Format {
    Human,
    Json,
}

/// `hole.center=40,25`, in mm.
fn target(text: &str) -> Result<Target, String> {
    let parts = text.split_once('=').and_then(|(p, xy)| Some((p, xy.split_once(',')?)));
    let (point, (x, y)) = parts.ok_or("expected a point, `=`, and x,y in mm")?;
    let number = |n: &str| n.trim().parse::<f64>().map_err(|e| format!("{n}: {e}"));
    Ok(Target { point: point.to_owned(), x: number(x)?, y: number(y)?, priority: 1.0 })
}

impl Args {
    /// 0: solved. 1: it cannot be solved or read as it is. 2: files and streams.
    pub(crate) fn run(self) -> ExitCode {
        let document = match files::open(&self.file) {
            Ok(document) => document,
            Err(code) => return code,
        };
        let solved = match self.solve(&document) {
            Ok(solved) => solved,
            Err(Error::Document(findings)) => {
                files::print(&self.file, document.source(), &findings);
                return ExitCode::from(1);
            }
            Err(error) => {
                complain!("svgx: {}: {error}", self.file.display());
                return ExitCode::from(1);
            }
        };
        let (sketch, solution) = solved;
        let text = match self.format {
            Format::Human => self.human(&solution),
            Format::Json => match serde_json::to_string_pretty(&solution) {
                Ok(text) => text + "\n",
                Err(e) => return files::failed(&e.to_string()),
            },
        };
        let to_stdout = self.output.as_deref().is_some_and(|o| o.as_os_str() == "-");
        if to_stdout {
            complain!("{}", text.trim_end());
        } else if files::write(None, text.as_bytes()) != ExitCode::SUCCESS {
            return ExitCode::from(2);
        }
        let solved = solution.outcome == Outcome::Solved;
        if let (Some(output), false) = (&self.output, solved || self.even_unsolved) {
            complain!(
                "svgx: {}: not written, for it is not solved; --even-unsolved writes it all the same",
                output.display()
            );
        } else if let Some(output) = &self.output {
            let mut drawing = document.clone();
            let edits = sketch.edits(&document, &solution.entities, self.tier);
            constraint::apply(&mut drawing, &edits);
            let path = (!to_stdout).then_some(output.as_path());
            if files::write(path, canonical(&drawing).as_bytes()) != ExitCode::SUCCESS {
                return ExitCode::from(2);
            }
        }
        ExitCode::from(u8::from(!solved))
    }

    fn solve(&self, document: &Document) -> Result<(Sketch, Solution), Error> {
        let limits = Limits::default();
        let budget = Budget::unlimited(Class::Batch, self.tier);
        let scene = Scene::build(document, &limits, &budget)
            .map_err(|e| Error::Change(format!("the drawing has no geometry: {e}")))?;
        let sketch = Sketch::read(document, &scene, &limits)?;
        let mut solver = sketch.solver(&limits)?;
        let options =
            constraint::Options { diagnose: !self.no_diagnosis, targets: self.pull.clone() };
        let solution = constraint::solve(&mut solver, options, &budget)?;
        Ok((sketch, solution))
    }

    fn human(&self, solution: &Solution) -> String {
        let mut out = String::new();
        let outcome = match solution.outcome {
            Outcome::Solved => "solved",
            Outcome::Inconsistent => {
                "not all constraints can hold; those that contradict no earlier one do"
            }
            Outcome::Partial => "not done in time",
        };
        // Writing into a string cannot fail.
        let mut line = |text: String| {
            let _ = writeln!(out, "{text}");
        };
        line(format!("{}: {outcome}", self.file.display()));
        line(format!(
            "  residual {:.1e} mm, tolerance {} mm; {} shapes, {} components, {} steps",
            solution.residual_mm,
            solution.tolerance_mm,
            solution.entities.len(),
            solution.components,
            solution.iterations
        ));
        for missed in &solution.unsatisfied {
            line(format!("  {} is missed by {:.3} mm", missed.constraint, missed.residual_mm));
        }
        for u in &solution.undrawable {
            let (size, entity, value) = (&u.size, &u.entity, u.value_mm);
            let step = solution.tolerance_mm;
            line(format!(
                "  the {size} of {entity} would be {value:.3} mm; \
                 rounded to {step} mm it must be above zero"
            ));
        }
        let Some(diagnosis) = &solution.diagnosis else { return out };
        let status = match diagnosis.status {
            Status::Unconstrained => "unconstrained",
            Status::FullyConstrained => "fully constrained",
            Status::UnderConstrained => "under-constrained",
            Status::OverConstrained => "over-constrained",
            Status::Redundant => "redundant and under-constrained",
            Status::Conflicting => "conflicting",
        };
        line(format!("  {status}; degrees of freedom: {}", diagnosis.degrees_of_freedom));
        for e in diagnosis.entities.iter().filter(|e| e.degrees_of_freedom > 0) {
            line(format!("    {} can move in {} ways", e.entity, e.degrees_of_freedom));
        }
        for r in &diagnosis.redundant {
            let part = if r.partial { "in part " } else { "" };
            line(match r.implied_by.as_slice() {
                [] => format!("    {} says {part}what others say already", r.constraint),
                why => format!("    {} follows {part}from {}", r.constraint, why.join(", ")),
            });
        }
        for c in &diagnosis.conflicts {
            let together = if c.constraints.len() > 1 { " together" } else { "" };
            line(format!("    {} cannot hold{together}", c.constraints.join(", ")));
        }
        out
    }
}
