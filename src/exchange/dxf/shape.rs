//! What an entity looks like: between reading and writing.

use super::colour::Colour;
use super::curve::{Affine, Bounds, Outline, P};
use super::drawing::Raw;
use super::gradient::Gradient;

/// How an entity is drawn, beside its shape.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Style<'t> {
    /// The name of its layer.
    pub(super) layer: &'t str,
    pub(super) colour: Colour,
    /// `None`: that of the layer.
    pub(super) line_type: Option<&'t str>,
    pub(super) line_type_scale: f64,
    /// In hundredths of a millimetre; `None`: that of the layer.
    pub(super) weight: Option<i64>,
    pub(super) is_invisible: bool,
    /// 0 to 1.
    pub(super) opacity: f64,
}

/// Something that is drawn.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Shape {
    /// Lines, of a width of their own where there is one, in units of the drawing.
    Lines {
        outlines: Vec<Outline>,
        width: Option<f64>,
    },
    /// Areas by the even-odd rule.
    Area(Vec<Outline>),
    /// Areas by the even-odd rule that are filled by a gradient.
    Gradient {
        outlines: Vec<Outline>,
        fill: Gradient,
    },
    /// What is not drawn, but belongs to where the entity is.
    Extent(Vec<Outline>),
    /// A line without ends, or with one.
    Endless {
        at: P,
        direction: P,
        both: bool,
    },
    Text(Text),
    /// Where inserts of a block have a text.
    Template(Text),
    Insert(Insert),
}

/// Where a text stands beside its point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// A text.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Text {
    pub(super) lines: Vec<String>,
    /// Height of capitals.
    pub(super) height: f64,
    /// From the baseline of the first line to its point, in heights; downward is negative.
    pub(super) rise: f64,
    /// From line to line, in heights.
    pub(super) leading: f64,
    pub(super) anchor: Anchor,
    /// The length it is stretched or squeezed to.
    pub(super) fit: Option<f64>,
    /// From x along the line and y upward, in units of the drawing.
    pub(super) place: Affine,
}

/// How wide letters are on average, in heights of capitals.
pub(super) const LETTER: f64 = 0.85;

impl Text {
    /// Grows `bounds` by a guess: fonts differ.
    fn bounds(&self, by: &Affine, bounds: &mut Bounds) {
        let letters = self.lines.iter().map(|line| line.chars().count()).max().unwrap_or(0);
        let wide = self.fit.unwrap_or(letters as f64 * LETTER * self.height);
        let left = match self.anchor {
            Anchor::Start => 0.0,
            Anchor::Middle => -wide / 2.0,
            Anchor::End => -wide,
        };
        let below = self.leading * self.lines.len().saturating_sub(1) as f64;
        let (top, bottom) = (self.rise + 1.0, self.rise - below - 0.3);
        let place = by.after(&self.place);
        for x in [left, left + wide] {
            for y in [top, bottom] {
                bounds.add(place.point([x, y * self.height]));
            }
        }
    }
}

/// A block put somewhere, perhaps many times in columns and rows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Insert {
    pub(super) block: usize,
    pub(super) place: Affine,
    pub(super) columns: usize,
    pub(super) rows: usize,
    /// From column to column, and from row to row.
    pub(super) steps: [P; 2],
}

impl Insert {
    pub(super) fn count(&self) -> usize {
        self.columns.saturating_mul(self.rows)
    }

    /// Where each of its copies is.
    pub(super) fn places(&self) -> impl Iterator<Item = Affine> {
        let place = self.place;
        self.offsets().map(move |by| place.shifted(by))
    }

    /// How far each of its copies is from the first.
    pub(super) fn offsets(&self) -> impl Iterator<Item = P> {
        let [column, row] = self.steps;
        (0..self.rows).flat_map(move |r| {
            (0..self.columns).map(move |c| {
                let (c, r) = (c as f64, r as f64);
                [column[0] * c + row[0] * r, column[1] * c + row[1] * r]
            })
        })
    }
}

/// An entity that is drawn.
#[derive(Debug)]
pub(super) struct Item<'t> {
    pub(super) kind: &'t str,
    pub(super) style: Style<'t>,
    pub(super) shapes: Vec<Shape>,
    /// The handle, where it is one.
    pub(super) handle: Option<&'t str>,
    /// The name of an attribute or a template.
    pub(super) tag: Option<&'t str>,
    /// The record of a dimension.
    pub(super) dimension: Option<Raw<'t>>,
}

impl<'t> Item<'t> {
    /// The handle, where it can be part of an id.
    pub(super) fn id(&self) -> Option<&'t str> {
        let is_name = |h: &&str| h.len() <= 16 && h.bytes().all(|b| b.is_ascii_alphanumeric());
        self.handle.filter(is_name)
    }
}

impl Shape {
    /// Grows `bounds` by everything but inserts and lines without ends.
    pub(super) fn bounds(&self, by: &Affine, bounds: &mut Bounds) {
        match self {
            Shape::Lines { outlines, .. }
            | Shape::Area(outlines)
            | Shape::Gradient { outlines, .. }
            | Shape::Extent(outlines) => {
                outlines.iter().for_each(|o| o.bounds(by, bounds));
            }
            Shape::Text(text) => text.bounds(by, bounds),
            Shape::Endless { .. } | Shape::Template(_) | Shape::Insert(_) => {}
        }
    }

    /// Segments, lines of text and copies that it is made of.
    pub(super) fn segments(&self) -> usize {
        match self {
            Shape::Lines { outlines, .. }
            | Shape::Area(outlines)
            | Shape::Gradient { outlines, .. }
            | Shape::Extent(outlines) => outlines.iter().map(|o| o.segments.len() + 1).sum(),
            Shape::Text(text) => text.lines.len(),
            Shape::Endless { .. } | Shape::Template(_) | Shape::Insert(_) => 1,
        }
    }
}
