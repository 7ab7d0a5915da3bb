//! A dashboard as a picture, drawn from a real Prometheus: for the docs, and for
//! whoever has no Grafana at hand.
//!
//! The picture shows what Grafana would: the same queries, layout, units and
//! thresholds. It does not try to look like it.

mod chart;
mod format;
mod svg;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use serde::Deserialize;

use super::dashboard::model::{Dashboard, Panel, Target};
use super::http;
use svg::Svg;

/// Width of a column and height of a row of the grid, in pixels.
const CELL: (f64, f64) = (50.0, 30.0);
/// Between two panels.
const GAP: f64 = 8.0;
/// Title and description.
const HEAD: f64 = 58.0;
/// Points of a line.
const POINTS: u64 = 240;

/// Why a picture could not be drawn.
#[derive(Debug, thiserror::Error)]
#[error("{at}: {message}")]
pub struct Error {
    /// The Prometheus.
    pub at: String,
    /// What it said, or that it said nothing.
    pub message: String,
}

/// One series over time.
#[derive(Clone, Debug, Default)]
pub(crate) struct Series {
    pub(crate) name: String,
    pub(crate) labels: BTreeMap<String, String>,
    /// Seconds since 1970 and values, without holes filled.
    pub(crate) points: Vec<(f64, f64)>,
}

impl Series {
    pub(crate) fn last(&self) -> Option<f64> {
        self.points.last().map(|p| p.1)
    }
}

/// The stretch of time that is shown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Range {
    pub(crate) from: f64,
    pub(crate) to: f64,
    pub(crate) step: f64,
}

/// Where the figures are asked.
#[derive(Clone, Debug)]
pub struct Source {
    at: String,
    scrape: u64,
}

#[derive(Deserialize)]
struct Reply {
    status: String,
    #[serde(default)]
    error: String,
    data: Option<Data>,
}

#[derive(Deserialize)]
struct Data {
    #[serde(default)]
    result: serde_json::Value,
}

#[derive(Deserialize)]
struct Matrix {
    metric: BTreeMap<String, String>,
    values: Vec<(f64, String)>,
}

impl Source {
    /// A Prometheus at `host:port` (or `http://host:port`) that is scraped every `scrape` seconds.
    pub fn new(at: &str, scrape: u64) -> Source {
        let at = at.trim_start_matches("http://").trim_end_matches('/');
        Source { at: at.to_owned(), scrape }
    }

    fn error(&self, message: impl ToString) -> Error {
        Error { at: self.at.clone(), message: message.to_string() }
    }

    fn ask(&self, path: &str) -> Result<serde_json::Value, Error> {
        let answer =
            http::get(&self.at, path, Duration::from_secs(30)).map_err(|e| self.error(e))?;
        let reply: Reply = serde_json::from_slice(&answer.body).map_err(|e| self.error(e))?;
        match reply.data {
            Some(data) if reply.status == "success" => Ok(data.result),
            _ => Err(self.error(reply.error)),
        }
    }

    /// The time by its own clock.
    fn now(&self) -> Result<f64, Error> {
        let result = self.ask("/api/v1/query?query=time()")?;
        result
            .get(0)
            .and_then(serde_json::Value::as_f64)
            .ok_or_else(|| self.error("time() has no value"))
    }

    fn series(&self, target: &Target, range: Range) -> Result<Vec<Series>, Error> {
        // As Grafana computes it: four scrapes, or a step and a scrape.
        let interval = (range.step + self.scrape as f64).max(4.0 * self.scrape as f64).ceil();
        let expr = target
            .expr
            .replace("$__rate_interval", &format!("{interval}s"))
            .replace("$__range", &format!("{}s", range.to - range.from));
        let expr = ["$job", "$instance", "$slo"].iter().fold(expr, |e, v| e.replace(v, ".+"));
        let result = self.ask(&format!(
            "/api/v1/query_range?query={}&start={}&end={}&step={}",
            encoded(&expr),
            range.from,
            range.to,
            range.step
        ))?;
        let found: Vec<Matrix> = serde_json::from_value(result).map_err(|e| self.error(e))?;
        let mut all: Vec<Series> = found
            .into_iter()
            .map(|m| Series {
                name: named(&target.legend, &m.metric),
                points: m
                    .values
                    .into_iter()
                    .filter_map(|(t, v)| Some((t, v.parse::<f64>().ok()?)))
                    .filter(|(_, v)| v.is_finite())
                    .collect(),
                labels: m.metric,
            })
            .filter(|s| !s.points.is_empty())
            .collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(all)
    }
}

/// A legend with its labels filled in.
fn named(legend: &str, labels: &BTreeMap<String, String>) -> String {
    let mut out = String::new();
    let mut rest = legend;
    while let Some((before, inside)) = rest.split_once("{{") {
        let (label, after) = inside.split_once("}}").unwrap_or((inside, ""));
        out.push_str(before);
        out.push_str(labels.get(label.trim()).map_or("(none)", String::as_str));
        rest = after;
    }
    out.push_str(rest);
    out
}

fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, b| {
        if b.is_ascii_alphanumeric() || b"-_.~".contains(&b) {
            out.push(char::from(b));
        } else {
            let _ = write!(out, "%{b:02X}");
        }
        out
    })
}

/// Draws `dashboard` as it looks over the last `length` seconds.
///
/// # Errors
/// [`Error`]: Prometheus does not answer, or refuses a query.
pub fn draw(dashboard: &Dashboard, source: &Source, length: u64) -> Result<String, Error> {
    let to = source.now()?.floor();
    let step = length.div_ceil(POINTS).max(source.scrape) as f64;
    let range = Range { from: to - length as f64, to, step };
    let placed = dashboard.layout();
    let rows = placed
        .iter()
        .flat_map(|p| p.panels.iter().map(|(_, at)| at.y + at.h))
        .max()
        .unwrap_or_default();
    let (width, height) = (24.0 * CELL.0 + GAP, HEAD + f64::from(rows) * CELL.1 + GAP);
    let mut svg = Svg::new(width, height);
    svg.text((GAP + 4.0, 26.0), 18.0, "#1f2933", "start", dashboard.title);
    let when = format!("{} to {} UTC", format::time(range.from), format::time(range.to));
    svg.text((GAP + 4.0, 46.0), 12.0, "#52606d", "start", dashboard.description);
    svg.text((width - GAP, 26.0), 12.0, "#52606d", "end", &when);
    for row in &placed {
        let y = HEAD + f64::from(row.heading.y) * CELL.1;
        svg.text((GAP + 4.0, y + 20.0), 14.0, "#1f2933", "start", row.row.title);
        for (panel, at) in &row.panels {
            let area = chart::Area {
                x: GAP + f64::from(at.x) * CELL.0,
                y: HEAD + f64::from(at.y) * CELL.1,
                w: f64::from(at.w) * CELL.0 - GAP,
                h: f64::from(at.h) * CELL.1 - GAP,
            };
            panel_in(&mut svg, panel, area, source, range)?;
        }
    }
    Ok(svg.end())
}

fn panel_in(
    svg: &mut Svg,
    panel: &Panel,
    area: chart::Area,
    source: &Source,
    range: Range,
) -> Result<(), Error> {
    let mut series = Vec::new();
    for target in &panel.targets {
        series.extend(source.series(target, range)?);
    }
    chart::panel(svg, panel, area, &series, range);
    Ok(())
}
