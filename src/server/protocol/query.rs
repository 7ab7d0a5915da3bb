//! The query of an address.

use crate::protocol::problem::Error;
use crate::protocol::wording::unknown;

/// The parameters of a query, in order, decoded. What is not `known` is refused: a misspelt one
/// would be answered as if it had not been sent.
///
/// # Errors
/// [`Error::Invalid`] for one that is not known, or is there twice.
pub(crate) fn parameters(query: &str, known: &[&str]) -> Result<Vec<(String, String)>, Error> {
    let read = actix_web::web::Query::<Vec<(String, String)>>::from_query(query)
        .map_err(|_| Error::invalid("", "the query is no list of NAME=VALUE joined by &"))?;
    let pairs = read.into_inner();
    for (i, (name, _)) in pairs.iter().enumerate() {
        let pointer = format!("/{name}");
        if !known.contains(&name.as_str()) {
            return Err(Error::invalid(&pointer, unknown("query parameter", name, known)));
        }
        if pairs.iter().take(i).any(|(other, _)| other == name) {
            let twice = format!("the query parameter `{name}` is there twice");
            return Err(Error::invalid(&pointer, twice));
        }
    }
    Ok(pairs)
}

/// The error of a parameter whose value is not as `expected`.
pub(crate) fn wrong(name: &str, value: &str, expected: &str) -> Error {
    let value: String = value.chars().take(64).collect();
    let message = format!("query parameter `{name}`: expected {expected}, found `{value}`");
    Error::invalid(&format!("/{name}"), message)
}
