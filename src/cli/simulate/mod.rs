mod strip;

use std::io::{self, BufWriter, Write};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use svgx_base::budget::{Budget, Class, Clock, Monotonic, Tier};
use svgx_engine::document::{self, Diagnostic, Limits, LineIndex};
use svgx_engine::physics::{self, Error, Frame, Options, Plain, SimulationEnd};

/// Simulate the physics of a drawing: frames, contacts, reactions at rest.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The drawing.
    file: PathBuf,
    /// Seconds to simulate.
    #[arg(long, default_value_t = 1.0)]
    duration: f64,
    /// Frames in a second; without it, the tier's.
    #[arg(long)]
    fps: Option<f64>,
    /// Precision: ui, edit or compute.
    #[arg(long, default_value = "compute")]
    tier: Tier,
    /// One JSON document, or a line of JSON per frame and a last one with the outcome.
    #[arg(long, value_enum, default_value = "json")]
    format: Format,
    /// Frames hold only what moved.
    #[arg(long)]
    changes_only: bool,
    /// Stop after so many seconds and answer what was reached by then.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    time_limit: u32,
    /// Also draw a strip of frames to this file, as SVG.
    #[arg(long, value_name = "SVG")]
    strip: Option<PathBuf>,
    /// How many frames the strip shows.
    #[arg(long, default_value_t = 6, requires = "strip")]
    panels: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, clap::ValueEnum)]
enum Format {
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
        let source =
            std::fs::read_to_string(&self.file).map_err(|e| Failure::Io(format!("{file}: {e}")))?;
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
        let limits = Limits::default();
        let document = document::parse(&source, &limits).map_err(|found| findings(&found))?;
        let scene = Plain(&document);
        let clock = Monotonic::new();
        let deadline = clock.now().after(Duration::from_secs(self.time_limit.into()));
        let budget = Budget::unlimited(Class::Batch, self.tier).until(deadline, Arc::new(clock));
        let options = Options {
            duration: self.duration,
            fps: self.fps,
            changes_only: self.changes_only && self.strip.is_none(),
            ..Options::default()
        };
        let statics =
            physics::statics(&document, &scene, &options, &limits, &budget).map_err(refused)?;

        let mut out = BufWriter::new(io::stdout().lock());
        let mut frames: Vec<Frame> = Vec::new();
        let mut written = Ok(());
        let keep = self.format == Format::Json || self.strip.is_some();
        let outcome =
            physics::simulate(&document, &scene, &options, &limits, &budget, &mut |frame| {
                if self.format == Format::Ndjson {
                    written = line(&mut out, &serde_json::json!({ "frame": frame }));
                }
                if keep {
                    frames.push(frame);
                }
                if written.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            })
            .map_err(refused)?;
        let last = match self.format {
            Format::Json => serde_json::json!({
                "statics": statics, "frames": frames, "outcome": outcome,
            }),
            Format::Ndjson => serde_json::json!({ "statics": statics, "outcome": outcome }),
        };
        written
            .and_then(|()| line(&mut out, &last))
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
                self.time_limit
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

fn line(out: &mut impl Write, value: &serde_json::Value) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")
}
