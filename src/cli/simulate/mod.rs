mod networks;
mod strip;
mod tables;

use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use svgx_base::budget::{Budget, Class, Clock, Monotonic, Tier};
use svgx_engine::document::{self, Diagnostic, Limits, LineIndex};
use svgx_engine::physics::{self, Error, Frame, Options, Plain, SimulationEnd};

use super::files;
use super::number;
use super::style::Progress;
use super::time::time;

/// Simulate the physics of a drawing: frames, contacts, reactions at rest.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The drawing; `-` reads standard input.
    file: PathBuf,
    /// How long to simulate: `2s`, `500ms`; a bare number counts seconds.
    #[arg(long, value_name = "TIME", default_value = "1s",
        value_parser = time, allow_negative_numbers = true)]
    duration: Duration,
    /// Frames in a second; without it, the tier's.
    #[arg(long, value_parser = number::number, allow_negative_numbers = true)]
    fps: Option<f64>,
    /// Precision: ui, edit or compute.
    #[arg(long, default_value = "compute")]
    tier: Tier,
    /// Tables for people, one JSON document, or a line of JSON per frame and a last one with the
    /// outcome [default: table on a terminal, json elsewhere].
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Simulate the networks of the drawing instead of its bodies: tanks, rooms.
    #[arg(long, conflicts_with_all = ["changes_only", "strip"])]
    networks: bool,
    /// Frames hold only what moved.
    #[arg(long)]
    changes_only: bool,
    /// Stop after so long and answer what was reached by then; a bare number counts seconds.
    #[arg(long, value_name = "TIME", default_value = "60s",
        value_parser = time, allow_negative_numbers = true)]
    time_limit: Duration,
    /// Also draw a strip of frames to this file, as SVG.
    #[arg(long, value_name = "SVG")]
    strip: Option<PathBuf>,
    /// How many frames the strip shows.
    #[arg(long, default_value_t = 6, requires = "strip", value_parser = number::whole::<usize>, allow_negative_numbers = true)]
    panels: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, clap::ValueEnum)]
enum Format {
    Table,
    Json,
    Ndjson,
}

/// What went wrong, by exit code.
enum Failure {
    /// The drawing cannot be simulated.
    Findings(String),
    /// Files and streams.
    Io(String),
}

impl Args {
    pub(crate) fn run(self) -> ExitCode {
        match self.simulate() {
            Ok(()) => ExitCode::SUCCESS,
            Err(Failure::Findings(message)) => {
                complain!("{message}");
                ExitCode::from(1)
            }
            Err(Failure::Io(message)) => {
                complain!("{message}");
                ExitCode::from(2)
            }
        }
    }

    fn simulate(&self) -> Result<(), Failure> {
        let file = self.file.display();
        let limits = Limits::default();
        let bytes =
            files::read(&self.file, &limits).map_err(|e| Failure::Io(format!("{file}: {e}")))?;
        let source = document::decode(&bytes, &limits)
            .map_err(|d| Failure::Findings(format!("{file}: {} [{}]", d.message, d.code)))?;
        let findings = |found: &[Diagnostic]| {
            let index = LineIndex::new(&source);
            let line = |d: &Diagnostic| {
                let at = index.position(&source, d.span.start);
                format!("{file}:{}:{}: {} [{}]", at.line, at.column, d.message, d.code)
            };
            Failure::Findings(found.iter().map(line).collect::<Vec<_>>().join("\n"))
        };
        let refused = |error: Error| match error {
            Error::Document(found) => findings(&found),
            other => Failure::Findings(format!("{file}: {other}")),
        };
        let document = document::parse(&source, &limits).map_err(|found| findings(&found))?;
        let scene = Plain(&document);
        let clock = Monotonic::new();
        let deadline = clock.now().after(self.time_limit);
        let budget = Budget::unlimited(Class::Batch, self.tier).until(deadline, Arc::new(clock));
        let options = Options {
            duration: self.duration.as_secs_f64(),
            fps: self.fps,
            changes_only: self.changes_only && self.strip.is_none(),
            ..Options::default()
        };
        if self.networks {
            let usual = if io::stdout().is_terminal() { Format::Table } else { Format::Json };
            let format = self.format.unwrap_or(usual);
            let span = (self.duration.as_secs_f64(), self.fps);
            let mut out = BufWriter::new(io::stdout().lock());
            return networks::simulate(&file, &document, span, format, &budget, &mut out);
        }
        let statics =
            physics::statics(&document, &scene, &options, &limits, &budget).map_err(refused)?;

        let mut out = BufWriter::new(io::stdout().lock());
        let mut frames: Vec<Frame> = Vec::new();
        let mut written = Ok(());
        let format = self.format.unwrap_or(if io::stdout().is_terminal() {
            Format::Table
        } else {
            Format::Json
        });
        let keep = format == Format::Json || self.strip.is_some();
        let mut progress = Progress::new();
        let whole = self.duration.as_secs_f64();
        let outcome =
            physics::simulate(&document, &scene, &options, &limits, &budget, &mut |frame| {
                progress.share("simulating", frame.time / whole);
                if format == Format::Ndjson {
                    written = line(&mut out, &serde_json::json!({ "frame": frame }));
                }
                if keep {
                    frames.push(frame);
                }
                if written.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            })
            .map_err(refused)?;
        drop(progress);
        let last = match format {
            Format::Table => serde_json::Value::Null,
            Format::Json => serde_json::json!({
                "statics": statics, "frames": frames, "outcome": outcome,
            }),
            Format::Ndjson => serde_json::json!({ "statics": statics, "outcome": outcome }),
        };
        written
            .and_then(|()| match format {
                Format::Table => out.write_all(tables::tables(&statics, &outcome).as_bytes()),
                _ => line(&mut out, &last),
            })
            .and_then(|()| out.flush())
            .or_else(|e| {
                // Whoever read our output has read enough.
                if e.kind() == io::ErrorKind::BrokenPipe { Ok(()) } else { Err(e) }
            })
            .map_err(|e| Failure::Io(e.to_string()))?;
        if outcome.ended == Some(SimulationEnd::Deadline) {
            complain!(
                "{file}: stopped at {:.3} s of {:.3} s by --time-limit {}",
                outcome.simulated,
                outcome.duration,
                svgx_base::duration::short(self.time_limit.as_secs_f64())
            );
        }
        if let Some(path) = &self.strip {
            // What was reached by the time limit is drawn, too.
            let unhurried = Budget::unlimited(Class::Batch, self.tier);
            let layout =
                physics::layout(&document, &scene, &limits, &unhurried).map_err(refused)?;
            let svg = strip::strip(&document, &layout, &frames, self.panels);
            std::fs::write(path, svg)
                .map_err(|e| Failure::Io(format!("{}: {e}", path.display())))?;
        }
        Ok(())
    }
}

fn line(out: &mut (impl Write + ?Sized), value: &serde_json::Value) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")
}
