//! Documents to DXF: R12, R2000 or R2018.
//!
//! A document becomes a drawing in the terms of the format ([`model`]), with y turned over once;
//! that becomes pairs of codes and values. True arcs, circles, ellipses and cubics stay what they
//! are, `use` becomes an insert of a block, layers come from `arx:layer` and outermost groups. What
//! the format has nothing for is counted by its kind.
//!
//! Source of the format: the DXF Reference of AutoCAD 2018.

mod convert;
mod dimension;
mod entity;
mod extent;
mod file;
mod layers;
mod look;
mod model;
mod path;
mod places;
mod tables;
mod text;
mod walk;
mod words;

use std::collections::BTreeMap;

use serde::Serialize;
use svgx_base::budget::Budget;
use svgx_drafting::{Drawn, Purpose, sheets};
use svgx_engine::document::{self, Document, Ns};
use svgx_engine::geometry::{Declarations, Scale, Scene, root_viewbox};

use super::curve::P;
use super::limits::{Error, Limits};
use super::report::{Note, Notes};
use super::units;
use entity::{OLD_TEXT, Writer};
use file::{File, Handles};
use layers::Palette;
use model::{Block, Entity, Paper, View};
use places::Places;
use tables::{Handed, Header};
use walk::{Walk, Walked};
use words::{Names, old};

/// A version of the format.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Version {
    /// AC1009: lines, arcs and polylines; no units, weights, hatches or curves.
    R12,
    /// AC1015: what every program reads.
    #[default]
    R2000,
    /// AC1032: true colours, transparency, UTF-8.
    R2018,
}

impl Version {
    /// The names of the versions that are written.
    pub const NAMES: [&'static str; 3] = ["R12", "R2000", "R2018"];

    /// The version of a name in [`Version::NAMES`].
    #[must_use]
    pub fn named(name: &str) -> Option<Version> {
        match name {
            "R12" => Some(Version::R12),
            "R2000" => Some(Version::R2000),
            "R2018" => Some(Version::R2018),
            _ => None,
        }
    }

    const fn acad(self) -> &'static str {
        match self {
            Version::R12 => "AC1009",
            Version::R2000 => "AC1015",
            Version::R2018 => "AC1032",
        }
    }
}

/// How a document is to be written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ExportOptions {
    /// The version of the file.
    pub version: Version,
}

/// A drawing that was written.
#[derive(Debug)]
pub struct Exported {
    /// The file: ASCII before R2018, then UTF-8.
    pub dxf: Vec<u8>,
    /// What of the document is in it.
    pub report: ExportReport,
}

/// What of a document is in its file.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "DxfExportReport"))]
pub struct ExportReport {
    /// `$ACADVER`, such as `AC1015`.
    pub version: String,
    /// The unit of the coordinates.
    pub unit: String,
    /// Layers.
    pub layers: usize,
    /// Block definitions.
    pub definitions: usize,
    /// Entities of the model, by kind.
    pub model: BTreeMap<String, usize>,
    /// Entities of the block definitions, by kind, each counted once.
    pub blocks: BTreeMap<String, usize>,
    /// Sheets, which are layouts.
    pub sheets: usize,
    /// Entities of the sheets, by kind.
    pub paper: BTreeMap<String, usize>,
    /// The box of all that is drawn, texts estimated, in the unit of the coordinates with y upward:
    /// least x and y, greatest x and y.
    pub extents: Option<[f64; 4]>,
    /// What is not in the file as it is in the document.
    pub notes: Vec<Note>,
    /// Notes that were not kept.
    pub more_notes: usize,
}

