//! Findings of a network as findings of the drawing: with a code, a severity and a place.

use svgx_engine::document::{Code, Diagnostic, Document, NodeId, Severity, Span};

use super::System;
use crate::finding::{Finding, Kind, State};

impl System {
    /// The element that a name means: an object, a connection, or one of their terminals.
    pub fn element(&self, name: &str) -> Option<NodeId> {
        let mut name = name;
        loop {
            if let Some(node) = self.elements.get(name) {
                return Some(*node);
            }
            name = name.rsplit_once('.')?.0;
        }
    }

    /// What was found, as diagnostics of the drawing. `findings` are those of an answer: they
    /// begin with those of reading.
    pub fn diagnostics(&self, document: &Document, findings: &[Finding]) -> Vec<Diagnostic> {
        let diagnostic = |(k, finding): (usize, &Finding)| {
            let read = self.places.get(k).filter(|_| self.findings.get(k) == Some(finding));
            Diagnostic {
                code: code(finding.kind),
                severity: severity(finding),
                message: finding.message.clone(),
                span: read.copied().unwrap_or_else(|| self.place(document, finding)),
                help: None,
            }
        };
        findings.iter().enumerate().map(diagnostic).collect()
    }

    /// The first element that a finding is about, or the system.
    fn place(&self, document: &Document, finding: &Finding) -> Span {
        let node = finding.elements.iter().find_map(|name| self.element(name));
        document.span(node.unwrap_or(self.node))
    }
}

/// How bad it is for the drawing. A part that is cut off may be meant so: a valve is shut.
pub(crate) fn severity(finding: &Finding) -> Severity {
    match (finding.kind, finding.state) {
        (Kind::Island | Kind::NoSource | Kind::Floating | Kind::Cycle | Kind::Limit, _) => {
            Severity::Warning
        }
        (_, State::Failed) => Severity::Error,
        (Kind::Range, State::Normal) => Severity::Note,
        (Kind::Terminal | Kind::Quantity | Kind::Mechanism | Kind::NoSolution | Kind::Phase, _) => {
            Severity::Error
        }
        (_, _) => Severity::Warning,
    }
}

/// The code that diagnostics carry.
pub(crate) const fn code(kind: Kind) -> Code {
    match kind {
        Kind::Terminal => Code::NetworkTerminal,
        Kind::Quantity => Code::NetworkQuantity,
        Kind::Unit => Code::NetworkUnit,
        Kind::Island => Code::NetworkIsland,
        Kind::NoSource => Code::NetworkNoSource,
        Kind::Conflict => Code::NetworkConflict,
        Kind::Floating => Code::NetworkFloating,
        Kind::Mechanism => Code::NetworkMechanism,
        Kind::NoSolution => Code::NetworkNoSolution,
        Kind::Cycle => Code::NetworkCycle,
        Kind::Phase => Code::NetworkPhase,
        Kind::Range => Code::NetworkRange,
        Kind::Overload => Code::NetworkOverload,
        Kind::Breaking => Code::NetworkBreaking,
        Kind::Drop => Code::NetworkDrop,
        Kind::Control => Code::NetworkControl,
        Kind::Conditioning => Code::NetworkConditioning,
        Kind::Limit => Code::NetworkLimit,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_of_findings_are_those_of_diagnostics() {
        let kinds = [
            Kind::Terminal,
            Kind::Quantity,
            Kind::Unit,
            Kind::Island,
            Kind::NoSource,
            Kind::Conflict,
            Kind::Floating,
            Kind::Mechanism,
            Kind::NoSolution,
            Kind::Cycle,
            Kind::Phase,
            Kind::Range,
            Kind::Overload,
            Kind::Breaking,
            Kind::Drop,
            Kind::Control,
            Kind::Conditioning,
            Kind::Limit,
        ];
        let states =
            [State::Normal, State::Warning, State::Critical, State::Failed, State::Unknown];
        for kind in kinds {
            assert_eq!(kind.code(), code(kind).as_str());
            for state in states {
                let finding = Finding { kind, state, elements: Vec::new(), message: String::new() };
                let allowed = code(kind).severities();
                assert!(allowed.contains(&severity(&finding)), "{kind:?} {state:?}");
            }
        }
    }
}
