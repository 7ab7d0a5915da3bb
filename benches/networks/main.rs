//! Networks against EPANET, OpenDSS, pandapower, PyNite, OpenSees and ngspice: the same
//! networks, compared for equal answers before times are compared, ratios in one run.
//!
//! `cargo bench -p svgx-networks --bench networks`; `-- --compare` compares answers of small
//! networks and days of some in time (`--events` tells what their controls did), and takes no times; `-- --only-ours` takes ours alone, `--only NAME --row WHAT` some,
//! for a profiler.
//!
//! The peers run in a child process (`tests/networks-peers/peers.py`), each on one core, from an
//! environment that `tests/networks-peers.sh` makes. What cannot be had is skipped with its
//! reason. A ratio is their time by ours, equal answers as the condition.
//!
//! | row | ours | theirs |
//! |---|---|---|
//! | `cold`, `build` | quantities looked at, order, factor, solution; the network as types is given | EPANET: `openH`, `initH`, `runH` of a project in memory; pandapower: `runpp`; ngspice: `op`, the start of the process taken off; PyNite: `analyze_linear`; OpenSees: the first `analyze` |
//! | `after`, `load`, `line`, `speed` | one quantity set, solved again from the last solution | EPANET: warm flows; OpenDSS: its matrix kept as far as it does; pandapower: from its results; ngspice: `alter`, `op`; OpenSees: `updateParameter`, `analyze`; PyNite: all again |
//! | `files` | as `after` | EPANET: a project from its file, `openH`, `initH`, `runH` |
//!
//! Reading a drawing is in none of ours, reading a file in `files` only. A peer's time has the
//! calls from Python in it, which are below a microsecond but for pandapower and PyNite, that
//! are Python. `limit` is a time that is to be kept, whatever the peers take. All of us take turns, twice, and
//! the better time of each counts: a shared machine is slower for a minute, which hit one side alone.

mod cases;
mod days;
mod measured;
mod published;

use std::process::{Command, ExitCode};
use std::time::Instant;

use serde_json::Value;
use svgx_base::budget::{Budget, Class, Tier};

use measured::{balanced, building, mesh, moment_frame, published as feeder, rooms, water};

/// Ratios that are to be reached.
struct Target {
    what: &'static str,
    peer: &'static str,
    /// The name of the peer's time.
    time: &'static str,
    at_least: f64,
}

const fn target(
    what: &'static str,
    peer: &'static str,
    time: &'static str,
    at_least: f64,
) -> Target {
    Target { what, peer, time, at_least }
}

/// A time to be kept, ms.
const fn limit(what: &'static str, milliseconds: f64) -> Target {
    target(what, LIMIT, what, milliseconds)
}

/// The peer of targets that are times, not ratios.
const LIMIT: &str = "limit";

