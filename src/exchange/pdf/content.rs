//! What is painted, as operators.

use std::collections::{BTreeMap, HashMap};

use kurbo::{Affine, BezPath, PathEl};
use pdf_writer::types::{LineCapStyle, LineJoinStyle};
use pdf_writer::{Content, Name};
use subsetter::GlyphRemapper;
use svgx_base::budget::Budget;
use svgx_engine::compile::{Glyph, Gradient, Group, Mark, Outline, Page, Stroke};
use svgx_engine::geometry::{Cap, Join};

use super::{Error, MOST, glyph, string};

/// The operators of a page and of the groups that it shows.
#[derive(Debug, Default)]
pub(super) struct Contents {
    pub(super) bytes: Vec<u8>,
    /// Groups that fade as a whole.
    pub(super) forms: Vec<Vec<u8>>,
    /// How opaque fills and lines are, by the number of the state.
    pub(super) states: Vec<[u8; 2]>,
    /// The glyphs of every face that are used.
    pub(super) used: Vec<Used>,
    /// Gradients, each from its own coordinates.
    pub(super) gradients: Vec<Gradient>,
    pub(super) outlines: usize,
    pub(super) letters: usize,
}

/// What of a face is used.
#[derive(Debug, Default)]
pub(super) struct Used {
    /// From glyphs of the face to glyphs of what is embedded.
    pub(super) glyphs: GlyphRemapper,
    /// What glyphs that are embedded stand for.
    pub(super) text: BTreeMap<u16, String>,
}

/// A group that is open.
struct Open {
    has_layer: bool,
    /// What was painted before a group that fades as a whole, and how much it does.
    around: Option<(Content, f32)>,
}

struct Painter {
    place: Affine,
    content: Content,
    contents: Contents,
    known: HashMap<[u8; 2], usize>,
    open: Vec<Open>,
}

impl Contents {
    /// `place`: from the page of the engine to units of the file.
    ///
    /// # Errors
    /// The end of the budget, or more than a file may have.
    pub(super) fn of(page: &Page, place: Affine, budget: &Budget) -> Result<Contents, Error> {
        let mut painter = Painter {
            place,
            content: Content::new(),
            contents: Contents::default(),
            known: HashMap::new(),
            open: Vec::new(),
        };
        painter.contents.used.resize_with(page.faces.len(), Used::default);
        for (at, mark) in page.marks.iter().enumerate() {
            if at % 64 == 0 {
                budget.checkpoint()?;
            }
            let seen = painter.content.len();
            if seen > MOST {
                return Err(Error::Limit { what: "pdf_bytes", limit: MOST, seen });
            }
            match mark {
                Mark::Begin(group) => painter.begin(group),
                Mark::End => painter.end(),
                Mark::Outline(outline) => painter.outline(outline),
                Mark::Gradient { area, even_odd, alpha, gradient } => {
                    painter.gradient(area, *even_odd, *alpha, gradient);
                }
                Mark::Glyphs { face, colour, glyphs } => painter.letters(*face, *colour, glyphs),
            }
        }
        while !painter.open.is_empty() {
            painter.end();
        }
        let Painter { content, mut contents, .. } = painter;
        contents.bytes = content.finish().to_vec();
        Ok(contents)
    }
}

impl Painter {
    fn begin(&mut self, group: &Group) {
        self.content.save_state();
        for (path, even_odd) in &group.clips {
            if path.is_empty() {
                // Cut to nothing.
                self.content.rect(0.0, 0.0, 0.0, 0.0);
            }
            self.path(path, self.place);
            match even_odd {
                true => self.content.clip_even_odd(),
                false => self.content.clip_nonzero(),
            };
            self.content.end_path();
        }
        if let Some(layer) = group.layer {
            let name = format!("L{layer}");
            let mark = self.content.begin_marked_content_with_properties(Name(b"OC"));
            mark.properties_named(Name(name.as_bytes()));
        }
        let around = (group.opacity < 1.0)
            .then(|| (std::mem::replace(&mut self.content, Content::new()), group.opacity));
        self.open.push(Open { has_layer: group.layer.is_some(), around });
    }

