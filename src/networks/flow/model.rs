//! Networks of water or air: nodes with a head, links with a law of loss.
//!
//! Heads are metres of the fluid above datum, flows m³/s from `from` to `to`.

use serde::{Deserialize, Serialize};

use super::friction::Law;
use crate::error::Looked;
use crate::memory::Print;
use crate::{Error, Limits, Name};

/// What flows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fluid {
    /// Density, kg/m³.
    pub density: f64,
    /// Kinematic viscosity, m²/s.
    pub viscosity: f64,
    /// Gravity, m/s².
    pub gravity: f64,
    /// Whether it is a liquid: that cannot hang together below zero pressure.
    pub liquid: bool,
}

impl Fluid {
    /// Water at 20 °C.
    pub const WATER: Fluid =
        Fluid { density: 998.2, viscosity: 1.004e-6, gravity: 9.806_65, liquid: true };
    /// Air at 20 °C and sea level.
    pub const AIR: Fluid =
        Fluid { density: 1.204, viscosity: 1.516e-5, gravity: 9.806_65, liquid: false };

    /// The head that a pressure of one pascal is, m.
    pub fn head_per_pascal(&self) -> f64 {
        1.0 / (self.density * self.gravity)
    }
}

/// What a node is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum NodeKind {
    /// Where a flow is taken out (negative: put in), m³/s.
    Demand(f64),
    /// Where the head is fixed, m: a reservoir, outside air, the water level of a tank.
    Fixed(f64),
}

/// A node.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Its element.
    pub name: Name,
    /// Height above datum, m.
    pub elevation: f64,
    /// What it is.
    pub kind: NodeKind,
}

/// What a pump or fan lifts: `shut_off - slope * q ^ exponent`, m and m³/s.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// Head without flow, m.
    pub shut_off: f64,
    /// The coefficient of the flow.
    pub slope: f64,
    /// The exponent of the flow.
    pub exponent: f64,
}

impl Curve {
    /// Through one point: a third more head without flow, none at twice the flow, as EPANET
    /// takes it.
    pub fn through_point(flow: f64, head: f64) -> Curve {
        Curve { shut_off: 4.0 / 3.0 * head, slope: head / 3.0 / (flow * flow), exponent: 2.0 }
    }

    /// Through no flow and two points. `None` where heads do not fall or flows do not rise.
    pub fn through_points(shut_off: f64, second: (f64, f64), third: (f64, f64)) -> Option<Curve> {
        let (a, b) = (shut_off - second.1, shut_off - third.1);
        if !(a > 0.0 && b > a && second.0 > 0.0 && third.0 > second.0) {
            return None;
        }
        let exponent = libm::log(b / a) / libm::log(third.0 / second.0);
        let slope = a / libm::pow(second.0, exponent);
        (exponent.is_finite() && slope.is_finite() && exponent > 0.0).then_some(Curve {
            shut_off,
            slope,
            exponent,
        })
    }

    /// At another speed, as a part of the nominal one (affinity laws).
    #[must_use]
    pub fn at_speed(self, speed: f64) -> Curve {
        Curve {
            shut_off: self.shut_off * speed * speed,
            slope: self.slope * libm::pow(speed, 2.0 - self.exponent),
            exponent: self.exponent,
        }
    }

    /// The flow at which nothing is lifted any more, m³/s.
    pub fn most(&self) -> f64 {
        libm::pow(self.shut_off / self.slope, 1.0 / self.exponent)
    }
}

/// What a link is. A `resistance` is that of `h = resistance q |q|`, s²/m⁵.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum LinkKind {
    /// A pipe or duct.
    Pipe {
        /// Length, m.
        length: f64,
        /// Diameter, m; of a rectangular duct the hydraulic one.
        diameter: f64,
        /// Roughness, m; with [`Law::HazenWilliams`] the coefficient C.
        roughness: f64,
        /// Sum of the coefficients of fittings.
        minor: f64,
    },
    /// A pump or fan.
    Pump(Curve),
    /// A valve, damper, orifice or fitting.
    Valve {
        /// See [`LinkKind`].
        resistance: f64,
    },
    /// A valve that lets nothing back.
    Check {
        /// While it is open.
        resistance: f64,
    },
    /// A valve that lets no more than a flow through, m³/s.
    Limiter {
        /// While it is open.
        resistance: f64,
        /// The most it lets through.
        most: f64,
    },
    /// A valve that keeps the pressure behind it.
    Regulator {
        /// While it is open.
        resistance: f64,
        /// The head above the elevation of its outlet that it keeps, m.
        head: f64,
    },
}

/// A link.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    /// Its element.
    pub name: Name,
    /// The node it leaves.
    pub from: u32,
    /// The node it enters.
    pub to: u32,
    /// Whether it is open; a closed link carries nothing.
    pub open: bool,
    /// What it is.
    pub kind: LinkKind,
}

