//! How dimensions look: a standard, and what a drawing says otherwise.
//!
//! Sizes are millimetres on paper. Of ISO they are those of the style that DXF calls ISO-25, of
//! ASME those of Y14.5 with letters of 3 mm.

use crate::text::Unit;

/// Which rules texts and lines follow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Standard {
    /// After ISO 129-1: decimal comma, text above the line and along it.
    #[default]
    Iso,
    /// After ASME Y14.5: decimal point, text in the line and level.
    Asme,
    /// Feet and inches, ticks instead of arrows.
    Architectural,
}

impl Standard {
    /// The names of the standards.
    pub const NAMES: [&'static str; 3] = ["iso", "asme", "architectural"];

    /// The standard of a name in [`Standard::NAMES`].
    #[must_use]
    pub fn named(name: &str) -> Option<Standard> {
        match name {
            "iso" => Some(Standard::Iso),
            "asme" => Some(Standard::Asme),
            "architectural" => Some(Standard::Architectural),
            _ => None,
        }
    }
}

/// What dimension lines end in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "their names say it")]
pub enum Ends {
    Arrow,
    Tick,
    Dot,
}

/// How a dimension looks.
#[derive(Clone, Debug, PartialEq)]
pub struct Style {
    /// The rules of its text.
    pub standard: Standard,
    /// What lengths are shown in.
    pub unit: Unit,
    /// Most decimals of a length.
    pub decimals: u8,
    /// Most decimals of an angle.
    pub angle_decimals: u8,
    /// The finest fraction of an inch: 16 for sixteenths.
    pub fraction: u32,
    /// What lines end in.
    pub ends: Ends,
    /// The height of capitals.
    pub height: f64,
    /// The length of an arrow; it is a third as wide.
    pub arrow: f64,
    /// How far extension lines go past the dimension line.
    pub beyond: f64,
    /// What is left free between what is measured and its extension lines.
    pub gap: f64,
    /// Between dimension lines that are stacked.
    pub spacing: f64,
    /// How wide lines are.
    pub line_width: f64,
    /// The colour; without, that of the layer, or black.
    pub colour: Option<String>,
    /// Millimetres of the drawing in one of paper; without, what the drawing says.
    pub scale: Option<f64>,
    /// The layer; without, `dimensions`.
    pub layer: Option<String>,
}

impl Style {
    /// The style of a standard.
    #[must_use]
    pub fn of(standard: Standard) -> Style {
        let iso = Style {
            standard,
            unit: Unit::Millimetre,
            decimals: 2,
            angle_decimals: 1,
            fraction: 16,
            ends: Ends::Arrow,
            height: 2.5,
            arrow: 2.5,
            beyond: 1.25,
            gap: 0.625,
            spacing: 7.0,
            line_width: 0.25,
            colour: None,
            scale: None,
            layer: None,
        };
        match standard {
            Standard::Iso => iso,
            Standard::Asme => {
                Style { height: 3.0, arrow: 3.0, beyond: 3.0, gap: 1.5, spacing: 6.0, ..iso }
            }
            Standard::Architectural => Style {
                unit: Unit::FeetAndInches,
                ends: Ends::Tick,
                arrow: 2.0,
                beyond: 2.0,
                gap: 1.5,
                ..iso
            },
        }
    }

    /// The same with at most so many decimals, of lengths and of angles.
    #[must_use]
    pub fn rounded_to(self, decimals: u8) -> Style {
        Style { decimals, angle_decimals: decimals, ..self }
    }

    /// Above the line that a text stands on: what ISO-25 leaves free.
    pub(crate) fn clearance(&self) -> f64 {
        self.height * 0.25
    }

    /// What one attribute of `arx:dimensions` or `arx:dimension` says. `Ok(false)`: it says
    /// nothing of the style.
    ///
    /// # Errors
    /// What is expected instead.
    pub(crate) fn set(&mut self, name: &str, value: &str) -> Result<bool, &'static str> {
        let value = value.trim();
        let size = |target: &mut f64| {
            let read = value.strip_suffix("mm").unwrap_or(value).trim().parse::<f64>();
            match read {
                Ok(size) if (0.0..=1_000.0).contains(&size) => {
                    *target = size;
                    Ok(true)
                }
                _ => Err("millimetres on paper, from 0 to 1000"),
            }
        };
        match name {
            "unit" => {
                self.unit = match value {
                    "mm" => Unit::Millimetre,
                    "cm" => Unit::Centimetre,
                    "m" => Unit::Metre,
                    "in" => Unit::Inch,
                    "ft" => Unit::Foot,
                    "ft-in" => Unit::FeetAndInches,
                    _ => return Err("mm, cm, m, in, ft or ft-in"),
                };
            }
            "decimals" => {
                let read: Option<u8> = value.parse().ok().filter(|n| *n <= 6);
                self.decimals = read.ok_or("a number from 0 to 6")?;
                self.angle_decimals = self.decimals;
            }
            "fraction" => {
                let read = value.strip_prefix("1/").unwrap_or(value).parse().ok();
                let read = read.filter(|n: &u32| n.is_power_of_two() && *n <= 256);
                self.fraction = read.ok_or("1/2, 1/4 and so on to 1/256")?;
            }
            "ends" => {
                self.ends = match value {
                    "arrow" => Ends::Arrow,
                    "tick" => Ends::Tick,
                    "dot" => Ends::Dot,
                    _ => return Err("arrow, tick or dot"),
                };
            }
            "text-height" => return size(&mut self.height),
            "arrow" => return size(&mut self.arrow),
            "beyond" => return size(&mut self.beyond),
            "gap" => return size(&mut self.gap),
            "spacing" => return size(&mut self.spacing),
            "line-width" => return size(&mut self.line_width),
            "color" => self.colour = Some(value.to_owned()),
            "layer" => self.layer = Some(value.to_owned()),
            "scale" => self.scale = Some(scale(value).ok_or("1:50, 2:1 or 50")?),
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// Reads a scale: millimetres of the drawing in one of paper, of `1:50`, `2:1` or `50`.
pub(crate) fn scale(text: &str) -> Option<f64> {
    let number = |t: &str| t.trim().parse::<f64>().ok().filter(|n| *n > 0.0);
    let scale = match text.split_once(':') {
        Some((paper, real)) => number(real)? / number(paper)?,
        None => number(text)?,
    };
    (1e-6..=1e6).contains(&scale).then_some(scale)
}
