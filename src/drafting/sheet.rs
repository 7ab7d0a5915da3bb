//! Sheets: what of a drawing lies where on paper, in a frame with a title block.
//!
//! A sheet is drawn as a document of its own, in millimetres. Sizes and margins are those of
//! ISO 216 and ISO 5457, the title block is 180 mm wide as ISO 7200 has it.

use svgx_base::budget::Budget;
use svgx_base::wording::unknown;
use svgx_engine::document::{Code, Diagnostic, Document, Limits, NodeId, Ns};
use svgx_engine::geometry::{Length, Scene, Unit, ViewBox};

use crate::dimension::{self, short, tag};
use crate::drawn::{Drawn, Error, Purpose, draw_all, figure, prepared};
use crate::style;

/// Sheets of the A series: name, shorter and longer side.
const SIZES: [(&str, [f64; 2]); 6] = [
    ("A0", [841.0, 1_189.0]),
    ("A1", [594.0, 841.0]),
    ("A2", [420.0, 594.0]),
    ("A3", [297.0, 420.0]),
    ("A4", [210.0, 297.0]),
    ("A5", [148.0, 210.0]),
];
/// Scales of drawings (ISO 5455), the largest first, as millimetres in one of paper.
const USUAL: [f64; 14] =
    [0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1_000.0, 2_000.0];
/// The longer side of the paper that a drawing without a sheet stands for: A3.
const PAPER: f64 = 420.0;
/// From the edge of the paper to the frame: left, and elsewhere.
const MARGINS: [f64; 2] = [20.0, 10.0];
const BLOCK: f64 = 180.0;
/// Views of one sheet, and sheets of one drawing.
const MOST: usize = 100;

/// A sheet.
#[derive(Clone, Debug, PartialEq)]
pub struct Sheet {
    /// The element.
    pub node: NodeId,
    /// Its id.
    pub id: String,
    /// What its size is called.
    pub name: String,
    /// Width and height in millimetres.
    pub size: [f64; 2],
    /// Millimetres of the drawing in one of paper, where it is stated.
    pub scale: Option<f64>,
    /// Whether a frame is drawn.
    pub frame: bool,
    /// What it shows.
    pub views: Vec<View>,
    /// What lies on the paper itself, in millimetres: elements of SVG in it.
    pub content: Vec<NodeId>,
    /// Names and values of the title block, where there is one, and its width.
    pub title: Option<(Vec<(String, String)>, f64)>,
}

/// A part of the drawing on a sheet.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    /// The part, in user units of the root; all of it without.
    pub of: Option<ViewBox>,
    /// Where its upper left corner lies, in millimetres of the sheet; in the middle without.
    pub at: Option<[f64; 2]>,
    /// A scale of its own.
    pub scale: Option<f64>,
}

/// The sheets of a drawing, and what of them cannot be read.
#[must_use]
pub fn sheets(document: &Document) -> (Vec<Sheet>, Vec<Diagnostic>) {
    let mut reader = Reader { document, found: Vec::new() };
    let nodes = document.elements().filter(|&n| document.name(n) == Some((Ns::Arx, "sheet")));
    let all = nodes.take(MOST).filter_map(|node| reader.sheet(node)).collect();
    (all, reader.found)
}

struct Reader<'d> {
    document: &'d Document,
    found: Vec<Diagnostic>,
}

