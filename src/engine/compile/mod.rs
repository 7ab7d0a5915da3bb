//! From a document to SVG, JSON and PNG.

mod allow;
mod background;
mod cost;
mod decimals;
mod differences;
mod display;
mod fonts;
mod graph;
mod json;
mod layers;
mod objects;
mod page;
mod paint;
mod pieces;
mod place;
mod plain;
mod png;
mod raster;
mod resolved;
mod sanitize;
mod svg;
mod work;
mod xml;

pub use background::Background;
pub use differences::differences;
pub use display::{Display, Outline, Placed, Stroke};
pub use fonts::{FontFile, Fonts};
pub use json::{
    Behavior, Body, Calculation, Connection, Element, Force, Geometry, JsonOptions, Metadata,
    Model, Namespace, Object, Property, System, Trigger, Value, json,
};
pub use objects::{drawn_elsewhere, draws};
pub use page::{Between, Face, Glyph, Gradient, Group, LeftOut, Mark, Page, layer, page};
pub use pieces::{Picture, Piece, PieceContent, Pieces, Units, pieces};
pub use place::Place;
pub use png::{Canvas, PngOptions, png, png_of, png_with, scene_of};
pub use svg::{SvgOptions, svg, svg_within};

use crate::geometry;
use svgx_base::budget::Stop;

/// Why a document could not be rendered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The work was told to stop.
    #[error(transparent)]
    Stopped(#[from] Stop),
    /// A limit, and what was asked for.
    #[error("the {limit} limit is {max}; {seen} were asked for{}", Place::suffix(place.as_ref()))]
    Limit {
        /// Its name.
        limit: &'static str,
        /// What it allows.
        max: usize,
        /// What was asked for.
        seen: usize,
        /// The element that asks for most of it, where one can be named.
        place: Option<Place>,
    },
    /// The picture would have no size.
    #[error("width, height and scale must be positive")]
    Size,
    /// The renderer refused the drawing.
    #[error("the drawing cannot be rendered: {0}")]
    Renderer(String),
}

impl From<geometry::Error> for Error {
    fn from(e: geometry::Error) -> Error {
        match e {
            geometry::Error::Stopped(stop) => Error::Stopped(stop),
            geometry::Error::Limit { limit, max, seen, .. } => {
                Error::Limit { limit, max, seen, place: None }
            }
        }
    }
}
