//! Selectors, parsed and matched by the `selectors` crate: all combinators, `:not()`, `:is()`,
//! `:where()`, `:nth-child()` and its like, attributes, specificity.
//!
//! `:has()` is not read: it looks at whole subtrees for every element.

use std::cell::Cell;
use std::fmt;

use cssparser::{CowRcStr, ParseError, Parser, ParserInput, SourceLocation, ToCss};
use precomputed_hash::PrecomputedHash;
use selectors::attr::{AttrSelectorOperation, CaseSensitivity, NamespaceConstraint};
use selectors::bloom::BloomFilter;
use selectors::context::{
    MatchingContext, MatchingForInvalidation, MatchingMode, NeedsSelectorFlags, QuirksMode,
    SelectorCaches,
};
use selectors::matching::{ElementSelectorFlags, matches_selector};
use selectors::parser::{
    Component, NonTSPseudoClass, ParseRelative, PseudoElement, Selector, SelectorImpl,
    SelectorList, SelectorParseErrorKind,
};
use selectors::{Element, OpaqueElement};

use crate::document::{Document, NodeId, NodeKind, Ns};
use crate::geometry::Look;

/// Parentheses inside each other: the parser recurses.
const NESTED: usize = 16;
/// Bytes of one selector list.
const LONGEST: usize = 16 * 1024;
/// Steps to match the sheets against one element, and against all of them.
pub(crate) const ELEMENT_STEPS: u64 = 1_000_000;
pub(crate) const ALL_STEPS: u64 = 200_000_000;

/// What matching remembers from element to element of one document.
#[derive(Default)]
pub(crate) struct Matching {
    caches: SelectorCaches,
    /// Steps taken for all elements.
    pub(crate) steps: u64,
    /// Whether the steps for an element were not enough.
    pub(crate) exhausted: bool,
}

impl fmt::Debug for Matching {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Matching").field("steps", &self.steps).finish_non_exhaustive()
    }
}