impl Reader<'_> {
    /// An attribute as `read` understands it; a finding where it does not.
    fn value<T>(
        &mut self,
        node: NodeId,
        name: &str,
        expected: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let written = self.document.attribute(node, Ns::None, name)?;
        let value = read(written.value.trim());
        if value.is_none() {
            let message = format!("`{}` is no {name}; expected {expected}", short(written.value));
            self.found.push(Diagnostic::error(Code::SheetValue, written.span, message));
        }
        value
    }

    fn sheet(&mut self, node: NodeId) -> Option<Sheet> {
        let document = self.document;
        let Some(id) = document.id(node) else {
            let span = tag(document, node);
            self.found.push(Diagnostic::error(Code::SheetValue, span, "a sheet needs an id"));
            return None;
        };
        let scale = self.value(node, "scale", "1:50", style::scale);
        let size = self.value(node, "size", "A0 to A5, or 420x297 in mm", size);
        let portrait =
            self.value(node, "orientation", "landscape or portrait", |word| match word {
                "landscape" => Some(false),
                "portrait" => Some(true),
                _ => None,
            });
        let (name, [short_side, long_side]) =
            size.unwrap_or_else(|| ("A3".to_owned(), [297.0, 420.0]));
        let size = match portrait.unwrap_or(false) {
            true => [short_side, long_side],
            false => [long_side, short_side],
        };
        let children: Vec<NodeId> = document.children(node).collect();
        let (mut views, mut content) = (Vec::new(), Vec::new());
        let mut title = None;
        for child in children {
            match document.name(child) {
                Some((Ns::Arx, "view")) if views.len() < MOST => views.push(self.view(child)),
                Some((Ns::Arx, "title-block")) => {
                    let width = self.value(child, "width", "millimetres", millimetres);
                    let fields = document.attributes(child).iter();
                    let fields = fields
                        .filter(|a| a.ns == Ns::None && !matches!(a.name, "id" | "width"))
                        .map(|a| (a.name.to_owned(), a.value.to_owned()));
                    title = Some((fields.collect(), width.unwrap_or(BLOCK).clamp(40.0, 400.0)));
                }
                Some((Ns::Svg | Ns::None, _)) => content.push(child),
                _ => {}
            }
        }
        if views.is_empty() && content.is_empty() {
            views.push(View { of: None, at: None, scale: None });
        }
        let frame = document.attr(node, "frame").is_none_or(|v| v.trim() != "false");
        Some(Sheet { node, id: id.to_owned(), name, size, scale, frame, views, content, title })
    }

    fn view(&mut self, node: NodeId) -> View {
        let of = self.value(node, "of", "x y width height", |text| {
            ViewBox::parse(text).filter(|v| v.width > 0.0 && v.height > 0.0)
        });
        let scale = self.value(node, "scale", "1:50", style::scale);
        let x = self.value(node, "x", "millimetres", millimetres);
        let y = self.value(node, "y", "millimetres", millimetres);
        let at = (x.is_some() || y.is_some()).then(|| [x.unwrap_or(0.0), y.unwrap_or(0.0)]);
        View { of, at, scale }
    }
}

/// The name of a size and its sides, the shorter one first.
fn size(text: &str) -> Option<(String, [f64; 2])> {
    if let Some((name, sides)) = SIZES.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)) {
        return Some(((*name).to_owned(), *sides));
    }
    let (a, b) = text.split_once('x')?;
    let side = |t: &str| millimetres(t.trim()).filter(|n| (20.0..=5_000.0).contains(n));
    let (a, b) = (side(a)?, side(b)?);
    Some((text.to_owned(), [a.min(b), a.max(b)]))
}

fn millimetres(text: &str) -> Option<f64> {
    let length = Length::parse(text).ok()?;
    let mm = match length.unit {
        Unit::None => length.number,
        _ => length.to_mm().ok()?,
    };
    (mm.abs() <= 10_000.0).then_some(mm)
}

/// Millimetres of the drawing in one of paper where no dimension says so: of the first sheet, of
/// `arx:scale`, or as large as makes the longer side of the drawing that of A3.
#[must_use]
pub fn usual_scale(document: &Document, scene: &Scene) -> f64 {
    let (sheets, _) = sheets(document);
    let viewbox = scene.viewbox();
    let mm = scene.scale().mm_per_unit;
    if let Some(sheet) = sheets.first() {
        return sheet.scale.unwrap_or_else(|| fitting(sheet, viewbox, mm));
    }
    let stated = document.arx(NodeId::ROOT, "scale").and_then(style::scale);
    let by_size = viewbox.width.max(viewbox.height) * mm / PAPER;
    stated.unwrap_or(if by_size.is_finite() && by_size > 0.0 { by_size } else { 1.0 })
}

