//! What is drawn inside one panel.

use std::collections::BTreeMap;

use super::super::dashboard::model::{Colour, ColourFrom, Panel, Unit, View};
use super::format::{self, ticks};
use super::svg::Svg;
use super::{Range, Series};

const INK: &str = "#1f2933";
const PALE: &str = "#7b8794";
const GRID: &str = "#e4e7eb";
/// Colours that remain apart for most eyes.
const PALETTE: [&str; 8] =
    ["#3274d9", "#d9730d", "#3f9142", "#8f3bb8", "#c8323c", "#0a8a96", "#a67c00", "#5a6a7a"];

/// A place in pixels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Area {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) w: f64,
    pub(super) h: f64,
}

fn colour(index: usize) -> &'static str {
    PALETTE.get(index % PALETTE.len()).copied().unwrap_or(INK)
}

/// Draws a panel with its frame and title.
pub(super) fn panel(svg: &mut Svg, panel: &Panel, area: Area, series: &[Series], range: Range) {
    svg.rect((area.x, area.y), (area.w, area.h), "#ffffff", "rx=\"3\" stroke=\"#d9dee4\"");
    svg.text((area.x + 10.0, area.y + 18.0), 12.5, INK, "start", &panel.title);
    let inner = Area { y: area.y + 26.0, h: area.h - 32.0, ..area };
    if let View::Text(text) = &panel.view {
        return words(svg, text, inner);
    }
    if series.is_empty() {
        let middle = (inner.x + inner.w / 2.0, inner.y + inner.h / 2.0);
        // In a list of alerts, nothing is what one hopes for.
        let none = match panel.view {
            View::Table { .. } | View::Timeline(_) => "None",
            _ => "No data",
        };
        return svg.text(middle, 12.0, PALE, "middle", none);
    }
    match &panel.view {
        View::Lines | View::Stack => lines(svg, panel, inner, series, range),
        View::Stat => stat(svg, panel, inner, series),
        View::Heatmap => heatmap(svg, inner, series, range),
        View::Timeline(states) => timeline(svg, states, inner, series, range),
        View::Table { .. } => table(svg, inner, series),
        View::Text(_) => {}
    }
}

/// The colour that `steps` give to a value.
fn judged(steps: &[ColourFrom], v: f64) -> Colour {
    let mut reached = steps.iter().filter(|s| s.from.is_none_or(|from| v >= from));
    reached.next_back().map_or(Colour::Blue, |s| s.colour)
}

/// Names and last values under a plot; answers the height they take.
fn legend(svg: &mut Svg, area: Area, unit: Unit, series: &[Series]) -> f64 {
    const LINE: f64 = 15.0;
    let room = ((area.h * 0.35) / LINE).floor().max(1.0);
    let items: Vec<String> = series
        .iter()
        .map(|s| {
            format!("{}  {}", s.name, s.last().map_or(String::new(), |v| format::value(unit, v)))
        })
        .collect();
    let (mut x, mut line) = (0.0f64, 0.0f64);
    let mut places = Vec::new();
    for item in &items {
        let wide = 20.0 + item.chars().count() as f64 * 5.9;
        if x > 0.0 && x + wide > area.w - 16.0 {
            (x, line) = (0.0, line + 1.0);
        }
        places.push((x, line));
        x += wide;
    }
    let used = (line + 1.0).min(room);
    let top = area.y + area.h - used * LINE;
    for ((index, item), (x, line)) in items.iter().enumerate().zip(places) {
        if line >= used {
            break;
        }
        let at = (area.x + 10.0 + x, top + line * LINE);
        svg.rect((at.0, at.1 + 5.0), (9.0, 3.0), colour(index), "");
        svg.text((at.0 + 13.0, at.1 + 11.0), 10.5, INK, "start", item);
    }
    used * LINE + 2.0
}

/// Time below a plot.
fn times(svg: &mut Svg, plot: Area, range: Range) {
    for i in 0..=4 {
        let share = f64::from(i) / 4.0;
        let at = (plot.x + share * plot.w, plot.y + plot.h + 13.0);
        let anchor = ["start", "middle", "middle", "middle", "end"].get(i as usize).copied();
        let text = format::time(range.from + share * (range.to - range.from));
        svg.text(at, 10.0, PALE, anchor.unwrap_or("middle"), text.get(..5).unwrap_or(&text));
    }
}

