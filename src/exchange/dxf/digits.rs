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

/// The digits of a number, filled from behind: a line that ends.
#[derive(Debug)]
pub(super) struct Digits {
    bytes: [u8; SIZE],
    from: usize,
}

/// Where the line ends. Before it: a code, a sign, a point, 20 figures, or zeros before them; behind
/// it there is room to copy more than there is.
const END: usize = 32;
const SIZE: usize = 64;
/// Bytes that are copied together, rather than as many as there are.
const MANY: usize = 32;

impl Digits {
    fn new() -> Digits {
        let mut bytes = [0; SIZE];
        bytes[END] = b'\n';
        Digits { bytes, from: END }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.get(self.from..END).unwrap_or_default()
    }

    pub(super) fn text(&self) -> &str {
        // Digits, a point and a sign are text.
        std::str::from_utf8(self.bytes()).unwrap_or_default()
    }

    /// Puts the digits and the end of the line behind `out`.
    pub(super) fn line(&self, out: &mut Vec<u8>) {
        let long = END + 1 - self.from.min(END);
        match self.bytes.get(self.from..).and_then(<[u8]>::first_chunk::<MANY>) {
            // Copying a few bytes takes longer than copying many whose number is known.
            Some(many) if long <= MANY => {
                out.extend_from_slice(many);
                out.truncate(out.len() + long - MANY);
            }
            _ => {
                out.extend_from_slice(self.bytes());
                out.push(b'\n');
            }
        }
    }

    /// Puts a byte before the others.
    #[inline]
    pub(super) fn put(&mut self, byte: u8) {
        self.from = self.from.wrapping_sub(1) % SIZE;
        self.bytes[self.from] = byte;
    }

    /// Puts four bytes before the others.
    #[inline]
    pub(super) fn put_four(&mut self, bytes: [u8; 4]) {
        bytes.into_iter().rev().for_each(|byte| self.put(byte));
    }

    /// The last two figures of `n`.
    #[inline]
    fn pair(&mut self, n: u64) {
        let at = 2 * (n % 100) as usize;
        self.put(PAIRS[at + 1]);
        self.put(PAIRS[at]);
    }

