//! The constraint solver beside `ezpz` on the same sketches, in one run.
//!
//! `cargo bench --bench constraint [-- --quick]`. Four tables: a tick of a drag, a change
//! of structure with its solve, degrees of freedom with redundancy, and how long we work
//! without a look at the budget. Times are CPU time of this thread (Linux), medians of
//! alternated rounds, both sides with the allocator of the service and working from what they
//! keep between calls; ratios above 1 are in our favour.

#[path = "../src/engine/tests/constraint/peer.rs"]
mod peer;

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use peer::Peer;
use svgx_base::budget::{Budget, Class, Gate, Tier};
use svgx_engine::constraint::{Change, Outcome, Problem, Solver};
use svgx_engine::document::Limits;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Both sides solve to this many millimetres (the default of `ezpz` is 1e-8).
const TOLERANCE: f64 = 1e-8;

type Make = fn(usize) -> Problem;

const PROBLEMS: [(&str, Make); 5] = [
    ("grid", peer::grid),
    ("rects", peer::rects),
    ("truss", peer::truss),
    ("linkage", peer::linkage),
    ("circles", peer::circles),
];

/// Nanoseconds of CPU this thread has had.
fn cpu() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Microseconds that `work` takes, over enough calls to be seen.
fn time(calls: usize, mut work: impl FnMut(usize)) -> f64 {
    let began = cpu();
    for i in 0..calls {
        work(i);
    }
    (cpu() - began) as f64 / 1e3 / calls as f64
}

/// Medians of two sides that take turns.
fn compare(
    rounds: usize,
    mut ours: impl FnMut() -> f64,
    mut theirs: impl FnMut() -> f64,
) -> (f64, f64) {
    let pairs: Vec<(f64, f64)> = (0..rounds).map(|_| (ours(), theirs())).collect();
    (median(pairs.iter().map(|p| p.0).collect()), median(pairs.iter().map(|p| p.1).collect()))
}

fn budget() -> Budget {
    Budget::unlimited(Class::Physics, Tier::Compute)
}

fn solver(problem: &Problem) -> Solver {
    let limits = Limits::default();
    Solver::new(problem.clone(), &limits).expect("a sound problem").with_tolerance(TOLERANCE)
}

fn row(name: &str, what: &str, (ours, theirs): (f64, f64), note: &str) {
    println!("{name:<14} {what:<10} {ours:>12.2} {theirs:>14.2} {:>9.1}x  {note}", theirs / ours);
}

fn head(title: &str) {
    println!("\n{title}");
    println!("{:<14} {:<10} {:>12} {:>14} {:>10}", "problem", "", "ours us", "ezpz us", "ratio");
}

/// One tick: an anchor or a dimension moves by half a millimetre, to and fro.
fn drag(name: &str, problem: &Problem, rounds: usize) {
    let dimension = problem.constraints.iter().position(|c| c.value.is_some());
    for (what, constraint) in [("anchor", Some(0)), ("dimension", dimension)] {
        let Some(constraint) = constraint else { continue };
        let mut solver = solver(problem);
        let report = solver.solve(&budget()).expect("no budget to run out of");
        let mut peer = Peer::new(problem);
        let converged = peer.solve();
        let step = |i: usize| -> f64 { if i.is_multiple_of(2) { 0.5 } else { -0.5 } };
        let value = problem.constraints[constraint].value;
        let mut steps = 0;
        let (mut unsolved, mut missed) =
            (usize::from(report.outcome != Outcome::Solved), !converged);
        let times = compare(
            rounds,
            || {
                time(40, |i| {
                    let change = match value {
                        Some(v) => Change::Value { constraint, value: v + step(i).max(0.0) },
                        None => Change::Anchor { constraint, dx: step(i), dy: 0.0 },
                    };
                    let report = solver.drag(&change, &budget()).expect("a change that fits");
                    unsolved += usize::from(report.outcome != Outcome::Solved);
                    steps = report.iterations;
                })
            },
            || {
                time(2, |i| {
                    peer.change(constraint, step(i));
                    missed |= !peer.solve();
                })
            },
        );
        let mut note = format!("{steps} steps");
        if unsolved > 0 {
            note += &format!(", WE FAILED {unsolved} times");
        }
        if missed {
            note += ", ezpz did not converge";
        }
        row(name, what, times, &note);
    }
}

/// The last constraint goes and comes back, each with a solve from where things are.
fn structure(name: &str, problem: &Problem, rounds: usize) {
    let last = problem.constraints.len() - 1;
    let constraint = problem.constraints[last].clone();
    let mut solver = solver(problem);
    solver.solve(&budget()).expect("no budget to run out of");
    let mut peer = Peer::new(problem);
    peer.solve();
    let all = peer.requests.clone();
    let fewer = all[..peer.request_of[last]].to_vec();
    let times = compare(
        rounds,
        || {
            time(4, |i| {
                if i.is_multiple_of(2) {
                    solver.remove(last).expect("it is there");
                } else {
                    solver.add(constraint.clone()).expect("it fits");
                }
                black_box(solver.solve(&budget()).expect("no budget to run out of"));
            })
        },
        || {
            time(2, |i| {
                peer.requests = if i.is_multiple_of(2) { fewer.clone() } else { all.clone() };
                black_box(peer.solve());
            })
        },
    );
    row(name, "change", times, "");
    // From names and numbers alone, nothing kept.
    let fresh = compare(
        rounds,
        || {
            time(4, |_| {
                let mut solver = self::solver(problem);
                black_box(solver.solve(&budget()).expect("no budget to run out of"));
            })
        },
        || {
            time(2, |_| {
                black_box(Peer::new(problem).solve());
            })
        },
    );
    row(name, "from names", fresh, "");
}

