//! The kinds of problem: the one table of codes. The status of an answer, its title, and the page
//! at the address in `type` follow from it.

use actix_web::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use svgx_controller::Reason;

/// A kind of problem, the same for every answer with its code.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(crate) struct Kind {
    /// The stable code, as in `code` and at the end of `type`.
    pub(crate) code: &'static str,
    /// The status code of the answer.
    #[serde(serialize_with = "number")]
    #[schema(value_type = u16)]
    pub(crate) status: StatusCode,
    /// The kind in a few words, as in `title`.
    pub(crate) title: &'static str,
    /// What has happened when an answer has this code.
    pub(crate) meaning: &'static str,
    /// What the client can do.
    pub(crate) remedy: &'static str,
}

// `serialize_with` hands over a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn number<S: serde::Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}

const WAIT: &str = "Wait as long as `Retry-After` says, then send the same request again.";
const CORRECT: &str = "Correct the request; the same one will fail again.";

macro_rules! kinds {
    ($($name:ident = $code:literal $status:ident $title:literal: $meaning:literal, $remedy:expr;)*) => {
        impl Kind {
            $(pub(crate) const $name: Kind = Kind {
                code: $code,
                status: StatusCode::$status,
                title: $title,
                meaning: $meaning,
                remedy: $remedy,
            };)*

            /// The kinds that are no refusal by the controller.
            const OWN: &'static [Kind] = &[$(Kind::$name,)*];
        }
    };
}

kinds! {
    MALFORMED_BODY = "malformed-body" BAD_REQUEST "The body cannot be read":
        "The body is no JSON, or no text in a known encoding. `errors` holds the line and the column.",
        CORRECT;
    INCOMPLETE_BODY = "incomplete-body" BAD_REQUEST "The body is incomplete":
        "The connection ended before the body had the announced length.",
        "Send the request again.";
    BAD_HOST = "bad-host" BAD_REQUEST "The host is not valid":
        "The `Host` header, or the host in the address, is not a host with an optional port.",
        CORRECT;
    MALFORMED_DOCUMENT = "malformed-document" BAD_REQUEST "The document is not XML":
        "The drawing is not well-formed XML. `errors` holds the line and the column.",
        "Correct the drawing; `svgx check FILE` shows the place.";
    UNAUTHORIZED = "unauthorized" UNAUTHORIZED "A valid key is required":
        "The service runs with keys, and the request had none, or one that is not known or was revoked.",
        "Send `Authorization: Bearer KEY`.";
    FORBIDDEN = "forbidden" FORBIDDEN "Not allowed from there":
        "The service runs without keys, and a web page of another origin sent the request.",
        "Start the service with keys, and name the page's origin with `--cors-origin`.";
    NOT_FOUND = "not-found" NOT_FOUND "Not found":
        "No resource has this path.",
        "Look at `/openapi.json` or `/docs/` for the paths.";
    NO_SUCH_THING = "no-such-thing" NOT_FOUND "What was named does not exist":
        "The path is right, but the job, session or element that it names does not exist, or no longer.",
        CORRECT;
    METHOD_NOT_ALLOWED = "method-not-allowed" METHOD_NOT_ALLOWED "Method not allowed":
        "The path exists, but not with this method. The `Allow` header lists the methods.",
        CORRECT;
    NOT_ACCEPTABLE = "not-acceptable" NOT_ACCEPTABLE "Not acceptable":
        "The resource is not available in any media type of the `Accept` header.",
        "Accept one of the media types in `detail`.";
    BODY_TIMEOUT = "body-timeout" REQUEST_TIMEOUT "The body came too slowly":
        "The body did not arrive within the time limit.",
        "Send the request again, over a faster connection or with a smaller body.";
    CONFLICT = "conflict" CONFLICT "Not possible in this state":
        "The request contradicts the present state, for example a drag of an element that is kept in place.",
        "Look at `GET /state` for a session, or at `GET /jobs/{id}` for a job.";
    CHANGES_LOST = "changes-lost" GONE "Changes are missing":
        "What changed after the cursor is not kept any more, or the store was restored and has another past.",
        "Read the sessions anew, then ask for the changes after `next`.";
    LIMIT_BODY_BYTES = "limit-body-bytes" PAYLOAD_TOO_LARGE "The body is too large":
        "The body has more bytes than the limit. `limit` and `value` hold both numbers.",
        "Send less, or raise `--max-body` of the service.";
    LIMIT_BYTES = "limit-bytes" PAYLOAD_TOO_LARGE "The document is too large":
        "The drawing has more bytes than the limit.",
        "Divide the drawing, or raise the limit of the service.";
    UNSUPPORTED_MEDIA_TYPE = "unsupported-media-type" UNSUPPORTED_MEDIA_TYPE "Unsupported media type":
        "The `Content-Type` or the `Content-Encoding` of the body is not one that is read here.",
        "Send one of those that `detail` lists.";
    INVALID_REQUEST = "invalid-request" UNPROCESSABLE_ENTITY "The request has the wrong shape":
        "A member of the body, a parameter or a header has a wrong type or value. `pointer` in `errors` names it.",
        CORRECT;
    INVALID_DOCUMENT = "invalid-document" UNPROCESSABLE_ENTITY "The document cannot be used":
        "The drawing is XML, but breaks a rule of the language. `errors` lists each place with a code of its own.",
        "Correct the drawing; docs/language.md explains every code.";
    LIMIT_EXCEEDED = "limit-exceeded" UNPROCESSABLE_ENTITY "A limit is exceeded":
        "The work is larger than a limit, however idle the service is. `limit` and `value` hold both numbers.",
        "Ask for less: fewer elements, bodies, frames or pixels.";
    RATE_LIMITED = "rate-limited" TOO_MANY_REQUESTS "Too many requests":
        "The key sent more requests than its rate allows. `RateLimit-Policy` states the rate.",
        WAIT;
    INTERNAL_ERROR = "internal-error" INTERNAL_SERVER_ERROR "Internal error":
        "The service has a defect.",
        "Report it with the `trace_id`; the same request will fail again.";
    OVERLOADED = "overloaded" SERVICE_UNAVAILABLE "The service is busy":
        "What waits already takes all that is set aside for it: memory for bodies and answers, or the length of a queue of jobs.",
        WAIT;
    REQUEST_TIMEOUT = "request-timeout" SERVICE_UNAVAILABLE "Not done in time":
        "The work did not end within the time limit of a request, and was stopped.",
        "Ask for a job with `Prefer: respond-async`.";
    SESSION_ELSEWHERE = "session-elsewhere" SERVICE_UNAVAILABLE "Another replica has the session":
        "The session is edited by another replica, which could not be reached and may still live. Nothing was done.",
        WAIT;
    OUTCOME_UNKNOWN = "outcome-unknown" SERVICE_UNAVAILABLE "The replica that has the session did not answer":
        "The replica that has the session ended, or stood still, while it was asked. What was asked has happened or not.",
        "Look at the session before you ask again; an operation with an `operation_id` can be sent again as it is.";
    STORE_FAILED = "store-failed" SERVICE_UNAVAILABLE "The session store failed":
        "The disk of the session store takes no writes. Nothing that was acknowledged is lost; the store tries again by itself.",
        WAIT;
}

