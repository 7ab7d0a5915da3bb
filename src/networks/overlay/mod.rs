//! A network drawn over its drawing: colours for values, widths for what flows, arrows for where
//! to, and a legend.
//!
//! The picture is made of plain shapes at the end of the document, so that whatever writes the
//! drawing writes them too. They are results: nothing reads them back.

mod bent;
mod colour;
mod readable;
mod shapes;

use std::collections::{BTreeMap, BTreeSet};

use kurbo::{BezPath, ParamCurveArclen, Point, Rect, Shape};
use svgx_base::budget::Budget;
use svgx_base::wording::unknown;
use svgx_engine::document::{self, Document};
use svgx_engine::geometry::Scene;

use crate::read::{self, Domain, Model, System};
use crate::{Answer, Error, Limits, Row};
use readable::Readable;
use shapes::Sheet;

/// What of which system is to be drawn: `heating.flow`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Wanted {
    /// The id of the system.
    pub system: String,
    /// The quantity.
    pub quantity: String,
}

impl std::str::FromStr for Wanted {
    type Err = Refused;

    /// The last dot stands before the quantity.
    fn from_str(text: &str) -> Result<Wanted, Refused> {
        let parts = text.trim().rsplit_once('.').filter(|(s, q)| !s.is_empty() && !q.is_empty());
        let Some((system, quantity)) = parts else {
            let shown: String = text.chars().take(64).collect();
            let message = format!("`{shown}` is no system and quantity, such as heating.flow");
            return Err(Refused(message));
        };
        Ok(Wanted { system: system.to_owned(), quantity: quantity.to_owned() })
    }
}

/// Why nothing is drawn: a sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(String);

/// Why there is no overlay.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Failed {
    /// Nothing such can be drawn.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The network is not solved.
    #[error(transparent)]
    Network(#[from] Error),
    /// The drawing cannot be resolved.
    #[error("{0}")]
    Geometry(String),
}

/// The drawing with a quantity of one of its networks drawn over it.
///
/// # Errors
/// [`Failed`].
pub fn overlaid(
    document: &Document,
    wanted: &Wanted,
    limits: &document::Limits,
    budget: &Budget,
) -> Result<Document, Failed> {
    // A picture may be kept: half a solution is none.
    let budget = &budget.clone().strict(true);
    let scene = Scene::build(document, limits, budget).map_err(|error| match error {
        svgx_engine::geometry::Error::Stopped(stop) => Failed::Network(stop.into()),
        other => Failed::Geometry(other.to_string()),
    })?;
    let systems = read::read(document, &scene, limits, budget)?;
    let Some(system) = systems.iter().find(|s| *s.name == *wanted.system) else {
        let known: Vec<&str> = systems.iter().map(|s| &*s.name).collect();
        return Err(Refused(unknown("system with a network", &wanted.system, &known)).into());
    };
    let answer = Answer::plain(system, &Limits::default(), budget)?;
    let picture = Picture { document, scene: &scene, system, answer: &answer };
    let names = picture.quantities();
    let Some(&(name, unit)) = names.iter().find(|(name, _)| *name == wanted.quantity) else {
        let known: Vec<&str> = names.iter().map(|(name, _)| *name).collect();
        let what = format!("quantity of {}", system.name);
        return Err(Refused(unknown(&what, &wanted.quantity, &known)).into());
    };
    let mut over = document.clone();
    let mut sheet = Sheet::new(&mut over, scene.viewbox(), &system.name, name);
    picture.draw(name, unit, &mut sheet, budget)?;
    Ok(over)
}

/// What is drawn.
struct Picture<'d> {
    document: &'d Document,
    scene: &'d Scene,
    system: &'d System,
    answer: &'d Answer,
}

/// A link on the sheet.
struct Laid<'d> {
    row: &'d Row,
    path: BezPath,
}

impl<'d> Picture<'d> {
    /// Names and units of the quantities that the answer has.
    fn quantities(&self) -> Vec<(&'static str, &'static str)> {
        let mut names: Vec<(&'static str, &'static str)> = Vec::new();
        for value in self.rows().flat_map(|row| &row.values) {
            if !names.contains(&(value.name, value.unit)) {
                names.push((value.name, value.unit));
            }
        }
        names
    }

