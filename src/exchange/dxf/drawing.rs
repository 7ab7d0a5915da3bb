//! The sections of a file: header, layers, line types, blocks, entities as they stand there.

use std::collections::HashMap;

use svgx_base::budget::Budget;

use super::limits::{Error, Limits, hold};
use super::tags::{Fields, Tag, number, trimmed, whole};

/// An entity as it stands in the file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Raw<'t> {
    pub(super) kind: &'t str,
    pub(super) line: u32,
    pub(super) fields: Fields<'t>,
    /// What follows and belongs to it: vertices of a polyline, attributes of an insert.
    pub(super) parts: &'t [Tag<'t>],
    /// Whether programs appended something of their own, such as a style of this one alone.
    pub(super) has_more: bool,
}

impl<'t> Raw<'t> {
    /// The records that belong to it: their kinds and fields.
    pub(super) fn parts(&self) -> impl Iterator<Item = (&'t str, Fields<'t>)> {
        records(self.parts).map(|r| (r.kind, r.fields))
    }
}

/// How a layer looks.
#[derive(Debug, Clone)]
pub(super) struct Layer<'t> {
    pub(super) name: &'t str,
    /// 0xRRGGBB; `None` for the foreground.
    pub(super) colour: Option<u32>,
    pub(super) line_type: &'t str,
    /// In hundredths of a millimetre on paper; negative for the default.
    pub(super) weight: i64,
    pub(super) is_off: bool,
    pub(super) is_frozen: bool,
}

/// How dimensions look: sizes in units of paper, where a style leaves out what is usual in inches.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct DimStyle {
    /// The format of lengths (DIMLUNIT).
    pub(super) format: i64,
    /// Units of the drawing in one of paper (DIMSCALE).
    pub(super) scale: f64,
    /// What lengths are multiplied by (DIMLFAC).
    pub(super) factor: f64,
    pub(super) height: f64,
    pub(super) arrow: f64,
    pub(super) gap: f64,
    pub(super) beyond: f64,
    pub(super) spacing: f64,
    /// The size of ticks; 0 for arrows.
    pub(super) tick: f64,
    /// Most decimals of lengths, and of angles.
    pub(super) decimals: [i64; 2],
    has_comma: bool,
    is_level: bool,
    is_above: bool,
    /// Arrows, words, roundings or tolerances of its own.
    is_own: bool,
}

impl DimStyle {
    fn of(fields: &Fields<'_>) -> DimStyle {
        let size = |code: i16, usual: f64| fields.number(code, usual).unwrap_or(usual);
        let arrows = [342, 343, 344, 5, 6, 7].into_iter().filter_map(|code| fields.name(code));
        let is_own = arrows.into_iter().any(|arrow| !arrow.trim_matches('0').is_empty())
            || fields.name(3).is_some()
            || [71, 72, 170].into_iter().any(|code| fields.whole(code, 0) != 0)
            || size(45, 0.0) != 0.0;
        let decimals = fields.whole(271, 4);
        DimStyle {
            format: fields.whole(277, 2),
            scale: size(40, 1.0),
            factor: size(144, 1.0),
            height: size(140, 0.18),
            arrow: size(41, 0.18),
            gap: size(42, 0.0625),
            beyond: size(44, 0.18),
            spacing: size(43, 0.38),
            tick: size(142, 0.0),
            decimals: [decimals, fields.whole(179, decimals)],
            has_comma: fields.whole(278, 46) == 44,
            is_level: fields.whole(73, 1) != 0,
            is_above: fields.whole(77, 0) != 0,
            is_own,
        }
    }

