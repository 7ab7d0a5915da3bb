//! Drawings that mean harm: nothing panics, and every number of an answer is one.

use crate::unlimited;
use proptest::prelude::*;
use svgx_engine::document::{self, parse};
use svgx_engine::geometry::Scene;
use svgx_networks::overlay::{Wanted, overlaid};
use svgx_networks::read::{check, read};
use svgx_networks::{Answer, Limits};

const VALUES: [&str; 22] = [
    "",
    "0",
    "-1",
    "1",
    "1e308",
    "-1e308",
    "1e-308",
    "NaN",
    "inf",
    "3 m",
    "-3 m",
    "20 mm",
    "5 kW",
    "400 V",
    "1 ohm",
    "2 kg",
    "0 %",
    "60 %",
    "1 L/s",
    "x.y",
    "a.power",
    "0 L/s 3 m, 1 L/s 2 m, 2 L/s 1 m",
];
const NAMES: [&str; 36] = [
    "length",
    "rise",
    "diameter",
    "roughness",
    "minor",
    "kv",
    "k",
    "open",
    "size",
    "material",
    "resistance",
    "reactance",
    "phases",
    "pressure",
    "flow",
    "conductance",
    "u",
    "area",
    "modulus",
    "inertia",
    "load",
    "hinges",
    "head",
    "level",
    "elevation",
    "voltage",
    "fault",
    "power",
    "pf",
    "model",
    "temperature",
    "heat",
    "fixed",
    "curve",
    "primary",
    "layers",
];
const KINDS: [&str; 22] = [
    "",
    "pipe",
    "valve",
    "check",
    "prv",
    "limiter",
    "power",
    "switch",
    "transformer",
    "conduction",
    "air-exchange",
    "wall",
    "member",
    "truss",
    "source",
    "demand",
    "tank",
    "terminal",
    "load",
    "support",
    "outside",
    "hose",
];
const ENDS: [&str; 8] = ["a", "b", "c", "a.in", "a.out", "d", "nobody", ""];

type Given = Vec<(usize, usize)>;

fn written(given: &Given) -> String {
    let mut seen = Vec::new();
    let mut text = String::new();
    for &(name, value) in given {
        let name = NAMES[name % NAMES.len()];
        if !seen.contains(&name) {
            seen.push(name);
            text += &format!(" {name}=\"{}\"", VALUES[value % VALUES.len()]);
        }
    }
    text
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_drawing_of_any_words_is_answered_in_numbers(
        network in 0..6usize,
        components in prop::collection::vec((0..22usize, prop::collection::vec((0..36usize, 0..22usize), 0..5)), 0..4),
        connections in prop::collection::vec((0..22usize, 0..8usize, 0..8usize, prop::collection::vec((0..36usize, 0..22usize), 0..6)), 0..6),
    ) {
        let word = ["electrical", "water", "air", "heat", "frame", "beer"][network];
        let parts: String = components.iter().enumerate().map(|(k, (kind, given))| {
            format!("<arx:component ref=\"{}\" type=\"{}\"{}/>", ["a", "b", "c", "d"][k], KINDS[*kind], written(given))
        }).collect();
        let joins: String = connections.iter().enumerate().map(|(k, (kind, from, to, given))| {
            let id = if k % 2 == 0 { format!(" id=\"k{k}\"") } else { String::new() };
            format!("<arx:connection{id} from=\"{}\" to=\"{}\" type=\"{}\"{}/>", ENDS[*from], ENDS[*to], KINDS[*kind], written(given))
        }).collect();
        let text = format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" xmlns:arx="http://arxos.io/svgx" viewBox="0 0 90 90"><circle id="pa" r="1" arx:object="a"/><circle id="pb" cx="9" cy="5" r="1" arx:object="b"/><path id="p0" d="M0 0L9 5" arx:object="k0"/><arx:system id="s" type="fire" network="{word}"><arx:components>{parts}</arx:components><arx:connections>{joins}</arx:connections></arx:system></svg>"#
        );
        let limits = document::Limits::default();
        let document = parse(&text, &limits).unwrap();
        let scene = Scene::build(&document, &limits, &unlimited()).unwrap();
        let found = check(&document, &limits, &unlimited()).unwrap();
        prop_assert!(found.iter().all(|d| d.code.severities().contains(&d.severity)), "{found:?}");
        let systems = read(&document, &scene, &limits, &unlimited()).unwrap();
        for system in &systems {
            let answer = Answer::of(system, &Limits::default(), &unlimited()).unwrap();
            for d in system.diagnostics(&document, &answer.findings) {
                prop_assert!(d.code.severities().contains(&d.severity), "{d:?}");
            }
            for row in answer.nodes.iter().chain(&answer.links) {
                for value in &row.values {
                    let sound = value.value.is_none_or(|v| v.is_finite() && v.to_bits() != (-0.0f64).to_bits());
                    prop_assert!(sound, "{row:?}");
                }
            }
            let names: std::collections::BTreeSet<&str> =
                answer.nodes.iter().chain(&answer.links).flat_map(|r| r.values.iter().map(|v| v.name)).collect();
            for name in names {
                let wanted = Wanted { system: "s".to_owned(), quantity: name.to_owned() };
                let over = overlaid(&document, &wanted, &limits, &unlimited()).unwrap();
                let svg = document::canonical(&over);
                let drawn = svg.split("net-overlay").nth(1).unwrap_or_default();
                let sound = !drawn.is_empty() && !drawn.contains("NaN") && !drawn.contains("\"inf");
                prop_assert!(sound, "{svg}");
            }
        }
    }
}
