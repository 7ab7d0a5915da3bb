//! Sheets, scales, and where a drawing lies on its page.

use super::{Error, Options};

/// A sheet of the A series (ISO 216), turned as the drawing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "their names say it")]
pub enum Sheet {
    A0,
    A1,
    A2,
    A3,
    A4,
    A5,
}

impl Sheet {
    /// The names of the sheets.
    pub const NAMES: [&'static str; 6] = ["A0", "A1", "A2", "A3", "A4", "A5"];

    /// The sheet of a name in [`Sheet::NAMES`].
    #[must_use]
    pub fn named(name: &str) -> Option<Sheet> {
        use Sheet::{A0, A1, A2, A3, A4, A5};
        let at = Sheet::NAMES.iter().position(|own| *own == name)?;
        [A0, A1, A2, A3, A4, A5].get(at).copied()
    }

    /// The shorter and the longer side in millimetres.
    #[must_use]
    pub const fn millimetres(self) -> [f64; 2] {
        match self {
            Sheet::A0 => [841.0, 1_189.0],
            Sheet::A1 => [594.0, 841.0],
            Sheet::A2 => [420.0, 594.0],
            Sheet::A3 => [297.0, 420.0],
            Sheet::A4 => [210.0, 297.0],
            Sheet::A5 => [148.0, 210.0],
        }
    }
}

/// Scales of drawings (ISO 5455), the largest first.
const USUAL: [f64; 17] = [
    50.0,
    20.0,
    10.0,
    5.0,
    2.0,
    1.0,
    1.0 / 2.0,
    1.0 / 5.0,
    1.0 / 10.0,
    1.0 / 20.0,
    1.0 / 50.0,
    1.0 / 100.0,
    1.0 / 200.0,
    1.0 / 500.0,
    1.0 / 1_000.0,
    1.0 / 2_000.0,
    1.0 / 5_000.0,
];
/// Millimetres that stay free around a drawing on a sheet whose scale nobody named.
const MARGIN: f64 = 10.0;
/// Units of the file that a page may be long; more is told by the size of a unit.
const LONGEST: f64 = 14_400.0;

/// A drawing on its page, in millimetres of paper.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Placed {
    /// Width and height of the page.
    pub(super) size: [f64; 2],
    /// Where the upper left corner of the drawing is, from that of the page.
    pub(super) at: [f64; 2],
    /// Paper over drawing.
    pub(super) scale: f64,
    /// Points in a unit of the file.
    pub(super) user_unit: f64,
}

/// Where a drawing of `size` in millimetres lies.
///
/// # Errors
/// A scale or a page that cannot be.
pub(super) fn placed(size: [f64; 2], options: &Options) -> Result<Placed, Error> {
    let [w, h] = size;
    if let Some(scale) = options.scale
        && !(1e-6..=1e6).contains(&scale)
    {
        return Err(Error::Scale(scale));
    }
    let (page, scale) = match options.sheet {
        None => {
            let scale = options.scale.unwrap_or(1.0);
            ([w * scale, h * scale], scale)
        }
        Some(sheet) => {
            let [short, long] = sheet.millimetres();
            let page = if w > h { [long, short] } else { [short, long] };
            let fits = ((page[0] - 2.0 * MARGIN) / w).min((page[1] - 2.0 * MARGIN) / h);
            let usual = USUAL.into_iter().find(|scale| *scale <= fits * (1.0 + 1e-9));
            (page, options.scale.or(usual).unwrap_or(fits))
        }
    };
    let longest = page[0].max(page[1]);
    if !(page[0] >= 1.0 && page[1] >= 1.0 && longest <= 381_000.0) {
        return Err(Error::Page(page[0], page[1]));
    }
    let user_unit = (longest * 72.0 / 25.4 / LONGEST).ceil().max(1.0);
    let at = [(page[0] - w * scale) / 2.0, (page[1] - h * scale) / 2.0];
    Ok(Placed { size: page, at, scale, user_unit })
}

/// A scale as it is written on drawings: `1:50`, `2:1`.
pub(super) fn ratio(scale: f64) -> String {
    let figures = |n: f64| {
        let digits = 5.0 - libm::floor(libm::log10(n));
        let step = libm::pow(10.0, digits.clamp(-12.0, 12.0));
        (n * step).round() / step
    };
    if scale >= 1.0 {
        format!("{}:1", figures(scale))
    } else {
        format!("1:{}", figures(1.0 / scale))
    }
}

/// Reads `1:50`, `2:1` or `0.02`.
pub(super) fn read(text: &str) -> Option<f64> {
    let number = |t: &str| t.trim().parse::<f64>().ok().filter(|n| n.is_finite() && *n > 0.0);
    match text.split_once(':') {
        Some((paper, real)) => Some(number(paper)? / number(real)?),
        None => number(text),
    }
}

impl Options {
    /// The scale of a text: `1:50`, `2:1` or `0.02`.
    #[must_use]
    pub fn scale_of(text: &str) -> Option<f64> {
        read(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_are_read_as_they_are_written() {
        for (text, scale, written) in [
            ("1:50", 0.02, "1:50"),
            ("2:1", 2.0, "2:1"),
            ("0.01", 0.01, "1:100"),
            ("1", 1.0, "1:1"),
        ] {
            assert_eq!(read(text), Some(scale));
            assert_eq!(ratio(scale), written);
        }
        assert_eq!((read("0:5"), read("a"), read("1:0")), (None, None, None));
    }

    #[test]
    fn a_sheet_has_the_largest_usual_scale_that_fits() {
        let on = |size, sheet, scale| placed(size, &Options { scale, sheet });
        let a3 = on([12_000.0, 8_000.0], Some(Sheet::A3), None).expect("a page");
        assert_eq!((a3.size, a3.scale), ([420.0, 297.0], 0.02));
        assert_eq!(a3.at, [90.0, 68.5]);
        let own = on([12_000.0, 8_000.0], None, Some(0.01)).expect("a page");
        assert_eq!((own.size, own.at, own.user_unit), ([120.0, 80.0], [0.0, 0.0], 1.0));
        // Six metres are more than a page has units.
        assert_eq!(on([6_000.0, 10.0], None, None).expect("a page").user_unit, 2.0);
        assert!(matches!(on([1e9, 1.0], None, None), Err(Error::Page(..))));
        assert!(matches!(on([9.0, 9.0], None, Some(0.0)), Err(Error::Scale(_))));
    }
}
