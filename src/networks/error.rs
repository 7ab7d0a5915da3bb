//! Why a network is not solved at all.

use svgx_base::budget::Stop;
use svgx_engine::linear;

use crate::Name;

/// Why a network is not solved at all. What is wrong with a *part* of it is a
/// [`Finding`](crate::Finding): the rest is answered.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    /// The budget ended before there was anything to answer.
    #[error("{0}")]
    Stopped(#[from] Stop),
    /// There is more of something than allowed.
    #[error("{count} {what}: at most {limit} are allowed")]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// How many there are, or were counted before the work was given up.
        count: usize,
        /// How many there may be.
        limit: usize,
    },
    /// A quantity that no such element can have.
    #[error("{element}: {what} is {value}, it has to be {wanted}")]
    Quantity {
        /// The element that has it.
        element: Name,
        /// Which quantity.
        what: &'static str,
        /// Its value, in SI.
        value: f64,
        /// What it would have to be.
        wanted: &'static str,
    },
    /// An element that refers to a node which does not exist.
    #[error("{element} is connected to node {node} of {nodes}")]
    Reference {
        /// The element.
        element: Name,
        /// The node it names.
        node: u32,
        /// How many nodes there are.
        nodes: usize,
    },
    /// A matrix whose numbers are no longer finite: quantities lie too far apart.
    #[error("the numbers of the network are too far apart to be computed with ({at})")]
    Overflow {
        /// The node at which it was seen.
        at: Name,
    },
    /// A state that was written cannot be gone on from.
    #[error("snapshot: {0}")]
    Snapshot(&'static str),
}

impl From<linear::Error> for Error {
    fn from(error: linear::Error) -> Error {
        match error {
            linear::Error::Stopped(stop) => Error::Stopped(stop),
            linear::Error::TooLarge { what, count, limit } => {
                Error::TooLarge { what, count, limit }
            }
        }
    }
}

/// Limits of one network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Nodes, or terminals of an electrical network.
    pub nodes: usize,
    /// Links, members and loads together.
    pub links: usize,
    /// Findings of one kind that are told; more are counted.
    pub findings: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { nodes: 200_000, links: 400_000, findings: 100 }
    }
}

impl Limits {
    /// # Errors
    /// [`Error::TooLarge`] for more nodes or links than allowed.
    pub fn admit(&self, nodes: usize, links: usize) -> Result<(), Error> {
        for (what, count, limit) in
            [("nodes of a network", nodes, self.nodes), ("links of a network", links, self.links)]
        {
            if count > limit {
                return Err(Error::TooLarge { what, count, limit });
            }
        }
        Ok(())
    }
}

/// Looks at the quantities and nodes of one element.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Looked<'a> {
    pub(crate) element: &'a Name,
}

impl Looked<'_> {
    pub(crate) fn node(self, node: u32, nodes: usize) -> Result<(), Error> {
        if (node as usize) < nodes {
            return Ok(());
        }
        Err(Error::Reference { element: self.element.clone(), node, nodes })
    }

    pub(crate) fn finite(self, what: &'static str, value: f64) -> Result<(), Error> {
        self.hold(what, value, value.is_finite(), "finite")
    }

    /// What lies outside of these bounds is a slip of units and would only spoil the matrix.
    pub(crate) fn positive(self, what: &'static str, value: f64) -> Result<(), Error> {
        self.hold(what, value, (1e-12..=1e15).contains(&value), "positive and below 1e15")
    }

    pub(crate) fn not_negative(self, what: &'static str, value: f64) -> Result<(), Error> {
        self.hold(what, value, (0.0..=1e15).contains(&value), "zero or positive, below 1e15")
    }

    pub(crate) fn hold(
        self,
        what: &'static str,
        value: f64,
        holds: bool,
        wanted: &'static str,
    ) -> Result<(), Error> {
        if holds {
            return Ok(());
        }
        Err(Error::Quantity { element: self.element.clone(), what, value, wanted })
    }
}
