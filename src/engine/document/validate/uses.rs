//! `use` elements: what they refer to, and whether any of them ends in itself.

use std::collections::HashMap;

use super::super::code::Code;
use super::super::diagnostic::Diagnostic;
use super::super::findings::Findings;
use super::super::scan::shorten;
use super::super::tree::{NodeId, Ns};
use super::Check;

impl Check<'_> {
    /// `use` refers to something, and not to itself through others.
    pub(super) fn uses(&mut self, findings: &Findings) {
        if findings.uses.is_empty() {
            return;
        }
        let mut targets: HashMap<NodeId, NodeId> = HashMap::new();
        for &node in &findings.uses {
            let href = self
                .document
                .attribute(node, Ns::None, "href")
                .or_else(|| self.document.attribute(node, Ns::XLink, "href"));
            let Some(href) = href else { continue };
            let Some(id) = href.value.trim().strip_prefix('#') else {
                let message = "only elements of the same drawing can be used".to_owned();
                self.warning(Code::ForeignReference, href.span, message);
                continue;
            };
            match self.document.by_id(id) {
                Some(target) => {
                    targets.insert(node, target);
                }
                None => {
                    let message = format!("there is no element `{}`", shorten(id));
                    let near = self.near_id(id);
                    self.push(
                        Diagnostic::warning(Code::UnknownElementId, href.span, message),
                        near,
                    );
                }
            }
        }
        if let Some(node) = self.use_circle(&targets) {
            let message = "this element uses itself, directly or through others".to_owned();
            let span = self.tag(node);
            self.error(Code::CircularUse, span, message);
        }
    }

    /// Depth-first over "contains" and "uses" together: a way back to an
    /// element still open is a circle. Linear in elements and uses.
    fn use_circle(&self, targets: &HashMap<NodeId, NodeId>) -> Option<NodeId> {
        #[derive(Clone, Copy, PartialEq)]
        enum Mark {
            New,
            Open,
            Done,
        }
        let mut marks = vec![Mark::New; self.document.node_count()];
        let mut stack: Vec<(NodeId, bool)> = vec![(NodeId::ROOT, false)];
        while let Some((node, leaving)) = stack.pop() {
            let mark = marks.get_mut(node.index())?;
            if leaving {
                *mark = Mark::Done;
                continue;
            }
            if *mark != Mark::New {
                continue;
            }
            *mark = Mark::Open;
            stack.push((node, true));
            let next = targets.get(&node).copied();
            for child in self.document.children(node).chain(next) {
                match marks.get(child.index()) {
                    Some(Mark::Open) => return Some(node),
                    Some(Mark::New) => stack.push((child, false)),
                    _ => {}
                }
            }
        }
        None
    }
}
