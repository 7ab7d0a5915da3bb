//! `transform` attributes (SVG 1.1, section 7.6).

use kurbo::{Affine, Point, Rect, Vec2};
use svgtypes::{TransformListParser, TransformListToken as T};
use svgx_base::nearest::nearest;

use super::length::{Length, Unit};
use super::viewport::pixels;

/// Reads a transform list. An error names what could not be read; SVG says the
/// whole list is void then.
///
/// # Errors
/// One sentence about what stands there instead.
pub fn transform(text: &str) -> Result<Affine, String> {
    let mut result = Affine::IDENTITY;
    for token in TransformListParser::from(text) {
        let token = token.map_err(|_| reason(text))?;
        result *= match token {
            T::Matrix { a, b, c, d, e, f } => Affine::new([a, b, c, d, e, f]),
            T::Translate { tx, ty } => Affine::translate((tx, ty)),
            T::Scale { sx, sy } => Affine::scale_non_uniform(sx, sy),
            T::Rotate { angle } => rotate(angle),
            T::SkewX { angle } => Affine::skew(libm::tan(angle.to_radians()), 0.0),
            T::SkewY { angle } => Affine::skew(0.0, libm::tan(angle.to_radians())),
        };
    }
    if result.is_finite() { Ok(result) } else { Err("the result is not finite".to_owned()) }
}

/// Why a text is no transform list: a function that there is not, or numbers that do not fit.
fn reason(text: &str) -> String {
    const KNOWN: [&str; 6] = ["matrix", "translate", "scale", "rotate", "skewX", "skewY"];
    let words = text.split(|c: char| !c.is_ascii_alphanumeric());
    let names = words.filter(|word| word.starts_with(|c: char| c.is_ascii_alphabetic()));
    for name in names {
        if !KNOWN.contains(&name) {
            let name: String = name.chars().take(40).collect();
            return match nearest(&name, KNOWN) {
                Some(near) => format!("there is no `{name}`; did you mean {near}?"),
                None => format!("there is no `{name}`; known are {}", KNOWN.join(", ")),
            };
        }
    }
    "expected matrix(6 numbers), translate(x, y), scale(x, y), rotate(angle, x, y), skewX(angle) or \
     skewY(angle)"
        .to_owned()
}

/// Lengths and percentages of CSS transforms.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reference {
    /// What percentages and origins count from, in the element's coordinates.
    pub(crate) area: Rect,
    pub(crate) font_size: f64,
}

impl Reference {
    fn length(self, text: &str, side: f64) -> Option<f64> {
        let length = Length::parse(text).ok()?;
        match length.unit {
            Unit::None => (length.number == 0.0).then_some(0.0),
            Unit::Percent => Some(length.number / 100.0 * side),
            Unit::Em => Some(length.number * self.font_size),
            Unit::Ex => Some(length.number * self.font_size / 2.0),
            Unit::M | Unit::Ft => None,
            _ => pixels(length),
        }
    }

    /// A `transform-origin`, as an offset from the corner of the area.
    pub(crate) fn origin(self, text: &str) -> Option<Point> {
        let (width, height) = (self.area.width(), self.area.height());
        let words: Vec<&str> = text.split_ascii_whitespace().collect();
        let along = |word: &str, side: f64, near: &str, far: &str| match word {
            w if w == near => Some(0.0),
            w if w == far => Some(side),
            "center" => Some(side / 2.0),
            // As an attribute a number counts as pixels.
            w => w.parse().ok().filter(|n: &f64| n.is_finite()).or_else(|| self.length(w, side)),
        };
        let x = |word| along(word, width, "left", "right");
        let y = |word| along(word, height, "top", "bottom");
        let offset = match *words.as_slice() {
            [one] => match x(one) {
                Some(at) => Vec2::new(at, height / 2.0),
                None => Vec2::new(width / 2.0, y(one)?),
            },
            [first, second] | [first, second, _] => match (x(first), y(second)) {
                (Some(x), Some(y)) => Vec2::new(x, y),
                _ => Vec2::new(x(second)?, y(first)?),
            },
            _ => return None,
        };
        Some(self.area.origin() + offset)
    }
}

