//! Names of elements and attributes that nobody reads, and what they may have been meant to be.
//!
//! A name in the table of [`names`] is not reported, on whatever element it stands, but for a
//! measure of one shape on another (`cx` on a `rect`); neither is one of another namespace, nor anything below elements whose content is not SVG. Of attributes
//! that are not in the table only those are reported that are nearly one of their element, and
//! those of the language where it leaves no room for the author's own.

use std::collections::HashMap;
use std::sync::LazyLock;

use svgx_base::nearest::{did_you_mean, nearest};

use super::super::attribute::Name;
use super::super::code::{Code, Severity};
use super::super::diagnostic::Diagnostic;
use super::super::scan::shorten;
use super::super::text::Span;
use super::super::tree::{NodeId, NodeKind, Ns};
use super::super::vocabulary::{self, names};
use super::Check;

/// Different names that are looked up. Drawings have a handful.
const LOOKED_UP: usize = 500;

/// Attributes and properties of SVG, sorted.
static ATTRIBUTES: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let lists = [names::GLOBAL, names::PRESENTATION, names::PROPERTIES];
    let own = names::ELEMENTS.iter().map(|(_, attributes)| *attributes);
    let mut all: Vec<_> = own.chain(lists).flat_map(str::split_ascii_whitespace).collect();
    all.sort_unstable();
    all
});

/// Attributes of elements of the language, sorted.
static LANGUAGE: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let rows = names::LANGUAGE.iter().flat_map(|(_, row)| row.split_ascii_whitespace());
    let mut all: Vec<_> = rows.collect();
    all.sort_unstable();
    all
});

/// Shapes, and the attributes that say where each is and how large.
const MEASURES: [(&str, &[&str]); 9] = [
    ("circle", &["cx", "cy", "r"]),
    ("ellipse", &["cx", "cy", "rx", "ry"]),
    ("image", &["x", "y", "width", "height"]),
    ("line", &["x1", "y1", "x2", "y2"]),
    ("path", &["d"]),
    ("polygon", &["points"]),
    ("polyline", &["points"]),
    ("rect", &["x", "y", "width", "height", "rx", "ry"]),
    ("use", &["x", "y", "width", "height"]),
];

/// What people write for an attribute of one of [`MEASURES`], as in other drawing languages.
const OTHER_WORDS: [&str; 2] = ["radius", "diameter"];

fn measures(element: &str) -> Option<&'static [&'static str]> {
    MEASURES.iter().find(|(shape, _)| *shape == element).map(|(_, own)| *own)
}

/// Where the name of an attribute is not known.
#[derive(Clone, Copy, Debug, Default)]
struct Oddness {
    /// A measure of some shapes, or a word for one.
    measure: bool,
    /// On elements of SVG, without a namespace.
    svg: bool,
    /// On elements of SVG, in the namespace of the language.
    shapes: bool,
    /// On elements of the language.
    language: bool,
}

impl Oddness {
    fn of(name: &str) -> Oddness {
        let measure = |(_, own): &(&str, &[&str])| own.contains(&name);
        Oddness {
            measure: MEASURES.iter().any(measure) || OTHER_WORDS.contains(&name),
            svg: !is_attribute(name),
            shapes: !on_shapes().any(|known| known == name),
            language: LANGUAGE.binary_search(&name).is_err(),
        }
    }
}

/// Of the names that most drawings have, found once.
static COMMON_NAMES: LazyLock<Vec<Oddness>> =
    LazyLock::new(|| vocabulary::COMMON.iter().map(|name| Oddness::of(name)).collect());

fn is_attribute(name: &str) -> bool {
    ATTRIBUTES.binary_search(&name).is_ok()
        // Those of HTML, and handlers, of which there are as many as events.
        || ["data-", "aria-", "on", "xmlns", "_"].iter().any(|start| name.starts_with(start))
        || name.contains([':', '.', '@', '*', '$', '[', '('])
}

fn on_shapes() -> impl Iterator<Item = &'static str> {
    names::ON_SHAPES.split_ascii_whitespace()
}

fn row<'t>(table: &'t [(&'t str, &'t str)], element: &str) -> Option<&'t str> {
    table.iter().find(|(name, _)| *name == element).map(|(_, attributes)| *attributes)
}

/// The name of an element of SVG.
fn is_element(name: &str) -> bool {
    vocabulary::is_svg(name)
        || names::ELEMENTS.binary_search_by(|(known, _)| (*known).cmp(name)).is_ok()
}

