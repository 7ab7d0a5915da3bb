//! One file per endpoint, or per few that belong together.

use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};

use super::problem::Error;

pub mod backup;
pub mod compile_json;
pub mod compile_svg;
pub mod evaluate;
pub mod interactive;
pub mod jobs;
pub mod parse;
pub mod precision;
pub mod render;
pub mod simulate;
pub mod simulate_stream;
pub mod slo;
pub mod solve;
pub mod state;
pub mod status;
pub mod telemetry;

/// Registers every endpoint at the place `config` stands for.
pub fn configure(config: &mut ServiceConfig) {
    config
        .service(get("/health").with(status::health))
        .service(get("/metrics").with(status::metrics))
        .service(get("/metrics.json").with(status::metrics_json))
        .service(get("/openapi.json").with(super::openapi::document))
        .service(get("/slo").with(slo::status))
        .service(get("/slo/decisions").with(slo::decisions))
        .service(get("/slo/stream").with(slo::stream))
        .service(get("/slo/controls").with_put(slo::controls, slo::control, "GET, HEAD, PUT"))
        .service(get("/jobs").with(jobs::list))
        .service(get("/jobs/{id}").with_delete(jobs::look, jobs::cancel, "GET, HEAD, DELETE"))
        .service(get("/jobs/{id}/result").with(jobs::result))
        .service(post("/parse", parse::parse))
        .service(post("/evaluate", evaluate::evaluate))
        .service(post("/simulate", simulate::simulate))
        .service(post("/constraints/solve", solve::solve))
        .service(post("/render", render::render))
        .service(post("/compile/svg", compile_svg::compile_svg))
        .service(post("/compile/json", compile_json::compile_json))
        .service(post("/interactive", interactive::interactive))
        .service(get("/state").with(state::state))
        .service(post("/precision", precision::precision));
}

/// A resource with GET and HEAD.
struct Get(actix_web::Resource);

fn get(path: &str) -> Get {
    Get(web::resource(path))
}

impl Get {
    fn with<H, A>(self, handler: H) -> actix_web::Resource
    where
        H: actix_web::Handler<A> + Clone,
        A: actix_web::FromRequest + 'static,
        H::Output: actix_web::Responder + 'static,
    {
        self.read(handler, "GET, HEAD")
    }

    fn with_put<H, A, P, B>(self, handler: H, put: P, allow: &'static str) -> actix_web::Resource
    where
        H: actix_web::Handler<A> + Clone,
        A: actix_web::FromRequest + 'static,
        H::Output: actix_web::Responder + 'static,
        P: actix_web::Handler<B>,
        B: actix_web::FromRequest + 'static,
        P::Output: actix_web::Responder + 'static,
    {
        self.read(handler, allow).route(web::put().to(put))
    }

    fn with_delete<H, A, D, B>(
        self,
        handler: H,
        delete: D,
        allow: &'static str,
    ) -> actix_web::Resource
    where
        H: actix_web::Handler<A> + Clone,
        A: actix_web::FromRequest + 'static,
        H::Output: actix_web::Responder + 'static,
        D: actix_web::Handler<B>,
        B: actix_web::FromRequest + 'static,
        D::Output: actix_web::Responder + 'static,
    {
        self.read(handler, allow).route(web::delete().to(delete))
    }

    fn read<H, A>(self, handler: H, allow: &'static str) -> actix_web::Resource
    where
        H: actix_web::Handler<A> + Clone,
        A: actix_web::FromRequest + 'static,
        H::Output: actix_web::Responder + 'static,
    {
        self.0
            .route(web::get().to(handler.clone()))
            .route(web::head().to(handler))
            .default_service(web::to(move |r: HttpRequest| not_allowed(r, allow)))
    }
}

fn post<H, A>(path: &str, handler: H) -> actix_web::Resource
where
    H: actix_web::Handler<A>,
    A: actix_web::FromRequest + 'static,
    H::Output: actix_web::Responder + 'static,
{
    web::resource(path)
        .route(web::post().to(handler))
        .default_service(web::to(|r: HttpRequest| not_allowed(r, "POST")))
}

async fn not_allowed(request: HttpRequest, allow: &'static str) -> Result<HttpResponse, Error> {
    let method = request.method().as_str().chars().take(32).collect();
    Err(Error::MethodNotAllowed { method, allow })
}

/// What is answered where nothing is.
///
/// # Errors
/// Always [`Error::NotFound`].
pub async fn not_found(request: HttpRequest) -> Result<HttpResponse, Error> {
    Err(Error::NotFound(request.path().chars().take(200).collect()))
}
