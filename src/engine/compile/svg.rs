//! To SVG 1.1 that any browser opens and that does nothing but draw.
//!
//! - `arx:` declarations, attributes and elements are left out. An `arx:object`
//!   becomes a `g` with its id around what it contains; one that has a box but
//!   draws nothing of its own becomes an outlined `rect` with a `title`.
//! - Elements and attributes pass by the tables in [`allow`](super::allow);
//!   foreign namespaces, comments, processing instructions, entities and the
//!   DOCTYPE are gone.
//! - References are local (`#id`), or pictures in the document.
//! - The root gets `width` and `height` from its viewBox where it states none,
//!   and a viewBox around everything drawn where it states neither. Metres and
//!   feet, which SVG does not know, are written as millimetres there.

mod frame;
mod object;
mod painted;
mod units;

use std::collections::HashSet;

use crate::document::{Attribute, Document, NodeId, NodeKind, Ns};
use crate::geometry::css::{Matching, is_valid};
use crate::geometry::{
    HIGHLIGHT, Look, Role, Scale, ViewBox, basic_shape, conditions_hold, path, role,
};
use svgx_base::budget::{Budget, Class, Stop, Tier};
use svgx_base::deep_span;

use super::decimals::{Sizes, is_coordinates, shorten};
use super::objects::{BOX_COLOUR, box_line, drawn_elsewhere, draws};
use super::raster::{Raster, RasterText, is_tame};
use super::resolved::{self, Resolved, Spaces};
use super::{allow, sanitize, xml};
pub(crate) use frame::{Frame, frame};

/// What compiled SVG is to contain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SvgOptions {
    /// Keep `style` elements and `style` attributes. Presentation attributes
    /// stay either way.
    pub include_styles: bool,
    /// Leave out white space between elements, and decimals that are not seen.
    pub optimize: bool,
}

impl Default for SvgOptions {
    fn default() -> SvgOptions {
        SvgOptions { include_styles: true, optimize: false }
    }
}

/// The document as safe SVG 1.1. O(document).
pub fn svg(document: &Document, options: &SvgOptions) -> String {
    svg_within(document, options, &Budget::unlimited(Class::Redraw, Tier::Ui)).unwrap_or_default()
}

/// The same, under a budget.
///
/// # Errors
/// [`Stop`] when the budget says so.
pub fn svg_within(
    document: &Document,
    options: &SvgOptions,
    budget: &Budget,
) -> Result<String, Stop> {
    let _span = deep_span!("svg");
    let mut writer = Writer::new(document, options, None, budget);
    writer.document()?;
    Ok(writer.out)
}

/// The document for the rasteriser: like [`svg`], with style sheets applied,
/// arcs turned into curves, and without whatever draws nothing.
pub(crate) fn raster(document: &Document, raster: Raster<'_>) -> Result<RasterText, Stop> {
    let options = SvgOptions { include_styles: true, optimize: true };
    let budget = raster.budget;
    let mut writer = Writer::new(document, &options, Some(raster), budget);
    writer.document()?;
    writer.seen.text = writer.out;
    Ok(writer.seen)
}

struct Writer<'a> {
    document: &'a Document,
    options: &'a SvgOptions,
    raster: Option<Raster<'a>>,
    budget: &'a Budget,
    seen: RasterText,
    work: u64,
    matching: Matching,
    /// What is written in place of attributes of the element at hand.
    resolved: Resolved,
    spaces: Spaces,
    scale: Scale,
    /// Objects that shapes elsewhere draw.
    drawn_elsewhere: HashSet<NodeId>,
    /// Clip paths that are written last, and the elements that have one.
    defs: Vec<(NodeId, String)>,
    clip_shapes: HashSet<NodeId>,
    /// A style sheet speaks of white space.
    white_space: bool,
    sizes: Option<Sizes>,
    out: String,
}