/// The largest usual scale at which the first view fits.
fn fitting(sheet: &Sheet, viewbox: ViewBox, mm: f64) -> f64 {
    let of = sheet.views.first().and_then(|view| view.of).unwrap_or(viewbox);
    let free = [sheet.size[0] - MARGINS[0] - MARGINS[1], sheet.size[1] - 2.0 * MARGINS[1]];
    let needed = (of.width * mm / free[0].max(1.0)).max(of.height * mm / free[1].max(1.0));
    USUAL.into_iter().find(|scale| *scale >= needed * (1.0 - 1e-9)).unwrap_or(needed)
}

/// A view where it lies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Placed {
    /// The part of the drawing, in user units of the root.
    pub of: ViewBox,
    /// The upper left corner, in millimetres of the sheet with y downward.
    pub at: [f64; 2],
    /// Width and height on the sheet, in millimetres.
    pub size: [f64; 2],
    /// Millimetres of the drawing in one of paper.
    pub scale: f64,
}

/// The views of a sheet where they lie. `viewbox`: what the drawing shows; `mm`: millimetres in a
/// user unit.
#[must_use]
pub fn placed(sheet: &Sheet, viewbox: ViewBox, mm: f64) -> Vec<Placed> {
    let scale = sheet.scale.unwrap_or_else(|| fitting(sheet, viewbox, mm));
    let place = |view: &View| {
        let scale = view.scale.unwrap_or(scale);
        let of = view.of.unwrap_or(viewbox);
        let size = [of.width, of.height].map(|side| side * mm / scale);
        let middle = [
            (sheet.size[0] + MARGINS[0] - MARGINS[1] - size[0]) / 2.0,
            (sheet.size[1] - size[1]) / 2.0,
        ];
        Placed { of, at: view.at.unwrap_or(middle), size, scale }
    };
    sheet.views.iter().map(place).collect()
}

/// The drawing with the frame and the title block of each sheet drawn among what lies on it, for who
/// writes sheets in another form. O(elements).
#[must_use]
pub fn framed(document: &Document, sheets: &[Sheet], viewbox: ViewBox, mm: f64) -> Document {
    let mut document = document.clone();
    for sheet in sheets.iter().filter(|sheet| sheet.frame || sheet.title.is_some()) {
        let scale = sheet.scale.unwrap_or_else(|| fitting(sheet, viewbox, mm));
        frame(&mut document, sheet.node, sheet, scale);
    }
    document
}

/// A sheet as a document of its own, in millimetres, with everything drawn on it. O(elements).
///
/// # Errors
/// No sheet of that id, a drawing that cannot be resolved, and the end of the budget.
pub fn on_sheet(
    document: &Document,
    id: &str,
    limits: &Limits,
    budget: &Budget,
) -> Result<Drawn, Error> {
    let (all, _) = sheets(document);
    let Some(sheet) = all.iter().find(|sheet| sheet.id == id) else {
        let names: Vec<&str> = all.iter().map(|sheet| sheet.id.as_str()).collect();
        return Err(Error::Sheet(unknown("sheet", id, &names)));
    };
    let scene = Scene::build(document, limits, budget)?;
    let (viewbox, mm) = (scene.viewbox(), scene.scale().mm_per_unit);
    let scale = sheet.scale.unwrap_or_else(|| fitting(sheet, viewbox, mm));
    let mut made = prepared(document, &scene, scale, Purpose::Paper);
    let content = made.put_in_group();
    budget.checkpoint()?;
    for (at, view) in placed(sheet, viewbox, mm).into_iter().enumerate() {
        let Placed { of, at: corner, size, scale: own } = view;
        let over = &mut made.document;
        let place = over.append_element(NodeId::ROOT, Ns::Svg, "svg");
        let [x, y] = corner.map(figure);
        let [width, height] = size.map(figure);
        let shown = [of.x, of.y, of.width, of.height].map(figure).join(" ");
        set(
            over,
            place,
            &[("x", &x), ("y", &y), ("width", &width), ("height", &height), ("viewBox", &shown)],
        );
        if at == 0 {
            over.detach(content);
            over.restore(content, place, None);
        } else {
            let again = over.append_element(place, Ns::Svg, "use");
            let id = format!("#{}", over.id(content).unwrap_or_default());
            set(over, again, &[("href", &id)]);
        }
        let (dimensions, found) = dimension::dimensions(document, &scene, Some(own), budget)?;
        if at == 0 {
            made.findings.extend(found);
        }
        let layers = &made.layers;
        let shown = draw_all(over, place, dimensions, layers, mm, Purpose::Paper);
        made.dimensions.extend(shown);
    }
    if sheet.views.is_empty() {
        // What is referred to is not shown without a view.
        made.document.detach(content);
    }
    for node in &sheet.content {
        made.document.detach(*node);
        made.document.restore(*node, NodeId::ROOT, None);
    }
    paper(&mut made.document, sheet.size);
    frame(&mut made.document, NodeId::ROOT, sheet, scale);
    Ok(made)
}