impl Kind {
    /// The kind of a refusal: its code is the reason.
    pub(super) const fn refused(reason: Reason) -> Kind {
        Kind {
            code: reason.as_str(),
            status: StatusCode::SERVICE_UNAVAILABLE,
            title: "The service is busy",
            meaning: reason.sentence(),
            remedy: match reason {
                Reason::ClientDeadline => {
                    "Allow more time in `X-SVGX-Timeout-Ms`, or ask for a job."
                }
                Reason::TooLarge => "Ask for a job with `Prefer: respond-async`.",
                _ => WAIT,
            },
        }
    }

    /// Every kind that an answer can have.
    pub(crate) fn all() -> impl Iterator<Item = Kind> {
        let ended = [Reason::Doomed, Reason::Deadline, Reason::Cancelled];
        let refused = Reason::ALL
            .iter()
            .copied()
            .filter(move |reason| reason.is_refusal() || ended.contains(reason));
        Kind::OWN.iter().copied().chain(refused.map(Kind::refused))
    }

    /// The kind with this code.
    pub(crate) fn find(code: &str) -> Option<Kind> {
        Kind::all().find(|kind| kind.code == code)
    }

    /// The reference in `type`: the page that explains the kind, on the service that answered.
    pub(crate) fn reference(&self) -> String {
        format!("/problems/{}", self.code)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::Kind;

    #[test]
    fn every_kind_has_its_own_code_and_words() {
        let codes: Vec<_> = Kind::all().map(|kind| kind.code).collect();
        assert_eq!(codes.iter().collect::<BTreeSet<_>>().len(), codes.len(), "{codes:?}");
        for kind in Kind::all() {
            assert!(kind.meaning.ends_with('.') && kind.remedy.ends_with('.'), "{kind:?}");
            assert!(kind.status.is_client_error() || kind.status.is_server_error(), "{kind:?}");
            assert!(Kind::find(kind.code).is_some_and(|found| found.title == kind.title));
        }
    }
}
