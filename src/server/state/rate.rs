//! Rates: how often each caller may ask, by class. They are counted by the middleware of
//! `actix-governor`, around every resource that is counted ([`Rates::middleware`]); it counts by the
//! generic cell rate algorithm (ITU-T I.371), so a burst is allowed and then one request at a time.
//!
//! Two things it cannot say are added where the edge writes the answer ([`Rates::told`]):
//! - Its headers are those of no standard. What it tells by them is told by `RateLimit` and
//!   `RateLimit-Policy`, and its refusal becomes a problem document like any other.
//! - It rounds the time to wait down to whole seconds, and says nothing of the time until there is
//!   more quota while some is left. For a refusal `t` is the exact wait, rounded up; otherwise it is
//!   the time one unit takes to come back, the latest at which there is more.
//!
//! `/health` and `/metrics` are probes: they are not counted, so that a client
//! that has used up its rate can still look at the service. Where
//! `--rate-limit-status` says so they are a class of their own.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use actix_governor::governor::NotUntil;
use actix_governor::governor::clock::{Clock as _, DefaultClock, QuantaInstant};
use actix_governor::governor::middleware::StateInformationMiddleware;
use actix_governor::{Governor, GovernorConfig, GovernorConfigBuilder, KeyExtractor};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderMap, HeaderValue};
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, HttpResponseBuilder};

use crate::protocol::headers as names;
use crate::protocol::problem::Error;
use crate::state::config::Config;
use crate::state::keys::{Credential, Identity};

/// The classes of requests that are counted apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RateClass {
    /// Interactive requests.
    Ui,
    /// `/health` and `/metrics`.
    Status,
    /// Everything else.
    Rest,
}

impl RateClass {
    /// The name in headers and problems.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            RateClass::Ui => "ui",
            RateClass::Status => "status",
            RateClass::Rest => "rest",
        }
    }
}

/// Who is counted: a key, or without one an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Caller {
    /// The number of its key.
    Key(u32),
    /// An address; of IPv6 the network that one household is given.
    Address(IpAddr),
}

impl Caller {
    fn of(request: &ServiceRequest) -> Caller {
        let extensions = request.extensions();
        let has_key = extensions.get::<Credential>().is_some_and(|c| *c != Credential::NONE);
        match extensions.get::<Identity>().filter(|_| has_key) {
            Some(identity) => Caller::Key(identity.id),
            None => Caller::at(request.peer_addr().map(|at| at.ip())),
        }
    }

    /// Who is counted for what comes in a stream that a request began.
    pub(crate) fn asking(request: &HttpRequest, identity: &Identity, with: Credential) -> Caller {
        if with != Credential::NONE {
            return Caller::Key(identity.id);
        }
        Caller::at(request.peer_addr().map(|at| at.ip()))
    }

    fn at(address: Option<IpAddr>) -> Caller {
        Caller::Address(match address.map(|a| a.to_canonical()) {
            Some(IpAddr::V6(address)) => {
                let [a, b, c, d, ..] = address.segments();
                Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
            }
            Some(address) => address,
            // A socket without an address.
            None => Ipv4Addr::UNSPECIFIED.into(),
        })
    }
}

/// Tells the middleware of a class whom it counts, and how it refuses.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ByCaller(RateClass);

/// Marks a request that was counted, and in which class. The path does not say it: one in another
/// spelling, `/%70arse`, leads to the same resource.
#[derive(Clone, Copy, Debug)]
struct CountedAs(RateClass);

impl KeyExtractor for ByCaller {
    type Key = Caller;
    type KeyExtractionError = Error;

    fn extract(&self, request: &ServiceRequest) -> Result<Caller, Error> {
        let caller = Caller::of(request);
        request.extensions_mut().insert(CountedAs(self.0));
        Ok(caller)
    }

    fn exceed_rate_limit_response(
        &self,
        negative: &NotUntil<QuantaInstant>,
        _: HttpResponseBuilder,
    ) -> HttpResponse {
        // Only the edge knows the trace that its problem document tells.
        let mut refusal = HttpResponse::TooManyRequests().finish();
        let wait = negative.wait_time_from(DefaultClock::default().now());
        refusal.extensions_mut().insert(Refused(wait));
        refusal
    }
}

/// Marks the refusal of the middleware: when the next request is let through.
#[derive(Clone, Copy, Debug)]
struct Refused(Duration);

/// The middleware of one class.
pub(crate) type Counted = Governor<ByCaller, StateInformationMiddleware>;

