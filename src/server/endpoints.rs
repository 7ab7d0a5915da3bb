//! The one table of public endpoints. The router, the counts, admission, rates, authentication and
//! the API's description follow from it: an endpoint is added by an entry and its handler.

use std::collections::BTreeMap;

use actix_web::web::{self, Payload, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, Resource, Route, http};
use utoipa::openapi::{Components, OpenApi};

use svgx_base::budget::Class;

use crate::admission::estimate;
use crate::admission::execute;
use crate::admission::operation::Operation;
use crate::protocol::problem::Error;
use crate::protocol::wording::meant;
use crate::routes::{
    changes, compile_json, compile_svg, drawing, edit, evaluate, export_dxf, export_pdf,
    import_dxf, interactive, job_requests, jobs, networks, openapi, pages, parse, precision, query,
    render, sessions, simulate, slo, solve, state, status, tiles, together, traces,
};
use crate::state::rate::{RateClass, Rates};

/// The public endpoints, in the order of the API's description.
pub(crate) static ENDPOINTS: &[Endpoint] = &[
    get("/health", Direct(|| web::to(status::health)))
        .rate(RateClass::Status)
        .described::<status::__path_health>(),
    get("/metrics", Direct(|| web::to(status::metrics)))
        .rate(RateClass::Status)
        .described::<status::__path_metrics>(),
    get("/metrics.json", Direct(|| web::to(status::metrics_json)))
        .rate(RateClass::Status)
        .described::<status::__path_metrics_json>(),
    get("/openapi.json", Direct(|| web::to(openapi::document)))
        .open()
        .described::<openapi::__path_document>(),
    get("/", Direct(|| web::to(pages::home))).open(),
    get("/home.js", Direct(|| web::to(pages::script))).open(),
    get("/console", Direct(|| web::to(pages::console))).open(),
    get("/console.js", Direct(|| web::to(pages::console_script))).open(),
    get("/console.css", Direct(|| web::to(pages::console_style))).open(),
    get("/page.css", Direct(|| web::to(pages::style))).open(),
    get("/favicon.ico", Direct(|| web::to(pages::icon))).open(),
    get("/dashboards/{name}", Direct(|| web::to(pages::dashboard))).open(),
    get("/problems", Direct(|| web::to(pages::problems)))
        .open()
        .described::<pages::__path_problems>(),
    get("/problems/{code}", Direct(|| web::to(pages::problem)))
        .open()
        .described::<pages::__path_problem>(),
    get("/slo", Direct(|| web::to(slo::status))).described::<slo::__path_status>(),
    get("/slo/decisions", Direct(|| web::to(slo::decisions))).described::<slo::__path_decisions>(),
    get("/slo/stream", Direct(|| web::to(slo::stream))).described::<slo::__path_stream>(),
    get("/slo/controls", Direct(|| web::to(slo::controls))).described::<slo::__path_controls>(),
    put("/slo/controls", Direct(|| web::to(slo::control))).described::<slo::__path_control>(),
    get("/traces", Direct(|| web::to(traces::list))).described::<traces::__path_list>(),
    get("/traces/{trace_id}", Direct(|| web::to(traces::look))).described::<traces::__path_look>(),
    get("/jobs", Direct(|| web::to(jobs::list))).described::<jobs::__path_list>(),
    post("/jobs", Direct(|| web::to(job_requests::one))).described::<job_requests::__path_one>(),
    post("/jobs/batch", Direct(|| web::to(job_requests::batch)))
        .described::<job_requests::__path_batch>(),
    get("/jobs/{id}", Direct(|| web::to(jobs::look))).described::<jobs::__path_look>(),
    get("/jobs/{id}/result", Direct(|| web::to(jobs::result))).described::<jobs::__path_result>(),
    delete("/jobs/{id}", Direct(|| web::to(jobs::cancel))).described::<jobs::__path_cancel>(),
    post(
        "/parse",
        Pool(Operation::new(Class::Redraw, "parse", parse::parse).tagged().deferrable()),
    )
    .described::<parse::__path_parse>(),
    post("/precision", Pool(Operation::new(Class::Ui, "precision", precision::precision)))
        .rate(RateClass::Ui)
        .described::<precision::__path_precision>(),
    post(
        "/compile/svg",
        Pool(
            Operation::new(Class::Redraw, "compile-svg", compile_svg::compile_svg)
                .estimated_as("compile")
                .media(&["application/json", "image/svg+xml"])
                .tagged()
                .deferrable(),
        ),
    )
    .described::<compile_svg::__path_compile_svg>(),
    post(
        "/compile/json",
        Pool(
            Operation::new(Class::Redraw, "compile-json", compile_json::compile_json)
                .estimated_as("compile")
                .tagged()
                .deferrable(),
        ),
    )
    .described::<compile_json::__path_compile_json>(),
    post(
        "/evaluate",
        Pool(Operation::new(Class::Redraw, "evaluate", evaluate::evaluate).tagged().deferrable()),
    )
    .described::<evaluate::__path_evaluate>(),
    post(
        "/simulate",
        Pool(
            Operation::new(Class::Physics, "simulate", simulate::simulate)
                .estimated_by(estimate::simulation)
                .media(simulate::MEDIA)
                .streams(simulate::STREAMS)
                .tagged()
                .deferrable(),
        ),
    )
    .described::<simulate::__path_simulate>(),
    post(
        "/constraints/solve",
        Pool(
            Operation::new(Class::Physics, "constraints-solve", solve::solve)
                .estimated_as("solve")
                .deferrable(),
        ),
    )
    .described::<solve::__path_solve>(),
    post(
        "/networks/solve",
        Pool(
            Operation::new(Class::Physics, "networks-solve", networks::networks)
                .estimated_as("network")
                .deferrable(),
        ),
    )
    .described::<networks::__path_networks>(),
    post(
        "/render",
        Pool(
            Operation::new(Class::Redraw, "render", render::render)
                .estimated_by(estimate::picture)
                .media(&["image/png"])
                .tagged()
                .deferrable(),
        ),
    )
    .described::<render::__path_render>(),
    post(
        "/export/dxf",
        Pool(
            Operation::new(Class::Batch, "export-dxf", export_dxf::export_dxf)
                .estimated_as("compile")
                .media(&["image/vnd.dxf", "application/json"])
                .deferrable(),
        ),
    )
    .described::<export_dxf::__path_export_dxf>(),
    post(
        "/export/pdf",
        Pool(
            Operation::new(Class::Batch, "export-pdf", export_pdf::export_pdf)
                .estimated_as("compile")
                .media(&["application/pdf"])
                .deferrable(),
        ),
    )
    .described::<export_pdf::__path_export_pdf>(),
    post(
        "/import/dxf",
        Pool(
            Operation::new(Class::Batch, "import-dxf", import_dxf::import_dxf)
                .estimated_as("parse")
                .media(&["application/json", "image/svg+xml"])
                .deferrable(),
        ),
    )
    .described::<import_dxf::__path_import_dxf>(),
    post(
        "/query",
        Pool(
            Operation::new(Class::Redraw, "query", query::query)
                .estimated_as("compile")
                .deferrable(),
        ),
    )
    .described::<query::__path_query>(),
    post(
        "/edit",
        Pool(
            Operation::new(Class::Redraw, "edit", edit::edit)
                .estimated_as("parse")
                .estimated_by(estimate::edits)
                .media(&["application/json", "image/svg+xml"])
                .deferrable(),
        ),
    )
    .described::<edit::__path_edit>(),
    post(
        "/interactive",
        Pool(
            Operation::new(Class::Ui, "interactive", interactive::interactive)
                .estimated_as("session.operate"),
        ),
    )
    .rate(RateClass::Ui)
    .described::<interactive::__path_interactive>(),
    get(
        "/state",
        Pool(Operation::new(Class::Ui, "state", state::state).estimated_as("session.state")),
    )
    .rate(RateClass::Ui)
    .described::<state::__path_state>(),
    get(
        "/sessions",
        Pool(
            Operation::new(Class::Ui, "session-list", sessions::list).estimated_as("session.state"),
        ),
    )
    .rate(RateClass::Ui)
    .described::<sessions::__path_list>(),
    post(
        "/sessions",
        Pool(
            Operation::new(Class::Ui, "session-create", sessions::create)
                .estimated_as("session.operate"),
        ),
    )
    .rate(RateClass::Ui)
    .described::<sessions::__path_create>(),
    get(
        "/sessions/{session}",
        Pool(
            Operation::new(Class::Ui, "session-get", sessions::look).estimated_as("session.state"),
        ),
    )
    .rate(RateClass::Ui)
    .described::<sessions::__path_look>(),
    delete(
        "/sessions/{session}",
        Pool(
            Operation::new(Class::Ui, "session-delete", sessions::remove)
                .estimated_as("session.state"),
        ),
    )
    .rate(RateClass::Ui)
    .described::<sessions::__path_remove>(),
    post(
        "/sessions/{session}/fork",
        Pool(
            Operation::new(Class::Ui, "session-fork", sessions::fork)
                .estimated_as("session.operate"),
        ),
    )
    .rate(RateClass::Ui)
    .described::<sessions::__path_fork>(),
    get(
        "/sessions/{session}/export",
        Pool(
            Operation::new(Class::Redraw, "session-export", sessions::export)
                .estimated_as("compile")
                .media(&["image/svg+xml"]),
        ),
    )
    .described::<sessions::__path_export>(),
    get(
        "/sessions/{session}/drawing.svg",
        Pool(
            Operation::new(Class::Redraw, "session-svg", drawing::svg)
                .estimated_as("compile")
                .media(&["image/svg+xml"])
                .tagged(),
        ),
    )
    .described::<drawing::__path_svg>(),
    get(
        "/sessions/{session}/drawing.png",
        Pool(
            Operation::new(Class::Redraw, "session-png", drawing::png)
                .estimated_as("render")
                .media(&["image/png"])
                .tagged(),
        ),
    )
    .described::<drawing::__path_png>(),
    get("/changes", Direct(|| web::to(changes::changes)))
        .rate(RateClass::Ui)
        .described::<changes::__path_changes>(),
    get("/sessions/{session}/live", Direct(|| web::to(together::live::live)))
        .rate(RateClass::Ui)
        .described::<together::live::__path_live>(),
    get("/sessions/{session}/events", Direct(|| web::to(together::events::events)))
        .rate(RateClass::Ui)
        .described::<together::events::__path_events>(),
    get(
        "/sessions/{session}/tiles",
        Pool(
            Operation::new(Class::Redraw, "session-tiles", tiles::tiles)
                .estimated_as("render")
                .media(tiles::MEDIA),
        ),
    )
    .rate(RateClass::Ui)
    .described::<tiles::__path_tiles>(),
];