    /// The last `count` figures of `n`.
    #[inline]
    fn figures(&mut self, mut n: u64, mut count: usize) {
        while count >= 2 {
            self.pair(n);
            n /= 100;
            count -= 2;
        }
        if count == 1 {
            self.put(b'0' + (n % 10) as u8);
        }
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

/// Hands the digits of a whole number to `then`. Nothing is moved: numbers are half of a file.
pub(super) fn whole<T>(n: i64, then: impl FnOnce(&mut Digits) -> T) -> T {
    let mut digits = Digits::new();
    digits.whole_part(n.unsigned_abs());
    if n < 0 {
        digits.put(b'-');
    }
    then(&mut digits)
}

/// As [`whole`], in base 16 with capitals.
pub(super) fn hexadecimal<T>(mut n: u32, then: impl FnOnce(&mut Digits) -> T) -> T {
    let mut digits = Digits::new();
    loop {
        let digit = (n & 15) as u8;
        digits.put(if digit < 10 { b'0' + digit } else { b'A' + digit - 10 });
        n >>= 4;
        if n == 0 {
            break;
        }
    }
    then(&mut digits)
}

/// Hands `n` to `then`, rounded to `decimals` (22 at most), without zeros behind; a point stands only
/// where there is something behind it, or where `has_point`. `None` where that is no number of
/// fifteen figures.
pub(super) fn rounded<T>(
    n: f64,
    decimals: usize,
    has_point: bool,
    then: impl FnOnce(&mut Digits) -> T,
) -> Option<T> {
    let mut digits = Digits::new();
    digits.round(n, decimals, has_point)?;
    Some(then(&mut digits))
}

impl Digits {
    #[inline]
    fn round(&mut self, n: f64, decimals: usize, has_point: bool) -> Option<()> {
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
        let size = whole.unsigned_abs();
        // Division by what is known beforehand is not division.
        let (left, mut rest) = match decimals {
            6 => (size / 1_000_000, size % 1_000_000),
            7 => (size / 10_000_000, size % 10_000_000),
            9 => (size / 1_000_000_000, size % 1_000_000_000),
            _ => match UNITS.get(decimals) {
                Some(unit) => (size / unit, size % unit),
                None => (0, size),
            },
        };
        if rest > 0 {
            let mut behind = decimals;
            while behind > 3 && rest.is_multiple_of(1_000) {
                (rest, behind) = (rest / 1_000, behind - 3);
            }
            while rest.is_multiple_of(10) {
                (rest, behind) = (rest / 10, behind - 1);
            }
            self.figures(rest, behind);
            self.put(b'.');
        } else if has_point {
            self.put(b'0');
            self.put(b'.');
        }
        self.whole_part(left);
        // Zero has no sign.
        if whole < 0 {
            self.put(b'-');
        }
        Some(())
    }
}

/// Reads the number that `text` begins with: a sign, nineteen digits at most, and a point. Its length
/// in bytes beside it. `None` for all others, which the standard library reads.
pub(super) fn read(text: &[u8]) -> Option<(f64, usize)> {
    let (sign, mut at) = match text.first()? {
        b'-' => (-1.0, 1),
        b'+' => (1.0, 1),
        _ => (1.0, 0),
    };
    let mut figures = 0_u64;
    let mut count = run(text, &mut at, &mut figures);
    let mut decimals = 0;
    if text.get(at) == Some(&b'.') {
        at += 1;
        decimals = run(text, &mut at, &mut figures);
        count += decimals;
    }
    if matches!(text.get(at), Some(b'e' | b'E')) {
        return None;
    }
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
    Some((sign * size, at))
}

/// Reads digits from `at` on behind `figures`, which run over beyond nineteen; how many there are.
fn run(text: &[u8], at: &mut usize, figures: &mut u64) -> usize {
    let from = *at;
    loop {
        let rest = text.get(*at..).unwrap_or_default();
        let eight = match rest.first_chunk::<8>() {
            Some(eight) => u64::from_le_bytes(*eight),
            // The last eight bytes, without those before.
            None => match text.last_chunk::<8>() {
                Some(last) if !rest.is_empty() => {
                    u64::from_le_bytes(*last) >> (8 * (8 - rest.len()))
                }
                _ => break,
            },
        };
        let (value, count) = leading(eight);
        let unit = UNITS.get(count).copied().unwrap_or(1);
        *figures = figures.wrapping_mul(unit).wrapping_add(value);
        *at += count;
        if count < 8 {
            return *at - from;
        }
    }
    while let Some(digit) = text.get(*at).map(|b| b.wrapping_sub(b'0')).filter(|d| *d < 10) {
        *figures = figures.wrapping_mul(10).wrapping_add(u64::from(digit));
        *at += 1;
    }
    *at - from
}

/// The digits that eight bytes begin with, the first one lowest: their value and how many there are.
/// Pairs, fours and all eight are put together at once.
fn leading(eight: u64) -> (u64, usize) {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let digits = eight ^ (ONES * u64::from(b'0'));
    // What is more than nine has its highest bit set by adding what lacks; it may carry only into
    // those behind.
    let others = (digits.wrapping_add(ONES * 0x76) | digits) & (ONES << 7);
    let count = (others.trailing_zeros() / 8) as usize;
    if count == 0 {
        return (0, 0);
    }
    let digits = digits << (64 - 8 * count);
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8) & 0x00FF_00FF_00FF_00FF;
    let fours = pairs.wrapping_mul(100).wrapping_add(pairs >> 16) & 0x0000_FFFF_0000_FFFF;
    let all = fours.wrapping_mul(10_000).wrapping_add(fours >> 32) & 0xFFFF_FFFF;
    (all, count)
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

    fn text(n: f64, decimals: usize, has_point: bool) -> Option<String> {
        rounded(n, decimals, has_point, |digits| digits.text().to_owned())
    }

    #[test]
    fn lines_are_codes_and_digits() {
        let mut out = b"before\n".to_vec();
        for (n, decimals) in [(-1.5, 3), (1e-20, 22), (999_999_999_999_999.0, 0), (0.0, 9)] {
            let line = |digits: &mut Digits| {
                b" 10\n".iter().rev().for_each(|byte| digits.put(*byte));
                digits.line(&mut out);
            };
            rounded(n, decimals, true, line).expect("few figures");
        }
        whole(i64::MIN, |digits| digits.line(&mut out));
        let expected = "before\n 10\n-1.5\n 10\n0.00000000000000000001\n 10\n999999999999999.0\n \
10\n0.0\n-9223372036854775808\n";
        assert_eq!(String::from_utf8(out).as_deref(), Ok(expected));
    }

    #[test]
    fn rounded_numbers_are_the_shortest_that_are_read_back_alike() {
        let mut random = SplitMix64::new(7);
        for round in 0..200_000_u32 {
            let size = POWERS[round as usize % 6];
            let n = (unit(random.next_u64()) - 0.5) * size;
            for decimals in [0, 3, 6, 9] {
                let per_unit = POWERS[decimals];
                let expected = ((n * per_unit).round() / per_unit + 0.0).to_string();
                let shown = text(n, decimals, false).expect("few figures");
                assert_eq!(shown, expected, "{n} {decimals}");
            }
        }
        for (n, shown) in [(0.0, "0"), (-0.0, "0"), (-1e-9, "0"), (0.5, "1"), (-2.5, "-3")] {
            assert_eq!(text(n, 0, false).as_deref(), Some(shown));
        }
        assert!(text(1e15, 0, false).is_none() && text(f64::NAN, 3, false).is_none());
        assert!(text(f64::INFINITY, 3, false).is_none() && text(1.0, 23, false).is_none());
        assert_eq!(text(1e-20, 22, false).as_deref(), Some("0.00000000000000000001"));
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
            assert_eq!(text(n, 6, true).as_deref(), Some(shown));
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
            assert_eq!(whole(n, |d| d.text().to_owned()), n.to_string());
        }
        for n in [0, 9, 10, 255, 0xFFFF_FFFF] {
            assert_eq!(hexadecimal(n, |d| d.text().to_owned()), format!("{n:X}"));
        }
    }
}
