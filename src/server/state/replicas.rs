//! The other replicas of the service, which share its store: how they prove to each other who they
//! are.
//!
//! Both sides of a request that is passed on know one secret. The one that asks sends whom it means,
//! when, a number used once, for whom it asks, and the keyed hash of all that with the request's
//! method and target; the one that answers proves the same with the hash of that number. Nothing
//! is encrypted: the network between replicas is to be their own.

use std::sync::Arc;

use actix_web::dev::ServiceRequest;
use actix_web::http::header::HeaderMap;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq as _;

use crate::protocol::headers::SVGX_REPLICA;
use crate::protocol::problem::Error;
use crate::state::config::Config;
use crate::state::counts::{Counts, Words};
use crate::state::start_error::StartError;
use crate::state::time_of_day::{time_of_day, unix_seconds};

/// Bytes of a secret at the least.
const SECRET: usize = 16;
/// By how much the clocks of two replicas may differ, in seconds.
const SKEW: u64 = 60;

/// Marks the listener where replicas pass requests on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReplicaListener;

/// Marks a request that another replica passed on.
#[derive(Clone, Debug)]
pub(crate) struct PassedOn {
    /// The number used once.
    nonce: String,
    /// By which replica.
    pub(crate) by: Arc<str>,
}

/// What a replica did with what was passed on to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Did {
    /// It answered.
    Answered,
    /// Nothing: it does not have the session.
    Nothing,
    /// Nothing: it is another one than was meant.
    IsAnother,
}

impl Did {
    const ALL: [Did; 3] = [Did::Answered, Did::Nothing, Did::IsAnother];

    fn word(self) -> &'static str {
        match self {
            Did::Answered => "answered",
            Did::Nothing => "nothing",
            Did::IsAnother => "another",
        }
    }
}

/// What came of asking another replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Forwarded {
    /// It answered.
    Answered,
    /// It did nothing: it does not have the session.
    NotThere,
    /// It is no more.
    Gone,
    /// It was not asked.
    Unreachable,
    /// It was asked, and what came of it is not known.
    Interrupted,
}

impl Words<5> for Forwarded {
    const WORDS: [&str; 5] = ["answered", "not-there", "gone", "unreachable", "interrupted"];

    fn index(self) -> usize {
        self as usize
    }
}

/// This replica, and what it knows the others by.
#[derive(Debug)]
pub(crate) struct Replicas {
    id: String,
    shared: Option<Shared>,
    /// What came of requests that were passed on from here.
    pub(crate) forwarded: Counts<Forwarded, 5>,
}

struct Shared {
    secret: [u8; 32],
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[redacted]")
    }
}

impl Replicas {
    /// A replica with an identifier that no other process ever has.
    ///
    /// # Errors
    /// [`StartError::Replicas`] for settings that do not go together, or a secret that is none.
    pub(crate) fn new(config: &Config) -> Result<Replicas, StartError> {
        let wrong = |message: String| StartError::Replicas(message);
        let random = |e| StartError::System("no random numbers", std::io::Error::other(e));
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(random)?;
        let id = URL_SAFE_NO_PAD.encode(bytes);
        let Some(path) = &config.replica_secret_file else {
            return match config.replica_listen {
                Some(_) => Err(wrong("--replica-listen needs --replica-secret-file".to_owned())),
                None => Ok(Replicas { id, shared: None, forwarded: Counts::default() }),
            };
        };
        if config.store.is_none() {
            return Err(wrong("--replica-secret-file is for replicas that share --store".into()));
        }
        let secret = std::fs::read(path).map_err(|e| wrong(format!("{}: {e}", path.display())))?;
        let secret = secret.trim_ascii();
        if secret.len() < SECRET {
            let seen = secret.len();
            let message = format!("{}: {seen} bytes; {SECRET} at the least", path.display());
            return Err(wrong(message));
        }
        let secret = blake3::derive_key("svgx 2026 requests between replicas", secret);
        let shared = Some(Shared { secret });
        Ok(Replicas { id, shared, forwarded: Counts::default() })
    }

    /// This replica.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Whether requests are passed on to other replicas.
    pub(crate) fn are_asked(&self) -> bool {
        self.shared.is_some()
    }

    /// The header that says to the replica `to` for whom a request is passed on, and the number
    /// that its answer has to prove.
    ///
    /// # Errors
    /// [`Error::Internal`] without a secret, or random numbers.
    pub(crate) fn ask(
        &self,
        to: &str,
        identity: &str,
        method: &str,
        target: &str,
    ) -> Result<(String, String), Error> {
        let random = getrandom::u64().map_err(|e| Error::Internal(e.to_string()))?;
        let nonce = format!("{random:016x}");
        let now = unix_seconds(time_of_day()).to_string();
        let identity = URL_SAFE_NO_PAD.encode(identity);
        let proof = self.proof(&["ask", to, &self.id, &now, &nonce, &identity, method, target])?;
        Ok((format!("{to} {} {now} {nonce} {identity} {proof}", self.id), nonce))
    }

