//! Dimensions as they are written, measured from the drawing.
//!
//! A dimension stores neither geometry nor text: both are made here, each time, from the parts
//! that `of` names. What is not there is a finding, and never a number.

use svgx_base::budget::{Budget, Stop};
use svgx_base::nearest::did_you_mean;
use svgx_engine::behavior::{Evaluation, Measures, Program};
use svgx_engine::constraint::Parts;
use svgx_engine::document::{Code, Diagnostic, Document, NodeId, Ns, Span};
use svgx_engine::geometry::{Length, Scene, Unit};

use crate::layout::{Laid, Paper};
use crate::pieces::{self, Job, Wrong};
use crate::plane::{P, at_angle};
use crate::style::{Standard, Style};
use crate::text::{self, Measure, Sign, Words};

/// Dimensions of one drawing; parts of a chain count.
pub const MOST: usize = 20_000;
/// Findings about dimensions that are kept.
const FINDINGS: usize = 200;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Across or down, or square to lines.
    Linear,
    /// Straight from one to the other.
    Aligned,
    /// The radius of a circle or an arc.
    Radius,
    /// The diameter of a circle or an arc.
    Diameter,
    /// The angle between lines, or of three points.
    Angle,
    /// The length of an arc.
    Arc,
    /// How far right or down of an origin.
    Ordinate,
    /// From one to the next, in one line.
    Chain,
    /// From the first to each other, in lines above each other.
    Baseline,
}

impl Kind {
    /// The names of the kinds.
    pub const NAMES: [(&'static str, Kind); 9] = [
        ("linear", Kind::Linear),
        ("aligned", Kind::Aligned),
        ("radius", Kind::Radius),
        ("diameter", Kind::Diameter),
        ("angle", Kind::Angle),
        ("arc", Kind::Arc),
        ("ordinate", Kind::Ordinate),
        ("chain", Kind::Chain),
        ("baseline", Kind::Baseline),
    ];

    /// The name of the kind.
    #[must_use]
    pub fn name(self) -> &'static str {
        Kind::NAMES.iter().find(|(_, kind)| *kind == self).map_or("linear", |(name, _)| *name)
    }
}

/// The points that a dimension stands between, in millimetres of the drawing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Points {
    /// Between two points along an axis.
    Straight {
        /// What is measured.
        of: [P; 2],
        /// Their feet on the dimension line.
        feet: [P; 2],
        /// The direction in which they are measured.
        axis: P,
    },
    /// From the centre to a point on the circle.
    Radius {
        /// The centre.
        centre: P,
        /// The point.
        on: P,
    },
    /// Across a circle.
    Diameter([P; 2]),
    /// An angle.
    Angle {
        /// Where the sides meet.
        vertex: P,
        /// A point on each side, in the order of the sweep.
        ends: [P; 2],
        /// A point of the arc that is drawn.
        arc: P,
    },
    /// The length of an arc.
    Arc,
    /// From an origin.
    Ordinate {
        /// The origin.
        origin: P,
        /// What is measured.
        point: P,
        /// The end of its line.
        end: P,
        /// Whether it is across.
        is_x: bool,
    },
}

/// One number and how it is drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Piece {
    /// What was measured.
    pub measure: Measure,
    /// What is written.
    pub text: String,
    /// What is drawn, in millimetres of the drawing.
    pub laid: Laid,
    /// Between which points.
    pub points: Points,
}

/// A dimension.
#[derive(Clone, Debug, PartialEq)]
pub struct Dimension {
    /// The element.
    pub node: NodeId,
    /// Its id.
    pub id: Option<String>,
    /// What it measures.
    pub kind: Kind,
    /// How it looks.
    pub style: Style,
    /// Millimetres of the drawing in one of paper.
    pub scale: f64,
    /// The constraint whose value it shows and sets.
    pub drives: Option<String>,
    /// The numbers: one, but for chains and the like.
    pub pieces: Vec<Piece>,
}

