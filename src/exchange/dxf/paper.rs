//! Layouts of the paper: what lies on a sheet, and what of the model it shows.
//!
//! Coordinates of the paper are in millimetres or inches, with the corner of what can be printed at
//! the origin; a viewport shows a part of the model.

use std::collections::HashMap;

use super::curve::{Bounds, P};
use super::drawing::{Drawing, Raw, folded};
use super::reason::Reason;
use super::shape::Item;
use super::tags::Fields;

/// Sheets of a document, and views of a sheet: as many as the language has.
pub(super) const MOST: usize = 100;
/// Sides of a sheet, in millimetres.
const SIDES: [f64; 2] = [20.0, 5_000.0];
/// Millimetres of the model in one of paper, as the language has them.
const SCALES: std::ops::RangeInclusive<f64> = 1e-6..=1e6;
/// How far out on a sheet a view is, in millimetres.
const FAR: f64 = 5_000.0;
/// The sheet of who says nothing: A3.
const USUAL: P = [420.0, 297.0];

/// A layout as it stands in the file.
#[derive(Debug)]
pub(super) struct Layout<'t> {
    pub(super) name: &'t str,
    /// Millimetres in a unit of the paper.
    pub(super) unit: f64,
    /// The lower left corner of the sheet, in units of the paper.
    pub(super) low: P,
    /// Width and height in millimetres; `None`: as large as what lies on it.
    pub(super) size: Option<P>,
    pub(super) entities: Vec<Raw<'t>>,
}

/// A part of the model on the paper.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct View {
    /// The corners on the paper, in its units.
    pub(super) on: Bounds,
    /// The corners in the model.
    pub(super) of: Bounds,
}

/// A layout that was read.
#[derive(Debug)]
pub(super) struct Paper<'t> {
    pub(super) layout: Layout<'t>,
    pub(super) items: Vec<Item<'t>>,
    pub(super) views: Vec<View>,
}

impl<'t> Layout<'t> {
    /// What LAYOUT says of the paper, and nothing of what lies on it.
    fn of(record: &Fields<'t>) -> Layout<'t> {
        let own = record.after("AcDbLayout");
        let plot = record.before("AcDbLayout");
        let number = |fields: &Fields<'_>, code: i16| fields.number(code, 0.0).unwrap_or(0.0);
        let positive = |code: i16| Some(number(&plot, code)).filter(|n| *n > 0.0);
        let scale = positive(142).unwrap_or(1.0) / positive(143).unwrap_or(1.0);
        let unit = if plot.whole(72, 1) == 0 { 25.4 } else { 1.0 };
        let unit = Some(unit * scale).filter(|n| (1e-6..=1e6).contains(n)).unwrap_or(unit);
        let turned = plot.whole(73, 0) % 2 != 0;
        let size =
            positive(44).zip(positive(45)).map(|(w, h)| if turned { [h, w] } else { [w, h] });
        let margins = [40, 41].map(|code| -number(&plot, code) / unit);
        let point = |code: i16| own.point(code).map_or([0.0; 2], |p| [p[0], p[1]]);
        let (low, high) = (point(10), point(11));
        // The limits are those of the sheet where they are as large.
        let is_sheet = size.is_some_and(|size| {
            (0..2).all(|i| ((high[i] - low[i]) * unit - size[i]).abs() <= 0.02 * size[i])
        });
        let low = match (is_sheet, turned) {
            (true, _) => low,
            (false, true) => [margins[1], margins[0]],
            (false, false) => margins,
        };
        let name = own.name(1).unwrap_or("Layout");
        Layout { name, unit, low, size, entities: Vec::new() }
    }
}

/// The layouts of a drawing in the order of their tabs, each with what lies on it; `unit`: millimetres
/// in a unit of paper of which nothing is said.
pub(super) fn layouts<'t>(drawing: &mut Drawing<'t>, unit: f64) -> Vec<Layout<'t>> {
    let mut all: Vec<(i64, Layout<'t>)> = Vec::new();
    let active = std::mem::take(&mut drawing.paper);
    let mut blocks = std::mem::take(&mut drawing.paper_blocks);
    let is_active = |name: &str| folded(name).trim_start_matches(['*', '$']) == "PAPER_SPACE";
    match blocks.iter_mut().find(|(block, _)| is_active(block.name)) {
        Some((block, _)) => block.entities.extend(active),
        None if active.is_empty() => {}
        None => {
            let base = [0.0; 3];
            blocks.push((
                super::drawing::Block { name: "*Paper_Space", base, entities: active },
                None,
            ));
        }
    }
    let named = drawing.block_records.iter().map(|(handle, name)| (name.as_str(), handle.as_str()));
    let named: HashMap<&str, &str> = named.collect();
    let of =
        |fields: &Fields<'t>| Some((fields.after("AcDbLayout").last(330).map(folded)?, *fields));
    let records: HashMap<String, Fields<'t>> = drawing.layouts.iter().filter_map(of).collect();
    for (block, owner) in blocks {
        let of_table = named.get(folded(block.name).as_str()).map(|handle| (*handle).to_owned());
        let record = of_table.or(owner.map(folded)).and_then(|handle| records.get(&handle));
        let tab = record.map_or(i64::MAX, |fields| fields.after("AcDbLayout").whole(71, 0));
        let mut layout = record.map(Layout::of).unwrap_or(Layout {
            name: "Layout1",
            unit,
            low: [0.0; 2],
            size: None,
            entities: Vec::new(),
        });
        layout.entities = block.entities;
        all.push((tab, layout));
    }
    all.sort_by_key(|(tab, _)| *tab);
    all.into_iter().map(|(_, layout)| layout).collect()
}