    fn end(&mut self) {
        let Some(Open { has_layer, around }) = self.open.pop() else { return };
        if let Some((before, opacity)) = around {
            let inside = std::mem::replace(&mut self.content, before);
            let form = self.contents.forms.len();
            self.contents.forms.push(inside.finish().to_vec());
            let alpha = (opacity * 255.0).round() as u8;
            self.state([alpha, alpha]);
            self.content.x_object(Name(format!("X{form}").as_bytes()));
        }
        if has_layer {
            self.content.end_marked_content();
        }
        self.content.restore_state();
    }

    fn state(&mut self, alphas: [u8; 2]) {
        let next = self.contents.states.len();
        let at = *self.known.entry(alphas).or_insert(next);
        if at == next {
            self.contents.states.push(alphas);
        }
        self.content.set_parameters(Name(format!("G{at}").as_bytes()));
    }

    fn outline(&mut self, outline: &Outline) {
        self.contents.outlines += 1;
        let alpha = |colour: Option<[u8; 4]>| colour.map_or(255, |[.., a]| a);
        let stroke = outline.stroke.as_ref();
        let alphas = [alpha(outline.fill), alpha(stroke.map(|s| s.colour))];
        let is_opaque = alphas == [255, 255];
        let by = self.place * outline.transform;
        // A line that is stretched in one direction is drawn in the coordinates of its outline.
        let uniform = uniform(by);
        let inside = stroke.is_some() && uniform.is_none();
        if !is_opaque || inside {
            self.content.save_state();
        }
        if !is_opaque {
            self.state(alphas);
        }
        let (by, scale) = match uniform {
            _ if inside => {
                self.content.transform(by.as_coeffs().map(|n| n as f32));
                (Affine::IDENTITY, 1.0)
            }
            scale => (by, scale.unwrap_or(1.0)),
        };
        if let Some([r, g, b, _]) = outline.fill {
            let [r, g, b] = [r, g, b].map(|c| f32::from(c) / 255.0);
            self.content.set_fill_rgb(r, g, b);
        }
        if let Some(stroke) = stroke {
            self.pen(stroke, scale);
        }
        let paints = [outline.fill.is_some(), stroke.is_some()];
        match (paints, is_opaque && !outline.stroke_first) {
            // What is translucent shows the fill below the line, which one operator would not.
            ([true, true], false) => {
                for fills in [!outline.stroke_first, outline.stroke_first] {
                    self.path(&outline.path.path(), by);
                    self.paint([fills, !fills], outline.even_odd);
                }
            }
            (paints, _) => {
                self.path(&outline.path.path(), by);
                self.paint(paints, outline.even_odd);
            }
        }
        if !is_opaque || inside {
            self.content.restore_state();
        }
    }

    fn gradient(&mut self, area: &BezPath, even_odd: bool, alpha: u8, gradient: &Gradient) {
        self.contents.outlines += 1;
        let by = self.place * gradient.transform;
        if alpha == 0 || by.determinant() == 0.0 {
            return;
        }
        self.content.save_state();
        if alpha < 255 {
            self.state([alpha, 255]);
        }
        self.path(area, self.place);
        match even_odd {
            true => self.content.clip_even_odd(),
            false => self.content.clip_nonzero(),
        };
        self.content.end_path();
        self.content.transform(by.as_coeffs().map(|n| n as f32));
        let at = self.contents.gradients.len();
        self.content.shading(Name(format!("S{at}").as_bytes()));
        self.contents.gradients.push(gradient.clone());
        self.content.restore_state();
    }

    fn paint(&mut self, [fills, strokes]: [bool; 2], even_odd: bool) {
        match (fills, strokes, even_odd) {
            (true, true, false) => self.content.fill_nonzero_and_stroke(),
            (true, true, true) => self.content.fill_even_odd_and_stroke(),
            (true, false, false) => self.content.fill_nonzero(),
            (true, false, true) => self.content.fill_even_odd(),
            (false, true, _) => self.content.stroke(),
            (false, false, _) => self.content.end_path(),
        };
    }

