//! What was checked, with figures: for people, for programs, for CI.

use std::fmt::Write as _;
use std::time::Duration;

use serde::Serialize;
use svgx_base::xml::escape;

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As it should be.
    Passed,
    /// Not as it should be.
    Failed,
    /// Not looked at; the reason is in the detail.
    Skipped,
}

/// A number that was measured.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figure {
    /// What it is.
    pub name: &'static str,
    /// How much.
    pub value: f64,
    /// Of what.
    pub unit: &'static str,
    /// What it should be, in words; `None`: for information.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wanted: Option<String>,
}

/// One success criterion.
#[derive(Clone, Debug, Serialize)]
pub struct Check {
    /// A stable name.
    pub id: &'static str,
    /// What holds when it passes.
    pub title: String,
    /// How it ended.
    pub verdict: Verdict,
    /// What was measured.
    pub figures: Vec<Figure>,
    /// What is wrong, or why it was skipped.
    pub detail: Vec<String>,
    /// The command that shows it, where something is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shown: Option<String>,
}

impl Check {
    /// A check that has passed so far.
    pub fn new(id: &'static str, title: impl Into<String>) -> Check {
        let title = title.into();
        let (figures, detail) = (Vec::new(), Vec::new());
        Check { id, title, verdict: Verdict::Passed, figures, detail, shown: None }
    }

    /// The same, not looked at.
    #[must_use]
    pub fn skipped(mut self, reason: impl Into<String>) -> Check {
        self.verdict = Verdict::Skipped;
        self.detail.push(reason.into());
        self
    }

    /// Something is wrong.
    pub fn fail(&mut self, what: impl Into<String>) {
        self.verdict = Verdict::Failed;
        self.detail.push(what.into());
    }

    /// Fails unless `holds`.
    pub fn expect(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.fail(what());
        }
    }

    /// Notes a number.
    pub fn note(&mut self, name: &'static str, value: f64, unit: &'static str) {
        self.figures.push(Figure { name, value, unit, wanted: None });
    }

    /// Notes a number and fails if it is above `limit`.
    pub fn at_most(&mut self, name: &'static str, value: f64, unit: &'static str, limit: f64) {
        self.bounded(name, value, unit, value <= limit, format!("at most {limit}"));
    }

    /// Notes a number and fails if it is below `limit`.
    pub fn at_least(&mut self, name: &'static str, value: f64, unit: &'static str, limit: f64) {
        self.bounded(name, value, unit, value >= limit, format!("at least {limit}"));
    }

    fn bounded(
        &mut self,
        name: &'static str,
        value: f64,
        unit: &'static str,
        holds: bool,
        wanted: String,
    ) {
        self.expect(holds, || format!("{name} is {}{unit}, wanted: {wanted}", round(value)));
        self.figures.push(Figure { name, value, unit, wanted: Some(wanted) });
    }
}

/// Everything that was checked.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// What was looked at.
    pub url: String,
    /// The version it said it is.
    pub version: String,
    /// How long it took.
    #[serde(serialize_with = "seconds")]
    pub took: Duration,
    /// The checks.
    pub checks: Vec<Check>,
}

fn seconds<S: serde::Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(time.as_secs_f64())
}

impl Report {
    /// Whether nothing failed.
    pub fn passed(&self) -> bool {
        self.count(Verdict::Failed) == 0
    }