/// The page that shows the API's description; its files are below it.
pub(crate) const DOCS: &str = "/docs";

/// How an endpoint answers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Handler {
    /// At once, on the thread that speaks HTTP.
    Direct(fn() -> Route),
    /// With work on the pool, for which it is admitted.
    Pool(Operation),
}
use Handler::{Direct, Pool};

/// The method of an endpoint. The edge makes HEAD a GET.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    Get,
    Post,
    Put,
    Delete,
}

impl Method {
    /// Its name, as metrics say it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Delete => "DELETE",
        }
    }

    fn allow(self) -> &'static str {
        match self {
            Method::Get => "GET, HEAD",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Delete => "DELETE",
        }
    }

    fn standard(self) -> http::Method {
        match self {
            Method::Get => http::Method::GET,
            Method::Post => http::Method::POST,
            Method::Put => http::Method::PUT,
            Method::Delete => http::Method::DELETE,
        }
    }
}

/// A public endpoint.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Endpoint {
    pub(crate) method: Method,
    /// Its path, with `{name}` for a part that varies.
    pub(crate) path: &'static str,
    pub(crate) handler: Handler,
    /// The rate it is counted in.
    pub(crate) rate: RateClass,
    /// Whether it needs no key and is not counted, as the description of the API.
    pub(crate) is_open: bool,
    /// Adds it to the API's description.
    pub(crate) describe: Option<fn(&mut OpenApi)>,
}