    fn pen(&mut self, stroke: &Stroke, scale: f64) {
        let [r, g, b, _] = stroke.colour.map(|c| f32::from(c) / 255.0);
        self.content.set_stroke_rgb(r, g, b);
        self.content.set_line_width((stroke.width * scale) as f32);
        self.content.set_line_cap(match stroke.cap {
            Cap::Butt => LineCapStyle::ButtCap,
            Cap::Round => LineCapStyle::RoundCap,
            Cap::Square => LineCapStyle::ProjectingSquareCap,
        });
        self.content.set_line_join(match stroke.join {
            Join::Miter => LineJoinStyle::MiterJoin,
            Join::Round => LineJoinStyle::RoundJoin,
            Join::Bevel => LineJoinStyle::BevelJoin,
        });
        self.content.set_miter_limit(stroke.miter.max(1.0) as f32);
        let dash = stroke.dash.iter().map(|n| (n * scale) as f32);
        self.content.set_dash_pattern(dash, (stroke.dash_offset * scale) as f32);
    }

    fn path(&mut self, path: &BezPath, by: Affine) {
        let content = &mut self.content;
        let at = |p: kurbo::Point| {
            let p = by * p;
            (p.x as f32, p.y as f32)
        };
        let mut last = kurbo::Point::ZERO;
        for el in path.elements() {
            match *el {
                PathEl::MoveTo(p) => {
                    let (x, y) = at(p);
                    content.move_to(x, y);
                    last = p;
                }
                PathEl::LineTo(p) => {
                    let (x, y) = at(p);
                    content.line_to(x, y);
                    last = p;
                }
                PathEl::QuadTo(a, p) => {
                    let cubic = kurbo::QuadBez::new(last, a, p).raise();
                    let ((x1, y1), (x2, y2), (x3, y3)) = (at(cubic.p1), at(cubic.p2), at(cubic.p3));
                    content.cubic_to(x1, y1, x2, y2, x3, y3);
                    last = p;
                }
                PathEl::CurveTo(a, b, p) => {
                    let ((x1, y1), (x2, y2), (x3, y3)) = (at(a), at(b), at(p));
                    content.cubic_to(x1, y1, x2, y2, x3, y3);
                    last = p;
                }
                PathEl::ClosePath => {
                    content.close_path();
                }
            }
        }
    }

    fn letters(&mut self, face: usize, [r, g, b, alpha]: [u8; 4], glyphs: &[Glyph]) {
        let Some(used) = self.contents.used.get_mut(face) else { return };
        let mut placed = Vec::with_capacity(glyphs.len());
        for one in glyphs {
            let id = used.glyphs.remap(one.id);
            if !one.text.is_empty() {
                used.text.entry(id).or_insert_with(|| one.text.clone());
            }
            placed.push((id, (self.place * one.transform).as_coeffs()));
        }
        self.contents.letters += placed.len();
        if alpha < 255 {
            self.content.save_state();
            self.state([alpha, 255]);
        }
        let [r, g, b] = [r, g, b].map(|c| f32::from(c) / 255.0);
        self.content.set_fill_rgb(r, g, b);
        self.content.begin_text();
        // The size of the letters is in their matrix; readers want one that is near it.
        let size = placed.first().map_or(1.0, |(_, [a, b, ..])| libm::hypot(*a, *b).max(1e-6));
        self.content.set_font(Name(format!("F{face}").as_bytes()), size as f32);
        for (id, matrix) in placed {
            let [a, b, c, d, e, f] = matrix;
            let [a, b, c, d] = [a, b, c, d].map(|n| n / size);
            self.content.set_text_matrix([a, b, c, d, e, f].map(|n| n as f32));
            self.content.show(string(&glyph(id)));
        }
        self.content.end_text();
        if alpha < 255 {
            self.content.restore_state();
        }
    }
}

/// How much lengths grow, where they grow alike in all directions.
fn uniform(by: Affine) -> Option<f64> {
    let [a, b, c, d, ..] = by.as_coeffs();
    let (x, y) = (libm::hypot(a, b), libm::hypot(c, d));
    let is_square = (a * c + b * d).abs() <= 1e-6 * x * y && (x - y).abs() <= 1e-6 * x.max(y);
    is_square.then_some(x)
}
