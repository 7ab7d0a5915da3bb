//! Shapes to the text of a document.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;

use svgx_base::budget::Budget;

use super::curve::Affine;
use super::drawing::{Drawing, Layer, folded};
use super::limits::{Error, Limits, hold};
use super::paper::Paper;
use super::place::{self, Order, Sizes};
use super::shape::Item;
use super::stated;
use super::units::Unit;
use super::values;

mod dimensions;
mod items;
mod names;
mod pen;
mod sheets;

use items::Sheet;
use names::Names;
use pen::Pen;

/// Millimetres of the paper that line weights are meant for: the longer side of A3.
const PAPER: f64 = 420.0;
/// The line weight of who has none, in millimetres.
const USUAL_WEIGHT: f64 = 0.25;

/// What a document is made of.
#[derive(Debug)]
pub(super) struct Source<'s, 't> {
    pub(super) drawing: &'s Drawing<'t>,
    pub(super) model: &'s [Item<'t>],
    pub(super) papers: &'s [Paper<'t>],
    pub(super) blocks: &'s [Vec<Item<'t>>],
    pub(super) order: &'s Order,
    pub(super) sizes: &'s Sizes,
    pub(super) unit: Unit,
}

/// What layers and line types are in the document.
#[derive(Debug)]
pub(super) struct Looks<'s, 't> {
    drawing: &'s Drawing<'t>,
    /// Classes and layers by the names of the layers in capitals.
    layers: HashMap<String, (String, &'s Layer<'t>)>,
    /// A millimetre of paper, in units of the drawing.
    paper: f64,
    /// The longer side of the drawing.
    size: f64,
}

impl<'s, 't> Looks<'s, 't> {
    fn of(drawing: &'s Drawing<'t>, size: f64) -> Looks<'s, 't> {
        let mut names = Names::default();
        let mut layers = HashMap::new();
        for layer in &drawing.layers {
            let key = folded(layer.name);
            // Of two layers with one name the first is meant.
            layers.entry(key).or_insert_with(|| (names.unique("layer-", layer.name), layer));
        }
        Looks { drawing, layers, paper: size / PAPER, size }
    }

    fn layer(&self, name: &str) -> Option<&(String, &'s Layer<'t>)> {
        self.layers.get(&folded(name))
    }

    /// A line weight in hundredths of a millimetre, in units of the drawing.
    fn weight(&self, weight: i64) -> f64 {
        let millimetres = match weight {
            ..0 => USUAL_WEIGHT,
            // The thinnest line there is.
            0 => 0.05,
            w => (w.min(1_000)) as f64 / 100.0,
        };
        millimetres * self.paper
    }

    /// Appends the dashes of a line type as `stroke-dasharray`; `none` where there are none, or where
    /// they could not be told apart in the whole drawing.
    fn dashes(&self, name: &str, scale: f64, pen: Pen, out: &mut String) {
        let scale = scale * self.drawing.header.line_type_scale;
        let pattern = self.drawing.line_types.get(&folded(name));
        let pattern = pattern.map(Vec::as_slice).unwrap_or_default();
        // Dashes and gaps take turns; a dot is as long as the usual line is wide.
        let mut runs: Vec<(bool, f64)> = Vec::new();
        for &element in pattern {
            let is_dash = element >= 0.0;
            let length =
                if element == 0.0 { USUAL_WEIGHT * self.paper } else { element.abs() * scale };
            match runs.last_mut() {
                Some((last, sum)) if *last == is_dash => *sum += length,
                _ => runs.push((is_dash, length)),
            }
        }
        if runs.first().is_some_and(|(is_dash, _)| !is_dash) {
            runs.rotate_left(1);
        }
        if runs.len() % 2 == 1
            && runs.len() > 1
            && let (Some((_, last)), Some((_, first))) = (runs.pop(), runs.first_mut())
        {
            *first += last;
        }
        let period: f64 = runs.iter().map(|(_, length)| length).sum();
        if runs.len() < 2 || period <= self.size / 20_000.0 || period.is_nan() {
            return out.push_str("none");
        }
        for (at, (_, length)) in runs.iter().enumerate() {
            if at > 0 {
                out.push(' ');
            }
            pen.number(*length, out);
        }
    }

    fn style_sheet(&self, pen: Pen, has_values: bool, out: &mut String) {
        out.push_str(
            "<style>\n.solid,.text{fill:currentColor;stroke:none}\n.text{font-family:sans-serif}\n",
        );
        if has_values {
            out.push_str(".attribute{fill:currentColor}\n");
        }
        let is_any_off = self.layers.values().any(|(_, layer)| layer.is_off);
        let mut layers: Vec<_> = self.layers.values().collect();
        layers.sort_by(|a, b| a.0.cmp(&b.0));
        for (class, layer) in layers {
            let _ = write!(out, ".{class}{{color:");
            hexadecimal(layer.colour, out);
            out.push_str(";stroke-dasharray:");
            self.dashes(layer.line_type, 1.0, pen, out);
            if layer.weight >= 0 {
                out.push_str(";stroke-width:");
                pen.number(self.weight(layer.weight), out);
            }
            // A frozen layer hides all of a block that is inserted on it, one that is off only
            // what is on it.
            if layer.is_frozen {
                out.push_str(";display:none");
            } else if layer.is_off {
                out.push_str(";visibility:hidden");
            } else if is_any_off {
                out.push_str(";visibility:visible");
            }
            out.push_str("}\n");
        }
        out.push_str("</style>\n");
    }
}

