//! Layouts as sheets: views of the model, and what lies on the paper itself.

use std::collections::{HashMap, HashSet};

use svgx_base::budget::Budget;

use super::super::curve::P;
use super::super::limits::{Error, Limits, hold};
use super::super::paper::{Paper, View};
use super::items::Sheet;
use super::names::Names;
use super::pen::Pen;
use super::{Looks, Source};

/// The values of inserts on a paper, and what is left out for them.
type Values = (HashMap<usize, Vec<usize>>, HashSet<usize>);

/// Writes the sheets behind `begun`, which is the text so far and the ids in it. `factor`: user units
/// in a unit of the drawing.
///
/// # Errors
/// [`Error::Limit`] for `output_bytes` and `outline_bytes`; the end of the budget.
pub(super) fn sheets<'t>(
    source: &Source<'_, 't>,
    values: &[Values],
    begun: (String, HashSet<&'t str>),
    symbols: &[String],
    factor: f64,
    limits: &Limits,
    budget: &Budget,
) -> Result<String, Error> {
    let (mut out, mut ids) = begun;
    let mut names = Names::default();
    for (paper, (values, left_out)) in source.papers.iter().zip(values) {
        let bounds = source.sizes.of(&paper.items, source.blocks);
        let (corner, size) = paper.place(bounds);
        let unit = paper.layout.unit;
        out.push_str("<arx:sheet id=\"");
        out.push_str(&names.unique("sheet-", paper.layout.name));
        out.push_str("\" size=\"");
        Pen::exact(size[0], &mut out);
        out.push('x');
        Pen::exact(size[1], &mut out);
        out.push_str(if size[0] < size[1] { "\" orientation=\"portrait" } else { "" });
        out.push_str("\" frame=\"false\">\n");
        for view in &paper.views {
            self::view(view, paper, corner, source, factor, &mut out);
        }
        let longer = size[0].max(size[1]) / unit;
        // Widths of lines are those of paper.
        let mut looks = Looks::of(source.drawing, longer);
        looks.paper = 1.0 / unit;
        let pen = Pen::for_size(longer, longer);
        let mut sheet = Sheet {
            looks: &looks,
            symbols,
            pen,
            out,
            limits,
            ids,
            layers: HashMap::new(),
            is_in_block: false,
            is_paper: true,
        };
        if !paper.items.is_empty() {
            sheet.out.push_str(
                "<g color=\"#000\" fill=\"none\" stroke=\"currentColor\" stroke-width=\"",
            );
            pen.number(looks.weight(-3), &mut sheet.out);
            sheet.out.push_str("\" stroke-linejoin=\"round\" transform=\"matrix(");
            for n in [unit, 0.0, 0.0, unit, -corner[0] * unit, corner[1] * unit] {
                Pen::exact(n, &mut sheet.out);
                sheet.out.push(' ');
            }
            sheet.out.pop();
            sheet.out.push_str(")\">\n");
            sheet.items(&paper.items, values, left_out, budget)?;
            sheet.out.push_str("</g>\n");
        }
        sheet.out.push_str("</arx:sheet>\n");
        (out, ids) = (sheet.out, sheet.ids);
        hold("output_bytes", out.len(), limits.output_bytes)?;
    }
    Ok(out)
}

/// A view; what is of a scale that no sheet has is left out.
fn view(
    view: &View,
    paper: &Paper<'_>,
    corner: P,
    source: &Source<'_, '_>,
    factor: f64,
    out: &mut String,
) {
    let (on, of, unit) = (view.on, view.of, paper.layout.unit);
    let [width, height] = [0, 1].map(|i| (of.high[i] - of.low[i]) * factor);
    // Millimetres of the model in one of paper.
    let scale =
        (of.high[1] - of.low[1]) * source.unit.millimetres / ((on.high[1] - on.low[1]) * unit);
    out.push_str("<arx:view of=\"");
    for n in [of.low[0] * factor, -of.high[1] * factor, width, height] {
        Pen::exact(n, out);
        out.push(' ');
    }
    out.pop();
    for (name, n) in [
        ("\" x=\"", (on.low[0] - corner[0]) * unit),
        ("\" y=\"", (corner[1] - on.high[1]) * unit),
        ("\" scale=\"1:", scale),
    ] {
        out.push_str(name);
        Pen::exact(n, out);
    }
    out.push_str("\"/>\n");
}
