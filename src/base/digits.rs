//! Numbers as text, for what is written at every request: `fmt` takes several
//! times as long.

/// Writes `bytes` as hexadecimal digits.
pub fn hexadecimal<const N: usize>(bytes: [u8; N], line: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut digits = [[0; 2]; N];
    for (pair, byte) in digits.iter_mut().zip(bytes) {
        *pair = [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]];
    }
    line.push_str(std::str::from_utf8(digits.as_flattened()).unwrap_or_default());
}

/// Writes `n`, with zeros in front up to `width` digits.
pub fn decimal(mut n: u64, width: usize, line: &mut String) {
    let mut digits = [b'0'; 20];
    let mut first = digits.len();
    while n > 0 && first > 0 {
        first -= 1;
        digits[first] = b'0' + (n % 10) as u8;
        n /= 10;
    }
    let first = first.min(digits.len() - width.clamp(1, digits.len()));
    line.push_str(std::str::from_utf8(&digits[first..]).unwrap_or_default());
}

/// A number as a person reads it: six digits that count, whole numbers up to 1e15 exactly.
pub fn figure(n: f64) -> String {
    let size = n.abs();
    if n == n.trunc() && size < 1e15 || !n.is_finite() {
        return format!("{n}");
    }
    if !(1e-4..1e15).contains(&size) {
        let text = format!("{n:.5e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        return format!("{}e{exponent}", digits.trim_end_matches('0').trim_end_matches('.'));
    }
    let mut places = 6;
    let mut above = 1.0;
    while above <= size && places > 0 {
        above *= 10.0;
        places -= 1;
    }
    let text = format!("{n:.places$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_the_digits_that_count() {
        for (number, text) in [
            (0.0, "0"),
            (-1.0, "-1"),
            (0.1 + 0.2, "0.3"),
            (441.299_999_999_95, "441.3"),
            (1234.5678, "1234.57"),
            (0.000_123_456_78, "0.000123"),
            (1_234_567.0, "1234567"),
            (1_234_567.891, "1234568"),
            (1e300, "1e300"),
            (-1.25e-7, "-1.25e-7"),
            (1.844_674_407_370_955_2e19, "1.84467e19"),
            (f64::INFINITY, "inf"),
        ] {
            assert_eq!(figure(number), text);
        }
    }

    #[test]
    fn digits_are_those_that_fmt_writes() {
        for n in [0, 7, 10, 1_000_042, u64::MAX] {
            let mut text = String::new();
            decimal(n, 1, &mut text);
            text.push(' ');
            decimal(n, 6, &mut text);
            text.push(' ');
            hexadecimal(n.to_be_bytes(), &mut text);
            assert_eq!(text, format!("{n} {n:06} {n:016x}"));
        }
    }
}
