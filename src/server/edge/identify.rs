//! Who asks, and whether they may.

use actix_web::dev::ServiceRequest;
use actix_web::http::header;

use crate::protocol::problem::Error;
use crate::state::app::App;
use crate::state::keys::Identity;

/// Who asks; `is_open` where no key is needed.
///
/// # Errors
/// [`Error::Unauthorized`] or [`Error::Forbidden`].
pub(super) fn identify(
    app: &App,
    request: &ServiceRequest,
    is_open: bool,
) -> Result<Identity, Error> {
    let keys = app.keys();
    if keys.is_empty() {
        refuse_foreign_pages(app, request)?;
        return Ok(app.anonymous.clone());
    }
    if is_open {
        return Ok(app.anonymous.clone());
    }
    let Some(value) = request.headers().get(header::AUTHORIZATION) else {
        return Err(Error::Unauthorized("send the header Authorization: Bearer <key>"));
    };
    let token = value.to_str().ok().and_then(|v| {
        let (scheme, token) = v.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    });
    let token = token.ok_or(Error::Unauthorized("expected Authorization: Bearer <key>"))?;
    keys.identify(token).cloned().ok_or(Error::Unauthorized("the key is not known"))
}

/// Without keys, only the machine itself may ask: a page of some other site in
/// the user's browser may not (cross-site requests, DNS rebinding).
fn refuse_foreign_pages(app: &App, request: &ServiceRequest) -> Result<(), Error> {
    let local = |authority: &str| {
        let host = match authority.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
            _ => authority,
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        host.eq_ignore_ascii_case("localhost")
            || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
    };
    let header = |name| request.headers().get(name).map(|v| v.to_str().unwrap_or("?"));
    if let Some(origin) = header(header::ORIGIN) {
        let authority = origin.split_once("://").map_or(origin, |(_, a)| a);
        if !local(authority) && !app.config.cors_origins.iter().any(|o| o == origin) {
            return Err(Error::Forbidden("without keys, pages of other origins are not answered"));
        }
    }
    match header(header::HOST) {
        Some(host) if !local(host) => Err(Error::Forbidden(
            "without keys, only requests to this machine's own name are answered",
        )),
        _ => Ok(()),
    }
}
