#![no_main]
//! Any bytes: checked in full; what can be read keeps its meaning in canonical form.

use libfuzzer_sys::fuzz_target;
use svgx_engine::document::{self, Limits};

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits::default();
    let Ok(source) = document::decode(bytes, &limits) else { return };
    if let Some(document) = svgx_engine::check(&source, &limits).document {
        let text = document::canonical(&document);
        if let Ok(again) = document::parse(&text, &limits) {
            assert_eq!(document::canonical(&again), text);
        }
    }
});
