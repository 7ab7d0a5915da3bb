//! `transform` attributes (SVG 1.1, section 7.6).

use kurbo::Affine;
use svgtypes::{TransformListParser, TransformListToken as T};

/// Reads a transform list. An error names what could not be read; SVG says the
/// whole list is void then.
///
/// # Errors
/// One sentence about what stands there instead.
pub fn transform(text: &str) -> Result<Affine, String> {
    let mut result = Affine::IDENTITY;
    for token in TransformListParser::from(text) {
        let token = token.map_err(|e| e.to_string())?;
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
    use kurbo::Point;

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
    fn what_is_no_transform_is_an_error() {
        for text in
            ["rotate(", "spin(3)", "translate(a)", "scale(1e308) scale(1e308)", "matrix(1 2)"]
        {
            assert!(transform(text).is_err(), "{text}");
        }
    }
}
