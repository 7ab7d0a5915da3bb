//! The controller and Prometheus look at the same requests and say the same burn rate.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use svgx_base::budget::{Class, Time};
use svgx_controller::core::{Cost, Lane, Mode, Next, Outcome, Sensors, Status};
use svgx_controller::spec::Spec;
use svgx_controller::{Controller, Request};

const SECOND: u64 = 1_000_000_000;
/// Prometheus' samples; windows are multiples of it, so that `rate` need not extrapolate.
const SCRAPE: u64 = 10;
/// A quarter of an hour more than the longest window both have.
const LENGTH: u64 = 4_500;

/// A request: when it was answered and how long it took, in nanoseconds.
struct Answer {
    class: Class,
    at: u64,
    took: u64,
}

/// An hour and a quarter of traffic with good and bad times, the same on every run. Every
/// seventh answer takes its budget exactly.
fn traffic(spec: &Spec) -> Vec<Answer> {
    let mut state = 7u64;
    let mut random = move || {
        // Knuth's multiplier; the upper bits are good enough for made-up traffic.
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    let mut all = Vec::new();
    for second in 1..LENGTH {
        for objective in &spec.objectives {
            // Busy and quiet minutes, with pauses in which nothing comes.
            let wave = second / 60 % 7;
            if wave == 5 && objective.class != Class::Ui {
                continue;
            }
            for n in 0..=random() % (1 + wave) {
                let budget = u64::try_from(objective.budget.as_nanos()).expect("a short budget");
                let bad = random() % 100 < if second / 300 % 3 == 1 { 30 } else { 4 };
                let took = match random() % 7 {
                    0 => budget,
                    _ if bad => budget + 1 + random() % budget,
                    _ => 1 + random() % budget,
                };
                // Inside the second, after the request could have begun.
                let at = second * SECOND + 250_000_000 + n * 1_000_000;
                all.push(Answer { class: objective.class, at, took });
            }
        }
    }
    all
}

/// The state of a controller that sees `answers`, at each of `ends` in seconds.
fn controlled(spec: &Spec, answers: &[Answer], ends: &[u64]) -> Vec<Status> {
    let mut controller = Controller::new(spec, 64.0, 1);
    controller.set_mode(Mode::Off);
    let mut events: Vec<(u64, u8, usize)> = Vec::new();
    for (index, answer) in answers.iter().enumerate() {
        events.push((answer.at - answer.took, 0, index));
        events.push((answer.at, 1, index));
    }
    // Just before the second begins: its slots and Prometheus' samples then cover the same time.
    events.extend(ends.iter().map(|end| (end * SECOND - 1, 2, 0)));
    events.sort_unstable();
    let mut seen = Vec::new();
    let (mut jobs, mut tick) = (BTreeMap::new(), 0);
    for (at, kind, index) in events {
        while tick <= at {
            controller.tick(Time(tick), Some(Sensors { cores: 64.0 }));
            tick += SECOND;
        }
        let answer = &answers[index];
        if kind == 2 {
            controller.tick(Time(at), Some(Sensors { cores: 64.0 }));
            seen.push(controller.status());
        } else if kind == 0 {
            let decision = controller.on_arrival(Time(at), &Request::new(answer.class, "any"));
            let job = decision.job.expect("a controller that is off lets everything in");
            assert!(controller.on_ready(Time(at), job));
            while let Next::Run(_) | Next::Drop(..) =
                controller.next(Time(at), Lane::of(answer.class))
            {}
            jobs.insert(index, job);
        } else if let Some(job) = jobs.remove(&index) {
            let cost = Cost { cpu: 1_000, ran: 1_000 };
            controller.on_finish(Time(at), job, cost, Outcome::Done).expect("it was known");
        }
    }
    seen
}

/// The same answers as Prometheus would have scraped them.
fn scraped(spec: &Spec, answers: &[Answer]) -> String {
    let mut out = String::new();
    for objective in &spec.objectives {
        let of: Vec<&Answer> = answers.iter().filter(|a| a.class == objective.class).collect();
        let edge = objective.threshold.to_string();
        let budget = objective.threshold.as_f64();
        let labels = format!("job=\"svgx-engine\",svgx_budget_class=\"{}\"", objective.class);
        let good = |a: &Answer| a.took as f64 / 1e9 <= budget;
        let series = |name: &str, labels: &str, counted: &dyn Fn(&Answer) -> bool| {
            let values: Vec<String> = (0..=LENGTH / SCRAPE)
                .map(|n| of.iter().filter(|a| a.at < n * SCRAPE * SECOND && counted(a)).count())
                .map(|n| n.to_string())
                .collect();
            format!(
                "      - series: '{name}{{{labels}}}'\n        values: '{}'\n",
                values.join(" ")
            )
        };
        let metric = "svgx_operation_duration_seconds";
        let inside = format!("{labels},le=\"{edge}\"");
        out += &series(&format!("{metric}_bucket"), &inside, &good);
        out += &series(&format!("{metric}_count"), &labels, &|_| true);
    }
    out
}

#[test]
fn the_controller_and_prometheus_compute_the_same_burn_rate() {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let spec = Spec::embedded().unwrap_or_else(|e| panic!("{e}"));
    let answers = traffic(&spec);
    let mut expected = String::new();
    let mut compared = 0;
    let ends = [1_200, 2_400, 3_600, 3_900, 4_200, 4_500];
    for (end, status) in ends.into_iter().zip(controlled(&spec, &answers, &ends)) {
        for (class, objective) in status.classes.iter().zip(&spec.objectives) {
            assert_eq!(class.class, objective.class.as_str());
            for window in class.windows.iter().filter(|w| ["5m", "1h"].contains(&w.window)) {
                // The hour is full from the hour on.
                if window.window == "1h" && end <= 3_600 {
                    continue;
                }
                // The rule rounds the ratio to nine decimals, for reasons of its own.
                let rounded = (1e9 * window.bad_ratio).round() / 1e9;
                let budget = objective.target.complement();
                let burn = rounded / budget.as_f64();
                assert!((burn - window.burn_rate).abs() < 1e-6, "{burn} {}", window.burn_rate);
                let _ = write!(
                    expected,
                    "      - expr: 'slo:sli_error:ratio_rate{}{{slo=\"{}\"}} / {budget}'\n\
                     \x20       eval_time: {end}s\n        exp_samples: [{{labels: '{{service=\"svgx-engine\", slo=\"{}\", window=\"{}\"}}', value: {burn:?}}}]\n",
                    window.window, objective.slo, objective.slo, window.window
                );
                compared += 1;
            }
        }
    }
    assert_eq!(compared, 27);
    let rules: Vec<String> = spec
        .objectives
        .iter()
        .map(|o| root.join(format!("alerts/{}.rules.yaml", o.slo)).display().to_string())
        .collect();
    let test = format!(
        "rule_files: {rules:?}\nevaluation_interval: 30s\ntests:\n  - interval: {SCRAPE}s\n    \
         input_series:\n{}    promql_expr_test:\n{expected}",
        scraped(&spec, &answers)
    );
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("agreement.test.yaml");
    std::fs::write(&file, test).expect("written");
    match Command::new("promtool").args(["test", "rules"]).arg(&file).output() {
        Ok(out) => assert!(
            out.status.success(),
            "{}{}",
            String::from_utf8_lossy(&out.stdout),
            String::from_utf8_lossy(&out.stderr)
        ),
        Err(e) => println!("SKIP: promtool cannot be run here ({e})"),
    }
}
