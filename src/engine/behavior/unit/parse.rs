//! Text to units: `kW`, `lm/W`, `W/(m^2*K)`, `m²`.

use std::str::FromStr;

use super::table::{PREFIXES, TABLE};
use super::{Dimension, Unit};

/// Longest unit that is read, in bytes.
const LONGEST: usize = 64;
/// Deepest nesting of parentheses in a unit.
const DEEPEST: usize = 8;

/// Prefixes as words.
const WORDS: [(&str, &str); 7] = [
    ("kilo", "k"),
    ("mega", "M"),
    ("giga", "G"),
    ("milli", "m"),
    ("micro", "u"),
    ("nano", "n"),
    ("centi", "c"),
];

/// Why a text is no unit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseUnitError {
    /// A name that is not in the table; `near` are names that look like it.
    #[error("unknown unit {name:?}")]
    Unknown {
        /// What was written.
        name: String,
        /// Names of the table that look like it, best first.
        near: Vec<String>,
    },
    /// Not built as a product of powers.
    #[error("{text:?} is not a unit: {reason}")]
    Malformed {
        /// What was written, shortened.
        text: String,
        /// What is wrong with it.
        reason: &'static str,
    },
}

impl ParseUnitError {
    /// Advice, where there is any.
    pub fn help(&self) -> Option<String> {
        match self {
            ParseUnitError::Unknown { near, .. } if !near.is_empty() => {
                Some(format!("did you mean {}?", near.join(" or ")))
            }
            _ => None,
        }
    }
}

impl FromStr for Unit {
    type Err = ParseUnitError;

    fn from_str(text: &str) -> Result<Unit, ParseUnitError> {
        let text = text.trim();
        let malformed =
            |reason| ParseUnitError::Malformed { text: text.chars().take(32).collect(), reason };
        if text.len() > LONGEST {
            return Err(malformed("longer than 64 bytes"));
        }
        if text.is_empty() || text == "1" {
            return Ok(Unit::ONE);
        }
        if let Some(unit) = lookup(text) {
            return Ok(unit);
        }
        let overflow = || malformed("exponent out of range");
        let mut unit = Unit::ONE;
        // The sign of each open parenthesis: 1 above the fraction bar, -1 below.
        let mut signs = [1_i8; DEEPEST + 1];
        let mut depth = 0;
        let mut sign = 1_i8;
        let mut expect_factor = true;
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            let step = c.len_utf8();
            match c {
                ' ' if expect_factor => rest = &rest[step..],
                ' ' => {
                    rest = rest.trim_start();
                    if !rest.starts_with(['*', '/', ')', '·', '⋅', '×']) {
                        (expect_factor, sign) = (true, 1);
                    }
                }
                '*' | '·' | '⋅' | '×' | '/' if !expect_factor => {
                    sign = if c == '/' { -1 } else { 1 };
                    expect_factor = true;
                    rest = &rest[step..];
                }
                '(' if expect_factor => {
                    if depth == DEEPEST {
                        return Err(malformed("nested too deep"));
                    }
                    depth += 1;
                    signs[depth] = signs[depth - 1] * sign;
                    sign = 1;
                    rest = &rest[step..];
                }
                ')' if !expect_factor && depth > 0 => {
                    depth -= 1;
                    rest = &rest[step..];
                }
                '1' if expect_factor => {
                    expect_factor = false;
                    rest = &rest[step..];
                }
                _ if expect_factor => {
                    let end = rest.find(|c: char| !is_symbol(c)).unwrap_or(rest.len());
                    let (name, after) = rest.split_at(end);
                    if name.is_empty() {
                        return Err(malformed("a unit's name was expected"));
                    }
                    let (exponent, after) = exponent(after).ok_or_else(overflow)?;
                    let factor = lookup(name).ok_or_else(|| ParseUnitError::Unknown {
                        name: name.to_owned(),
                        near: suggest(name),
                    })?;
                    // `m2` is how people write areas; `V2` is more likely a name.
                    let tail = &rest[end..rest.len() - after.len()];
                    let bare = tail.starts_with(|c: char| c.is_ascii_digit());
                    if bare && !takes_bare_exponent(&factor, name) {
                        return Err(ParseUnitError::Unknown {
                            name: format!("{name}{tail}"),
                            near: vec![factor.to_string(), format!("{factor}^{tail}")],
                        });
                    }
                    let power = exponent
                        .checked_mul(sign)
                        .and_then(|p| p.checked_mul(signs[depth]))
                        .ok_or_else(overflow)?;
                    unit = unit.times(&factor, power).ok_or_else(overflow)?;
                    expect_factor = false;
                    rest = after;
                }
                _ => return Err(malformed("an operator was expected")),
            }
        }
        if expect_factor || depth > 0 {
            return Err(malformed("it ends too early"));
        }
        Ok(unit)
    }
}

fn is_symbol(c: char) -> bool {
    (c.is_alphabetic() && !"²³".contains(c)) || matches!(c, '%' | '°' | 'µ' | '_')
}

/// An exponent at the start of `text`, 1 if there is none.
fn exponent(text: &str) -> Option<(i8, &str)> {
    for (mark, value) in [("²", 2), ("³", 3), ("⁻¹", -1), ("⁻²", -2)] {
        if let Some(rest) = text.strip_prefix(mark) {
            return Some((value, rest));
        }
    }
    let (body, marked) = match text.strip_prefix('^').or_else(|| text.strip_prefix("**")) {
        Some(body) => (body, true),
        None => (text, false),
    };
    let signed = usize::from(marked && body.starts_with(['-', '+']));
    let digits = body[signed..].bytes().take_while(u8::is_ascii_digit).count();
    if digits == 0 {
        return if marked { None } else { Some((1, text)) };
    }
    let (number, rest) = body.split_at(signed + digits);
    Some((number.parse().ok()?, rest))
}

