//! A length of time in a request.

use serde::Deserialize;
use utoipa::ToSchema;

use crate::protocol::problem::Error;
use svgx_base::duration;

/// A number of seconds, or a time with its unit, such as `2s` or `250ms`.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(untagged, expecting = "a number of seconds, or a time such as \"2s\" or \"250ms\"")]
pub(crate) enum Seconds {
    /// Seconds.
    Number(f64),
    /// With a unit.
    Text(String),
}

impl Seconds {
    /// The seconds; `None` for text that is no time.
    pub(crate) fn get(&self) -> Option<f64> {
        match self {
            Seconds::Number(seconds) => Some(*seconds),
            Seconds::Text(text) => Some(duration::read_or_seconds(text).ok()?.as_secs_f64()),
        }
    }

    /// The seconds; an error points to `pointer`.
    ///
    /// # Errors
    /// [`Error::Invalid`] for text that is no time.
    pub(crate) fn read(&self, pointer: &str) -> Result<f64, Error> {
        self.get().ok_or_else(|| {
            let found = match self {
                Seconds::Text(text) => text.chars().take(64).collect(),
                Seconds::Number(seconds) => seconds.to_string(),
            };
            let expected = "a number of seconds, or a time such as \"2s\" or \"250ms\"";
            Error::invalid(pointer, format!("expected {expected}, found `{found}`"))
        })
    }
}
