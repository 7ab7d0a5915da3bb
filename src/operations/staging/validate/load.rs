//! Twenty users for half a minute: how long they wait, how often they are let down, and what it
//! takes out of the machine.
//!
//! Each user asks, waits for the answer, pauses, and asks the next thing (a closed loop), no faster
//! together than the key's rate allows: what is measured is the engine and not its rate limit.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::future::join_all;
use serde_json::{Value, json};

use super::asking::{promised, refused_rightly, retry_after};
use super::{Check, Latency, ROOM, Run, Verdict};
use svgx_base::budget::{Class, Clock as _, Monotonic, Time};
use svgx_base::duration;
use svgx_controller::spec::Spec;

/// What a user does between two requests.
const PAUSE: Duration = Duration::from_millis(100);
/// The part of the announced rate that is used.
const SHARE: f64 = 0.8;
const CLASSES: [Class; 3] = [Class::Ui, Class::Redraw, Class::Physics];

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Loaded {
    /// Seconds each answer took, by class, as they are judged.
    times: [Vec<f64>; 3],
    /// The same, as the engine says.
    within: [Vec<f64>; 3],
    asked: u64,
    good: u64,
    /// Refusals with the time to come back: the engine protects what it has promised others.
    turned_away: u64,
    /// Other answers of 5xx, and none at all.
    errors: u64,
    /// Answers that are neither, by status: shown when something fails.
    wrong: Vec<u16>,
    /// Resident bytes and processor share, once a second.
    samples: Vec<(f64, f64)>,
}

impl Loaded {
    fn add(&mut self, other: Loaded) {
        for (all, more) in self.times.iter_mut().zip(other.times) {
            all.extend(more);
        }
        for (all, more) in self.within.iter_mut().zip(other.within) {
            all.extend(more);
        }
        self.asked += other.asked;
        self.good += other.good;
        self.turned_away += other.turned_away;
        self.errors += other.errors;
        self.wrong.extend(other.wrong);
        self.samples.extend(other.samples);
    }
}

/// Hands out times to ask at, so many a minute.
struct Pacer {
    /// Nanoseconds between two requests; 0: as they come.
    each: u64,
    next: AtomicU64,
}

impl Pacer {
    fn new(per_minute: Option<f64>) -> Pacer {
        let each = per_minute.filter(|p| *p > 0.0).map_or(0, |p| (60e9 / (p * SHARE)) as u64);
        Pacer { each, next: AtomicU64::new(0) }
    }

    /// How long to wait before asking.
    fn wait(&self, now: Time) -> Duration {
        let slot = |next: u64| next.max(now.0) + self.each;
        let mine = self.next.fetch_update(Ordering::AcqRel, Ordering::Acquire, |n| Some(slot(n)));
        let mine = mine.unwrap_or(now.0).max(now.0);
        Duration::from_nanos(mine - now.0)
    }
}

/// Lets the users loose.
pub(super) async fn run(run: &Run<'_>) -> Loaded {
    let clock = Monotonic::new();
    let rate = |path: &'static str, body: Value| async move {
        let reply = run.post(path, &body).await.ok()?;
        reply.header("x-ratelimit-limit")?.parse::<f64>().ok()
    };
    let ui = Pacer::new(rate("precision", json!({ "level": "ui", "coordinates": [1, 1] })).await);
    let rest = Pacer::new(rate("parse", json!({ "content": ROOM })).await);
    let begun = clock.now();
    let end = begun.after(run.options.duration);
    let users =
        join_all((0..run.options.users.max(1)).map(|n| user(run, n, &clock, end, [&ui, &rest])));
    let (all, samples) = futures::join!(users, sample(run, &clock, end));
    let mut loaded = Loaded { samples, ..Loaded::default() };
    all.into_iter().for_each(|one| loaded.add(one));
    loaded
}

