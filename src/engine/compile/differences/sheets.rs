//! What of style sheets is not read.

use crate::document::{Code, Document, NodeId, NodeKind};
use crate::geometry::css::{self, Piece};
use svgx_base::budget::{Budget, Stop};

use super::{Seen, declaration};

/// At-rules, and what becomes of what they hold.
const AT_RULES: &[(&str, &str, &str)] = &[
    ("layer", "@layer", "the rules in it do not apply"),
    ("supports", "@supports", "the rules in it do not apply"),
    ("container", "@container", "the rules in it do not apply"),
    ("scope", "@scope", "the rules in it do not apply"),
    ("starting-style", "@starting-style", "the rules in it do not apply"),
    ("import", "@import", "the sheet is never fetched"),
    ("font-face", "@font-face", "the font is never fetched"),
    ("property", "@property", "the custom property has no initial value"),
    ("namespace", "@namespace", "selectors with prefixes match nothing"),
];

/// Looks through one style sheet.
pub(super) fn check(
    document: &Document,
    node: NodeId,
    seen: &mut Seen,
    budget: &Budget,
) -> Result<(), Stop> {
    let text = css::without_comments(&document.text(node));
    let mut children = document.children(node);
    let inside = children.find(|&c| matches!(document.kind(c), NodeKind::Text(_)));
    let span = inside.map(|c| document.span(c)).filter(|span| !span.is_none());
    let span = span.unwrap_or_else(|| document.span(node));
    for name in at_rules(&text) {
        if let Some((_, feature, what)) = AT_RULES.iter().find(|(known, ..)| name == *known) {
            seen.note(Code::DrawnDifferently, feature, what, span);
        }
    }
    let mut open = vec![css::pieces(&text).collect::<Vec<_>>().into_iter()];
    while let Some(pieces) = open.last_mut() {
        let Some(piece) = pieces.next() else {
            open.pop();
            continue;
        };
        budget.checkpoint()?;
        match piece {
            Piece::Media(_, inside) if open.len() < 8 => {
                open.push(css::pieces(inside).collect::<Vec<_>>().into_iter());
            }
            Piece::Media(..) => {}
            Piece::Rule(selector, body) => {
                if selector.contains(":has(") {
                    let what = "the rule does not apply";
                    seen.note(Code::DrawnDifferently, ":has()", what, span);
                }
                if body.contains('{') {
                    let what = "rules within rules do not apply";
                    seen.note(Code::DrawnDifferently, "nesting in style sheets", what, span);
                    continue;
                }
                let root = selector.split(',').any(|s| matches!(s.trim(), "svg" | ":root" | "*"));
                for d in css::declarations(body) {
                    declaration(&d.name, &d.value, root, span, seen);
                }
            }
        }
    }
    Ok(())
}

/// The names of the at-rules of a sheet without comments.
fn at_rules(text: &str) -> impl Iterator<Item = String> {
    let (mut quote, mut escaped) = (None, false);
    text.char_indices().filter_map(move |(at, c)| {
        if std::mem::take(&mut escaped) {
            return None;
        }
        match (quote, c) {
            (_, '\\') => escaped = true,
            (Some(q), c) if q == c => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, '@') => {
                let name = text.get(at + 1..)?;
                let end = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '-');
                return Some(name.get(..end.unwrap_or(name.len()))?.to_ascii_lowercase());
            }
            _ => {}
        }
        None
    })
}