const fn get(path: &'static str, handler: Handler) -> Endpoint {
    endpoint(Method::Get, path, handler)
}

const fn post(path: &'static str, handler: Handler) -> Endpoint {
    endpoint(Method::Post, path, handler)
}

const fn put(path: &'static str, handler: Handler) -> Endpoint {
    endpoint(Method::Put, path, handler)
}

const fn delete(path: &'static str, handler: Handler) -> Endpoint {
    endpoint(Method::Delete, path, handler)
}

const fn endpoint(method: Method, path: &'static str, handler: Handler) -> Endpoint {
    Endpoint { method, path, handler, rate: RateClass::Rest, is_open: false, describe: None }
}

impl Endpoint {
    const fn rate(mut self, class: RateClass) -> Endpoint {
        self.rate = class;
        self
    }

    const fn open(mut self) -> Endpoint {
        self.is_open = true;
        self
    }

    /// The same, described by what the attribute `utoipa::path` makes of its handler.
    const fn described<P>(mut self) -> Endpoint
    where
        P: utoipa::Path + utoipa::__dev::SchemaReferences,
    {
        self.describe = Some(describe::<P>);
        self
    }

    /// Whether its answers have tags.
    pub(crate) fn is_tagged(&self) -> bool {
        matches!(self.handler, Pool(operation) if operation.is_tagged)
    }

