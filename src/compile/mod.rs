//! From a document to SVG, JSON and PNG.

mod allow;
mod sanitize;
mod svg;
mod xml;

pub use svg::{SvgOptions, svg};
