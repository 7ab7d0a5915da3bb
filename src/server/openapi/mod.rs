//! The description of the service (OpenAPI 3.1), made from the table of endpoints, with what the
//! edge adds to every answer.

mod examples;
mod operations;
mod tidy;

use bytes::Bytes;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Operation, ParameterBuilder, ParameterIn};
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{ContentBuilder, Ref, RefOr};
use utoipa::{Modify, OpenApi};

use crate::endpoints::{ENDPOINTS, Method};
use crate::protocol::problem::{Finding, Problem};
use crate::schema;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "SVGX Engine",
        description = "Runs SVGX drawings: parse, evaluate, simulate, solve, edit, compile and \
            render inside a latency budget. Every failure is a problem document (RFC 9457).",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    servers(
        (url = "/", description = "At the root"),
        (url = "/api/v1", description = "The same, versioned"),
    ),
    tags(
        (name = "drawing", description = "What a drawing is and does"),
        (name = "interaction", description = "Editing a drawing in a session"),
        (name = "jobs", description = "Work that is done later, and what became of it"),
        (name = "status", description = "How the service does"),
    ),
    components(schemas(Problem<'_>, Finding)),
    modifiers(&Edge),
)]
struct Description;

/// What can fail at every endpoint, and what only at those with a body: status and description.
const PROBLEMS: &[(&str, &str, bool)] = &[
    ("400", "The body cannot be read, or the document is not XML", true),
    ("401", "A key is required, and none or an unknown one was sent", false),
    ("403", "A page of another origin asked a service that runs without keys", false),
    ("404", "What was named does not exist", true),
    ("406", "Nothing the client accepts can be produced", false),
    ("408", "The body came too slowly", true),
    ("409", "Not possible in the present state", true),
    ("413", "The body, or the document, is too large", true),
    ("415", "The body is of a kind that is not read", true),
    ("422", "The request has the wrong shape, or the document cannot be used", true),
    ("429", "Too many requests with this key", false),
    ("500", "A defect of the service", false),
    ("503", "Busy, stopping, or not done in time", false),
];

struct Edge;

impl Modify for Edge {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        let key = SecurityScheme::Http(
            Http::builder()
                .scheme(HttpAuthScheme::Bearer)
                .description(Some("One of the keys the service was started with"))
                .build(),
        );
        let components = api.components.get_or_insert_with(Default::default);
        components.security_schemes.insert("key".to_owned(), RefOr::T(key));
        for endpoint in ENDPOINTS {
            if let Some(add) = endpoint.describe {
                add(api);
            }
            let Some(item) = api.paths.paths.get_mut(endpoint.path) else { continue };
            let operation = match endpoint.method {
                Method::Get => &mut item.get,
                Method::Post => &mut item.post,
                Method::Put => &mut item.put,
                Method::Delete => &mut item.delete,
            };
            if let Some(operation) = operation {
                if endpoint.is_deferrable() {
                    offer_job(operation);
                }
                if endpoint.is_tagged() {
                    offer_tag(operation);
                }
                describe(operation, endpoint.is_open);
            }
        }
    }
}

/// What an endpoint that knows jobs reads and answers besides.
fn offer_job(operation: &mut Operation) {
    let header = |name: &str, description: &str| {
        let header = ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Header)
            .required(utoipa::openapi::Required::False)
            .description(Some(description))
            .schema(Some(text()));
        RefOr::T(header.build())
    };
    let parameters = operation.parameters.get_or_insert_default();
    parameters.push(header(
        "Prefer",
        "`respond-async`: answer with a job; `wait=SECONDS`: with the result, however long it takes",
    ));
    parameters.push(header(
        "X-SVGX-Timeout-Ms",
        "Milliseconds the client still waits; what cannot be done in time is refused at once",
    ));
    parameters.push(header(
        "X-SVGX-Precision",
        "`ui`, `edit` or `compute`; with `; strict` a coarser answer is refused instead of given",
    ));
    let job = ContentBuilder::new().schema(Some(Ref::from_schema_name("JobView"))).build();
    let response = ResponseBuilder::new()
        .description("A job: the work has no place inside the budget, or the client prefers it so")
        .content("application/json", job)
        .build();
    operation.responses.responses.insert("202".to_owned(), RefOr::T(response));
}

/// What an endpoint whose answers have tags reads and answers besides.
fn offer_tag(operation: &mut Operation) {
    let known = ParameterBuilder::new()
        .name("If-None-Match")
        .parameter_in(ParameterIn::Header)
        .required(utoipa::openapi::Required::False)
        .description(Some("Tags of answers that the client holds; `*` is none of them"))
        .schema(Some(text()));
    operation.parameters.get_or_insert_default().push(RefOr::T(known.build()));
    let response = ResponseBuilder::new()
        .description("The client holds the answer already, by the tag in `ETag`")
        .build();
    operation.responses.responses.insert("304".to_owned(), RefOr::T(response));
}