/// A colour of lines and letters: the foreground, and what is as white as paper, is black.
fn hexadecimal(colour: Option<u32>, out: &mut String) {
    match colour {
        None | Some(0xFF_FFFF) => out.push_str("#000"),
        Some(rgb) => {
            let _ = write!(out, "#{rgb:06x}");
        }
    }
}

/// Writes the document.
///
/// # Errors
/// [`Error::Limit`] for `output_bytes` and `outline_bytes`; the end of the budget.
pub(super) fn document(
    source: &Source<'_, '_>,
    limits: &Limits,
    budget: &Budget,
) -> Result<String, Error> {
    let box_ = source.sizes.shown;
    let (low, high) = if box_.is_empty() { ([0.0; 2], [100.0; 2]) } else { (box_.low, box_.high) };
    let side = (high[0] - low[0]).max(high[1] - low[1]);
    let size = if side > 0.0 { side } else { 1.0 };
    let pen = Pen::for_size(size.max(low[0].abs()).max(high[1].abs()) * 1e-3, size);
    let looks = Looks::of(source.drawing, size);
    let factor = if source.unit.is_ours { 1.0 } else { source.unit.millimetres };
    let margin = size * 0.02;
    let stated = stated::dimensions(source.drawing, source.model, source.sizes.model, source.unit);
    let (values, mut left_out) = values::values(source.model, source.blocks);
    left_out.extend(stated.iter().map(|(at, _)| *at));
    let drawn = source.model.iter().enumerate().filter(|(at, _)| !left_out.contains(at));
    let on_paper = source.papers.iter().flat_map(|paper| &paper.items);
    let drawn = drawn.map(|(_, item)| item).chain(on_paper);
    let is_used = place::used(drawn, source.blocks, source.order);
    let papers: Vec<_> =
        source.papers.iter().map(|paper| values::values(&paper.items, source.blocks)).collect();
    let has_values = !values.is_empty() || papers.iter().any(|(values, _)| !values.is_empty());
    let mut out = String::new();
    out.push_str(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:arx=\"http://arxos.io/svgx\" viewBox=\"",
    );
    let sides = [
        low[0] - margin,
        -high[1] - margin,
        high[0] - low[0] + 2.0 * margin,
        high[1] - low[1] + 2.0 * margin,
    ];
    for (at, n) in sides.into_iter().enumerate() {
        if at > 0 {
            out.push(' ');
        }
        if factor == 1.0 {
            pen.number(n, &mut out);
        } else {
            Pen::exact(n * factor, &mut out);
        }
    }
    let name = if source.unit.is_ours { source.unit.name } else { "mm" };
    let _ = writeln!(out, "\" arx:units=\"{name}\">");
    looks.style_sheet(pen, has_values, &mut out);

    let mut names = Names::default();
    let symbols: Vec<String> =
        source.drawing.blocks.iter().map(|block| names.unique("block-", block.name)).collect();
    let mut sheet = Sheet {
        looks: &looks,
        symbols: &symbols,
        pen,
        out,
        limits,
        ids: HashSet::new(),
        layers: HashMap::new(),
        is_in_block: false,
        is_paper: false,
    };
    let used: Vec<usize> = source.order.blocks.iter().copied().filter(|b| is_used[*b]).collect();
    if !used.is_empty() {
        sheet.out.push_str("<defs>\n");
        sheet.is_in_block = true;
        for block in used {
            budget.checkpoint()?;
            let name = symbols.get(block).map_or("", String::as_str);
            let _ = writeln!(sheet.out, "<symbol id=\"{name}\" overflow=\"visible\">");
            let items = source.blocks.get(block).map(Vec::as_slice).unwrap_or_default();
            sheet.items(items, &HashMap::new(), &HashSet::new(), budget)?;
            sheet.out.push_str("</symbol>\n");
        }
        sheet.is_in_block = false;
        sheet.out.push_str("</defs>\n");
    }
    sheet.out.push_str(
        "<g id=\"model\" color=\"#000\" fill=\"none\" stroke=\"currentColor\" stroke-width=\"",
    );
    pen.number(looks.weight(-3), &mut sheet.out);
    sheet.out.push('"');
    if factor != 1.0 {
        sheet.out.push_str(" transform=\"scale(");
        Pen::exact(factor, &mut sheet.out);
        sheet.out.push_str(")\"");
    }
    sheet.out.push_str(" stroke-linejoin=\"round\">\n");
    sheet.items(source.model, &values, &left_out, budget)?;
    sheet.out.push_str("</g>\n");
    sheet.dimensions(&stated, factor)?;
    let Sheet { out, ids, .. } = sheet;
    let mut out = sheets::sheets(source, &papers, (out, ids), &symbols, factor, limits, budget)?;
    out.push_str("</svg>\n");
    hold("output_bytes", out.len(), limits.output_bytes)?;
    Ok(out)
}

/// A transform with y upward as one with y downward.
fn turned(by: &Affine) -> Affine {
    let [a, b, c, d, e, f] = by.0;
    // Without the sign of zeros.
    Affine([a, -b, -c, d, e, -f].map(|n| n + 0.0))
}
