//! Listening, and stopping without cutting anybody off.

mod drain;
mod https;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_cors::Cors;
use actix_web::body::MessageBody;
use actix_web::dev::{ServerHandle, ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::http::{Method, header};
use actix_web::middleware::{Condition, from_fn};
use actix_web::web::{self, Data};
use actix_web::{App as Service, HttpServer, Route};
use serde::Serialize;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::MissedTickBehavior;
use utoipa_swagger_ui::SwaggerUi;

use crate::descriptors::Connections;
use crate::edge::framing::fit_answers;
use crate::edge::{edge, explain};
use crate::endpoints;
use crate::gauges::register_gauges;
use crate::openapi;
use crate::protocol::headers;
use crate::routes;
use crate::routes::openapi::ApiDescription;
use crate::state::app::App;
use crate::state::config::Config;
use crate::state::following;
use crate::state::replicas::ReplicaListener;
use crate::state::start_error::StartError;
use crate::tls::Certificate;
use crate::watch::{self, Watch};
use svgx_telemetry::{HandOver, Metrics};

/// Connections that may wait to be accepted: one that finds no room comes again after a second.
const BACKLOG: u32 = 4096;

/// How long a client may take to close a connection that is at its end.
const CLIENT_DISCONNECT: Duration = Duration::from_secs(2);

/// The signal of a write beyond the limit on the size of files, by its number on Linux.
#[cfg(target_os = "linux")]
const SIGXFSZ: i32 = 25;

/// How long a stopping server waits for the collector.
const FLUSH: Duration = Duration::from_secs(5);

/// The addresses that were bound.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Bound {
    /// The public endpoints.
    pub public: SocketAddr,
    /// Metrics and probes.
    pub internal: Option<SocketAddr>,
    /// Where other replicas pass requests on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replica: Option<SocketAddr>,
}

/// Serves until SIGTERM or SIGINT, then finishes what runs. `bound` is called
/// once, with the addresses, when the service is ready.
///
/// # Errors
/// [`StartError`] when it cannot start.
pub async fn serve(app: App, bound: impl FnOnce(Bound)) -> Result<(), StartError> {
    let app = Data::new(app);
    register_gauges(&app);
    let config = &app.config;
    let certificate = Certificate::of(config)?;
    let connections = Connections::plan(config.max_connections, config.workers);
    let public = public(&app, certificate.as_ref(), connections.public)?;
    let internal =
        config.internal_listen.map(|at| internal(&app, at, connections.internal)).transpose()?;
    let replica =
        config.replica_listen.map(|at| replica(&app, at, connections.public)).transpose()?;
    let addresses = Bound {
        public: public.0,
        internal: internal.as_ref().map(|(at, _)| *at),
        replica: replica.as_ref().map(|(at, _)| *at),
    };
    let replica = replica.map(|(at, server)| {
        let reached = config.replica_address.clone().unwrap_or_else(|| at.to_string());
        (reached, server.handle(), actix_web::rt::spawn(server))
    });
    if let Some((reached, ..)) = &replica {
        let (app, reached) = (Arc::clone(&app), reached.clone());
        let said = tokio::task::spawn_blocking(move || app.sessions.store().announce(&reached));
        said.await.map_err(|e| StartError::System("no thread", std::io::Error::other(e)))?;
    }
    let public_handle = public.1.handle();
    let running = actix_web::rt::spawn(public.1);
    let internal = internal.map(|(_, server)| {
        let handle = server.handle();
        (handle, actix_web::rt::spawn(server))
    });
    let signals = |e| StartError::System("no signal handler", e);
    let mut terminate = signal(SignalKind::terminate()).map_err(signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(signals)?;
    let mut hangup = signal(SignalKind::hangup()).map_err(signals)?;
    // A file that would grow beyond the limit of the process is an error of that write (EFBIG)
    // and not the end of the process.
    #[cfg(target_os = "linux")]
    let _file_size = signal(SignalKind::from_raw(SIGXFSZ)).map_err(signals)?;
    let working = crate::work::start(&app);
    // Whoever reads where it listens may send a signal at once.
    app.set_ready(true);
    bound(addresses);
    let mut keys = config.api_keys_file.clone().map(Watch::new);
    let mut look = tokio::time::interval(watch::EVERY);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut follow = tokio::time::interval(following::LOOK);
    follow.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = terminate.recv() => break,
            _ = follow.tick(), if app.replicas.are_asked() => {
                let app = Arc::clone(&app);
                drop(tokio::task::spawn_blocking(move || following::hand_over(&app)));
            }
            _ = interrupt.recv() => break,
            _ = hangup.recv() => {
                app.reload_keys();
                reload(certificate.as_ref());
            }
            _ = look.tick() => {
                if let Some(rates) = &app.rates {
                    rates.forget_idle();
                }
                if keys.as_mut().is_some_and(Watch::changed) {
                    app.reload_keys();
                }
                reload(certificate.as_ref());
            }
        }
    }
    if let Some(working) = &working {
        working.take_no_more();
    }
    drain(&app, &public_handle).await;
    if let Some(working) = working {
        working.stop(config.drain_timeout).await;
    }
    // Ended by `drain`; its own error would be a listener that had died before.
    if let Ok(Err(error)) = running.await {
        tracing::error!(%error, "the public listener had failed");
    }
    // What others passed on is finished like what came here.
    if let Some((_, handle, running)) = replica {
        handle.stop(true).await;
        let _ = running.await;
    }
    close(&app).await;
    if let Some((handle, running)) = internal {
        handle.stop(false).await;
        let _ = running.await;
    }
    tracing::info!("stopped");
    // What is still queued for the collector is sent now, or given up.
    let telemetry = Arc::clone(&app.telemetry);
    let _ = tokio::task::spawn_blocking(move || telemetry.shutdown(FLUSH)).await;
    Ok(())
}

