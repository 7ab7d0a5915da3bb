//! What is wrong with a document, and where.

use super::code::{Code, Severity};
use super::text::Span;

/// One finding. Codes are stable: they are listed in `docs/language.md`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// What kind of finding it is.
    pub code: Code,
    /// How bad it is.
    pub severity: Severity,
    /// One sentence with the names and values seen.
    pub message: String,
    /// Where.
    pub span: Span,
    /// What to do about it.
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error at `span`.
    pub fn error(code: Code, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(Severity::Error, code, span, message)
    }

    /// A warning at `span`.
    pub fn warning(code: Code, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(Severity::Warning, code, span, message)
    }

    /// A note at `span`.
    pub fn note(code: Code, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(Severity::Note, code, span, message)
    }

    /// A finding of any severity that its code allows.
    pub(crate) fn new(
        severity: Severity,
        code: Code,
        span: Span,
        message: impl Into<String>,
    ) -> Diagnostic {
        debug_assert!(code.severities().contains(&severity), "{code} is never {severity:?}");
        Diagnostic { code, severity, message: message.into(), span, help: None }
    }

    /// Adds advice.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Diagnostic {
        self.help = Some(help.into());
        self
    }
}

/// Diagnostics in the making: bounded, the rest counted.
#[derive(Debug)]
pub(crate) struct Diagnostics {
    list: Vec<Diagnostic>,
    most: usize,
    dropped: usize,
}

impl Diagnostics {
    pub(crate) fn new(most: usize) -> Diagnostics {
        Diagnostics { list: Vec::new(), most: most.max(1), dropped: 0 }
    }

    /// Keeps `diagnostic` if there is room. An error takes the room of a lesser finding.
    pub(crate) fn push(&mut self, diagnostic: Diagnostic) {
        if self.list.len() < self.most {
            self.list.push(diagnostic);
            return;
        }
        self.dropped += 1;
        if diagnostic.severity == Severity::Error
            && let Some(lesser) = self.list.iter().rposition(|d| d.severity < Severity::Error)
        {
            self.list.remove(lesser);
            self.list.push(diagnostic);
        }
    }

    /// What was kept, in the order of the source, and how many were not.
    pub(crate) fn finish(mut self) -> (Vec<Diagnostic>, usize) {
        self.list.sort_by_key(|d| (d.span.start, std::cmp::Reverse(d.severity)));
        (self.list, self.dropped)
    }
}
