//! One page: its front matter, its sections, its links.

use std::collections::BTreeSet;
use std::path::Path;

use serde::Deserialize;
use svgx_base::duration;

use super::super::alert::Alert;
use super::super::known_series::KnownSeries;
use super::super::links;
use super::super::problem::Problem;
use super::command::{self, CommandCheck};
use super::figures::{Figures, spelled};

/// The sections of a page, in this order.
const SECTIONS: [&str; 7] =
    ["Meaning", "Impact", "Diagnosis", "Mitigation", "Verify", "Escalate", "Drill"];
/// The blocks every page has.
const BLOCKS: [&str; 3] = ["diagnosis", "mitigation", "verify"];

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Front {
    alert: String,
    slo: Vec<String>,
    severity: Vec<String>,
    dashboard: String,
    /// The experiment that provokes the alert; null where there is none.
    chaos: Option<String>,
    detect_within: String,
    recover_within: String,
    /// Why there is no experiment, or no journal of some of its drills.
    #[serde(default)]
    not_drilled: Option<String>,
}

/// Where and when a block is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum For {
    /// The local stack, whatever the cause: a drill runs it.
    Drill,
    /// A cluster.
    Kubernetes,
    /// Another cause than the one that the drill makes.
    Other,
}

/// A fenced block of commands.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    /// `diagnosis`, `mitigation` or `verify`.
    pub(crate) kind: String,
    pub(crate) place: For,
    /// The line of its first command.
    pub(crate) line: usize,
    pub(crate) text: String,
    /// What its output has to show in a drill, each with its line: `<!-- shows: REGEX -->` behind it.
    pub(crate) shows: Vec<(usize, String)>,
}

/// What a page says about its drill.
#[derive(Clone, Debug)]
pub(crate) struct Drillable {
    /// The experiment, from the root of the project, or why there is none.
    pub(crate) chaos: Result<String, Option<String>>,
    /// Why some of its drills have no journal.
    pub(crate) not_drilled: Option<String>,
    /// Seconds.
    pub(crate) detect_within: u64,
    pub(crate) recover_within: u64,
    pub(crate) blocks: Vec<Block>,
}

/// A page taken apart.
#[derive(Debug)]
pub(crate) struct Page {
    file: String,
    front: Front,
    /// Line and text of what is not in a block, headings included.
    words: Vec<(usize, String)>,
    blocks: Vec<Block>,
}

impl Page {
    pub(crate) fn parse(file: &str, text: &str) -> Result<Page, Problem> {
        let body = text.strip_prefix("---\n").and_then(|t| t.split_once("\n---\n"));
        let Some((front, body)) = body else {
            return Err(Problem::new(file, 1, "wants front matter between two lines of ---"));
        };
        let first = front.lines().count() + 3;
        let front: Front = serde_saphyr::from_str(front)
            .map_err(|e| Problem::new(file, 1, format!("front matter: {e}")))?;
        let mut page = Page { file: file.to_owned(), front, words: Vec::new(), blocks: Vec::new() };
        let mut open: Option<Block> = None;
        for (line, text) in (first..).zip(body.lines()) {
            match (&mut open, text.strip_prefix("```")) {
                (None, Some(mark)) => {
                    let kind = mark.strip_prefix("sh ").unwrap_or_default();
                    let (kind, place) = match kind.split_once(' ') {
                        Some((kind, "kubernetes")) => (kind, For::Kubernetes),
                        Some((kind, "other")) => (kind, For::Other),
                        _ => (kind, For::Drill),
                    };
                    if !BLOCKS.contains(&kind) {
                        let message = format!(
                            "block {mark:?}: wanted sh diagnosis, sh mitigation or sh verify"
                        );
                        return Err(Problem::new(file, line, message));
                    }
                    open = Some(Block {
                        kind: kind.to_owned(),
                        place,
                        line: line + 1,
                        text: String::new(),
                        shows: Vec::new(),
                    });
                }
                (Some(_), Some(_)) => page.blocks.extend(open.take()),
                (Some(block), None) => {
                    block.text.push_str(text);
                    block.text.push('\n');
                }
                (None, None) => page.word(line, text)?,
            }
        }
        if let Some(block) = open {
            return Err(Problem::new(file, block.line, "the block is not closed"));
        }
        Ok(page)
    }

