//! Colours of the file: AutoCAD's index of 255, and true colours.

use super::tags::whole;

/// The colour of an entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Colour {
    ByLayer,
    ByBlock,
    /// 0xRRGGBB; `None` for the foreground.
    Own(Option<u32>),
}

impl Colour {
    /// Of what groups 62 and 420 say.
    pub(super) fn said(index: Option<&str>, rgb: Option<&str>) -> Colour {
        match (rgb, index.and_then(whole).unwrap_or(256)) {
            (None, 256) => Colour::ByLayer,
            (None, 0) => Colour::ByBlock,
            (rgb, index) => Colour::Own(given(rgb, index)),
        }
    }
}

/// The true colour that group 420 says, or else that of the index; `None` for the foreground.
pub(super) fn given(rgb: Option<&str>, index: i64) -> Option<u32> {
    match rgb.and_then(whole) {
        Some(rgb) => Some((rgb & 0xFF_FFFF) as u32),
        None => indexed(index),
    }
}

/// The colour of an index; `None` for 7, which is black on white and white on black, and for what
/// is no index.
fn indexed(index: i64) -> Option<u32> {
    const NAMED: [u32; 9] =
        [0xFF_0000, 0xFF_FF00, 0x00_FF00, 0x00_FFFF, 0x00_00FF, 0xFF_00FF, 0, 0x80_8080, 0xC0_C0C0];
    const GREYS: [u32; 6] = [0x33_3333, 0x5B_5B5B, 0x84_8484, 0xAD_ADAD, 0xD6_D6D6, 0xFF_FFFF];
    let index = usize::try_from(index).ok()?;
    match index {
        7 => None,
        1..=9 => NAMED.get(index - 1).copied(),
        // Twenty-four hues, five values, each full and half as strong.
        10..=249 => {
            let (hue, shade) = (index / 10 - 1, index % 10);
            let value = [255, 165, 127, 76, 38].get(shade / 2).copied()?;
            // Quarter steps of red at a hue; green and blue are the same a third of a turn later.
            let ramp = |hue: usize| match hue % 24 {
                0..=4 | 20..=23 => 4,
                n @ 5..=7 => 8 - n as u32,
                n @ 17..=19 => n as u32 - 16,
                _ => 0,
            };
            let channel = |hue: usize| {
                let full = value * ramp(hue) / 4;
                if shade % 2 == 1 { (value + full) / 2 } else { full }
            };
            Some(channel(hue) << 16 | channel(hue + 16) << 8 | channel(hue + 8))
        }
        250..=255 => GREYS.get(index - 250).copied(),
        _ => None,
    }
}

/// The index whose colour is nearest to `rgb`, and whether it is that colour. Black is the
/// foreground, which is black on paper.
pub(super) fn nearest(rgb: u32) -> (u8, bool) {
    if rgb == 0 {
        return (7, true);
    }
    let channels = |n: u32| [n >> 16 & 0xFF, n >> 8 & 0xFF, n & 0xFF].map(|c| c as i32);
    let wanted = channels(rgb);
    let apart = |index: u8| {
        let own = channels(indexed(i64::from(index)).unwrap_or(0));
        wanted.iter().zip(own).map(|(a, b)| (a - b) * (a - b)).sum::<i32>()
    };
    let best = (1..=u8::MAX).map(|index| (apart(index), index)).min().unwrap_or((0, 7));
    (best.1, best.0 == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_colour_of_the_table_is_found_in_it() {
        for index in 1..=255_i64 {
            let rgb = indexed(index).unwrap_or(0);
            let (found, is_exact) = nearest(rgb);
            assert!(is_exact, "{index}");
            assert_eq!(indexed(i64::from(found)).unwrap_or(0), rgb, "{index}");
        }
        assert_eq!(nearest(0xFF_0000), (1, true));
        assert_eq!(nearest(0xFE_0102), (1, false));
    }

    #[test]
    fn an_index_is_the_colour_that_everybody_shows() {
        for (index, rgb) in [
            (1, Some(0xFF_0000)),
            (5, Some(0x00_00FF)),
            (7, None),
            (10, Some(0xFF_0000)),
            (11, Some(0xFF_7F7F)),
            (20, Some(0xFF_3F00)),
            (90, Some(0x00_FF00)),
            (170, Some(0x00_00FF)),
            (252, Some(0x84_8484)),
            (256, None),
            (-1, None),
        ] {
            assert_eq!(indexed(index), rgb, "{index}");
        }
    }
}
