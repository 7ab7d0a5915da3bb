//! Colours, weights and line types by their numbers and names, and what is common to a layer.

use std::borrow::Cow;
use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::super::colour::nearest;
use super::super::report::Notes;
use super::Version;
use super::model::{Dash, Model, Pen, State, Tint, Width};
use super::tables::dashes;
use super::words::{Names, old};

/// The weights that the format knows, in hundredths of a millimetre.
const WEIGHTS: [i64; 24] = [
    0, 5, 9, 13, 15, 18, 20, 25, 30, 35, 40, 50, 53, 60, 70, 80, 90, 100, 106, 120, 140, 158, 200,
    211,
];
/// Millimetres of the paper that weights are meant for: the longer side of A3, as the import has it.
const PAPER: f64 = 420.0;

/// A layer with what most things on it begin with.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Layer {
    pub(super) name: String,
    pub(super) index: u8,
    /// The colour where the index is not it.
    pub(super) rgb: Option<u32>,
    pub(super) dash: Dash,
    pub(super) weight: i64,
    pub(super) state: State,
}

/// The layers of a drawing.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Layers(pub(super) Vec<Layer>);

/// What an entity says of its looks: what it says nothing of is as on its layer.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Said {
    pub(super) index: Option<u8>,
    pub(super) rgb: Option<u32>,
    pub(super) alpha: Option<u8>,
    pub(super) dash: Option<Dash>,
    pub(super) weight: Option<i64>,
}

/// The name of the line type of some dashes.
pub(super) fn line_type(dash: Dash, is_old: bool) -> Cow<'static, str> {
    Cow::Borrowed(match (dash, is_old) {
        (Dash::Block, true) => "BYBLOCK",
        (Dash::Block, false) => "ByBlock",
        (Dash::Solid, true) => "CONTINUOUS",
        (Dash::Solid, false) => "Continuous",
        (Dash::Type(at), _) => return Cow::Owned(dashes(at, is_old)),
    })
}

/// Finds numbers for looks.
#[derive(Debug, Clone)]
pub(super) struct Palette {
    version: Version,
    /// A millimetre of paper, in units of the drawing.
    paper: f64,
    colours: HashMap<u32, (u8, bool), RandomState>,
    /// The last width that was asked for, and its weight.
    last: (f64, i64),
}

impl Palette {
    /// `size`: the longer side of the drawing.
    pub(super) fn new(version: Version, size: f64) -> Palette {
        Palette { version, paper: size / PAPER, colours: HashMap::default(), last: (f64::NAN, 25) }
    }

    fn index(&mut self, rgb: u32) -> (u8, Option<u32>) {
        let (index, is_exact) = *self.colours.entry(rgb).or_insert_with(|| nearest(rgb));
        (index, (!is_exact).then_some(rgb))
    }

    /// The index whose colour is nearest.
    pub(super) fn nearest(&mut self, rgb: u32) -> u8 {
        self.index(rgb).0
    }

    fn weight(&mut self, width: Width) -> i64 {
        let Width::Own(width) = width else { return -2 };
        if self.paper <= 0.0 {
            return 25;
        }
        if self.last.0 != width {
            let wanted = (width / self.paper * 100.0).clamp(0.0, 1e6).round() as i64;
            let nearest = WEIGHTS.into_iter().min_by_key(|weight| (weight - wanted).abs());
            self.last = (width, nearest.unwrap_or(25));
        }
        self.last.1
    }

    /// Widths are those of paper from here on: a unit is a millimetre of it.
    pub(super) fn put_on_paper(&mut self) {
        (self.paper, self.last.0) = (1.0, f64::NAN);
    }

    /// The layers of a drawing: each has the looks of what is drawn on it first.
    pub(super) fn layers(&mut self, model: &Model) -> Layers {
        let is_old = self.version == Version::R12;
        let mut names = Names::default();
        let mut layers: Vec<Layer> = Vec::with_capacity(model.layers.len());
        for (at, name) in model.layers.iter().enumerate() {
            let name = names.unique(&if is_old { old(name) } else { name.clone() });
            let state = model.states.get(at).copied().unwrap_or_default();
            layers.push(Layer { name, index: 7, rgb: None, dash: Dash::Solid, weight: 25, state });
        }
        let mut is_set = vec![false; layers.len()];
        // What is a line says more than what is an area.
        for wants_line in [true, false] {
            for entity in &model.entities {
                let is_line = entity.pen.width != Width::Own(0.0);
                let (Some(layer), Some(set), Tint::Own { rgb, .. }) =
                    (layers.get_mut(entity.layer), is_set.get_mut(entity.layer), entity.pen.tint)
                else {
                    continue;
                };
                // The layer 0 stays as everybody has it: blocks are made of it.
                if *set || is_line != wants_line || entity.layer == 0 {
                    continue;
                }
                *set = true;
                (layer.index, layer.rgb) = self.index(rgb);
                if is_line {
                    layer.weight = self.weight(entity.pen.width);
                    layer.dash = entity.pen.dash;
                }
            }
        }
        Layers(layers)
    }

    /// What an entity on `layer` says.
    pub(super) fn said(
        &mut self,
        pen: &Pen,
        is_line: bool,
        layer: &Layer,
        notes: &mut Notes,
    ) -> Said {
        let mut said = Said::default();
        match pen.tint {
            Tint::Block => said.index = Some(0),
            Tint::Own { rgb, alpha } => {
                let (index, exact) = self.index(rgb);
                if (index, exact) != (layer.index, layer.rgb) {
                    (said.index, said.rgb) = (Some(index), exact);
                }
                if exact.is_some() && self.version != Version::R2018 {
                    let message = "colours are the nearest of the table before R2018".to_owned();
                    notes.add("dxf-colour", message, None);
                }
                said.alpha = (alpha < u8::MAX).then_some(alpha);
            }
        }
        if is_line {
            said.weight = Some(self.weight(pen.width)).filter(|weight| *weight != layer.weight);
            said.dash = Some(pen.dash).filter(|dash| *dash != layer.dash);
        }
        said
    }
}
