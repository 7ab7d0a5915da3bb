//! Fonts that are not at hand, and letters without a glyph.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use resvg::usvg::FontFamily;
use resvg::usvg::fontdb::{Stretch, Style};

use crate::document::{Code, Document, NodeId, NodeKind, Severity, Span};
use crate::geometry::css::{Matching, Sheet};
use crate::geometry::{Role, role};

use svgx_base::budget::{Budget, Stop};

use super::super::fonts::Fonts;
use super::{MOST, Seen, short};

/// Letters named in one finding.
const LETTERS: usize = 8;
/// Different letters that are looked up for one font.
const DISTINCT: usize = 4_096;
const FONTS: Option<&str> = Some("fonts are brought by --font-dir");

/// What a run of text asks for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Asked {
    /// As written; `None`: nothing.
    family: Option<Arc<str>>,
    italic: bool,
    weight: u16,
}

const USUAL: Asked = Asked { family: None, italic: false, weight: 400 };

/// Runs that ask for the same.
#[derive(Debug)]
struct Runs {
    asked: Asked,
    letters: BTreeSet<char>,
    span: Span,
    count: usize,
}

/// Looks at every text.
pub(super) fn check(
    document: &Document,
    sheet: &Sheet,
    fonts: &Fonts,
    seen: &mut Seen,
    budget: &Budget,
) -> Result<(), Stop> {
    let mut known: HashMap<NodeId, Asked> = HashMap::new();
    let mut matching = Matching::default();
    let mut all: Vec<Runs> = Vec::new();
    for text in document.elements().filter(|&n| role(document, n) == Role::Text) {
        for node in document.descendants(text) {
            budget.checkpoint()?;
            let NodeKind::Text(letters) = document.kind(node) else { continue };
            let Some(parent) = document.parent(node) else { continue };
            let shown =
                matches!(document.name(parent), Some((_, "text" | "tspan" | "textPath" | "a")));
            if !shown || letters.trim().is_empty() {
                continue;
            }
            let asked = asked(document, sheet, parent, &mut known, &mut matching);
            let letters = letters.chars().filter(|c| needs_glyph(*c));
            let at = all.iter().position(|runs| runs.asked == asked);
            // More fonts than anybody looks at.
            let full = all.len() >= MOST;
            match at.and_then(|at| all.get_mut(at)) {
                Some(runs) => {
                    runs.letters.extend(letters);
                    runs.count += 1;
                }
                None if full => {}
                None => {
                    let (letters, span) = (letters.collect(), document.span(parent));
                    all.push(Runs { asked, letters, span, count: 1 });
                }
            }
        }
    }
    // Once for all runs: a letter without a glyph has none in any font.
    let letters = all.iter().flat_map(|runs| runs.letters.iter().take(DISTINCT));
    let missing = fonts.missing(letters.copied().collect(), budget)?;
    for runs in all {
        judge(runs, fonts, &missing, seen);
    }
    Ok(())
}

fn judge(runs: Runs, fonts: &Fonts, missing: &BTreeSet<char>, seen: &mut Seen) {
    let Runs { asked, letters, span, count } = runs;
    let list = asked.family.as_deref().unwrap_or_default();
    let mut families = svgtypes::parse_font_families(list).unwrap_or_default();
    if families.is_empty() {
        families.push(FontFamily::Named(fonts.usual()));
    }
    let style = if asked.italic { Style::Italic } else { Style::Normal };
    let Some(choice) = fonts.choose(&families, asked.weight, style, Stretch::Normal) else {
        return;
    };
    let name = fonts.name(choice.id);
    seen.each = count;
    if asked.family.is_none() {
        let key = "no font-family";
        let message = || {
            format!("the text states no font-family; drawn with {name}, browsers take their own")
        };
        seen.add(Code::FontNotFound, Severity::Note, key, message, None, span);
    } else if !choice.first {
        let message = || format!("the font {} is not at hand; drawn with {name}", short(list));
        seen.add(Code::FontNotFound, Severity::Warning, list, message, FONTS, span);
    }
    if choice.upright {
        let key = format!("italic {name}");
        let message = || format!("no italic face of {name} is at hand; drawn upright");
        seen.add(Code::FontNotFound, Severity::Warning, &key, message, FONTS, span);
    }
    if choice.thin {
        let key = format!("bold {name}");
        let message = || format!("no bold face of {name} is at hand; drawn in its usual weight");
        seen.add(Code::FontNotFound, Severity::Warning, &key, message, FONTS, span);
    }
    let missing: Vec<char> = letters.intersection(missing).copied().collect();
    if !missing.is_empty() {
        let key: String = missing.iter().collect();
        let message = || {
            let named: Vec<String> = missing
                .iter()
                .take(LETTERS)
                .map(|c| format!("{c} (U+{:04X})", u32::from(*c)))
                .collect();
            let more = missing.len().saturating_sub(LETTERS);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let wanted = if list.is_empty() { name.to_owned() } else { short(list) };
            format!(
                "no glyph for {}{more} in {wanted} or any other font; an empty box is drawn",
                named.join(", ")
            )
        };
        seen.add(Code::MissingGlyph, Severity::Warning, &key, message, FONTS, span);
    }
}