struct Bucket {
    class: RateClass,
    per_minute: u32,
    config: GovernorConfig<ByCaller, StateInformationMiddleware>,
    policy: HeaderValue,
}

impl std::fmt::Debug for Bucket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Bucket { class, per_minute, .. } = self;
        write!(f, "{}:{per_minute}/min", class.as_str())
    }
}

/// What a request was told about its rate.
#[derive(Clone, Debug)]
pub(crate) struct RateLimitStatus {
    class: RateClass,
    per_minute: u32,
    remaining: u32,
    /// Until there is more quota, at the latest.
    more_in: Duration,
    policy: HeaderValue,
    /// `Some`: refused, and when the next request is let through.
    wait: Option<Duration>,
}

/// The limits in force.
#[derive(Debug)]
pub(crate) struct Rates {
    ui: Bucket,
    status: Option<Bucket>,
    rest: Bucket,
}

impl Rates {
    /// The limits of a configuration; `None` when they are off.
    pub(crate) fn new(config: &Config) -> Option<Rates> {
        if !config.rate_limit {
            return None;
        }
        Some(Rates {
            ui: bucket(RateClass::Ui, config.rate_ui, config.rate_burst)?,
            status: match config.rate_status {
                Some(rate) => Some(bucket(RateClass::Status, rate, config.rate_status_burst)?),
                None => None,
            },
            rest: bucket(RateClass::Rest, config.rate_rest, config.rate_burst)?,
        })
    }

    fn bucket(&self, class: RateClass) -> Option<&Bucket> {
        match class {
            RateClass::Ui => Some(&self.ui),
            RateClass::Status => self.status.as_ref(),
            RateClass::Rest => Some(&self.rest),
        }
    }

    /// Counts what came in a stream like a request of its own. The refusal, where it is one too many.
    pub(crate) fn check(&self, class: RateClass, caller: Caller) -> Option<Error> {
        let bucket = self.bucket(class)?;
        let refused = bucket.config.limiter().check_key(&caller).err()?;
        let wait = refused.wait_time_from(DefaultClock::default().now());
        Some(Error::RateLimited { class: class.as_str(), quota: bucket.per_minute, wait })
    }

    /// The middleware that counts a class, the same counts wherever it is; `None` where the class
    /// is not counted.
    pub(crate) fn middleware(&self, class: RateClass) -> Option<Counted> {
        self.bucket(class).map(|bucket| Governor::new(&bucket.config))
    }

    /// What the middleware told by an answer, taken from it; `None` where nothing was counted.
    pub(crate) fn told<B>(&self, answer: &mut ServiceResponse<B>) -> Option<RateLimitStatus> {
        let CountedAs(class) = answer.request().extensions().get().copied()?;
        let bucket = self.bucket(class)?;
        let wait = answer.response().extensions().get::<Refused>().map(|refused| refused.0);
        let headers = answer.headers_mut();
        headers.remove(&names::X_RATELIMIT_LIMIT);
        let mut left = headers.remove(&names::X_RATELIMIT_REMAINING);
        let left = left.next().and_then(|value| value.to_str().ok()?.parse().ok());
        Some(RateLimitStatus {
            class,
            per_minute: bucket.per_minute,
            remaining: if wait.is_some() { 0 } else { left? },
            more_in: wait.unwrap_or(Duration::from_secs(60) / bucket.per_minute),
            policy: bucket.policy.clone(),
            wait,
        })
    }

    /// Forgets the callers whose whole quota is back: an address costs memory only while it asks.
    pub(crate) fn forget_idle(&self) {
        for bucket in [Some(&self.ui), self.status.as_ref(), Some(&self.rest)].into_iter().flatten()
        {
            bucket.config.limiter().retain_recent();
        }
    }
}

fn bucket(class: RateClass, per_minute: u32, burst: u32) -> Option<Bucket> {
    let each = Duration::from_secs(60).checked_div(per_minute)?;
    let config = GovernorConfigBuilder::default()
        .period(each)
        .burst_size(burst)
        .key_extractor(ByCaller(class))
        .use_headers()
        .finish()?;
    let window = (u64::from(burst) * 60).div_ceil(u64::from(per_minute));
    let name = class.as_str();
    let policy = format!("\"{name}\";q={per_minute};w=60, \"{name}-burst\";q={burst};w={window}");
    let policy = HeaderValue::from_str(&policy).ok()?;
    Some(Bucket { class, per_minute, config, policy })
}