    /// Whether it may answer with a job.
    pub(crate) fn is_deferrable(&self) -> bool {
        matches!(self.handler, Pool(operation) if operation.is_deferrable)
    }

    fn route(&'static self) -> Route {
        match &self.handler {
            Direct(route) => route(),
            // Neither has a body.
            Pool(operation) if matches!(self.method, Method::Get | Method::Delete) => {
                web::to(move |request: HttpRequest| execute::run(request, None, operation))
            }
            Pool(operation) => web::to(move |request: HttpRequest, payload: Payload| {
                execute::run(request, Some(payload), operation)
            }),
        }
    }
}

fn describe<P>(api: &mut OpenApi)
where
    P: utoipa::Path + utoipa::__dev::SchemaReferences,
{
    api.paths.add_path_operation(P::path(), P::methods(), P::operation());
    let mut schemas = Vec::new();
    P::schemas(&mut schemas);
    api.components.get_or_insert_with(Components::new).schemas.extend(schemas);
}

/// Registers every endpoint at the place `config` stands for, counted by `rates`. What is asked
/// for there and is no endpoint is counted too: guessing paths is not free.
pub(crate) fn configure(config: &mut ServiceConfig, rates: Option<&Rates>) {
    for (path, endpoints) in by_path() {
        let allow = endpoints.iter().map(|e| e.method.allow()).collect::<Vec<_>>().join(", ");
        let mut resource = web::resource(path);
        for endpoint in endpoints {
            resource = resource.route(endpoint.route().method(endpoint.method.standard()));
        }
        let resource = resource.default_service(web::to(move |request: HttpRequest| {
            std::future::ready(not_allowed(&request, allow.clone()))
        }));
        register(config, resource, policy(path).rate.zip(rates));
    }
}

/// Registers what answers where nothing is; after everything else.
pub(crate) fn configure_rest(config: &mut ServiceConfig, rates: Option<&Rates>) {
    let nothing = web::resource("/{path:.*}").to(not_found);
    register(config, nothing, rates.map(|rates| (RateClass::Rest, rates)));
}

fn register(config: &mut ServiceConfig, resource: Resource, rate: Option<(RateClass, &Rates)>) {
    match rate.and_then(|(class, rates)| rates.middleware(class)) {
        Some(counted) => config.service(resource.wrap(counted)),
        None => config.service(resource),
    };
}

