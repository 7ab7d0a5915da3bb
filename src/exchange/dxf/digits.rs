//! Numbers as digits. Half of a file is numbers, and nearly all of them are whole numbers of small
//! steps: those are written without the machinery of floating point.

/// The largest number of steps that is written by its digits: a decimal of fifteen figures is
/// the shortest that is read back as the same number.
const MOST: f64 = 1e15;

/// Powers of ten that a floating-point number is exactly.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];

const TWO_TO_65: f64 = 36_893_488_147_419_103_232.0;

const UNITS: [u64; 16] = [
    1,
    10,
    100,
    1_000,
    10_000,
    100_000,
    1_000_000,
    10_000_000,
    100_000_000,
    1_000_000_000,
    10_000_000_000,
    100_000_000_000,
    1_000_000_000_000,
    10_000_000_000_000,
    100_000_000_000_000,
    1_000_000_000_000_000,
];

/// The numbers below a hundred, two figures each.
const PAIRS: &[u8; 200] = b"0001020304050607080910111213141516171819\
2021222324252627282930313233343536373839\
4041424344454647484950515253545556575859\
6061626364656667686970717273747576777879\
8081828384858687888990919293949596979899";

/// The digits of a number, filled from behind.
#[derive(Debug)]
pub(super) struct Digits {
    bytes: [u8; SIZE],
    from: usize,
}

/// A sign, a point, 19 figures, and zeros before them.
const SIZE: usize = 48;

impl Digits {
    fn new() -> Digits {
        Digits { bytes: [0; SIZE], from: SIZE }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.get(self.from..).unwrap_or_default()
    }

    pub(super) fn text(&self) -> &str {
        // Digits, a point and a sign are text.
        std::str::from_utf8(self.bytes()).unwrap_or_default()
    }

    fn put(&mut self, byte: u8) {
        self.from = self.from.saturating_sub(1);
        if let Some(place) = self.bytes.get_mut(self.from) {
            *place = byte;
        }
    }

    /// The last two figures of `n`.
    fn pair(&mut self, n: u64) {
        self.from = self.from.saturating_sub(2);
        let at = 2 * (n % 100) as usize;
        if let (Some(place), Some(pair)) =
            (self.bytes.get_mut(self.from..self.from + 2), PAIRS.get(at..at + 2))
        {
            place.copy_from_slice(pair);
        }
    }

    /// The last `count` figures of `n`; what is left of it.
    fn figures(&mut self, mut n: u64, count: usize) -> u64 {
        for _ in 0..count / 2 {
            self.pair(n);
            n /= 100;
        }
        if count % 2 == 1 {
            self.put(b'0' + (n % 10) as u8);
            n /= 10;
        }
        n
    }

    fn whole_part(&mut self, mut n: u64) {
        while n >= 100 {
            self.pair(n);
            n /= 100;
        }
        if n >= 10 {
            self.pair(n);
        } else {
            self.put(b'0' + n as u8);
        }
    }
}

/// A whole number.
pub(super) fn whole(n: i64) -> Digits {
    let mut digits = Digits::new();
    digits.whole_part(n.unsigned_abs());
    if n < 0 {
        digits.put(b'-');
    }
    digits
}

/// A number in base 16, in capitals.
pub(super) fn hexadecimal(mut n: u32) -> Digits {
    let mut digits = Digits::new();
    loop {
        let digit = (n & 15) as u8;
        digits.put(if digit < 10 { b'0' + digit } else { b'A' + digit - 10 });
        n >>= 4;
        if n == 0 {
            break;
        }
    }
    digits
}

/// `n` rounded to `decimals` (22 at most), without zeros behind; a point stands only where there is
/// something behind it, or where `has_point`. `None` where that is no number of fifteen figures.
pub(super) fn rounded(n: f64, decimals: usize, has_point: bool) -> Option<Digits> {
    let steps = n * POWERS.get(decimals)?;
    if steps.is_nan() || steps.abs() >= MOST {
        return None;
    }
    // The nearest whole number, halves away from zero.
    let mut whole = steps as i64;
    let rest = steps - whole as f64;
    if rest >= 0.5 {
        whole += 1;
    } else if rest <= -0.5 {
        whole -= 1;
    }
    let mut left = whole.unsigned_abs();
    let mut behind = decimals;
    if let Some(unit) = UNITS.get(decimals)
        && left.is_multiple_of(*unit)
    {
        (left, behind) = (left / unit, 0);
    }
    while behind > 3 && left.is_multiple_of(1_000) {
        (left, behind) = (left / 1_000, behind - 3);
    }
    while behind > 0 && left.is_multiple_of(10) {
        (left, behind) = (left / 10, behind - 1);
    }
    let mut digits = Digits::new();
    if behind > 0 {
        left = digits.figures(left, behind);
        digits.put(b'.');
    } else if has_point {
        digits.put(b'0');
        digits.put(b'.');
    }
    digits.whole_part(left);
    // Zero has no sign.
    if whole < 0 {
        digits.put(b'-');
    }
    Some(digits)
}

