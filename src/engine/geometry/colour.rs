//! Colours as CSS Color 4 writes them, in the older form that every reader knows.

/// `currentColor` in its usual letters, and `rgb()`, `hsl()` and `hwb()` with spaces and a
/// slash as `rgba()` with commas; `None` for what needs no change or is no such colour.
pub(crate) fn plain_colour(value: &str) -> Option<String> {
    let text = value.trim();
    if text.eq_ignore_ascii_case("currentcolor") {
        return (text != "currentColor").then(|| "currentColor".to_owned());
    }
    let (name, inside) = text.split_once('(')?;
    let inside = inside.strip_suffix(')')?;
    let name = name.to_ascii_lowercase();
    let old = inside.contains(',');
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
