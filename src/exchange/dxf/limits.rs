//! What a file may ask for, and why it is refused.

use svgx_base::budget::Stop;

/// Limits of one DXF file. No count that stands in a file sizes an allocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the file.
    pub dxf_bytes: usize,
    /// Tags: pairs of a group code and a value.
    pub dxf_tags: usize,
    /// Entities of the model, of the paper and of all blocks, taken together.
    pub dxf_entities: usize,
    /// Block definitions.
    pub dxf_blocks: usize,
    /// Layers.
    pub dxf_layers: usize,
    /// Blocks inserted in each other.
    pub dxf_insert_depth: usize,
    /// Entities when every insert is drawn out, arrays of inserts included.
    pub instances: usize,
    /// Vertices, knots and control points of all entities.
    pub dxf_points: usize,
    /// Lines of hatch patterns; where there are more, the outline of a hatch is drawn.
    pub hatch_lines: usize,
    /// Bytes of one outline in the result.
    pub outline_bytes: usize,
    /// Bytes of the result.
    pub output_bytes: usize,
    /// Notes that are told; more are counted.
    pub notes: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            dxf_bytes: 64 * 1024 * 1024,
            dxf_tags: 8_000_000,
            dxf_entities: 150_000,
            dxf_blocks: 20_000,
            dxf_layers: 10_000,
            dxf_insert_depth: 32,
            instances: 200_000,
            dxf_points: 1_000_000,
            hatch_lines: 60_000,
            // The result is to be a document that the engine reads with its own defaults.
            outline_bytes: 1024 * 1024,
            output_bytes: 10 * 1024 * 1024,
            notes: 100,
        }
    }
}

/// Why a file is not read at all. What is wrong with one entity is counted instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The budget ended.
    #[error("{0}")]
    Stopped(#[from] Stop),
    /// There is more of something than allowed.
    #[error("{what}: {seen} seen, at most {limit} are allowed")]
    Limit {
        /// The name of the limit.
        what: &'static str,
        /// How much there may be.
        limit: usize,
        /// How much there is, or was counted before the work was given up.
        seen: usize,
    },
    /// The bytes are no ASCII DXF.
    #[error("line {line}: {message}")]
    Malformed {
        /// The line, from 1.
        line: usize,
        /// What is wrong there.
        message: String,
    },
    /// A form of drawing that is not read.
    #[error("{0}")]
    Unsupported(&'static str),
}

impl From<svgx_engine::geometry::Error> for Error {
    fn from(error: svgx_engine::geometry::Error) -> Error {
        use svgx_engine::geometry::Error as E;
        match error {
            E::Stopped(stop) => Error::Stopped(stop),
            E::Limit { limit, max, seen, .. } => Error::Limit { what: limit, limit: max, seen },
        }
    }
}

/// Holds a count to its limit.
///
/// # Errors
/// [`Error::Limit`] for more than allowed.
pub(super) fn hold(what: &'static str, seen: usize, limit: usize) -> Result<(), Error> {
    if seen > limit { Err(Error::Limit { what, limit, seen }) } else { Ok(()) }
}