/// Writes a document as DXF. O(elements + instances that are drawn out).
///
/// # Errors
/// [`Error`]: what passes a limit of the document or of the file, and the end of the budget.
pub fn export(
    document: &Document,
    options: &ExportOptions,
    of_document: &document::Limits,
    limits: &Limits,
    budget: &Budget,
) -> Result<Exported, Error> {
    budget.checkpoint()?;
    let drafted = drafted(document, of_document, budget)?;
    let mut document = drafted.as_ref().map_or(document, |drawn| &drawn.document);
    let sheets = if options.version == Version::R12 { Vec::new() } else { sheets(document).0 };
    let framed;
    if sheets.iter().any(|sheet| sheet.frame || sheet.title.is_some()) {
        let mm = Scale::of(document).mm_per_unit;
        framed = svgx_drafting::framed(document, &sheets, root_viewbox(document), mm);
        document = &framed;
    }
    let declared = Declarations::of(document);
    let places = Places::of(document, &declared, of_document, budget)?;
    let unit = units::of_scale(places.scale.mm_per_unit);
    let walk = Walk::new(document, &places, declared, drafted.as_ref(), limits, budget);
    let Walked { mut model, order, mut notes } = walk.run(unit.factor, &sheets)?;
    let version = options.version;
    let most = limits.instances.min(of_document.instances);
    let extent = extent::extent(&model, &order, most)?;
    let corners = (!extent.is_empty()).then_some([extent.low, extent.high]);
    let [low, high] = corners.unwrap_or([[0.0, 0.0], [100.0, 100.0]]);
    let size = (high[0] - low[0]).max(high[1] - low[1]);
    let far = [low, high].iter().flatten().fold(0.0_f64, |far, n| far.max(n.abs()));
    if version == Version::R12 {
        if document.elements().any(|n| document.name(n) == Some((Ns::Arx, "sheet"))) {
            notes.add("dxf-sheets", "sheets are not in a file of R12".to_owned(), None);
        }
        let message = format!("R12 has no unit: the drawing is in {}", unit.name);
        notes.add("dxf-unit", message, None);
        let mut names = Names::default();
        for block in model.blocks.iter_mut().filter(|block| !block.is_anonymous()) {
            block.name = names.unique(&old(&block.name));
        }
    }
    let mut palette = Palette::new(version, size);
    let layers = palette.layers(&model);
    let names: Vec<String> = model.blocks.iter().map(|block| block.name.clone()).collect();
    // A micrometre, or as fine as the drawing is large.
    let deviation = (1e-3 / unit.millimetres).max(size * 1e-7);
    let mut writer = Writer {
        palette,
        layers: &layers,
        blocks: &names,
        styles: &model.styles,
        deviation,
        points: 0,
        most_points: limits.dxf_points,
        is_paper: false,
    };

    let entities = model.blocks.iter().map(|block| block.entities.len()).sum::<usize>();
    let mut file = File::new(version, far, 256 * (model.entities.len() + entities));
    let handles = Handles {
        block_records: file.handle(),
        model: file.handle(),
        model_layout: file.handle(),
        plot_style: file.handle(),
        style: file.handle(),
    };
    let records: Vec<u32> = model.blocks.iter().map(|_| file.handle()).collect();
    // Every file has one.
    if model.papers.is_empty() {
        let (name, size) = ("Layout1".to_owned(), [420.0, 297.0]);
        model.papers.push(Paper { name, size, views: Vec::new(), entities: Vec::new() });
    }
    let handed = |(at, paper): (usize, &Paper)| Handed {
        name: paper.name.clone(),
        size: paper.size,
        block: match at {
            0 => "*Paper_Space".to_owned(),
            _ => format!("*Paper_Space{}", at - 1),
        },
        record: file.handle(),
        layout: file.handle(),
    };
    let papers: Vec<Handed> = model.papers.iter().enumerate().map(handed).collect();
    let header =
        Header { insunits: unit.insunits, is_metric: unit.is_metric, extents: [low, high] };
    // Far beyond what the limits let be given.
    tables::header(&mut file, &header, 0x0FFF_FFFF);
    tables::tables(&mut file, &model, &layers, &handles, &records, &papers, [low, high]);
    let mut report = ExportReport {
        version: version.acad().to_owned(),
        unit: unit.name.to_owned(),
        layers: model.layers.len(),
        definitions: model.blocks.len(),
        model: BTreeMap::new(),
        blocks: BTreeMap::new(),
        sheets: sheets.len(),
        paper: BTreeMap::new(),
        extents: corners.map(|[low, high]| [low[0], low[1], high[0], high[1]]),
        notes: Vec::new(),
        more_notes: 0,
    };
    let mut entities = Entities { writer: &mut writer, notes: &mut notes, limits, budget };
    file.section("BLOCKS");
    if version != Version::R12 {
        let none = Block::default();
        entities.block(&mut file, "*Model_Space", handles.model, &none, &mut report.blocks)?;
        for (at, (handed, paper)) in papers.iter().zip(&model.papers).enumerate() {
            // What lies on the first stands among the entities.
            let paper = (at > 0).then_some(paper);
            entities.layout(&mut file, handed, paper, &mut report.paper)?;
        }
    }
    for (block, record) in model.blocks.iter().zip(&records) {
        entities.block(&mut file, &block.name, *record, block, &mut report.blocks)?;
    }
    file.end("ENDSEC");
    file.section("ENTITIES");
    entities.all(&mut file, &model.entities, handles.model, &mut report.model)?;
    if let ([handed, ..], [paper, ..], false) =
        (papers.as_slice(), model.papers.as_slice(), version == Version::R12)
    {
        entities.paper(&mut file, paper, handed.record, &mut report.paper)?;
    }
    file.end("ENDSEC");
    if version != Version::R12 {
        tables::objects(&mut file, &handles, &papers, [low, high]);
    }
    file.end("EOF");
    (report.notes, report.more_notes) = notes.end();
    Ok(Exported { dxf: file.bytes, report })
}

