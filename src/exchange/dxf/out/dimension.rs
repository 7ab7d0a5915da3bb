//! Dimensions as entities of the format, with the block that shows them.
//!
//! Most programs show nothing of a DIMENSION without its block; some make it anew from the style.
//! Both are written.

use svgx_drafting::{Ends, Kind, Measure, Points, Shown, Sign, Standard, Style, Unit, Words, text};

use super::super::curve::P;
use super::file::{File, Handles};
use super::tables::table;
use super::words;
use super::{OLD_TEXT, Version};

/// A style and the scale that it is drawn at.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct DimStyle {
    pub(super) name: String,
    pub(super) style: Style,
    /// Units of the file in a millimetre of paper.
    pub(super) scale: f64,
    /// Millimetres in a unit of the file.
    pub(super) millimetres: f64,
}

/// Between which points, in units of the file with y upward.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Dimension {
    /// The block that shows it.
    pub(super) block: usize,
    /// One of [`Model::styles`](super::model::Model::styles).
    pub(super) style: usize,
    /// Code 42: a length in units of the file, or radians.
    pub(super) measure: f64,
    /// What is written instead of the measure alone; `<>` stands for that.
    pub(super) text: String,
    /// The middle of the text.
    pub(super) middle: P,
    pub(super) form: Form,
}

/// The kinds of the format.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Form {
    /// Along an axis, in radians.
    Rotated {
        of: [P; 2],
        foot: P,
        angle: f64,
    },
    Aligned {
        of: [P; 2],
        foot: P,
    },
    Diameter([P; 2]),
    Radius {
        centre: P,
        on: P,
    },
    Angle {
        vertex: P,
        ends: [P; 2],
        arc: P,
    },
    Ordinate {
        origin: P,
        point: P,
        end: P,
        is_x: bool,
    },
}

/// The entity of a dimension that is shown; `None` where the format has none. `factor`: units of
/// the file in a millimetre.
pub(super) fn of(shown: &Shown, block: usize, style: usize, factor: f64) -> Option<Dimension> {
    let at = |p: P| [p[0] * factor, -p[1] * factor];
    let piece = &shown.piece;
    let form = match piece.points {
        Points::Straight { of, feet, .. } if shown.kind == Kind::Aligned => {
            Form::Aligned { of: of.map(at), foot: at(feet[1]) }
        }
        Points::Straight { of, feet, axis } => {
            let angle = libm::atan2(-axis[1], axis[0]);
            Form::Rotated { of: of.map(at), foot: at(feet[1]), angle }
        }
        Points::Radius { centre, on } => Form::Radius { centre: at(centre), on: at(on) },
        Points::Diameter(ends) => Form::Diameter(ends.map(at)),
        // The format counts the sides counter-clockwise, and y was turned over.
        Points::Angle { vertex, ends: [a, b], arc } => {
            Form::Angle { vertex: at(vertex), ends: [at(b), at(a)], arc: at(arc) }
        }
        Points::Ordinate { origin, point, end, is_x } => {
            Form::Ordinate { origin: at(origin), point: at(point), end: at(end), is_x }
        }
        Points::Arc => return None,
    };
    let measure = match piece.measure {
        Measure::Length(_) => piece.measure.value() * factor,
        Measure::Angle(_) => piece.measure.value().to_radians(),
    };
    let sign = match shown.kind {
        Kind::Radius => Sign::Radius,
        Kind::Diameter => Sign::Diameter,
        Kind::Arc => Sign::Arc,
        _ => Sign::None,
    };
    let bare = text(piece.measure, sign, &Words::default(), &shown.dimension.style);
    let said = if piece.text == bare { String::new() } else { piece.text.replacen(&bare, "<>", 1) };
    let middle = piece.laid.texts.first().map_or([0.0; 2], |text| {
        let up = [text.along[1], -text.along[0]];
        let half = text.height / 2.0;
        at([text.at[0] + up[0] * half, text.at[1] + up[1] * half])
    });
    Some(Dimension { block, style, measure, text: said, middle, form })
}

