//! The sections of a file: header, layers, line types, blocks, entities as they stand there.

use std::collections::HashMap;

use svgx_base::budget::Budget;

use super::limits::{Error, Limits, hold};
use super::tags::{Fields, Tag, number, whole};

/// An entity as it stands in the file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Raw<'t> {
    pub(super) kind: &'t str,
    pub(super) line: u32,
    pub(super) fields: Fields<'t>,
    /// What follows and belongs to it: vertices of a polyline, attributes of an insert.
    pub(super) parts: &'t [Tag<'t>],
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
    /// Entities of the paper.
    pub(super) paper: usize,
    /// Dimension styles by their names in capitals: the format of their lengths (DIMLUNIT).
    pub(super) dimension_formats: HashMap<String, i64>,
    /// Whether the file ended before `EOF`.
    pub(super) is_cut: bool,
}

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
        Some(Raw { kind: head.value.trim(), line: head.line, fields, parts: &[] })
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
    drawing.is_cut = tags.last().is_none_or(|t| t.code != 0 || t.value.trim() != "EOF");
    let mut count = 0;
    let mut rest = tags;
    let mut found = false;
    while let Some(begin) = rest.iter().position(|t| t.code == 0 && t.value.trim() == "SECTION") {
        budget.checkpoint()?;
        let body = rest.get(begin + 1..).unwrap_or_default();
        let end = body.iter().position(|t| t.code == 0 && t.value.trim() == "ENDSEC");
        let (body, after) = body.split_at(end.unwrap_or(body.len()));
        rest = after;
        let Some((name, body)) = body.split_first() else { continue };
        found = true;
        match name.value.trim() {
            "HEADER" => header(body, &mut drawing.header),
            "TABLES" => tables(body, &mut drawing, limits, budget)?,
            "BLOCKS" => blocks(body, &mut drawing, &mut count, limits, budget)?,
            "ENTITIES" => entities(body, &mut drawing, &mut count, limits, budget)?,
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
        match tag.value.trim() {
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
                    colour: super::colour::given(&record.fields, colour.abs()),
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
            "DIMSTYLE" => {
                let format = record.fields.whole(277, 2);
                drawing.dimension_formats.insert(folded(name), format);
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
        let kind = head.value.trim();
        let end = after.iter().position(|t| t.code == 0).unwrap_or(after.len());
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
                let name = tag.value.trim();
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
        keep(Raw { kind, line: head.line, fields: Fields::new(own), parts });
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
        if raw.fields.whole(67, 0) == 1 {
            *paper += 1;
        } else if !matches!(raw.kind, "SEQEND" | "VERTEX") {
            model.push(raw);
        }
    })
}

fn blocks<'t>(
    body: &'t [Tag<'t>],
    drawing: &mut Drawing<'t>,
    count: &mut usize,
    limits: &Limits,
    budget: &Budget,
) -> Result<(), Error> {
    let mut open: Option<Block<'t>> = None;
    let mut all: Vec<Block<'t>> = Vec::new();
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
            open = Some(Block { name, base, entities: Vec::new() });
        }
        "ENDBLK" => all.extend(open.take()),
        "SEQEND" | "VERTEX" => {}
        _ => {
            if let Some(block) = &mut open {
                block.entities.push(raw);
            }
        }
    })?;
    result?;
    all.extend(open);
    for block in all {
        let name = folded(block.name);
        let bare = name.trim_start_matches(['*', '$']);
        if bare.starts_with("PAPER_SPACE") {
            drawing.paper += block.entities.len();
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