    /// A line outside of the blocks: words, or what the block before it has to show.
    fn word(&mut self, line: usize, text: &str) -> Result<(), Problem> {
        let Some(shown) = text.strip_prefix("<!-- shows: ") else {
            self.words.push((line, text.to_owned()));
            return Ok(());
        };
        let pattern = shown.strip_suffix(" -->").unwrap_or_default();
        let wrong = match regex::Regex::new(pattern) {
            Ok(_) if pattern.is_empty() => Some("expected <!-- shows: REGEX -->".to_owned()),
            Ok(_) => None,
            Err(error) => Some(error.to_string()),
        };
        match (wrong, self.blocks.last_mut()) {
            (None, Some(block)) => block.shows.push((line, pattern.to_owned())),
            (None, None) => return Err(self.problem(line, "no block before it shows anything")),
            (Some(wrong), _) => return Err(self.problem(line, wrong)),
        }
        Ok(())
    }

    /// What it says about its drill.
    pub(crate) fn drillable(&self) -> Result<Drillable, Problem> {
        let seconds = |text: &str, line| {
            crate::seconds(text).ok_or_else(|| self.problem(line, format!("{text:?} is no time")))
        };
        Ok(Drillable {
            chaos: self.front.chaos.clone().ok_or_else(|| self.front.not_drilled.clone()),
            not_drilled: self.front.not_drilled.clone(),
            detect_within: seconds(&self.front.detect_within, 7)?,
            recover_within: seconds(&self.front.recover_within, 8)?,
            blocks: self.blocks.clone(),
        })
    }

    fn problem(&self, line: usize, message: impl Into<String>) -> Problem {
        Problem::new(&self.file, line, message)
    }

    /// Paragraphs long enough to be somebody's thought.
    pub(super) fn paragraphs(&self) -> Vec<(usize, String)> {
        let mut all: Vec<(usize, String)> = Vec::new();
        let mut last = 0;
        for (line, text) in &self.words {
            if text.trim().is_empty() || text.starts_with('#') {
                last = 0;
                continue;
            }
            match all.last_mut() {
                Some((_, paragraph)) if last + 1 == *line => {
                    paragraph.push(' ');
                    paragraph.push_str(text);
                }
                _ => all.push((*line, text.clone())),
            }
            last = *line;
        }
        all.retain(|(_, p)| p.len() > 80);
        all
    }

    /// Compares the page with its alert.
    pub(super) fn check(
        &self,
        name: &str,
        figures: &Figures,
        rules: &[&Alert],
        root: &Path,
    ) -> Vec<Problem> {
        let mut problems = Vec::new();
        let on = rules.first().map_or("", |a| links::dashboard(a));
        let front = &self.front;
        for (key, line, said, wanted) in [
            ("alert", 2, front.alert.clone(), name.to_owned()),
            ("slo", 3, front.slo.join(", "), figures.slo.join(", ")),
            ("severity", 4, front.severity.join(", "), figures.severity.join(", ")),
            ("dashboard", 5, front.dashboard.clone(), on.to_owned()),
            (
                "detect_within",
                7,
                front.detect_within.clone(),
                duration::exact(figures.detect_within),
            ),
            (
                "recover_within",
                8,
                front.recover_within.clone(),
                duration::exact(figures.recover_within),
            ),
        ] {
            let same = crate::seconds(&said)
                .map_or(said == wanted, |s| Some(s) == crate::seconds(&wanted));
            if !same {
                let message = format!("{key} is {said:?}, by slo/ it is {wanted:?}");
                problems.push(self.problem(line, message));
            }
        }
        if let Some(chaos) = &front.chaos
            && !root.join(chaos).is_file()
        {
            problems.push(self.problem(6, format!("chaos: {chaos} does not exist")));
        }
        self.sections(&mut problems);
        self.links(root, &mut problems);
        let forbidden: BTreeSet<String> = rules.iter().flat_map(|a| spelled(a)).collect();
        for (line, text) in &self.words {
            for figure in forbidden.iter().filter(|f| contains_word(text, f)) {
                let message = format!(
                    "repeats the figure {figure:?}, which would not follow slo/: say \"the budget\""
                );
                problems.push(self.problem(*line, message));
            }
        }
        problems
    }

