//! What can happen to a drawing.

use serde::{Deserialize, Serialize};

/// Something that happened: what, to which element, and what is known about it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Event {
    /// `click`, `hover`, `drag`, `time`, or an external name such as `motion_detected`.
    pub kind: String,
    /// The id of the element it happened to; `None`: everything that listens for it.
    pub target: Option<String>,
    /// Where the pointer is, in user units.
    pub x: Option<f64>,
    /// Where the pointer is, in user units.
    pub y: Option<f64>,
    /// When it happened, in the host's clock.
    pub time: svgx_base::budget::Time,
    /// Numbers that came with it; formulas read them as `event.NAME`.
    pub data: std::collections::BTreeMap<String, f64>,
}

impl Event {
    /// An event of `kind` on the element `target`.
    pub fn on(kind: &str, target: &str) -> Event {
        Event { kind: kind.to_owned(), target: Some(target.to_owned()), ..Event::default() }
    }

    /// The same event at another time.
    #[must_use]
    pub fn at(mut self, time: svgx_base::budget::Time) -> Event {
        self.time = time;
        self
    }

    /// The same event with one more number.
    #[must_use]
    pub fn with(mut self, name: &str, value: f64) -> Event {
        self.data.insert(name.to_owned(), value);
        self
    }

    /// What conditions are looked at with: nothing is known but the time.
    pub(super) fn condition(now: svgx_base::budget::Time) -> Event {
        Event { kind: "condition".to_owned(), time: now, ..Event::default() }
    }

    pub(super) fn field(&self, name: &str) -> f64 {
        let known = match name {
            "x" => self.x,
            "y" => self.y,
            "time" => Some(self.time.0 as f64 / 1e9),
            _ => None,
        };
        known.or_else(|| self.data.get(name).copied()).unwrap_or(f64::NAN)
    }
}
