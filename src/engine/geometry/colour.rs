//! Colours as CSS Color 4 writes them, in the older form that every reader knows.

/// Colours that depend on the machine, in small letters (CSS Color 4, section 6.2).
pub(crate) const SYSTEM_COLOURS: &[&str] = &[
    "accentcolor",
    "accentcolortext",
    "activetext",
    "buttonborder",
    "buttonface",
    "buttontext",
    "canvas",
    "canvastext",
    "field",
    "fieldtext",
    "graytext",
    "highlight",
    "highlighttext",
    "linktext",
    "mark",
    "marktext",
    "selecteditem",
    "selecteditemtext",
    "visitedtext",
];

/// A colour that depends on nothing around it, red, green, blue and alpha; `None` for any other
/// value, `none` and `currentColor` among them.
pub fn colour(value: &str) -> Option<[u8; 4]> {
    let modern = plain_colour(value);
    let c: svgtypes::Color = modern.as_deref().unwrap_or(value).trim().parse().ok()?;
    Some([c.red, c.green, c.blue, c.alpha])
}

/// `currentColor` in its usual letters, and `rgb()`, `hsl()` and `hwb()` with spaces and a
/// slash as `rgba()` with commas; `None` for what needs no change or is no such colour.
pub(crate) fn plain_colour(value: &str) -> Option<String> {
    let text = value.trim();
    if text.eq_ignore_ascii_case("currentcolor") {
        return (text != "currentColor").then(|| "currentColor".to_owned());
    }
    // Younger than the names that every reader knows.
    if text.eq_ignore_ascii_case("rebeccapurple") {
        return Some("#663399".to_owned());
    }
    let (name, inside) = text.split_once('(')?;
    let inside = inside.strip_suffix(')')?;
    let name = name.to_ascii_lowercase();
    let old = inside.contains(',');
    if !old && let Some(rgb) = device_free(&name, inside) {
        return Some(rgb);
    }
    if !matches!(name.as_str(), "rgb" | "rgba" | "hsl" | "hsla" | "hwb") || old {
        return None;
    }
    let (colour, alpha) = match inside.split_once('/') {
        Some((colour, alpha)) => (colour, share(alpha.trim())?),
        None => (inside, 1.0),
    };
    let words: Vec<&str> = colour.split_ascii_whitespace().collect();
    let [a, b, c] = *words.as_slice() else { return None };
    let rgb = match name.as_str() {
        "rgb" | "rgba" => [channel(a)?, channel(b)?, channel(c)?],
        "hwb" => {
            let (white, black) = (percent(b)?, percent(c)?);
            match white + black >= 1.0 {
                true => [white / (white + black) * 255.0; 3],
                false => hue(angle(a)?, 1.0, 0.5)
                    .map(|n| (n / 255.0 * (1.0 - white - black) + white) * 255.0),
            }
        }
        _ => hue(angle(a)?, percent(b)?, percent(c)?),
    };
    let [r, g, b] = rgb.map(|n| n.round().clamp(0.0, 255.0) as u8);
    Some(format!("rgba({r},{g},{b},{})", alpha.clamp(0.0, 1.0)))
}