/// The document with everything drawn that it states; `None` where it states nothing such.
fn drafted(
    document: &Document,
    limits: &document::Limits,
    budget: &Budget,
) -> Result<Option<Drawn>, Error> {
    if !svgx_drafting::is_drafted(document) {
        return Ok(None);
    }
    match svgx_drafting::drawn(document, Purpose::Model, limits, budget) {
        Ok(drawn) => Ok(Some(drawn)),
        Err(svgx_drafting::Error::Stopped(stop)) => Err(Error::Stopped(stop)),
        // It cannot be resolved: said by who says which limit it passes.
        Err(_) => Scene::build(document, limits, budget).map(|_| None).map_err(Error::from),
    }
}

/// The begin of a block.
fn begin(file: &mut File, name: &str, record: u32, is_anonymous: bool, is_paper: bool) {
    file.record("BLOCK", record, "AcDbEntity");
    if is_paper {
        file.whole(67, 1);
    }
    file.text(8, "0");
    file.class("AcDbBlockBegin");
    file.text(2, name);
    file.whole(70, i64::from(is_anonymous));
    file.point(10, [0.0, 0.0] as P);
    if !file.is_old() {
        file.text(3, name);
        file.text(1, "");
    }
}

fn end(file: &mut File, record: u32, is_paper: bool) {
    file.record("ENDBLK", record, "AcDbEntity");
    if is_paper {
        file.whole(67, 1);
    }
    file.text(8, "0");
    file.class("AcDbBlockEnd");
}

/// Writes entities, and counts them.
struct Entities<'e, 'm> {
    writer: &'e mut Writer<'m>,
    notes: &'e mut Notes,
    limits: &'e Limits,
    budget: &'e Budget,
}

impl Entities<'_, '_> {
    fn block(
        &mut self,
        file: &mut File,
        name: &str,
        record: u32,
        block: &Block,
        counts: &mut BTreeMap<String, usize>,
    ) -> Result<(), Error> {
        begin(file, name, record, block.is_anonymous(), false);
        self.all(file, &block.entities, record, counts)?;
        end(file, record, false);
        Ok(())
    }

    /// The block of a layout; `paper`: what lies on it.
    fn layout(
        &mut self,
        file: &mut File,
        handed: &Handed,
        paper: Option<&Paper>,
        counts: &mut BTreeMap<String, usize>,
    ) -> Result<(), Error> {
        begin(file, &handed.block, handed.record, false, true);
        if let Some(paper) = paper {
            self.paper(file, paper, handed.record, counts)?;
        }
        end(file, handed.record, true);
        Ok(())
    }

    fn paper(
        &mut self,
        file: &mut File,
        paper: &Paper,
        owner: u32,
        counts: &mut BTreeMap<String, usize>,
    ) -> Result<(), Error> {
        if paper.views.is_empty() && paper.entities.is_empty() {
            return Ok(());
        }
        let middle = paper.size.map(|side| side / 2.0);
        let whole = View { at: middle, size: paper.size, of: middle, height: paper.size[1] };
        for (at, view) in [whole].iter().chain(&paper.views).enumerate() {
            tables::view(file, owner, at + 1, view);
            *counts.entry("VIEWPORT".to_owned()).or_default() += 1;
        }
        let in_model = self.writer.palette.clone();
        self.writer.palette.put_on_paper();
        self.writer.is_paper = true;
        let done = self.all(file, &paper.entities, owner, counts);
        self.writer.palette = in_model;
        self.writer.is_paper = false;
        done
    }

    fn all(
        &mut self,
        file: &mut File,
        entities: &[Entity],
        owner: u32,
        counts: &mut BTreeMap<String, usize>,
    ) -> Result<(), Error> {
        let is_old = file.is_old();
        // A few kinds, and mostly that of the one before.
        let mut all: Vec<(&'static str, usize)> = Vec::new();
        for (at, entity) in entities.iter().enumerate() {
            if at % 256 == 0 {
                self.budget.checkpoint()?;
            }
            file.hold(self.limits)?;
            if self.writer.entity(file, entity, owner, self.notes)? {
                let kind = entity.shape.kind(is_old);
                match all.iter_mut().find(|(known, _)| std::ptr::eq(*known, kind)) {
                    Some((_, count)) => *count += 1,
                    None => all.push((kind, 1)),
                }
            }
        }
        for (kind, count) in all {
            *counts.entry(kind.to_owned()).or_default() += count;
        }
        file.hold(self.limits)
    }
}