/// Whether a viewport is the paper itself, as programs show it.
pub(super) fn is_whole(fields: &Fields<'_>) -> bool {
    fields.whole(69, 0) == 1
}

/// What a viewport shows. `millimetres`: in a unit of the model.
///
/// # Errors
/// [`Reason::View`] where that is nothing, or nothing that a sheet can show.
pub(super) fn view(
    fields: &Fields<'_>,
    layout: &Layout<'_>,
    millimetres: f64,
) -> Result<View, Reason> {
    let is_off = fields.whole(68, 1) == 0 || fields.whole(90, 0) & 0x2_0000 != 0;
    let [dx, dy, dz] = fields.point_given(16)?.unwrap_or([0.0, 0.0, 1.0]);
    let is_aside = dz <= 0.0 || dx.abs().max(dy.abs()) > 1e-9 * dz;
    // In degrees, or radians: what is none is none.
    let is_turned = fields.number(51, 0.0)?.abs() > 1e-9;
    let [width, height, tall] = [40, 41, 45].map(|code| fields.number(code, 0.0));
    let (width, height, tall) = (width?, height?, tall?);
    if is_off || is_aside || is_turned || !(width > 0.0 && height > 0.0 && tall > 0.0) {
        return Err(Reason::View);
    }
    let (at, target) = (fields.point(10)?, fields.point(17)?);
    let middle = [fields.number(12, 0.0)?, fields.number(22, 0.0)?];
    let around = |middle: P, w: f64, h: f64| Bounds {
        low: [middle[0] - w / 2.0, middle[1] - h / 2.0],
        high: [middle[0] + w / 2.0, middle[1] + h / 2.0],
    };
    let of = [middle[0] + target[0], middle[1] + target[1]];
    let scale = tall * millimetres / (height * layout.unit);
    let is_near = (0..2).all(|i| ((at[i] - layout.low[i]) * layout.unit).abs() <= FAR);
    let is_sheet = [width, height].iter().all(|side| (1e-3..=FAR).contains(&(side * layout.unit)));
    if !(SCALES.contains(&scale) && is_near && is_sheet) {
        return Err(Reason::View);
    }
    Ok(View {
        on: around([at[0], at[1]], width, height),
        of: around(of, tall * width / height, tall),
    })
}

impl Paper<'_> {
    /// Whether nothing lies on it.
    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty() && self.views.is_empty()
    }

    /// The upper left corner in units of the paper, and the size in millimetres. `bounds`: of what
    /// lies on it.
    pub(super) fn place(&self, bounds: Bounds) -> (P, P) {
        let Layout { unit, low, size, .. } = self.layout;
        let held = |size: P| size.map(|n| n.clamp(SIDES[0], SIDES[1]));
        if let Some(size) = size {
            let size = held(size);
            return ([low[0], low[1] + size[1] / unit], size);
        }
        let mut all = bounds;
        for view in &self.views {
            all.add(view.on.low);
            all.add(view.on.high);
        }
        if all.is_empty() {
            return ([0.0, USUAL[1] / unit], USUAL);
        }
        let size = held([0, 1].map(|i| (all.high[i] - all.low[i]) * unit));
        ([all.low[0], all.high[1]], size)
    }
}
