//! One formula against fasteval (its safe interface, with names looked up by a callback and
//! in a map) and evalexpr, compiled once and evaluated often; then one changed input of
//! 10 000 behaviors against all of them again.
//!
//! `cargo bench --bench formula`; `-- --only-ours ROUNDS` evaluates ours alone, for a profiler.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::hint::black_box;
use std::time::Instant;

use evalexpr::{ContextWithMutableVariables, DefaultNumericTypes, HashMapContext, Value};
use fasteval::{Compiler, Evaler};
use svgx_base::budget::{Budget, Class, Tier};
use svgx_engine::behavior::Program;
use svgx_engine::behavior::formula::Formula;
use svgx_engine::behavior::unit::Unit;
use svgx_engine::document::{Limits, parse};

const TEXT: &str = "max(width*2 + height/3, 10) * cos(angle) - offset^2";
const NAMES: [&str; 4] = ["width", "height", "angle", "offset"];
const EVALUATIONS: usize = 20_000;
const BEHAVIORS: usize = 10_000;
const ROUNDS: usize = 15;

/// Inputs of the `i`th evaluation: no two alike, so that nothing is computed ahead.
fn inputs(i: usize) -> [f64; 4] {
    let i = i as f64;
    [3.0 + i, 7.0 + 2.0 * i, i * 0.001, 0.5 + i * 0.01]
}

#[allow(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn nanoseconds(f: &mut dyn FnMut()) -> f64 {
    let start = Instant::now();
    f();
    start.elapsed().as_secs_f64() * 1e9
}

/// Median time of each contender, in nanoseconds. They alternate, so that a slow
/// moment of the machine falls on all of them.
fn medians<const N: usize>(mut contenders: [&mut dyn FnMut(); N]) -> [f64; N] {
    let mut times = [const { Vec::new() }; N];
    for _ in 0..ROUNDS {
        for (slot, f) in contenders.iter_mut().enumerate() {
            times[slot].push(nanoseconds(*f));
        }
    }
    times.map(|mut t| {
        t.sort_by(f64::total_cmp);
        t[t.len() / 2]
    })
}

/// The number after `--only-ours`.
fn only_ours() -> Option<usize> {
    let mut arguments = std::env::args().skip_while(|a| a != "--only-ours").skip(1);
    arguments.next()?.parse().ok()
}

fn one_formula() {
    let units = NAMES.map(|name| (name, Unit::ONE));
    let formula = Formula::compile(TEXT, &units, &Limits::default()).expect("a formula");
    let mut frame = formula.frame();

    let mut slab = fasteval::Slab::new();
    let theirs = fasteval::Parser::new()
        .parse(TEXT, &mut slab.ps)
        .expect("fasteval parses it")
        .from(&slab.ps)
        .compile(&slab.ps, &mut slab.cs);
    let by_fasteval = |values: [f64; 4]| {
        let mut names =
            |name: &str, _: Vec<f64>| NAMES.iter().position(|n| *n == name).map(|at| values[at]);
        theirs.eval(&slab, &mut names).expect("fasteval evaluates it")
    };

    let mut map: BTreeMap<String, f64> = NAMES.iter().map(|n| ((*n).into(), 0.0)).collect();
    let mut by_map = |values: [f64; 4]| {
        for (name, value) in NAMES.iter().zip(values) {
            *map.get_mut(*name).expect("a name") = value;
        }
        theirs.eval(&slab, &mut map).expect("fasteval evaluates it")
    };

    let text = TEXT.replace("cos(", "math::cos(");
    let tree =
        evalexpr::build_operator_tree::<DefaultNumericTypes>(&text).expect("evalexpr parses it");
    let mut context = HashMapContext::<DefaultNumericTypes>::new();
    let mut by_evalexpr = |values: [f64; 4]| {
        for (name, value) in NAMES.iter().zip(values) {
            context.set_value((*name).into(), Value::Float(value)).expect("a variable");
        }
        tree.eval_number_with_context(&context).expect("evalexpr evaluates it")
    };

    // All compute the same before anything is timed.
    for i in [0, 1, 999] {
        let ours = formula.evaluate(&mut frame, &inputs(i));
        for other in [by_fasteval(inputs(i)), by_map(inputs(i)), by_evalexpr(inputs(i))] {
            assert!((ours - other).abs() <= 1e-9 * ours.abs().max(1.0), "{ours} and {other}");
        }
    }

    let each = |f: &mut dyn FnMut([f64; 4]) -> f64| {
        let sum: f64 = (0..EVALUATIONS).map(|i| f(black_box(inputs(i)))).sum();
        black_box(sum);
    };
    if let Some(rounds) = only_ours() {
        for _ in 0..rounds {
            each(&mut |v| formula.evaluate(&mut frame, &v));
        }
        return;
    }
    let [ours, fasteval, map, evalexpr] = medians([
        &mut || each(&mut |v| formula.evaluate(&mut frame, &v)),
        &mut || each(&mut |v| by_fasteval(v)),
        &mut || each(&mut by_map),
        &mut || each(&mut by_evalexpr),
    ])
    .map(|time| time / EVALUATIONS as f64);
    println!("{TEXT}");
    println!(
        "{:>12} {:>20} {:>20} {:>20}",
        "svgx", "fasteval, callback", "fasteval, a map", "evalexpr"
    );
    println!("{ours:>9.1} ns {fasteval:>17.1} ns {map:>17.1} ns {evalexpr:>17.1} ns");
    println!(
        "{:>12.2} {:>20.2} {:>20.2} {:>20.2}\n",
        1.0,
        fasteval / ours,
        map / ours,
        evalexpr / ours,
    );
}

fn many_behaviors() {
    let mut text = String::from(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:arx=\"http://arxos.io/svgx\">",
    );
    for i in 0..BEHAVIORS {
        let _ = write!(
            text,
            "<rect id=\"r{i}\" width=\"1\" height=\"1\"><arx:behavior><arx:variables>\
             <arx:variable name=\"voltage\" value=\"230\" unit=\"V\"/>\
             <arx:variable name=\"current\" value=\"2\" unit=\"A\"/></arx:variables><arx:calculations>\
             <arx:calculation name=\"power\" formula=\"voltage * current\" unit=\"W\"/>\
             <arx:calculation name=\"share\" formula=\"power / (power + voltage * current)\"/>\
             </arx:calculations></arx:behavior></rect>"
        );
    }
    text.push_str("</svg>");
    let limits = Limits::default();
    let document = parse(&text, &limits).expect("the drawing parses");
    let program = Program::compile(&document, &limits);
    let budget = Budget::unlimited(Class::Batch, Tier::Compute);
    let mut evaluation = program.evaluate(&budget).expect("no limit was set");
    let mut again = program.evaluate(&budget).expect("no limit was set");
    let input = program.find("r5000", "voltage").expect("an input");
    let mut volts = 230.0;
    let [one, all] = medians([
        &mut || {
            volts += 1.0;
            black_box(program.set(&mut evaluation, input, volts));
        },
        &mut || {
            black_box(program.evaluate_all(&mut again, &budget).is_ok());
        },
    ]);
    println!("one input of {BEHAVIORS} behaviors against all of them");
    println!("{:>10} {:>10} {:>10}", "one us", "all us", "all/one");
    println!("{:>10.2} {:>10.1} {:>10.0}", one / 1e3, all / 1e3, all / one);
}

fn main() {
    one_formula();
    if only_ours().is_none() {
        many_behaviors();
    }
}
