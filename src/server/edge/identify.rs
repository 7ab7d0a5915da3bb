//! Who asks, and whether they may.

use actix_web::dev::ServiceRequest;
use actix_web::http::header;
use actix_web::http::uri::Authority;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::protocol::problem::Error;
use crate::state::app::App;
use crate::state::keys::{Credential, Identity};

/// Who asks, and what proves it; `is_open` where no key is needed.
///
/// # Errors
/// [`Error::BadHost`], [`Error::Unauthorized`] or [`Error::Forbidden`].
pub(super) fn identify(
    app: &App,
    request: &ServiceRequest,
    is_open: bool,
) -> Result<(Identity, Credential), Error> {
    let host = host(request)?;
    let keys = app.keys();
    if keys.is_open() {
        refuse_foreign_pages(app, request, host.as_ref())?;
        return Ok((app.anonymous.clone(), Credential::NONE));
    }
    if is_open {
        return Ok((app.anonymous.clone(), Credential::NONE));
    }
    if let Some(key) = offered_key(request) {
        let found = keys.identify(&key).map(|(identity, proof)| (identity.clone(), proof));
        return found.ok_or(Error::Unauthorized("the key is not known"));
    }
    let Some(value) = request.headers().get(header::AUTHORIZATION) else {
        return Err(Error::Unauthorized("send the header Authorization: Bearer <key>"));
    };
    let token = value.to_str().ok().and_then(|v| {
        let (scheme, token) = v.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    });
    let token = token.ok_or(Error::Unauthorized("expected Authorization: Bearer <key>"))?;
    let found = keys.identify(token).map(|(identity, credential)| (identity.clone(), credential));
    found.ok_or(Error::Unauthorized("the key is not known"))
}

/// The key among the subprotocols of a WebSocket, as a browser sends it, which can set no header
/// there. In a header it is in no address, history or log.
fn offered_key(request: &ServiceRequest) -> Option<String> {
    const PREFIX: &str = "svgx.key.";
    if request.headers().contains_key(header::AUTHORIZATION) {
        return None;
    }
    let offered = request.headers().get_all(header::SEC_WEBSOCKET_PROTOCOL);
    let mut offered = offered.filter_map(|v| v.to_str().ok()).flat_map(|v| v.split(','));
    let key = offered.find_map(|name| name.trim().strip_prefix(PREFIX))?;
    String::from_utf8(URL_SAFE_NO_PAD.decode(key).ok()?).ok()
}

/// The host that is asked for: that of an absolute target or of HTTP/2, or else the `Host` header
/// (RFC 9112, section 3.2.2).
fn host(request: &ServiceRequest) -> Result<Option<Authority>, Error> {
    let named = match request.headers().get(header::HOST) {
        None => None,
        // Without a name, as from a client that knows none.
        Some(value) if value.is_empty() => None,
        Some(value) => Some(authority(value.to_str().unwrap_or("?"))?),
    };
    match request.uri().authority() {
        Some(target) => authority(target.as_str()).map(Some),
        None => Ok(named),
    }
}

fn authority(text: &str) -> Result<Authority, Error> {
    let parsed = text.parse().ok().filter(|_| !text.contains('@'));
    parsed.ok_or_else(|| Error::BadHost(text.chars().take(100).collect()))
}

/// Without keys, only the machine itself may ask: a page of some other site in
/// the user's browser may not (cross-site requests, DNS rebinding).
fn refuse_foreign_pages(
    app: &App,
    request: &ServiceRequest,
    host: Option<&Authority>,
) -> Result<(), Error> {
    if let Some(value) = request.headers().get(header::ORIGIN) {
        let origin = value.to_str().unwrap_or("?");
        let of_origin = origin.split_once("://").map_or(origin, |(_, a)| a);
        let is_local = of_origin.parse().is_ok_and(|authority| is_local(&authority));
        if !is_local && !app.config.cors_origins.iter().any(|o| o == origin) {
            return Err(Error::Forbidden("without keys, pages of other origins are not answered"));
        }
    }
    match host {
        Some(host) if !is_local(host) => Err(Error::Forbidden(
            "without keys, only requests to this machine's own name are answered",
        )),
        _ => Ok(()),
    }
}

fn is_local(authority: &Authority) -> bool {
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn the_host_of_the_target_counts_before_that_of_the_header() {
        for (target, header, expected) in [
            ("/health", Some("localhost:8000"), Ok(Some("localhost:8000"))),
            ("/health", None, Ok(None)),
            ("/health", Some(""), Ok(None)),
            ("http://evil.example/health", Some("localhost"), Ok(Some("evil.example"))),
            ("/health", Some("local host"), Err(())),
            ("/health", Some("user@localhost"), Err(())),
            ("http://localhost/health", Some("local host"), Err(())),
        ] {
            let mut request = TestRequest::with_uri(target);
            if let Some(header) = header {
                request = request.insert_header((header::HOST, header));
            }
            let host = host(&request.to_srv_request()).map_err(drop);
            let expected = expected.map(|host: Option<&str>| host.map(str::to_owned));
            assert_eq!(host.map(|h| h.map(|a| a.to_string())), expected, "{target} {header:?}");
        }
    }

    #[test]
    fn only_names_of_this_machine_are_local() {
        for (text, expected) in [
            ("localhost", true),
            ("LOCALHOST:80", true),
            ("127.0.0.1:8000", true),
            ("127.1.2.3", true),
            ("[::1]:8000", true),
            ("localhost.evil.example", false),
            ("192.168.0.1", false),
            ("[2001:db8::1]", false),
        ] {
            assert_eq!(is_local(&text.parse().expect(text)), expected, "{text}");
        }
    }
}
