//! Entities as elements.

use std::collections::{HashMap, HashSet};
use std::f64::consts::PI;
use std::fmt::Write as _;

use svgx_base::budget::Budget;

use super::super::colour::Colour;
use super::super::curve::{
    Affine, Arc, Outline, P, Segment, add, length, middle_of_bend, radius_of_bend, scaled, sub,
};
use super::super::drawing::Layer;
use super::super::gradient::Gradient;
use super::super::limits::{Error, Limits, hold};
use super::super::shape::{Anchor, Insert, Item, Shape, Style, Text};
use super::pen::Pen;
use super::{Looks, hexadecimal, turned};

/// Size of the letters of a font whose capitals have the height 1: those of most are 0.7 high.
const FONT: f64 = 10.0 / 7.0;

/// A document while it is written.
#[derive(Debug)]
pub(super) struct Sheet<'s, 't> {
    pub(super) looks: &'s Looks<'s, 't>,
    /// Ids of the symbols of the blocks.
    pub(super) symbols: &'s [String],
    pub(super) pen: Pen,
    pub(super) out: String,
    pub(super) limits: &'s Limits,
    /// Handles that are ids.
    pub(super) ids: HashSet<&'t str>,
    /// Layers by their names as they were met: in whichever case.
    pub(super) layers: HashMap<&'t str, Option<&'s (String, &'s Layer<'t>)>>,
    pub(super) is_in_block: bool,
    /// Whether it lies on a sheet, where widths and dashes of layers are others than in the model.
    pub(super) is_paper: bool,
}

/// What an element is, as far as its colour goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ink {
    Line,
    Area,
    /// The gradient of this number.
    Gradient(usize),
    Text,
    Block,
}

/// A colour of CSS.
#[derive(Debug, Clone, Copy)]
enum Css {
    Current,
    Inherit,
    /// A white area covers what is under it.
    White,
    Of(Option<u32>),
}

/// The attribute `style` while it is written.
struct Declared<'o> {
    out: &'o mut String,
    is_open: bool,
}

impl Declared<'_> {
    fn name(&mut self, name: &str) -> &mut String {
        self.out.push_str(if self.is_open { ";" } else { " style=\"" });
        self.is_open = true;
        self.out.push_str(name);
        self.out.push(':');
        self.out
    }

    fn end(self) {
        if self.is_open {
            self.out.push('"');
        }
    }
}

impl<'s, 't> Sheet<'s, 't> {
    /// # Errors
    /// [`Error::Limit`] for `output_bytes` and `outline_bytes`; the end of the budget.
    pub(super) fn items(
        &mut self,
        items: &[Item<'t>],
        values: &HashMap<usize, Vec<usize>>,
        left_out: &HashSet<usize>,
        budget: &Budget,
    ) -> Result<(), Error> {
        for (at, item) in items.iter().enumerate() {
            if at % 256 == 0 {
                budget.checkpoint()?;
            }
            if !left_out.is_empty() && left_out.contains(&at) {
                continue;
            }
            match values.get(&at) {
                None => self.item(item, &[])?,
                Some(of) => {
                    let of: Vec<&Item<'t>> = of.iter().filter_map(|at| items.get(*at)).collect();
                    // Values have the colour of what is around the insert.
                    self.out.push_str("<g");
                    if let Some((class, _)) = self.layer(item.style.layer) {
                        self.out.push_str(" class=\"");
                        self.out.push_str(class);
                        self.out.push('"');
                    }
                    self.out.push_str(">\n");
                    self.item(item, &of)?;
                    self.out.push_str("</g>\n");
                }
            }
            hold("output_bytes", self.out.len(), self.limits.output_bytes)?;
        }
        Ok(())
    }

    /// `values`: the attributes that an insert states.
    fn item(&mut self, item: &Item<'t>, values: &[&Item<'t>]) -> Result<(), Error> {
        let elements = |shape: &Shape| match shape {
            Shape::Insert(insert) => insert.count(),
            Shape::Extent(_) => 0,
            _ => 1,
        };
        let count: usize = item.shapes.iter().map(elements).sum();
        if count == 0 {
            return Ok(());
        }
        let handle = item.id().filter(|_| !self.is_in_block);
        let mut id = handle.filter(|h| self.ids.insert(h));
        let is_group = count > 1;
        if is_group {
            self.begin("<g", id.take());
            self.out.push_str(">\n");
        }
        for shape in &item.shapes {
            match shape {
                Shape::Lines { outlines, width } => {
                    self.lines(id, outlines, *width, &item.style)?;
                }
                Shape::Area(outlines) => {
                    self.begin("<path", id);
                    self.ink(&item.style, Ink::Area, None, None);
                    self.out.push_str(" fill-rule=\"evenodd\"");
                    self.path(outlines)?;
                    self.out.push_str("/>\n");
                }
                Shape::Gradient { outlines, fill } => {
                    let number = self.gradient(fill);
                    self.begin("<path", id);
                    self.ink(&item.style, Ink::Gradient(number), None, None);
                    self.out.push_str(" fill-rule=\"evenodd\"");
                    self.path(outlines)?;
                    self.out.push_str("/>\n");
                }
                Shape::Endless { at, direction, both } => {
                    // As far as anything of the drawing is, and farther.
                    let far = 2.0 * (self.looks.size + length(*at));
                    let step = scaled(*direction, far / length(*direction));
                    let from = if *both { sub(*at, step) } else { *at };
                    if let Ok(outline) = Outline::through(&[from, add(*at, step)], false) {
                        self.lines(id, &[outline], None, &item.style)?;
                    }
                }
                Shape::Extent(_) => {}
                Shape::Text(text) => self.text(id, text, &item.style),
                Shape::Template(text) => self.template(item.tag.unwrap_or_default(), text),
                Shape::Insert(insert) => self.uses(id, insert, &item.style, values)?,
            }
        }
        if is_group {
            self.out.push_str("</g>\n");
        }
        Ok(())
    }

