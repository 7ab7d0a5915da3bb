//! The public endpoints over TLS. Built from the parts of the framework's own server, so that
//! connections of HTTP/2 can be told of a stop.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use actix_http::{HttpService, Protocol};
use actix_server::Server;
use actix_service::{IntoServiceFactory as _, ServiceFactoryExt as _, map_config};
use actix_tls::accept::TlsError;
use actix_tls::accept::rustls_0_23::{Acceptor, TlsStream};
use actix_web::dev::AppConfig;
use actix_web::web::Data;
use rustls::ServerConfig;
use tokio::net::{TcpSocket, TcpStream};

use super::drain::Drained;
use super::{BACKLOG, CLIENT_DISCONNECT, Connection, public_app};
use crate::routes::openapi::ApiDescription;
use crate::state::app::App;

/// Listens, with at most `connections` for each worker.
///
/// # Errors
/// When the address cannot be bound.
pub(super) fn listen(
    app: &Data<App>,
    api: &Data<ApiDescription>,
    mut tls: ServerConfig,
    connections: usize,
) -> io::Result<(SocketAddr, Server)> {
    let config = &app.config;
    let listener = bind(config.listen)?;
    let at = listener.local_addr()?;
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let (app, api) = (app.clone(), api.clone());
    let builder = Server::build()
        .workers(config.workers)
        .max_concurrent_connections(connections)
        .shutdown_timeout(config.drain_timeout.as_secs().max(1))
        .disable_signals();
    let stop = builder.graceful_shutdown_signal();
    let server = builder.listen("public", listener, move || {
        let (of_http_1, of_http_2) = (stop.clone(), stop.clone());
        let metrics = Arc::clone(app.telemetry.metrics());
        let service = public_app(app.clone(), api.clone(), true).into_factory();
        let http = HttpService::build()
            .graceful_shutdown_signal(move || {
                let stop = of_http_1.clone();
                async move { stop.notified().await }
            })
            .keep_alive(app.config.keep_alive)
            .client_request_timeout(app.config.client_timeout)
            .client_disconnect_timeout(CLIENT_DISCONNECT)
            .on_connect_ext(move |_, extensions| {
                extensions.insert(Connection::open(&metrics));
            })
            .finish(map_config(
                service.map_err(|error: actix_web::Error| error.error_response()),
                |()| AppConfig::default(),
            ));
        Acceptor::new(tls.clone())
            .map_err(TlsError::into_service_error)
            .and_then(move |io: TlsStream<TcpStream>| {
                let stop = of_http_2.clone();
                async move {
                    let (tcp, session) = io.get_ref();
                    // An answer is one write; waiting for a fuller packet could only delay it.
                    let _ = tcp.set_nodelay(true);
                    let peer = tcp.peer_addr().ok();
                    Ok(if session.alpn_protocol() == Some(b"h2") {
                        let stopping = async move { stop.notified().await };
                        (Drained::new(io, stopping), Protocol::Http2, peer)
                    } else {
                        (Drained::untold(io), Protocol::Http1, peer)
                    })
                }
            })
            .and_then(http.map_err(TlsError::Service))
    })?;
    Ok((at, server.run()))
}

fn bind(at: SocketAddr) -> io::Result<TcpListener> {
    let socket = if at.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(at)?;
    socket.listen(BACKLOG)?.into_std()
}