    fn rows(&self) -> impl Iterator<Item = &'d Row> {
        self.answer.links.iter().chain(&self.answer.nodes)
    }

    fn draw(
        &self,
        name: &'static str,
        unit: &'static str,
        sheet: &mut Sheet<'_>,
        budget: &Budget,
    ) -> Result<(), Error> {
        let levels = ["pressure", "head", "temperature", "voltage", "right", "down"];
        let values = self.rows().filter_map(|row| row.value(name));
        let range = colour::Range::of(values, !levels.contains(&name));
        let scale = Readable::of(range.size(), unit);
        let (places, links) = self.laid(budget)?;
        let boxes = links.iter().map(|l| l.path.bounding_box());
        sheet.legend(&range, &scale, boxes.chain(places.values().copied()));
        if let Some(Model::Frame(structure)) = &self.system.model {
            bent::draw(structure, name, self.scene, sheet, budget)?;
        }
        let dead = self.dead();
        // What flows gives the width, and its sign the way.
        let flow = |row: &Row| {
            let main = ["flow", "heat", "current", "axial"].iter().find_map(|n| row.value(n));
            main.unwrap_or(0.0)
        };
        let most = links.iter().map(|l| flow(l.row).abs()).fold(0.0, f64::max);
        let directed = self
            .system
            .domain
            .is_some_and(|d| matches!(d, Domain::Water | Domain::Air | Domain::Heat));
        let mut labels = Vec::new();
        for link in &links {
            budget.checkpoint()?;
            let share = if most > 0.0 { flow(link.row).abs() / most } else { 0.0 };
            let value = link.row.value(name).filter(|_| !dead.contains(&*link.row.name));
            let has = link.row.values.iter().any(|v| v.name == name);
            let paint = match value {
                Some(value) => Some(range.colour(value)),
                None if has || dead.contains(&*link.row.name) => None,
                None => Some(colour::QUIET.to_owned()),
            };
            sheet.line(&link.row.name, &link.path, paint.as_deref(), share, value);
            if directed && paint.is_some() && share > 1e-6 {
                sheet.arrow(&link.path, flow(link.row) < 0.0, paint.as_deref());
            }
            labels.extend(value.map(|value| (middle(&link.path), value)));
        }
        for row in &self.answer.nodes {
            let Some(at) = places.get(&*row.name).map(Rect::center) else { continue };
            if row.values.iter().any(|v| v.name == name) {
                let value = row.value(name);
                sheet.node(&row.name, at, value.map(|v| range.colour(v)).as_deref(), value);
                labels.extend(value.map(|value| (at, value)));
            }
        }
        for (at, value) in labels {
            sheet.label(at, &scale.shown(value));
        }
        Ok(())
    }

    /// The links that are shut, or of which an end has no level.
    fn dead(&self) -> BTreeSet<&'d str> {
        let unknown = |row: &&Row| row.values.iter().all(|v| v.value.is_none());
        let nodes: BTreeSet<&str> =
            self.answer.nodes.iter().filter(unknown).map(|row| &*row.name).collect();
        let links = self.system.links();
        let shut = links.filter(|(_, ends, open)| !open || ends.iter().any(|e| nodes.contains(e)));
        shut.map(|(name, ..)| name).collect()
    }

    /// Where nodes are, and where links lie: where they are drawn, or straight between what they
    /// join.
    fn laid(&self, budget: &Budget) -> Result<(BTreeMap<&'d str, Rect>, Vec<Laid<'d>>), Error> {
        let mut places: BTreeMap<&str, Rect> = BTreeMap::new();
        let object = |name: &str| -> Option<Rect> {
            let mut name = name;
            loop {
                if let Some((_, path)) = self.outline(name) {
                    return Some(path.bounding_box());
                }
                name = name.rsplit_once('.')?.0;
            }
        };
        for row in &self.answer.nodes {
            budget.checkpoint()?;
            if let Some(at) = object(&row.name) {
                places.insert(&row.name, at);
            }
        }
        let ends: BTreeMap<&str, [&str; 2]> =
            self.system.links().map(|(name, ends, _)| (name, ends)).collect();
        let mut links = Vec::new();
        for row in &self.answer.links {
            budget.checkpoint()?;
            let drawn = self.outline(&row.name).filter(|(line, _)| *line).map(|(_, path)| path);
            let straight = || {
                let [from, to] = ends.get(&*row.name)?;
                let (from, to) = (object(from)?.center(), object(to)?.center());
                let mut path = BezPath::new();
                path.move_to(from);
                path.line_to(to);
                (from.distance(to) > 0.0).then_some(path)
            };
            if let Some(path) = drawn.or_else(straight) {
                links.push(Laid { row, path });
            }
        }
        Ok((places, links))
    }

    /// What draws an object, on the sheet, and whether it is a line.
    fn outline(&self, id: &str) -> Option<(bool, BezPath)> {
        let node = match self.document.object(id) {
            Some(index) => {
                let object = self.document.objects().get(index.0 as usize)?;
                let mut nodes = object.shapes.iter().copied().chain([object.node]);
                nodes.find(|&n| self.scene.outline(n).is_some())?
            }
            None => self.document.by_id(id)?,
        };
        let outline = self.scene.outline(node)?;
        let path = self.scene.transform(node) * outline.path().into_owned();
        let closed = path.elements().iter().any(|e| matches!(e, kurbo::PathEl::ClosePath));
        let name = self.document.name(node).map_or("", |(_, name)| name);
        let line = matches!(name, "line" | "polyline" | "path") && !closed;
        Some((line && path.elements().len() <= MOST_ELEMENTS, path))
    }
}

/// Pieces of an outline that is drawn again.
const MOST_ELEMENTS: usize = 2_000;

/// The point in the middle of a path, by its length.
fn middle(path: &BezPath) -> Point {
    along(path, 0.5).0
}

/// The point at a part of the length of a path, and the direction there.
fn along(path: &BezPath, part: f64) -> (Point, kurbo::Vec2) {
    use kurbo::ParamCurve;
    const EXACT: f64 = 1e-3;
    let segments: Vec<kurbo::PathSeg> = path.segments().collect();
    let lengths: Vec<f64> = segments.iter().map(|s| s.arclen(EXACT)).collect();
    let mut left = part * lengths.iter().sum::<f64>();
    for (segment, length) in segments.iter().zip(&lengths) {
        if left <= *length && *length > 0.0 {
            let t = segment.inv_arclen(left, EXACT);
            let (a, b) = ((t - 0.01).max(0.0), (t + 0.01).min(1.0));
            return (segment.eval(t), segment.eval(b) - segment.eval(a));
        }
        left -= length;
    }
    let end = segments.last().map_or(Point::ZERO, |s| s.end());
    (end, kurbo::Vec2::ZERO)
}