fn by_path() -> BTreeMap<&'static str, Vec<&'static Endpoint>> {
    let mut paths = BTreeMap::<_, Vec<_>>::new();
    for endpoint in ENDPOINTS {
        paths.entry(endpoint.path).or_default().push(endpoint);
    }
    paths
}

fn not_allowed(request: &HttpRequest, allow: String) -> Result<HttpResponse, Error> {
    let method = request.method().as_str().chars().take(32).collect();
    Err(Error::MethodNotAllowed { method, allow })
}

/// What is answered where nothing is.
///
/// # Errors
/// Always [`Error::NotFound`].
pub(crate) async fn not_found(request: HttpRequest) -> Result<HttpResponse, Error> {
    let path: String = request.path().chars().take(200).collect();
    let near = meant(&path, similar(&path).iter().map(String::as_str));
    Err(Error::NotFound(format!("{path}{near}")))
}

/// Every path there is, with the parts that vary as in `path`.
fn similar(path: &str) -> Vec<String> {
    let (root, path) = match path.strip_prefix("/api/v1") {
        Some(path) => ("/api/v1", path),
        None => ("", path),
    };
    let filled = |pattern: &str| {
        let given = path.split('/').chain(std::iter::repeat(""));
        let parts: Vec<&str> = pattern
            .split('/')
            .zip(given)
            .map(|(part, given)| if part.starts_with('{') { given } else { part })
            .collect();
        format!("{root}{}", parts.join("/"))
    };
    ENDPOINTS.iter().map(|endpoint| filled(endpoint.path)).chain([filled(DOCS)]).collect()
}

/// What the edge has to know of a path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct PathPolicy {
    /// The path as declared, for metrics and logs; `None` where there is no endpoint.
    pub(crate) route: Option<&'static str>,
    /// Whether no key is needed.
    pub(crate) is_open: bool,
    /// The class it is counted in; `None`: not counted.
    pub(crate) rate: Option<RateClass>,
}

/// The policy of a path, with or without `/api/v1` in front.
pub(crate) fn policy(path: &str) -> PathPolicy {
    let path = path.strip_prefix("/api/v1").unwrap_or(path);
    if path.strip_prefix(DOCS).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) {
        return PathPolicy { route: Some(DOCS), is_open: true, rate: None };
    }
    match ENDPOINTS.iter().find(|endpoint| matches(endpoint.path, path)) {
        Some(endpoint) => PathPolicy {
            route: Some(endpoint.path),
            is_open: endpoint.is_open,
            rate: (!endpoint.is_open).then_some(endpoint.rate),
        },
        None => PathPolicy { route: None, is_open: false, rate: Some(RateClass::Rest) },
    }
}

/// The routes, as metrics and traces say them.
pub(crate) fn routes() -> impl Iterator<Item = &'static str> {
    ENDPOINTS.iter().map(|endpoint| endpoint.path)
}

/// The media types that operations answer with.
pub(crate) fn media() -> impl Iterator<Item = &'static str> {
    ENDPOINTS.iter().flat_map(|endpoint| {
        match &endpoint.handler {
            Pool(operation) => operation.media,
            Direct(_) => &[],
        }
        .iter()
        .copied()
    })
}

/// Whether a route is declared, as metrics and traces say it.
pub(crate) fn is_route(route: &str) -> bool {
    ENDPOINTS.iter().any(|endpoint| endpoint.path == route)
}

fn matches(pattern: &str, path: &str) -> bool {
    // Most differ in the letter behind the slash: this is asked of all of them, for each request.
    let letter = |text: &str| text.as_bytes().get(1).copied();
    if letter(pattern) != letter(path) && letter(pattern) != Some(b'{') {
        return false;
    }
    if !pattern.contains('{') {
        return pattern == path;
    }
    let (mut parts, mut given) = (pattern.split('/'), path.split('/'));
    loop {
        match (parts.next(), given.next()) {
            (None, None) => return true,
            (Some(part), Some(text)) if part == text || part.starts_with('{') => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests;
