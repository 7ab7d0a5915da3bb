//! One run as a drawing: latencies against budgets, the tier, and what was let in.

use svgx_base::svg::Canvas;

use super::Judged;
use super::engine::Fate;
use super::metrics::{CLASSES, quantile};
use super::scenario::Scenario;
use crate::spec::Spec;

const WIDTH: f64 = 960.0;
const LEFT: f64 = 72.0;
const RIGHT: f64 = 16.0;
/// Ui, redraw, physics: distinguishable without colour vision too (Okabe and Ito).
const COLOURS: [&str; 3] = ["#0072b2", "#e69f00", "#009e73"];
const INK: &str = "#222";
const FAINT: &str = "#ddd";

/// A panel's place and scale.
struct Panel {
    top: f64,
    height: f64,
    seconds: f64,
}

impl Panel {
    fn x(&self, t: f64) -> f64 {
        LEFT + t / self.seconds * (WIDTH - LEFT - RIGHT)
    }

    /// `part` of the height from the bottom.
    fn y(&self, part: f64) -> f64 {
        self.top + self.height * (1.0 - part.clamp(0.0, 1.0))
    }

    fn frame(&self, canvas: &mut Canvas, title: &str, labels: &[(f64, String)]) {
        let (x, right) = (self.x(0.0), self.x(self.seconds));
        canvas.text((x, self.top - 8.0), "font-weight=\"bold\"", title);
        for (part, label) in labels {
            let y = self.y(*part);
            canvas.segment((x, y), (right, y), format_args!("stroke=\"{FAINT}\""));
            canvas.text((x - 6.0, y + 4.0), "text-anchor=\"end\"", label);
        }
    }

    /// A line through points in time; where a value is missing it is interrupted.
    fn line(&self, canvas: &mut Canvas, colour: &str, points: &[(f64, f64)]) {
        let stretches: Vec<Vec<(f64, f64)>> = points
            .split(|(_, part)| !part.is_finite())
            .filter(|stretch| !stretch.is_empty())
            .map(|stretch| stretch.iter().map(|(t, part)| (self.x(*t), self.y(*part))).collect())
            .collect();
        let look = format_args!(
            "fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.8\" stroke-linejoin=\"round\""
        );
        canvas.polyline(&stretches, false, look);
    }
}

/// Latency on a logarithmic scale from 1 ms to 1 s.
fn log_part(ms: f64) -> f64 {
    libm::log10(ms.max(1.0)) / 3.0
}

/// Draws a run.
pub fn picture(scenario: &Scenario, controller: &str, judged: &Judged, spec: &Spec) -> String {
    let seconds = scenario.seconds;
    // At most two hundred steps, at least half a second each.
    let step = (seconds / 200.0).max(0.5);
    let bins = (seconds / step).ceil() as usize;
    let mut took = vec![vec![Vec::new(); bins]; 3];
    let mut incoming = vec![vec![(0.0, 0.0); bins]; 3];
    for attempt in &judged.run.attempts {
        let Some(arrival) = judged.arrivals.get(attempt.arrival as usize) else { continue };
        let bin = (attempt.at as f64 / 1e9 / step) as usize;
        let class = arrival.class as usize;
        if let Some((admitted, all)) = incoming.get_mut(class).and_then(|c| c.get_mut(bin)) {
            *all += 1.0;
            *admitted += f64::from(u8::from(attempt.fate != Fate::Refused));
        }
        let ms = match attempt.fate {
            Fate::Answered(ns) => ns as f64 / 1e6,
            Fate::Dropped(_) | Fate::Abandoned => scenario.patience * 1e3,
            Fate::Refused | Fate::Deferred | Fate::Inside => continue,
        };
        if let Some(bin) = took.get_mut(class).and_then(|c| c.get_mut(bin)) {
            bin.push(ms);
        }
    }
    let height = 560.0;
    let look = format!("font-family=\"system-ui, sans-serif\" font-size=\"12\" fill=\"{INK}\"");
    let mut canvas = Canvas::new((WIDTH, height), &look);
    canvas.rect((0.0, 0.0), (WIDTH, height), "fill=\"white\"");
    let title = format!("{}: {controller}", scenario.name);
    canvas.text((LEFT, 26.0), "font-size=\"16\" font-weight=\"bold\"", &title);
    canvas.text((LEFT, 46.0), "", &scenario.about);
    let latency = Panel { top: 84.0, height: 220.0, seconds };
    let [from, until] = scenario.judge;
    for (top, bottom) in [(84.0, 304.0), (344.0, 384.0), (424.0, 524.0)] {
        let (left, right) = (latency.x(from), latency.x(until));
        canvas.rect((left, top), (right - left, bottom - top), "fill=\"#f6f1e7\"");
    }
    let scale =
        [1, 3, 10, 30, 100, 300, 1000].map(|ms| (log_part(f64::from(ms)), format!("{ms} ms")));
    latency.frame(
        &mut canvas,
        "P95 of what was let in; budgets dashed; not answered = the client's patience",
        &scale,
    );
    for (index, class) in CLASSES.into_iter().enumerate() {
        let colour = COLOURS.get(index).copied().unwrap_or(INK);
        if let Some(objective) = spec.objective(class) {
            let y = latency.y(log_part(objective.budget.as_secs_f64() * 1e3));
            let dashed = format_args!("stroke=\"{colour}\" stroke-dasharray=\"6 4\"");
            canvas.segment((LEFT, y), (WIDTH - RIGHT, y), dashed);
        }
        let points: Vec<(f64, f64)> = took
            .get(index)
            .into_iter()
            .flatten()
            .enumerate()
            .map(|(bin, values)| {
                let p95 =
                    if values.is_empty() { f64::NAN } else { log_part(quantile(values, 0.95)) };
                ((bin as f64 + 0.5) * step, p95)
            })
            .collect();
        latency.line(&mut canvas, colour, &points);
        let at = (WIDTH - RIGHT - 70.0 * (2.0 - index as f64), 26.0);
        let bold = format_args!("fill=\"{colour}\" text-anchor=\"end\" font-weight=\"bold\"");
        canvas.text(at, bold, class.as_str());
    }
    let tier = Panel { top: 344.0, height: 40.0, seconds };
    let rungs = [(0.0, "ui".to_owned()), (0.5, "edit".to_owned()), (1.0, "compute".to_owned())];
    tier.frame(&mut canvas, "Precision of physics", &rungs);
    let points: Vec<(f64, f64)> = judged
        .run
        .samples
        .iter()
        .step_by(10)
        .map(|sample| (sample.at as f64 / 1e9, f64::from(sample.tier as u8) / 2.0))
        .collect();
    tier.line(&mut canvas, INK, &points);
    let admitted = Panel { top: 424.0, height: 100.0, seconds };
    let parts = [(0.0, "0".to_owned()), (0.5, "50 %".to_owned()), (1.0, "100 %".to_owned())];
    admitted.frame(&mut canvas, "Let in, of what came", &parts);
    for (index, colour) in COLOURS.iter().enumerate() {
        let points: Vec<(f64, f64)> = incoming
            .get(index)
            .into_iter()
            .flatten()
            .enumerate()
            .map(|(bin, (yes, all))| {
                ((bin as f64 + 0.5) * step, if *all > 0.0 { yes / all } else { f64::NAN })
            })
            .collect();
        admitted.line(&mut canvas, colour, &points);
    }
    let every = libm::ceil(seconds / 10.0).max(1.0);
    let mut t = 0.0;
    while t <= seconds {
        canvas.text((admitted.x(t), 546.0), "text-anchor=\"middle\"", &format!("{t} s"));
        t += every;
    }
    canvas.finish()
}
