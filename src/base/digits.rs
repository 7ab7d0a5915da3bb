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

#[cfg(test)]
mod tests {
    use super::*;

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
