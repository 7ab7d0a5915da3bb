//! `svgx check --interference`: see [`svgx_drafting::interference`].

use std::path::Path;
use std::process::ExitCode;

use svgx_base::budget::{Budget, Class, Tier};
use svgx_drafting::{Interference, InterferenceOptions, interference};
use svgx_engine::document::Limits;
use svgx_engine::geometry::{Scene, length};

use super::{Args, Style};
use crate::cli::files;

impl Args {
    /// 0: nothing interferes. 1: something does, or a drawing is wrong. 2: files and streams.
    pub(super) fn interfering(&self) -> ExitCode {
        let clearance = match self.clearance.as_deref().map(|text| length::millimetres(text, None))
        {
            None => 0.0,
            Some(Ok(clearance)) => clearance,
            Some(Err(e)) => return files::failed(&format!("--clearance: {e}")),
        };
        if matches!(self.format, Style::Sarif) {
            return files::failed("interference is told as text or as JSON");
        }
        let options = InterferenceOptions { of: Vec::new(), clearance };
        let mut worst = 0;
        let mut answers = Vec::new();
        for file in &self.files {
            match one(file, &options) {
                Ok(found) => {
                    worst = worst.max(u8::from(!found.pairs.is_empty()));
                    answers.push((file, found));
                }
                Err(code) => worst = worst.max(code),
            }
        }
        if matches!(self.format, Style::Json) {
            let all: Vec<_> = answers
                .iter()
                .map(|(file, found)| serde_json::json!({ "file": file, "interference": found }))
                .collect();
            match serde_json::to_string_pretty(&serde_json::json!({ "files": all })) {
                Ok(text) => say!("{text}"),
                Err(e) => return files::failed(&e.to_string()),
            }
        } else {
            for (file, found) in &answers {
                tell(file, found);
            }
        }
        ExitCode::from(worst)
    }
}

fn one(file: &str, options: &InterferenceOptions) -> Result<Interference, u8> {
    let document = files::open(Path::new(file)).map_err(|_| files::WRONG)?;
    let budget = Budget::unlimited(Class::Batch, Tier::Compute);
    let wrong = |message: String| {
        complain!("svgx: {file}: {message}");
        files::WRONG
    };
    let scene = Scene::build(&document, &Limits::default(), &budget);
    let scene = scene.map_err(|e| wrong(e.to_string()))?;
    interference(&document, &scene, options, &budget).map_err(|e| wrong(e.to_string()))
}

fn tell(file: &str, found: &Interference) {
    for pair in &found.pairs {
        let [x, y] = pair.at;
        let between = format!("{} and {}", pair.first, pair.second);
        if pair.area_mm2 > 0.0 {
            say!(
                "{file}: {between} overlap by {:.3} mm^2, {:.3} mm deep, at {x:.3} {y:.3}",
                pair.area_mm2,
                pair.depth_mm,
            );
        } else {
            say!("{file}: {between} are {:.3} mm apart, at {x:.3} {y:.3}", pair.distance_mm);
        }
    }
    if found.more_pairs > 0 {
        say!("{file}: {} more pairs", found.more_pairs);
    }
    let without = found.without_area.len();
    if without > 0 {
        say!("{file}: {without} components enclose nothing: {}", found.without_area.join(", "));
    }
    say!("{file}: {} components, {} pairs", found.components, found.pairs.len());
}
