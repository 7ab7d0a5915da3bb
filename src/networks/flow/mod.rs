//! Water and air in networks, steady and incompressible.

pub mod duct;
mod foretell;
mod friction;
mod hot;
mod improve;
mod laws;
mod loss;
mod model;
mod newton;
mod plan;
mod report;
mod solve;
mod status;

pub use friction::{Friction, Law, colebrook, friction, swamee_jain};
pub use model::{
    Curve, Fluid, Link, LinkKind, Network, Node, NodeKind, resistance_of_kv, resistance_of_minor,
};
pub use solve::{Solution, Solver};
