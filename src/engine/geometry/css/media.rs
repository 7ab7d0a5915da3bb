//! Media queries, judged as a screen of the drawing's own size.

use kurbo::Size;

use crate::geometry::{Length, pixels};

/// Whether a list of media queries holds on a screen of `size` CSS pixels.
/// What is not known does not hold.
pub(crate) fn holds(text: &str, size: Size) -> bool {
    text.trim().is_empty() || super::split_outside(text, ',').any(|query| one(query, size))
}

fn one(query: &str, size: Size) -> bool {
    let query = query.trim().to_ascii_lowercase();
    let (negated, rest) = match query.strip_prefix("not ") {
        Some(rest) => (true, rest),
        None => (false, query.strip_prefix("only ").unwrap_or(&query)),
    };
    // `or` stands between features only, and never beside `and`.
    let parts = words(rest);
    if parts.is_empty() {
        return false;
    }
    let mut known = parts.iter().step_by(2).map(|part| condition(part, size));
    let joints: Vec<_> = parts.iter().skip(1).step_by(2).map(String::as_str).collect();
    let result = if parts.len().is_multiple_of(2) {
        None
    } else if joints.iter().all(|j| *j == "and") {
        known.try_fold(true, |all, one| Some(all && one?))
    } else if joints.iter().all(|j| *j == "or") {
        known.try_fold(false, |all, one| Some(all || one?))
    } else {
        None
    };
    result.is_some_and(|holds| holds != negated)
}

/// Words and parenthesised parts.
fn words(text: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let (mut depth, mut open) = (0_usize, false);
    for c in text.chars() {
        if c.is_ascii_whitespace() && depth == 0 {
            open = false;
            continue;
        }
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if !open {
            out.push(String::new());
            open = true;
        }
        if let Some(last) = out.last_mut() {
            last.push(c);
        }
        if c == ')' && depth == 0 {
            open = false;
        }
    }
    out
}

/// A media type or one feature; `None` where it is unknown.
fn condition(text: &str, size: Size) -> Option<bool> {
    match text {
        "all" | "screen" => return Some(true),
        _ => {}
    }
    let Some(inside) = text.strip_prefix('(').and_then(|t| t.strip_suffix(')')) else {
        // Print, speech and the old types are no screens.
        return Some(false);
    };
    let length = |text: &str| pixels(Length::parse(text.trim()).ok()?);
    let side = |name: &str| match name.trim() {
        "width" => Some(size.width),
        "height" => Some(size.height),
        _ => None,
    };
    if let Some((name, value)) = inside.split_once(':') {
        let (name, value) = (name.trim(), value.trim());
        if let Some(own) = name.strip_prefix("min-").and_then(side) {
            return Some(own >= length(value)?);
        }
        if let Some(own) = name.strip_prefix("max-").and_then(side) {
            return Some(own <= length(value)?);
        }
        if let Some(own) = side(name) {
            return Some(own == length(value)?);
        }
        return match name {
            "orientation" => Some((value == "portrait") == (size.height >= size.width)),
            "prefers-color-scheme" => Some(value == "light"),
            "prefers-reduced-motion" | "prefers-contrast" => Some(value == "no-preference"),
            _ => None,
        };
    }
    for (sign, test) in
        [(">=", f64::ge as fn(&f64, &f64) -> bool), ("<=", f64::le), (">", f64::gt), ("<", f64::lt)]
    {
        if let Some((left, right)) = inside.split_once(sign) {
            return match (side(left), side(right)) {
                (Some(own), _) => Some(test(&own, &length(right)?)),
                (_, Some(own)) => Some(test(&length(left)?, &own)),
                _ => None,
            };
        }
    }
    match inside.trim() {
        "width" | "height" | "color" => Some(true),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_judged_as_a_screen_of_the_drawings_size() {
        let cases = [
            ("", true),
            ("all", true),
            ("screen", true),
            ("Screen", true),
            ("only screen", true),
            ("print", false),
            ("not print", true),
            ("not screen", false),
            ("print, screen", true),
            ("speech", false),
            ("(min-width: 400px)", true),
            ("(min-width:401px)", false),
            ("(max-width: 400px)", true),
            ("screen and (max-width: 399px)", false),
            ("screen and (min-width: 100px) and (max-width: 500px)", true),
            ("print and (min-width: 100px)", false),
            ("(min-height: 201px) or (min-width: 1px)", true),
            ("(width >= 400px)", true),
            ("(width < 400px)", false),
            ("(399px < width)", true),
            ("(orientation: landscape)", true),
            ("(orientation: portrait)", false),
            ("(prefers-color-scheme: dark)", false),
            ("(min-resolution: 3dppx)", false),
            ("screen and", false),
            ("not (min-width: 500px)", true),
        ];
        for (text, expected) in cases {
            assert_eq!(holds(text, Size::new(400.0, 200.0)), expected, "{text}");
        }
    }
}
