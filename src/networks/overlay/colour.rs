//! Colours for values: viridis (van der Walt and Smith 2015), which rises evenly in lightness and
//! reads the same to colour-blind eyes and in grey.

/// Nine colours of the scale, evenly spaced.
const SCALE: [[u8; 3]; 9] = [
    [68, 1, 84],
    [71, 44, 122],
    [59, 81, 139],
    [44, 113, 142],
    [33, 144, 141],
    [39, 173, 129],
    [92, 200, 99],
    [170, 220, 50],
    [253, 231, 37],
];

/// What has no value of the quantity but is alive.
pub(super) const QUIET: &str = "#7a828a";
/// What is cut off.
pub(super) const DEAD: &str = "#9aa0a6";

/// The values of a picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Range {
    pub(super) least: f64,
    pub(super) most: f64,
    /// Whether values are sizes: a flow backwards is as large as one forwards. Levels have a sign.
    sizes: bool,
}

impl Range {
    pub(super) fn of(values: impl Iterator<Item = f64>, sizes: bool) -> Range {
        let (mut least, mut most) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in values {
            let value = if sizes { value.abs() } else { value };
            (least, most) = (least.min(value), most.max(value));
        }
        if least > most {
            (least, most) = (0.0, 0.0);
        }
        Range { least, most, sizes }
    }

    /// The largest size of a value.
    pub(super) fn size(&self) -> f64 {
        self.most.abs().max(self.least.abs())
    }

    /// The colour of a value.
    pub(super) fn colour(&self, value: f64) -> String {
        let value = if self.sizes { value.abs() } else { value };
        let width = self.most - self.least;
        let part = if width > 1e-9 * self.size() { (value - self.least) / width } else { 0.5 };
        at(part)
    }
}

/// The colour at a part of the scale.
pub(super) fn at(part: f64) -> String {
    let part = if part.is_nan() { 0.0 } else { part.clamp(0.0, 1.0) };
    let place = part * (SCALE.len() - 1) as f64;
    let below = (place as usize).min(SCALE.len() - 2);
    let share = place - below as f64;
    let [r, g, b] = [0, 1, 2].map(|i| {
        let (from, to) = (f64::from(SCALE[below][i]), f64::from(SCALE[below + 1][i]));
        (from + share * (to - from)).round() as u8
    });
    format!("#{r:02x}{g:02x}{b:02x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_rises_in_lightness_and_takes_any_value() {
        let light = |colour: &str| -> f64 {
            let part = |at| f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap());
            0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5)
        };
        let lights: Vec<f64> = (0..=20).map(|k| light(&at(f64::from(k) / 20.0))).collect();
        assert!(lights.windows(2).all(|w| w[0] < w[1]), "{lights:?}");
        assert_eq!((at(-1.0), at(2.0)), (at(0.0), at(1.0)));
        let range = Range::of([-3.0, 1.0].into_iter(), true);
        assert_eq!((range.least, range.most), (1.0, 3.0));
        assert_eq!((range.colour(-3.0), range.colour(1.0)), (at(1.0), at(0.0)));
        let levels = Range::of([-10.0, 20.0, 5.0].into_iter(), false);
        assert_eq!((levels.least, levels.size()), (-10.0, 20.0));
        assert_eq!((levels.colour(-10.0), levels.colour(5.0)), (at(0.0), at(0.5)));
        assert_eq!(Range::of(std::iter::empty(), true).colour(5.0), at(0.5));
        assert_eq!(at(f64::NAN), at(0.0));
    }
}
