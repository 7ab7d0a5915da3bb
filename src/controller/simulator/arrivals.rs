//! The requests of a run: who comes when, and what the work would really cost.

use super::rng::Rng;
use super::scenario::{FaultKind, Scenario, Stream};
use svgx_base::budget::Class;

/// Nanoseconds of a second.
pub(super) const SECOND: f64 = 1e9;

/// One request as the world knows it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Arrival {
    /// Nanoseconds after the start.
    pub at: u64,
    /// The class.
    pub class: Class,
    /// Index of its stream.
    pub stream: u16,
    /// The size it declares.
    pub size: u64,
    /// Who asks.
    pub tenant: u64,
    /// Its session.
    pub session: u64,
    /// Processor nanoseconds it would really take at tier compute.
    pub cost: f64,
    /// Nanoseconds for which it holds the one lock, without using a processor.
    pub locked: u64,
}

/// Requests of one lone client at the most.
const LONE_MOST: usize = 20_000;

/// Every request of a run, in order; those of a lone
/// client at its end, without a time. The same for every controller.
pub fn arrivals(scenario: &Scenario, seed: u64) -> Vec<Arrival> {
    let mut all = Vec::new();
    for (index, stream) in (0u16..).zip(&scenario.streams) {
        let mut rng = Rng::new(seed, u64::from(index));
        if let Some(lone) = stream.lone {
            // Each comes when the one before is answered; their costs are those of its start.
            all.extend((0..LONE_MOST).map(|_| Arrival {
                at: u64::MAX,
                ..arrival(scenario, stream, index, lone.from, &mut rng)
            }));
            continue;
        }
        let peak = stream.rate * f64::from(scenario.replicas) * stream.shape.most();
        if peak <= 0.0 {
            continue;
        }
        let mut t = 0.0;
        loop {
            // Thinning of a Poisson process (Lewis and Shedler, 1979).
            t += rng.exponential() / peak;
            if t >= scenario.seconds {
                break;
            }
            if rng.unit() * stream.shape.most() < stream.shape.at(t) {
                all.push(arrival(scenario, stream, index, t, &mut rng));
            }
        }
    }
    all.sort_by_key(|arrival| (arrival.at, arrival.stream));
    all
}

fn arrival(scenario: &Scenario, stream: &Stream, index: u16, t: f64, rng: &mut Rng) -> Arrival {
    let scale = match stream.range {
        Some([least, most]) => least * libm::pow(most / least, rng.unit()) / stream.size,
        None => rng.lognormal(stream.spread),
    };
    let large = match stream.elephants {
        Some([share, times]) if rng.unit() < share => times,
        _ => 1.0,
    };
    let dear = scenario
        .fault(t, |kind| if let FaultKind::Cost(times) = kind { Some(times) } else { None })
        .unwrap_or(1.0);
    let declared = stream.size * scale * stream.claims * if stream.honest { large } else { 1.0 };
    let tenant = stream.tenant.unwrap_or_else(|| 1 + rng.below(scenario.tenants) as u64);
    // A tenant has ten sessions.
    let session = tenant * 10 + rng.below(10) as u64;
    let lock = scenario.fault(t, |kind| match kind {
        FaultKind::Lock { chance, held } => Some((chance, held)),
        _ => None,
    });
    let locked = match lock {
        Some((chance, held)) if stream.class == Class::Redraw && rng.unit() < chance => {
            (held * 1e6) as u64
        }
        _ => 0,
    };
    let cost = stream.cost * 1e6 * scale * large * dear * rng.lognormal(stream.noise);
    Arrival {
        at: (t * SECOND) as u64,
        class: stream.class,
        stream: index,
        size: (declared as u64).max(1),
        tenant,
        session,
        cost: cost.max(1_000.0),
        locked,
    }
}
