//! Rates: how often each key may ask, by class. The counting is that of `governor`
//! (the generic cell rate algorithm, ITU-T I.371), which `actix-governor` wraps too: its
//! middleware can answer neither problem documents nor the standard `RateLimit` headers,
//! and its licence (GPL-3.0-or-later) would bind everybody who passes on this program.
//!
//! `/health` and `/metrics` are probes: they are not counted, so that a client
//! that has used up its rate can still look at the service. Where
//! `--rate-limit-status` says so they are a class of their own.

use std::num::NonZeroU32;
use std::time::Duration;

use actix_web::http::header::{HeaderMap, HeaderValue};
use governor::clock::{Clock as _, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota, RateLimiter};

use crate::protocol::headers as names;
use crate::protocol::problem::Error;
use crate::state::config::Config;

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

/// Counts by the number of the key.
type Limiter =
    RateLimiter<u32, DefaultKeyedStateStore<u32>, DefaultClock, StateInformationMiddleware>;

#[derive(Debug)]
struct Bucket {
    class: RateClass,
    per_minute: u32,
    limiter: Limiter,
    policy: HeaderValue,
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
    pub(crate) wait: Option<Duration>,
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

    /// Counts one request of the key `id`; `None` where the class is not counted.
    pub(crate) fn count(&self, class: RateClass, id: u32) -> Option<RateLimitStatus> {
        let bucket = match class {
            RateClass::Ui => &self.ui,
            RateClass::Status => self.status.as_ref()?,
            RateClass::Rest => &self.rest,
        };
        let each = Duration::from_secs(60) / bucket.per_minute;
        let (remaining, wait) = match bucket.limiter.check_key(&id) {
            Ok(state) => (state.remaining_burst_capacity(), None),
            Err(not_yet) => (0, Some(not_yet.wait_time_from(bucket.limiter.clock().now()))),
        };
        Some(RateLimitStatus {
            class: bucket.class,
            per_minute: bucket.per_minute,
            remaining,
            // The counter does not tell how long ago the last unit came back.
            more_in: wait.unwrap_or(each),
            policy: bucket.policy.clone(),
            wait,
        })
    }
}

fn bucket(class: RateClass, per_minute: u32, burst: u32) -> Option<Bucket> {
    let (rate, most) = (NonZeroU32::new(per_minute)?.get(), NonZeroU32::new(burst)?);
    let quota = Quota::with_period(Duration::from_secs(60) / rate)?.allow_burst(most);
    let window = (u64::from(burst) * 60).div_ceil(u64::from(per_minute));
    let name = class.as_str();
    let policy = format!("\"{name}\";q={per_minute};w=60, \"{name}-burst\";q={burst};w={window}");
    let policy = HeaderValue::from_str(&policy).ok()?;
    let limiter = RateLimiter::keyed(quota).with_middleware();
    Some(Bucket { class, per_minute, limiter, policy })
}

impl RateLimitStatus {
    /// The refusal, where the request is one too many.
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
    use super::*;

    fn rates() -> Rates {
        Rates {
            ui: bucket(RateClass::Ui, 6_000, 100).expect("ui"),
            status: bucket(RateClass::Status, 1, 50),
            rest: bucket(RateClass::Rest, 1, 100).expect("rest"),
        }
    }

    fn wait(rates: &Rates, class: RateClass, id: u32) -> Option<Duration> {
        rates.count(class, id).expect("counted").wait
    }

    #[test]
    fn a_key_that_used_up_its_burst_waits_and_another_does_not() {
        let rates = rates();
        for i in 0..100 {
            assert_eq!(wait(&rates, RateClass::Rest, 1), None, "request {i}");
        }
        let refused = wait(&rates, RateClass::Rest, 1);
        assert!(refused.is_some_and(|w| w <= Duration::from_secs(60)), "{refused:?}");
        assert_eq!(wait(&rates, RateClass::Rest, 2), None, "another key");
        assert_eq!(wait(&rates, RateClass::Ui, 1), None, "another class");
    }

    #[test]
    fn probes_are_not_counted_unless_they_are_given_a_rate() {
        let counted = rates();
        let refused = (0..100).filter(|_| wait(&counted, RateClass::Status, 1).is_some()).count();
        assert_eq!(refused, 50);
        let exempt = Rates { status: None, ..rates() };
        assert!((0..1_000).all(|_| exempt.count(RateClass::Status, 1).is_none()));
    }

    #[test]
    fn the_reset_is_the_time_until_more_quota() {
        // Requests a minute, burst, seconds until one more.
        for (per_minute, burst, seconds) in
            [(60, 10, 1_u32), (6, 5, 10), (6_000, 100, 1), (1, 1, 60), (7, 2, 9)]
        {
            let slow = bucket(RateClass::Rest, per_minute, burst).expect("a bucket");
            let rates = Rates { rest: slow, ..rates() };
            for i in 0..=burst {
                let status = rates.count(RateClass::Rest, 1).expect("counted");
                let mut headers = HeaderMap::new();
                status.write(&mut headers, 1_000);
                let get = |name: &str| headers.get(name).and_then(|v| v.to_str().ok());
                let left = burst.saturating_sub(i + 1);
                let expected = format!("\"rest-burst\";r={left};t={seconds}");
                assert_eq!(get("ratelimit"), Some(expected.as_str()), "{per_minute}/min, {i}");
                assert_eq!(get("x-ratelimit-reset"), Some((1_000 + seconds).to_string().as_str()));
                assert_eq!(status.refusal().is_some(), i == burst);
                if let Some(wait) = status.wait {
                    assert!(wait.as_millis().div_ceil(1_000) <= u128::from(seconds), "{wait:?}");
                }
            }
        }
    }

    #[test]
    fn the_headers_say_the_rate_what_is_left_and_when_it_is_full_again() {
        let rates = rates();
        let mut headers = HeaderMap::new();
        rates.count(RateClass::Ui, 1).expect("counted").write(&mut headers, 1_000);
        let get = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default();
        assert_eq!(get("ratelimit-policy"), "\"ui\";q=6000;w=60, \"ui-burst\";q=100;w=1");
        assert_eq!(get("ratelimit"), "\"ui-burst\";r=99;t=1");
        assert_eq!(get("x-ratelimit-limit"), "6000");
        assert_eq!(get("x-ratelimit-remaining"), "99");
        assert_eq!(get("x-ratelimit-reset"), "1001");
    }
}
