//! Everything the engine can say against a document, in one report.

use std::cmp::Reverse;

use crate::compile::{Fonts, differences};
use crate::document::{self, Code, Diagnostic, Document, Limits, Severity, Span};
use crate::geometry::Scene;
use crate::{behavior, constraint, geometry, physics};
use svgx_base::budget::{Budget, Class, Tier};

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
    /// Adds what another part found: a mistake that is reported already is not reported twice.
    pub fn add(&mut self, found: Vec<Diagnostic>, limits: &Limits) {
        let known = self.diagnostics.len();
        for d in found {
            match self.diagnostics.iter_mut().take(known).find(|e| repeats(e, &d)) {
                Some(earlier) if earlier.severity < d.severity => *earlier = d,
                Some(_) => {}
                None => self.diagnostics.push(d),
            }
        }
        self.dropped += keep(&mut self.diagnostics, limits.diagnostics);
        self.diagnostics.sort_by_key(|d| (d.span.start, Reverse(d.severity)));
    }

    /// Whether a finding is an error.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|d| d.severity == Severity::Error)
    }
}

/// Reads `source` and asks every part of the engine what is wrong with it.
///
/// A mistake that several parts meet is reported once, by the one that takes it gravest. Past [`Limits::diagnostics`] errors stay and lesser findings go.
pub fn check(source: &str, limits: &Limits) -> Report {
    check_with(source, &Fonts::built_in(), limits)
}

/// As [`check()`], for pictures with other fonts.
pub fn check_with(source: &str, fonts: &Fonts, limits: &Limits) -> Report {
    let document = match document::parse(source, limits) {
        Ok(document) => document,
        Err(diagnostics) => return Report { document: None, diagnostics, dropped: 0 },
    };
    let diagnostics = document.diagnostics().to_vec();
    let dropped = document.dropped_diagnostics();
    let found = [
        behavior::check(&document, limits),
        drawing(&document, limits),
        // Without a limit nothing stops it.
        differences(&document, fonts, limits, &budget()).unwrap_or_default(),
    ];
    let mut report = Report { document: Some(document), diagnostics, dropped };
    for found in found {
        report.add(found, limits);
    }
    report
}

fn budget() -> Budget {
    Budget::unlimited(Class::Redraw, Tier::Ui)
}

/// Geometry, and the physics that stands on it.
fn drawing(document: &Document, limits: &Limits) -> Vec<Diagnostic> {
    match Scene::build(document, limits, &budget()) {
        Ok(scene) => {
            let mut found = geometry::check(document, &scene);
            found.extend(physics::check(document, &scene, limits));
            found.extend(constraint::check(document, &scene, limits));
            found
        }
        Err(error) => {
            let span = match &error {
                geometry::Error::Limit { node: Some(node), .. } => document.span(*node),
                _ => Span::new(0, 0),
            };
            vec![Diagnostic::error(Code::GeometryLimit, span, error.to_string())]
        }
    }
}

/// Whether `later` reports the mistake of `earlier` again: at the same place, with the
/// same code or one that repeats it.
fn repeats(earlier: &Diagnostic, later: &Diagnostic) -> bool {
    let (a, b) = (earlier.span, later.span);
    let meet = a.start <= b.end && b.start <= a.end;
    meet && (a == b && earlier.code == later.code || later.code.repeats().contains(&earlier.code))
}

/// Keeps the gravest `most`, in order; answers how many went.
fn keep(diagnostics: &mut Vec<Diagnostic>, most: usize) -> usize {
    let more = diagnostics.len().saturating_sub(most);
    if more > 0 {
        diagnostics.sort_by_key(|d| Reverse(d.severity));
        diagnostics.truncate(most);
    }
    more
}
