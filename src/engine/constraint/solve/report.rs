//! How the solve of a block came out.

/// How a block came out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BlockReport {
    pub(crate) iterations: u32,
    /// Largest residual of the equations that must hold, in millimetres.
    pub(crate) residual: f64,
    pub(crate) converged: bool,
}
