//! Every limit of the language, in one place.

use serde::{Deserialize, Serialize};

/// What a document may ask for. Going past one is an error that names the
/// limit and the value seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Bytes of source text.
    pub bytes: usize,
    /// Elements nested in each other.
    pub depth: usize,
    /// Elements in the document.
    pub elements: usize,
    /// Attributes on one element.
    pub attributes: usize,
    /// Bytes in one attribute value.
    pub attribute_bytes: usize,
    /// Bytes in an attribute value that is an embedded picture (`data:image/...`).
    pub picture_bytes: usize,
    /// Bytes that entities may expand to.
    pub expansion_bytes: usize,
    /// Entities that a document type declaration may define.
    pub entities: usize,
    /// Prefixes that may be declared or used.
    pub namespaces: usize,
    /// Bytes in one formula.
    pub formula_bytes: usize,
    /// Nesting inside one formula.
    pub formula_depth: usize,
    /// Diagnostics kept; the rest is counted.
    pub diagnostics: usize,
    /// Elements that `use` may instantiate, all taken together.
    pub instances: usize,
    /// Pixels in one rendered picture, and in the pictures inside a drawing.
    pub pixels: usize,
    /// Steps to paint one picture, however large its drawing: a step is the
    /// work on one pixel, about a nanosecond.
    pub paint_steps: u64,
    /// Bytes held while one picture is painted: the picture, its layers and tiles, and
    /// the shapes that references multiply.
    pub paint_bytes: usize,
    /// Rigid bodies in one simulation.
    pub bodies: usize,
    /// Pairs of bodies whose boxes overlap at the start of a simulation.
    pub overlapping_pairs: usize,
    /// Equations (or unknown reactions) of one assembly at rest.
    pub equilibrium_equations: usize,
    /// Steps of one simulation.
    pub steps: u64,
    /// Frames of one simulation.
    pub frames: u64,
    /// Positions of bodies in all frames of one answer, counted together.
    pub positions: usize,
    /// Seconds of one simulation.
    pub simulated_seconds: u64,
    /// Contact events kept of one simulation; the rest is counted.
    pub events: usize,
    /// Bytes in a simulation snapshot.
    pub snapshot_bytes: usize,
    /// Geometric constraints in one solve.
    pub constraints: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            bytes: 10 * 1024 * 1024,
            depth: 1_024,
            elements: 200_000,
            attributes: 256,
            attribute_bytes: 1024 * 1024,
            picture_bytes: 8 * 1024 * 1024,
            expansion_bytes: 1024 * 1024,
            entities: 64,
            namespaces: 64,
            formula_bytes: 4_096,
            formula_depth: 64,
            diagnostics: 200,
            instances: 200_000,
            pixels: 32 * 1024 * 1024,
            paint_steps: 8_000_000_000,
            paint_bytes: 384 * 1024 * 1024,
            bodies: 20_000,
            overlapping_pairs: 100_000,
            equilibrium_equations: 600,
            steps: 1_000_000,
            frames: 100_000,
            positions: 500_000,
            simulated_seconds: 3_600,
            events: 10_000,
            snapshot_bytes: 64 * 1024 * 1024,
            constraints: 20_000,
        }
    }
}