    /// The style of the language that looks alike.
    pub(super) fn standard(&self) -> Option<&'static str> {
        let sizes = [self.height, self.arrow, self.gap, self.beyond, self.spacing, self.tick];
        let is_known = self.factor > 0.0
            && self.scale > 0.0
            && sizes.iter().all(|size| (0.0..=1_000.0).contains(size))
            && self.height > 0.0
            && self.decimals.iter().all(|decimals| (0..=6).contains(decimals));
        match (is_known && !self.is_own, self.format) {
            (true, 4) if self.is_above && !self.is_level => Some("architectural"),
            (true, 2) if self.has_comma && self.is_above && !self.is_level => Some("iso"),
            (true, 2) if !self.has_comma && !self.is_above && self.is_level => Some("asme"),
            _ => None,
        }
    }
}

/// A block definition.
#[derive(Debug)]
pub(super) struct Block<'t> {
    pub(super) name: &'t str,
    pub(super) base: [f64; 3],
    pub(super) entities: Vec<Raw<'t>>,
}

/// What the header tells.
#[derive(Debug, Default)]
pub(super) struct Header {
    pub(super) version: String,
    pub(super) insunits: Option<i64>,
    pub(super) measurement: Option<i64>,
    pub(super) line_type_scale: f64,
    /// `$PDMODE`-free size of text where none is given.
    pub(super) text_height: f64,
}

/// A file, taken apart.
#[derive(Debug, Default)]
pub(super) struct Drawing<'t> {
    pub(super) header: Header,
    pub(super) layers: Vec<Layer<'t>>,
    /// Lengths of dashes (positive), gaps (negative) and dots, by the name in capitals.
    pub(super) line_types: HashMap<String, Vec<f64>>,
    pub(super) blocks: Vec<Block<'t>>,
    /// The block of a name in capitals.
    pub(super) block_names: HashMap<String, usize>,
    pub(super) model: Vec<Raw<'t>>,
    /// Entities of the paper that is shown first.
    pub(super) paper: Vec<Raw<'t>>,
    /// The blocks of other layouts, each with the handle of its record.
    pub(super) paper_blocks: Vec<(Block<'t>, Option<&'t str>)>,
    /// Names of blocks in capitals by the handles of their records.
    pub(super) block_records: HashMap<String, String>,
    /// LAYOUT, of which one is the model.
    pub(super) layouts: Vec<Fields<'t>>,
    /// Dimension styles by their names in capitals.
    pub(super) dimension_styles: HashMap<String, DimStyle>,
    /// Whether the file ended before `EOF`.
    pub(super) is_cut: bool,
}

/// Layouts that are looked at.
const LAYOUTS: usize = 1_000;

/// Names are compared without their case.
pub(super) fn folded(name: &str) -> String {
    name.trim().to_uppercase()
}

/// The records of a run of tags: what begins with a code 0.
fn records<'t>(tags: &'t [Tag<'t>]) -> impl Iterator<Item = Raw<'t>> {
    let mut rest = tags;
    std::iter::from_fn(move || {
        let begin = rest.iter().position(|t| t.code == 0)?;
        let (head, after) = rest.get(begin..)?.split_first()?;
        let end = after.iter().position(|t| t.code == 0).unwrap_or(after.len());
        let (own, next) = after.split_at(end);
        rest = next;
        let fields = Fields::new(own);
        let has_more = fields.is_shorter_than(own);
        Some(Raw { kind: trimmed(head.value), line: head.line, fields, parts: &[], has_more })
    })
}

/// Takes a file apart.
///
/// # Errors
/// [`Error::Malformed`] where there are no sections; [`Error::Limit`]; [`Error::Stopped`].
pub(super) fn read<'t>(
    tags: &'t [Tag<'t>],
    limits: &Limits,
    budget: &Budget,
) -> Result<Drawing<'t>, Error> {
    let mut drawing = Drawing::default();
    drawing.header.line_type_scale = 1.0;
    drawing.header.text_height = 2.5;
    drawing.is_cut = tags.last().is_none_or(|t| t.code != 0 || trimmed(t.value) != "EOF");
    let mut count = 0;
    let mut rest = tags;
    let mut found = false;
    while let Some(begin) = rest.iter().position(|t| t.code == 0 && trimmed(t.value) == "SECTION") {
        budget.checkpoint()?;
        let body = rest.get(begin + 1..).unwrap_or_default();
        let end = body.iter().position(|t| t.code == 0 && trimmed(t.value) == "ENDSEC");
        let (body, after) = body.split_at(end.unwrap_or(body.len()));
        rest = after;
        let Some((name, body)) = body.split_first() else { continue };
        found = true;
        match name.value.trim() {
            "HEADER" => header(body, &mut drawing.header),
            "TABLES" => tables(body, &mut drawing, limits, budget)?,
            "BLOCKS" => blocks(body, &mut drawing, &mut count, limits, budget)?,
            "ENTITIES" => entities(body, &mut drawing, &mut count, limits, budget)?,
            "OBJECTS" => objects(body, &mut drawing, budget)?,
            _ => {}
        }
    }
    if !found {
        let line = tags.first().map_or(1, |t| t.line as usize);
        let message = "no SECTION was found: this is no DXF".to_owned();
        return Err(Error::Malformed { line, message });
    }
    Ok(drawing)
}