impl Dimension {
    /// Writes what is behind the look of the entity.
    pub(super) fn write(&self, file: &mut File, block: &str, style: &str) {
        let kind = match self.form {
            Form::Rotated { .. } => 0,
            Form::Aligned { .. } => 1,
            Form::Diameter(_) => 3,
            Form::Radius { .. } => 4,
            Form::Angle { .. } => 5,
            Form::Ordinate { is_x, .. } => 6 + if is_x { 64 } else { 0 },
        };
        let defined = match &self.form {
            Form::Rotated { foot, .. } | Form::Aligned { foot, .. } => *foot,
            Form::Diameter([_, far]) => *far,
            Form::Radius { centre, .. } => *centre,
            Form::Angle { arc, .. } => *arc,
            Form::Ordinate { origin, .. } => *origin,
        };
        file.class("AcDbDimension");
        file.text(2, block);
        file.point(10, defined);
        file.point(11, self.middle);
        // The block is of this dimension alone.
        file.whole(70, kind + 32);
        if !self.text.is_empty() {
            let mut said = String::new();
            let is_ascii = file.version != Version::R2018;
            words::text(&self.text, OLD_TEXT, is_ascii, &mut said);
            file.text(1, &said);
        }
        if !file.is_old() {
            file.whole(71, 5);
            file.exact(42, self.measure);
            file.text(3, style);
        }
        match &self.form {
            Form::Rotated { of: [a, b], angle, .. } => {
                file.class("AcDbAlignedDimension");
                file.point(13, *a);
                file.point(14, *b);
                file.degrees(50, *angle);
                file.class("AcDbRotatedDimension");
            }
            Form::Aligned { of: [a, b], .. } => {
                file.class("AcDbAlignedDimension");
                file.point(13, *a);
                file.point(14, *b);
            }
            Form::Diameter([near, _]) => {
                file.class("AcDbDiametricDimension");
                file.point(15, *near);
                file.exact(40, 0.0);
            }
            Form::Radius { on, .. } => {
                file.class("AcDbRadialDimension");
                file.point(15, *on);
                file.exact(40, 0.0);
            }
            Form::Angle { vertex, ends: [a, b], .. } => {
                file.class("AcDb3PointAngularDimension");
                file.point(13, *a);
                file.point(14, *b);
                file.point(15, *vertex);
            }
            Form::Ordinate { point, end, .. } => {
                file.class("AcDbOrdinateDimension");
                file.point(13, *point);
                file.point(14, *end);
            }
        }
    }
}

/// The table of styles: `Standard`, and those of the drawing.
pub(super) fn styles(file: &mut File, own: &[DimStyle], handles: &Handles) {
    let dimensions = table(file, "DIMSTYLE", own.len() + 1);
    file.class("AcDbDimStyleTable");
    file.whole(71, 0);
    super::tables::symbol(file, "DIMSTYLE", dimensions, "AcDbDimStyleTableRecord", "Standard");
    file.whole(70, 0);
    file.reference(340, handles.style);
    for one in own {
        super::tables::symbol(file, "DIMSTYLE", dimensions, "AcDbDimStyleTableRecord", &one.name);
        one.write(file, handles);
    }
    file.end("ENDTAB");
}

impl DimStyle {
    fn write(&self, file: &mut File, handles: &Handles) {
        let style = &self.style;
        let is_level = style.standard == Standard::Asme;
        let shown = match style.unit {
            Unit::Millimetre => 1.0,
            Unit::Centimetre => 10.0,
            Unit::Metre => 1_000.0,
            Unit::Inch | Unit::FeetAndInches => 25.4,
            Unit::Foot => 304.8,
        };
        let tick = if style.ends == Ends::Tick { style.arrow } else { 0.0 };
        file.whole(70, 0);
        for (code, value) in [
            (40, self.scale),
            (41, style.arrow),
            (42, style.gap),
            (43, style.spacing),
            (44, style.beyond),
        ] {
            file.exact(code, value);
        }
        file.whole(73, i64::from(is_level));
        file.whole(74, i64::from(is_level));
        file.whole(77, i64::from(!is_level));
        // No zeros behind, none before of an inch, feet and inches always.
        file.whole(78, if style.unit == Unit::FeetAndInches { 3 } else { 8 });
        file.whole(79, 2);
        file.exact(140, style.height);
        file.exact(142, tick);
        file.exact(144, self.millimetres / shown);
        file.exact(147, style.height * 0.25);
        file.whole(179, i64::from(style.angle_decimals));
        file.whole(271, i64::from(style.decimals));
        file.whole(277, if style.unit == Unit::FeetAndInches { 4 } else { 2 });
        file.whole(278, if style.standard == Standard::Iso { 44 } else { 46 });
        file.reference(340, handles.style);
    }
}
