//! A recorded decision log as a scenario: what would have been under another
//! spec, or on other processors?

use std::collections::HashMap;
use std::io::BufRead;

use super::arrivals::Arrival;
use super::engine::tier_cost;
use super::scenario::{Scenario, Stream};
use crate::core::{Event, Header, ReplayError};
use svgx_base::budget::Class;

/// Reads the requests of a log. What a request cost is what it was measured to
/// cost; what was never done costs what it was predicted to.
///
/// # Errors
/// A log that cannot be read, at its line.
pub fn trace(log: impl BufRead) -> Result<(Scenario, Vec<Arrival>), ReplayError> {
    let mut lines = log.lines().zip(1u64..);
    let Some((first, _)) = lines.next() else { return Err(ReplayError::Empty) };
    let first = first.map_err(|source| ReplayError::Io { line: 1, source })?;
    let header: Header =
        serde_json::from_str(&first).map_err(|source| ReplayError::Line { line: 1, source })?;
    let mut streams: Vec<Stream> = Vec::new();
    let mut arrivals: Vec<Arrival> = Vec::new();
    let mut jobs = HashMap::new();
    let mut start = None;
    for (line, number) in lines {
        let line = line.map_err(|source| ReplayError::Io { line: number, source })?;
        let event: Event<'_> = serde_json::from_str(&line)
            .map_err(|source| ReplayError::Line { line: number, source })?;
        match event {
            Event::Arrive { at, request, decision } => {
                let start = *start.get_or_insert(at.0);
                let known = streams
                    .iter()
                    .position(|s| s.class == request.class && s.operation == request.operation);
                let stream = known.unwrap_or_else(|| {
                    streams.push(stream(request.class, request.operation));
                    streams.len() - 1
                });
                let cost = decision.cost as f64 / tier_cost(request.class, decision.tier);
                if let Some(job) = decision.job {
                    jobs.insert(job, (arrivals.len(), decision.tier));
                }
                arrivals.push(Arrival {
                    at: at.0.saturating_sub(start),
                    class: request.class,
                    stream: u16::try_from(stream).unwrap_or(u16::MAX),
                    size: request.size,
                    tenant: request.tenant.0,
                    session: request.session.0,
                    cost: cost.max(1_000.0),
                    locked: 0,
                });
            }
            Event::Finish { job, cost, .. } if cost.cpu > 0 => {
                if let Some((index, tier)) = jobs.remove(&job)
                    && let Some(arrival) = arrivals.get_mut(index)
                {
                    let cpu = cost.cpu as f64;
                    arrival.cost = cpu / tier_cost(arrival.class, tier);
                }
            }
            _ => {}
        }
    }
    arrivals.sort_by_key(|arrival| arrival.at);
    let seconds = arrivals.last().map_or(1.0, |last| last.at as f64 / 1e9 + 1.0);
    let scenario = Scenario {
        name: "log".to_owned(),
        about: "the requests of a decision log".to_owned(),
        seconds,
        judge: [0.0, seconds],
        cores: header.cores,
        streams,
        ..Scenario::default()
    };
    Ok((scenario, arrivals))
}

fn stream(class: Class, operation: &str) -> Stream {
    Stream { operation: operation.to_owned(), ..Stream::of(class) }
}