/// One network: what the peers get, our answers before and after the edit, and our times.
struct Case {
    name: &'static str,
    json: Value,
    first: Vec<f64>,
    after: Vec<f64>,
    /// Which of the peer's values are compared: from, how many, how near.
    compared: Vec<(usize, usize, f64)>,
    /// Ours, in microseconds.
    times: Vec<(&'static str, f64)>,
    targets: Vec<Target>,
}

/// How often ours and theirs are timed in turn.
const ROUNDS: usize = 2;

fn budget() -> Budget {
    Budget::unlimited(Class::Batch, Tier::Compute)
}

/// `value` times something between 0.7 and 1.3 that never repeats: nothing is remembered.
fn varied(value: f64, k: usize) -> f64 {
    value * (0.7 + 0.6 * ((k + 1) as f64 * 0.618_033_988_749_894_9).fract())
}

/// Median microseconds of what fits into a part of a second.
fn median(mut run: impl FnMut(usize)) -> f64 {
    median_of(|_| (), |k, ()| run(k))
}

/// The same of what takes something that is made before and dropped after, off the clock: its
/// own copy of a network, which it would have from reading.
#[allow(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn median_of<T, D>(mut make: impl FnMut(usize) -> T, mut run: impl FnMut(usize, T) -> D) -> f64 {
    let begun = Instant::now();
    let mut times = Vec::new();
    while times.len() < 5 || (times.len() < 2000 && begun.elapsed().as_secs_f64() < 0.5) {
        let made = make(times.len());
        let start = Instant::now();
        let left = run(times.len(), made);
        let took = start.elapsed().as_secs_f64() * 1e6;
        drop(left);
        times.push(took);
    }
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// What follows an argument.
fn after(argument: &str) -> Option<String> {
    std::env::args().skip_while(|a| a != argument).nth(1)
}

/// Whether a time is to be taken: all are, but for a profiler.
fn is_wanted(what: &str) -> bool {
    after("--row").is_none_or(|row| row == what)
}

#[derive(Clone, Copy)]
struct Options {
    times: bool,
}

/// Small networks of every kind, for their answers.
fn small() -> Vec<Case> {
    let with = Options { times: false };
    vec![
        water("cold water, 5 floors", cases::cold_water(5), with, vec![]),
        water("heating, 40 radiators", cases::heating(5, 8), with, vec![]),
        water("streets, 12 x 12", cases::streets(12, 12), with, vec![]),
        water("Net3", published::net3(), with, vec![]),
        feeder("IEEE 123", &published::ieee123(), with, vec![]),
        building("building, 100 lines", 20, 100, with, vec![]),
        balanced("one phase of a building", with, vec![]),
        mesh("resistors, 12 x 12", cases::mesh(12, 12, 1), with, vec![]),
        moment_frame(
            "frame, 99 members",
            cases::moment_frame(5, 9),
            with,
            &["pynite", "opensees"],
            vec![],
        ),
    ]
}

/// Networks of a size, of which those are made whose name contains a text.
fn large(some: &str) -> Vec<Case> {
    const WITH: Options = Options { times: true };
    let all: Vec<(&'static str, Made)> = vec![
        ("cold water, 20 floors", &|name| {
            water(
                name,
                cases::cold_water(20),
                WITH,
                vec![
                    target("cold", "epanet", "cold", 1.3),
                    target("after", "epanet", "after", 4.0),
                    target("after", "epanet", "files", 25.0),
                    limit("cold", 4.0),
                    limit("after", 0.25),
                ],
            )
        }),
        ("heating, 320 radiators", &|name| {
            water(
                name,
                cases::heating(20, 16),
                WITH,
                vec![
                    target("cold", "epanet", "cold", 1.3),
                    target("after", "epanet", "after", 4.0),
                    target("after", "epanet", "files", 25.0),
                    target("speed", "epanet", "speed", 2.0),
                    limit("cold", 4.0),
                    limit("after", 0.25),
                ],
            )
        }),
        ("streets, 968 pipes", &|name| {
            water(
                name,
                cases::streets(22, 23),
                WITH,
                vec![
                    target("cold", "epanet", "cold", 2.5),
                    target("after", "epanet", "after", 3.5),
                ],
            )
        }),
        ("streets, 9 939 pipes", &|name| {
            water(
                name,
                cases::streets(70, 72),
                WITH,
                vec![
                    target("cold", "epanet", "cold", 8.0),
                    target("after", "epanet", "after", 6.0),
                    limit("cold", 100.0),
                    limit("after", 5.0),
                ],
            )
        }),
        ("Net3", &|name| {
            water(
                name,
                published::net3(),
                WITH,
                vec![
                    target("cold", "epanet", "cold", 1.0),
                    target("speed", "epanet", "speed", 2.0),
                ],
            )
        }),
        ("IEEE 123", &|name| {
            feeder(
                name,
                &published::ieee123(),
                WITH,
                vec![
                    target("load", "opendss", "load", 4.0),
                    target("line", "opendss", "line", 3.0),
                ],
            )
        }),
        ("building, 1 000 lines", &|name| {
            building(
                name,
                100,
                1000,
                WITH,
                vec![
                    target("load", "opendss", "load", 8.0),
                    target("line", "opendss", "line", 8.0),
                    limit("build", 4.0),
                    limit("load", 0.25),
                ],
            )
        }),
        ("building, 10 000 lines", &|name| {
            building(
                name,
                1000,
                10_000,
                WITH,
                vec![
                    target("load", "opendss", "load", 8.0),
                    target("line", "opendss", "line", 8.0),
                    limit("build", 100.0),
                    limit("load", 5.0),
                ],
            )
        }),
        ("one phase, 1 000 lines", &|name| {
            balanced(
                name,
                WITH,
                vec![
                    target("cold", "pandapower", "cold", 50.0),
                    target("after", "pandapower", "after", 300.0),
                ],
            )
        }),
        ("resistors, 967", &|name| {
            mesh(
                name,
                cases::mesh(22, 23, 60),
                WITH,
                vec![
                    target("cold", "ngspice", "cold", 12.0),
                    target("after", "ngspice", "after", 200.0),
                ],
            )
        }),
        ("heat, 1 000 rooms, a day", &|name| {
            rooms(name, vec![target("cold", "ngspice", "cold", 25.0)])
        }),
        ("frame, 990 members", &|name| {
            moment_frame(
                name,
                cases::moment_frame(16, 30),
                WITH,
                &["pynite", "opensees"],
                vec![
                    target("cold", "pynite", "cold", 250.0),
                    target("after", "pynite", "after", 4000.0),
                    target("cold", "opensees", "cold", 1.3),
                    target("after", "opensees", "after", 8.0),
                    limit("cold", 4.0),
                    limit("after", 0.25),
                ],
            )
        }),
        ("frame, 9 999 members", &|name| {
            moment_frame(
                name,
                cases::moment_frame(50, 99),
                WITH,
                &["opensees"],
                vec![
                    target("after", "opensees", "after", 10.0),
                    limit("cold", 100.0),
                    limit("after", 5.0),
                ],
            )
        }),
    ];
    let all = all.into_iter().filter(|(name, _)| name.contains(some));
    all.map(|(name, make)| make(name)).collect()
}

/// Makes a network of a name, and takes our times.
type Made = &'static dyn Fn(&'static str) -> Case;

