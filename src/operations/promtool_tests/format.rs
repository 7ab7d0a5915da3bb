//! Prometheus' template functions, for the values tests must expect.

/// Replaces `{{ $value | f }}` in `text`.
pub(super) fn expand(text: &str, value: f64) -> String {
    text.replace("{{ $value | humanizeDuration }}", &duration(value))
        .replace("{{ $value | humanizePercentage }}", &format!("{}%", general(value * 100.0)))
        .replace("{{ $value | humanize }}", &humanize(value))
}

/// `%.4g` of C: four significant digits, no trailing zeros, an exponent where it is shorter.
fn general(v: f64) -> String {
    if v == 0.0 || !v.is_finite() {
        return format!("{v}");
    }
    let scientific = format!("{v:.3e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..4).contains(&exponent) {
        let digits = usize::try_from(3 - exponent).unwrap_or(0);
        trim(&format!("{v:.digits$}"))
    } else {
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{}e{sign}{:02}", trim(mantissa), exponent.abs())
    }
}

fn trim(text: &str) -> String {
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text.to_owned()
    }
}

fn duration(v: f64) -> String {
    if v == 0.0 {
        return "0s".to_owned();
    }
    if v.abs() >= 1.0 {
        // Budgets are below a minute; longer ones would need minutes and hours here.
        return format!("{}s", general(v));
    }
    scaled(v, &["m", "u", "n"], 1_000.0) + "s"
}

fn humanize(v: f64) -> String {
    if v == 0.0 || !v.is_finite() {
        general(v)
    } else if v.abs() >= 1.0 {
        let (mut v, mut prefix) = (v, "");
        for p in ["k", "M", "G", "T"] {
            if v.abs() < 1_000.0 {
                break;
            }
            (v, prefix) = (v / 1_000.0, p);
        }
        general(v) + prefix
    } else {
        scaled(v, &["m", "u", "n"], 1_000.0)
    }
}

fn scaled(v: f64, prefixes: &[&str], by: f64) -> String {
    let (mut v, mut prefix) = (v, "");
    for p in prefixes {
        if v.abs() >= 1.0 {
            break;
        }
        (v, prefix) = (v * by, p);
    }
    general(v) + prefix
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_look_as_in_prometheus() {
        for (text, value, expected) in [
            ("{{ $value | humanizeDuration }}", 0.024_45, "24.45ms"),
            ("{{ $value | humanizeDuration }}", 1.5, "1.5s"),
            ("{{ $value | humanizePercentage }}", 0.3, "30%"),
            ("{{ $value | humanizePercentage }}", 0.000_012, "0.0012%"),
            ("{{ $value | humanize }}", 900e6, "900M"),
            ("{{ $value | humanize }}", 0.85, "850m"),
            ("{{ $value | humanize }}", 0.0, "0"),
        ] {
            assert_eq!(expand(text, value), expected);
        }
    }
}
