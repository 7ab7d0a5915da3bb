//! How the state of an element shows in a picture.
//!
//! `arx:state="off"` fades what it stands on, `arx:highlight="true"` outlines
//! it in one colour. A style sheet sees either as a class, `state-off` or
//! `highlighted`, and goes before both. A shape shows the state of the object
//! it draws.

use crate::document::{Document, NodeId, Ns};

/// The opacity of what is off.
const OFF: f32 = 0.35;
/// The stroke of what is highlighted.
pub(crate) const HIGHLIGHT: &str = "#e8590c";
/// The class of what is highlighted.
const HIGHLIGHTED: &str = "highlighted";

/// The state of an element, as far as it shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Look<'d> {
    state: Option<&'d str>,
    pub(crate) highlighted: bool,
}

impl<'d> Look<'d> {
    /// The look of `node`: its own state, or that of the object it draws.
    pub(crate) fn of(document: &'d Document, node: NodeId) -> Look<'d> {
        let mut look = Look::default();
        let mut object = None;
        for a in document.attributes(node).iter().filter(|a| a.ns == Ns::Arx) {
            match a.name {
                "state" => look.state = Some(a.value.trim()),
                "highlight" => look.highlighted = a.value.trim() == "true",
                "object" => object = Some(a.value),
                _ => {}
            }
        }
        let drawn = object
            .and_then(|id| document.object(id))
            .and_then(|at| document.objects().get(at.0 as usize));
        match drawn.filter(|o| o.node != node) {
            Some(object) => {
                let other = Look::of(document, object.node);
                Look {
                    state: look.state.or(other.state),
                    highlighted: look.highlighted || other.highlighted,
                }
            }
            None => look,
        }
    }

    /// What the opacity of the element is multiplied by.
    pub(crate) fn opacity(self) -> Option<f32> {
        (self.state == Some("off")).then_some(OFF)
    }

    /// The names a style sheet sees the state by.
    pub(crate) fn classes(self) -> impl Iterator<Item = String> {
        let word = |s: &&str| {
            !s.is_empty()
                && s.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        };
        let state = self.state.filter(word).map(|s| format!("state-{s}"));
        state.into_iter().chain(self.highlighted.then(|| HIGHLIGHTED.to_owned()))
    }

    /// Whether a style sheet sees the class `class`.
    pub(crate) fn has_class(self, class: &str) -> bool {
        (self.highlighted && class == HIGHLIGHTED)
            || (self.state.is_some() && class.strip_prefix("state-") == self.state)
    }
}
