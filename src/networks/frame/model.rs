//! Plane frames: nodes, members and what acts on them. SI units; `x` to the right, `y` up,
//! rotations and moments counter-clockwise.

use crate::error::Looked;
use crate::memory::Print;
use crate::{Error, Limits, Name};

/// How a support holds one direction of a node.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub enum Restraint {
    /// Not at all.
    #[default]
    Free,
    /// Without giving way.
    Fixed,
    /// By a spring, N/m or Nm.
    Spring(f64),
}

/// A node.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Its element.
    pub name: Name,
    /// Where it is, m.
    pub at: [f64; 2],
    /// How it is held in `x`, in `y`, in rotation.
    pub support: [Restraint; 3],
}

/// A straight member of one section (Euler and Bernoulli).
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// Its element.
    pub name: Name,
    /// The node it begins at.
    pub from: u32,
    /// The node it ends at.
    pub to: u32,
    /// Young's modulus, Pa.
    pub modulus: f64,
    /// Area, m².
    pub area: f64,
    /// Second moment of area, m⁴; zero for a bar of a truss, which is hinged at both ends.
    pub inertia: f64,
    /// Whether it is hinged at its beginning, at its end.
    pub hinges: [bool; 2],
}

impl Member {
    /// What it is, for [`Print`].
    pub(crate) fn print(&self, k: usize) -> Print {
        let hinges = 2 * u8::from(self.hinges[0]) + u8::from(self.hinges[1]);
        Print::of(hinges, k, [self.modulus, self.area, self.inertia].map(f64::to_bits))
    }
}

impl Load {
    /// What it is, for [`Print`].
    pub(crate) fn print(&self, k: usize) -> Print {
        let (tag, on, q) = match self {
            Load::Node { node, force } => (8, *node, [force[0], force[1], force[2]]),
            Load::Uniform { member, force } => (9, *member, [force[0], force[1], 0.0]),
            Load::Point { member, distance, force } => {
                (10, *member, [force[0], force[1], *distance])
            }
        };
        Print::of(tag, k, [u64::from(on)].into_iter().chain(q.map(f64::to_bits)))
    }
}

/// What acts on a structure.
#[derive(Debug, Clone, PartialEq)]
pub enum Load {
    /// On a node: N, N, Nm.
    Node {
        /// The node.
        node: u32,
        /// Force in `x`, in `y`, moment.
        force: [f64; 3],
    },
    /// Evenly along a member: N per m of its length, in `x` and `y`.
    Uniform {
        /// The member.
        member: u32,
        /// Force per length.
        force: [f64; 2],
    },
    /// On a point of a member: N, in `x` and `y`.
    Point {
        /// The member.
        member: u32,
        /// Distance from its beginning, m.
        distance: f64,
        /// Force.
        force: [f64; 2],
    },
}

/// A structure with its loads.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Structure {
    /// The nodes.
    pub nodes: Vec<Node>,
    /// The members.
    pub members: Vec<Member>,
    /// The loads.
    pub loads: Vec<Load>,
}

impl Structure {
    /// Length of a member, m, and the cosine and sine of its direction.
    pub(crate) fn axis(&self, member: &Member) -> (f64, f64, f64) {
        let (a, b) = (self.nodes[member.from as usize].at, self.nodes[member.to as usize].at);
        let (dx, dy) = (b[0] - a[0], b[1] - a[1]);
        let length = libm::hypot(dx, dy);
        (length, dx / length, dy / length)
    }

    /// Looks at the ends and quantities of a member.
    pub(crate) fn admit_member(&self, member: &Member) -> Result<(), Error> {
        let looked = Looked { element: &member.name };
        looked.node(member.from, self.nodes.len())?;
        looked.node(member.to, self.nodes.len())?;
        looked.positive("its modulus", member.modulus)?;
        looked.positive("its area", member.area)?;
        looked.not_negative("its second moment of area", member.inertia)?;
        looked.positive("its length", self.axis(member).0)
    }

    /// # Errors
    /// [`Error::TooLarge`], [`Error::Reference`] and [`Error::Quantity`].
    pub fn admit(&self, limits: &Limits) -> Result<(), Error> {
        limits.admit(self.nodes.len(), self.members.len() + self.loads.len())?;
        for node in &self.nodes {
            let looked = Looked { element: &node.name };
            node.at.iter().try_for_each(|&v| looked.finite("its place", v))?;
            for restraint in node.support {
                if let Restraint::Spring(k) = restraint {
                    looked.not_negative("the stiffness of its spring", k)?;
                }
            }
        }
        self.members.iter().try_for_each(|member| self.admit_member(member))?;
        let nameless: Name = "a load".into();
        for load in &self.loads {
            let of = |member: u32| {
                let looked = Looked { element: &nameless };
                looked.node(member, self.members.len())?;
                Ok::<_, Error>(&self.members[member as usize])
            };
            match load {
                Load::Node { node, force } => {
                    Looked { element: &nameless }.node(*node, self.nodes.len())?;
                    let looked = Looked { element: &self.nodes[*node as usize].name };
                    force.iter().try_for_each(|&v| looked.finite("its load", v))?;
                }
                Load::Uniform { member, force } => {
                    let looked = Looked { element: &of(*member)?.name };
                    force.iter().try_for_each(|&v| looked.finite("its load", v))?;
                }
                Load::Point { member, distance, force } => {
                    let member = of(*member)?;
                    let looked = Looked { element: &member.name };
                    force.iter().try_for_each(|&v| looked.finite("its load", v))?;
                    let within = (0.0..=self.axis(member).0).contains(distance);
                    looked.hold("the place of its load", *distance, within, "on the member")?;
                }
            }
        }
        Ok(())
    }
}

/// The load under which a column buckles, N (Euler): Pa, m⁴, m, and its length factor: 1 hinged
/// at both ends, 0.5 clamped, 0.7 clamped and hinged, 2 clamped and free.
pub fn buckling_load(modulus: f64, inertia: f64, length: f64, factor: f64) -> f64 {
    use std::f64::consts::PI;
    let effective = factor * length;
    PI * PI * modulus * inertia / (effective * effective)
}
