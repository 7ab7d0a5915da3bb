//! What elements may carry, as the author says it: ampacities, breakers, drops, velocities,
//! pressures and deflections. No table of a code is here.

use super::quantity::{Owner, shown};
use super::{Domain, Reader};
use crate::Name;
use crate::finding::Kind;

/// What is compared with a bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bounded {
    /// The current of a conductor, A.
    Ampacity,
    /// The current through a breaker, A.
    Breaker,
    /// The fault current where a conductor begins, against what its breaker can break, A.
    Breaking,
    /// The voltage that a load lacks of its nominal one, %.
    Drop,
    /// The velocity in a pipe or duct, m/s.
    Velocity,
    /// The least pressure of a node, Pa.
    LeastPressure,
    /// The largest pressure of a node, Pa.
    LargestPressure,
    /// The deflection of a member, m.
    Deflection,
}

impl Bounded {
    /// The attribute that says it, and the unit of its bound.
    pub const fn attribute(self) -> (&'static str, &'static str) {
        match self {
            Bounded::Ampacity => ("ampacity", "A"),
            Bounded::Breaker => ("breaker", "A"),
            Bounded::Breaking => ("breaking", "A"),
            Bounded::Drop => ("max-drop", "%"),
            Bounded::Velocity => ("max-velocity", "m/s"),
            Bounded::LeastPressure => ("min-pressure", "Pa"),
            Bounded::LargestPressure => ("max-pressure", "Pa"),
            Bounded::Deflection => ("max-deflection", "m"),
        }
    }

    /// What connections of a network may be bounded by, and what components.
    const fn of(domain: Domain) -> (&'static [Bounded], &'static [Bounded]) {
        match domain {
            Domain::Electrical => {
                (&[Bounded::Ampacity, Bounded::Breaker, Bounded::Breaking], &[Bounded::Drop])
            }
            Domain::Water | Domain::Air => {
                (&[Bounded::Velocity], &[Bounded::LeastPressure, Bounded::LargestPressure])
            }
            Domain::Heat => (&[], &[]),
            Domain::Frame => (&[Bounded::Deflection], &[]),
        }
    }
}

/// A bound of one element.
#[derive(Debug, Clone, PartialEq)]
pub struct Bound {
    /// The element.
    pub element: Name,
    /// What of it is bounded.
    pub what: Bounded,
    /// The bound, in the unit of [`Bounded::attribute`].
    pub limit: f64,
    /// The node where a connection begins.
    pub from: Name,
}

impl<'d> Reader<'_, 'd> {
    /// The bounds of connections and components: their own, else those of the system.
    pub(super) fn bounds(&mut self, domain: Domain) -> Vec<Bound> {
        let (of_links, of_nodes) = Bounded::of(domain);
        let system = Owner { node: self.node, object: None, name: "the network" };
        let usual: Vec<(Bounded, Option<f64>)> =
            of_links.iter().chain(of_nodes).map(|&b| (b, self.bound(system, b, None))).collect();
        let usual = |what| usual.iter().find(|u| u.0 == what).and_then(|u| u.1);
        let mut bounds = Vec::new();
        for k in 0..self.connections.len() {
            let c = &self.connections[k];
            let (owner, word, from, to) = (c.owner, c.kind, c.from, c.to);
            for &what in of_links {
                let length = || self.span(from, to);
                let length = (what == Bounded::Deflection).then(length).flatten();
                let own = self.bound(owner, what, length);
                // A valve has no velocity, a switch no ampacity, unless somebody says so.
                let plain = matches!(word, "" | "power" | "pipe" | "duct" | "member");
                let common = usual(what).or_else(|| {
                    let part = length.filter(|_| what == Bounded::Deflection)?;
                    self.bound(system, what, Some(part))
                });
                if let Some(limit) = own.or(common.filter(|_| plain)) {
                    let (element, from) = (owner.name.into(), self.nodes[from as usize].0.clone());
                    bounds.push(Bound { element, what, limit, from });
                }
            }
        }
        for k in 0..self.nodes.len() {
            let (name, object) = self.nodes[k].clone();
            let owner = self.owner(object);
            let kind = self.kinds.get(object).copied().unwrap_or("");
            let asks = matches!(kind, "load" | "demand" | "terminal");
            for &what in of_nodes {
                let own =
                    if owner.node == self.node { None } else { self.bound(owner, what, None) };
                if let Some(limit) = own.or(usual(what).filter(|_| asks)) {
                    bounds.push(Bound { element: name.clone(), what, limit, from: name.clone() });
                }
            }
        }
        bounds
    }

    /// One bound, if it is said; a deflection may be a part of the length: `L/300`.
    fn bound(&mut self, owner: Owner<'d>, what: Bounded, length: Option<f64>) -> Option<f64> {
        let (name, unit) = what.attribute();
        let (text, _) = self.source.text(owner, name)?;
        let part = text.trim().strip_prefix("L/").map(|part| part.trim().parse::<f64>());
        let value = match (what, part) {
            // Of the system there is no length: it is looked at for each member.
            (Bounded::Deflection, Some(Ok(part))) if part > 0.0 => length? / part,
            _ => self.get(owner, name, unit)?,
        };
        if !(value.is_finite() && (value >= 0.0 || what == Bounded::LeastPressure)) {
            let message = format!("{name} of {} is {:?}: a bound", owner.name, shown(text));
            self.refuse(Kind::Quantity, owner, name, message);
            return None;
        }
        Some(value)
    }

    /// How far the drawn places of two nodes are apart, m.
    fn span(&self, from: u32, to: u32) -> Option<f64> {
        let at = |k: u32| self.source.place(self.nodes[k as usize].1);
        let (a, b) = (at(from)?, at(to)?);
        Some(libm::hypot(b[0] - a[0], b[1] - a[1]))
    }
}
