//! The errors of the rooms below as errors of a request.

use std::time::Duration;

use svgx_controller::{Reason, Shed};
use svgx_engine::{compile, constraint, geometry, physics};
use svgx_session::StoreError;

use super::{Error, Finding, Owner, findings};

impl From<geometry::Error> for Error {
    fn from(error: geometry::Error) -> Error {
        match error {
            geometry::Error::Stopped(stop) => Error::Stopped(stop),
            geometry::Error::Limit { limit, max, seen, .. } => limit_passed(limit, max, seen),
        }
    }
}

impl From<compile::Error> for Error {
    fn from(error: compile::Error) -> Error {
        match error {
            compile::Error::Stopped(stop) => Error::Stopped(stop),
            compile::Error::Limit { limit, max, seen, place } => match place {
                Some(place) => limit_passed(&format!("{limit} by {place}"), max, seen),
                None => limit_passed(limit, max, seen),
            },
            compile::Error::Size => Error::Invalid {
                pointer: "/options".to_owned(),
                message: error.to_string(),
                at: None,
            },
            compile::Error::Renderer(_) => Error::Document(vec![Finding {
                code: "render",
                severity: Some("error"),
                message: error.to_string(),
                ..Finding::default()
            }]),
        }
    }
}

fn limit_passed(what: &str, limit: usize, seen: usize) -> Error {
    Error::Limit { what: what.to_owned(), limit: limit as f64, seen: seen as f64 }
}

/// Why physics gave no answer; `source` is the document it was asked about.
pub(crate) fn physics(source: &str, error: physics::Error) -> Error {
    match error {
        physics::Error::Document(diagnostics) => Error::Document(findings(source, &diagnostics)),
        physics::Error::Limit { what, limit, seen } => {
            Error::Limit { what: what.to_owned(), limit, seen }
        }
        physics::Error::Strict(_) => Error::Shed(Shed {
            reason: Reason::StrictPrecision,
            retry_after: Some(Duration::from_secs(1)),
            decision: None,
        }),
        physics::Error::Stopped(stop) => Error::Stopped(stop),
        physics::Error::Option { name, .. } => Error::Invalid {
            pointer: format!("/options/{name}"),
            message: error.to_string(),
            at: None,
        },
        physics::Error::UnknownBody(_) => Error::Invalid {
            pointer: "/options/disturb".to_owned(),
            message: error.to_string(),
            at: None,
        },
        physics::Error::Snapshot(_) => Error::Invalid {
            pointer: "/options/resume".to_owned(),
            message: error.to_string(),
            at: None,
        },
    }
}

/// Why a sketch was not solved; `source` is the drawing it was read from, or the request it
/// came in, where `place` finds what a pointer means.
pub(crate) fn constraints(
    source: &str,
    error: constraint::Error,
    place: impl Fn(&str) -> Option<(usize, usize)>,
) -> Error {
    use constraint::{Error as E, Location};
    let at = |pointer: String, error: &E| {
        let at = place(&pointer);
        Error::Invalid { pointer, message: error.to_string(), at }
    };
    match error {
        E::Document(diagnostics) => Error::Document(findings(source, &diagnostics)),
        E::Limit { what, count, limit } => limit_passed(what, limit, count),
        E::Stopped(stop) => Error::Stopped(stop),
        E::Invalid { location: Location::Entity(i), .. } => {
            at(format!("/problem/entities/{i}"), &error)
        }
        E::Invalid { location: Location::Constraint(i), .. } => {
            at(format!("/problem/constraints/{i}"), &error)
        }
        _ => at("/options/targets".to_owned(), &error),
    }
}

/// Why there are no tiles.
fn tiles(error: svgx_tiles::Error) -> Error {
    match error {
        svgx_tiles::Error::Stopped(stop) => Error::Stopped(stop),
        svgx_tiles::Error::Tiles { max, seen } => limit_passed("tiles at once", max, seen),
        svgx_tiles::Error::Area => Error::invalid("/rect", error),
        svgx_tiles::Error::Piece(error) => error.into(),
    }
}

/// Why networks were not solved at all.
pub(crate) fn networks(error: svgx_networks::Error) -> Error {
    match error {
        svgx_networks::Error::Stopped(stop) => Error::Stopped(stop),
        svgx_networks::Error::TooLarge { what, count, limit } => limit_passed(what, limit, count),
        svgx_networks::Error::Snapshot(_) => Error::invalid("/options/resume", error),
        other => Error::Document(vec![Finding {
            code: "network-quantity",
            severity: Some("error"),
            message: other.to_string(),
            ..Finding::default()
        }]),
    }
}

/// Why a DXF file was not read.
pub(crate) fn dxf(error: svgx_exchange::dxf::Error) -> Error {
    use svgx_exchange::dxf::Error as E;
    let (line, message) = match error {
        E::Stopped(stop) => return Error::Stopped(stop),
        E::Limit { what, limit, seen } => return limit_passed(what, limit, seen),
        E::Malformed { line, message } => (u32::try_from(line).ok(), message),
        E::Unsupported(message) => (None, message.to_owned()),
    };
    let (code, severity) = ("dxf-malformed", Some("error"));
    Error::Document(vec![Finding { code, severity, message, line, ..Finding::default() }])
}

