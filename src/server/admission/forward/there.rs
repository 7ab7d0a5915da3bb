//! How a request ended at the replica that it was passed on to, as its answer says: so it ended for the
//! client too, and is counted by the replica that was asked.

use actix_web::HttpResponse;
use svgx_controller::Reason;
use svgx_telemetry::Outcome;

use crate::protocol::headers::SVGX_REASON;
use crate::protocol::problem::Kind;

/// Marks an answer of another replica.
#[derive(Clone, Copy, Debug)]
pub(super) struct OfOwner {
    /// The kind of problem, where it failed.
    pub(super) failure: Option<Kind>,
}

/// What else than in time and as asked it was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum There {
    /// Outside of every objective.
    Outside(Reason),
    /// Below the tier that was asked for.
    Coarser(Reason),
}

/// How a request was done elsewhere; `None` where it was done here, or as asked.
pub(crate) fn how_it_was_done(response: &HttpResponse) -> Option<There> {
    response.extensions().get::<OfOwner>()?;
    match reason_of(response)? {
        reason @ (Reason::Oversize | Reason::Batch) => Some(There::Outside(reason)),
        reason @ (Reason::Brownout | Reason::SessionDegraded | Reason::Pinned) => {
            Some(There::Coarser(reason))
        }
        _ => None,
    }
}

/// How what failed elsewhere ended; `None` where it was done here, or did not fail.
pub(crate) fn failed(response: &HttpResponse) -> Option<(Outcome, &'static str)> {
    let OfOwner { failure } = response.extensions().get::<OfOwner>().copied()?;
    if !response.status().is_server_error() {
        return None;
    }
    match (reason_of(response), failure) {
        (Some(reason), _) if reason.is_refusal() => Some((Outcome::Shed, reason.as_str())),
        (_, Some(kind)) if kind.code == Kind::OVERLOADED.code => {
            Some((Outcome::Shed, Reason::QueueFull.as_str()))
        }
        (_, kind) => Some((Outcome::Failed, kind.unwrap_or(Kind::INTERNAL_ERROR).code)),
    }
}

/// The kind that a problem document says.
pub(super) fn kind_of(body: &[u8]) -> Option<Kind> {
    #[derive(serde::Deserialize)]
    struct Problem {
        code: String,
    }
    Kind::find(&serde_json::from_slice::<Problem>(body).ok()?.code)
}

/// The reason in the header of an answer.
fn reason_of(response: &HttpResponse) -> Option<Reason> {
    let said = response.headers().get(&SVGX_REASON)?.to_str().ok()?;
    Reason::ALL.iter().copied().find(|reason| reason.as_str() == said)
}

#[cfg(test)]
mod tests {
    use actix_web::http::StatusCode;

    use super::*;

    fn answer(status: u16, reason: Option<&'static str>, body: &str) -> HttpResponse {
        let mut response = HttpResponse::build(StatusCode::from_u16(status).unwrap());
        if let Some(reason) = reason {
            response.insert_header((SVGX_REASON.clone(), reason));
        }
        response.extensions_mut().insert(OfOwner { failure: kind_of(body.as_bytes()) });
        response.finish()
    }

    #[test]
    fn what_failed_at_the_owner_failed_for_who_asked() {
        for (status, reason, body, expected) in [
            (200, Some("feasible"), "{}", None),
            (422, None, r#"{"code": "invalid-request"}"#, None),
            (503, None, r#"{"code": "store-failed"}"#, Some((Outcome::Failed, "store-failed"))),
            (500, None, r#"{"code": "internal-error"}"#, Some((Outcome::Failed, "internal-error"))),
            (502, None, "<html>", Some((Outcome::Failed, "internal-error"))),
            (503, None, r#"{"code": "overloaded"}"#, Some((Outcome::Shed, "queue-full"))),
            (503, Some("tenant-share"), "{}", Some((Outcome::Shed, "tenant-share"))),
        ] {
            assert_eq!(failed(&answer(status, reason, body)), expected, "{status} {body}");
        }
        let own = HttpResponse::build(StatusCode::SERVICE_UNAVAILABLE).finish();
        assert_eq!(failed(&own), None, "what was done here has its own error");
    }

    #[test]
    fn what_was_done_otherwise_at_the_owner_was_so_for_who_asked() {
        for (reason, expected) in [
            ("feasible", None),
            ("oversize", Some(There::Outside(Reason::Oversize))),
            ("brownout", Some(There::Coarser(Reason::Brownout))),
            ("no reason", None),
        ] {
            assert_eq!(how_it_was_done(&answer(200, Some(reason), "")), expected, "{reason}");
        }
    }
}
