//! What of a drawing looks different here and in a browser, and where.
//!
//! The renderer leaves out what it does not know, without a word. This pass knows what that
//! is: one finding for each feature, at its first place, with the number of places.
//! `docs/drawing-differences.md` is the list for people.

mod elements;
mod features;
mod sheets;
mod text;

use std::collections::HashMap;

use crate::document::{Attribute, Code, Diagnostic, Document, Limits, NodeId, Ns, Severity, Span};
use crate::geometry::css::{self, Sheet};
use svgx_base::budget::{Budget, Stop};

use super::fonts::Fonts;

/// Findings kept.
const MOST: usize = 64;

/// What is drawn differently: codes `drawn-differently`, `missing-glyph`, `font-not-found` and
/// `image-not-drawn`, in the order of the source. O(document).
///
/// # Errors
/// [`Stop`], by the budget.
pub fn differences(
    document: &Document,
    fonts: &Fonts,
    limits: &Limits,
    budget: &Budget,
) -> Result<Vec<Diagnostic>, Stop> {
    let mut seen = Seen { each: 1, at: HashMap::new(), list: Vec::new() };
    let sheet = Sheet::of(document);
    let mut pixels = limits.pixels;
    for node in document.elements() {
        budget.checkpoint()?;
        let Some((ns, name)) = document.name(node) else { continue };
        if css::is_css(document, node) {
            sheets::check(document, node, &mut seen, budget)?;
            continue;
        }
        if !matches!(ns, Ns::Svg | Ns::None | Ns::Arx) {
            continue;
        }
        elements::check(document, node, name, &mut pixels, &mut seen);
        for a in document.attributes(node) {
            attribute(document, node, name, &a, &mut seen);
        }
    }
    elements::instances(document, &sheet, &mut seen, budget)?;
    text::check(document, &sheet, fonts, &mut seen, budget)?;
    Ok(seen.finish())
}

fn attribute(document: &Document, node: NodeId, name: &str, a: &Attribute<'_>, seen: &mut Seen) {
    if a.ns != Ns::None {
        return;
    }
    if a.name == "style" {
        for d in css::declarations(a.value) {
            declaration(&d.name, &d.value, node == NodeId::ROOT, a.span, seen);
            elements::shapes(document, node, name, &d.name, &d.value, a.span, seen);
        }
        return;
    }
    elements::shapes(document, node, name, a.name, a.value, a.span, seen);
    if let Some((feature, what)) = features::attribute(name, a.name, a.value) {
        seen.note(Code::DrawnDifferently, feature, what, place(document, node, a.span));
    }
}

fn declaration(name: &str, value: &str, root: bool, span: Span, seen: &mut Seen) {
    if let Some((feature, what)) = features::declaration(name, value, root) {
        seen.note(Code::DrawnDifferently, feature, what, span);
    }
}

/// The place of an attribute, or that of its element where it was not written there.
fn place(document: &Document, node: NodeId, span: Span) -> Span {
    if span.is_none() { document.span(node) } else { span }
}

/// Findings in the making: one for each feature.
#[derive(Debug)]
struct Seen {
    /// Places that one note stands for.
    each: usize,
    at: HashMap<(Code, String), usize>,
    list: Vec<Found>,
}

#[derive(Debug)]
struct Found {
    code: Code,
    severity: Severity,
    message: String,
    help: Option<&'static str>,
    span: Span,
    places: usize,
}

impl Seen {
    /// Notes `feature` at a place: `what` says how it is drawn.
    fn note(&mut self, code: Code, feature: &str, what: &str, span: Span) {
        let message = || format!("{feature}: {what}");
        self.add(code, Severity::Warning, feature, message, None, span);
    }

    fn add(
        &mut self,
        code: Code,
        severity: Severity,
        key: &str,
        message: impl FnOnce() -> String,
        help: Option<&'static str>,
        span: Span,
    ) {
        let key = (code, key.to_owned());
        if let Some(found) = self.at.get(&key).and_then(|at| self.list.get_mut(*at)) {
            found.places += self.each;
            return;
        }
        if self.list.len() < MOST {
            self.at.insert(key, self.list.len());
            let message = message();
            self.list.push(Found { code, severity, message, help, span, places: self.each });
        }
    }

    fn finish(self) -> Vec<Diagnostic> {
        let finding = |f: Found| {
            let more = match f.places {
                1 => String::new(),
                n => format!(" ({n} places)"),
            };
            let d = Diagnostic::new(f.severity, f.code, f.span, f.message + &more);
            match f.help {
                Some(help) => d.help(help),
                None => d,
            }
        };
        let mut all: Vec<Diagnostic> = self.list.into_iter().map(finding).collect();
        all.sort_by_key(|d| d.span.start);
        all
    }
}

/// The beginning of a value, for a message.
fn short(value: &str) -> String {
    const MOST: usize = 40;
    match value.char_indices().nth(MOST) {
        Some((at, _)) => format!("{}...", value.get(..at).unwrap_or_default()),
        None => value.to_owned(),
    }
}
