//! The seeds of `fuzz/`, mutated the same way in every run: no panic, and what can be
//! read keeps its meaning.

use std::path::Path;

use svgx_base::budget::{Budget, Class, Tier};
use svgx_engine::behavior::formula::Formula;
use svgx_engine::behavior::unit::Unit;
use svgx_engine::compile::{PngOptions, png};
use svgx_engine::document::{self, Limits};
use svgx_engine::geometry;

/// G. Marsaglia, "Xorshift RNGs", 2003: the 64-bit (13, 7, 17).
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n.max(1) as u64) as usize
    }
}

const WORDS: [&str; 20] = [
    "<", ">", "\"", "&", "&#0;", "</", "/>", "<!--", "]]>", "\0", "(", ")", "-", "1e999", "NaN",
    "e308", "é", "{", "[", ",",
];

fn seeds(folders: &[&str]) -> Vec<Vec<u8>> {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let mut files = Vec::new();
    for folder in folders {
        let entries = std::fs::read_dir(root.join(folder)).unwrap();
        files.extend(
            entries
                .map(|e| e.unwrap().path())
                .filter(|p| p.is_file() && p.extension().is_none_or(|x| x != "md")),
        );
    }
    files.sort();
    assert!(!files.is_empty());
    files.iter().map(|f| std::fs::read(f).unwrap()).collect()
}

/// One to four cuts, copies, changes and insertions.
fn mutate(random: &mut Random, seeds: &[Vec<u8>]) -> String {
    let mut bytes = seeds[random.below(seeds.len())].clone();
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len() + 1);
        let to = (at + random.below(24)).min(bytes.len());
        match random.below(5) {
            0 => drop(bytes.drain(at..to)),
            1 => {
                let copy = bytes[at..to].to_vec();
                let into = random.below(bytes.len() + 1);
                bytes.splice(into..into, copy);
            }
            2 => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << random.below(8);
                }
            }
            3 => {
                let word = WORDS[random.below(WORDS.len())].bytes();
                bytes.splice(at..at, word);
            }
            _ => {
                let other = &seeds[random.below(seeds.len())];
                let from = random.below(other.len());
                let end = (from + random.below(64)).min(other.len());
                bytes.splice(at..to, other[from..end].iter().copied());
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// How many of `count` mutated documents could be read.
fn documents(seeds: &[Vec<u8>], seed: u64, count: usize) -> usize {
    let limits = Limits::default();
    let mut random = Random(seed);
    let mut read = 0;
    for _ in 0..count {
        let text = mutate(&mut random, seeds);
        let report = svgx_engine::check(&text, &limits);
        let Some(document) = report.document else {
            assert!(!report.diagnostics.is_empty(), "{text}");
            continue;
        };
        read += 1;
        let canonical = document::canonical(&document);
        let again = document::parse(&canonical, &limits)
            .unwrap_or_else(|d| panic!("{d:?}\n{text}\n{canonical}"));
        assert_eq!(document::canonical(&again), canonical, "{text}");
    }
    read
}

#[test]
fn mutated_documents_are_read_or_refused_and_keep_their_meaning() {
    let read = documents(&seeds(&["fuzz/corpus/document", "examples"]), 0x5eed_0001, 1_500);
    assert!(read > 100, "only {read} could be read");
}

#[test]
fn mutated_json_is_read_or_refused_and_keeps_its_meaning() {
    let read = documents(&seeds(&["fuzz/corpus/json"]), 0x5eed_0002, 2_000);
    assert!(read > 100, "only {read} could be read");
}

#[test]
fn mutated_formulas_are_compiled_or_refused() {
    let seeds = seeds(&["fuzz/corpus/formula"]);
    let unit = |text: &str| text.parse::<Unit>().unwrap();
    let inputs = [("a", unit("V")), ("t", unit("C")), ("n", Unit::ONE)];
    let limits = Limits::default();
    let mut random = Random(0x5eed_0003);
    let mut compiled = 0;
    for _ in 0..5_000 {
        let text = mutate(&mut random, &seeds);
        match Formula::compile(&text, &inputs, &limits) {
            Ok(formula) => {
                compiled += 1;
                formula.evaluate(&mut formula.frame(), &[120.0, 21.5, -3.0]);
            }
            Err(why) => assert!(!why.is_empty(), "{text}"),
        }
    }
    assert!(compiled > 50, "only {compiled} could be compiled");
}

#[test]
fn mutated_paths_stay_finite() {
    let seeds = seeds(&["fuzz/corpus/path"]);
    let mut random = Random(0x5eed_0004);
    for _ in 0..5_000 {
        let text = mutate(&mut random, &seeds);
        let (path, fault) = geometry::path(&text);
        let finite = |e: &kurbo::PathEl| e.end_point().is_none_or(|p| p.is_finite());
        assert!(path.elements().iter().all(finite), "{text}");
        assert!(fault.is_none_or(|f| f.offset <= text.len()), "{text}");
        if let Ok(t) = geometry::transform(&text) {
            assert!(!t.as_coeffs().iter().any(|c| c.is_nan()), "{text}");
        }
    }
}

#[test]
fn mutated_nestings_are_painted_or_refused() {
    let seeds = seeds(&["fuzz/corpus/render"]);
    let limits = Limits { pixels: 1 << 16, ..Limits::default() };
    let budget = Budget::unlimited(Class::Redraw, Tier::Ui);
    let options = PngOptions { width: Some(32), ..PngOptions::default() };
    let mut random = Random(0x5eed_0005);
    let mut painted = 0;
    for _ in 0..400 {
        let text = mutate(&mut random, &seeds);
        let Ok(document) = document::parse(&text, &limits) else { continue };
        painted += usize::from(png(&document, &options, &limits, &budget).is_ok());
    }
    assert!(painted > 20, "only {painted} could be painted");
}