fn lines(svg: &mut Svg, panel: &Panel, area: Area, series: &[Series], range: Range) {
    let below = legend(svg, area, panel.unit, series);
    let plot =
        Area { x: area.x + 58.0, y: area.y + 4.0, w: area.w - 70.0, h: area.h - below - 22.0 };
    let stacked = panel.view == View::Stack;
    let drawn = if stacked { stack(series) } else { series.to_vec() };
    let values = || drawn.iter().flat_map(|s| s.points.iter().map(|p| p.1));
    let mut low = panel.min.unwrap_or_else(|| values().fold(f64::INFINITY, f64::min));
    let mut high = values().fold(panel.soft_max.unwrap_or(f64::NEG_INFINITY), f64::max);
    // A threshold that is near belongs into the picture, one far away does not.
    let marks: Vec<&ColourFrom> = panel.steps.iter().filter(|s| s.from.is_some()).collect();
    for from in marks.iter().filter_map(|s| s.from) {
        if from <= high * 4.0 {
            high = high.max(from);
        }
    }
    if high - low < 1e-12 {
        high = low + low.abs().max(1.0);
    }
    let room = (high - low) * 0.06;
    high += room;
    if panel.min.is_none() {
        low -= room;
    }
    let y = |v: f64| plot.y + plot.h - (v - low) / (high - low) * plot.h;
    let x = |t: f64| plot.x + (t - range.from) / (range.to - range.from) * plot.w;
    for tick in ticks(low, high) {
        svg.line((plot.x, y(tick)), (plot.x + plot.w, y(tick)), GRID, "");
        let text = format::value(panel.unit, tick);
        svg.text((plot.x - 6.0, y(tick) + 3.5), 10.0, PALE, "end", &text);
    }
    times(svg, plot, range);
    for step in marks {
        if let Some(from) = step.from.filter(|f| *f <= high && *f >= low) {
            let more = "stroke-width=\"1.2\" stroke-dasharray=\"5 4\"";
            svg.line((plot.x, y(from)), (plot.x + plot.w, y(from)), step.colour.hex(), more);
        }
    }
    let floor = y(low.max(0.0));
    for (index, s) in drawn.iter().enumerate().rev() {
        let stretches = stretches(&s.points, range.step, &x, &y);
        if stacked {
            let closed: Vec<Vec<(f64, f64)>> = stretches
                .iter()
                .map(|st| {
                    let ends = [st.last(), st.first()].into_iter().flatten();
                    st.iter().copied().chain(ends.map(|p| (p.0, floor))).collect()
                })
                .collect();
            svg.path(&closed, colour(index), colour(index));
        } else {
            svg.path(&stretches, "none", colour(index));
        }
    }
}

/// Points in pixels, apart where samples are missing.
fn stretches(
    points: &[(f64, f64)],
    step: f64,
    x: &dyn Fn(f64) -> f64,
    y: &dyn Fn(f64) -> f64,
) -> Vec<Vec<(f64, f64)>> {
    let mut all: Vec<Vec<(f64, f64)>> = Vec::new();
    let mut last = f64::NEG_INFINITY;
    for &(t, v) in points {
        if t - last > 1.5 * step {
            all.push(Vec::new());
        }
        if let Some(stretch) = all.last_mut() {
            stretch.push((x(t), y(v)));
        }
        last = t;
    }
    all
}

/// Each series on top of those before it.
fn stack(series: &[Series]) -> Vec<Series> {
    // Queries share their steps; seconds are their names.
    let mut sums: BTreeMap<i64, f64> = BTreeMap::new();
    let key = |t: f64| t.round() as i64;
    for s in series {
        for &(t, _) in &s.points {
            sums.insert(key(t), 0.0);
        }
    }
    let mut all = Vec::new();
    for s in series {
        for &(t, v) in &s.points {
            *sums.entry(key(t)).or_default() += v;
        }
        let points = sums.iter().map(|(t, v)| (*t as f64, *v)).collect();
        all.push(Series { points, ..s.clone() });
    }
    all
}

fn stat(svg: &mut Svg, panel: &Panel, area: Area, series: &[Series]) {
    let each = area.h / series.len() as f64;
    let size = (each * 0.62).clamp(11.0, 30.0).min(area.w / 9.0);
    for (index, s) in series.iter().enumerate() {
        let Some(v) = s.last() else { continue };
        let y = area.y + each * index as f64 + each / 2.0 + size * 0.35;
        let fill = judged(&panel.steps, v).hex();
        let text = format::value(panel.unit, v);
        if series.len() > 1 {
            svg.text((area.x + 10.0, y), 11.0, INK, "start", &s.name);
            svg.text((area.x + area.w - 10.0, y), size.min(17.0), fill, "end", &text);
        } else {
            svg.text((area.x + area.w / 2.0, y), size, fill, "middle", &text);
        }
    }
}

