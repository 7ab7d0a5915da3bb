//! `svgx check --fix`: what has one right answer is put right in the text; the rest of the file
//! stays byte for byte.
//!
//! A fix is kept only if the finding is gone, no other has come, and the document means what it
//! meant: its canonical form is the same.

use svgx_engine::document::{self, Code, Diagnostic, Document, Limits, NodeId};

/// Fixes at the most: each takes at least one finding away, and findings are limited too.
const MOST: usize = 1_000;
const SVG: &str = "http://www.w3.org/2000/svg";
const ARX: &str = "http://arxos.io/svgx";

/// `source` with its fixable findings fixed, and which they were.
pub(super) fn fix(source: &str, limits: &Limits) -> (String, Vec<Diagnostic>) {
    let mut text = source.to_owned();
    let mut fixed = Vec::new();
    // What no fix helped is not tried again.
    let mut hopeless: Vec<Diagnostic> = Vec::new();
    while fixed.len() < MOST {
        let report = svgx_engine::check(&text, limits);
        let Some(document) = &report.document else { break };
        let next = report.diagnostics.iter().find_map(|d| {
            if hopeless.iter().any(|h| h.code == d.code && h.message == d.message) {
                return None;
            }
            Some((d.clone(), edited(&text, document, d)?))
        });
        let Some((finding, after)) = next else { break };
        if is_better(document, &report.diagnostics, &after, limits) {
            text = after;
            fixed.push(finding);
        } else {
            hopeless.push(finding);
        }
    }
    (text, fixed)
}

/// Whether `after` means the same as `before`, with fewer findings and none of a new kind.
fn is_better(before: &Document, findings: &[Diagnostic], after: &str, limits: &Limits) -> bool {
    let report = svgx_engine::check(after, limits);
    let Some(document) = &report.document else { return false };
    let known = |d: &Diagnostic| findings.iter().any(|f| f.code == d.code);
    report.diagnostics.len() < findings.len()
        && report.diagnostics.iter().all(known)
        && document::canonical(document) == document::canonical(before)
}

/// The text with one finding fixed; `None` where there is no one right answer.
fn edited(text: &str, document: &Document, finding: &Diagnostic) -> Option<String> {
    match finding.code {
        Code::MissingNamespace => declared(text, document, "xmlns", SVG),
        Code::UndeclaredPrefix => {
            // The declaration that was assumed stands in the advice.
            let (prefix, rest) =
                finding.help.as_deref()?.split_once("xmlns:")?.1.split_once("=\"")?;
            let uri = rest.split_once('"')?.0;
            declared(text, document, &format!("xmlns:{prefix}"), uri)
        }
        Code::NamespaceAlias => {
            let alias = finding.message.split('`').nth(1)?;
            let mut out = text.to_owned();
            for quote in ['"', '\''] {
                out = out
                    .replace(&format!("={quote}{alias}{quote}"), &format!("={quote}{ARX}{quote}"));
            }
            (out != text).then_some(out)
        }
        Code::SvgxRoot => {
            let (start, end) = root_name(text, document)?;
            let last = text.rfind("</svgx")?;
            let close = last + 2..last + 6;
            let mut out = text.to_owned();
            // From the end, so that the first place stays where it is.
            out.replace_range(close, "svg");
            let tag = out.get(start..)?.split_once('>')?.0;
            let missing = |name: &str| !tag.contains(&format!("{name}="));
            let mut name = "svg".to_owned();
            if missing("xmlns") {
                name += &format!(" xmlns=\"{SVG}\"");
            }
            if missing("xmlns:arx") && text.contains("arx:") {
                name += &format!(" xmlns:arx=\"{ARX}\"");
            }
            (text.get(start..end)? == "svgx").then(|| out.replace_range(start..end, &name))?;
            Some(out)
        }
        _ => None,
    }
}

/// The text with a namespace declared on the root element.
fn declared(text: &str, document: &Document, name: &str, uri: &str) -> Option<String> {
    let (_, end) = root_name(text, document)?;
    let mut out = text.to_owned();
    out.insert_str(end, &format!(" {name}=\"{uri}\""));
    Some(out)
}

/// Where the name of the root element stands in its opening tag.
fn root_name(text: &str, document: &Document) -> Option<(usize, usize)> {
    let start = document.span(NodeId::ROOT).start as usize;
    let tag = text.get(start..)?.strip_prefix('<')?;
    let length = tag.find(|c: char| c.is_whitespace() || c == '>' || c == '/')?;
    (length > 0).then_some((start + 1, start + 1 + length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_one_right_answer_is_fixed_and_the_rest_stays_byte_for_byte() {
        for (before, after) in [
            // No namespace.
            (
                "<!-- a <svg -->\n<svg viewBox='0 0 9 9'>\n  <rect  id = 'a' width='1' height='1'/></svg>\n",
                "<!-- a <svg -->\n<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox='0 0 9 9'>\n  <rect  id = 'a' width='1' height='1'/></svg>\n",
            ),
            // A prefix with its usual meaning.
            (
                "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 9 9'><rect arx:layer='walls' width='1' height='1'/></svg>",
                "<svg xmlns:arx=\"http://arxos.io/svgx\" xmlns='http://www.w3.org/2000/svg' viewBox='0 0 9 9'><rect arx:layer='walls' width='1' height='1'/></svg>",
            ),
            // The root of an older name, and an older namespace.
            (
                "<svgx viewBox='0 0 9 9'>\n<rect width='1' height='1'/></svgx>\n",
                "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox='0 0 9 9'>\n<rect width='1' height='1'/></svg>\n",
            ),
            (
                "<svg xmlns='http://www.w3.org/2000/svg' xmlns:arx='http://arxos.dev/svgx' viewBox='0 0 9 9'><g arx:layer='walls'/></svg>",
                "<svg xmlns='http://www.w3.org/2000/svg' xmlns:arx='http://arxos.io/svgx' viewBox='0 0 9 9'><g arx:layer='walls'/></svg>",
            ),
            // Nothing to do, and nothing that has one answer.
            (
                "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 9 9'><g id='a'/><g id='a'/></svg>",
                "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 9 9'><g id='a'/><g id='a'/></svg>",
            ),
            ("<svg", "<svg"),
        ] {
            let limits = Limits::default();
            let (text, fixed) = fix(before, &limits);
            assert_eq!(text, after);
            assert_eq!(fixed.is_empty(), before == after, "{fixed:?}");
            assert_eq!(fix(&text, &limits).0, text, "once is enough");
        }
    }
}
