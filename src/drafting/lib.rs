//! How a drawing is presented: dimensions that measure it, layers that it is on, values of its
//! symbols, and the sheets that show it.
//!
//! None of that stores geometry. [`painted`] draws what a drawing states, as plain shapes at the
//! end of a copy of it; [`on_sheet`] makes a document of a sheet. What is measured is known to
//! [`dimensions`].
//!
//! This crate stands on the engine and the crate of plane geometry, and knows no session and no
//! format of other programs.

mod attributes;
mod check;
mod dimension;
mod drawn;
mod interference;
mod layers;
mod layout;
mod measure;
mod pieces;
mod plane;
mod sheet;
mod style;
mod text;

pub use attributes::{Template, Value, values};
pub use check::check;
pub use dimension::{
    Dimension, Kind, MOST, Measured, Piece, Points, dimensions, evaluate, measured,
};
pub use drawn::{Drawn, Error, LAYER, Purpose, Shown, drawn, drawn_over, is_drafted, painted};
pub use interference::{
    Interference, Options as InterferenceOptions, Pair as InterferingPair,
    Refused as InterferenceRefused, interference,
};
pub use layers::{Layer, LineType, layer_of, layers, locked};
pub use layout::{Arc, Laid, Text};
pub use sheet::{Placed, Sheet, View, framed, on_sheet, placed, sheets, usual_scale};
pub use style::{Ends, Standard, Style};
pub use text::{Measure, Sign, Tolerance, Unit, Words, text};