/// `lab()`, `lch()`, `oklab()`, `oklch()` and `color()` (CSS Color 4, sections 8 to 10 and 18):
/// what lies out of sRGB is cut to it, channel by channel.
fn device_free(name: &str, inside: &str) -> Option<String> {
    let (colour, alpha) = match inside.split_once('/') {
        Some((colour, alpha)) => (colour, share(alpha.trim())?),
        None => (inside, 1.0),
    };
    let mut words = colour.split_ascii_whitespace();
    let space = if name == "color" { words.next()?.to_ascii_lowercase() } else { name.to_owned() };
    let words: Vec<&str> = words.collect();
    let [a, b, c] = *words.as_slice() else { return None };
    // A percentage counts from what the space calls the whole.
    let of = |text: &str, whole: f64| match text.strip_suffix('%') {
        Some(text) => number(text).map(|n| n / 100.0 * whole),
        None => number(text),
    };
    let polar = |chroma: f64, hue: f64| {
        let (sin, cos) = libm::sincos(hue.to_radians());
        (chroma * cos, chroma * sin)
    };
    let linear = match space.as_str() {
        "lab" => lab(of(a, 100.0)?, of(b, 125.0)?, of(c, 125.0)?),
        "lch" => {
            let (x, y) = polar(of(b, 150.0)?.max(0.0), angle(c)?);
            lab(of(a, 100.0)?, x, y)
        }
        "oklab" => oklab(of(a, 1.0)?, of(b, 0.4)?, of(c, 0.4)?),
        "oklch" => {
            let (x, y) = polar(of(b, 0.4)?.max(0.0), angle(c)?);
            oklab(of(a, 1.0)?, x, y)
        }
        "srgb" => [of(a, 1.0)?, of(b, 1.0)?, of(c, 1.0)?].map(decoded),
        "srgb-linear" => [of(a, 1.0)?, of(b, 1.0)?, of(c, 1.0)?],
        "display-p3" => {
            let [r, g, b] = [of(a, 1.0)?, of(b, 1.0)?, of(c, 1.0)?].map(decoded);
            [
                1.224_940_176 * r - 0.224_940_176 * g,
                -0.042_056_955 * r + 1.042_056_955 * g,
                -0.019_637_555 * r - 0.078_636_046 * g + 1.098_273_6 * b,
            ]
        }
        "xyz" | "xyz-d65" => linear_srgb([of(a, 1.0)?, of(b, 1.0)?, of(c, 1.0)?]),
        _ => return None,
    };
    let [r, g, b] = linear.map(|n| (encoded(n.clamp(0.0, 1.0)) * 255.0).round() as u8);
    Some(format!("rgba({r},{g},{b},{})", alpha.clamp(0.0, 1.0)))
}

/// From a channel of sRGB to light.
fn decoded(n: f64) -> f64 {
    let positive = n.abs();
    let light = match positive <= 0.040_45 {
        true => positive / 12.92,
        false => libm::pow((positive + 0.055) / 1.055, 2.4),
    };
    light.copysign(n)
}

fn encoded(n: f64) -> f64 {
    if n <= 0.003_130_8 { n * 12.92 } else { 1.055 * libm::pow(n, 1.0 / 2.4) - 0.055 }
}

/// From CIE XYZ under D65 to linear sRGB.
fn linear_srgb([x, y, z]: [f64; 3]) -> [f64; 3] {
    [
        3.240_969_94 * x - 1.537_383_18 * y - 0.498_610_76 * z,
        -0.969_243_64 * x + 1.875_967_5 * y + 0.041_555_06 * z,
        0.055_630_08 * x - 0.203_976_96 * y + 1.056_971_51 * z,
    ]
}

/// CIE L*a*b* under D50.
fn lab(l: f64, a: f64, b: f64) -> [f64; 3] {
    const KAPPA: f64 = 24_389.0 / 27.0;
    const EPSILON: f64 = 216.0 / 24_389.0;
    let l = l.clamp(0.0, 100.0);
    let y = (l + 16.0) / 116.0;
    let (x, z) = (a / 500.0 + y, y - b / 200.0);
    let back = |n: f64| match n * n * n > EPSILON {
        true => n * n * n,
        false => (116.0 * n - 16.0) / KAPPA,
    };
    let bright = if l > 8.0 { y * y * y } else { l / KAPPA };
    let (x, y, z) = (back(x) * 0.964_295_676, bright, back(z) * 0.825_104_603);
    // To D65, by Bradford.
    linear_srgb([
        0.955_473_42 * x - 0.023_098_45 * y + 0.063_259_24 * z,
        -0.028_369_71 * x + 1.009_995_4 * y + 0.021_041_44 * z,
        0.012_314_01 * x - 0.020_507_65 * y + 1.330_365_93 * z,
    ])
}

/// Ottosson's space.
fn oklab(l: f64, a: f64, b: f64) -> [f64; 3] {
    let light = l.clamp(0.0, 1.0);
    let [l, m, s] = [
        light + 0.396_337_777_4 * a + 0.215_803_757_3 * b,
        light - 0.105_561_345_8 * a - 0.063_854_172_8 * b,
        light - 0.089_484_177_5 * a - 1.291_485_548 * b,
    ]
    .map(|n| n * n * n);
    [
        4.076_741_662_1 * l - 3.307_711_591_3 * m + 0.230_969_929_2 * s,
        -1.268_438_004_6 * l + 2.609_757_401_1 * m - 0.341_319_396_5 * s,
        -0.004_196_086_3 * l - 0.703_418_614_7 * m + 1.707_614_701 * s,
    ]
}