/// The dimensions of a drawing, and what is wrong with the others. `scale`: that of the sheet, in
/// millimetres of the drawing in one of paper; without, what the drawing says. O(dimensions).
///
/// # Errors
/// [`Stop`] when the budget says so.
pub fn dimensions(
    document: &Document,
    scene: &Scene,
    scale: Option<f64>,
    budget: &Budget,
) -> Result<(Vec<Dimension>, Vec<Diagnostic>), Stop> {
    let mut reader = Reader {
        document,
        parts: Parts::new(document, scene),
        usual: scale.unwrap_or_else(|| crate::sheet::usual_scale(document, scene)),
        fixed: scale.is_some(),
        mm: scene.scale().mm_per_unit,
        found: Vec::new(),
        count: 0,
        of: Vec::new(),
    };
    let mut all = Vec::new();
    for (at, node) in nodes(document).enumerate() {
        if at % 16 == 0 {
            budget.checkpoint()?;
        }
        if reader.count >= MOST || reader.found.len() >= FINDINGS {
            let message = format!("at most {MOST} dimensions are drawn");
            if reader.count >= MOST {
                reader.error(Code::DimensionLimit, tag(document, node), message, None);
            }
            break;
        }
        if let Some(dimension) = reader.dimension(node) {
            reader.count += dimension.pieces.len();
            all.push(dimension);
        }
    }
    Ok((all, reader.found))
}

/// What one dimension measures, for formulas.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// Millimetres or degrees; `None` where it shows no number, or several.
    pub value: Option<f64>,
    /// What the number depends on: the dimension, what it is in, the constraint that it drives, and
    /// the elements that it is of.
    pub of: Vec<NodeId>,
}

/// What dimensions measure now, in the order of `nodes`. O(nodes), whatever else is drawn.
pub fn measured(
    document: &Document,
    scene: &Scene,
    nodes: impl IntoIterator<Item = NodeId>,
) -> Vec<Measured> {
    let mut reader = Reader {
        document,
        parts: Parts::new(document, scene),
        // No measure depends on the scale of a sheet.
        usual: 1.0,
        fixed: true,
        mm: scene.scale().mm_per_unit,
        found: Vec::new(),
        count: 0,
        of: Vec::new(),
    };
    let mut one = |node: NodeId| {
        reader.found.clear();
        reader.of.clear();
        let dimension = reader.dimension(node);
        let value = dimension.and_then(|dimension| match dimension.pieces.as_slice() {
            [piece] => Some(piece.measure.value()),
            _ => None,
        });
        let driven = document.attr(node, "drives").and_then(|id| document.by_id(id.trim()));
        let of = [Some(node), document.parent(node), driven].into_iter().flatten();
        Measured { value, of: of.chain(reader.of.iter().copied()).collect() }
    };
    nodes.into_iter().map(&mut one).collect()
}

/// Evaluates the formulas of a drawing, with what they read of its dimensions.
///
/// # Errors
/// [`Stop`] when the budget ran out.
pub fn evaluate(
    document: &Document,
    scene: &Scene,
    program: &Program,
    budget: &Budget,
) -> Result<Evaluation, Stop> {
    let nodes: Vec<NodeId> = program.measures().map(|(_, node)| node).collect();
    let found = measured(document, scene, nodes.iter().copied());
    let measures: Measures =
        nodes.into_iter().zip(found).map(|(n, m)| (n, m.value.unwrap_or(f64::NAN))).collect();
    program.evaluate_with(&measures, budget)
}

/// The elements that are dimensions, in document order.
pub(crate) fn nodes(document: &Document) -> impl Iterator<Item = NodeId> + '_ {
    document.elements().filter(|&node| document.name(node) == Some((Ns::Arx, "dimension")))
}

/// The place of an element's name.
pub(crate) fn tag(document: &Document, node: NodeId) -> Span {
    let span = document.span(node);
    let length = document.name(node).map_or(0, |(_, n)| n.len() as u32 + 5);
    Span { start: span.start, end: span.start.saturating_add(length).min(span.end) }
}

struct Reader<'d> {
    document: &'d Document,
    parts: Parts<'d>,
    usual: f64,
    /// The sheet says the scale, whatever the drawing does.
    fixed: bool,
    mm: f64,
    found: Vec<Diagnostic>,
    count: usize,
    /// The elements of the parts of the last one.
    of: Vec<NodeId>,
}

impl<'d> Reader<'d> {
    fn error(&mut self, code: Code, span: Span, message: String, help: Option<String>) {
        let finding = Diagnostic::error(code, span, message);
        self.found.push(match help {
            Some(help) => finding.help(help),
            None => finding,
        });
    }