/// Takes jobs until SIGTERM or SIGINT, then gives back what it has not begun and finishes what runs.
/// Nothing public listens. `bound` is called once, when it is ready.
///
/// # Errors
/// [`StartError`] when it cannot start.
pub async fn work(app: App, bound: impl FnOnce(Option<SocketAddr>)) -> Result<(), StartError> {
    let app = Data::new(app);
    register_gauges(&app);
    let config = &app.config;
    let connections = Connections::plan(config.max_connections, config.workers);
    let internal =
        config.internal_listen.map(|at| internal(&app, at, connections.internal)).transpose()?;
    let address = internal.as_ref().map(|(at, _)| *at);
    let internal = internal.map(|(_, server)| (server.handle(), actix_web::rt::spawn(server)));
    let signals = |e| StartError::System("no signal handler", e);
    let mut terminate = signal(SignalKind::terminate()).map_err(signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(signals)?;
    let Some(working) = crate::work::start(&app) else { return Err(StartError::NoQueue) };
    app.set_ready(true);
    bound(address);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping: no more jobs are taken, finishing those that run");
    app.set_ready(false);
    working.stop(config.drain_timeout).await;
    close(&app).await;
    if let Some((handle, running)) = internal {
        handle.stop(false).await;
        let _ = running.await;
    }
    tracing::info!("stopped");
    let telemetry = Arc::clone(&app.telemetry);
    let _ = tokio::task::spawn_blocking(move || telemetry.shutdown(FLUSH)).await;
    Ok(())
}

/// Ends the pool and the store.
async fn close(app: &Data<App>) {
    if let Some(queue) = &app.queue {
        queue.close();
    }
    // The pool's threads block: they are joined where blocking is allowed.
    let pool = Arc::clone(app);
    let closing = tokio::task::spawn_blocking(move || {
        pool.pool.close();
        pool.sessions.close()
    });
    if let Ok(Err(error)) = closing.await {
        tracing::error!(%error, "the session store did not close");
    }
}

/// Not ready first, then no new connections, then the last answer.
async fn drain(app: &Data<App>, public: &ServerHandle) {
    tracing::info!("stopping: no longer ready, finishing running requests");
    app.set_ready(false);
    // The other replicas may have the sessions from now on.
    let shared = Arc::clone(app);
    let left = tokio::task::spawn_blocking(move || shared.sessions.store().leave()).await;
    app.telemetry.metrics().handed_over(HandOver::Stopping, left.unwrap_or(0) as u64);
    if app.config.drain_delay > Duration::ZERO {
        tokio::time::sleep(app.config.drain_delay).await;
    }
    public.stop(true).await;
}

/// Takes a new certificate into use, if there is one.
fn reload(certificate: Option<&Arc<Certificate>>) {
    match certificate.map(|c| c.reload()) {
        None | Some(Ok(false)) => {}
        Some(Ok(true)) => tracing::info!("certificate reloaded"),
        Some(Err(error)) => {
            tracing::error!(%error, "cannot reload the certificate; keeping the one in force");
        }
    }
}

type Listening = (SocketAddr, actix_web::dev::Server);

fn public(
    app: &Data<App>,
    certificate: Option<&Arc<Certificate>>,
    connections: usize,
) -> Result<Listening, StartError> {
    let config: &Config = &app.config;
    let api = Data::new(ApiDescription(openapi::json()));
    if let Some(certificate) = certificate {
        return https::listen(app, &api, certificate.server()?, connections)
            .map_err(|e| StartError::Bind(config.listen, e));
    }
    let shared = app.clone();
    let server = HttpServer::new(move || public_app(shared.clone(), api.clone(), true))
        .on_connect({
            let metrics = Arc::clone(app.telemetry.metrics());
            move |_, extensions| {
                extensions.insert(Connection::open(&metrics));
            }
        })
        .workers(config.workers)
        .max_connections(connections)
        .backlog(BACKLOG)
        // An answer is one write; waiting for a fuller packet could only delay it.
        .tcp_nodelay(true)
        .keep_alive(config.keep_alive)
        .client_request_timeout(config.client_timeout)
        .client_disconnect_timeout(CLIENT_DISCONNECT)
        .shutdown_timeout(config.drain_timeout.as_secs().max(1))
        .disable_signals()
        .bind(config.listen)
        .map_err(|e| StartError::Bind(config.listen, e))?;
    let at = server.addrs().first().copied().unwrap_or(config.listen);
    Ok((at, server.run()))
}

/// The public endpoints once more, for what other replicas pass on: proved by their secret, and not
/// counted again.
fn replica(app: &Data<App>, at: SocketAddr, connections: usize) -> Result<Listening, StartError> {
    let config: &Config = &app.config;
    let api = Data::new(ApiDescription(openapi::json()));
    let shared = app.clone();
    let server = HttpServer::new(move || {
        let app = public_app(shared.clone(), api.clone(), false);
        app.app_data(Data::new(ReplicaListener))
    })
    .workers(config.workers)
    .max_connections(connections)
    .tcp_nodelay(true)
    .keep_alive(config.keep_alive)
    .client_request_timeout(config.client_timeout)
    .client_disconnect_timeout(CLIENT_DISCONNECT)
    .shutdown_timeout(config.drain_timeout.as_secs().max(1))
    .disable_signals()
    .bind(at)
    .map_err(|e| StartError::Bind(at, e))?;
    let at = server.addrs().first().copied().unwrap_or(at);
    Ok((at, server.run()))
}

/// The public endpoints, with everything around them; `counted` against rates.
fn public_app(
    app: Data<App>,
    api: Data<ApiDescription>,
    counted: bool,
) -> Service<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody + 'static>,
        Error = actix_web::Error,
        InitError = (),
    > + 'static,
> {
    let origins = &app.config.cors_origins;
    let cors = Condition::new(!origins.is_empty(), cors(origins));
    let rates = || app.rates.as_ref().filter(|_| counted);
    let versioned = web::scope("/api/v1")
        .configure(|c| endpoints::configure(c, rates()))
        .configure(|c| endpoints::configure_rest(c, rates()));
    Service::new()
        .app_data(app.clone())
        .app_data(api)
        .wrap(from_fn(edge))
        .wrap(cors)
        .service(versioned)
        .configure(|c| endpoints::configure(c, rates()))
        .service(web::redirect(endpoints::DOCS, "/docs/"))
        .service(SwaggerUi::new("/docs/{_:.*}").config(openapi::page()))
        .configure(|c| endpoints::configure_rest(c, rates()))
        .default_service(web::to(endpoints::not_found))
}

/// Counts a connection as open until it is dropped with it.
struct Connection(Arc<Metrics>);

impl Connection {
    fn open(metrics: &Arc<Metrics>) -> Connection {
        metrics.connections(1);
        Connection(Arc::clone(metrics))
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.connections(-1);
    }
}

fn internal(app: &Data<App>, at: SocketAddr, connections: usize) -> Result<Listening, StartError> {
    let shared = app.clone();
    let server = HttpServer::new(move || {
        let get = |path: &str, route: Route| web::resource(path).route(route.method(Method::GET));
        Service::new()
            .app_data(shared.clone())
            .wrap(from_fn(explain))
            .wrap(from_fn(fit_answers))
            .default_service(web::to(routes::telemetry::nothing))
            .service(get("/metrics", web::to(routes::status::internal_metrics)))
            .service(get("/slo", web::to(routes::slo::status)))
            .service(get("/slo/decisions", web::to(routes::slo::decisions)))
            .service(get("/slo/stream", web::to(routes::slo::stream)))
            .service(get("/backup", web::to(routes::backup::backup)))
            .route("/restore", web::post().to(routes::backup::restore))
            .service(get("/traces", web::to(routes::telemetry::traces)))
            .service(
                get("/traces/deep", web::to(routes::telemetry::deep))
                    .app_data(web::PayloadConfig::new(routes::telemetry::LARGEST_BODY))
                    .route(web::put().to(routes::telemetry::ask_deep))
                    .route(web::delete().to(routes::telemetry::end_deep)),
            )
            .service(get("/traces/{id}", web::to(routes::telemetry::trace)))
            .service(
                get("/log-levels", web::to(routes::telemetry::levels))
                    .app_data(web::PayloadConfig::new(routes::telemetry::LARGEST_BODY))
                    .route(web::put().to(routes::telemetry::set_levels)),
            )
            .service(get("/livez", web::to(routes::status::livez)))
            .service(get("/readyz", web::to(routes::status::readyz)))
    })
    .workers(1)
    .max_connections(connections)
    .client_request_timeout(Duration::from_secs(5))
    .disable_signals()
    .bind(at)
    .map_err(|e| StartError::Bind(at, e))?;
    let at = server.addrs().first().copied().unwrap_or(at);
    Ok((at, server.run()))
}

fn cors(origins: &[String]) -> Cors {
    let exposed = [
        header::ETAG,
        header::RETRY_AFTER,
        header::LOCATION,
        headers::SERVER_TIMING.clone(),
        headers::X_RESPONSE_TIME.clone(),
        headers::X_TRACE_ID.clone(),
        headers::TRACEPARENT.clone(),
        headers::RATELIMIT.clone(),
        headers::RATELIMIT_POLICY.clone(),
        headers::SVGX_DIFFERENCES.clone(),
        headers::SVGX_TIER.clone(),
        headers::SVGX_REASON.clone(),
        headers::SVGX_RETRY_AFTER_MS.clone(),
    ];
    let cors = Cors::default()
        .allowed_methods(["GET", "HEAD", "POST", "PUT", "DELETE"])
        .allowed_headers([
            header::AUTHORIZATION,
            // Libraries that read event streams by `fetch` send these two.
            header::CACHE_CONTROL,
            header::HeaderName::from_static("last-event-id"),
            header::CONTENT_TYPE,
            header::IF_NONE_MATCH,
            headers::TRACEPARENT.clone(),
            headers::TRACESTATE.clone(),
            headers::BAGGAGE.clone(),
            headers::IDEMPOTENCY_KEY.clone(),
            headers::PREFER.clone(),
            headers::RETRY_ATTEMPT.clone(),
            headers::SVGX_PRECISION.clone(),
            headers::SVGX_SESSION.clone(),
            headers::SVGX_TIMEOUT_MS.clone(),
        ])
        .expose_headers(exposed)
        .max_age(3600);
    origins.iter().fold(cors, |cors, origin| cors.allowed_origin(origin))
}
