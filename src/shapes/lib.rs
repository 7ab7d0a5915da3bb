//! Plane geometry of drawings with true arcs: outlines are cut, extended, rounded, offset, joined and united.
//!
//! An [`Outline`] is a row of vertices in whole micrometres, open or closed. The edge behind a vertex is a
//! straight line, or an arc that is stated by its *bulge*: the tangent of a quarter of the angle it turns
//! by, positive where it turns from the x axis towards the y axis. A [`Region`] is what several closed
//! outlines enclose together, with holes.
//!
//! The rooms: [`Point`], [`Edge`], [`Carrier`] and [`Outline`] (`point`, `edge`, `carrier`, `outline`) are what all
//! stand on. `cut` and `corner` change one outline, `copies` moves it, `flatten` makes chords of curves. `boolean`
//! has regions: it asks `crossings` where edges are straight and nothing touches, `overlay` (`i_overlay`) where
//! something does, and `rebuild` where there are arcs; `simple` tells outlines of which nothing of that need be
//! asked. `offset` asks `parallel` (`cavalier_contours`), holds it to
//! distances, and shifts edge by edge what that cannot do.
//!
//! Lengths in arguments and answers are micrometres unless a name ends in `_mm`. Where a drawing has its
//! y axis pointing down, "left" and "counter-clockwise" of this crate are right and clockwise on the screen.
//!
//! Every function that rounds states by how much at most: [`Answer::error_mm`]. None of them panics, and
//! no input makes them work without bound: [`MAX_VERTICES`] limits what goes in and what comes out.

mod answer;
mod boolean;
mod carrier;
mod copies;
mod corner;
mod crossings;
mod cut;
mod edge;
mod error;
mod flatten;
mod offset;
mod outline;
mod overlay;
mod parallel;
mod point;
mod rebuild;
mod simple;

pub use answer::Answer;
pub use boolean::{Operation, Part, Region, Rule, combine, region, unite};
pub use carrier::{Carrier, Rounding, roundings, tangents};
pub use copies::{Motion, along, grid, polar};
pub use corner::{chamfer, fillet, fillet_pair};
pub use cut::{End, extend, join, split_at, split_by, trim};
pub use edge::{Edge, Meeting};
pub use error::Error;
pub use flatten::{cubic, ellipse_arc};
pub use offset::{Join, offset, offset_region};
pub use outline::{MAX_VERTICES, Outline, Place, Vertex};
pub use point::{LIMIT, Point, Vector};
