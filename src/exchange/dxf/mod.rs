//! ASCII DXF, R12 to R2018, to SVGX, and documents to R12, R2000 and R2018 ([`export`]).
//!
//! Bytes become tags, tags sections, entities shapes, shapes text. Layers become classes of a style
//! sheet, blocks symbols and inserts `use`; bulges and arcs stay true arcs, splines up to degree 3
//! exact cubics. y is turned over coordinate by coordinate, so that texts and transforms need no
//! turning back. Every entity is drawn or counted by its kind with the reason ([`Report`]).
//!
//! Source of the format: the DXF Reference of AutoCAD 2018.

mod colour;
mod curve;
mod digits;
mod drawing;
mod entity;
mod gradient;
mod hatch;
mod leader;
mod limits;
mod out;
mod paper;
mod pattern;
mod place;
mod reason;
mod report;
mod shape;
mod spline;
mod stated;
mod tags;
mod text;
mod units;
mod values;
mod write;

use svgx_base::budget::Budget;

use curve::Bounds;
use drawing::Raw;
use entity::Context;
use reason::Reason;
use report::Notes;
use shape::{Insert, Item, Shape, Text};

pub use limits::{Error, Limits};
pub use out::{ExportOptions, ExportReport, Exported, Version, export};
pub use report::{Counts, Note, Report};
pub use units::Unit;

/// Lines of the pattern of one hatch.
const HATCH_LINES: usize = 10_000;

/// What the caller knows better than the file.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// The unit of the drawing.
    pub unit: Option<Unit>,
}

/// A drawing that was read.
#[derive(Debug)]
pub struct Imported {
    /// The document.
    pub svgx: String,
    /// What of the file is in it.
    pub report: Report,
}

/// Reads a DXF file into a document.
///
/// # Errors
/// [`Error`]: what is no ASCII DXF, what passes a limit, and the end of the budget. What is wrong
/// with one entity is told in the report instead.
pub fn import(
    bytes: &[u8],
    options: &Options,
    limits: &Limits,
    budget: &Budget,
) -> Result<Imported, Error> {
    limits::hold("dxf_bytes", bytes.len(), limits.dxf_bytes)?;
    imported(&tags::decode(bytes)?, options, limits, budget)
}

/// Reads a DXF file, and tells what would be in its document without writing it.
///
/// # Errors
/// As [`import`], but for the limits of the document itself.
pub fn survey(
    bytes: &[u8],
    options: &Options,
    limits: &Limits,
    budget: &Budget,
) -> Result<Report, Error> {
    limits::hold("dxf_bytes", bytes.len(), limits.dxf_bytes)?;
    let (report, _) = read(&tags::decode(bytes)?, options, limits, budget, |_| Ok(()))?;
    Ok(report)
}

/// As [`import`], for a file that is text already, whatever its code page was.
///
/// # Errors
/// As [`import`].
pub fn import_text(
    text: &str,
    options: &Options,
    limits: &Limits,
    budget: &Budget,
) -> Result<Imported, Error> {
    limits::hold("dxf_bytes", text.len(), limits.dxf_bytes)?;
    tags::refuse_others(text.as_bytes())?;
    imported(&tags::Decoded::text(text), options, limits, budget)
}

fn imported(
    decoded: &tags::Decoded<'_>,
    options: &Options,
    limits: &Limits,
    budget: &Budget,
) -> Result<Imported, Error> {
    let document = |source: write::Source<'_, '_>| write::document(&source, limits, budget);
    let (report, svgx) = read(decoded, options, limits, budget, document)?;
    Ok(Imported { svgx, report })
}