/// Whether a browser draws something for a character. Printable ASCII is not asked about: the
/// font in the binary has all of it.
fn needs_glyph(c: char) -> bool {
    !(c.is_ascii()
        || c.is_whitespace()
        || c.is_control()
        || matches!(
            u32::from(c),
            0xAD | 0x34F | 0x61C | 0x180B..=0x180E | 0x200B..=0x200F | 0x2028..=0x202E
                | 0x2060..=0x206F | 0xFE00..=0xFE0F | 0xFEFF | 0xE0000..=0xE0FFF
        ))
}

/// What an element asks for, with what it inherits.
fn asked(
    document: &Document,
    sheet: &Sheet,
    node: NodeId,
    known: &mut HashMap<NodeId, Asked>,
    matching: &mut Matching,
) -> Asked {
    let mut above = Vec::new();
    let mut at = Some(node);
    let mut asked = USUAL;
    while let Some(n) = at {
        if let Some(found) = known.get(&n) {
            asked = found.clone();
            break;
        }
        above.push(n);
        at = document.parent(n);
    }
    for n in above.into_iter().rev() {
        let parent = asked.clone();
        for name in ["font-family", "font-style", "font-weight"] {
            if let Some(value) = document.attr(n, name) {
                set(&mut asked, name, value, &parent);
            }
        }
        if !sheet.is_empty() || document.attr(n, "style").is_some() {
            for d in sheet.cascade(document, n, matching) {
                set(&mut asked, &d.name, &d.value, &parent);
            }
        }
        known.insert(n, asked.clone());
    }
    asked
}

fn set(asked: &mut Asked, name: &str, value: &str, parent: &Asked) {
    let value = value.trim();
    let inherit = value == "inherit";
    match name {
        "font-family" if inherit => asked.family = parent.family.clone(),
        "font-family" => asked.family = Some(value.into()),
        "font-style" if inherit => asked.italic = parent.italic,
        "font-style" => asked.italic = value.starts_with("italic") || value.starts_with("oblique"),
        "font-weight" => {
            asked.weight = match value {
                "inherit" => parent.weight,
                "bold" => 700,
                "normal" => 400,
                "bolder" => {
                    if parent.weight < 350 {
                        400
                    } else if parent.weight < 550 {
                        700
                    } else {
                        900
                    }
                }
                "lighter" => {
                    if parent.weight < 550 {
                        100
                    } else if parent.weight < 750 {
                        400
                    } else {
                        700
                    }
                }
                number => {
                    number.parse().ok().filter(|n| (1..=1000).contains(n)).unwrap_or(asked.weight)
                }
            }
        }
        "font" => {
            if let Ok(short) = svgtypes::FontShorthand::from_str(value) {
                let usual = Asked { family: None, ..USUAL };
                *asked = usual;
                asked.family = Some(short.font_family.into());
                set(asked, "font-style", short.font_style.unwrap_or("normal"), parent);
                set(asked, "font-weight", short.font_weight.unwrap_or("normal"), parent);
            }
        }
        _ => {}
    }
}
