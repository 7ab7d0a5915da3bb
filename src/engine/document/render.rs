//! Diagnostics for people, for programs, and for tools that read SARIF.

use std::fmt::Write;

use serde::Serialize;
use serde_json::{Value, json};

use super::diagnostic::Diagnostic;
use super::text::{LineIndex, Position, Span};

/// The forms findings are printed in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Text with an excerpt under each finding.
    #[default]
    Human,
    /// One JSON object.
    Json,
    /// SARIF 2.1.0.
    Sarif,
}

/// Columns of an excerpt; a longer line is cut around the place.
const WIDTH: usize = 100;

/// The findings of several files: name, text, findings.
///
/// The human form ends without a summary line when there is nothing to say;
/// the other two are always complete documents.
pub fn render_diagnostics(files: &[(&str, &str, &[Diagnostic])], format: Format) -> String {
    match format {
        Format::Human => human(files),
        Format::Json => {
            let files: Vec<Value> = files.iter().map(file_json).collect();
            pretty(&json!({ "files": files }))
        }
        Format::Sarif => pretty(&sarif(files)),
    }
}

fn pretty(value: &Value) -> String {
    let mut text = serde_json::to_string_pretty(value).unwrap_or_default();
    text.push('\n');
    text
}

fn human(files: &[(&str, &str, &[Diagnostic])]) -> String {
    let mut out = String::new();
    for (name, source, diagnostics) in files {
        if diagnostics.is_empty() {
            continue;
        }
        let index = LineIndex::new(source);
        for d in *diagnostics {
            one(&mut out, name, source, &index, d);
        }
    }
    out
}

fn one(out: &mut String, name: &str, source: &str, index: &LineIndex, d: &Diagnostic) {
    // Writing to a String cannot fail.
    let _ = writeln!(out, "{}[{}]: {}", d.severity.as_str(), d.code, plain(&d.message));
    if d.span.is_none() {
        let _ = writeln!(out, "  --> {name}");
    } else {
        let at = index.position(source, d.span.start);
        let gutter = at.line.to_string().len();
        let _ = writeln!(out, "{:gutter$}--> {name}:{}:{}", "", at.line, at.column);
        let (line, caret, length) = excerpt(source, index, d.span, at);
        let _ = writeln!(out, "{:gutter$} |", "");
        let _ = writeln!(out, "{} | {line}", at.line);
        let mark = "^".repeat(length);
        let _ = writeln!(out, "{:gutter$} | {:caret$}{mark}", "", "");
    }
    if let Some(help) = &d.help {
        let _ = writeln!(out, "  = help: {}", plain(help));
    }
    out.push('\n');
}

/// The line of a place cut to a readable width, and where and how long to underline.
fn excerpt(source: &str, index: &LineIndex, span: Span, at: Position) -> (String, usize, usize) {
    let line = index.line(source, at.line);
    let column = at.column as usize - 1;
    let from = column.saturating_sub(WIDTH / 2);
    let text: String = line.chars().skip(from).take(WIDTH).map(visible).collect();
    let covered = source.get(span.start as usize..span.end as usize).unwrap_or_default();
    let covered = covered.lines().next().unwrap_or_default().chars().take(WIDTH).count();
    let caret = column - from;
    let room = text.chars().count().saturating_sub(caret).max(1);
    (text, caret, covered.clamp(1, room))
}

/// Control characters would move the cursor or hide the text.
fn visible(c: char) -> char {
    if c == '\t' {
        ' '
    } else if c.is_control() {
        '\u{fffd}'
    } else {
        c
    }
}

fn plain(text: &str) -> String {
    text.chars().map(visible).collect()
}

/// Start and end of a span, for a text whose lines are known.
fn range(source: &str, index: &LineIndex, span: Span) -> Option<(Position, Position)> {
    if span.is_none() {
        return None;
    }
    Some((index.position(source, span.start), index.position(source, span.end)))
}

fn file_json((name, source, diagnostics): &(&str, &str, &[Diagnostic])) -> Value {
    let index = LineIndex::new(source);
    let findings: Vec<Value> = diagnostics
        .iter()
        .map(|d| {
            let (start, end) = range(source, &index, d.span).unzip();
            json!({
                "code": d.code,
                "severity": d.severity.as_str(),
                "message": d.message,
                "start": start,
                "end": end,
                "help": d.help,
            })
        })
        .collect();
    json!({ "file": name, "diagnostics": findings })
}

fn sarif(files: &[(&str, &str, &[Diagnostic])]) -> Value {
    let mut codes: Vec<&str> =
        files.iter().flat_map(|(_, _, ds)| ds.iter().map(|d| d.code.as_str())).collect();
    codes.sort_unstable();
    codes.dedup();
    let mut results = Vec::new();
    for (name, source, diagnostics) in files {
        let index = LineIndex::new(source);
        for d in *diagnostics {
            let mut location = json!({ "artifactLocation": { "uri": uri(name) } });
            if let Some((start, end)) = range(source, &index, d.span) {
                location["region"] = json!({
                    "startLine": start.line,
                    "startColumn": start.column,
                    "endLine": end.line,
                    "endColumn": end.column,
                });
            }
            results.push(json!({
                "ruleId": d.code,
                "ruleIndex": codes.binary_search(&d.code.as_str()).unwrap_or(0),
                "level": d.severity.as_str(),
                "message": { "text": d.message },
                "locations": [{ "physicalLocation": location }],
            }));
        }
    }
    let rules: Vec<Value> = codes.iter().map(|c| json!({ "id": c })).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "svgx",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

/// A file name as a relative URI reference (RFC 3986, section 2.1).
fn uri(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for b in name.bytes() {
        match b {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                out.push(b as char);
            }
            _ => {
                let _ = write!(out, "%{b:02X}");
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Code;

    #[test]
    fn a_finding_points_at_its_place_in_its_line() {
        let source = "<svg>\n  <é mass=\"-1\"/>\n</svg>";
        let start = source.find("-1").unwrap();
        let found =
            [Diagnostic::error(Code::BadMass, Span::new(start, start + 2), "`-1` is no mass")
                .help("more")];
        let text = render_diagnostics(&[("a.svgx", source, &found)], Format::Human);
        let expected = "error[bad-mass]: `-1` is no mass\n --> a.svgx:2:12\n  |\n\
                        2 |   <é mass=\"-1\"/>\n  |            ^^\n  = help: more\n\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn terminal_escapes_of_a_document_do_not_reach_the_terminal() {
        let source = "<svg a='\u{1b}[31m'>";
        let found = [Diagnostic::error(Code::XmlCharacter, Span::new(8, 9), "\u{1b}[2J")];
        let text = render_diagnostics(&[("a", source, &found)], Format::Human);
        assert!(!text.contains('\u{1b}'));
    }

    #[test]
    fn sarif_names_rule_level_and_region() {
        let found = [Diagnostic::warning(Code::MissingSize, Span::new(0, 4), "no size")];
        let text = render_diagnostics(&[("a b.svgx", "<svg/>", &found)], Format::Sarif);
        let value: Value = serde_json::from_str(&text).unwrap();
        let result = &value["runs"][0]["results"][0];
        assert_eq!(result["ruleId"], "missing-size");
        assert_eq!(result["level"], "warning");
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "a%20b.svgx");
        assert_eq!(place["region"]["endColumn"], 5);
    }
}