fn set(document: &mut Document, node: NodeId, attributes: &[(&str, &str)]) {
    document.set_attributes(node, attributes.iter().map(|(name, value)| (Ns::None, *name, *value)));
}

/// Attributes of a root that say how it is shown, and not how what is in it looks.
const OF_ROOT: [&str; 7] =
    ["width", "height", "viewBox", "preserveAspectRatio", "x", "y", "version"];

impl Drawn {
    /// Puts what the root shows into one group, which is no longer in the tree; the root keeps
    /// what is only referred to.
    fn put_in_group(&mut self) -> NodeId {
        let document = &mut self.document;
        let group = document.make(Ns::Svg, "g", false);
        let mut id = "sheet-content".to_owned();
        while document.by_id(&id).is_some() {
            id.push('-');
        }
        let own: Vec<(Ns, String, String)> = document
            .attributes(NodeId::ROOT)
            .iter()
            .filter(|a| a.ns != Ns::None || !OF_ROOT.contains(&a.name) && a.name != "id")
            .map(|a| (a.ns, a.name.to_owned(), a.value.to_owned()))
            .collect();
        for (ns, name, value) in &own {
            document.remove_attribute(NodeId::ROOT, *ns, name);
            if *ns == Ns::None {
                document.set_attribute(group, *ns, name, value);
            }
        }
        document.set_attribute(group, Ns::None, "id", &id);
        let children: Vec<NodeId> = document.children(NodeId::ROOT).collect();
        for child in children {
            let stays = matches!(
                document.name(child),
                None | Some((
                    Ns::Svg | Ns::None,
                    "style" | "defs" | "symbol" | "title" | "desc" | "metadata"
                ))
            );
            if stays {
                continue;
            }
            // An outermost group is a layer by its id: it is not outermost any more.
            let layer = svgx_engine::compile::layer(document, child).map(str::to_owned);
            document.detach(child);
            document.restore(child, group, None);
            if let Some(layer) = layer {
                document.set_attribute(child, Ns::Arx, "layer", &layer);
            }
        }
        document.restore(group, NodeId::ROOT, None);
        group
    }
}

/// The size of the paper on the root.
fn paper(document: &mut Document, [width, height]: [f64; 2]) {
    for (name, value) in [
        ("width", format!("{}mm", figure(width))),
        ("height", format!("{}mm", figure(height))),
        ("viewBox", format!("0 0 {} {}", figure(width), figure(height))),
    ] {
        document.set_attribute(NodeId::ROOT, Ns::None, name, &value);
    }
}