    /// Writes a gradient; its number, which is where it stands.
    fn gradient(&mut self, fill: &Gradient) -> usize {
        let number = self.out.len();
        let name = if fill.is_round { "radialGradient" } else { "linearGradient" };
        // Writing to memory cannot fail, here and below.
        let _ =
            write!(self.out, "<{name} id=\"gradient-{number}\" gradientUnits=\"userSpaceOnUse\"");
        let [from, to] = fill.ends;
        if fill.is_round {
            self.number(" cx=\"", from[0]);
            self.number(" cy=\"", -from[1]);
            self.number(" r=\"", length(sub(to, from)));
        } else {
            self.number(" x1=\"", from[0]);
            self.number(" y1=\"", -from[1]);
            self.number(" x2=\"", to[0]);
            self.number(" y2=\"", -to[1]);
        }
        self.out.push('>');
        let last = fill.stops.len().saturating_sub(1).max(1) as f64;
        for (at, rgb) in fill.stops.iter().enumerate() {
            let offset = at as f64 / last;
            let _ = write!(self.out, "<stop offset=\"{offset}\" stop-color=\"#{rgb:06x}\"/>");
        }
        let _ = writeln!(self.out, "</{name}>");
        number
    }

    /// Begins a tag.
    fn begin(&mut self, tag: &str, id: Option<&str>) {
        self.out.push_str(tag);
        if let Some(handle) = id {
            self.out.push_str(" id=\"e-");
            self.out.push_str(handle);
            self.out.push('"');
        }
    }

    fn number(&mut self, name: &str, n: f64) {
        self.out.push_str(name);
        self.pen.number(n, &mut self.out);
        self.out.push('"');
    }