    fn span(&self, node: NodeId, name: &str) -> Span {
        let written = self.document.attribute(node, Ns::None, name);
        written.map_or_else(|| tag(self.document, node), |a| a.span)
    }

    fn dimension(&mut self, node: NodeId) -> Option<Dimension> {
        let document = self.document;
        let word = document.attr(node, "type").unwrap_or("linear").trim();
        let Some(kind) = Kind::NAMES.iter().find(|(name, _)| *name == word).map(|(_, kind)| *kind)
        else {
            let names = Kind::NAMES.map(|(name, _)| name);
            let near = did_you_mean(word, names.iter().copied());
            let near = near.map_or_else(String::new, |near| format!("{near} "));
            let message = format!("`{}` is no type of dimension", short(word));
            let help = format!("{near}types: {}", names.join(", "));
            self.error(Code::DimensionType, self.span(node, "type"), message, Some(help));
            return None;
        };
        let style = self.style(node)?;
        let scale = if self.fixed { self.usual } else { style.scale.unwrap_or(self.usual) };
        let words = self.words(node, kind)?;
        let (drives, constrained) = self.drives(node)?;
        let of = document.attr(node, "of").or(constrained).unwrap_or_default();
        let mut parts = Vec::new();
        self.of.clear();
        for name in of.split_ascii_whitespace() {
            match self.parts.find(name) {
                Ok((element, part)) => {
                    self.of.push(element);
                    parts.push(part);
                }
                Err(none) => {
                    let span = self.span(node, "of");
                    self.error(Code::DimensionReference, span, none.message, none.near);
                    return None;
                }
            }
        }
        let at = match document.attr(node, "at") {
            None => None,
            Some(text) => match self.place(text) {
                Some(at) => Some(at),
                None => {
                    let message = format!("`{}` is no place: two lengths are", short(text));
                    self.error(Code::DimensionValue, self.span(node, "at"), message, None);
                    return None;
                }
            },
        };
        let sign = match kind {
            Kind::Radius => Sign::Radius,
            Kind::Diameter => Sign::Diameter,
            Kind::Arc => Sign::Arc,
            _ => Sign::None,
        };
        let direction = match document.attr(node, "direction") {
            None => None,
            Some(text) => match direction(text) {
                Some(direction) => Some(direction),
                None => {
                    let message = format!("`{}` is no direction", short(text));
                    let help = "horizontal, vertical, or degrees counter-clockwise".to_owned();
                    let span = self.span(node, "direction");
                    self.error(Code::DimensionValue, span, message, Some(help));
                    return None;
                }
            },
        };
        let job = Job { sign, words: &words, paper: Paper { style: &style, scale } };
        let laid = match kind {
            Kind::Linear | Kind::Aligned => pieces::straight(kind, &parts, at, direction, &job),
            Kind::Chain | Kind::Baseline => pieces::row(kind, &parts, at, direction, &job),
            Kind::Radius | Kind::Diameter => pieces::round(kind, &parts, at, &job),
            Kind::Angle => pieces::corner(&parts, at, &job),
            Kind::Arc => pieces::arc(&parts, at, &job),
            Kind::Ordinate => pieces::ordinates(&parts, at, &job),
        };
        let pieces = match laid {
            Ok(pieces) => pieces,
            Err(Wrong::Reference(message)) => {
                self.error(Code::DimensionReference, self.span(node, "of"), message, None);
                return None;
            }
            Err(Wrong::TooLong) => {
                let message = "a measure of 1e9 mm or more cannot be shown".to_owned();
                self.error(Code::DimensionLimit, self.span(node, "of"), message, None);
                return None;
            }
        };
        if pieces.iter().any(|piece| piece.measure.is_zero()) {
            let message = format!("{}: what is measured coincides", kind.name());
            let span = self.span(node, "of");
            self.found.push(Diagnostic::warning(Code::DimensionZero, span, message));
        }
        let id = document.id(node).map(str::to_owned);
        Some(Dimension { node, id, kind, style, scale, drives, pieces })
    }

