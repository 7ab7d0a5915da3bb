//! Everything the engine can say against a document, in one report.

use crate::document::{self, Diagnostic, Document, Limits, Severity};

/// A document, if there is one, and what was found.
#[derive(Debug)]
pub struct Report {
    /// The document; `None` when the text could not be read at all.
    pub document: Option<Document>,
    /// Every finding, in the order of the source.
    pub diagnostics: Vec<Diagnostic>,
    /// How many more findings there were than [`Limits::diagnostics`] keeps.
    pub dropped: usize,
}

impl Report {
    /// Whether a finding is an error.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|d| d.severity == Severity::Error)
    }
}

/// Reads `source` and asks every part of the engine what is wrong with it.
pub fn check(source: &str, limits: &Limits) -> Report {
    let document = match document::parse(source, limits) {
        Ok(document) => document,
        Err(diagnostics) => return Report { document: None, diagnostics, dropped: 0 },
    };
    let mut diagnostics = document.diagnostics().to_vec();
    let mut dropped = document.dropped_diagnostics();
    // The other rooms add theirs here: formulas and units, geometry, physics.
    let more: [Vec<Diagnostic>; 0] = [];
    diagnostics.extend(more.into_iter().flatten());
    diagnostics.sort_by_key(|d| d.span.start);
    dropped += diagnostics.len().saturating_sub(limits.diagnostics);
    diagnostics.truncate(limits.diagnostics);
    Report { document: Some(document), diagnostics, dropped }
}
