//! What lies ahead of a point in a direction.

use std::collections::HashMap;

use kurbo::{Point, Vec2};
use rstar::{AABB, RTreeObject as _, SelectionFunction};

use super::super::item::Entry;
use super::Scene;
use crate::document::NodeId;

/// Half a line, as wide as twice `slack`.
#[derive(Clone, Copy)]
struct Ray {
    from: Point,
    /// Of length one.
    way: Vec2,
    slack: f64,
}

impl Ray {
    /// How far along it meets a box; `None` where it does not.
    fn meets(&self, bounds: &AABB<[f64; 2]>) -> Option<f64> {
        let (mut near, mut far) = (0.0_f64, f64::INFINITY);
        let axes = [(self.from.x, self.way.x), (self.from.y, self.way.y)];
        for ((from, way), (low, high)) in
            axes.into_iter().zip(bounds.lower().into_iter().zip(bounds.upper()))
        {
            let (low, high) = (low - self.slack - from, high + self.slack - from);
            if way.abs() < 1e-12 {
                if low > 0.0 || high < 0.0 {
                    return None;
                }
                continue;
            }
            let (a, b) = (low / way, high / way);
            near = near.max(a.min(b));
            far = far.min(a.max(b));
        }
        (near <= far).then_some(near)
    }
}

impl SelectionFunction<Entry> for Ray {
    fn should_unpack_parent(&self, envelope: &AABB<[f64; 2]>) -> bool {
        self.meets(envelope).is_some()
    }

    fn should_unpack_leaf(&self, leaf: &Entry) -> bool {
        self.meets(&leaf.envelope()).is_some()
    }
}

impl Scene {
    /// The elements whose painted bounds, larger by `slack` on all sides, half a line from a point in the
    /// direction `way` meets, and how far along it first meets them; user units, nearest first.
    pub fn ahead(&self, from: Point, way: Vec2, slack: f64) -> Vec<(f64, NodeId)> {
        let length = way.hypot();
        if !(from.is_finite() && length.is_finite() && length > 0.0 && slack.is_finite()) {
            return Vec::new();
        }
        let ray = Ray { from, way: way / length, slack };
        let mut nearest: HashMap<NodeId, (f64, u32)> = HashMap::new();
        for entry in self.index().locate_with_selection_function(ray) {
            let Some(along) = ray.meets(&entry.envelope()) else { continue };
            let Some(item) = self.item(entry.data) else { continue };
            let (rank, _) = entry.data;
            let known = nearest.entry(item.host).or_insert((along, rank));
            known.0 = known.0.min(along);
        }
        let mut found: Vec<(f64, u32, NodeId)> =
            nearest.into_iter().map(|(node, (along, rank))| (along, rank, node)).collect();
        found.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        found.into_iter().map(|(along, _, node)| (along, node)).collect()
    }
}