/// Operations whose body may be missing.
const WITHOUT_BODY: &[&str] = &["fork_session"];

fn describe(operation: &mut Operation, open: bool) {
    let has_body = operation.request_body.is_some();
    let id = operation.operation_id.as_deref();
    if let Some(RefOr::T(body)) = &mut operation.request_body {
        let may_be_missing = id.is_some_and(|id| WITHOUT_BODY.contains(&id));
        body.required = Some(if may_be_missing {
            utoipa::openapi::Required::False
        } else {
            utoipa::openapi::Required::True
        });
    }
    operation.security = Some(if open {
        Vec::new()
    } else {
        vec![SecurityRequirement::new("key", Vec::<String>::new())]
    });
    let trace = ParameterBuilder::new()
        .name("traceparent")
        .parameter_in(ParameterIn::Header)
        .required(utoipa::openapi::Required::False)
        .description(Some("The caller's trace (W3C Trace Context); anything else is ignored"))
        .schema(Some(text()))
        .build();
    operation.parameters.get_or_insert_default().push(RefOr::T(trace));
    for (code, description, needs_body) in PROBLEMS {
        let possible = (has_body || !needs_body) && !(open && matches!(*code, "401" | "429"));
        if possible && !operation.responses.responses.contains_key(*code) {
            let problem =
                ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
            let response = ResponseBuilder::new()
                .description(*description)
                .content("application/problem+json", problem)
                .build();
            operation.responses.responses.insert((*code).to_owned(), RefOr::T(response));
        }
    }
    for (code, response) in &mut operation.responses.responses {
        if let RefOr::T(response) = response {
            let known = PROBLEMS.iter().find(|(problem, ..)| problem == code);
            if let Some((_, description, _)) = known
                && response.description.is_empty()
            {
                (*description).clone_into(&mut response.description);
            }
            headers(code, response, open);
        }
    }
}

/// The headers of an answer.
fn headers(code: &str, response: &mut Response, open: bool) {
    let mut add = |name: &str, description: &str| {
        let header = HeaderBuilder::new().schema(Some(text())).description(Some(description));
        response.headers.entry(name.to_owned()).or_insert_with(|| RefOr::T(header.build()));
    };
    add("Server-Timing", "Where the time went: queue, parse, work, encode, total");
    add("X-Response-Time", "Time taken, such as 12.34ms");
    add("X-Trace-Id", "The trace of the request");
    add("traceparent", "The trace and span of the request (W3C Trace Context)");
    add("Cache-Control", "Whether the answer may be kept");
    if !open && code != "401" {
        add("RateLimit", "What is left of the rate, unless rates are off");
        add("RateLimit-Policy", "The rate, unless rates are off");
        add("X-RateLimit-Limit", "Requests a minute, unless rates are off");
        add("X-RateLimit-Remaining", "Requests left at once, unless rates are off");
        add("X-RateLimit-Reset", "When all are available again, in seconds since the epoch");
    }
    match code {
        "401" => add("WWW-Authenticate", "Bearer"),
        "429" => add("Retry-After", "Seconds to wait"),
        "503" => {
            add("Retry-After", "Seconds to wait");
            add("X-SVGX-Retry-After-Ms", "The same, in milliseconds");
            add("X-SVGX-Reason", "Why, in one word; the same as the problem's code");
        }
        "202" => {
            add("Location", "Where to ask about the job");
            add("Retry-After", "Seconds to wait before asking");
            add("Preference-Applied", "respond-async");
        }
        "200" => {
            add("Content-Encoding", "gzip or br, where it was asked for and is worth it");
            add("Vary", "What the answer depends on");
            add("X-SVGX-Tier", "The tier worked at, where there was work");
            add("X-SVGX-Reason", "Why it was admitted as it was, in one word");
        }
        _ => {}
    }
}

fn text() -> RefOr<utoipa::openapi::Schema> {
    ObjectBuilder::new().schema_type(SchemaType::Type(Type::String)).build().into()
}

/// The description as JSON.
pub(crate) fn json() -> Bytes {
    let mut document = serde_json::to_value(Description::openapi()).unwrap_or_default();
    schema::insert(&mut document);
    operations::split(&mut document);
    tidy::tidy(&mut document);
    examples::insert(&mut document);
    Bytes::from(document.to_string())
}

/// The page to try the service on: everything it needs is in the binary.
pub(crate) fn page() -> utoipa_swagger_ui::Config<'static> {
    utoipa_swagger_ui::Config::from("/openapi.json").try_it_out_enabled(true).validator_url("none")
}