/// What peers answer to cases, or why there are none.
fn ask(cases: &[Case]) -> Result<Vec<Value>, String> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let found = Command::new("bash")
        .args(["tests/networks-peers.sh", "--python"])
        .current_dir(root)
        .output()
        .map_err(|e| e.to_string())?;
    let text = String::from_utf8_lossy(&found.stdout);
    let python = text.lines().last().unwrap_or_default().to_owned();
    if !found.status.success() {
        return Err(python);
    }
    let file = std::env::temp_dir().join(format!("svgx-networks-{}.json", std::process::id()));
    let list: Vec<&Value> = cases.iter().map(|c| &c.json).collect();
    let written = serde_json::to_vec(&list).map_err(|e| e.to_string())?;
    std::fs::write(&file, written).map_err(|e| e.to_string())?;
    let done = Command::new(python)
        .arg("tests/networks-peers/peers.py")
        .arg(&file)
        .current_dir(root)
        .env("OMP_NUM_THREADS", "1")
        .env("OPENBLAS_NUM_THREADS", "1")
        .output();
    let _ = std::fs::remove_file(&file);
    let done = done.map_err(|e| e.to_string())?;
    serde_json::from_slice(&done.stdout).map_err(|_| {
        let errors = String::from_utf8_lossy(&done.stderr);
        errors.lines().last().unwrap_or("they answered nothing").to_owned()
    })
}

/// Keeps the better of two times of each of our rows.
fn better(cases: &mut [Case], again: &[Case]) {
    for (case, again) in cases.iter_mut().zip(again) {
        for ((_, time), (_, other)) in case.times.iter_mut().zip(&again.times) {
            *time = time.min(*other);
        }
    }
}

/// The same of theirs: what is a number is a time.
fn better_of_peers(answers: &mut [Value], again: &[Value]) {
    for (case, again) in answers.iter_mut().zip(again) {
        for (peer, answer) in case.as_object_mut().into_iter().flatten() {
            for (name, value) in answer.as_object_mut().into_iter().flatten() {
                if let (Some(time), Some(other)) = (value.as_f64(), again[peer][name].as_f64()) {
                    *value = time.min(other).into();
                }
            }
        }
    }
}

fn numbers(value: &Value) -> Vec<f64> {
    let list = value.as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter().map(|v| v.as_f64().unwrap_or(f64::NAN)).collect()
}

