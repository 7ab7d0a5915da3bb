//! What is different when the reader of compiled SVG is the rasteriser and not a browser.

use std::collections::HashSet;

use crate::geometry::css::Sheet;
use svgx_base::budget::Budget;

/// What the rasteriser is given besides the document.
pub(crate) struct Raster<'a> {
    /// The picture's size in pixels.
    pub(crate) size: (u32, u32),
    /// The style sheets, applied here: once, indexed, and under the budget.
    pub(crate) sheet: &'a Sheet,
    pub(crate) budget: &'a Budget,
    /// Ids that something refers to.
    pub(crate) referenced: HashSet<&'a str>,
}

/// The text for the rasteriser, and what it takes to read it.
#[derive(Debug, Default)]
pub(crate) struct RasterText {
    pub(crate) text: String,
    /// Elements open inside each other at most.
    pub(crate) depth: usize,
    /// `use` elements.
    pub(crate) uses: usize,
    /// Elements that need a layer of their own: opacity, masks, filters, patterns.
    pub(crate) layers: usize,
    /// Characters to shape.
    pub(crate) letters: usize,
}

/// Whether every number is one a rasteriser can bear: curves are divided by
/// their size, and a radius of 1e300 never ends.
pub(super) fn is_tame(value: &str) -> bool {
    const FAR: f64 = 1e9;
    if value.len() < 10 && !value.contains(['e', 'E']) {
        return true;
    }
    value
        .split(|c: char| !(c.is_ascii_alphanumeric() || "+-.#".contains(c)))
        .filter(|word| word.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c)))
        .all(|word| {
            // `10mm` and `1e99em` alike: judge the longest number in front.
            let end = word.rfind(|c: char| c.is_ascii_digit() || c == '.').map_or(0, |at| at + 1);
            word.get(..end).and_then(|n| n.parse::<f64>().ok()).is_none_or(|n| n.abs() <= FAR)
        })
}

/// Whether a property makes the rasteriser paint into a layer first.
pub(super) fn is_layer(name: &str, value: &str) -> bool {
    match name {
        "opacity" => value != "1",
        "mask" | "filter" | "clip-path" => value != "none",
        "mix-blend-mode" => value != "normal",
        "isolation" => value == "isolate",
        _ => false,
    }
}