/// Reads the CSS property `transform`; `None` where the declaration is invalid. Functions in
/// space are seen straight from the front.
pub(crate) fn css_transform(text: &str, reference: Reference) -> Option<Affine> {
    let text = text.trim();
    if text == "none" {
        return Some(Affine::IDENTITY);
    }
    let mut result = Affine::IDENTITY;
    let mut rest = text;
    while !rest.is_empty() {
        let (name, after) = rest.split_once('(')?;
        let (inside, after) = after.split_once(')')?;
        rest = after.trim_start();
        let name = name.trim().to_ascii_lowercase();
        let arguments: Vec<&str> = inside.split(',').map(str::trim).collect();
        let (width, height) = (reference.area.width(), reference.area.height());
        let number = |text: &str| match text.strip_suffix('%') {
            Some(share) => share.parse::<f64>().ok().map(|n| n / 100.0),
            None => text.parse::<f64>().ok(),
        };
        let x = |text: &str| reference.length(text, width);
        let y = |text: &str| reference.length(text, height);
        result *= match (name.as_str(), arguments.as_slice()) {
            ("translate", [tx]) | ("translatex", [tx]) => Affine::translate((x(tx)?, 0.0)),
            ("translate", [tx, ty]) | ("translate3d", [tx, ty, _]) => {
                Affine::translate((x(tx)?, y(ty)?))
            }
            ("translatey", [ty]) => Affine::translate((0.0, y(ty)?)),
            ("translatez" | "scalez" | "perspective", [_]) => Affine::IDENTITY,
            ("scale", [s]) => Affine::scale(number(s)?),
            ("scale", [sx, sy]) | ("scale3d", [sx, sy, _]) => {
                Affine::scale_non_uniform(number(sx)?, number(sy)?)
            }
            ("scalex", [s]) => Affine::scale_non_uniform(number(s)?, 1.0),
            ("scaley", [s]) => Affine::scale_non_uniform(1.0, number(s)?),
            ("rotate" | "rotatez", [a]) => rotate(angle(a)?),
            ("rotatex", [a]) => Affine::scale_non_uniform(1.0, cosine(a)?),
            ("rotatey", [a]) => Affine::scale_non_uniform(cosine(a)?, 1.0),
            ("skewx" | "skew", [a]) => Affine::skew(tangent(a)?, 0.0),
            ("skewy", [a]) => Affine::skew(0.0, tangent(a)?),
            ("skew", [a, b]) => Affine::skew(tangent(a)?, tangent(b)?),
            ("matrix", [a, b, c, d, e, f]) => Affine::new([
                number(a)?,
                number(b)?,
                number(c)?,
                number(d)?,
                number(e)?,
                number(f)?,
            ]),
            _ => return None,
        };
    }
    result.is_finite().then_some(result)
}

/// Reads one of the properties `translate`, `rotate` and `scale`; `None` where it is invalid.
pub(crate) fn step(name: &str, value: &str, reference: Reference) -> Option<Affine> {
    let value = value.trim().to_ascii_lowercase();
    let words: Vec<&str> = value.split_ascii_whitespace().collect();
    if value == "none" {
        return Some(Affine::IDENTITY);
    }
    let joined = |words: &[&str]| format!("{name}({})", words.join(","));
    let function = match (name, words.as_slice()) {
        ("translate" | "scale", [_] | [_, _]) => joined(&words),
        // What lies in space is seen from the front.
        ("translate" | "scale", [x, y, _]) => joined(&[x, y]),
        ("rotate", [angle] | ["z", angle] | [angle, "z"]) => joined(&[angle]),
        ("rotate", ["x", angle] | [angle, "x"]) => format!("rotatex({angle})"),
        ("rotate", ["y", angle] | [angle, "y"]) => format!("rotatey({angle})"),
        _ => return None,
    };
    css_transform(&function, reference)
}

/// Degrees of a CSS angle.
fn angle(text: &str) -> Option<f64> {
    let text = text.to_ascii_lowercase();
    let units =
        [("deg", 1.0), ("grad", 0.9), ("rad", 180.0 / std::f64::consts::PI), ("turn", 360.0)];
    let found = units.iter().find_map(|(unit, degrees)| {
        Some(text.strip_suffix(unit)?.trim().parse::<f64>().ok()? * degrees)
    });
    found.or_else(|| (text.parse::<f64>() == Ok(0.0)).then_some(0.0)).filter(|a| a.is_finite())
}

fn tangent(text: &str) -> Option<f64> {
    angle(text).map(|a| libm::tan(a.to_radians()))
}

fn cosine(text: &str) -> Option<f64> {
    angle(text).map(|a| libm::cos(a.to_radians()))
}