/// Why a drawing is not put on paper.
pub(crate) fn pdf(error: svgx_exchange::pdf::Error) -> Error {
    use svgx_exchange::pdf::Error as E;
    match error {
        E::Stopped(stop) => Error::Stopped(stop),
        E::Document(error) => Error::from(error),
        E::Limit { what, limit, seen } => limit_passed(what, limit, seen),
        E::Scale(_) | E::Page(..) => Error::invalid("/options/scale", error),
        E::Sheet(message) => Error::invalid("/options/sheet", message),
        E::Geometry(message) => geometry(message),
    }
}

/// Why a drawing is not presented.
pub(crate) fn drafting(error: svgx_drafting::Error) -> Error {
    use svgx_drafting::Error as E;
    match error {
        E::Stopped(stop) => Error::Stopped(stop),
        E::Sheet(message) => Error::invalid("/options/sheet", message),
        E::Geometry(message) => geometry(message),
    }
}

/// Why components were not compared.
pub(crate) fn interference(error: svgx_drafting::InterferenceRefused) -> Error {
    use svgx_drafting::InterferenceRefused as E;
    match error {
        E::Stopped(stop) => Error::Stopped(stop),
        E::Limit { what, limit, seen } => limit_passed(what, limit, seen),
        E::Wrong(message) => Error::invalid("/interference", message),
        E::Shape(error) => geometry(error.to_string()),
    }
}

fn geometry(message: String) -> Error {
    let (code, severity) = ("geometry", Some("error"));
    Error::Document(vec![Finding { code, severity, message, ..Finding::default() }])
}

/// Why there is no overlay, for the option at `pointer`.
pub(crate) fn overlay(error: svgx_networks::overlay::Failed, pointer: &str) -> Error {
    use svgx_networks::overlay::Failed;
    match error {
        Failed::Refused(refused) => Error::invalid(pointer, refused),
        Failed::Network(error) => networks(error),
        Failed::Geometry(message) => Error::Document(vec![Finding {
            code: "geometry",
            severity: Some("error"),
            message,
            ..Finding::default()
        }]),
    }
}

/// What the failure of an operation is to the client. `content` is the drawing that was to be
/// loaded, for the places of findings.
pub(crate) fn session(error: svgx_session::Error, content: Option<&str>) -> Error {
    use svgx_session::Error as E;
    match error {
        E::BadOperation { .. } => Error::invalid("", error),
        E::MissingTarget { .. } => Error::invalid("/element_id", error),
        E::BadNumber { name, .. } => {
            let field = match name {
                "x" | "y" | "z" => format!("/coordinates/{name}"),
                other => format!("/{}", other.replace('.', "/")),
            };
            Error::invalid(&field, error)
        }
        E::BadAttribute { .. } => Error::invalid("/name", error),
        E::BadId { .. } => Error::invalid("/operation_id", error),
        E::UnknownElement { .. } | E::Deleted { .. } => Error::Missing(error.to_string()),
        E::Picture(error) => tiles(error),
        E::NotMovable { .. } | E::Unsuitable { .. } | E::Referenced { .. } | E::Formulas { .. } => {
            Error::Conflict(error.to_string())
        }
        E::Markup(diagnostics) => {
            Error::Document(findings(content.unwrap_or_default(), &diagnostics))
        }
        E::Limit { what, limit, seen } => {
            Error::Limit { what: what.to_owned(), limit: limit as f64, seen: seen as f64 }
        }
        E::Document(diagnostics) => {
            Error::Document(findings(content.unwrap_or_default(), &diagnostics))
        }
        E::Geometry(message) => Error::Document(vec![Finding {
            code: "geometry",
            severity: Some("error"),
            message,
            ..Finding::default()
        }]),
        E::Stopped(stop) => Error::Stopped(stop),
        E::Store(StoreError::BadKey) => Error::invalid("/session", error),
        E::Store(StoreError::Closed) => Error::Store("the service is stopping".to_owned()),
        E::Store(StoreError::Full { what, limit, seen }) => {
            Error::Limit { what: what.to_owned(), limit: limit as f64, seen: seen as f64 }
        }
        E::Store(StoreError::Unavailable { retry_after, .. }) => {
            Error::StoreUnavailable { message: error.to_string(), retry_after }
        }
        E::Store(StoreError::Elsewhere { key, owner, address }) => {
            Error::Elsewhere(Box::new(Owner { key: *key, replica: owner, address }))
        }
        E::Store(StoreError::Fenced) => Error::Fenced,
        E::Store(StoreError::ChangesLost { next }) => Error::ChangesLost { next: next.to_string() },
        other => Error::Store(other.to_string()),
    }
}