/// Reads a file, and hands what is in it to `make`.
fn read<T>(
    decoded: &tags::Decoded<'_>,
    options: &Options,
    limits: &Limits,
    budget: &Budget,
    make: impl FnOnce(write::Source<'_, '_>) -> Result<T, Error>,
) -> Result<(Report, T), Error> {
    budget.checkpoint()?;
    let tags = tags::read(&decoded.text, limits, budget)?;
    let mut drawing = drawing::read(&tags, limits, budget)?;
    let mut notes = Notes::new(limits.notes);
    if let Some(page) = &decoded.unknown {
        let shown = format!("the code page {page:?} is not known: read as {}", decoded.encoding);
        notes.add("dxf-code-page", shown, None);
    }
    if drawing.is_cut {
        notes.add(
            "dxf-cut-off",
            "the file ends before EOF: what is there is drawn".to_owned(),
            None,
        );
    }
    let (unit, doubt) = units::of(&drawing, options.unit);
    if let Some(doubt) = doubt {
        notes.add("dxf-units-doubt", doubt, None);
    }
    let unit_of_paper = if matches!(unit.name, "in" | "ft" | "mi" | "yd") { 25.4 } else { 1.0 };
    let layouts = paper::layouts(&mut drawing, unit_of_paper);
    let bases: Vec<[f64; 3]> = drawing.blocks.iter().map(|block| block.base).collect();
    let templates = templates(&drawing);
    let context = |is_in_block| Context {
        blocks: &drawing.block_names,
        bases: &bases,
        records: &drawing.block_records,
        templates: &templates,
        dimension_styles: &drawing.dimension_styles,
        text_height: drawing.header.text_height,
        is_in_block,
    };
    let mut reader = Reader {
        limits,
        budget,
        notes,
        segments: 0,
        copied: (0, 0),
        hatch_lines: limits.hatch_lines,
    };
    let (mut model_counts, mut block_counts) = (Counts::default(), Counts::default());
    let model = reader.items(&drawing.model, &context(false), &mut model_counts)?;
    let mut paper_counts = Counts::default();
    let mut papers = Vec::new();
    for layout in layouts {
        let context = &context(false);
        let paper =
            reader.paper(layout, unit.millimetres, context, papers.len(), &mut paper_counts)?;
        papers.extend(paper.filter(|paper| !paper.is_empty()));
    }
    let mut blocks = Vec::with_capacity(drawing.blocks.len());
    for block in &drawing.blocks {
        blocks.push(reader.items(&block.entities, &context(true), &mut block_counts)?);
    }
    let mut notes = reader.notes;
    let order = place::order(&blocks);
    // Deleting one would move the others.
    for &(block, item) in &order.rings {
        if let Some(item) = blocks.get_mut(block).and_then(|items| items.get_mut(item))
            && !item.shapes.is_empty()
        {
            item.shapes.clear();
            let kind = item.kind;
            block_counts.take_back(kind);
            let name = drawing.blocks.get(block).map_or("", |block| block.name);
            notes.not_drawn(kind, Reason::Recursive, None, Some(name));
        }
    }
    budget.checkpoint()?;
    let on_paper: Vec<&[Item<'_>]> = papers.iter().map(|paper| paper.items.as_slice()).collect();
    let sizes = place::sizes(&model, &on_paper, &blocks, &order, limits)?;
    let made = make(write::Source {
        drawing: &drawing,
        model: &model,
        papers: &papers,
        blocks: &blocks,
        order: &order,
        sizes: &sizes,
        unit,
    })?;
    let extents = Some(sizes.model).filter(|b| !b.is_empty());
    let (notes, more_notes) = notes.end();
    let report = Report {
        version: drawing.header.version.clone(),
        encoding: decoded.encoding.to_owned(),
        unit: unit.name.to_owned(),
        layers: drawing.layers.len(),
        definitions: drawing.blocks.len(),
        model: model_counts,
        blocks: block_counts,
        paper: paper_counts.entities,
        sheets: papers.len(),
        on_paper: paper_counts,
        extents: extents.map(|Bounds { low, high }| [low[0], low[1], high[0], high[1]]),
        notes,
        more_notes,
    };
    Ok((report, made))
}

/// The templates of attributes in blocks, by their handles.
fn templates<'t>(drawing: &drawing::Drawing<'t>) -> leader::Templates<'t> {
    let all = drawing.blocks.iter().flat_map(|block| &block.entities);
    let templates = all.filter(|raw| raw.kind == "ATTDEF");
    templates.filter_map(|raw| Some((raw.fields.name(5)?, raw.fields))).collect()
}

/// Reads entities, and counts what they ask for.
#[derive(Debug)]
struct Reader<'l> {
    limits: &'l Limits,
    budget: &'l Budget,
    notes: Notes,
    segments: usize,
    /// Copies of attributes in arrays of inserts, and their letters in bytes.
    copied: (usize, usize),
    /// Lines of patterns that may still be drawn.
    hatch_lines: usize,
}