    /// Who a request that was passed on is for: their name, and the mark of such a request.
    ///
    /// # Errors
    /// [`Error::Unauthorized`] where it is not proved; [`Error::Misdirected`] beside the mark where
    /// another replica was meant.
    pub(crate) fn passed_on(
        &self,
        request: &ServiceRequest,
    ) -> Result<(PassedOn, Result<String, Error>), Error> {
        const WRONG: Error = Error::Unauthorized("only for other replicas");
        let header = request.headers().get(&SVGX_REPLICA).and_then(|v| v.to_str().ok());
        let parts: Vec<&str> = header.unwrap_or_default().split(' ').collect();
        let [to, from, at, nonce, identity, proof] = parts[..] else { return Err(WRONG) };
        let (method, target) = (request.method().as_str(), target_of(request));
        let expected = self.proof(&["ask", to, from, at, nonce, identity, method, &target])?;
        if !same(&expected, proof) {
            return Err(WRONG);
        }
        let at: u64 = at.parse().map_err(|_| WRONG)?;
        if at.abs_diff(unix_seconds(time_of_day())) > SKEW {
            return Err(Error::Unauthorized("the clocks of the replicas differ by over 60 s"));
        }
        let mark = PassedOn { nonce: nonce.to_owned(), by: Arc::from(from) };
        if to != self.id {
            return Ok((mark, Err(Error::Misdirected)));
        }
        let name = URL_SAFE_NO_PAD.decode(identity).ok().and_then(|n| String::from_utf8(n).ok());
        Ok((mark, Ok(name.ok_or(WRONG)?)))
    }

    /// What an answer to a request that was passed on says in its header.
    ///
    /// # Errors
    /// [`Error::Internal`] without a secret.
    pub(crate) fn answer(&self, asked: &PassedOn, did: Did) -> Result<String, Error> {
        let proof = self.proof(&["answer", &asked.nonce, did.word()])?;
        Ok(format!("{} {proof}", did.word()))
    }

    /// What the replica that was asked with `nonce` did, as its answer's header says; `None` where
    /// it is not proved.
    pub(crate) fn did(&self, header: Option<&str>, nonce: &str) -> Option<Did> {
        let (word, proof) = header?.split_once(' ')?;
        let did = Did::ALL.into_iter().find(|did| did.word() == word)?;
        let expected = self.proof(&["answer", nonce, word]).ok()?;
        same(&expected, proof).then_some(did)
    }

    fn proof(&self, parts: &[&str]) -> Result<String, Error> {
        let shared = self.shared.as_ref();
        let shared = shared.ok_or_else(|| Error::Internal("no secret of replicas".to_owned()))?;
        let mut hasher = blake3::Hasher::new_keyed(&shared.secret);
        for part in parts {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        Ok(hasher.finalize().to_hex().to_string())
    }
}

/// The target of a request as it was signed.
fn target_of(request: &ServiceRequest) -> String {
    request.uri().path_and_query().map_or_else(String::new, ToString::to_string)
}

fn same(one: &str, other: &str) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}

/// Headers of one connection, of who asks, and of this exchange: none of them is passed on.
pub(crate) fn is_passed_on(name: &str, headers: &HeaderMap) -> bool {
    const OWN: [&str; 16] = [
        "authorization",
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "origin",
        "proxy-authorization",
        "proxy-connection",
        "sec-websocket-protocol",
        "te",
        "traceparent",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "x-svgx-replica",
    ];
    let named = headers.get_all("connection").filter_map(|value| value.to_str().ok());
    let mut named = named.flat_map(|value| value.split(','));
    !OWN.contains(&name) && !named.any(|own| own.trim().eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn replicas(secret: &str) -> Replicas {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), secret).unwrap();
        let store = crate::state::config::Flags::default()
            .with("store", "redis://127.0.0.1:1")
            .with("replica-secret-file", &file.path().display().to_string());
        Replicas::new(&crate::state::config::load(&store, []).unwrap().config).unwrap()
    }

    #[test]
    fn only_who_knows_the_secret_asks_and_answers() {
        let (a, b) = (replicas("sixteen bytes or more"), replicas("sixteen bytes or more"));
        let stranger = replicas("sixteen other bytes");
        let (header, nonce) = a.ask(b.id(), "alice", "GET", "/state?x=1").unwrap();
        let request = |target: &str, header: &str| {
            let request = TestRequest::with_uri(target);
            request.insert_header((SVGX_REPLICA.clone(), header)).to_srv_request()
        };
        let (mark, name) = b.passed_on(&request("/state?x=1", &header)).unwrap();
        assert_eq!(name.unwrap(), "alice");
        assert!(stranger.passed_on(&request("/state?x=1", &header)).is_err());
        assert!(b.passed_on(&request("/state?x=2", &header)).is_err());
        assert!(b.passed_on(&request("/state?x=1", &header.replace(&nonce, "0"))).is_err());
        for garbage in ["", " ", "a b c d e f", "a b c d e f g"] {
            assert!(b.passed_on(&request("/state", garbage)).is_err(), "{garbage:?}");
        }
        // Somebody else was meant: said by who can prove it.
        let (_, meant) = a.passed_on(&request("/state?x=1", &header)).unwrap();
        assert!(matches!(meant, Err(Error::Misdirected)));

        let answer = b.answer(&mark, Did::Nothing).unwrap();
        assert_eq!(a.did(Some(&answer), &nonce), Some(Did::Nothing));
        assert_eq!(a.did(Some(&answer), "0"), None);
        assert_eq!(stranger.did(Some(&answer), &nonce), None);
        let changed = answer.replace("nothing", "answered");
        assert_eq!(a.did(Some(&changed), &nonce), None);
        assert_eq!(a.did(None, &nonce), None);
    }
}