impl RateLimitStatus {
    /// The refusal, where the request was one too many.
    pub(crate) fn refusal(&self) -> Option<Error> {
        let (class, quota) = (self.class.as_str(), self.per_minute);
        self.wait.map(|wait| Error::RateLimited { class, quota, wait })
    }

    /// Writes the headers: `RateLimit` and `RateLimit-Policy` of the IETF draft
    /// (draft-ietf-httpapi-ratelimit-headers), and the older `X-RateLimit-*`.
    /// `now` is in seconds since the Unix epoch.
    pub(crate) fn write(&self, headers: &mut HeaderMap, now: u64) {
        // Rounded up, however little is missing: zero would say that there is quota now.
        let seconds = self.more_in.as_nanos().div_ceil(1_000_000_000).max(1);
        let reset = u64::try_from(seconds).unwrap_or(u64::MAX);
        headers.insert(names::RATELIMIT_POLICY.clone(), self.policy.clone());
        let mut text = String::with_capacity(32);
        let class = self.class.as_str();
        let remaining = self.remaining;
        // Writing into a String cannot fail.
        let _ = std::fmt::Write::write_fmt(
            &mut text,
            format_args!("\"{class}-burst\";r={remaining};t={reset}"),
        );
        if let Ok(value) = HeaderValue::from_maybe_shared(text) {
            headers.insert(names::RATELIMIT.clone(), value);
        }
        headers.insert(names::X_RATELIMIT_LIMIT.clone(), HeaderValue::from(self.per_minute));
        headers.insert(names::X_RATELIMIT_REMAINING.clone(), HeaderValue::from(self.remaining));
        headers
            .insert(names::X_RATELIMIT_RESET.clone(), HeaderValue::from(now.saturating_add(reset)));
    }
}

#[cfg(test)]
mod tests {
    use actix_web::body::MessageBody;
    use actix_web::dev::Service;
    use actix_web::test::{TestRequest, init_service};
    use actix_web::{App, web};

    use super::*;

    fn rates() -> Rates {
        Rates {
            ui: bucket(RateClass::Ui, 6_000, 100).expect("ui"),
            status: bucket(RateClass::Status, 1, 50),
            rest: bucket(RateClass::Rest, 1, 100).expect("rest"),
        }
    }

    /// A service with one counted resource for each class, as the endpoints have them.
    async fn service(
        rates: &Rates,
    ) -> impl Service<
        actix_http::Request,
        Response = ServiceResponse<impl MessageBody>,
        Error = actix_web::Error,
    > {
        let mut app = App::new();
        for class in [RateClass::Ui, RateClass::Status, RateClass::Rest] {
            let resource = || web::resource(format!("/{}", class.as_str())).to(HttpResponse::Ok);
            app = match rates.middleware(class) {
                Some(counted) => app.service(resource().wrap(counted)),
                None => app.service(resource()),
            };
        }
        init_service(app).await
    }

    fn ask(class: RateClass, from: &str) -> actix_http::Request {
        let from = format!("{from}:4000").parse().expect("an address");
        TestRequest::with_uri(&format!("/{}", class.as_str())).peer_addr(from).to_request()
    }

    /// The status of an answer and what is told of the rate.
    async fn told<B: MessageBody>(
        rates: &Rates,
        service: &impl Service<
            actix_http::Request,
            Response = ServiceResponse<B>,
            Error = actix_web::Error,
        >,
        class: RateClass,
        from: &str,
    ) -> (u16, Option<RateLimitStatus>) {
        let mut answer = service.call(ask(class, from)).await.expect("an answer");
        let status = answer.status().as_u16();
        (status, rates.told(&mut answer))
    }

    #[actix_web::test]
    async fn a_caller_that_used_up_its_burst_waits_and_another_does_not() {
        let rates = rates();
        let service = service(&rates).await;
        let ask = async |class, from| told(&rates, &service, class, from).await;
        for i in 0..100 {
            assert_eq!(ask(RateClass::Rest, "10.0.0.1").await.0, 200, "request {i}");
        }
        let (status, refused) = ask(RateClass::Rest, "10.0.0.1").await;
        assert_eq!(status, 429);
        let refused = refused.and_then(|told| told.refusal());
        let Some(Error::RateLimited { class: "rest", quota: 1, wait }) = refused else {
            panic!("{refused:?}")
        };
        assert!(wait > Duration::ZERO && wait <= Duration::from_secs(60), "{wait:?}");
        assert_eq!(ask(RateClass::Rest, "10.0.0.2").await.0, 200, "another caller");
        assert_eq!(ask(RateClass::Ui, "10.0.0.1").await.0, 200, "another class");
    }

