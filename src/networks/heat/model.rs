//! Networks of heat: nodes with temperatures and capacities, conductances, walls of layers.
//! SI units; temperatures in °C or K, as one likes.

use crate::error::Looked;
use crate::{Error, Limits, Name};

/// What a node is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum NodeKind {
    /// Its temperature follows; it is heated, W.
    Free(f64),
    /// Its temperature is given: outside air, ground, a room that is kept.
    Fixed(f64),
}

/// A node: a room, a body, outside.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Its element.
    pub name: Name,
    /// What it stores, J/K; zero for a node without mass.
    pub capacity: f64,
    /// What it is.
    pub kind: NodeKind,
}

/// A conductance: a window, an exchange of air.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    /// Its element.
    pub name: Name,
    /// One end.
    pub from: u32,
    /// The other end.
    pub to: u32,
    /// W/K.
    pub conductance: f64,
}

/// A layer of a wall.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Layer {
    /// Thickness, m.
    pub thickness: f64,
    /// Conductivity, W/(m K).
    pub conductivity: f64,
    /// Density, kg/m³.
    pub density: f64,
    /// Specific heat, J/(kg K).
    pub heat: f64,
}

/// A wall between two nodes. Layers are written from outside to inside.
#[derive(Debug, Clone, PartialEq)]
pub struct Wall {
    /// Its element.
    pub name: Name,
    /// The node outside.
    pub outside: u32,
    /// The node inside.
    pub inside: u32,
    /// Area, m².
    pub area: f64,
    /// Layers, outermost first.
    pub layers: Vec<Layer>,
    /// Resistance between the outer face and its node, m² K/W; zero for none.
    pub film_outside: f64,
    /// Resistance between the inner face and its node, m² K/W; zero for none.
    pub film_inside: f64,
}

impl Wall {
    /// Heat transmission coefficient, W/(m² K).
    pub fn u_value(&self) -> f64 {
        let layers: f64 = self.layers.iter().map(|l| l.thickness / l.conductivity).sum();
        1.0 / (layers + self.film_outside + self.film_inside)
    }
}

/// A network of heat.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Network {
    /// The nodes.
    pub nodes: Vec<Node>,
    /// The conductances.
    pub links: Vec<Link>,
    /// The walls.
    pub walls: Vec<Wall>,
}

impl Network {
    /// # Errors
    /// [`Error::TooLarge`], [`Error::Reference`] and [`Error::Quantity`].
    pub fn admit(&self, limits: &Limits) -> Result<(), Error> {
        let layers: usize = self.walls.iter().map(|w| w.layers.len()).sum();
        limits.admit(self.nodes.len(), self.links.len() + self.walls.len() + layers)?;
        for node in &self.nodes {
            let looked = Looked { element: &node.name };
            looked.not_negative("its capacity", node.capacity)?;
            let (NodeKind::Free(v) | NodeKind::Fixed(v)) = node.kind;
            looked.finite("its temperature or heat", v)?;
        }
        for link in &self.links {
            let looked = Looked { element: &link.name };
            looked.node(link.from, self.nodes.len())?;
            looked.node(link.to, self.nodes.len())?;
            looked.not_negative("its conductance", link.conductance)?;
        }
        for wall in &self.walls {
            let looked = Looked { element: &wall.name };
            looked.node(wall.outside, self.nodes.len())?;
            looked.node(wall.inside, self.nodes.len())?;
            looked.positive("its area", wall.area)?;
            looked.not_negative("the resistance of its outer film", wall.film_outside)?;
            looked.not_negative("the resistance of its inner film", wall.film_inside)?;
            for layer in &wall.layers {
                looked.positive("the thickness of a layer", layer.thickness)?;
                looked.positive("the conductivity of a layer", layer.conductivity)?;
                looked.not_negative("the density of a layer", layer.density)?;
                looked.not_negative("the specific heat of a layer", layer.heat)?;
            }
            looked.positive("its resistance", 1.0 / wall.u_value())?;
        }
        Ok(())
    }
}