/// A selector list; `None` where CSS says that the whole rule is invalid.
pub(super) fn parse(text: &str) -> Option<Vec<Selector<Words>>> {
    let mut depth = 0_usize;
    for b in text.bytes() {
        match b {
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > NESTED {
            return None;
        }
    }
    if text.len() > LONGEST {
        return None;
    }
    let mut input = ParserInput::new(text);
    let mut input = Parser::new(&mut input);
    let list = SelectorList::parse(&Reader, &mut input, ParseRelative::No).ok()?;
    Some(list.slice().to_vec())
}

/// What the last compound of a selector asks for first.
pub(super) enum Key<'s> {
    Id(&'s str),
    Class(&'s str),
    Name(&'s str),
    Any,
}

pub(super) fn key(selector: &Selector<Words>) -> Key<'_> {
    let mut best = Key::Any;
    for part in selector.iter() {
        best = match (part, best) {
            (Component::ID(id), _) => return Key::Id(&id.0),
            (Component::Class(class), Key::Any | Key::Name(_)) => Key::Class(&class.0),
            (Component::LocalName(name), Key::Any) => Key::Name(&name.name.0),
            (_, best) => best,
        };
    }
    best
}

/// Whether a selector looks at siblings.
pub(super) fn looks_at_siblings(selector: &Selector<Words>) -> bool {
    selector.iter_raw_match_order().any(|part| match part {
        Component::Combinator(c) => c.is_sibling(),
        Component::Nth(_) | Component::NthOf(_) | Component::Empty => true,
        Component::Negation(list) | Component::Is(list) | Component::Where(list) => {
            list.slice().iter().any(looks_at_siblings)
        }
        _ => false,
    })
}

/// Whether a selector asks for names and classes only, of an element and of what is around it.
pub(super) fn is_plain(selector: &Selector<Words>) -> bool {
    selector.iter_raw_match_order().all(|part| match part {
        Component::Combinator(c) => !c.is_sibling(),
        Component::Class(_) | Component::LocalName(_) | Component::ExplicitUniversalType => true,
        _ => false,
    })
}

/// The selectors of `tried` that match `node`.
pub(super) fn matching<'s>(
    document: &Document,
    node: NodeId,
    tried: impl Iterator<Item = (u32, &'s Selector<Words>)>,
    state: &mut Matching,
) -> Vec<u32> {
    let steps = Cell::new(0);
    let element = Node { document, id: node, steps: &steps };
    let mut context = MatchingContext::new(
        MatchingMode::Normal,
        None,
        &mut state.caches,
        QuirksMode::NoQuirks,
        NeedsSelectorFlags::No,
        MatchingForInvalidation::No,
    );
    let found = tried
        .filter(|(_, selector)| {
            steps.set(steps.get() + 1);
            matches_selector(selector, 0, None, &element, &mut context)
        })
        .map(|(at, _)| at)
        .collect();
    state.steps = state.steps.saturating_add(steps.get());
    state.exhausted |= steps.get() > ELEMENT_STEPS || state.steps > ALL_STEPS;
    found
}

/// A word of a selector.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Word(pub(super) String);

impl From<&str> for Word {
    fn from(text: &str) -> Word {
        Word(text.to_owned())
    }
}

impl AsRef<str> for Word {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl ToCss for Word {
    fn to_css<W: fmt::Write>(&self, to: &mut W) -> fmt::Result {
        to.write_str(&self.0)
    }
}

impl PrecomputedHash for Word {
    fn precomputed_hash(&self) -> u32 {
        svgx_base::hash::fnv1a_32(self.0.as_bytes())
    }
}

/// The kinds of words in selectors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Words;

impl SelectorImpl for Words {
    type ExtraMatchingData<'a> = ();
    type AttrValue = Word;
    type Identifier = Word;
    type LocalName = Word;
    type NamespaceUrl = Word;
    type NamespacePrefix = Word;
    type BorrowedNamespaceUrl = Word;
    type BorrowedLocalName = Word;
    type NonTSPseudoClass = PseudoClass;
    type PseudoElement = NoPseudo;
}

/// A pseudo-class about the state of an element. A drawing has no pointer over it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PseudoClass {
    /// A link that was not followed.
    Link,
    /// In a language.
    Lang(String),
    Never,
}

impl ToCss for PseudoClass {
    fn to_css<W: fmt::Write>(&self, _: &mut W) -> fmt::Result {
        Ok(())
    }
}

impl NonTSPseudoClass for PseudoClass {
    type Impl = Words;

    fn is_active_or_hover(&self) -> bool {
        false
    }

    fn is_user_action_state(&self) -> bool {
        false
    }
}

/// There are no pseudo-elements in SVG.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NoPseudo {}

impl ToCss for NoPseudo {
    fn to_css<W: fmt::Write>(&self, _: &mut W) -> fmt::Result {
        Ok(())
    }
}

impl PseudoElement for NoPseudo {
    type Impl = Words;
}

struct Reader;

impl<'i> selectors::Parser<'i> for Reader {
    type Impl = Words;
    type Error = SelectorParseErrorKind<'i>;

    fn parse_nth_child_of(&self) -> bool {
        true
    }

    fn parse_is_and_where(&self) -> bool {
        true
    }

    fn parse_non_ts_pseudo_class(
        &self,
        location: SourceLocation,
        name: CowRcStr<'i>,
    ) -> Result<PseudoClass, ParseError<'i, Self::Error>> {
        match name.to_ascii_lowercase().as_str() {
            "link" | "any-link" => Ok(PseudoClass::Link),
            "hover" | "active" | "focus" | "focus-within" | "focus-visible" | "visited"
            | "target" | "checked" | "enabled" | "disabled" => Ok(PseudoClass::Never),
            _ => {
                let kind = SelectorParseErrorKind::UnsupportedPseudoClassOrElement(name);
                Err(location.new_custom_error(kind))
            }
        }
    }

    fn parse_non_ts_functional_pseudo_class<'t>(
        &self,
        name: CowRcStr<'i>,
        input: &mut Parser<'i, 't>,
        _after_part: bool,
    ) -> Result<PseudoClass, ParseError<'i, Self::Error>> {
        if name.eq_ignore_ascii_case("lang") {
            let language = input.expect_ident_or_string()?;
            return Ok(PseudoClass::Lang(language.to_ascii_lowercase()));
        }
        let kind = SelectorParseErrorKind::UnsupportedPseudoClassOrElement(name);
        Err(input.new_custom_error(kind))
    }
}

/// An element as the matcher sees it. Past its steps it has no relatives and no
/// properties, so that every match ends at once.
#[derive(Clone, Copy, Debug)]
struct Node<'d> {
    document: &'d Document,
    id: NodeId,
    steps: &'d Cell<u64>,
}

impl Node<'_> {
    fn step(&self) -> bool {
        let steps = self.steps.get() + 1;
        self.steps.set(steps);
        steps <= ELEMENT_STEPS
    }

    fn beside(&self, next: impl Fn(NodeId) -> Option<NodeId>, at: Option<NodeId>) -> Option<Self> {
        let mut at = at;
        while let Some(id) = at.filter(|_| self.step()) {
            if self.document.is_element(id) {
                return Some(Node { id, ..*self });
            }
            at = next(id);
        }
        None
    }
}