    #[actix_web::test]
    async fn probes_are_not_counted_unless_they_are_given_a_rate() {
        for (status, expected) in [(bucket(RateClass::Status, 1, 50), 50), (None, 0)] {
            let rates = Rates { status, ..rates() };
            let service = service(&rates).await;
            let mut refused = 0;
            for _ in 0..100 {
                let (status, told) = told(&rates, &service, RateClass::Status, "10.0.0.1").await;
                assert_eq!(told.is_some(), expected > 0);
                refused += usize::from(status == 429);
            }
            assert_eq!(refused, expected);
        }
    }

    #[actix_web::test]
    async fn the_reset_is_the_time_until_more_quota() {
        // Requests a minute, burst, seconds until one more.
        for (per_minute, burst, seconds) in
            [(60, 10, 1_u32), (6, 5, 10), (6_000, 100, 1), (1, 1, 60), (7, 2, 9)]
        {
            let slow = bucket(RateClass::Rest, per_minute, burst).expect("a bucket");
            let rates = Rates { rest: slow, ..rates() };
            let service = service(&rates).await;
            for i in 0..=burst {
                let (code, status) = told(&rates, &service, RateClass::Rest, "10.0.0.1").await;
                let mut headers = HeaderMap::new();
                status.expect("counted").write(&mut headers, 1_000);
                let get = |name: &str| headers.get(name).and_then(|v| v.to_str().ok());
                if per_minute > 60 && i > 0 {
                    // A unit comes back while the test runs.
                    assert!(get("ratelimit").is_some_and(|t| t.ends_with(";t=1")));
                    continue;
                }
                let left = burst.saturating_sub(i + 1);
                let expected = format!("\"rest-burst\";r={left};t={seconds}");
                assert_eq!(get("ratelimit"), Some(expected.as_str()), "{per_minute}/min, {i}");
                assert_eq!(get("x-ratelimit-reset"), Some((1_000 + seconds).to_string().as_str()));
                assert_eq!(code == 429, i == burst);
            }
        }
    }

    #[actix_web::test]
    async fn the_headers_say_the_rate_what_is_left_and_when_there_is_more() {
        let rates = rates();
        let service = service(&rates).await;
        let mut answer = service.call(ask(RateClass::Ui, "10.0.0.1")).await.expect("an answer");
        let told = rates.told(&mut answer).expect("counted");
        assert!(answer.headers().is_empty(), "its own headers are gone: {:?}", answer.headers());
        let mut headers = HeaderMap::new();
        told.write(&mut headers, 1_000);
        let get = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default();
        assert_eq!(get("ratelimit-policy"), "\"ui\";q=6000;w=60, \"ui-burst\";q=100;w=1");
        assert_eq!(get("ratelimit"), "\"ui-burst\";r=99;t=1");
        assert_eq!(get("x-ratelimit-limit"), "6000");
        assert_eq!(get("x-ratelimit-remaining"), "99");
        assert_eq!(get("x-ratelimit-reset"), "1001");
    }

    #[test]
    fn a_caller_without_a_key_is_its_address_and_of_ipv6_its_network() {
        let at = |text: &str| Caller::at(Some(text.parse().expect(text)));
        for (one, other, same) in [
            ("10.0.0.1", "10.0.0.1", true),
            ("10.0.0.1", "10.0.0.2", false),
            ("10.0.0.1", "::ffff:10.0.0.1", true),
            ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", true),
            ("2001:db8:0:1::1", "2001:db8:0:2::1", false),
        ] {
            assert_eq!(at(one) == at(other), same, "{one} {other}");
        }
    }

    #[actix_web::test]
    async fn a_caller_that_has_its_whole_quota_back_is_forgotten() {
        let rates = Rates { ui: bucket(RateClass::Ui, 4_000_000_000, 1).expect("ui"), ..rates() };
        let service = service(&rates).await;
        for i in 0..100 {
            let from = format!("10.0.0.{i}");
            told(&rates, &service, RateClass::Ui, &from).await;
            told(&rates, &service, RateClass::Rest, &from).await;
        }
        rates.forget_idle();
        assert_eq!(rates.rest.config.limiter().len(), 100);
        assert!(rates.ui.config.limiter().len() < 100);
    }
}