/// The frame and the title block, in `parent`.
fn frame(document: &mut Document, parent: NodeId, sheet: &Sheet, scale: f64) {
    let [width, height] = sheet.size;
    let group = document.append_element(parent, Ns::Svg, "g");
    set(
        document,
        group,
        &[("class", "sheet"), ("fill", "none"), ("stroke", "#000"), ("stroke-width", "0.35")],
    );
    document.set_attribute(group, Ns::Arx, "layer", "sheet");
    let [left, other] = MARGINS;
    let (right, bottom) = (width - other, height - other);
    let mut draw = Draw { document, group };
    if sheet.frame {
        draw.rectangle([left, other], [right, bottom], Some("0.7"));
    }
    let Some((fields, block)) = &sheet.title else { return };
    let block = block.min(right - left);
    let mut fields = fields.clone();
    let ratio = if scale >= 1.0 {
        format!("1:{}", figure(scale))
    } else {
        format!("{}:1", figure(1.0 / scale))
    };
    for (name, value) in [("scale", ratio), ("size", sheet.name.clone())] {
        if !fields.iter().any(|(own, _)| own == name) {
            fields.push((name.to_owned(), value));
        }
    }
    draw.title_block([right - block, bottom], block, &fields);
}

struct Draw<'d> {
    document: &'d mut Document,
    group: NodeId,
}

impl Draw<'_> {
    fn rectangle(&mut self, [x0, y0]: [f64; 2], [x1, y1]: [f64; 2], width: Option<&str>) {
        let node = self.document.append_element(self.group, Ns::Svg, "rect");
        let [x, y, w, h] = [x0, y0, x1 - x0, y1 - y0].map(figure);
        set(self.document, node, &[("x", &x), ("y", &y), ("width", &w), ("height", &h)]);
        if let Some(width) = width {
            self.document.set_attribute(node, Ns::None, "stroke-width", width);
        }
    }

    /// `height`: of capitals.
    fn text(&mut self, [x, y]: [f64; 2], height: f64, content: &str) {
        let node = self.document.make(Ns::Svg, "text", true);
        self.document.restore(node, self.group, None);
        let text = self.document.make_text(content);
        self.document.restore(text, node, None);
        let [x, y, size] = [x, y, height / crate::drawn::CAPITALS].map(figure);
        set(
            self.document,
            node,
            &[
                ("x", &x),
                ("y", &y),
                ("font-family", "sans-serif"),
                ("font-size", &size),
                ("fill", "#000"),
                ("stroke", "none"),
            ],
        );
    }

    /// A field for each name: the title across, the others in rows of three above its lower edge.
    fn title_block(&mut self, [left, bottom]: [f64; 2], block: f64, fields: &[(String, String)]) {
        const ROW: f64 = 9.0;
        const TITLE: f64 = 13.0;
        const COLUMNS: usize = 3;
        let (title, others): (Vec<_>, Vec<_>) =
            fields.iter().partition(|(name, _)| name == "title");
        let rows = others.len().div_ceil(COLUMNS) as f64;
        let top = bottom - rows * ROW - if title.is_empty() { 0.0 } else { TITLE };
        let mut y = top;
        for (name, value) in title {
            self.rectangle([left, y], [left + block, y + TITLE], None);
            self.field([left, y], TITLE, 3.5, block, name, value);
            y += TITLE;
        }
        let wide = block / COLUMNS as f64;
        for (at, (name, value)) in others.into_iter().enumerate() {
            let corner = [left + wide * (at % COLUMNS) as f64, y + ROW * (at / COLUMNS) as f64];
            self.rectangle(corner, [corner[0] + wide, corner[1] + ROW], None);
            self.field(corner, ROW, 2.5, wide, name, value);
        }
        self.rectangle([left, top], [left + block, bottom], Some("0.7"));
    }

    fn field(
        &mut self,
        [x, y]: [f64; 2],
        tall: f64,
        height: f64,
        wide: f64,
        name: &str,
        value: &str,
    ) {
        self.text([x + 1.5, y + 3.0], 1.6, &name.replace(['-', '_'], " "));
        // What is too long for its field is written smaller.
        let length = value.chars().count() as f64 * 0.86;
        let height = height.min((wide - 3.0) / length.max(1.0)).max(0.5);
        self.text([x + 1.5, y + tall - 1.8], height, value);
    }
}