/// An element whose children are being written.
struct Open {
    next: Option<NodeId>,
    name: &'static str,
    /// Owned names are those of allowed elements; kept as the node to look up.
    node: NodeId,
    /// Whether the start tag still lacks its `>`.
    empty: bool,
    text: bool,
    /// Nothing was written for the element itself, only its children are.
    silent: bool,
    /// Written behind its end.
    after: &'static str,
}

impl<'a> Writer<'a> {
    fn new(
        document: &'a Document,
        options: &'a SvgOptions,
        raster: Option<Raster<'a>>,
        budget: &'a Budget,
    ) -> Writer<'a> {
        let sizes = (options.optimize && raster.is_none()).then(|| Sizes::of(document));
        let white_space = raster.as_ref().is_some_and(|raster| {
            ["white-space", "white-space-collapse"].iter().any(|name| raster.sheet.declares(name))
        });
        Writer {
            document,
            options,
            raster,
            budget,
            seen: RasterText::default(),
            work: 0,
            matching: Matching::default(),
            resolved: Resolved::default(),
            spaces: Spaces::default(),
            scale: Scale::of(document),
            drawn_elsewhere: drawn_elsewhere(document),
            defs: Vec::new(),
            clip_shapes: HashSet::new(),
            white_space,
            sizes,
            out: String::with_capacity(document.source().len() + 256),
        }
    }

    fn document(&mut self) -> Result<(), Stop> {
        let document = self.document;
        let mut depth = 1_usize;
        let mut checked = 0;
        let mut stack: Vec<Open> = Vec::new();
        self.root()?;
        let children = document.first_child(NodeId::ROOT);
        stack.push(Open {
            next: children,
            name: "svg",
            node: NodeId::ROOT,
            empty: true,
            text: false,
            silent: false,
            after: "",
        });
        while let Some(open) = stack.last_mut() {
            let Some(child) = open.next else {
                let name = if open.name.is_empty() {
                    document.name(open.node).map_or("g", |(_, name)| name)
                } else {
                    open.name
                };
                if self.raster.is_some() && resolved::is_text(document, open.node) {
                    // Nothing but tags was written since.
                    if let Some(at) = self.spaces.end() {
                        self.out.remove(at);
                    }
                }
                if open.node == NodeId::ROOT && !self.defs.is_empty() {
                    if std::mem::take(&mut open.empty) {
                        self.out.push('>');
                    }
                    self.put_off();
                }
                if open.silent {
                } else if open.empty {
                    self.out.push_str("/>");
                } else {
                    self.out.push_str("</");
                    self.out.push_str(name);
                    self.out.push('>');
                }
                self.out.push_str(open.after);
                depth -= usize::from(!open.silent);
                stack.pop();
                continue;
            };
            open.next = document.next_sibling(child);
            self.work += 16;
            if self.work - checked > 4_096 {
                checked = self.work;
                self.budget.checkpoint()?;
            }
            match document.kind(child) {
                NodeKind::Comment(_) => {}
                NodeKind::Text(t) => {
                    let space = t.bytes().all(|b| b.is_ascii_whitespace());
                    if open.text || (space && !self.options.optimize) {
                        if std::mem::take(&mut open.empty) {
                            self.out.push('>');
                        }
                        if self.raster.is_some() {
                            let kept = self.keeps_spaces(child);
                            let run = self.spaces.run(kept, t, self.out.len());
                            xml::text(&mut self.out, &run);
                        } else {
                            xml::text(&mut self.out, t);
                        }
                    }
                }
                NodeKind::Element { .. } => {
                    let mark = self.out.len();
                    let was_empty = open.empty;
                    if was_empty {
                        self.out.push('>');
                    }
                    match self.start(child) {
                        Some(inner) => {
                            open.empty = false;
                            depth += usize::from(!inner.silent);
                            self.seen.depth = self.seen.depth.max(depth);
                            stack.push(inner);
                        }
                        // Nothing was written for it: the parent may stay empty.
                        None if self.out.len() == mark + usize::from(was_empty) => {
                            self.out.truncate(mark);
                        }
                        None => open.empty = false,
                    }
                }
            }
        }
        self.out.push('\n');
        Ok(())
    }

    /// Writes the start tag of an element up to its `>`; `None` when the
    /// element is left out or already complete.
    fn start_element(&mut self, node: NodeId) -> Option<Open> {
        if self.raster.is_some() {
            let at = self.out.len();
            // What was begun here was left out again.
            while self.seen.places.pop_if(|(place, _)| *place >= at).is_some() {}
            self.seen.places.push((at, node));
        }
        let document = self.document;
        if let Some(sizes) = &mut self.sizes {
            sizes.enter(document, node);
        }
        let (ns, name) = document.name(node)?;
        // Whoever opens the compiled drawing may speak another language, but the extensions are
        // not kept: what needs one would be shown without it.
        let needs_more = document.attr(node, "requiredExtensions").is_some();
        if needs_more || self.raster.is_some() && !conditions_hold(document, node) {
            return None;
        }
        let children = document.first_child(node);
        let mut open = Open {
            next: children,
            name: "",
            node,
            empty: true,
            text: false,
            silent: false,
            after: "",
        };
        match role(document, node) {
            Role::Object => {
                let mark = self.out.len();
                return self.object(node).then(|| self.group(mark, open));
            }
            Role::Group if name != "g" && name != "a" => {
                let mark = self.out.len();
                self.out.push_str("<g");
                self.attributes(node, "g");
                return Some(self.group(mark, open));
            }
            Role::Svg => open.name = "svg",
            _ => {}
        }
        if ns == Ns::Arx && role(document, node) == Role::None
            || !matches!(ns, Ns::Svg | Ns::None | Ns::Arx)
        {
            return None;
        }
        let name = if open.name.is_empty() { name } else { open.name };
        if !allow::element(name) {
            return None;
        }
        if self.raster.is_some() {
            let draws = !matches!(name, "style" | "title" | "desc" | "view" | "mpath");
            if !draws || allow::animates(name) {
                return None;
            }
        }
        if name == "style" {
            self.sheet(node);
            return None;
        }
        if allow::animates(name) && !self.animates_safely(node) {
            return None;
        }
        // A link that leads nowhere is a group.
        if name == "a" && (self.raster.is_some() || self.reference(node, "a").is_none()) {
            open.name = if in_text(document, node) { "tspan" } else { "g" };
        }
        if let Some(raster) = &self.raster
            && role(document, node) == Role::Shape
            && resolved::is_path(document, raster.scene, node, raster.view)
        {
            open.name = "path";
        }
        open.text = allow::holds_text(name);
        let name = if open.name.is_empty() { name } else { open.name };
        let mark = self.out.len();
        self.out.push('<');
        self.out.push_str(name);
        self.attributes(node, name);
        Some(if name == "g" { self.group(mark, open) } else { open })
    }

    /// The group whose start tag stands at `mark`. The rasteriser is spared
    /// groups that say nothing: real plans nest hundreds of them. A `switch` shows one child and
    /// a `clipPath` no group at all, so that they count there.
    fn group(&mut self, mark: usize, open: Open) -> Open {
        let parent = self.document.parent(open.node).and_then(|p| self.document.name(p));
        let counts = parent.is_some_and(|(_, name)| matches!(name, "switch" | "clipPath"));
        let silent = self.raster.is_some() && self.out.len() == mark + "<g".len() && !counts;
        if silent {
            self.out.truncate(mark);
        }
        Open { name: "g", silent, empty: !silent, ..open }
    }

    fn root(&mut self) -> Result<(), Stop> {
        let document = self.document;
        self.seen.places.push((0, NodeId::ROOT));
        self.out.push_str("<svg xmlns=\"");
        self.out.push_str(crate::document::SVG);
        self.out.push_str("\" xmlns:xlink=\"");
        self.out.push_str(crate::document::XLINK);
        self.out.push_str("\" version=\"1.1\"");
        let stretched = self.raster.as_ref().filter(|raster| raster.stretched);
        let Frame { width, height, viewbox } = match stretched {
            Some(raster) => Frame { width: None, height: None, viewbox: raster.scene.viewbox() },
            None => frame(document, self.budget)?,
        };
        let (width, height) = match &self.raster {
            Some(raster) => (raster.size.0.to_string(), raster.size.1.to_string()),
            None => (
                width.unwrap_or_else(|| viewbox.width.to_string()),
                height.unwrap_or_else(|| viewbox.height.to_string()),
            ),
        };
        xml::attribute(&mut self.out, "width", &width);
        xml::attribute(&mut self.out, "height", &height);
        let ViewBox { x, y, width, height } = viewbox;
        xml::attribute(&mut self.out, "viewBox", &format!("{x} {y} {width} {height}"));
        if self.raster.as_ref().is_some_and(|raster| raster.stretched) {
            xml::attribute(&mut self.out, "preserveAspectRatio", "none");
        }
        self.attributes(NodeId::ROOT, "svg");
        Ok(())
    }

    fn sheet(&mut self, node: NodeId) {
        if !self.options.include_styles || !crate::geometry::css::is_css(self.document, node) {
            return;
        }
        let sheet = sanitize::sheet(&self.document.text(node));
        let media = self.document.attr(node, "media").unwrap_or_default().trim();
        if !sheet.is_empty() && sanitize::is_media(media) {
            self.out.push_str("<style type=\"text/css\"");
            if !media.is_empty() {
                xml::attribute(&mut self.out, "media", media);
            }
            self.out.push('>');
            xml::text(&mut self.out, &sheet);
            self.out.push_str("</style>");
        }
    }

    /// An animation passes if it changes a plain attribute to plain values.
    fn animates_safely(&self, node: NodeId) -> bool {
        let document = self.document;
        let motion = document.name(node).is_some_and(|(_, name)| name == "animateMotion");
        let plain = match document.attr(node, "attributeName") {
            Some(name) => allow::animatable(name.trim()),
            None => motion,
        };
        let values = ["from", "to", "by", "values"].iter().filter_map(|n| document.attr(node, n));
        plain && values.into_iter().all(|v| sanitize::value(v).is_some() && !v.contains("url("))
    }

    /// The reference an element may keep.
    fn reference(&self, node: NodeId, name: &str) -> Option<String> {
        let document = self.document;
        let a = document
            .attribute(node, Ns::None, "href")
            .or_else(|| document.attribute(node, Ns::XLink, "href"))?;
        let value = a.value.trim();
        if allow::shows_picture(name) {
            return sanitize::picture(value);
        }
        sanitize::local(value).map(str::to_owned)
    }

    fn attributes(&mut self, node: NodeId, element: &str) {
        let mut referred = false;
        self.resolve(node);
        for a in self.document.attributes(node) {
            match a.ns {
                Ns::None if a.name == "href" => referred = true,
                Ns::XLink if a.name == "href" => referred = true,
                Ns::None => self.plain(node, element, &a),
                // Spaces are collapsed as they are written.
                Ns::Xml if a.name == "space" && self.raster.is_some() => {}
                Ns::Xml if a.name == "space" && matches!(a.value, "preserve" | "default") => {
                    xml::attribute(&mut self.out, "xml:space", a.value);
                }
                Ns::Xml if a.name == "lang" => {
                    let tag = a.value.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
                    if tag {
                        xml::attribute(&mut self.out, "xml:lang", a.value);
                    }
                }
                _ => {}
            }
        }
        self.look(node);
        if self.raster.is_some() {
            if resolved::is_text(self.document, node) {
                xml::attribute(&mut self.out, "xml:space", "preserve");
            }
            self.cascade(node);
        }
        if referred
            && !matches!(element, "g" | "tspan")
            && let Some(reference) = self.reference(node, element)
        {
            xml::attribute(&mut self.out, "xlink:href", &reference);
        }
    }

    /// Writes what the style sheets and the element's own `style` come to.
    fn cascade(&mut self, node: NodeId) {
        let Some(raster) = &self.raster else { return };
        for (name, value) in &self.resolved.attributes {
            if !value.is_empty() && (is_tame(value) || *name == "d") {
                xml::attribute(&mut self.out, name, value);
            }
        }
        let before = self.matching.steps;
        let mut style = String::new();
        if matches!(
            self.document.attr(node, "image-rendering").map(str::trim),
            Some("pixelated" | "crisp-edges")
        ) {
            // As an attribute the renderer does not take it.
            style.push_str("image-rendering:pixelated;");
        }
        for d in raster.sheet.cascade(self.document, node, &mut self.matching) {
            if allow::property(&d.name)
                && !resolved::is_resolved(&d.name, &d.value)
                && let Some(value) = sanitize::value(&d.value).filter(|v| is_tame(v))
            {
                style.push_str(&d.name);
                style.push(':');
                style.push_str(&resolved::value(&d.name, value));
                style.push(';');
            }
        }
        self.work += self.matching.steps - before;
        style.push_str(&self.resolved.style);
        if !style.is_empty() {
            xml::attribute(&mut self.out, "style", &style);
        }
    }

    fn plain(&mut self, node: NodeId, element: &str, a: &Attribute<'_>) {
        let (name, value) = (a.name, a.value);
        let shown = |name, look: Look<'_>| match name {
            "class" => look.classes().next().is_some(),
            "opacity" => look.opacity().is_some(),
            _ => look.highlighted,
        };
        if matches!(name, "class" | "opacity" | "stroke")
            && shown(name, Look::of(self.document, node))
        {
            return;
        }
        if let Some(raster) = &self.raster {
            if raster.stretched && node == NodeId::ROOT && name == "preserveAspectRatio" {
                return;
            }
            let asks = crate::geometry::css::asks_as_attribute(a);
            let shape = name == "clip-path" && basic_shape(value).is_some();
            if self.resolved.replaces(name) || asks || shape || !is_valid(name, value) {
                return;
            }
            match name {
                "vector-effect" | "style" | "class" | "role" | "lang" | "pointer-events" => return,
                "id" if !raster.referenced.contains(value) => return,
                // Of a repeated id the first counts, as browsers have it.
                "id" if self.document.by_id(value) != Some(node) => return,
                "d" if value.contains(['a', 'A']) => {
                    xml::attribute(&mut self.out, "d", &path(value).0.to_svg());
                    return;
                }
                "d" => {}
                _ if !is_tame(value) => return,
                _ => {}
            }
        }
        match name {
            "style" => {
                if self.options.include_styles {
                    let style = sanitize::style(value);
                    if !style.is_empty() {
                        xml::attribute(&mut self.out, "style", &style);
                    }
                }
                return;
            }
            // The root's were written with the root; `version` with it.
            "width" | "height" | "viewBox" if node == NodeId::ROOT => return,
            "version" => return,
            // An object's own `type` is not an SVG attribute.
            "type" if element == "g" => return,
            "id" | "class" => {
                xml::attribute(&mut self.out, name, value);
                return;
            }
            _ => {}
        }
        if !(allow::attribute(name) || allow::property(name)) {
            return;
        }
        let Some(value) = sanitize::value(value) else { return };
        if self.raster.is_some() {
            xml::attribute(&mut self.out, name, &resolved::value(name, value));
            return;
        }
        let decimals = self.sizes.as_ref().filter(|_| is_coordinates(name));
        match decimals.and_then(|sizes| sizes.decimals(node)) {
            Some(decimals) => {
                xml::attribute(&mut self.out, name, &shorten(name, value, decimals));
            }
            None => xml::attribute(&mut self.out, name, value),
        }
    }
}

/// Whether an element is part of a text.
fn in_text(document: &Document, node: NodeId) -> bool {
    let mut at = document.parent(node);
    while let Some((node, (_, name))) = at.and_then(|n| Some((n, document.name(n)?))) {
        match name {
            "text" => return true,
            "tspan" | "textPath" | "a" => at = document.parent(node),
            _ => return false,
        }
    }
    false
}
