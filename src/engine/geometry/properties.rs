//! Misspelt properties, and values that their property does not take.

use std::collections::HashSet;
use std::sync::LazyLock;

use svgx_base::nearest::did_you_mean;

use crate::document::vocabulary::names;
use crate::document::{Code, Diagnostic, Document, NodeId, NodeKind, Ns, Span};

use super::check::shorten;
use super::css::{self, Declaration, Piece};

/// Different declarations that are looked at. Drawings have some hundreds.
const LOOKED_UP: usize = 2_000;

/// What else takes words, where only what is nearly one of them is reported: most take other
/// things as well.
const WORDS: &[(&str, &str)] = &[
    (
        "pointer-events",
        "none auto all fill stroke painted visible visiblePainted visibleFill visibleStroke \
         bounding-box",
    ),
    ("overflow", "visible hidden clip scroll auto"),
    ("vector-effect", "none non-scaling-stroke non-scaling-size non-rotation fixed-position"),
    ("shape-rendering", "auto optimizeSpeed crispEdges geometricPrecision"),
    ("text-rendering", "auto optimizeSpeed optimizeLegibility geometricPrecision"),
    ("image-rendering", "auto optimizeSpeed optimizeQuality smooth crisp-edges pixelated"),
    (
        "dominant-baseline",
        "auto text-bottom alphabetic ideographic middle central mathematical hanging text-top \
         use-script no-change reset-size text-after-edge text-before-edge",
    ),
    ("text-decoration", "none underline overline line-through blink"),
    ("gradientUnits", "userSpaceOnUse objectBoundingBox"),
    ("patternUnits", "userSpaceOnUse objectBoundingBox"),
    ("patternContentUnits", "userSpaceOnUse objectBoundingBox"),
    ("clipPathUnits", "userSpaceOnUse objectBoundingBox"),
    ("maskUnits", "userSpaceOnUse objectBoundingBox"),
    ("maskContentUnits", "userSpaceOnUse objectBoundingBox"),
    ("filterUnits", "userSpaceOnUse objectBoundingBox"),
    ("primitiveUnits", "userSpaceOnUse objectBoundingBox"),
    ("markerUnits", "userSpaceOnUse strokeWidth"),
    ("spreadMethod", "pad reflect repeat"),
    ("lengthAdjust", "spacing spacingAndGlyphs"),
    (
        "preserveAspectRatio",
        "none xMinYMin xMidYMin xMaxYMin xMinYMid xMidYMid xMaxYMid xMinYMax xMidYMax xMaxYMax \
         meet slice defer",
    ),
];

/// A declaration and where it stands.
struct Written<'t> {
    name: &'t str,
    value: &'t str,
    /// The text around it, and where that begins in the source.
    within: &'t str,
    place: Span,
}

/// What `style` attributes, style sheets and presentation attributes say that CSS does not know.
/// One finding for each mistake, at the first place. O(document).
pub(super) fn check(document: &Document) -> Vec<Diagnostic> {
    let mut look = Look { seen: HashSet::new(), found: Vec::new() };
    for node in document.elements() {
        if !matches!(document.name(node), Some((Ns::Svg | Ns::None, _))) {
            continue;
        }
        for a in document.attributes(node).iter().filter(|a| a.ns == Ns::None) {
            if a.name == "style" {
                look.declarations(a.value, a.span);
                continue;
            }
            let written = Written { name: a.name, value: a.value, within: "", place: a.span };
            if css::is_property_attribute(a.name) {
                look.value(&written);
            } else {
                look.words(&written);
            }
        }
        if css::is_css(document, node) {
            look.sheet(document, node);
        }
    }
    look.found
}

struct Look {
    /// Name and value of what was looked at.
    seen: HashSet<(String, String)>,
    found: Vec<Diagnostic>,
}

impl Look {
    fn sheet(&mut self, document: &Document, node: NodeId) {
        for child in document.children(node) {
            if let NodeKind::Text(text) = document.kind(child) {
                let plain = css::without_comments(text);
                let mut rules = Vec::new();
                bodies(&plain, 0, &mut rules);
                let span = document.span(child);
                // In a CDATA section the text begins a little later.
                let source = document.source().get(span.start as usize..span.end as usize);
                let place = match source.and_then(|source| source.find(text.as_str())) {
                    Some(at) => {
                        let start = span.start as usize + at;
                        Span::new(start, start + text.len())
                    }
                    None => span,
                };
                for body in rules {
                    self.each(css::declarations(body), text, place);
                }
            }
        }
    }

    fn declarations(&mut self, text: &str, place: Span) {
        // The usual case, without a list of what was read.
        self.each(css::declarations(text), text, place);
    }

