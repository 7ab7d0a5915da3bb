//! Sine and cosine to the bit as `libm` has them, without its calls.
//!
//! Reduction by multiples of pi/2 in two parts (Cody and Waite 1980), then the polynomials of
//! fdlibm (Sun Microsystems 1993, `k_sin.c` and `k_cos.c`): coefficients, order of operations
//! and so every rounding are theirs. What needs a third part, or more than 2^20 multiples, goes
//! to `libm` itself.

/// 2/pi.
const INV_PIO2: f64 = f64::from_bits(0x3FE4_5F30_6DC9_C883);
/// The first 33 bits of pi/2.
const PIO2_1: f64 = f64::from_bits(0x3FF9_21FB_5440_0000);
/// What they leave of pi/2.
const PIO2_1T: f64 = f64::from_bits(0x3DD0_B461_1A62_6331);
/// Added it leaves an integer in the last bits; taken away again, that integer: 1.5 * 2^52.
const TO_INT: f64 = 6_755_399_441_055_744.0;
/// Up to here a multiple of the first part is exact: 2^20 * pi/2.
const FAR: f64 = 1_647_099.0;
/// Up to here there is nothing to reduce.
const EIGHTH: f64 = std::f64::consts::FRAC_PI_4;
/// Below this a sine is its argument: 2^-26.
const TINY: f64 = 1.0 / 67_108_864.0;
/// Beyond this, just short of pi/4, `libm` may have chosen the other multiple.
const HALFWAY: f64 = 0.785;
/// Below this share of its argument a remainder may have lost too many bits.
const CLOSE: f64 = 1.0 / 65_536.0;

/// `x` less the nearest multiple of pi/2, in two parts, and which multiple, modulo 4.
#[inline(always)]
fn reduce(x: f64) -> Option<(u64, f64, f64)> {
    if x.abs() <= EIGHTH {
        return Some((0, x, 0.0));
    }
    if x.abs() >= FAR || x.is_nan() {
        return None;
    }
    let shifted = x * INV_PIO2 + TO_INT;
    let n = shifted - TO_INT;
    let r = x - n * PIO2_1;
    let w = n * PIO2_1T;
    let y0 = r - w;
    if y0.abs() < CLOSE * x.abs() || y0.abs() > HALFWAY {
        return None;
    }
    Some((shifted.to_bits() & 3, y0, (r - y0) - w))
}

const S1: f64 = f64::from_bits(0xBFC5_5555_5555_5549);

/// The rest of the polynomial of the sine, for `z = x²`.
#[inline(always)]
fn sin_rest(z: f64) -> f64 {
    const S2: f64 = f64::from_bits(0x3F81_1111_1110_F8A6);
    const S3: f64 = f64::from_bits(0xBF2A_01A0_19C1_61D5);
    const S4: f64 = f64::from_bits(0x3EC7_1DE3_57B1_FE7D);
    const S5: f64 = f64::from_bits(0xBE5A_E5E6_8A2B_9CEB);
    const S6: f64 = f64::from_bits(0x3DE5_D93A_5ACF_D57C);
    let w = z * z;
    S2 + z * (S3 + z * S4) + z * w * (S5 + z * S6)
}

/// The sine of `x + y`, at most pi/4.
#[inline(always)]
fn kernel_sin(x: f64, y: f64) -> f64 {
    let z = x * x;
    let v = z * x;
    let r = sin_rest(z);
    x - ((z * (0.5 * y - v * r) - y) - v * S1)
}

/// The cosine of `x + y`, at most pi/4.
#[inline(always)]
fn kernel_cos(x: f64, y: f64) -> f64 {
    const C1: f64 = f64::from_bits(0x3FA5_5555_5555_554C);
    const C2: f64 = f64::from_bits(0xBF56_C16C_16C1_5177);
    const C3: f64 = f64::from_bits(0x3EFA_01A0_19CB_1590);
    const C4: f64 = f64::from_bits(0xBE92_7E4F_809C_52AD);
    const C5: f64 = f64::from_bits(0x3E21_EE9E_BDB4_B1C4);
    const C6: f64 = f64::from_bits(0xBDA8_FAE9_BE88_38D4);
    let z = x * x;
    let w = z * z;
    let r = z * (C1 + z * (C2 + z * C3)) + w * w * (C4 + z * (C5 + z * C6));
    let half = 0.5 * z;
    let w = 1.0 - half;
    w + (((1.0 - w) - half) + (z * r - x * y))
}

/// The cosine of `x` radians.
#[inline(always)]
pub(super) fn cos(x: f64) -> f64 {
    match reduce(x) {
        Some((quadrant, y0, y1)) => {
            let value = if quadrant & 1 == 0 { kernel_cos(y0, y1) } else { kernel_sin(y0, y1) };
            if matches!(quadrant, 1 | 2) { -value } else { value }
        }
        None => libm::cos(x),
    }
}

/// The sine of `x` radians.
#[inline(always)]
pub(super) fn sin(x: f64) -> f64 {
    if x.abs() <= EIGHTH {
        let z = x * x;
        // Nothing was reduced, so nothing of the second part is taken along; a zero keeps its sign.
        return if x.abs() < TINY { x } else { x + z * x * (S1 + z * sin_rest(z)) };
    }
    match reduce(x) {
        Some((quadrant, y0, y1)) => {
            let value = if quadrant & 1 == 0 { kernel_sin(y0, y1) } else { kernel_cos(y0, y1) };
            if quadrant >= 2 { -value } else { value }
        }
        None => libm::sin(x),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_those_of_libm_to_the_bit() {
        let quarter = std::f64::consts::FRAC_PI_2;
        // About multiples of pi/2, about the middle between two, and anywhere.
        let mut all = vec![0.0, -0.0, f64::NAN, f64::INFINITY, f64::MIN_POSITIVE, 1e300, FAR];
        for n in -2_000..2_000 {
            let n = f64::from(n);
            for off in [0.0, 1e-17, 1e-9, 1e-5, 3e-5, 1e-3, 0.3, EIGHTH - 1e-5, EIGHTH + 1e-5] {
                all.extend([n * quarter + off, n * quarter - off, n * 411.3 + off]);
            }
        }
        for x in all {
            for (ours, theirs) in [(cos(x), libm::cos(x)), (sin(x), libm::sin(x))] {
                let same = ours.to_bits() == theirs.to_bits();
                assert!(same || ours.is_nan() && theirs.is_nan(), "{x:e}: {ours:e}, {theirs:e}");
            }
        }
    }
}
