//! Colour and progress: for people at a terminal only. `NO_COLOR`, `CLICOLOR_FORCE` and a `TERM`
//! that knows no colours are heeded (<https://no-color.org>, <https://bixense.com/clicolors>).

use std::io::{IsTerminal, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use svgx_base::budget::{Clock as _, Monotonic};

/// Whether nothing is said beside the result.
static QUIET: AtomicBool = AtomicBool::new(false);

/// Heeds `--quiet`.
pub(crate) fn be_quiet(quiet: bool) {
    QUIET.store(quiet, Ordering::Relaxed);
}

/// Whether warnings, totals and progress are left out.
pub(crate) fn is_quiet() -> bool {
    QUIET.load(Ordering::Relaxed)
}

/// Whether text to `stream` is coloured.
pub(crate) fn coloured(stream: &impl IsTerminal) -> bool {
    wanted(
        stream.is_terminal(),
        anstyle_query::no_color(),
        anstyle_query::clicolor_force(),
        anstyle_query::term_supports_color(),
    )
}

fn wanted(terminal: bool, no_color: bool, forced: bool, term: bool) -> bool {
    !no_color && (forced || terminal && term)
}

const RESET: &str = "\x1b[0m";
const BOLD: &str = "\x1b[1m";
const RED: &str = "\x1b[1;31m";
const YELLOW: &str = "\x1b[1;33m";
const BLUE: &str = "\x1b[1;34m";

/// Findings as text, with the severities, the marks and the gutter in colour. What a drawing says
/// has no control characters any more, so nothing of it can be taken for a colour.
pub(crate) fn findings(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 5 / 4);
    let mut colour = BLUE;
    for line in text.split_inclusive('\n') {
        let (body, end) = line.strip_suffix('\n').map_or((line, ""), |body| (body, "\n"));
        let severity = [("error[", RED), ("warning[", YELLOW), ("note[", BLUE)]
            .into_iter()
            .find(|(word, _)| body.starts_with(word));
        if let (Some((_, of)), Some((code, message))) = (severity, body.split_once("]: ")) {
            colour = of;
            out.push_str(&format!("{colour}{code}]{RESET}{BOLD}: {message}{RESET}{end}"));
        } else if let Some((gutter, mark)) = body.split_once(" | ")
            && gutter.trim().is_empty()
            && mark.trim_start().starts_with('^')
        {
            out.push_str(&format!("{BLUE}{gutter} |{RESET} {colour}{mark}{RESET}{end}"));
        } else if let Some(at) = body.find("--> ").filter(|at| body[..*at].trim().is_empty()) {
            let (arrow, place) = body.split_at(at + 3);
            out.push_str(&format!("{BLUE}{arrow}{RESET}{place}{end}"));
        } else {
            out.push_str(line);
        }
    }
    out
}

/// A line on standard error that is written again and again, where that is a terminal.
#[derive(Debug)]
pub(crate) struct Progress {
    shown: bool,
    last: String,
}

impl Progress {
    /// Shows nothing yet.
    pub(crate) fn new() -> Progress {
        Progress { shown: std::io::stderr().is_terminal() && !is_quiet(), last: String::new() }
    }

    /// Whether anybody sees it.
    pub(crate) fn is_shown(&self) -> bool {
        self.shown
    }

    /// Replaces the line, if it is another.
    pub(crate) fn tell(&mut self, line: &str) {
        if self.shown && self.last != line {
            // Back to the margin, and the rest of the line is cleared.
            let _ = write!(std::io::stderr(), "\r\x1b[2K{line}");
            line.clone_into(&mut self.last);
        }
    }

    /// As [`Progress::tell`], in hundredths.
    pub(crate) fn share(&mut self, what: &str, done: f64) {
        if self.shown {
            self.tell(&format!("{what} {:3.0} %", 100.0 * done.clamp(0.0, 1.0)));
        }
    }
}

/// Tells how far work of a known length is, from a thread of its own, until it is dropped.
#[derive(Debug)]
pub(crate) struct Ticking {
    stop: std::sync::mpsc::Sender<()>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Ticking {
    /// Begins; nothing where nobody sees it.
    pub(crate) fn new(what: &'static str, whole: Duration) -> Ticking {
        let (stop, stopped) = std::sync::mpsc::channel();
        let mut progress = Progress::new();
        let thread = progress.is_shown().then(|| {
            std::thread::spawn(move || {
                let clock = Monotonic::new();
                let begun = clock.now();
                // Disconnected: it is over.
                while stopped.recv_timeout(Duration::from_millis(500))
                    == Err(RecvTimeoutError::Timeout)
                {
                    let taken = clock.now().since(begun).as_secs_f64();
                    progress.share(what, taken / whole.as_secs_f64().max(1e-9));
                }
            })
        });
        Ticking { stop, thread }
    }
}

impl Drop for Ticking {
    fn drop(&mut self) {
        let _ = self.stop.send(());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if !self.last.is_empty() {
            let _ = write!(std::io::stderr(), "\r\x1b[2K");
        }
    }
}

/// Words in columns, as wide as they have to be.
pub(crate) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let width = |at: usize| {
        let cells = rows.iter().filter_map(|r| r.get(at)).map(|c| c.chars().count());
        cells.chain(head.get(at).map(|h| h.chars().count())).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let padded: Vec<String> =
            cells.zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        padded.join("  ").trim_end().to_owned() + "\n"
    };
    let mut out = line(&mut head.iter().copied());
    for row in rows {
        out.push_str(&line(&mut row.iter().map(String::as_str)));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_is_coloured_unless_it_is_told_not_to_be() {
        for (terminal, no_color, forced, term, expected) in [
            (true, false, false, true, true),
            (true, true, false, true, false),
            (true, true, true, true, false),
            (true, false, false, false, false),
            (false, false, false, true, false),
            (false, false, true, false, true),
        ] {
            assert_eq!(wanted(terminal, no_color, forced, term), expected);
        }
    }

    #[test]
    fn colours_add_nothing_but_colours() {
        let text = "error[bad-id]: an id\n --> a.svgx:1:2\n  |\n1 | <g id=''/>\n  |    ^^\n  = help: x\n\n";
        let painted = findings(text);
        assert!(painted.starts_with("\x1b[1;31merror[bad-id]\x1b[0m"), "{painted:?}");
        assert!(painted.contains("\x1b[1;31m   ^^\x1b[0m"), "{painted:?}");
        let plain = [RESET, BOLD, RED, YELLOW, BLUE]
            .iter()
            .fold(painted, |text, colour| text.replace(colour, ""));
        assert_eq!(plain, text);
    }

    #[test]
    fn a_table_has_columns_as_wide_as_their_widest_cell() {
        let rows =
            vec![vec!["a".to_owned(), "1".to_owned()], vec!["bbb".to_owned(), String::new()]];
        assert_eq!(table(&["ID", "N"], &rows), "ID   N\na    1\nbbb\n");
    }
}