/// Reads the number that `text` begins with: a sign, nineteen digits at most, and a point. Its length
/// in bytes beside it. `None` for all others, which the standard library reads.
pub(super) fn read(text: &[u8]) -> Option<(f64, usize)> {
    let (sign, digits) = match text {
        [b'-', rest @ ..] => (-1.0, rest),
        [b'+', rest @ ..] => (1.0, rest),
        _ => (1.0, text),
    };
    let (mut figures, mut read, mut point) = (0_u64, 0_usize, None);
    for byte in digits {
        match byte {
            b'0'..=b'9' => figures = figures.wrapping_mul(10).wrapping_add(u64::from(byte - b'0')),
            b'.' if point.is_none() => point = Some(read),
            b'e' | b'E' => return None,
            _ => break,
        }
        read += 1;
    }
    let (count, decimals) = match point {
        Some(point) => (read - 1, read - 1 - point),
        None => (read, 0),
    };
    // Nineteen figures do not run over.
    if count == 0 || count > 19 {
        return None;
    }
    let size = if decimals == 0 {
        figures as f64
    } else if figures <= 1 << 53 {
        // Both are numbers exactly: their quotient is rounded once.
        figures as f64 / POWERS.get(decimals)?
    } else {
        // 54 bits of the quotient at least, and whether there is more behind them: rounded once.
        let unit = 10_u128.pow(u32::try_from(decimals).ok()?);
        let scaled = u128::from(figures) << 64;
        let more = u128::from(!scaled.is_multiple_of(unit));
        (scaled / unit * 2 + more) as f64 / TWO_TO_65
    };
    let long = text.len() - digits.len() + read;
    Some((sign * size, long))
}

/// How many decimals twelve figures of a number have; `None` beyond what [`rounded`] takes.
pub(super) fn decimals_of_twelve(n: f64) -> Option<usize> {
    let size = n.abs();
    if size >= 1.0 {
        let whole = POWERS.iter().take(13).position(|power| size < *power)?;
        return 12_usize.checked_sub(whole);
    }
    // `size` times ten to the first of these is one or more.
    let zeros = POWERS.iter().take(12).skip(1).position(|power| size * power >= 1.0)?;
    Some(12 + zeros)
}

#[cfg(test)]
mod tests {
    use svgx_base::random::{SplitMix64, unit};

    use super::*;

    #[test]
    fn rounded_numbers_are_the_shortest_that_are_read_back_alike() {
        let mut random = SplitMix64::new(7);
        for round in 0..200_000_u32 {
            let size = POWERS[round as usize % 6];
            let n = (unit(random.next_u64()) - 0.5) * size;
            for decimals in [0, 3, 6, 9] {
                let per_unit = POWERS[decimals];
                let expected = ((n * per_unit).round() / per_unit + 0.0).to_string();
                let digits = rounded(n, decimals, false).expect("few figures");
                assert_eq!(digits.text(), expected, "{n} {decimals}");
            }
        }
        for (n, shown) in [(0.0, "0"), (-0.0, "0"), (-1e-9, "0"), (0.5, "1"), (-2.5, "-3")] {
            assert_eq!(rounded(n, 0, false).map(|d| d.text().to_owned()).as_deref(), Some(shown));
        }
        assert!(rounded(1e15, 0, false).is_none() && rounded(f64::NAN, 3, false).is_none());
        assert!(rounded(f64::INFINITY, 3, false).is_none() && rounded(1.0, 23, false).is_none());
        assert_eq!(
            rounded(1e-20, 22, false).expect("few figures").text(),
            "0.00000000000000000001"
        );
    }

    #[test]
    fn numbers_are_read_as_the_standard_library_reads_them() {
        for text in [
            "0",
            "-0",
            "+5",
            "12.5",
            "-.5",
            "5.",
            "000123.4500",
            "9007199254740992",
            "9007199254740993",
            "9007199254740995",
            "9999999999999999999",
            "0.9007199254740993",
            "1.152921504606846977",
            "39432.123456789012",
            "1000000000000000.25",
        ] {
            let (n, long) = read(text.as_bytes()).expect(text);
            assert_eq!(n.to_bits(), text.parse::<f64>().expect(text).to_bits(), "{text}");
            assert_eq!(long, text.len());
        }
        let mut random = SplitMix64::new(9);
        for round in 0..100_000_usize {
            let text = (unit(random.next_u64()) * POWERS[round % 12]).to_string();
            if let Some((n, long)) = read(text.as_bytes()) {
                assert_eq!((n, long), (text.parse().expect("a number"), text.len()));
            }
        }
        for (text, long) in [("1 2", 1), ("1-2", 1), ("1.5.5", 3), ("7mm", 1)] {
            assert_eq!(read(text.as_bytes()).map(|(_, long)| long), Some(long), "{text}");
        }
        for text in ["", "-", ".", "1e5", "x", "12345678901234567890"] {
            assert_eq!(read(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn a_point_is_written_where_it_is_wanted() {
        for (n, shown) in [(3.0, "3.0"), (-0.25, "-0.25"), (0.0, "0.0"), (100.0, "100.0")] {
            assert_eq!(rounded(n, 6, true).expect("few figures").text(), shown);
        }
    }

    #[test]
    fn twelve_figures_are_counted_from_the_first() {
        for (n, decimals) in [
            (1.0, Some(11)),
            (9.99, Some(11)),
            (10.0, Some(10)),
            (123_456.0, Some(6)),
            (9.9e11, Some(0)),
            (1e12, None),
            (0.5, Some(12)),
            (0.012, Some(13)),
            (0.0, None),
            (f64::NAN, None),
        ] {
            assert_eq!(decimals_of_twelve(n), decimals, "{n}");
        }
    }

    #[test]
    fn whole_numbers_are_what_formats_make_of_them() {
        for n in [0, 1, -1, 10, 255, i64::MAX, i64::MIN] {
            assert_eq!(whole(n).text(), n.to_string());
        }
        for n in [0, 9, 10, 255, 0xFFFF_FFFF] {
            assert_eq!(hexadecimal(n).text(), format!("{n:X}"));
        }
    }
}
