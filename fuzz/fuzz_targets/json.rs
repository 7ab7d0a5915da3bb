#![no_main]
//! The JSON form: whatever follows the opening brace.

use libfuzzer_sys::fuzz_target;
use svgx_engine::document::{self, Limits};

fuzz_target!(|text: &str| {
    let limits = Limits::default();
    let text = if text.starts_with('{') { text.to_owned() } else { format!("{{{text}") };
    if let Some(document) = svgx_engine::check(&text, &limits).document {
        let text = document::canonical(&document);
        if let Ok(again) = document::parse(&text, &limits) {
            assert_eq!(document::canonical(&again), text);
        }
    }
});
