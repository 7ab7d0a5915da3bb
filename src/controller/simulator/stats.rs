//! Medians over seeds, with their confidence.

/// A median and a 95 % confidence interval without assumptions about the
/// distribution (order statistics; Hahn and Meeker, Statistical Intervals, 5.2).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Median {
    /// The median.
    pub median: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Median {
    /// Of some values; not-a-number without any.
    pub fn of(values: &[f64]) -> Median {
        let mut sorted: Vec<f64> = values.iter().copied().filter(|x| !x.is_nan()).collect();
        sorted.sort_by(f64::total_cmp);
        let n = sorted.len();
        let at = |index: usize| sorted.get(index).copied().unwrap_or(f64::NAN);
        if n == 0 {
            return Median { median: f64::NAN, low: f64::NAN, high: f64::NAN };
        }
        let middle = n / 2;
        let median =
            if n.is_multiple_of(2) { (at(middle - 1) + at(middle)) / 2.0 } else { at(middle) };
        let outside = outside(n);
        Median { median, low: at(outside), high: at(n - 1 - outside) }
    }
}

/// How many of `n` values lie below a 95 % interval of the median: the largest
/// `k` with `P(Binomial(n, 1/2) <= k) <= 0.025`.
fn outside(n: usize) -> usize {
    let size = n as f64;
    let mut term = libm::pow(0.5, size);
    let mut sum = term;
    let (mut k, mut at) = (0, 0.0);
    while k < n / 2 {
        at += 1.0;
        term *= (size - at + 1.0) / at;
        sum += term;
        if sum > 0.025 {
            break;
        }
        k += 1;
    }
    k
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twenty_values_have_the_sixth_and_the_fifteenth_as_interval() {
        let values: Vec<f64> = (1..=20).map(f64::from).collect();
        assert_eq!(Median::of(&values), Median { median: 10.5, low: 6.0, high: 15.0 });
        assert_eq!(Median::of(&[2.0]), Median { median: 2.0, low: 2.0, high: 2.0 });
    }
}