async fn user(
    run: &Run<'_>,
    n: usize,
    clock: &Monotonic,
    end: Time,
    [ui, rest]: [&Pacer; 2],
) -> Loaded {
    let mut seen = Loaded::default();
    let session = format!("{}-{n}", run.session);
    let mut step = n;
    while clock.now() < end {
        let class = step % CLASSES.len();
        step += 1;
        let (path, body) = match CLASSES.get(class) {
            Some(Class::Ui) => ("interactive", click(&session, seen.times[0].is_empty())),
            Some(Class::Redraw) => ("compile/svg", json!({ "content": ROOM })),
            _ => ("simulate", json!({ "content": ROOM })),
        };
        let pace = if class == 0 { ui } else { rest };
        tokio::time::sleep(pace.wait(clock.now())).await;
        // Every trace of this run begins alike, and so can be found again.
        let tail = getrandom::u64().unwrap_or(step as u64) | 1;
        let trace = format!("{}{tail:016x}", run.trace.get(..16).unwrap_or_default());
        let parent = format!("00-{trace}-00f067aa0ba902b7-01");
        let headers = [("content-type", "application/json"), ("traceparent", parent.as_str())];
        seen.asked += 1;
        match run.client.send(reqwest::Method::POST, path, &headers, body.to_string().into()).await
        {
            Ok(reply) if reply.status == 200 => {
                seen.good += 1;
                let engine = reply
                    .header("x-response-time")
                    .and_then(|v| v.strip_suffix("ms")?.parse::<f64>().ok().map(|ms| ms / 1e3));
                let client = reply.took.as_secs_f64();
                let judged = match run.options.latency {
                    Latency::Client => client,
                    Latency::Engine => engine.unwrap_or(client),
                };
                seen.times[class].push(judged);
                seen.within[class].extend(engine);
            }
            // The work will be done, and is told where: it is not timed.
            Ok(reply) if promised(&reply) => seen.good += 1,
            Ok(reply) if refused_rightly(&reply) => {
                seen.turned_away += 1;
                let wait = retry_after(&reply).unwrap_or_default();
                tokio::time::sleep(wait.min(end.since(clock.now()))).await;
            }
            Ok(reply) => {
                seen.errors += u64::from(reply.status >= 500);
                seen.wrong.push(reply.status);
            }
            Err(_) => {
                seen.errors += 1;
                seen.wrong.push(0);
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
    seen
}

/// A click on the lamp of a room of one's own, which is loaded first.
fn click(session: &str, first: bool) -> Value {
    let mut body = json!({ "operation": "click", "element_id": "lf01_box", "session": session });
    if first {
        body["content"] = ROOM.into();
    }
    body
}

/// Looks at the process once a second, through its own metrics.
async fn sample(run: &Run<'_>, clock: &Monotonic, end: Time) -> Vec<(f64, f64)> {
    let mut samples = Vec::new();
    while clock.now() < end {
        let reply = run.client.get("metrics", &[("accept", "text/plain")]).await;
        if let Ok(reply) = reply {
            let text = reply.text();
            let (memory, cpu) = (
                sum(&text, "process_memory_usage_bytes"),
                sum(&text, "process_cpu_utilization_ratio"),
            );
            if let (Some(memory), Some(cpu)) = (memory, cpu) {
                samples.push((memory, cpu));
            }
        }
        let rest = end.since(clock.now());
        tokio::time::sleep(rest.min(Duration::from_secs(1))).await;
    }
    samples
}

/// The sum of a metric over its labels; `None` where it is not there.
fn sum(text: &str, metric: &str) -> Option<f64> {
    let values = text.lines().filter_map(|line| {
        let rest = line.strip_prefix(metric)?;
        // Another metric whose name goes on.
        if !rest.starts_with(['{', ' ']) {
            return None;
        }
        rest.rsplit(' ').next()?.parse::<f64>().ok()
    });
    values.fold(None, |sum, value| Some(sum.unwrap_or(0.0) + value))
}

/// What is promised of it.
pub(super) fn judge(run: &Run<'_>, loaded: &Loaded) -> Vec<Check> {
    let mut checks: Vec<Check> = CLASSES
        .iter()
        .zip(loaded.times.iter().zip(&loaded.within))
        .map(|(class, (times, within))| {
            let mut check = latency(run.spec, *class, times);
            if check.verdict == Verdict::Failed && run.options.latency == Latency::Client {
                check.detail.extend(elsewhere(run.spec, *class, within));
            }
            check
        })
        .collect();
    // Who was told to come back later, and when, has not been failed.
    let heard = loaded.asked - loaded.turned_away;
    let share = |n: u64| 100.0 * n as f64 / heard.max(1) as f64;

    let mut success = Check::new("success", "Requests that are not told to come back succeed");
    success.note("requests", loaded.asked as f64, "");
    success.note("told to come back", loaded.turned_away as f64, "");
    success.at_least("succeeded", share(loaded.good), " %", 99.5);
    if loaded.good < heard {
        let mut statuses = loaded.wrong.clone();
        statuses.sort_unstable();
        statuses.dedup();
        success.detail.push(format!("answers other than 200 or 202 (0: none): {statuses:?}"));
    }
    let mut errors = Check::new("errors", "Few requests end in an error of the service");
    errors.at_most("errors", share(loaded.errors), " %", 1.0);
    checks.extend([success, errors]);
    checks.extend(resources(run.spec, &loaded.samples));
    checks
}

fn latency(spec: &Spec, class: Class, times: &[f64]) -> Check {
    let id = match class {
        Class::Ui => "latency-ui",
        Class::Redraw => "latency-redraw",
        _ => "latency-physics",
    };
    let mut check =
        Check::new(id, format!("Answers of the class {class} keep within their budget"));
    let Some(objective) = spec.objective(class) else {
        return check.skipped("no objective");
    };
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    let target = objective.target.as_f64();
    if sorted.is_empty() {
        check.fail("no answer to judge");
        return check;
    }
    check.note("answers", sorted.len() as f64, "");
    check.note("p50", quantile(&sorted, 0.5) * 1e3, " ms");
    let budget = objective.threshold.as_f64() * 1e3;
    check.at_most("p95", quantile(&sorted, target) * 1e3, " ms", budget);
    check.note("p99", quantile(&sorted, 0.99) * 1e3, " ms");
    check
}

/// Where the time went, if the engine itself was in time: on the way, or in waiting for a processor
/// of the machine that asks.
fn elsewhere(spec: &Spec, class: Class, within: &[f64]) -> Option<String> {
    let objective = spec.objective(class)?;
    let mut sorted = within.to_vec();
    sorted.sort_by(f64::total_cmp);
    let p95 = quantile(&sorted, objective.target.as_f64());
    (p95 <= objective.threshold.as_f64()).then(|| {
        format!(
            "the engine says p95 {}, which is in time: the rest went on the way, or on a busy \
             machine here; --latency-at engine judges the engine alone",
            duration::short(p95)
        )
    })
}

/// The smallest value that at least the share `q` of all is not above.
fn quantile(sorted: &[f64], q: f64) -> f64 {
    let rank = (q * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.clamp(1, sorted.len().max(1)) - 1).copied().unwrap_or(f64::NAN)
}

fn resources(spec: &Spec, samples: &[(f64, f64)]) -> [Check; 2] {
    let bound = |slo: &str| {
        let objective = spec.slo(slo).and_then(|s| s.spec.objectives.first());
        objective.and_then(|o| o.value.as_ref()).map(|v| v.as_f64())
    };
    let mut memory = Check::new("memory", "Memory stays below its limit under load");
    let mut cpu = Check::new("cpu", "The processors are not used up under load");
    for (check, limit) in [(&mut memory, bound("svgx-memory")), (&mut cpu, bound("svgx-cpu"))] {
        if samples.is_empty() || limit.is_none() {
            check.fail("the metrics of the process could not be read");
        }
    }
    if let (Some(bytes), Some(share), false) =
        (bound("svgx-memory"), bound("svgx-cpu"), samples.is_empty())
    {
        let peak = samples.iter().map(|s| s.0).fold(0.0, f64::max);
        let mean = samples.iter().map(|s| s.1).sum::<f64>() / samples.len() as f64;
        memory.at_most("peak", peak / 1e6, " MB", bytes / 1e6);
        cpu.at_most("mean", mean * 100.0, " %", share * 100.0);
    }
    [memory, cpu]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_a_value_that_was_seen() {
        let all: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!(
            (quantile(&all, 0.95), quantile(&all, 0.5), quantile(&all, 1.0)),
            (95.0, 50.0, 100.0)
        );
        assert_eq!(quantile(&[7.0], 0.95), 7.0);
    }

    #[test]
    fn a_pace_keeps_the_rate_whoever_asks() {
        let pace = Pacer::new(Some(60.0 / SHARE));
        let waits: Vec<u64> = (0..3).map(|_| pace.wait(Time(0)).as_millis() as u64).collect();
        assert_eq!(waits, [0, 1000, 2000]);
        assert_eq!(Pacer::new(None).wait(Time(5)), Duration::ZERO);
    }

    #[test]
    fn a_metric_is_summed_over_its_labels_only() {
        let text = "# HELP a b\na{x=\"1\"} 0.25\na{x=\"2\"} 0.5\na_total 9\n";
        assert_eq!(sum(text, "a"), Some(0.75));
        assert_eq!(sum(text, "b"), None);
    }
}