    fn sections(&self, problems: &mut Vec<Problem>) {
        let found: Vec<(usize, &str)> = self
            .words
            .iter()
            .filter_map(|(line, text)| Some((*line, text.strip_prefix("## ")?)))
            .collect();
        let names: Vec<&str> = found.iter().map(|(_, name)| *name).collect();
        if names != SECTIONS {
            let message = format!("sections are {names:?}, wanted {SECTIONS:?}");
            problems.push(self.problem(1, message));
        }
        for pair in found.windows(2) {
            let [(from, name), (to, _)] = pair else { continue };
            let said = self.words.iter().any(|(l, t)| l > from && l < to && !t.trim().is_empty());
            let blocks = self.blocks.iter().filter(|b| b.line > *from && b.line < *to);
            if !said && blocks.clone().count() == 0 {
                problems.push(self.problem(*from, format!("section {name} is empty")));
            }
            // A mitigation may want one more look; the tag says what a block is for.
            let own = name.to_lowercase();
            if BLOCKS.contains(&own.as_str()) && !blocks.clone().any(|b| b.kind == own) {
                problems.push(self.problem(*from, format!("section {name} has no block sh {own}")));
            }
        }
    }

    fn links(&self, root: &Path, problems: &mut Vec<Problem>) {
        let folder = root.join(&self.file);
        let folder = folder.parent().unwrap_or(root);
        for (line, text) in &self.words {
            for target in text.split("](").skip(1).filter_map(|t| Some(t.split_once(')')?.0)) {
                let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
                let there = folder.join(path);
                let dead = path.contains("://")
                    || !there.exists()
                    || !anchor.is_empty() && !has_heading(&there, anchor);
                if dead {
                    let message =
                        format!("dead link {target} (pages link to files of the project)");
                    problems.push(self.problem(*line, message));
                }
            }
        }
    }

    /// Whether each command exists, and each query asks for what exists.
    pub(super) fn check_commands(
        &self,
        emitted: &KnownSeries,
        commands: &CommandCheck<'_>,
    ) -> Vec<Problem> {
        let mut problems = Vec::new();
        for block in &self.blocks {
            for (offset, message) in command::check(&block.text, emitted, commands) {
                problems.push(self.problem(block.line + offset, message));
            }
        }
        problems
    }
}

/// Whether `text` has `figure` with nothing of a number or a word around it.
fn contains_word(text: &str, figure: &str) -> bool {
    text.match_indices(figure).any(|(at, _)| {
        let part = |c: char| c.is_alphanumeric() || c == '.';
        let before = text[..at].chars().next_back().is_some_and(part);
        let after = text[at + figure.len()..].chars().next().is_some_and(char::is_alphanumeric);
        !before && !after
    })
}

fn has_heading(file: &Path, anchor: &str) -> bool {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    text.lines().filter_map(|l| l.strip_prefix('#')).any(|l| {
        let heading = l.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
        heading == anchor
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_found_only_as_a_whole() {
        for (text, figure, found) in [
            ("above 16 ms for", "16 ms", true),
            ("above 116 ms", "16 ms", false),
            ("0.016", "0.016", true),
            ("10.016", "0.016", false),
            ("16 msg", "16 ms", false),
        ] {
            assert_eq!(contains_word(text, figure), found, "{text}");
        }
    }

    #[test]
    fn a_page_without_front_matter_or_with_an_unknown_block_is_refused() {
        assert!(Page::parse("x.md", "# X\n").is_err());
        let front = "---\nalert: X\nslo: [a]\nseverity: [critical]\ndashboard: d\nchaos: null\n\
                     detect_within: 1m\nrecover_within: 1m\n---\n";
        assert!(Page::parse("x.md", &format!("{front}# X\n")).is_ok());
        let found = Page::parse("x.md", &format!("{front}\n```sh\nls\n```\n"));
        assert_eq!(found.map(|_| ()).map_err(|p| p.line), Err(11));
        assert!(Page::parse("x.md", &format!("{front}\n```sh verify\nls\n")).is_err());
    }
}