/// What is free and what is said twice.
fn freedom(name: &str, problem: &Problem, rounds: usize) {
    let mut solver = solver(problem);
    solver.solve(&budget()).expect("no budget to run out of");
    let mut peer = Peer::new(problem);
    peer.solve();
    let (mut free, mut status, mut flagged) = (0, String::new(), 0);
    let times = compare(
        rounds,
        || {
            time(4, |_| {
                let found = solver.diagnose(&budget()).expect("no budget to run out of");
                free = found.entities.iter().filter(|e| e.degrees_of_freedom > 0).count();
                status = format!("{:?}, {} redundant", found.status, found.redundant.len());
            })
        },
        || {
            time(1, |_| {
                let config = ezpz::Config::default();
                let found = ezpz::solve_analysis(&peer.requests, peer.guesses.clone(), config);
                flagged = found.map_or(0, |f| f.analysis.underconstrained().len());
            })
        },
    );
    let note = format!("{status}, {free} entities free; ezpz: {flagged} variables free");
    row(name, "freedom", times, &note);
}

/// The longest work between two looks at the budget.
#[derive(Debug, Default)]
struct Longest {
    last: AtomicU64,
    most: AtomicU64,
}

impl Gate for Longest {
    fn pass(&self) {
        let now = cpu();
        let before = self.last.swap(now, Ordering::Relaxed);
        self.most.fetch_max(now.saturating_sub(before), Ordering::Relaxed);
    }
}

/// The longest stretch of each phase, in milliseconds; the least of `rounds`, since what the
/// machine does in between is not ours.
fn grain(name: &str, problem: &Problem, rounds: usize) {
    let gate = Arc::new(Longest::default());
    let budget = budget().yielding_to(Arc::clone(&gate) as Arc<dyn Gate>);
    let mut least = [f64::INFINITY; 3];
    for _ in 0..rounds {
        let stretch = |work: &mut dyn FnMut()| {
            gate.most.store(0, Ordering::Relaxed);
            gate.last.store(cpu(), Ordering::Relaxed);
            work();
            gate.pass();
            gate.most.load(Ordering::Relaxed) as f64 / 1e6
        };
        let (mut given, mut made) = (Some(problem.clone()), None);
        let reading = stretch(&mut || {
            made = given.take().and_then(|p| Solver::within(p, &Limits::default(), &budget).ok());
        });
        let Some(solver) = made else { continue };
        let mut solver = solver.with_tolerance(TOLERANCE);
        let solving = stretch(&mut || {
            black_box(solver.solve(&budget).expect("no budget to run out of"));
        });
        let judging = stretch(&mut || {
            black_box(solver.diagnose(&budget).expect("no budget to run out of"));
        });
        for (least, now) in least.iter_mut().zip([reading, solving, judging]) {
            *least = least.min(now);
        }
    }
    let [reading, solving, judging] = least;
    println!("{name:<14} {reading:>12.2} {solving:>12.2} {judging:>12.2}");
}

fn main() {
    let quick = std::env::args().any(|a| a == "--quick");
    let (sizes, rounds): (&[usize], usize) =
        if quick { (&[10, 100], 3) } else { (&[10, 100, 500, 1000, 2000], 9) };
    let only: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    let each = |work: fn(&str, &Problem, usize)| {
        for (name, make) in PROBLEMS {
            for &size in sizes {
                let name = format!("{name}{size}");
                if only.is_empty() || only.iter().any(|o| name.starts_with(o)) {
                    work(&name, &make(size), rounds.min(1 + 18_000 / size.max(1)));
                }
            }
        }
    };
    head("Drag tick (asked: grid1000 and rects1000 100x, truss1000 12x)");
    each(drag);
    head("Structure change and solve (asked: grid 20x, truss 2x)");
    each(structure);
    head("Degrees of freedom and redundancy (asked: 100x, no false flag on truss2000)");
    // Their analysis is cubic: at 2000 a single call takes most of ten seconds.
    each(|name, problem, rounds| freedom(name, problem, rounds.min(3)));
    println!("\nLongest work between two looks at the budget, ms (asked: 1)");
    println!("{:<14} {:>12} {:>12} {:>12}", "problem", "reading", "solving", "diagnosis");
    each(|name, problem, rounds| grain(name, problem, rounds.min(5)));
    if !quick {
        for (name, make) in PROBLEMS {
            // As many constraints as a sketch may have.
            let problem = make(19_000);
            let name = format!("{name}{}", problem.constraints.len());
            if only.is_empty() || only.iter().any(|o| name.starts_with(o)) {
                grain(&name, &problem, 3);
            }
        }
    }
}
