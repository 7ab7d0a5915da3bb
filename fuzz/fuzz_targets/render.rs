#![no_main]
//! Nestings made from bytes, and any bytes as a drawing: painted or refused, in
//! little time and memory. Run with `-rss_limit_mb=512 -timeout=10`.

use libfuzzer_sys::fuzz_target;
use std::fmt::Write as _;
use svgx_base::budget::{Budget, Class, Tier};
use svgx_engine::compile::{PngOptions, png};
use svgx_engine::document::{self, Limits};

/// A level that shows another one, as three bytes ask: the way, the times, the target.
fn level(text: &mut String, at: usize, [way, times, target]: [u8; 3]) {
    let shown: String = (0..=times % 8)
        .map(|i| match way % 6 {
            0 => format!(r#"<path d="M0 0L9 9L{i} 50" stroke="red" marker-mid="url(#n{target})"/>"#),
            1 => format!(r#"<rect x="{i}" width="90" height="90" fill="url(#n{target})"/>"#),
            2 => format!(r#"<rect x="{i}" width="90" height="90" mask="url(#n{target})"/>"#),
            3 => format!(r#"<rect x="{i}" width="90" height="90" clip-path="url(#n{target})"/>"#),
            4 => format!(r#"<rect x="{i}" width="90" height="90" filter="url(#n{target})"/>"#),
            _ => format!(r##"<use href="#n{target}" x="{i}" opacity=".9"/>"##),
        })
        .collect();
    let _ = match (way / 6) % 6 {
        0 => write!(text, r#"<marker id="n{at}">{shown}</marker>"#),
        1 => write!(text, r#"<pattern id="n{at}" width=".5" height=".5">{shown}</pattern>"#),
        2 => write!(text, r#"<mask id="n{at}">{shown}</mask>"#),
        3 => write!(text, r#"<clipPath id="n{at}">{shown}</clipPath>"#),
        4 => write!(text, r#"<filter id="n{at}"><feGaussianBlur stdDeviation="{times}"/></filter>"#),
        _ => write!(text, r#"<g id="n{at}">{shown}</g>"#),
    };
}

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits::default();
    let budget = Budget::unlimited(Class::Redraw, Tier::Compute);
    let paint = |source: &str| {
        if let Ok(document) = document::parse(source, &limits) {
            let _ = png(&document, &PngOptions::default(), &limits, &budget);
        }
    };
    if let Ok(source) = document::decode(bytes, &limits) {
        paint(&source);
    }
    let mut text = r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100" width="200">"#.to_owned();
    for (at, chunk) in bytes.chunks_exact(3).take(64).enumerate() {
        level(&mut text, at, [chunk[0], chunk[1], chunk[2] % 64]);
    }
    paint(&(text + "</svg>"));
});
