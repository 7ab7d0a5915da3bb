//! A small HTTP client: whole answers, with the time they took. An answer is
//! never longer than [`LONGEST`].

use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};
use serde_json::Value;

use svgx_base::budget::{Clock as _, Monotonic};

/// Bytes of an answer at the most: a backup of every session is well below.
pub const LONGEST: usize = 1 << 30;

/// Why nothing can be asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address is none.
    #[error("{0:?} is no address: {1}; expected one such as http://127.0.0.1:8000")]
    Url(String, String),
    /// The certificate file cannot be used.
    #[error("{}: {reason}", path.display())]
    Ca {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// There was no answer.
    #[error("{method} {url}: {reason}")]
    NoAnswer {
        /// What was asked.
        method: Method,
        /// Whom.
        url: String,
        /// Why not, with the causes behind it.
        reason: String,
    },
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Its status.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
    /// From the call to the last byte.
    pub took: Duration,
}

impl Reply {
    /// A header, if it is there and text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|v| v.to_str().ok())
    }

    /// The body as JSON; null when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The beginning of the body, to show.
    pub fn excerpt(&self) -> String {
        self.text().chars().take(160).collect::<String>().replace('\n', " ")
    }
}

/// Asks one service.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
    key: Option<String>,
    clock: Monotonic,
}

impl Client {
    /// A client of the service at `url`. `ca` is a file with certificates to trust beside those of
    /// the system.
    ///
    /// # Errors
    /// [`Error::Url`], [`Error::Ca`].
    pub fn new(url: &str, key: Option<String>, ca: Option<&Path>) -> Result<Client, Error> {
        // Whoever came first has installed the same one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let wrong = |e: &dyn std::fmt::Display| Error::Url(url.to_owned(), e.to_string());
        let mut base = Url::parse(url).map_err(|e| wrong(&e))?;
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        let mut builder = reqwest::Client::builder()
            .no_proxy()
            .connect_timeout(Duration::from_secs(10))
            .timeout(Duration::from_secs(60))
            .redirect(reqwest::redirect::Policy::none());
        if let Some(path) = ca {
            let bad = |reason: String| Error::Ca { path: path.to_owned(), reason };
            let pem = std::fs::read(path).map_err(|e| bad(e.to_string()))?;
            let certificates = reqwest::Certificate::from_pem_bundle(&pem);
            builder = builder.tls_certs_only(certificates.map_err(|e| bad(e.to_string()))?);
        }
        let http = builder.build().map_err(|e| wrong(&e))?;
        Ok(Client { http, base, key, clock: Monotonic::new() })
    }

    /// The same service, asked with another key or none.
    #[must_use]
    pub fn with_key(&self, key: Option<String>) -> Client {
        Client { key, ..self.clone() }
    }

    /// The key it sends.
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// Whether the connection is encrypted.
    pub fn is_private(&self) -> bool {
        self.base.scheme() == "https"
    }

    /// Whether the service is on this machine.
    pub fn is_local(&self) -> bool {
        self.base.host_str().is_some_and(|h| {
            let h = h.trim_start_matches('[').trim_end_matches(']');
            h == "localhost" || h.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
        })
    }

    /// GET.
    ///
    /// # Errors
    /// [`Error::NoAnswer`].
    pub async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Result<Reply, Error> {
        self.send(Method::GET, path, headers, Bytes::new()).await
    }

    /// POST of JSON.
    ///
    /// # Errors
    /// [`Error::NoAnswer`].
    pub async fn post(&self, path: &str, body: &Value) -> Result<Reply, Error> {
        let json = [("content-type", "application/json")];
        self.send(Method::POST, path, &json, body.to_string().into()).await
    }

    /// Any request.
    ///
    /// # Errors
    /// [`Error::NoAnswer`].
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> Result<Reply, Error> {
        let url = self.base.join(path.trim_start_matches('/'));
        let url = url.map_err(|e| Error::Url(path.to_owned(), e.to_string()))?;
        let failed = |e: reqwest::Error| Error::NoAnswer {
            method: method.clone(),
            url: shown(&url),
            reason: causes(&e.without_url()),
        };
        let mut request = self.http.request(method.clone(), url.clone());
        if let Some(key) = &self.key {
            request = request.bearer_auth(key);
        }
        for (name, value) in headers {
            let name = HeaderName::from_bytes(name.as_bytes());
            if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value)) {
                request = request.header(name, value);
            }
        }
        let asked = self.clock.now();
        let mut response = request.body(body).send().await.map_err(failed)?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let mut body = BytesMut::new();
        while let Some(piece) = response.chunk().await.map_err(failed)? {
            body.extend_from_slice(&piece);
            if body.len() > LONGEST {
                let reason = format!("the answer is longer than {LONGEST} bytes");
                return Err(Error::NoAnswer { method, url: shown(&url), reason });
            }
        }
        let body = body.freeze();
        let took = self.clock.now().since(asked);
        Ok(Reply { status, headers, body, took })
    }
}

/// GET, for callers that are not asynchronous. `at` is `host:port`, or an address.
///
/// # Errors
/// [`Error::Url`], [`Error::NoAnswer`]: also when there is no whole answer within `timeout`.
pub fn get(at: &str, path: &str, timeout: Duration) -> Result<Reply, Error> {
    let url = if at.contains("://") { at.to_owned() } else { format!("http://{at}") };
    let none = |reason: &dyn std::fmt::Display| Error::NoAnswer {
        method: Method::GET,
        url: format!("{url}{path}"),
        reason: reason.to_string(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|e| none(&e))?.block_on(async {
        let client = Client::new(&url, None, None)?;
        let answer = tokio::time::timeout(timeout, client.get(path, &[])).await;
        answer.map_err(|_| none(&format_args!("no answer within {timeout:?}")))?
    })
}

/// An address without its password.
fn shown(url: &Url) -> String {
    let mut url = url.clone();
    // Only an address without a host has no place for them.
    let _ = (url.set_username(""), url.set_password(None));
    url.to_string()
}

/// What is behind an error: reqwest's own text says only that something failed.
fn causes(error: &dyn std::error::Error) -> String {
    let mut last = error;
    while let Some(inner) = last.source() {
        last = inner;
    }
    last.to_string()
}
