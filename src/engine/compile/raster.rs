//! What is different when the reader of compiled SVG is the rasteriser and not a browser.

use std::collections::HashSet;

use kurbo::Affine;

use crate::document::NodeId;
use crate::geometry::Scene;
use crate::geometry::css::Sheet;
use svgx_base::budget::Budget;

use super::page::Layers;
use super::pieces::Only;

/// What the rasteriser is given besides the document.
pub(crate) struct Raster<'a> {
    /// The picture's size in pixels.
    pub(crate) size: (u32, u32),
    /// The style sheets, applied here: once, indexed, and under the budget.
    pub(crate) sheet: &'a Sheet,
    pub(crate) scene: &'a Scene,
    /// From the world to the pixels of the picture.
    pub(crate) view: Affine,
    pub(crate) budget: &'a Budget,
    /// Ids that something refers to.
    pub(crate) referenced: HashSet<&'a str>,
    /// What alone is written of what is drawn; `None`: all.
    pub(super) only: Option<&'a Only>,
    /// Elements that begin a layer, which is told.
    pub(super) layers: Option<&'a Layers>,
    /// The drawing fills the size, whatever shape that gives it.
    pub(crate) stretched: bool,
}

/// The text for the rasteriser, and what it takes to read it.
#[derive(Debug, Default)]
pub(crate) struct RasterText {
    pub(crate) text: String,
    /// Elements open inside each other at most.
    pub(crate) depth: usize,
    /// Where the tag of each element begins, in order.
    pub(crate) places: Vec<(usize, NodeId)>,
}

impl RasterText {
    /// The element whose tag begins at a place of the text.
    pub(crate) fn element(&self, at: usize) -> Option<NodeId> {
        let after = self.places.partition_point(|(place, _)| *place <= at);
        self.places.get(after.checked_sub(1)?).map(|(_, node)| *node)
    }
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