/// The resistance of a loss coefficient at a diameter in m, s²/m⁵.
pub fn resistance_of_minor(minor: f64, diameter: f64, gravity: f64) -> f64 {
    let area = std::f64::consts::FRAC_PI_4 * diameter * diameter;
    minor / (2.0 * gravity * area * area)
}

/// The resistance of a valve of `kv`: m³/h of water at a loss of 1 bar.
pub fn resistance_of_kv(kv: f64, gravity: f64) -> f64 {
    let flow = kv / 3600.0;
    1e5 / (1000.0 * gravity) / (flow * flow)
}

impl Link {
    /// What it is, for [`Print`].
    pub(crate) fn print(&self, k: usize) -> Print {
        let (tag, q) = match self.kind {
            LinkKind::Pipe { length, diameter, roughness, minor } => {
                (0, [length, diameter, roughness, minor])
            }
            LinkKind::Pump(c) => (1, [c.shut_off, c.slope, c.exponent, 0.0]),
            LinkKind::Valve { resistance } => (2, [resistance, 0.0, 0.0, 0.0]),
            LinkKind::Check { resistance } => (3, [resistance, 0.0, 0.0, 0.0]),
            LinkKind::Limiter { resistance, most } => (4, [resistance, most, 0.0, 0.0]),
            LinkKind::Regulator { resistance, head } => (5, [resistance, head, 0.0, 0.0]),
        };
        Print::of(2 * tag + u8::from(self.open), k, q.map(f64::to_bits))
    }
}

impl Node {
    /// What it is, for [`Print`].
    pub(crate) fn print(&self, k: usize) -> Print {
        let (NodeKind::Demand(v) | NodeKind::Fixed(v)) = self.kind;
        Print::of(255, k, [v.to_bits()])
    }
}

/// A network.
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    /// What flows.
    pub fluid: Fluid,
    /// How pipes lose head.
    pub law: Law,
    /// The nodes.
    pub nodes: Vec<Node>,
    /// The links.
    pub links: Vec<Link>,
}

impl Network {
    /// # Errors
    /// [`Error::TooLarge`], [`Error::Reference`] and [`Error::Quantity`].
    pub fn admit(&self, limits: &Limits) -> Result<(), Error> {
        limits.admit(self.nodes.len(), self.links.len())?;
        for node in &self.nodes {
            let looked = Looked { element: &node.name };
            looked.finite("its elevation", node.elevation)?;
            match node.kind {
                NodeKind::Demand(flow) => looked.finite("its demand", flow)?,
                NodeKind::Fixed(head) => looked.finite("its head", head)?,
            }
        }
        for link in &self.links {
            let looked = Looked { element: &link.name };
            looked.node(link.from, self.nodes.len())?;
            looked.node(link.to, self.nodes.len())?;
            self.admit_kind(looked, link.kind)?;
        }
        Ok(())
    }

    /// Looks at the quantities of a link.
    pub(crate) fn admit_kind(&self, looked: Looked<'_>, kind: LinkKind) -> Result<(), Error> {
        match kind {
            LinkKind::Pipe { length, diameter, roughness, minor } => {
                looked.positive("its length", length)?;
                looked.positive("its diameter", diameter)?;
                looked.not_negative("its sum of loss coefficients", minor)?;
                match self.law {
                    Law::HazenWilliams => {
                        looked.positive("its coefficient C", roughness)?;
                    }
                    _ => looked.hold(
                        "its roughness",
                        roughness,
                        (0.0..=0.1 * diameter).contains(&roughness),
                        "at most a tenth of its diameter",
                    )?,
                }
            }
            LinkKind::Pump(Curve { shut_off, slope, exponent }) => {
                looked.positive("its head without flow", shut_off)?;
                looked.positive("the slope of its curve", slope)?;
                let holds = (0.1..=10.0).contains(&exponent);
                looked.hold("the exponent of its curve", exponent, holds, "0.1 to 10")?;
            }
            LinkKind::Valve { resistance } | LinkKind::Check { resistance } => {
                looked.not_negative("its resistance", resistance)?;
            }
            LinkKind::Limiter { resistance, most } => {
                looked.not_negative("its resistance", resistance)?;
                looked.not_negative("its flow", most)?;
            }
            LinkKind::Regulator { resistance, head } => {
                looked.not_negative("its resistance", resistance)?;
                looked.finite("the head it keeps", head)?;
            }
        }
        Ok(())
    }

    /// The cross-section of a pipe, m².
    pub(crate) fn area(link: &Link) -> Option<f64> {
        match link.kind {
            LinkKind::Pipe { diameter, .. } => {
                Some(std::f64::consts::FRAC_PI_4 * diameter * diameter)
            }
            _ => None,
        }
    }
}
