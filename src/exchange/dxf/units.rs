//! What a unit of the drawing is.

use super::drawing::{Drawing, folded};

/// A unit of length.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Unit {
    /// Its name.
    pub name: &'static str,
    /// Millimetres.
    pub millimetres: f64,
    /// Whether a document of the language can be in it.
    pub(super) is_ours: bool,
}

const fn unit(name: &'static str, millimetres: f64, is_ours: bool) -> Unit {
    Unit { name, millimetres, is_ours }
}

const INCH: Unit = unit("in", 25.4, true);
const MILLIMETRE: Unit = unit("mm", 1.0, true);

impl Unit {
    /// Those that a caller can name.
    pub const NAMES: [&'static str; 5] = ["mm", "cm", "m", "in", "ft"];

    /// The unit of a name in [`Unit::NAMES`].
    #[must_use]
    pub fn named(name: &str) -> Option<Unit> {
        [4, 5, 6, 1, 2].into_iter().filter_map(coded).find(|unit| unit.name == name)
    }
}

/// The unit of a value of `$INSUNITS`.
fn coded(code: i64) -> Option<Unit> {
    Some(match code {
        1 => INCH,
        2 => unit("ft", 304.8, true),
        3 => unit("mi", 1_609_344.0, false),
        4 => MILLIMETRE,
        5 => unit("cm", 10.0, true),
        6 => unit("m", 1_000.0, true),
        7 => unit("km", 1e6, false),
        8 => unit("uin", 25.4e-6, false),
        9 => unit("mil", 0.025_4, false),
        10 => unit("yd", 914.4, false),
        12 => unit("nm", 1e-6, false),
        13 => unit("um", 1e-3, false),
        14 => unit("dm", 100.0, false),
        15 => unit("dam", 1e4, false),
        16 => unit("hm", 1e5, false),
        21 => unit("ft (US survey)", 1_200_000.0 / 3_937.0, false),
        _ => return None,
    })
}

/// The unit of a file that is written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Written {
    pub(super) name: &'static str,
    /// The value of `$INSUNITS`.
    pub(super) insunits: i64,
    pub(super) is_metric: bool,
    pub(super) millimetres: f64,
    /// How many of it a user unit is.
    pub(super) factor: f64,
}

/// The unit to write a document in whose user unit is so long: that one where the format has it,
/// else millimetres.
pub(super) fn of_scale(mm_per_unit: f64) -> Written {
    let of = |insunits: i64, unit: Unit, factor: f64| Written {
        name: unit.name,
        insunits,
        is_metric: !matches!(insunits, 1 | 2),
        millimetres: unit.millimetres,
        factor,
    };
    let known = [4, 5, 6, 1, 2].into_iter().filter_map(|code| Some((code, coded(code)?)));
    let is_it = |unit: &Unit| (unit.millimetres - mm_per_unit).abs() <= 1e-12 * mm_per_unit;
    let found = known.into_iter().find(|(_, unit)| is_it(unit));
    found.map_or(of(4, MILLIMETRE, mm_per_unit), |(code, unit)| of(code, unit, 1.0))
}

/// The unit of a drawing, and why it may be another. What dimensions say in feet and inches is
/// believed before the header, which many programs never set.
pub(super) fn of(drawing: &Drawing<'_>, asked: Option<Unit>) -> (Unit, Option<String>) {
    let header = &drawing.header;
    let written = header.insunits.and_then(coded);
    let is_in_feet = |style: Option<&str>| {
        let style = style.and_then(|name| drawing.dimension_styles.get(&folded(name)));
        style.is_some_and(|style| matches!(style.format, 3 | 4))
    };
    let blocks = drawing.blocks.iter().flat_map(|block| &block.entities);
    let mut dimensions = drawing.model.iter().chain(blocks).filter(|e| e.kind == "DIMENSION");
    let evident = dimensions.any(|e| is_in_feet(e.fields.name(3))).then_some(INCH);
    let measured = header.measurement.map(|m| if m == 0 { INCH } else { MILLIMETRE });
    let unit = asked.or(evident).or(written).or(measured).unwrap_or(MILLIMETRE);
    let says = |source: &str, other: Option<Unit>| {
        other.filter(|o| o.millimetres != unit.millimetres).map(|o| format!("{source} {}", o.name))
    };
    let others = [says("$INSUNITS says", written), says("the dimensions are in", evident)];
    let others: Vec<String> = others.into_iter().flatten().collect();
    let why = match (others.is_empty(), asked.is_some() || evident.is_some() || written.is_some()) {
        (false, _) => format!("read in {}, but {}", unit.name, others.join(", and ")),
        (true, false) => format!("the file names no unit: read in {}", unit.name),
        (true, true) => return (unit, None),
    };
    (unit, Some(why))
}