/// Whether an exponent may follow without a mark, as in `m2` and `m/s2`.
fn takes_bare_exponent(unit: &Unit, name: &str) -> bool {
    let kind = unit.dimension();
    (kind == Dimension::LENGTH || kind == Dimension::TIME) && unit.to_string() == name
}

fn lookup(name: &str) -> Option<Unit> {
    let exact = |name: &str, prefixed: bool| {
        TABLE.iter().position(|e| {
            (e.prefixes || !prefixed) && (e.symbol == name || (e.aliases.contains(&name)))
        })
    };
    if let Some(at) = exact(name, false) {
        return Some(match TABLE[at].symbol {
            "m^2" => Unit::named("m").power(2)?,
            "m^3" => Unit::named("m").power(3)?,
            _ => Unit::of(at, 0),
        });
    }
    let prefixed = PREFIXES.iter().enumerate().skip(1).find_map(|(p, prefix)| {
        let base = name.strip_prefix(prefix.symbol)?;
        exact(base, true).map(|at| Unit::of(at, p))
    });
    // Words take prefixes that are words: `kilowatts`.
    prefixed.or_else(|| {
        WORDS.iter().find_map(|(word, symbol)| {
            let base = name.strip_prefix(word)?;
            let at = TABLE.iter().position(|e| e.prefixes && e.aliases.contains(&base))?;
            let prefix = PREFIXES.iter().position(|p| p.symbol == *symbol)?;
            Some(Unit::of(at, prefix))
        })
    })
}

/// A number with the unit written against it, such as `3000mm`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Literal<'t> {
    /// The number.
    pub number: f64,
    /// What stands after it, empty if nothing does.
    pub unit: &'t str,
}

/// Splits `3000mm`, `-2.5e3 kW`, `45` into number and unit text. `None` when it
/// does not start with a finite number.
pub fn quantity(text: &str) -> Option<Literal<'_>> {
    let text = text.trim();
    let end = number_end(text);
    let number = text.get(..end)?.parse().ok().filter(|n: &f64| n.is_finite())?;
    Some(Literal { number, unit: text.get(end..)?.trim() })
}

/// How many bytes of `text` are a decimal number with optional sign and exponent.
pub(crate) fn number_end(text: &str) -> usize {
    let b = text.as_bytes();
    let digits = |from: usize| b[from..].iter().take_while(|c| c.is_ascii_digit()).count();
    let mut at = usize::from(matches!(b.first(), Some(b'+' | b'-')));
    let whole = digits(at);
    at += whole;
    let mut fraction = 0;
    if b.get(at) == Some(&b'.') {
        fraction = digits(at + 1);
        if whole + fraction > 0 {
            at += 1 + fraction;
        }
    }
    if whole + fraction == 0 {
        return 0;
    }
    if matches!(b.get(at), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(b.get(at + 1), Some(b'+' | b'-')));
        let exponent = b.get(at + 1 + sign..).map_or(0, |_| digits(at + 1 + sign));
        if exponent > 0 {
            at += 1 + sign + exponent;
        }
    }
    at
}

/// Names of the table within two edits of `name`, best first, three at most.
pub fn suggest(name: &str) -> Vec<String> {
    if name.len() > 16 {
        return Vec::new();
    }
    let reach = if name.chars().count() <= 2 { 1 } else { 2 };
    let mut near: Vec<(usize, String)> = Vec::new();
    for e in TABLE {
        let prefixes = if e.prefixes { PREFIXES } else { &PREFIXES[..1] };
        for prefix in prefixes {
            for spelling in std::iter::once(&e.symbol).chain(e.aliases) {
                let distance = edits(name, &format!("{}{spelling}", prefix.symbol));
                // A prefixed unit only differs by case, or half the table would be near.
                if distance <= reach && (prefix.symbol.is_empty() || distance <= 1) {
                    near.push((distance, format!("{}{}", prefix.symbol, e.symbol)));
                }
            }
        }
    }
    near.sort_by_key(|(distance, symbol)| (*distance, !symbol.eq_ignore_ascii_case(name)));
    // `W/mK` is meant as `W/(m*K)`, `kNcm` as `kN*cm`.
    let product = ["mm", "cm", "m", "K"].iter().find_map(|last| {
        let first = name.strip_suffix(last).filter(|first| !first.is_empty())?;
        lookup(first).map(|_| format!("{first}*{last}"))
    });
    let mut names: Vec<String> = product.into_iter().collect();
    for (_, symbol) in near {
        if !names.contains(&symbol) && names.len() < 3 {
            names.push(symbol);
        }
    }
    names
}

/// Edits between two short words, upper and lower case counted as equal plus one.
pub(crate) fn edits(a: &str, b: &str) -> usize {
    if a.eq_ignore_ascii_case(b) {
        return usize::from(a != b);
    }
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut corner = i;
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let substitute = corner + usize::from(ca != *cb);
            corner = row[j + 1];
            row[j + 1] = substitute.min(row[j] + 1).min(corner + 1);
        }
    }
    row[b.len()]
}