/// Quarter turns are exact, so that a turned wall stays on its grid.
fn rotate(degrees: f64) -> Affine {
    let (sin, cos) = match degrees.rem_euclid(360.0) {
        0.0 => (0.0, 1.0),
        90.0 => (1.0, 0.0),
        180.0 => (0.0, -1.0),
        270.0 => (-1.0, 0.0),
        _ => libm::sincos(degrees.to_radians()),
    };
    Affine::new([cos, sin, -sin, cos, 0.0, 0.0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_maps_a_point_as_the_standard_says() {
        let cases = [
            ("", (3.0, 4.0)),
            ("translate(10)", (13.0, 4.0)),
            ("translate(10,-1)", (13.0, 3.0)),
            ("scale(2)", (6.0, 8.0)),
            ("scale(2 3)", (6.0, 12.0)),
            ("rotate(90)", (-4.0, 3.0)),
            ("rotate(90 3 4)", (3.0, 4.0)),
            ("rotate(-90, 0, 0)", (4.0, -3.0)),
            ("skewX(45)", (7.0, 4.0)),
            ("skewY(45)", (3.0, 7.0)),
            ("matrix(1 2 3 4 5 6)", (20.0, 28.0)),
            ("translate(10 0) scale(2) rotate(90)", (2.0, 6.0)),
        ];
        for (text, (x, y)) in cases {
            let p = transform(text).unwrap() * Point::new(3.0, 4.0);
            assert!((p - Point::new(x, y)).hypot() < 1e-12, "{text}: {p:?}");
        }
    }

    #[test]
    fn the_css_property_maps_a_point_as_the_standard_says() {
        let area = Rect::new(10.0, 20.0, 110.0, 70.0);
        let reference = Reference { area, font_size: 10.0 };
        let cases = [
            ("none", Some((3.0, 4.0))),
            ("translate(50px, 50px) scale(2)", Some((56.0, 58.0))),
            ("translate(1in)", Some((99.0, 4.0))),
            ("translate(50%, 10%)", Some((53.0, 9.0))),
            ("translateX(2em) translateY(1px)", Some((23.0, 5.0))),
            ("translate3d(1px, 2px, 9px)", Some((4.0, 6.0))),
            ("rotate(90deg)", Some((-4.0, 3.0))),
            ("rotate(.25turn)", Some((-4.0, 3.0))),
            ("rotate(100grad)", Some((-4.0, 3.0))),
            ("ROTATE(0)", Some((3.0, 4.0))),
            ("scaleX(2) scaleY(50%)", Some((6.0, 2.0))),
            ("skewX(45deg)", Some((7.0, 4.0))),
            ("skew(0deg, 45deg)", Some((3.0, 7.0))),
            ("matrix(1, 2, 3, 4, 5, 6)", Some((20.0, 28.0))),
            // Invalid in CSS, and so not a declaration at all.
            ("translate(50, 50)", None),
            ("rotate(90)", None),
            ("matrix(1 2 3 4 5 6)", None),
            ("spin(3deg)", None),
            ("rotate(", None),
        ];
        for (text, expected) in cases {
            let seen = css_transform(text, reference).map(|t| t * Point::new(3.0, 4.0));
            match (seen, expected) {
                (Some(p), Some((x, y))) => {
                    assert!((p - Point::new(x, y)).hypot() < 1e-9, "{text}: {p:?}");
                }
                (seen, expected) => assert_eq!(seen, expected.map(Point::from), "{text}"),
            }
        }
        let steps = [
            ("translate", "10px", Some((13.0, 4.0))),
            ("translate", "50% 10px", Some((53.0, 14.0))),
            ("translate", "1px 2px 3px", Some((4.0, 6.0))),
            ("rotate", "90deg", Some((-4.0, 3.0))),
            ("rotate", "z 90deg", Some((-4.0, 3.0))),
            ("rotate", "x 180deg", Some((3.0, -4.0))),
            ("scale", "2", Some((6.0, 8.0))),
            ("scale", "50% 3", Some((1.5, 12.0))),
            ("scale", "none", Some((3.0, 4.0))),
            ("rotate", "90", None),
            ("translate", "10 10", None),
            ("scale", "1 2 3 4", None),
        ];
        for (name, text, expected) in steps {
            let seen = step(name, text, reference).map(|t| t * Point::new(3.0, 4.0));
            let near = |(p, (x, y)): (Point, (f64, f64))| (p - Point::new(x, y)).hypot() < 1e-9;
            let right = seen.zip(expected).map_or(seen.is_none() && expected.is_none(), near);
            assert!(right, "{name}: {text}: {seen:?}");
        }
        let origins = [
            ("center", Some((60.0, 45.0))),
            ("left top", Some((10.0, 20.0))),
            ("top left", Some((10.0, 20.0))),
            ("bottom", Some((60.0, 70.0))),
            ("25% 100%", Some((35.0, 70.0))),
            ("5px 6px", Some((15.0, 26.0))),
            ("5 6", Some((15.0, 26.0))),
            ("nowhere", None),
        ];
        for (text, expected) in origins {
            assert_eq!(reference.origin(text), expected.map(Point::from), "{text}");
        }
    }

    #[test]
    fn what_is_no_transform_is_an_error() {
        for text in
            ["rotate(", "spin(3)", "translate(a)", "scale(1e308) scale(1e308)", "matrix(1 2)"]
        {
            assert!(transform(text).is_err(), "{text}");
        }
    }
}
