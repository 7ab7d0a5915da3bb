//! What is wrong with a body, in the words of JSON and of this service.

pub(crate) use svgx_base::wording::{meant, plain, unknown};

/// The message of an error of reading JSON, without its place.
pub(crate) fn json(error: &serde_json::Error) -> String {
    plain(&error.to_string())
}