    /// The checks that ended so.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.checks.iter().filter(|c| c.verdict == verdict).count()
    }

    fn summary(&self) -> String {
        format!(
            "{} passed, {} failed, {} skipped in {:.1} s",
            self.count(Verdict::Passed),
            self.count(Verdict::Failed),
            self.count(Verdict::Skipped),
            self.took.as_secs_f64()
        )
    }

    /// For a terminal.
    pub fn human(&self) -> String {
        let mut out = format!("{} (version {})\n", self.url, self.version);
        for check in &self.checks {
            let mark = match check.verdict {
                Verdict::Passed => "ok  ",
                Verdict::Failed => "FAIL",
                Verdict::Skipped => "skip",
            };
            // Writing into a String cannot fail.
            let _ = writeln!(out, "{mark} {:<22} {}{}", check.id, check.title, figures(check));
            for line in &check.detail {
                let _ = writeln!(out, "     {:<22} {line}", "");
            }
            if let Some(command) = &check.shown {
                let _ = writeln!(out, "     {:<22} see it: {command}", "");
            }
        }
        let _ = writeln!(out, "{}", self.summary());
        out
    }

    /// As a Markdown table.
    pub fn markdown(&self) -> String {
        let mut out = format!(
            "# Validation of {}\n\nVersion {}: {}.\n\n| check | verdict | figures | detail |\n|---|---|---|---|\n",
            self.url,
            self.version,
            self.summary()
        );
        for check in &self.checks {
            let verdict = match check.verdict {
                Verdict::Passed => "passed",
                Verdict::Failed => "**failed**",
                Verdict::Skipped => "skipped",
            };
            let mut detail = check.detail.clone();
            detail.extend(check.shown.as_ref().map(|command| format!("`{command}`")));
            let detail = detail.join("; ").replace('|', "\\|").replace('\n', " ");
            let figures = figures(check);
            let figures = figures.trim_start_matches(": ");
            let _ = writeln!(
                out,
                "| {} ({}) | {verdict} | {figures} | {detail} |",
                check.title, check.id
            );
        }
        out
    }

    /// As JUnit XML.
    pub fn junit(&self) -> String {
        let mut out = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"svgx staging validate\" \
             tests=\"{}\" failures=\"{}\" skipped=\"{}\" time=\"{:.3}\">\n",
            self.checks.len(),
            self.count(Verdict::Failed),
            self.count(Verdict::Skipped),
            self.took.as_secs_f64()
        );
        for check in &self.checks {
            let mut detail = check.detail.clone();
            detail.extend(check.shown.as_ref().map(|command| format!("see it: {command}")));
            let detail = escape(&detail.join("\n"));
            let inside = match check.verdict {
                Verdict::Passed => String::new(),
                Verdict::Failed => format!("<failure message=\"{detail}\"/>"),
                Verdict::Skipped => format!("<skipped message=\"{detail}\"/>"),
            };
            let figures = escape(&figures(check));
            let _ = writeln!(
                out,
                "  <testcase classname=\"staging\" name=\"{}\">{inside}<system-out>{}{figures}</system-out></testcase>",
                check.id,
                escape(&check.title)
            );
        }
        out.push_str("</testsuite>\n");
        out
    }
}

fn figures(check: &Check) -> String {
    let all: Vec<String> = check
        .figures
        .iter()
        .map(|f| {
            let wanted = f.wanted.as_ref().map_or_else(String::new, |w| format!(" ({w})"));
            format!("{} {}{}{wanted}", f.name, round(f.value), f.unit)
        })
        .collect();
    if all.is_empty() { String::new() } else { format!(": {}", all.join(", ")) }
}

/// Four significant digits are enough to read.
fn round(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let scale = 10f64.powi(3 - value.abs().log10().floor() as i32);
    (value * scale).round() / scale
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let mut good = Check::new("health", "The service is healthy");
        good.at_most("response", 2.34567, " ms", 16.0);
        let mut bad = Check::new("errors", "Few requests fail");
        bad.at_most("errors", 2.5, " %", 1.0);
        let skipped = Check::new("tls", "The connection is private").skipped("a \"local\" address");
        Report {
            url: "http://x".to_owned(),
            version: "1".to_owned(),
            took: Duration::from_millis(1500),
            checks: vec![good, bad, skipped],
        }
    }

    #[test]
    fn every_form_tells_what_failed_and_by_how_much() {
        let report = report();
        assert!(!report.passed());
        let human = report.human();
        assert!(human.contains("FAIL errors"), "{human}");
        assert!(human.contains("errors is 2.5 %, wanted: at most 1"), "{human}");
        assert!(human.contains("response 2.346 ms (at most 16)"), "{human}");
        let junit = report.junit();
        assert!(junit.contains("tests=\"3\" failures=\"1\" skipped=\"1\""), "{junit}");
        assert!(junit.contains("a &quot;local&quot; address"), "{junit}");
        assert!(roxmltree::Document::parse(&junit).is_ok());
        assert!(report.markdown().contains("| **failed** |"));
        let json = serde_json::to_value(&report).expect("JSON");
        assert_eq!(json["checks"][1]["verdict"], "failed");
    }
}
