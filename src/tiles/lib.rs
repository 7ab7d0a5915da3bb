//! The live picture of a drawing that is being edited.
//!
//! The picture at a zoom *is* the union of its tiles of 64 pixels, on a grid with its origin at
//! the origin of the drawing. Each tile is drawn on its own, so that a picture that was brought up
//! to date tile by tile equals one that was drawn anew, byte for byte, and moving the view
//! invalidates nothing. Outlines in plain colours and texts are drawn by `vello_cpu`, with
//! vector instructions that round alike on every machine, so that replicas agree; what takes more
//! is painted by the full renderer for its whole group and laid in at its place, and the answer
//! names it.
//!
//! A [`Live`] picture follows one [`Scene`](svgx_engine::geometry::Scene). Asking it is done in
//! three steps, of which only the first and the last need the drawing to stand still:
//! [`Live::plan`], [`Plan::draw`], [`Live::keep`].
//!
//! A picture that is wanted once and as a whole is made by [`whole()`].
//!
//! This crate knows no session, no server and no clock.

mod area;
mod draw;
mod encode;
mod grid;
mod kept;
mod live;
mod painter;
mod pieces;
mod shape;
mod stroke;
mod whole;

pub use draw::{Body, Drawn, Plan, Tile};
pub use grid::{MOST_TILES, SIZE, ZOOMS, zoom_scale};
pub use live::{Limits, Live, Request, Token};
pub use whole::{Engine, Whole, whole};

use svgx_base::budget::Stop;
use svgx_engine::compile;

/// Why there are no tiles.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The work was told to stop.
    #[error(transparent)]
    Stopped(#[from] Stop),
    /// A piece that the full renderer was to paint could not be.
    #[error(transparent)]
    Piece(compile::Error),
    /// More tiles were asked for than are answered at once.
    #[error("the tiles limit is {max}; {seen} were asked for")]
    Tiles {
        /// What is answered.
        max: usize,
        /// What was asked for.
        seen: usize,
    },
    /// The area is empty, or lies too far away to have pixels.
    #[error("the area has no pixels at this zoom")]
    Area,
}

impl From<compile::Error> for Error {
    fn from(error: compile::Error) -> Error {
        match error {
            compile::Error::Stopped(stop) => Error::Stopped(stop),
            other => Error::Piece(other),
        }
    }
}
