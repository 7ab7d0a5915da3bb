//! What lies behind a drawing in a picture.

use resvg::tiny_skia;
use svgx_base::nearest::nearest;

use super::Error;
use crate::document::vocabulary::names;

/// Red, green, blue and opacity behind a drawing. Parses from CSS colours and
/// `transparent`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Background {
    /// Red.
    pub red: u8,
    /// Green.
    pub green: u8,
    /// Blue.
    pub blue: u8,
    /// Opacity; 0, the default, leaves the picture transparent.
    pub alpha: u8,
}

impl std::str::FromStr for Background {
    type Err = String;

    fn from_str(text: &str) -> Result<Background, String> {
        if matches!(text, "transparent" | "none") {
            return Ok(Background::default());
        }
        let plain = crate::geometry::plain_colour(text);
        let c: svgtypes::Color = plain.as_deref().unwrap_or(text).parse().map_err(|_| {
            let near = nearest(text, names::COLOURS.split_ascii_whitespace());
            let near = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            let shown: String = text.chars().take(40).collect();
            format!("`{shown}` is no colour; try white or #f8f8f8{near}")
        })?;
        Ok(Background { red: c.red, green: c.green, blue: c.blue, alpha: c.alpha })
    }
}

/// A picture with nothing on it yet.
pub(crate) fn blank(
    (width, height): (u32, u32),
    background: Background,
) -> Result<tiny_skia::Pixmap, Error> {
    let mut pixmap = tiny_skia::Pixmap::new(width, height).ok_or(Error::Size)?;
    if background.alpha > 0 {
        let Background { red, green, blue, alpha } = background;
        pixmap.fill(tiny_skia::Color::from_rgba8(red, green, blue, alpha));
    }
    Ok(pixmap)
}