fn header(body: &[Tag<'_>], header: &mut Header) {
    for (at, tag) in body.iter().enumerate().filter(|(_, tag)| tag.code == 9) {
        let Some(value) = body.get(at + 1).filter(|t| t.code != 9) else { continue };
        let positive = || number(value.value).ok().filter(|n| *n > 0.0);
        match trimmed(tag.value) {
            "$ACADVER" => header.version = value.value.trim().chars().take(16).collect(),
            "$INSUNITS" => header.insunits = whole(value.value),
            "$MEASUREMENT" => header.measurement = whole(value.value),
            "$LTSCALE" => header.line_type_scale = positive().unwrap_or(1.0),
            "$TEXTSIZE" => header.text_height = positive().unwrap_or(2.5),
            _ => {}
        }
    }
}

fn tables<'t>(
    body: &'t [Tag<'t>],
    drawing: &mut Drawing<'t>,
    limits: &Limits,
    budget: &Budget,
) -> Result<(), Error> {
    for (at, record) in records(body).enumerate() {
        if at % 4_096 == 0 {
            budget.checkpoint()?;
        }
        let Some(name) = record.fields.name(2) else { continue };
        match record.kind {
            "LAYER" => {
                hold("dxf_layers", drawing.layers.len() + 1, limits.dxf_layers)?;
                let colour = record.fields.whole(62, 7);
                drawing.layers.push(Layer {
                    name,
                    colour: super::colour::given(record.fields.text(420), colour.saturating_abs()),
                    line_type: record.fields.name(6).unwrap_or("CONTINUOUS"),
                    weight: record.fields.whole(370, -3),
                    is_off: colour < 0,
                    is_frozen: record.fields.whole(70, 0) & 1 != 0,
                });
            }
            "LTYPE" => {
                let dashes = record.fields.iter().filter(|t| t.code == 49).take(32);
                let dashes = dashes.filter_map(|t| number(t.value).ok()).collect();
                drawing.line_types.insert(folded(name), dashes);
            }
            "BLOCK_RECORD" if drawing.block_records.len() < limits.dxf_blocks => {
                if let Some(handle) = record.fields.name(5) {
                    drawing.block_records.insert(folded(handle), folded(name));
                }
            }
            "DIMSTYLE" => {
                drawing.dimension_styles.insert(folded(name), DimStyle::of(&record.fields));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Reads entities from records; calls `keep` with each.
fn each<'t>(
    body: &'t [Tag<'t>],
    count: &mut usize,
    limits: &Limits,
    budget: &Budget,
    mut keep: impl FnMut(Raw<'t>),
) -> Result<(), Error> {
    let mut rest = body;
    while let Some(begin) = rest.iter().position(|t| t.code == 0) {
        let Some((head, after)) = rest.get(begin..).and_then(<[_]>::split_first) else { break };
        let kind = trimmed(head.value);
        let (fields, end) = Fields::first(after);
        let (own, mut next) = after.split_at(end);
        // Whether attributes follow is told by what follows: 66 is not always set.
        let part = match kind {
            "POLYLINE" => "VERTEX",
            "INSERT" => "ATTRIB",
            _ => "",
        };
        let mut parts = &next[..0];
        if !part.is_empty() {
            let mut to = 0;
            while let Some(tag) = next.get(to) {
                let name = trimmed(tag.value);
                if tag.code == 0 && name != part && name != "SEQEND" {
                    break;
                }
                let tail = next.get(to + 1..).unwrap_or_default();
                to += 1 + tail.iter().position(|t| t.code == 0).unwrap_or(tail.len());
                if name == "SEQEND" && tag.code == 0 {
                    break;
                }
            }
            (parts, next) = next.split_at(to);
        }
        rest = next;
        *count += 1;
        if count.is_multiple_of(1_024) {
            budget.checkpoint()?;
        }
        hold("dxf_entities", *count, limits.dxf_entities)?;
        let has_more = fields.is_shorter_than(own);
        keep(Raw { kind, line: head.line, fields, parts, has_more });
    }
    Ok(())
}

fn entities<'t>(
    body: &'t [Tag<'t>],
    drawing: &mut Drawing<'t>,
    count: &mut usize,
    limits: &Limits,
    budget: &Budget,
) -> Result<(), Error> {
    let Drawing { model, paper, .. } = drawing;
    each(body, count, limits, budget, |raw| {
        if matches!(raw.kind, "SEQEND" | "VERTEX") {
            return;
        }
        let is_paper = raw.fields.whole(67, 0) == 1;
        if is_paper { paper.push(raw) } else { model.push(raw) }
    })
}

/// Layouts, of all the objects that a file has.
fn objects<'t>(
    body: &'t [Tag<'t>],
    drawing: &mut Drawing<'t>,
    budget: &Budget,
) -> Result<(), Error> {
    for (at, record) in records(body).enumerate() {
        if at % 4_096 == 0 {
            budget.checkpoint()?;
        }
        if record.kind == "LAYOUT" && drawing.layouts.len() < LAYOUTS {
            drawing.layouts.push(record.fields);
        }
    }
    Ok(())
}

