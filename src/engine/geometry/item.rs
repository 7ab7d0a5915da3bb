//! What a scene is made of, and why there may be none.

use std::sync::Arc;

use kurbo::{Affine, Rect};
use rstar::primitives::{GeomWithData, Rectangle};

use crate::document::NodeId;
use svgx_base::budget::Stop;

use super::clip::Clip;
use super::curve::Curve;
use super::style::{Ink, PointerEvents};

/// As far as a stroke is taken to reach.
const FAR: f64 = 1e12;

/// Why a document has no scene.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The work was told to stop.
    #[error(transparent)]
    Stopped(#[from] Stop),
    /// A limit of the language.
    #[error("the {limit} limit is {max}; the document needs {seen} or more")]
    Limit {
        /// Its name in [`Limits`].
        limit: &'static str,
        /// What it allows.
        max: usize,
        /// What was reached.
        seen: usize,
        /// The outermost `use` that it was reached in, or the element itself.
        node: Option<NodeId>,
    },
}

/// Where an item stands in the order of painting: its element's place in the
/// document, then its place inside a `use`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) rank: u32,
    pub(crate) sequence: u32,
}

/// How an item meets the pointer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paint {
    pub(crate) fill: bool,
    pub(crate) stroke: bool,
    pub(crate) even_odd: bool,
    pub(crate) visible: bool,
    pub(crate) pointer: PointerEvents,
    /// Half the stroke's width in world units.
    pub(crate) half_stroke: f64,
}

/// One placed outline.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) key: Key,
    /// The element in the drawn tree: the `use` for what a `use` shows.
    pub(crate) host: NodeId,
    /// The element whose outline this is.
    pub(crate) source: NodeId,
    pub(crate) transform: Affine,
    pub(crate) outline: Curve,
    pub(crate) bounds: Rect,
    pub(crate) paint: Paint,
    pub(crate) ink: Ink,
    /// In the outline's units.
    pub(crate) stroke_width: f64,
    /// Outside of it nothing is painted or met.
    pub(crate) clip: Option<Arc<Clip>>,
    /// The element around that takes more than plain ink, with which this is drawn.
    pub(crate) unit: Option<NodeId>,
    pub(crate) non_scaling: bool,
    /// The box an object states, which is not drawn unless the object draws nothing else.
    pub(crate) boxed: bool,
}

pub(super) type Entry = GeomWithData<Rectangle<[f64; 2]>, (u32, u32)>;

impl Item {
    /// The bounds with the stroke.
    pub(crate) fn reach(&self) -> Rect {
        // A mitre is at most four times as long as the stroke is wide, by default.
        let far = self.paint.half_stroke * f64::from(self.ink.miter.max(4.0)) * self.stretch();
        let far = far.min(FAR);
        self.bounds.inflate(far, far)
    }

    /// How much longer a stroke may be in one direction than on average: its transform may scale
    /// the axes differently.
    fn stretch(&self) -> f64 {
        let [a, b, c, d, ..] = self.transform.as_coeffs();
        let plain = b == 0.0 && c == 0.0 && a == d;
        if plain || self.non_scaling || self.paint.half_stroke == 0.0 {
            return 1.0;
        }
        let square = a * a + b * b + c * c + d * d;
        let area = (a * d - b * c).abs();
        if square - 2.0 * area <= square * 1e-9 || area == 0.0 {
            return 1.0;
        }
        // The larger singular value of the transform over their geometric mean.
        let spread = libm::sqrt((square * square / 4.0 - area * area).max(0.0));
        libm::sqrt((square / 2.0 + spread) / area)
    }

    pub(super) fn entry(&self) -> Entry {
        let r = self.reach();
        let corners = Rectangle::from_corners([r.x0, r.y0], [r.x1, r.y1]);
        GeomWithData::new(corners, (self.key.rank, self.key.sequence))
    }
}