    /// The style of the group around a dimension, and what the dimension says otherwise.
    fn style(&mut self, node: NodeId) -> Option<Style> {
        let document = self.document;
        let group = document
            .parent(node)
            .filter(|&group| document.name(group) == Some((Ns::Arx, "dimensions")));
        let both = || group.into_iter().chain([node]);
        let mut standard = Standard::default();
        for at in both() {
            let Some(name) = document.attr(at, "style") else { continue };
            let Some(named) = Standard::named(name.trim()) else {
                let message = format!("`{}` is no style of dimensions", short(name));
                let help = format!("styles: {}", Standard::NAMES.join(", "));
                self.error(Code::DimensionType, self.span(at, "style"), message, Some(help));
                return None;
            };
            standard = named;
        }
        let mut style = Style::of(standard);
        for at in both() {
            for a in document.attributes(at).iter().filter(|a| a.ns == Ns::None) {
                if let Err(expected) = style.set(a.name, a.value) {
                    let message =
                        format!("`{}` is no {}; expected {expected}", short(a.value), a.name);
                    self.error(Code::DimensionValue, a.span, message, None);
                    return None;
                }
            }
        }
        Some(style)
    }

    fn words(&mut self, node: NodeId, kind: Kind) -> Option<Words> {
        let document = self.document;
        let word = |name: &str| document.attr(node, name).unwrap_or_default().to_owned();
        let mut words = Words {
            prefix: word("prefix"),
            suffix: word("suffix"),
            reference: document.attr(node, "reference").is_some_and(|v| v.trim() == "true"),
            ..Words::default()
        };
        if let Some(places) = document.attr(node, "places") {
            let Some(read) = places.trim().parse().ok().filter(|n: &u32| *n <= 100_000) else {
                let message = format!("`{}` is no number of places", short(places));
                self.error(Code::DimensionValue, self.span(node, "places"), message, None);
                return None;
            };
            words.places = read;
        }
        if let Some(tolerance) = document.attr(node, "tolerance") {
            let per_unit = if kind == Kind::Angle { 1e6 } else { 1e3 };
            let Some(read) = text::tolerance(tolerance, per_unit) else {
                let message = format!("`{}` is no tolerance", short(tolerance));
                let help = "write ±0.1, or +0.1 -0.2, in mm or degrees".to_owned();
                let span = self.span(node, "tolerance");
                self.error(Code::DimensionValue, span, message, Some(help));
                return None;
            };
            words.tolerance = Some(read);
        }
        Some(words)
    }

    /// The constraint that a dimension drives, and what that is of.
    fn drives(&mut self, node: NodeId) -> Option<(Option<String>, Option<&'d str>)> {
        let document = self.document;
        let Some(id) = document.attr(node, "drives").map(str::trim) else {
            return Some((None, None));
        };
        let target =
            document.by_id(id).filter(|&t| document.name(t) == Some((Ns::Arx, "constraint")));
        let has_value =
            |t: NodeId| document.attr(t, "value").or_else(|| document.attr(t, "formula")).is_some();
        match target {
            Some(target) if has_value(target) => {
                Some((Some(id.to_owned()), document.attr(target, "of")))
            }
            Some(_) => {
                let message = format!("the constraint `{}` has no value to drive", short(id));
                self.error(Code::DimensionDrives, self.span(node, "drives"), message, None);
                None
            }
            None => {
                let message = format!("there is no constraint `{}`", short(id));
                self.error(Code::DimensionDrives, self.span(node, "drives"), message, None);
                None
            }
        }
    }

    /// Two lengths: user units of the root where no unit is written. Millimetres.
    fn place(&self, text: &str) -> Option<P> {
        let mut numbers = text.split([' ', ',', '\t', '\n', '\r']).filter(|w| !w.is_empty());
        let mut next = || {
            let length = Length::parse(numbers.next()?).ok()?;
            let mm = match length.unit {
                Unit::None => length.number * self.mm,
                _ => length.to_mm().ok()?,
            };
            (mm.abs() <= 1e9).then_some(mm)
        };
        let at = [next()?, next()?];
        numbers.next().is_none().then_some(at)
    }
}

/// `horizontal`, `vertical`, or degrees counter-clockwise as they are seen.
fn direction(text: &str) -> Option<P> {
    match text.trim() {
        "horizontal" => Some([1.0, 0.0]),
        "vertical" => Some([0.0, 1.0]),
        other => {
            let degrees: f64 =
                other.trim_end_matches("deg").trim_end_matches('°').trim().parse().ok()?;
            (degrees.abs() <= 360.0).then(|| at_angle(-degrees.to_radians()))
        }
    }
}

/// As much of a word as is told.
pub(crate) fn short(text: &str) -> String {
    text.chars().take(64).collect()
}