    fn layer(&mut self, name: &'t str) -> Option<&'s (String, &'s Layer<'t>)> {
        let looks = self.looks;
        *self.layers.entry(name).or_insert_with(|| looks.layer(name))
    }

    /// The attributes `class` and `style` of an element.
    fn ink(&mut self, style: &Style<'t>, ink: Ink, width: Option<f64>, by: Option<f64>) {
        let layer = self.layer(style.layer);
        let (looks, pen, is_in_block) = (self.looks, self.pen, self.is_in_block);
        let is_paper = self.is_paper;
        let out = &mut self.out;
        // What is on layer 0 of a block is on the layer of the insert.
        let is_own_layer = !is_in_block || style.layer != "0";
        let own = match ink {
            Ink::Area => "solid",
            Ink::Text => "text",
            Ink::Line | Ink::Gradient(_) | Ink::Block => "",
        };
        let of_layer = layer.filter(|_| is_own_layer).map_or("", |(class, _)| class);
        if !(own.is_empty() && of_layer.is_empty()) {
            out.push_str(" class=\"");
            out.push_str(own);
            if !(own.is_empty() || of_layer.is_empty()) {
                out.push(' ');
            }
            out.push_str(of_layer);
            out.push('"');
        }
        let mut css = Declared { out, is_open: false };
        let of_layer = layer.and_then(|(_, layer)| layer.colour);
        if let Ink::Gradient(number) = ink {
            let _ = write!(css.name("fill"), "url(#gradient-{number})");
            css.name("stroke").push_str("none");
        }
        let colour = match (style.colour, ink) {
            (_, Ink::Gradient(_)) => None,
            // The blocks inside ask for the colour of the insert.
            (Colour::ByLayer, Ink::Block) if is_own_layer => Some(Css::Of(of_layer)),
            (Colour::ByLayer, Ink::Block) => Some(Css::Current),
            (Colour::ByLayer, Ink::Line) if is_in_block => Some(Css::Current),
            (Colour::ByLayer, _) => None,
            (Colour::ByBlock, Ink::Area | Ink::Text) if is_in_block => Some(Css::Inherit),
            (Colour::ByBlock, _) if is_in_block => None,
            (Colour::ByBlock, _) => Some(Css::Of(None)),
            (Colour::Own(Some(0xFF_FFFF)), Ink::Area) => Some(Css::White),
            (Colour::Own(rgb), _) => Some(Css::Of(rgb)),
        };
        if let Some(colour) = colour {
            let mut paint = |name: &str| {
                let out = css.name(name);
                match colour {
                    Css::Current => out.push_str("currentColor"),
                    Css::Inherit => out.push_str("inherit"),
                    Css::White => out.push_str("#fff"),
                    Css::Of(rgb) => hexadecimal(rgb, out),
                }
            };
            match ink {
                Ink::Line => paint("stroke"),
                Ink::Area | Ink::Gradient(_) | Ink::Text => paint("fill"),
                Ink::Block => {
                    paint("stroke");
                    paint("fill");
                }
            }
        }
        if ink == Ink::Line && is_in_block {
            css.name("fill").push_str("none");
        }
        if matches!(ink, Ink::Line | Ink::Block) {
            let scale = style.line_type_scale;
            let line_type = match style.line_type {
                Some(name) if name.eq_ignore_ascii_case("BYBLOCK") => None,
                Some(name) => Some(name),
                None => {
                    layer.filter(|_| scale != 1.0 || is_paper).map(|(_, layer)| layer.line_type)
                }
            };
            if let Some(name) = line_type {
                looks.dashes(name, scale, pen, css.name("stroke-dasharray"));
            }
            let given = style.weight.filter(|w| *w != -2).map(|w| looks.weight(w));
            let layers = layer.filter(|_| is_own_layer && (ink == Ink::Block || is_paper));
            let layers = layers.map(|(_, layer)| looks.weight(layer.weight));
            let width = match (width, by) {
                (Some(width), _) => Some(width),
                // A line in a block that is twice as large is not to be twice as wide.
                (None, Some(by)) if (by - 1.0).abs() > 1e-9 && by > 0.0 => {
                    let own = given.or(layers).unwrap_or_else(|| looks.weight(-3));
                    Some(own / by)
                }
                (None, _) if is_paper => given.or(layers),
                (None, _) => given,
            };
            if let Some(width) = width {
                pen.number(width, css.name("stroke-width"));
            }
        }
        if style.is_invisible {
            css.name("display").push_str("none");
        }
        if style.opacity < 1.0 {
            Pen::exact(style.opacity, css.name("opacity"));
        }
        css.end();
    }

    fn lines(
        &mut self,
        id: Option<&str>,
        outlines: &[Outline],
        width: Option<f64>,
        style: &Style<'t>,
    ) -> Result<(), Error> {
        if let [Outline { start, segments, closed }] = outlines
            && let [segment] = segments.as_slice()
        {
            match segment {
                Segment::Line(end) if end == start => {
                    self.begin("<path", id);
                    self.ink(style, Ink::Line, width, None);
                    self.out.push_str(" stroke-linecap=\"round\" d=\"M");
                    self.pen.point(*start, &mut self.out);
                    self.out.push_str("h0\"/>\n");
                    return Ok(());
                }
                Segment::Line(end) if !closed => {
                    self.begin("<line", id);
                    self.ink(style, Ink::Line, width, None);
                    self.number(" x1=\"", start[0]);
                    self.number(" y1=\"", -start[1]);
                    self.number(" x2=\"", end[0]);
                    self.number(" y2=\"", -end[1]);
                    self.out.push_str("/>\n");
                    return Ok(());
                }
                Segment::Arc(arc) if *closed && arc.axes().0 == arc.axes().1 => {
                    self.begin("<circle", id);
                    self.ink(style, Ink::Line, width, None);
                    self.number(" cx=\"", arc.centre[0]);
                    self.number(" cy=\"", -arc.centre[1]);
                    self.number(" r=\"", arc.axes().0);
                    self.out.push_str("/>\n");
                    return Ok(());
                }
                _ => {}
            }
        }
        self.begin("<path", id);
        self.ink(style, Ink::Line, width, None);
        self.path(outlines)?;
        self.out.push_str("/>\n");
        Ok(())
    }

    /// The attribute `d`.
    fn path(&mut self, outlines: &[Outline]) -> Result<(), Error> {
        self.out.push_str(" d=\"");
        let begin = self.out.len();
        for outline in outlines {
            self.out.push('M');
            self.pen.point(outline.start, &mut self.out);
            let mut from = outline.start;
            for segment in &outline.segments {
                match segment {
                    Segment::Line(p) => {
                        self.out.push('L');
                        self.pen.point(*p, &mut self.out);
                    }
                    Segment::Cubic(a, b, c) => {
                        self.out.push('C');
                        for (i, p) in [a, b, c].into_iter().enumerate() {
                            if i > 0 {
                                self.out.push(' ');
                            }
                            self.pen.point(*p, &mut self.out);
                        }
                    }
                    Segment::Arc(arc) => self.arc(arc),
                    Segment::Bend(to, bulge) => self.bend(from, *to, *bulge),
                }
                from = segment.end();
            }
            if outline.closed {
                self.out.push('Z');
            }
        }
        hold("outline_bytes", self.out.len() - begin, self.limits.outline_bytes)?;
        self.out.push('"');
        Ok(())
    }

    /// An arc of a circle in pieces of half a turn at most.
    fn bend(&mut self, from: P, to: P, bulge: f64) {
        let radius = radius_of_bend(from, to, bulge);
        let is_long = bulge.abs() > 1.0 + 1.5e-9;
        let middle = is_long.then(|| middle_of_bend(from, to, bulge));
        let (pen, out) = (self.pen, &mut self.out);
        for end in middle.into_iter().chain([to]) {
            out.push('A');
            pen.number(radius, out);
            out.push(' ');
            pen.number(radius, out);
            out.push_str(if bulge > 0.0 { " 0 0 0 " } else { " 0 0 1 " });
            pen.point(end, out);
        }
    }

    /// An arc in pieces of half a turn at most.
    fn arc(&mut self, arc: &Arc) {
        let (first, second, angle) = arc.axes();
        let sweep = arc.to - arc.from;
        let pieces = ((sweep.abs() / PI - 1e-9).ceil() as usize).clamp(1, 4);
        let (pen, out) = (self.pen, &mut self.out);
        for piece in 1..=pieces {
            out.push('A');
            pen.number(first, out);
            out.push(' ');
            pen.number(second, out);
            out.push(' ');
            Pen::exact(-angle.to_degrees(), out);
            out.push_str(if arc.is_left() { " 0 0 " } else { " 0 1 " });
            let end = match piece == pieces {
                true => arc.end,
                false => arc.at(arc.from + sweep * piece as f64 / pieces as f64),
            };
            pen.point(end, out);
        }
    }

    /// The attribute `transform`.
    fn transform(&mut self, by: &Affine) {
        let [a, b, c, d, e, f] = turned(by).0;
        let (pen, out) = (self.pen, &mut self.out);
        out.push_str(" transform=\"");
        if [a, b, c, d] == [1.0, 0.0, 0.0, 1.0] {
            out.push_str("translate(");
        } else {
            out.push_str("matrix(");
            for n in [a, b, c, d] {
                Pen::exact(n, out);
                out.push(' ');
            }
        }
        pen.number(e, out);
        out.push(' ');
        pen.number(f, out);
        out.push_str(")\"");
    }

    fn text(&mut self, id: Option<&str>, text: &Text, style: &Style<'t>) {
        self.begin("<text", id);
        self.ink(style, Ink::Text, None, None);
        self.transform(&text.place);
        self.number(" font-size=\"", text.height * FONT);
        match text.anchor {
            Anchor::Start => {}
            Anchor::Middle => self.out.push_str(" text-anchor=\"middle\""),
            Anchor::End => self.out.push_str(" text-anchor=\"end\""),
        }
        if let Some(fit) = text.fit {
            self.number(" textLength=\"", fit);
            self.out.push_str(" lengthAdjust=\"spacingAndGlyphs\"");
        }
        let line = |at: usize| (text.leading * at as f64 - text.rise) * text.height;
        if let [one] = text.lines.as_slice() {
            if text.rise != 0.0 {
                self.number(" y=\"", line(0));
            }
            self.out.push('>');
            escape(one, &mut self.out);
        } else {
            self.out.push('>');
            for (at, one) in text.lines.iter().enumerate().filter(|(_, one)| !one.is_empty()) {
                self.number("<tspan x=\"0\" y=\"", line(at));
                self.out.push('>');
                escape(one, &mut self.out);
                self.out.push_str("</tspan>");
            }
        }
        self.out.push_str("</text>\n");
    }

    /// Where inserts have a text.
    fn template(&mut self, name: &str, text: &Text) {
        let [a, b, _, _, x, y] = text.place.0;
        self.out.push_str("<arx:attribute name=\"");
        self.out.push_str(name);
        self.out.push('"');
        self.number(" x=\"", x);
        self.number(" y=\"", -y);
        self.number(" size=\"", text.height);
        self.out.push_str(match text.anchor {
            Anchor::Start => " anchor=\"start\"",
            Anchor::Middle => " anchor=\"middle\"",
            Anchor::End => " anchor=\"end\"",
        });
        if b != 0.0 || a < 0.0 {
            self.out.push_str(" rotate=\"");
            Pen::exact(-libm::atan2(b, a).to_degrees(), &mut self.out);
            self.out.push('"');
        }
        self.out.push_str("/>\n");
    }

    /// What an insert has there.
    fn value(&mut self, item: &Item<'t>) {
        let [Shape::Text(text), ..] = item.shapes.as_slice() else { return };
        self.out.push_str("<arx:attribute name=\"");
        self.out.push_str(item.tag.unwrap_or_default());
        self.out.push_str("\" value=\"");
        let value = text.lines.first().map_or("", String::as_str);
        for (at, part) in value.split('"').enumerate() {
            self.out.push_str(if at > 0 { "&quot;" } else { "" });
            escape(part, &mut self.out);
        }
        self.out.push_str("\"/>\n");
    }

    fn uses(
        &mut self,
        id: Option<&str>,
        insert: &Insert,
        style: &Style<'t>,
        values: &[&Item<'t>],
    ) -> Result<(), Error> {
        let symbols = self.symbols;
        let symbol = symbols.get(insert.block).map_or("", String::as_str);
        let scale = insert.place.scale();
        for place in insert.places() {
            self.begin("<use", id);
            self.ink(style, Ink::Block, None, Some(scale));
            self.out.push_str(" href=\"#");
            self.out.push_str(symbol);
            self.out.push('"');
            self.transform(&place);
            if values.is_empty() {
                self.out.push_str("/>\n");
            } else {
                self.out.push_str(">\n");
                values.iter().for_each(|value| self.value(value));
                self.out.push_str("</use>\n");
            }
            hold("output_bytes", self.out.len(), self.limits.output_bytes)?;
        }
        Ok(())
    }
}

fn escape(text: &str, out: &mut String) {
    if !text.bytes().any(|b| matches!(b, b'&' | b'<' | b'>')) {
        return out.push_str(text);
    }
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            c => out.push(c),
        }
    }
}