/// The largest differences of a peer's answers from ours by what is allowed, of each kind.
fn apart(case: &Case, answer: &Value) -> f64 {
    let after = answer.get("answers_after").unwrap_or(&answer["after"]);
    let mut worst = 0.0f64;
    for (ours, theirs) in [(&case.first, numbers(&answer["first"])), (&case.after, numbers(after))]
    {
        if ours.len() != theirs.len() {
            return f64::INFINITY;
        }
        for &(from, count, near) in &case.compared {
            for k in from..from + count {
                let off = (ours[k] - theirs[k]).abs() / near;
                worst = if off.is_nan() { f64::INFINITY } else { worst.max(off) };
            }
        }
    }
    worst
}

const fn verdict(met: bool) -> &'static str {
    if met { "met" } else { "MISSED" }
}

fn main() -> ExitCode {
    let has = |name: &str| std::env::args().any(|a| a == name);
    let compare = has("--compare");
    let some = after("--only").unwrap_or_default();
    let mut cases = if compare { small() } else { large(&some) };
    if compare {
        cases.extend(days::days());
        cases.retain(|case| case.name.contains(&some));
    }
    let mut answers = if has("--only-ours") { Err(String::new()) } else { ask(&cases) };
    if let (false, Ok(answers)) = (compare, &mut answers) {
        for _ in 1..ROUNDS {
            better(&mut cases, &large(&some));
            if let Ok(again) = ask(&cases) {
                better_of_peers(answers, &again);
            }
        }
    }
    for case in cases.iter().filter(|c| !c.times.is_empty()) {
        let times = case.times.iter().map(|(what, t)| format!("{what} {t:.1} us"));
        println!("{:<26} ours: {}", case.name, times.collect::<Vec<_>>().join(", "));
    }
    let (mut asked, mut equal, mut reached, mut wanted) = (0, 0, 0, 0);
    for case in &cases {
        for t in case.targets.iter().filter(|t| t.peer == LIMIT) {
            let Some((_, ours)) = case.times.iter().find(|(what, _)| *what == t.what) else {
                continue;
            };
            let (ours, met) = (ours / 1e3, ours / 1e3 <= t.at_least);
            wanted += 1;
            reached += usize::from(met);
            println!(
                "{:<26} {:<11} {:<6} {ours:>10.3} ms, target {:>6} ms  {}",
                case.name,
                t.peer,
                t.what,
                t.at_least,
                verdict(met),
            );
        }
    }
    if has("--only-ours") {
        return ExitCode::SUCCESS;
    }
    let answers = match answers {
        Ok(answers) => answers,
        Err(reason) => {
            println!("no peers: {reason}");
            return ExitCode::from(77);
        }
    };
    for (case, answers) in cases.iter().zip(&answers) {
        let peers = answers.as_object().into_iter().flatten();
        for (peer, answer) in peers {
            if let Some(reason) = answer["skip"].as_str() {
                println!("{:<26} {peer:<11} skipped: {reason}", case.name);
                continue;
            }
            asked += 1;
            if peer == days::PEER {
                equal += usize::from(days::compare(case.name, answer));
                continue;
            }
            let apart = apart(case, answer);
            let same = apart <= 1.0;
            equal += usize::from(same);
            let how = if same { "equal" } else { "DIFFERENT" };
            println!("{:<26} {peer:<11} {how}: {apart:.2} of what is allowed", case.name);
            for t in case.targets.iter().filter(|t| t.peer == peer.as_str() && same) {
                let ours = case.times.iter().find(|(what, _)| *what == t.what);
                let (Some(&(_, ours)), Some(theirs)) = (ours, answer[t.time].as_f64()) else {
                    continue;
                };
                let ratio = theirs / ours;
                wanted += 1;
                reached += usize::from(ratio >= t.at_least);
                println!(
                    "{:<26} {peer:<11} {:<6} {ours:>10.1} us, {:<6} {theirs:>11.1} us: {ratio:>8.1} times, target {:>6}  {}",
                    case.name,
                    t.what,
                    t.time,
                    t.at_least,
                    verdict(ratio >= t.at_least),
                );
            }
        }
    }
    println!("{equal} of {asked} answers are equal; {reached} of {wanted} targets are reached");
    match (asked, equal == asked) {
        (0, _) => ExitCode::from(77),
        (_, true) => ExitCode::SUCCESS,
        (_, false) => ExitCode::FAILURE,
    }
}
