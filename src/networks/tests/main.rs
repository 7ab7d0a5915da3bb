//! Networks against closed forms and published cases. Adding a case adds data.

mod bounds;
mod check;
mod controls;
mod drawings;
mod edits;
mod electrical;
mod flow;
mod frame;
mod heat;
mod hostile;
mod kept;
mod properties;
mod read;
mod resumed;
mod studies;
mod transient;
mod traps;

use svgx_base::budget::{Budget, Class, Tier};

/// No deadline, the finest tier.
fn unlimited() -> Budget {
    Budget::unlimited(Class::Physics, Tier::Compute)
}

/// Asserts that two values agree within a relative tolerance.
#[track_caller]
fn near(what: &str, value: f64, wanted: f64, relative: f64) {
    let off = (value - wanted).abs();
    assert!(off <= relative * wanted.abs().max(1e-12), "{what}: {value} instead of {wanted}");
}
