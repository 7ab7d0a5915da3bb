//! What the tests hold, counted, and how soon each tier sees failures.

use std::fmt;

use svgx_base::duration;
use svgx_controller::spec::Spec;

use super::super::alert::{Alert, Condition, alerts, detection};
use super::super::{Error, runbook::Figures};
use super::history;
use super::model::Model;

/// A tier of a burn alert and how soon it sees failures.
#[derive(Clone, Debug)]
pub struct Detection {
    /// The alert.
    pub alert: String,
    /// Its objective.
    pub slo: String,
    /// The long window, in seconds.
    pub long: u64,
    /// For 100 %, 50 % and 10 % of bad events: declared and computed seconds.
    pub seen: [(Option<u64>, Option<f64>); 3],
}

impl Detection {
    /// Whether what is computed keeps what is declared.
    pub fn holds(&self) -> bool {
        self.seen.iter().all(|(declared, computed)| match (declared, computed) {
            (Some(d), Some(c)) => *c <= *d as f64,
            (None, None) => true,
            _ => false,
        })
    }
}

/// How soon each tier sees failures: declared in the spec, and computed from it.
///
/// # Errors
/// As [`super::generate`].
pub fn detection_table(alerts: &[Alert]) -> Vec<Detection> {
    let mut table = Vec::new();
    for alert in alerts {
        if let Condition::Burn { long, detects, .. } = &alert.condition {
            let mut seen = [1.0, 0.5, 0.1].map(|bad| (None, detection(&alert.condition, bad)));
            for (s, d) in seen.iter_mut().zip(detects) {
                s.0 = *d;
            }
            table.push(Detection {
                alert: alert.name.clone(),
                slo: alert.slo.clone(),
                long: *long,
                seen,
            });
        }
    }
    table
}

/// One rule that alerts, and the cases that prove it.
#[derive(Clone, Debug)]
pub struct Row {
    /// The alert.
    pub alert: String,
    /// Its objective.
    pub slo: String,
    /// The histories it is tried on.
    pub tests: usize,
    /// Moments at which it must be silent.
    pub silent: usize,
    /// Moments at which it must fire.
    pub firing: usize,
    /// Histories in which it fires and is silent again later.
    pub resolved: usize,
    /// Seconds within which it notices a complete failure, scrape and evaluation included.
    pub within: u64,
    /// How soon a tier of a burn alert sees a share of failures.
    pub detection: Option<Detection>,
}

/// A row for each rule that alerts.
///
/// # Errors
/// As [`super::super::generate`].
pub fn table(spec: &Spec) -> Result<Vec<Row>, Error> {
    let alerts = alerts(spec)?;
    let mut rows = Vec::new();
    for alert in &alerts {
        let model = Model::new(spec, &alerts, alert)?;
        let (mut tests, mut silent, mut firing, mut resolved) = (0, 0, 0, 0);
        for history in history::histories(&model) {
            tests += 1;
            let mut fired = false;
            let mut ceased = false;
            for &step in &history.checks {
                let fires =
                    model.firing(&history, step).iter().any(|(a, ..)| std::ptr::eq(*a, alert));
                if fires {
                    firing += 1;
                } else {
                    silent += 1;
                    ceased |= fired;
                }
                fired |= fires;
            }
            resolved += usize::from(ceased);
        }
        rows.push(Row {
            alert: alert.name.clone(),
            slo: alert.slo.clone(),
            tests,
            silent,
            firing,
            resolved,
            within: Figures::new(spec, &[alert]).detect_within,
            detection: detection_table(std::slice::from_ref(alert)).pop(),
        });
    }
    Ok(rows)
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:<20} {:<25} {:>5} {:>6} {:>6} {:>8} {:>7}",
            self.alert,
            self.slo,
            self.tests,
            self.silent,
            self.firing,
            self.resolved,
            duration::exact(self.within)
        )?;
        let Some(detection) = &self.detection else { return Ok(()) };
        write!(f, "  {:>4}", duration::exact(detection.long))?;
        for (declared, computed) in &detection.seen {
            match (declared, computed) {
                (Some(d), Some(c)) => {
                    write!(
                        f,
                        "  {:>16}",
                        format!("{} ({:.1} min)", duration::exact(*d), c / 60.0)
                    )?;
                }
                _ => write!(f, "  {:>16}", "never")?,
            }
        }
        Ok(())
    }
}

impl Row {
    /// The heading over rows.
    pub const HEADING: &'static str = "alert                objective                 tests silent firing resolved  \
        within  tier     100 % bad: said     50 % (computed)             10 %";
}