fn number(text: &str) -> Option<f64> {
    if text.eq_ignore_ascii_case("none") {
        return Some(0.0);
    }
    text.parse::<f64>().ok().filter(|n| n.is_finite())
}

fn share(text: &str) -> Option<f64> {
    match text.strip_suffix('%') {
        Some(text) => number(text).map(|n| n / 100.0),
        None => number(text),
    }
}

fn percent(text: &str) -> Option<f64> {
    number(text.strip_suffix('%').unwrap_or(text)).map(|n| (n / 100.0).clamp(0.0, 1.0))
}

fn channel(text: &str) -> Option<f64> {
    match text.strip_suffix('%') {
        Some(text) => number(text).map(|n| n * 255.0 / 100.0),
        None => number(text),
    }
}

/// Degrees.
fn angle(text: &str) -> Option<f64> {
    let units =
        [("deg", 1.0), ("grad", 0.9), ("rad", 180.0 / std::f64::consts::PI), ("turn", 360.0)];
    let found = units.iter().find_map(|(unit, by)| Some(number(text.strip_suffix(unit)?)? * by));
    found.or_else(|| number(text))
}

/// Hue, saturation and lightness as channels of 255.
fn hue(degrees: f64, saturation: f64, lightness: f64) -> [f64; 3] {
    let reach = saturation * lightness.min(1.0 - lightness);
    [0.0, 8.0, 4.0].map(|n| {
        let k = (n + degrees.rem_euclid(360.0) / 30.0) % 12.0;
        (lightness - reach * (k - 3.0).min(9.0 - k).clamp(-1.0, 1.0)) * 255.0
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_forms_are_written_in_the_old_one() {
        let cases = [
            ("currentcolor", Some("currentColor")),
            ("CURRENTCOLOR", Some("currentColor")),
            ("currentColor", None),
            ("rgb(0 128 0 / 50%)", Some("rgba(0,128,0,0.5)")),
            ("rgb(0 128 0)", Some("rgba(0,128,0,1)")),
            ("RGB(0% 50% 100% / .25)", Some("rgba(0,128,255,0.25)")),
            ("rgba(1 2 3 / 2)", Some("rgba(1,2,3,1)")),
            ("rgb(none 10 20)", Some("rgba(0,10,20,1)")),
            ("hsl(120deg 100% 25%)", Some("rgba(0,128,0,1)")),
            ("hsl(0.5turn 100% 50% / 1)", Some("rgba(0,255,255,1)")),
            ("hwb(120 0% 50%)", Some("rgba(0,128,0,1)")),
            ("hwb(0 60% 60%)", Some("rgba(128,128,128,1)")),
            ("lab(100% 0 0)", Some("rgba(255,255,255,1)")),
            ("lab(46.28 -47.57 48.59)", Some("rgba(0,128,0,1)")),
            ("lch(46.28 67.99 134.39 / 50%)", Some("rgba(0,128,0,0.5)")),
            ("oklab(0.51975 -0.1403 0.10768)", Some("rgba(0,128,0,1)")),
            ("oklch(51.975% 0.17686 142.495)", Some("rgba(0,128,0,1)")),
            ("color(srgb 0 0.5 1)", Some("rgba(0,128,255,1)")),
            ("color(display-p3 0 0 0)", Some("rgba(0,0,0,1)")),
            ("color(xyz 0.9505 1 1.089)", Some("rgba(255,255,255,1)")),
            ("color(rec2020 0 0 0)", None),
            ("rgb(1,2,3)", None),
            ("rgb(1 2)", None),
            ("rgb(a b c)", None),
            ("red", None),
            ("url(#a)", None),
        ];
        for (text, expected) in cases {
            assert_eq!(plain_colour(text).as_deref(), expected, "{text}");
        }
    }
}
