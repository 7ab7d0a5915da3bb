//! What is written: a drawing in the terms of the format, before it is text.
//!
//! Coordinates have y upward. Those of the model are in units of the drawing, those of a block in
//! its own.

use super::super::curve::{Outline, P};
use super::dimension::{DimStyle, Dimension};

/// The colour of an entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tint {
    /// That of the insert that shows it.
    Block,
    /// 0xRRGGBB, and how opaque it is.
    Own { rgb: u32, alpha: u8 },
}

/// The width of a line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Width {
    /// That of the insert.
    Block,
    /// In units of the drawing.
    Own(f64),
}

/// The dashes of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dash {
    /// Those of the insert.
    Block,
    Solid,
    /// One of [`Model::line_types`].
    Type(usize),
}

/// How an entity is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Pen {
    pub(super) tint: Tint,
    pub(super) width: Width,
    pub(super) dash: Dash,
}

/// Where a text stands beside its point, by the numbers of the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Across {
    Left = 0,
    Middle = 1,
    Right = 2,
}

/// How a text stands above its point, by the numbers of the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Up {
    Baseline = 0,
    Middle = 2,
    Top = 3,
}

/// One line of text.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Text {
    pub(super) content: String,
    pub(super) at: P,
    /// Of capitals.
    pub(super) height: f64,
    /// Of the baseline, in radians.
    pub(super) angle: f64,
    /// How much wider letters are than usual.
    pub(super) wide: f64,
    /// In radians.
    pub(super) slant: f64,
    pub(super) mirrored: bool,
    pub(super) across: Across,
    pub(super) up: Up,
    /// The length that it is to fill.
    pub(super) fit: Option<f64>,
}

/// What an entity is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Shape {
    Point(P),
    Line(P, P),
    Circle {
        centre: P,
        radius: f64,
    },
    /// Counter-clockwise, in radians.
    Arc {
        centre: P,
        radius: f64,
        from: f64,
        to: f64,
    },
    /// Counter-clockwise, in radians of the ellipse; `major` is the longer half axis.
    Ellipse {
        centre: P,
        major: P,
        ratio: f64,
        from: f64,
        to: f64,
    },
    /// Points, each with the bulge of what follows.
    Polyline {
        points: Vec<(P, f64)>,
        closed: bool,
    },
    /// A chain of cubics: 3 n + 1 control points.
    Spline {
        control: Vec<P>,
        closed: bool,
    },
    /// An area by the even-odd rule.
    Hatch(Vec<Outline>, Option<Box<Gradient>>),
    Text(Text),
    Insert {
        block: usize,
        at: P,
        scale: [f64; 2],
        angle: f64,
        /// Texts that are shown with it, by their names.
        values: Vec<Value>,
    },
    /// Where inserts of the block have a text.
    Template(Value),
    Dimension(Box<Dimension>),
}

/// A named text of a block.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Value {
    pub(super) tag: String,
    pub(super) layer: usize,
    pub(super) text: Text,
}

/// Something that is drawn.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entity {
    pub(super) layer: usize,
    pub(super) pen: Pen,
    pub(super) shape: Shape,
}

/// How colours run through an area.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Gradient {
    /// The name of the form.
    pub(super) form: &'static str,
    /// In radians, counter-clockwise.
    pub(super) angle: f64,
    pub(super) colours: [u32; 2],
}

/// A definition that inserts show.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Block {
    pub(super) name: String,
    pub(super) entities: Vec<Entity>,
}

/// Whether a layer is seen, printed and edited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct State {
    pub(super) visible: bool,
    pub(super) printable: bool,
    pub(super) locked: bool,
}

impl Default for State {
    fn default() -> State {
        State { visible: true, printable: true, locked: false }
    }
}

impl Block {
    /// Whether it shows a dimension, and no insert.
    pub(super) fn is_anonymous(&self) -> bool {
        self.name.starts_with('*')
    }
}

/// A part of the model on a sheet.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct View {
    /// The middle on the sheet, in millimetres with y upward.
    pub(super) at: P,
    /// Width and height on the sheet, in millimetres.
    pub(super) size: P,
    /// The middle in the model.
    pub(super) of: P,
    /// How much of the model it is high.
    pub(super) height: f64,
}

/// A sheet, in millimetres.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Paper {
    pub(super) name: String,
    pub(super) size: P,
    pub(super) views: Vec<View>,
    pub(super) entities: Vec<Entity>,
}

/// A drawing.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Model {
    /// Names; the first is `0`.
    pub(super) layers: Vec<String>,
    /// What the drawing declares of each layer.
    pub(super) states: Vec<State>,
    /// Styles of dimensions.
    pub(super) styles: Vec<DimStyle>,
    /// Dashes and gaps, an even number of them.
    pub(super) line_types: Vec<Vec<f64>>,
    pub(super) blocks: Vec<Block>,
    pub(super) entities: Vec<Entity>,
    pub(super) papers: Vec<Paper>,
}

impl Shape {
    /// The name of its kind in the file.
    pub(super) fn kind(&self, is_old: bool) -> &'static str {
        match self {
            Shape::Point(_) => "POINT",
            Shape::Line(..) => "LINE",
            Shape::Circle { .. } => "CIRCLE",
            Shape::Arc { .. } => "ARC",
            Shape::Ellipse { .. } | Shape::Polyline { .. } | Shape::Spline { .. } if is_old => {
                "POLYLINE"
            }
            Shape::Ellipse { .. } => "ELLIPSE",
            Shape::Polyline { .. } => "LWPOLYLINE",
            Shape::Spline { .. } => "SPLINE",
            Shape::Hatch(..) if is_old => "SOLID",
            Shape::Hatch(..) => "HATCH",
            Shape::Text(_) => "TEXT",
            Shape::Insert { .. } => "INSERT",
            Shape::Template(_) => "ATTDEF",
            Shape::Dimension(_) => "DIMENSION",
        }
    }
}