impl Reader<'_> {
    /// Counts the lines of a pattern, or tells that there are too many to be drawn.
    fn pattern(&mut self, raw: &Raw<'_>, shapes: &[shape::Shape]) {
        let is_filled = matches!(shapes, [shape::Shape::Area(_) | shape::Shape::Gradient { .. }]);
        let patterned = raw.kind == "HATCH" && !is_filled;
        match shapes {
            [shape::Shape::Extent(_), lines] => {
                self.hatch_lines = self.hatch_lines.saturating_sub(lines.segments());
            }
            _ if patterned => {
                let shown =
                    "HATCH: it has no pattern, or too dense a one: its outline is drawn".to_owned();
                self.notes.add("dxf-pattern", shown, Some(raw.line));
            }
            _ => {}
        }
    }

    /// What lies on a layout, and what it shows; `None` where there are too many.
    fn paper<'t>(
        &mut self,
        mut layout: paper::Layout<'t>,
        millimetres: f64,
        context: &Context<'_>,
        others: usize,
        counts: &mut Counts,
    ) -> Result<Option<paper::Paper<'t>>, Error> {
        let mut entities = std::mem::take(&mut layout.entities);
        if others >= paper::MOST {
            counts.entities += entities.len();
            for raw in entities {
                counts.leave(raw.kind);
                self.notes.not_drawn(raw.kind, Reason::Sheets, Some(raw.line), None);
            }
            return Ok(None);
        }
        let mut views = Vec::new();
        for raw in entities.iter().filter(|raw| raw.kind == "VIEWPORT") {
            counts.entities += 1;
            let seen = match paper::is_whole(&raw.fields) {
                true => Ok(None),
                false if views.len() >= paper::MOST => Err(Reason::Sheets),
                false => paper::view(&raw.fields, &layout, millimetres).map(Some),
            };
            match seen {
                Ok(view) => {
                    counts.draw(raw.kind);
                    if view.is_some() && raw.fields.iter().any(|t| matches!(t.code, 331 | 341)) {
                        let shown = "VIEWPORT: layers that it freezes are shown".to_owned();
                        self.notes.add("dxf-view-layers", shown, Some(raw.line));
                    }
                    views.extend(view);
                }
                Err(reason) => {
                    counts.leave(raw.kind);
                    self.notes.not_drawn(raw.kind, reason, Some(raw.line), None);
                }
            }
        }
        entities.retain(|raw| raw.kind != "VIEWPORT");
        let items = self.items(&entities, context, counts)?;
        Ok(Some(paper::Paper { layout, items, views }))
    }

    fn items<'t>(
        &mut self,
        entities: &[Raw<'t>],
        context: &Context<'_>,
        counts: &mut Counts,
    ) -> Result<Vec<Item<'t>>, Error> {
        // What is there was counted before.
        let mut items = Vec::with_capacity(entities.len());
        for (at, raw) in entities.iter().enumerate() {
            if at % 256 == 0 {
                self.budget.checkpoint()?;
            }
            counts.entities += 1;
            match entity::shapes(raw, context, self.hatch_lines.min(HATCH_LINES)) {
                Ok(shapes) => {
                    self.pattern(raw, &shapes);
                    self.segments += shapes.iter().map(Shape::segments).sum::<usize>();
                    limits::hold("dxf_points", self.segments, self.limits.dxf_points)?;
                    counts.draw(raw.kind);
                    let style = entity::style(&raw.fields);
                    let dimension = (raw.kind == "DIMENSION").then_some(*raw);
                    let handle = raw.fields.name(5);
                    let insert = match shapes.as_slice() {
                        [Shape::Insert(insert)] => Some(*insert),
                        _ => None,
                    };
                    let tag = (raw.kind == "ATTDEF").then(|| raw.fields.name(2)).flatten();
                    items.push(Item { kind: raw.kind, style, shapes, handle, tag, dimension });
                    for attribute in entity::attributes(raw, context) {
                        match attribute {
                            Ok((fields, shape)) => items.push(Item {
                                kind: "ATTRIB",
                                style: entity::style(&fields),
                                shapes: self.copies(shape, insert)?,
                                handle: fields.name(5),
                                tag: fields.name(2),
                                dimension: None,
                            }),
                            Err(reason) => {
                                self.notes.not_drawn("ATTRIB", reason, Some(raw.line), None);
                            }
                        }
                    }
                }
                Err(reason) => {
                    counts.leave(raw.kind);
                    self.notes.not_drawn(raw.kind, reason, Some(raw.line), None);
                }
            }
        }
        Ok(items)
    }

    /// An attribute as it is drawn: once in each copy of its insert.
    fn copies(&mut self, shape: Shape, insert: Option<Insert>) -> Result<Vec<Shape>, Error> {
        let (Shape::Text(text), Some(insert)) = (&shape, insert) else { return Ok(vec![shape]) };
        let count = insert.count();
        let bytes = text.lines.iter().map(String::len).sum::<usize>();
        let (copies, letters) = self.copied;
        let copies = copies.saturating_add(count);
        let letters = letters.saturating_add(bytes.saturating_mul(count));
        limits::hold("instances", copies, self.limits.instances)?;
        limits::hold("output_bytes", letters, self.limits.output_bytes)?;
        self.copied = (copies, letters);
        let copy = |by| Shape::Text(Text { place: text.place.shifted(by), ..text.clone() });
        Ok(insert.offsets().map(copy).collect())
    }
}
