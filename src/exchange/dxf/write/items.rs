//! Entities as elements.

use std::collections::HashSet;
use std::f64::consts::PI;
use std::fmt::Write as _;

use svgx_base::budget::Budget;

use super::super::colour::Colour;
use super::super::curve::{Affine, Arc, Outline, Segment, add, length, scaled, sub};
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
    pub(super) pen: &'s Pen,
    pub(super) out: String,
    pub(super) limits: &'s Limits,
    /// Handles that are ids.
    pub(super) ids: HashSet<&'t str>,
    pub(super) is_in_block: bool,
}

/// What an element is, as far as its colour goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ink {
    Line,
    Area,
    Text,
    Block,
}

impl<'t> Sheet<'_, 't> {
    /// # Errors
    /// [`Error::Limit`] for `output_bytes` and `outline_bytes`; the end of the budget.
    pub(super) fn items(&mut self, items: &[Item<'t>], budget: &Budget) -> Result<(), Error> {
        for (at, item) in items.iter().enumerate() {
            if at % 256 == 0 {
                budget.checkpoint()?;
            }
            self.item(item)?;
            hold("output_bytes", self.out.len(), self.limits.output_bytes)?;
        }
        Ok(())
    }

    fn item(&mut self, item: &Item<'t>) -> Result<(), Error> {
        let elements = |shape: &Shape| match shape {
            Shape::Insert(insert) => insert.count(),
            Shape::Extent(_) => 0,
            _ => 1,
        };
        let count: usize = item.shapes.iter().map(elements).sum();
        if count == 0 {
            return Ok(());
        }
        let handle = item.handle.filter(|h| {
            !self.is_in_block && h.len() <= 16 && h.bytes().all(|b| b.is_ascii_alphanumeric())
        });
        let id = match handle.filter(|h| self.ids.insert(h)) {
            Some(handle) => format!(" id=\"e-{handle}\""),
            None => String::new(),
        };
        let is_group = count > 1;
        if is_group {
            let _ = writeln!(self.out, "<g{id}>");
        }
        let id = if is_group { "" } else { &id };
        for shape in &item.shapes {
            match shape {
                Shape::Lines { outlines, width } => {
                    self.lines(id, outlines, *width, &item.style)?;
                }
                Shape::Area(outlines) => {
                    let ink = self.ink(&item.style, Ink::Area, None, None);
                    let _ = write!(self.out, "<path{id}{ink} fill-rule=\"evenodd\"");
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
                Shape::Insert(insert) => self.uses(id, insert, &item.style)?,
            }
        }
        if is_group {
            self.out.push_str("</g>\n");
        }
        Ok(())
    }

    /// The attributes `class` and `style` of an element.
    fn ink(&self, style: &Style<'_>, ink: Ink, width: Option<f64>, by: Option<f64>) -> String {
        let mut classes: Vec<&str> = Vec::new();
        match ink {
            Ink::Area => classes.push("solid"),
            Ink::Text => classes.push("text"),
            Ink::Line | Ink::Block => {}
        }
        let layer = self.looks.layer(style.layer);
        // What is on layer 0 of a block is on the layer of the insert.
        let is_own_layer = !self.is_in_block || style.layer != "0";
        if let Some((class, _)) = layer.filter(|_| is_own_layer) {
            classes.push(class);
        }
        let mut css: Vec<String> = Vec::new();
        let of_layer = layer.and_then(|(_, layer)| layer.colour);
        let colour = match (style.colour, ink) {
            // The blocks inside ask for the colour of the insert.
            (Colour::ByLayer, Ink::Block) if is_own_layer => Some(hexadecimal(of_layer)),
            (Colour::ByLayer, Ink::Block) => Some("currentColor".to_owned()),
            (Colour::ByLayer, Ink::Line) if self.is_in_block => Some("currentColor".to_owned()),
            (Colour::ByLayer, _) => None,
            (Colour::ByBlock, Ink::Area | Ink::Text) if self.is_in_block => {
                Some("inherit".to_owned())
            }
            (Colour::ByBlock, _) if self.is_in_block => None,
            (Colour::ByBlock, _) => Some(hexadecimal(None)),
            // A white area covers what is under it.
            (Colour::Own(Some(0xFF_FFFF)), Ink::Area) => Some("#fff".to_owned()),
            (Colour::Own(rgb), _) => Some(hexadecimal(rgb)),
        };
        if let Some(colour) = colour {
            match ink {
                Ink::Line => css.push(format!("stroke:{colour}")),
                Ink::Area | Ink::Text => css.push(format!("fill:{colour}")),
                Ink::Block => css.push(format!("stroke:{colour};fill:{colour}")),
            }
        }
        if ink == Ink::Line && self.is_in_block {
            css.push("fill:none".to_owned());
        }
        if matches!(ink, Ink::Line | Ink::Block) {
            let scale = style.line_type_scale;
            match style.line_type {
                Some(name) if name.eq_ignore_ascii_case("BYBLOCK") => {}
                Some(name) => {
                    let dashes = self.looks.dashes(name, scale, self.pen);
                    css.push(format!("stroke-dasharray:{dashes}"));
                }
                None => {
                    let own = layer.filter(|_| scale != 1.0);
                    if let Some((_, layer)) = own {
                        let dashes = self.looks.dashes(layer.line_type, scale, self.pen);
                        css.push(format!("stroke-dasharray:{dashes}"));
                    }
                }
            }
            let given = style.weight.filter(|w| *w != -2).map(|w| self.looks.weight(w));
            let layers = layer.filter(|_| is_own_layer && ink == Ink::Block);
            let layers = layers.map(|(_, layer)| self.looks.weight(layer.weight));
            let width = match (width, by) {
                (Some(width), _) => Some(width),
                // A line in a block that is twice as large is not to be twice as wide.
                (None, Some(by)) if (by - 1.0).abs() > 1e-9 && by > 0.0 => {
                    let own = given.or(layers).unwrap_or_else(|| self.looks.weight(-3));
                    Some(own / by)
                }
                (None, _) => given,
            };
            if let Some(width) = width {
                css.push(format!("stroke-width:{}", self.pen.number(width)));
            }
        }
        if style.is_invisible {
            css.push("display:none".to_owned());
        }
        if style.opacity < 1.0 {
            css.push(format!("opacity:{}", Pen::exact(style.opacity)));
        }
        let mut out = String::new();
        if !classes.is_empty() {
            let _ = write!(out, " class=\"{}\"", classes.join(" "));
        }
        if !css.is_empty() {
            let _ = write!(out, " style=\"{}\"", css.join(";"));
        }
        out
    }

    fn lines(
        &mut self,
        id: &str,
        outlines: &[Outline],
        width: Option<f64>,
        style: &Style<'_>,
    ) -> Result<(), Error> {
        let ink = self.ink(style, Ink::Line, width, None);
        if let [Outline { start, segments, closed }] = outlines
            && let [segment] = segments.as_slice()
        {
            let pen = self.pen;
            match segment {
                Segment::Line(end) if end == start => {
                    let _ = write!(self.out, "<path{id}{ink} stroke-linecap=\"round\" d=\"M");
                    pen.point(*start, &mut self.out);
                    self.out.push_str("h0\"/>\n");
                    return Ok(());
                }
                Segment::Line([x, y]) if !closed => {
                    let [x, y] = [pen.number(*x), pen.number(-*y)];
                    let [from_x, from_y] = [pen.number(start[0]), pen.number(-start[1])];
                    let _ = writeln!(
                        self.out,
                        "<line{id}{ink} x1=\"{from_x}\" y1=\"{from_y}\" x2=\"{x}\" y2=\"{y}\"/>"
                    );
                    return Ok(());
                }
                Segment::Arc(arc) if *closed && arc.axes().0 == arc.axes().1 => {
                    let [x, y] = [pen.number(arc.centre[0]), pen.number(-arc.centre[1])];
                    let r = pen.number(arc.axes().0);
                    let _ =
                        writeln!(self.out, "<circle{id}{ink} cx=\"{x}\" cy=\"{y}\" r=\"{r}\"/>");
                    return Ok(());
                }
                _ => {}
            }
        }
        let _ = write!(self.out, "<path{id}{ink}");
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
                }
            }
            if outline.closed {
                self.out.push('Z');
            }
        }
        hold("outline_bytes", self.out.len() - begin, self.limits.outline_bytes)?;
        self.out.push('"');
        Ok(())
    }

    /// An arc in pieces of half a turn at most.
    fn arc(&mut self, arc: &Arc) {
        let (first, second, angle) = arc.axes();
        let sweep = arc.to - arc.from;
        let pieces = ((sweep.abs() / PI - 1e-9).ceil() as usize).clamp(1, 4);
        let flag = u8::from(!arc.is_left());
        let angle = Pen::exact(-angle.to_degrees());
        let (first, second) = (self.pen.number(first), self.pen.number(second));
        for piece in 1..=pieces {
            let _ = write!(self.out, "A{first} {second} {angle} 0 {flag} ");
            let end = arc.at(arc.from + sweep * piece as f64 / pieces as f64);
            self.pen.point(end, &mut self.out);
        }
    }

    fn matrix(&self, by: &Affine) -> String {
        let [a, b, c, d, e, f] = turned(by).0;
        if [a, b, c, d] == [1.0, 0.0, 0.0, 1.0] {
            return format!("translate({} {})", self.pen.number(e), self.pen.number(f));
        }
        let [a, b, c, d] = [a, b, c, d].map(Pen::exact);
        format!("matrix({a} {b} {c} {d} {} {})", self.pen.number(e), self.pen.number(f))
    }

    fn text(&mut self, id: &str, text: &Text, style: &Style<'_>) {
        let ink = self.ink(style, Ink::Text, None, None);
        let pen = self.pen;
        let matrix = self.matrix(&text.place);
        let size = pen.number(text.height * FONT);
        let _ = write!(self.out, "<text{id}{ink} transform=\"{matrix}\" font-size=\"{size}\"");
        match text.anchor {
            Anchor::Start => {}
            Anchor::Middle => self.out.push_str(" text-anchor=\"middle\""),
            Anchor::End => self.out.push_str(" text-anchor=\"end\""),
        }
        if let Some(fit) = text.fit {
            let fit = pen.number(fit);
            let _ = write!(self.out, " textLength=\"{fit}\" lengthAdjust=\"spacingAndGlyphs\"");
        }
        let line = |at: usize| pen.number((text.leading * at as f64 - text.rise) * text.height);
        if let [one] = text.lines.as_slice() {
            if text.rise != 0.0 {
                let _ = write!(self.out, " y=\"{}\"", line(0));
            }
            self.out.push('>');
            escape(one, &mut self.out);
        } else {
            self.out.push('>');
            for (at, one) in text.lines.iter().enumerate().filter(|(_, one)| !one.is_empty()) {
                let _ = write!(self.out, "<tspan x=\"0\" y=\"{}\">", line(at));
                escape(one, &mut self.out);
                self.out.push_str("</tspan>");
            }
        }
        self.out.push_str("</text>\n");
    }

    fn uses(&mut self, id: &str, insert: &Insert, style: &Style<'_>) -> Result<(), Error> {
        let ink = self.ink(style, Ink::Block, None, Some(insert.place.scale()));
        let symbol = self.symbols.get(insert.block).map_or("", String::as_str);
        for place in insert.places() {
            let matrix = self.matrix(&place);
            let _ = writeln!(self.out, "<use{id}{ink} href=\"#{symbol}\" transform=\"{matrix}\"/>");
            hold("output_bytes", self.out.len(), self.limits.output_bytes)?;
        }
        Ok(())
    }
}

fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            c => out.push(c),
        }
    }
}