fn blocks<'t>(
    body: &'t [Tag<'t>],
    drawing: &mut Drawing<'t>,
    count: &mut usize,
    limits: &Limits,
    budget: &Budget,
) -> Result<(), Error> {
    let mut open: Option<(Block<'t>, Option<&'t str>)> = None;
    let mut all: Vec<(Block<'t>, Option<&'t str>)> = Vec::new();
    let mut result = Ok(());
    each(body, count, limits, budget, |raw| match raw.kind {
        "BLOCK" => {
            // One that was not ended is kept as far as it goes.
            all.extend(open.take());
            if result.is_ok() {
                result = hold("dxf_blocks", all.len() + 1, limits.dxf_blocks);
            }
            let base = raw.fields.point(10).unwrap_or_default();
            let name = raw.fields.name(2).or(raw.fields.name(3)).unwrap_or_default();
            open = Some((Block { name, base, entities: Vec::new() }, raw.fields.name(330)));
        }
        "ENDBLK" => all.extend(open.take()),
        "SEQEND" | "VERTEX" => {}
        _ => {
            if let Some((block, _)) = &mut open {
                block.entities.push(raw);
            }
        }
    })?;
    result?;
    all.extend(open);
    for (block, owner) in all {
        let name = folded(block.name);
        let bare = name.trim_start_matches(['*', '$']);
        if bare.starts_with("PAPER_SPACE") {
            drawing.paper_blocks.push((block, owner));
        } else if bare == "MODEL_SPACE" {
            // Some files keep the model here rather than in its own section.
            drawing.model.extend(block.entities);
        } else {
            // Of two blocks with one name the first is meant.
            drawing.block_names.entry(name).or_insert(drawing.blocks.len());
            drawing.blocks.push(block);
        }
    }
    Ok(())
}
