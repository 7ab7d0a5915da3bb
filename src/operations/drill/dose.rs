//! A drill for each rule of an alert with windows: from the rule follow the history before the
//! drill, the share of bad requests that makes this rule fire and no faster one, and how soon.

use std::collections::BTreeMap;

use serde::Deserialize;
use svgx_base::duration;

use super::history::History;
use crate::alert::{Alert, Condition};

/// Seconds at the end of the history in which all was well.
const QUIET: f64 = 120.0;
/// Seconds that a stack takes to become steady: good requests until the fault is made.
const STEADY: f64 = 60.0;
/// Seconds between what is and what a rule says: the scrape, and two evaluations.
const SEEN: f64 = 75.0;
/// Seconds from the alert until the page has mended it: it is told, looked at, and a part restarts.
const MENDED: f64 = 120.0;

/// What an experiment says about the drills of its alert.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tiers {
    /// Requests a second of the kind that the objective counts.
    rate: f64,
}

/// What follows for one rule.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Dose {
    /// Which rule: `3d`, or `ui-3d` where the objectives are several.
    pub(crate) name: String,
    /// By which the rule is told from others.
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) history: History,
    /// The share of bad requests.
    share: f64,
    rate: f64,
    class: String,
    pub(crate) detect_within: u64,
    pub(crate) recover_within: u64,
}

impl Tiers {
    /// The dose for a rule, beside all others.
    pub(crate) fn dose(&self, rule: &Alert, all: &[Alert]) -> Result<Dose, String> {
        let burn = |a: &Alert| match &a.condition {
            Condition::Burn { share, long, .. } => Some((share.as_f64(), *long)),
            _ => None,
        };
        let (share, long) = burn(rule)
            .ok_or_else(|| format!("tiers: {} has a rule without two windows", rule.name))?;
        let same = all.iter().filter(|a| a.name == rule.name && a.slo == rule.slo);
        // Between this rule and the next faster one.
        let faster = same.filter_map(burn).map(|(s, _)| s).filter(|s| *s > share);
        let faster = faster.min_by(f64::total_cmp).unwrap_or((2.0 * share).min(1.0));
        let dose = (share * faster).sqrt();
        // The history lacks what was good in its end, and traffic was good until the fault.
        let lacks = share * (QUIET + self.rate * STEADY);
        let detect = lacks / (self.rate * (dose - share)) + SEEN;
        // What was too much until the page had mended it is outweighed by good requests.
        let recover = (SEEN + MENDED) * (dose / share - 1.0) + SEEN;
        let class = rule.slo.trim_start_matches("svgx-").trim_end_matches("-latency").to_owned();
        let window = duration::exact(long);
        let several = all.iter().any(|a| a.name == rule.name && a.slo != rule.slo);
        let seconds = |s: f64| s.ceil() as u64;
        Ok(Dose {
            name: if several { format!("{class}-{window}") } else { window.clone() },
            labels: BTreeMap::from([
                ("long".to_owned(), window),
                ("slo".to_owned(), rule.slo.clone()),
            ]),
            history: History { of: 0.999, quiet: seconds(QUIET) },
            share: dose,
            rate: self.rate,
            class,
            detect_within: seconds(detect),
            recover_within: seconds(recover),
        })
    }
}

impl Dose {
    /// A profile of traffic with its rates: `${good}` and `${bad}` of the requests, and of a class
    /// (`${ui}`) all of them, or none where the rule is about another.
    pub(crate) fn traffic(&self, text: &str) -> String {
        let mut text = text.replace("${good}", &format!("{:.4}", self.rate * (1.0 - self.share)));
        text = text.replace("${bad}", &format!("{:.4}", self.rate * self.share));
        for class in ["ui", "redraw", "physics"] {
            let rate = if self.class == class { self.rate } else { 0.0 };
            text = text.replace(&format!("${{{class}}}"), &rate.to_string());
        }
        text
    }

    /// What the experiment may ask for by `configuration`.
    pub(crate) fn variables(&self) -> [(String, String); 2] {
        [
            ("DRILL_SHARE".to_owned(), format!("{:.4}", self.share)),
            ("DRILL_CLASS".to_owned(), self.class.clone()),
        ]
    }
}

#[cfg(test)]
mod tests {
    use svgx_controller::spec::Spec;

    use super::*;
    use crate::alert::alerts;

    #[test]
    fn a_dose_is_more_than_its_rule_lets_pass_and_less_than_faster_ones_do() {
        let spec = Spec::embedded().unwrap_or_else(|e| panic!("{e}"));
        let all = alerts(&spec).unwrap_or_else(|e| panic!("{e}"));
        let mut names = Vec::new();
        for name in ["ErrorBudgetBurn", "LatencyBudgetBurn"] {
            for rule in all.iter().filter(|a| a.name == name) {
                let dose = Tiers { rate: 20.0 }.dose(rule, &all).expect("windows");
                let Condition::Burn { share, .. } = &rule.condition else { continue };
                assert!(dose.share > share.as_f64() && dose.share < 1.0, "{dose:?}");
                assert!((60..600).contains(&dose.detect_within), "{dose:?}");
                assert!((60..600).contains(&dose.recover_within), "{dose:?}");
                names.push(dose.name);
            }
        }
        for wanted in ["1h", "3d", "ui-15m", "physics-3d"] {
            assert!(names.iter().any(|n| n == wanted), "{names:?}");
        }
        let other = all.iter().find(|a| a.name == "ServiceDown").expect("an alert");
        assert!(Tiers { rate: 20.0 }.dose(other, &all).is_err());
    }

    #[test]
    fn traffic_has_the_rates_of_the_dose() {
        let dose = Dose {
            name: "ui-3d".to_owned(),
            labels: BTreeMap::new(),
            history: History { of: 0.9, quiet: 0 },
            share: 0.25,
            rate: 4.0,
            class: "ui".to_owned(),
            detect_within: 1,
            recover_within: 1,
        };
        let text = dose.traffic("rate: ${good}, rate: ${bad}, rate: ${ui}, rate: ${physics}");
        assert_eq!(text, "rate: 3.0000, rate: 1.0000, rate: 4, rate: 0");
    }
}