fn heatmap(svg: &mut Svg, area: Area, series: &[Series], range: Range) {
    let edge = |s: &Series| s.labels.get("le").and_then(|le| le.parse::<f64>().ok());
    let mut rows: Vec<(f64, &Series)> = series.iter().filter_map(|s| Some((edge(s)?, s))).collect();
    rows.sort_by(|a, b| a.0.total_cmp(&b.0));
    // Buckets hold everything below their edge: each row is the growth over the one before.
    let mut below: BTreeMap<i64, f64> = BTreeMap::new();
    let mut cells: Vec<(f64, Vec<(f64, f64)>)> = Vec::new();
    for (edge, s) in rows {
        let mut row = Vec::new();
        for &(t, v) in &s.points {
            let before = below.insert(t.round() as i64, v).unwrap_or(0.0);
            row.push((t, (v - before).max(0.0)));
        }
        cells.push((edge, row));
    }
    let busy = |c: &(f64, Vec<(f64, f64)>)| c.1.iter().any(|p| p.1 > 0.01);
    let first = cells.iter().position(busy).unwrap_or(0).saturating_sub(1);
    let last = (cells.iter().rposition(busy).unwrap_or(0) + 2).min(cells.len());
    let cells = cells.get(first..last).unwrap_or_default();
    let most = cells.iter().flat_map(|c| c.1.iter().map(|p| p.1)).fold(1e-9, f64::max);
    let plot = Area { x: area.x + 58.0, y: area.y + 4.0, w: area.w - 70.0, h: area.h - 22.0 };
    let each = plot.h / cells.len().max(1) as f64;
    let wide = plot.w * range.step / (range.to - range.from);
    for (index, (edge, row)) in cells.iter().enumerate() {
        let y = plot.y + plot.h - each * (index + 1) as f64;
        for &(t, n) in row.iter().filter(|p| p.1 > 0.01) {
            let x = plot.x + (t - range.from) / (range.to - range.from) * plot.w - wide;
            let more = format!("fill-opacity=\"{:.2}\"", 0.12 + 0.88 * (n / most).sqrt());
            svg.rect((x.max(plot.x), y), (wide, each - 0.5), "#d9480f", &more);
        }
        let text = if edge.is_finite() { format!("{edge}") } else { "more".to_owned() };
        svg.text((plot.x - 6.0, y + 3.5), 9.5, PALE, "end", &text);
    }
    times(svg, plot, range);
}

fn timeline(
    svg: &mut Svg,
    states: &[(u32, &'static str, Colour)],
    area: Area,
    series: &[Series],
    range: Range,
) {
    let plot = Area { x: area.x + 240.0, y: area.y + 4.0, w: area.w - 252.0, h: area.h - 40.0 };
    let each = (plot.h / series.len() as f64).min(26.0);
    let wide = plot.w * range.step / (range.to - range.from);
    for (index, s) in series.iter().enumerate() {
        let y = plot.y + each * index as f64;
        svg.rect((plot.x, y + 1.0), (plot.w, each - 2.0), "#f0f2f5", "");
        svg.text((plot.x - 8.0, y + each / 2.0 + 3.5), 10.5, INK, "end", &s.name);
        for &(t, v) in &s.points {
            let known = states.iter().find(|(value, ..)| f64::from(*value) == v);
            let fill = known.map_or(PALE, |(_, _, c)| c.hex());
            let x = plot.x + (t - range.from) / (range.to - range.from) * plot.w - wide;
            svg.rect((x.max(plot.x), y + 1.0), (wide + 0.3, each - 2.0), fill, "");
        }
    }
    times(svg, plot, range);
    for (index, (_, name, c)) in states.iter().enumerate() {
        let x = plot.x + 90.0 * index as f64;
        svg.rect((x, area.y + area.h - 10.0), (9.0, 9.0), c.hex(), "");
        svg.text((x + 14.0, area.y + area.h - 2.0), 10.5, INK, "start", name);
    }
}

fn table(svg: &mut Svg, area: Area, series: &[Series]) {
    const LINE: f64 = 18.0;
    let columns = ["alertname", "slo", "severity", "alertstate"];
    let wide = area.w / columns.len() as f64;
    let rows = ((area.h / LINE) as usize).saturating_sub(1);
    for (c, column) in columns.iter().enumerate() {
        let x = area.x + 10.0 + wide * c as f64;
        svg.text((x, area.y + 12.0), 10.5, PALE, "start", column);
        for (r, s) in series.iter().take(rows).enumerate() {
            let text = s.labels.get(*column).map_or("", String::as_str);
            svg.text((x, area.y + 12.0 + LINE * (r + 1) as f64), 11.0, INK, "start", text);
        }
    }
}

/// Lines of a Markdown list, in two columns, links without their addresses.
fn words(svg: &mut Svg, text: &str, area: Area) {
    const LINE: f64 = 18.0;
    let rows = (area.h / LINE).floor().max(1.0) as usize;
    for (index, line) in text.lines().enumerate() {
        let plain = line.trim_start_matches("- ");
        let plain = plain.strip_prefix('[').and_then(|l| l.split_once(']')).map_or(plain, |l| l.0);
        let (column, row) = (index / rows, index % rows);
        let at = (area.x + 10.0 + area.w / 3.0 * column as f64, area.y + 12.0 + LINE * row as f64);
        svg.text(at, 11.5, "#3274d9", "start", plain);
    }
}