impl Element for Node<'_> {
    type Impl = Words;

    fn opaque(&self) -> OpaqueElement {
        // What a node is stays in one place while the document is borrowed.
        OpaqueElement::new(self.document.kind(self.id))
    }

    fn parent_element(&self) -> Option<Self> {
        let id = self.document.parent(self.id).filter(|_| self.step())?;
        Some(Node { id, ..*self })
    }

    fn parent_node_is_shadow_root(&self) -> bool {
        false
    }

    fn containing_shadow_host(&self) -> Option<Self> {
        None
    }

    fn is_pseudo_element(&self) -> bool {
        false
    }

    fn prev_sibling_element(&self) -> Option<Self> {
        let next = |n| self.document.previous_sibling(n);
        self.beside(next, next(self.id))
    }

    fn next_sibling_element(&self) -> Option<Self> {
        let next = |n| self.document.next_sibling(n);
        self.beside(next, next(self.id))
    }

    fn first_element_child(&self) -> Option<Self> {
        self.beside(|n| self.document.next_sibling(n), self.document.first_child(self.id))
    }

    fn is_html_element_in_html_document(&self) -> bool {
        false
    }

    fn has_local_name(&self, name: &Word) -> bool {
        self.step() && self.document.name(self.id).is_some_and(|(_, own)| own == name.0)
    }

    fn has_namespace(&self, _: &Word) -> bool {
        true
    }

    fn is_same_type(&self, other: &Self) -> bool {
        self.document.name(self.id) == self.document.name(other.id)
    }

    fn attr_matches(
        &self,
        ns: &NamespaceConstraint<&Word>,
        name: &Word,
        operation: &AttrSelectorOperation<&Word>,
    ) -> bool {
        let any = matches!(ns, NamespaceConstraint::Any);
        self.step()
            && self.document.attributes(self.id).iter().any(|a| {
                (any || a.ns == Ns::None) && a.name == name.0 && operation.eval_str(a.value)
            })
    }

    fn match_non_ts_pseudo_class(
        &self,
        class: &PseudoClass,
        _: &mut MatchingContext<'_, Words>,
    ) -> bool {
        match class {
            PseudoClass::Link => self.is_link(),
            PseudoClass::Lang(wanted) => {
                let around = std::iter::successors(Some(self.id), |&n| self.document.parent(n));
                let mut own = around.take_while(|_| self.step()).filter_map(|n| {
                    let xml = self.document.attribute(n, Ns::Xml, "lang").map(|a| a.value);
                    xml.or_else(|| self.document.attr(n, "lang"))
                });
                own.next().is_some_and(|own| {
                    let own = own.to_ascii_lowercase();
                    own.strip_prefix(wanted.as_str())
                        .is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
                })
            }
            PseudoClass::Never => false,
        }
    }

    fn match_pseudo_element(&self, pseudo: &NoPseudo, _: &mut MatchingContext<'_, Words>) -> bool {
        match *pseudo {}
    }

    fn apply_selector_flags(&self, _: ElementSelectorFlags) {}

    fn is_link(&self) -> bool {
        matches!(self.document.name(self.id), Some((_, "a")))
            && [Ns::None, Ns::XLink]
                .iter()
                .any(|&ns| self.document.attribute(self.id, ns, "href").is_some())
    }

    fn is_html_slot_element(&self) -> bool {
        false
    }

    fn has_id(&self, id: &Word, case: CaseSensitivity) -> bool {
        self.step()
            && self.document.id(self.id).is_some_and(|own| case.eq(own.as_bytes(), id.0.as_bytes()))
    }

    fn has_class(&self, name: &Word, case: CaseSensitivity) -> bool {
        self.step()
            && (super::classes(self.document, self.id)
                .any(|own| case.eq(own.as_bytes(), name.0.as_bytes()))
                || Look::of(self.document, self.id).has_class(&name.0))
    }

    fn has_custom_state(&self, _: &Word) -> bool {
        false
    }

    fn imported_part(&self, _: &Word) -> Option<Word> {
        None
    }

    fn is_part(&self, _: &Word) -> bool {
        false
    }

    fn is_empty(&self) -> bool {
        self.document.children(self.id).all(|child| match self.document.kind(child) {
            NodeKind::Element { .. } => false,
            NodeKind::Text(text) => text.is_empty(),
            NodeKind::Comment(_) => true,
        })
    }

    fn is_root(&self) -> bool {
        self.id == NodeId::ROOT
    }

    fn add_element_unique_hashes(&self, _: &mut BloomFilter) -> bool {
        false
    }
}