    fn each(&mut self, declarations: Vec<Declaration>, within: &str, place: Span) {
        for d in &declarations {
            let written = Written { name: &d.name, value: &d.value, within, place };
            self.name(&written);
            self.value(&written);
            self.words(&written);
        }
    }

    fn is_new(&mut self, written: &Written<'_>, value: &str) -> bool {
        self.seen.len() < LOOKED_UP && self.seen.insert((written.name.to_owned(), value.to_owned()))
    }

    fn name(&mut self, written: &Written<'_>) {
        let name = written.name;
        if name.starts_with('-') || is_property(name) || !self.is_new(written, "") {
            return;
        }
        // What SVG has; of CSS for pages there is more than anybody can tell.
        let known = names::PRESENTATION.split_ascii_whitespace();
        let Some(help) = did_you_mean(name, known.chain(["transform", "line-height"])) else {
            return;
        };
        let message = format!("there is no property `{name}`");
        let found = Diagnostic::warning(Code::UnknownProperty, written.span(), message);
        self.found.push(found.help(help));
    }

    fn value(&mut self, written: &Written<'_>) {
        let (name, value) = (written.name, written.value.trim());
        if value.is_empty() || css::is_valid(name, value) || !self.is_new(written, value) {
            return;
        }
        let message = format!("`{}` is no value of `{name}`", shorten(value));
        let mut found = Diagnostic::warning(Code::PropertyValue, written.span(), message);
        found.help = help(name, value);
        self.found.push(found);
    }
}

impl Look {
    fn words(&mut self, written: &Written<'_>) {
        let Some((name, words)) = WORDS.iter().find(|(name, _)| *name == written.name) else {
            return;
        };
        for word in written.value.split_ascii_whitespace().take(4) {
            let known = || words.split_ascii_whitespace();
            if known().any(|k| k.eq_ignore_ascii_case(word)) || !self.is_new(written, word) {
                continue;
            }
            if let Some(near) = did_you_mean(word, known()) {
                let message = format!("`{}` is no value of `{name}`", shorten(word));
                let found = Diagnostic::warning(Code::PropertyValue, written.span(), message);
                self.found.push(found.help(near));
            }
        }
    }
}

/// What is nearly `value`, and what there is to choose from where that is little.
fn help(name: &str, value: &str) -> Option<String> {
    let colours = || names::COLOURS.split_ascii_whitespace();
    match (name, css::keywords(name)) {
        (_, Some(words)) => {
            let near = did_you_mean(value, words.iter().copied());
            if words.len() > 20 {
                return near;
            }
            let near = near.map_or_else(String::new, |near| format!("{near} "));
            Some(format!("{near}values: {}", words.join(", ")))
        }
        ("fill" | "stroke" | "color" | "stop-color" | "flood-color" | "lighting-color", _) => {
            did_you_mean(value, colours()).or_else(|| Some("a colour such as #1b6ac9".to_owned()))
        }
        _ => None,
    }
}

impl Written<'_> {
    /// The declaration's name or value in the source; all of it where that cannot be told.
    fn span(&self) -> Span {
        let Some(at) = declared_at(self.within, self.name) else { return self.place };
        let start = self.place.start as usize + at;
        let end = start + self.name.len();
        // With entities in it the source is longer than the text.
        if self.place.end as usize - self.place.start as usize != self.within.len() {
            return self.place;
        }
        Span::new(start, end)
    }
}

/// Where `name` is declared in `text` first.
fn declared_at(text: &str, name: &str) -> Option<usize> {
    let low = text.to_ascii_lowercase();
    low.match_indices(name).map(|(at, _)| at).find(|&at| {
        let before = low.get(..at).and_then(|t| t.chars().next_back());
        let after = low.get(at + name.len()..).unwrap_or_default();
        before.is_none_or(|c| !c.is_ascii_alphanumeric() && c != '-' && c != '_')
            && after.trim_start().starts_with(':')
    })
}

fn is_property(name: &str) -> bool {
    static SORTED: LazyLock<Vec<&str>> = LazyLock::new(|| {
        let lists = [names::PRESENTATION, names::PROPERTIES];
        let mut all: Vec<_> = lists.iter().flat_map(|list| list.split_ascii_whitespace()).collect();
        all.sort_unstable();
        all
    });
    SORTED.binary_search(&name).is_ok()
}

/// The bodies of the rules of a sheet, those in `@media` among them.
fn bodies<'t>(text: &'t str, depth: usize, out: &mut Vec<&'t str>) {
    for piece in css::pieces(text) {
        match piece {
            Piece::Rule(_, body) => out.push(body),
            Piece::Media(_, inside) if depth < 8 => bodies(inside, depth + 1, out),
            Piece::Media(..) => {}
        }
    }
}