/// A name that may be wrong: an element's, or an attribute's of it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Odd<'d> {
    ns: Ns,
    element: &'d str,
    attribute: Option<(Ns, Name)>,
}

impl Check<'_> {
    /// Looks at every element and attribute once. Linear; what is compared is bounded.
    pub(super) fn spelling(&mut self) {
        let document = self.document;
        let mut oddness = COMMON_NAMES.clone();
        oddness.extend(document.names.own().map(Oddness::of));
        let odd = |name: Name| oddness.get(name.index()).copied().unwrap_or_default();
        let mut seen: HashMap<Odd<'_>, usize> = HashMap::new();
        let mut list: Vec<(Odd<'_>, NodeId, usize)> = Vec::new();
        let mut opaque: Option<Vec<bool>> = None;
        for node in (0..document.node_count() as u32).map(NodeId) {
            let NodeKind::Element { ns, name } = document.kind(node) else { continue };
            let (ns, element) = (*ns, name.as_str());
            let mut note = |attribute| {
                let opaque = opaque.get_or_insert_with(|| self.opaque());
                if opaque.get(node.index()).copied().unwrap_or(true) {
                    return;
                }
                let odd = Odd { ns, element, attribute };
                let new = list.len();
                let at = seen.get(&odd).copied().unwrap_or(new);
                if let Some((_, _, more)) = list.get_mut(at) {
                    *more += 1;
                } else if new < LOOKED_UP {
                    seen.insert(odd, new);
                    list.push((odd, node, 0));
                }
            };
            match ns {
                Ns::Svg | Ns::None => {
                    if !is_element(element) {
                        note(None);
                        continue;
                    }
                    let own = measures(element);
                    for a in document.held(node) {
                        match a.ns {
                            Ns::None if odd(a.name).svg => note(Some((a.ns, a.name))),
                            Ns::None
                                if odd(a.name).measure
                                    && own.is_some_and(|own| {
                                        !own.contains(&document.names.get(a.name))
                                    }) =>
                            {
                                note(Some((a.ns, a.name)))
                            }
                            Ns::Arx if odd(a.name).shapes => note(Some((a.ns, a.name))),
                            _ => {}
                        }
                    }
                }
                Ns::Arx => {
                    for a in document.held(node) {
                        if a.ns == Ns::None && odd(a.name).language {
                            note(Some((a.ns, a.name)));
                        }
                    }
                }
                _ => {}
            }
        }
        for (odd, node, more) in list {
            match odd.attribute {
                None => self.odd_element(odd, node, more),
                Some((Ns::Arx, name)) => self.odd_on_shape(odd, node, name, more),
                Some((_, name)) if odd.ns == Ns::Arx => {
                    self.odd_of_language(odd, node, name, more);
                }
                Some((_, name)) => self.odd_of_svg(odd, node, name, more),
            }
        }
    }

    /// What lies in elements whose content is not SVG, and what was taken out of the tree.
    fn opaque(&self) -> Vec<bool> {
        let document = self.document;
        let mut opaque = vec![false; document.node_count()];
        for node in (0..document.node_count() as u32).map(NodeId).skip(1) {
            let inside = document.parent(node).is_none_or(|parent| {
                let holds = match document.name(parent) {
                    Some((Ns::Svg | Ns::None, name)) => matches!(
                        name,
                        "foreignObject" | "metadata" | "desc" | "title" | "script" | "style"
                    ),
                    Some((Ns::Arx, name)) => vocabulary::is_record(name),
                    _ => true,
                };
                holds || opaque.get(parent.index()).copied().unwrap_or(true)
            });
            if let Some(slot) = opaque.get_mut(node.index()) {
                *slot = inside;
            }
        }
        opaque
    }

    fn odd_element(&mut self, odd: Odd<'_>, node: NodeId, more: usize) {
        let svg = names::ELEMENTS.iter().map(|(name, _)| *name);
        let near = nearest(odd.element, svg).map(str::to_owned).or_else(|| {
            let language = names::LANGUAGE.iter().map(|(name, _)| *name);
            nearest(odd.element, language).map(|near| format!("arx:{near}"))
        });
        // In no namespace it may be anything.
        if odd.ns == Ns::None && near.is_none() {
            return;
        }
        let message = format!("`{}` is no element of SVG; it is not drawn", shorten(odd.element));
        let help = near.map(|near| format!("did you mean {near}?"));
        let span = self.tag(node);
        self.odd(Severity::Warning, Code::UnknownElement, span, message, help, more);
    }

    fn odd_on_shape(&mut self, odd: Odd<'_>, node: NodeId, name: Name, more: usize) {
        let name = self.document.names.get(name);
        let Some(near) = nearest(name, on_shapes()) else { return };
        let message = format!("`arx:{}` has no meaning on `{}`", shorten(name), odd.element);
        let help = Some(format!("did you mean arx:{near}?"));
        let span = self.attribute_span(node, Ns::Arx, name);
        self.odd(Severity::Warning, Code::UnknownAttribute, span, message, help, more);
    }

    fn odd_of_language(&mut self, odd: Odd<'_>, node: NodeId, name: Name, more: usize) {
        let name = self.document.names.get(name);
        let Some(row) = row(names::LANGUAGE, odd.element) else { return };
        let known = || row.split_ascii_whitespace().filter(|word| *word != "+");
        let help = did_you_mean(name, known());
        let severity = match help.is_some() {
            true => Severity::Warning,
            false if row.ends_with('+') => return,
            false => Severity::Note,
        };
        let message = format!("`{}` has no meaning on `arx:{}`", shorten(name), odd.element);
        let help =
            help.or_else(|| Some(format!("it has {}", known().collect::<Vec<_>>().join(", "))));
        let span = self.attribute_span(node, Ns::None, name);
        self.odd(severity, Code::UnknownAttribute, span, message, help, more);
    }

    fn odd_of_svg(&mut self, odd: Odd<'_>, node: NodeId, name: Name, more: usize) {
        let name = self.document.names.get(name);
        if let Some(own) = measures(odd.element)
            && Oddness::of(name).measure
        {
            let message = format!("`{name}` has no meaning on `{}`", odd.element);
            let help = Some(format!("it has {}", own.join(", ")));
            let span = self.attribute_span(node, Ns::None, name);
            self.odd(Severity::Note, Code::UnknownAttribute, span, message, help, more);
            return;
        }
        let own = row(names::ELEMENTS, odd.element).unwrap_or_default();
        let lists = [own, names::GLOBAL, names::PRESENTATION];
        let known = lists.into_iter().flat_map(str::split_ascii_whitespace);
        let cased = ATTRIBUTES.iter().find(|known| known.eq_ignore_ascii_case(name));
        let cased = cased.map(|known| format!("did you mean {known}?"));
        let help = match did_you_mean(name, known).or(cased) {
            Some(help) => help,
            // Without its prefix, in a drawing that uses the language.
            None if !self.document.objects().is_empty() && on_shapes().any(|n| n == name) => {
                format!("did you mean arx:{name}?")
            }
            None => return,
        };
        let message = format!("`{}` is no attribute of `{}`", shorten(name), odd.element);
        let span = self.attribute_span(node, Ns::None, name);
        self.odd(Severity::Warning, Code::UnknownAttribute, span, message, Some(help), more);
    }

    fn odd(
        &mut self,
        severity: Severity,
        code: Code,
        span: Span,
        message: String,
        help: Option<String>,
        more: usize,
    ) {
        let message = match more {
            0 => message,
            1 => format!("{message} (and once more)"),
            more => format!("{message} (and {more} times more)"),
        };
        let mut found = Diagnostic::new(severity, code, span, message);
        found.help = help;
        self.out.push(found);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_no_name_stands_twice_in_a_row() {
        assert!(names::ELEMENTS.is_sorted_by(|(a, _), (b, _)| a < b));
        let lists = [names::GLOBAL, names::PRESENTATION, names::PROPERTIES, names::COLOURS];
        let rows = names::ELEMENTS.iter().chain(names::LANGUAGE).map(|(_, row)| *row);
        for list in rows.chain(lists) {
            let mut words: Vec<_> = list.split_ascii_whitespace().collect();
            words.sort_unstable();
            let twice = words.windows(2).find(|pair| pair[0] == pair[1]);
            assert_eq!(twice, None);
        }
    }

    #[test]
    fn every_element_of_the_vocabulary_has_a_row() {
        for (name, _) in names::LANGUAGE {
            let known = vocabulary::is_language(name) || vocabulary::is_drafting(name);
            assert!(known || vocabulary::is_record(name) || *name == "point", "{name}");
        }
        for (name, _) in names::ELEMENTS.iter().filter(|(name, _)| vocabulary::is_svg(name)) {
            assert!(is_element(name), "{name}");
        }
    }
}
