//! A subtree on its way into or out of the tree, as the log keeps it: flat, in document order,
//! each element with its handle. Building it asks no parser, so that a record means the same
//! whatever is read differently later.

use serde::{Deserialize, Serialize};

use super::attribute;
use svgx_engine::document::{Document, NodeId, NodeKind, Ns};

/// One node of a fragment, so many levels below its root.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Piece {
    Element {
        #[serde(rename = "l")]
        level: u32,
        #[serde(rename = "n")]
        number: u32,
        /// `svg:rect`, `arx:object`, `{uri}name`.
        #[serde(rename = "e")]
        name: String,
        #[serde(rename = "a", default, skip_serializing_if = "Vec::is_empty")]
        attributes: Vec<(String, String)>,
        /// White space inside is content.
        #[serde(rename = "s", default, skip_serializing_if = "std::ops::Not::not")]
        space: bool,
    },
    Text {
        #[serde(rename = "l")]
        level: u32,
        #[serde(rename = "t")]
        text: String,
    },
    Comment {
        #[serde(rename = "l")]
        level: u32,
        #[serde(rename = "c")]
        text: String,
    },
}

impl Piece {
    fn level(&self) -> u32 {
        match self {
            Piece::Element { level, .. }
            | Piece::Text { level, .. }
            | Piece::Comment { level, .. } => *level,
        }
    }
}

/// A subtree. The first piece is its root, an element.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Fragment {
    pub(crate) pieces: Vec<Piece>,
    /// Prefix and URI of the namespaces that are neither ours nor SVG's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) namespaces: Vec<(String, String)>,
}

impl Fragment {
    /// The layer that its root names.
    pub(crate) fn layer(&self) -> Option<&str> {
        let Some(Piece::Element { attributes, .. }) = self.pieces.first() else { return None };
        attributes.iter().find(|(name, _)| name == "arx:layer").map(|(_, value)| value.as_str())
    }

    /// The subtree of `root`; `number` gives each element its handle.
    pub(crate) fn of(
        document: &Document,
        root: NodeId,
        mut number: impl FnMut(NodeId) -> u32,
    ) -> Fragment {
        let mut fragment = Fragment::default();
        let mut level = 0;
        let mut previous: Option<NodeId> = None;
        for node in document.descendants(root) {
            if let Some(before) = previous {
                level = match document.parent(node) == Some(before) {
                    true => level + 1,
                    false => {
                        // Back to the level of the sibling before.
                        let mut at = before;
                        while at != root && document.next_sibling(at) != Some(node) {
                            at = document.parent(at).unwrap_or(root);
                            level -= 1;
                        }
                        level
                    }
                };
            }
            previous = Some(node);
            let piece = match document.kind(node) {
                NodeKind::Text(text) => Piece::Text { level, text: text.to_string() },
                NodeKind::Comment(text) => Piece::Comment { level, text: text.to_string() },
                NodeKind::Element { ns, name } => {
                    fragment.note(document, *ns);
                    let mut attributes = Vec::new();
                    for a in document.attributes(node) {
                        fragment.note(document, a.ns);
                        let name = attribute::written(document, a.ns, a.name);
                        attributes.push((name, a.value.to_owned()));
                    }
                    Piece::Element {
                        level,
                        number: number(node),
                        name: attribute::written(document, *ns, name),
                        attributes,
                        space: document.has_space(node),
                    }
                }
            };
            fragment.pieces.push(piece);
        }
        fragment
    }

    fn note(&mut self, document: &Document, ns: Ns) {
        if let Ns::Other(at) = ns
            && let Some((prefix, uri)) = document.foreign().get(usize::from(at))
            && !self.namespaces.iter().any(|(_, known)| known == uri.as_str())
        {
            self.namespaces.push((prefix.to_string(), uri.to_string()));
        }
    }

    /// Builds it, detached; answers its root and every element with its handle. `None` for one
    /// that is no subtree.
    pub(crate) fn build(&self, document: &mut Document) -> Option<(NodeId, Vec<(u32, NodeId)>)> {
        for (prefix, uri) in &self.namespaces {
            document.namespace(prefix, uri);
        }
        let mut made = Vec::new();
        let mut path: Vec<NodeId> = Vec::new();
        for (at, piece) in self.pieces.iter().enumerate() {
            let level = piece.level() as usize;
            if level > path.len() || (level == 0) != (at == 0) {
                return None;
            }
            path.truncate(level);
            let node = match piece {
                Piece::Text { text, .. } => document.make_text(text),
                Piece::Comment { text, .. } => document.make_comment(text),
                Piece::Element { number, name, attributes, space, .. } => {
                    let node = make(document, name, *space)?;
                    set_attributes(document, node, attributes)?;
                    document.set_handle(node, *number);
                    made.push((*number, node));
                    node
                }
            };
            if let Some(&parent) = path.last() {
                document.restore(node, parent, None);
            }
            // Only elements are parents: what follows deeper than a text is no subtree.
            if document.is_element(node) {
                path.push(node);
            }
        }
        let (_, root) = *made.first()?;
        Some((root, made))
    }

    /// The handle of its root.
    pub(crate) fn root(&self) -> Option<u32> {
        match self.pieces.first()? {
            Piece::Element { number, .. } => Some(*number),
            _ => None,
        }
    }

    /// How many elements are nested in each other.
    pub(crate) fn depth(&self) -> usize {
        self.pieces.iter().map(|piece| piece.level() as usize + 1).max().unwrap_or(0)
    }

    /// How many elements it has.
    pub(crate) fn elements(&self) -> usize {
        self.pieces.iter().filter(|piece| matches!(piece, Piece::Element { .. })).count()
    }

    /// About the bytes of its markup.
    pub(crate) fn bytes(&self) -> usize {
        let piece = |piece: &Piece| match piece {
            Piece::Element { name, attributes, .. } => {
                let attributes = attributes.iter().map(|(n, v)| n.len() + v.len() + 4);
                2 * name.len() + 5 + attributes.sum::<usize>()
            }
            Piece::Text { text, .. } | Piece::Comment { text, .. } => text.len() + 7,
        };
        self.pieces.iter().map(piece).sum()
    }
}

/// A new element by the written form of its name.
pub(crate) fn make(document: &mut Document, name: &str, space: bool) -> Option<NodeId> {
    let (ns, local) = attribute::resolve(document, name)?;
    Some(document.make(ns, local, space))
}

/// Gives an element these attributes, by the written forms of their names.
pub(crate) fn set_attributes(
    document: &mut Document,
    node: NodeId,
    attributes: &[(String, String)],
) -> Option<()> {
    let resolved: Vec<(Ns, &str, &str)> = attributes
        .iter()
        .map(|(name, value)| {
            let (ns, local) = attribute::resolve(document, name)?;
            Some((ns, local, value.as_str()))
        })
        .collect::<Option<_>>()?;
    document.set_attributes(node, resolved.into_iter());
    Some(())
}
