#![no_main]
//! Path data and transforms.

use libfuzzer_sys::fuzz_target;
use svgx_engine::geometry;

fuzz_target!(|text: &str| {
    let (path, fault) = geometry::path(text);
    assert!(path.elements().iter().all(|e| e.end_point().is_none_or(|p| p.is_finite())));
    assert!(fault.is_none_or(|f| f.offset <= text.len()));
    let _ = geometry::transform(text);
});
