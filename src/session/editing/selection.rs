//! What is selected: one element, several, a rectangle, a lasso.

use kurbo::{BezPath, Point, Rect, Shape};
use svgx_engine::document::NodeId;

use super::super::error::Error;
use super::super::operation::{Coordinates, Pointer, Selection};
use super::super::outcome::Area;
use super::operations::{check, check_limit};
use super::{SELECTION, Session, Transaction, placement};

/// Corners of a lasso.
const CORNERS: usize = 10_000;

impl Session {
    pub(super) fn select_by(
        &mut self,
        selection: &Selection,
        tx: &mut Transaction,
    ) -> Result<(), Error> {
        let Selection { element_id, element_ids, coordinates, area, lasso, touching, modifiers } =
            selection;
        let ways = usize::from(element_ids.is_some())
            + usize::from(area.is_some())
            + usize::from(lasso.is_some())
            + usize::from(element_id.is_some() || coordinates.is_some());
        if ways > 1 {
            let reason = "element_id, element_ids, area and lasso exclude each other".to_owned();
            return Err(Error::BadOperation { reason });
        }
        let touching = touching.unwrap_or_default();
        let chosen = match (element_ids, area, lasso) {
            (Some(ids), ..) => {
                check_limit("selected elements", SELECTION, ids.len())?;
                ids.iter().map(|id| self.named(id)).collect::<Result<Vec<_>, _>>()?
            }
            (None, Some(area), _) => self.in_area(*area, touching)?,
            (None, None, Some(lasso)) => self.in_lasso(lasso, touching)?,
            (None, None, None) => {
                let pointer = Pointer {
                    element_id: element_id.clone(),
                    coordinates: *coordinates,
                    modifiers: *modifiers,
                };
                self.select(&pointer, "select", tx)?;
                return Ok(());
            }
        };
        if !modifiers.adds() {
            self.interactive.selected.clear();
        }
        for number in chosen {
            if !self.interactive.selected.contains(&number) {
                let seen = self.interactive.selected.len() + 1;
                check_limit("selected elements", SELECTION, seen)?;
                self.interactive.selected.push(number);
            }
        }
        Ok(())
    }

    fn in_area(&self, area: Area, touching: bool) -> Result<Vec<u32>, Error> {
        let Area { x, y, width, height } = area;
        check(Coordinates { x, y, z: None })?;
        check(Coordinates { x: width, y: height, z: None })?;
        let area = Rect::new(x, y, x + width, y + height).abs();
        let found = self.candidates(area);
        let taken = |&&(_, bounds): &&(NodeId, Rect)| {
            touching
                || (bounds.x0 >= area.x0
                    && bounds.x1 <= area.x1
                    && bounds.y0 >= area.y0
                    && bounds.y1 <= area.y1)
        };
        Ok(found.iter().filter(taken).map(|&(node, _)| self.number(node)).collect())
    }

    fn in_lasso(&self, lasso: &[Coordinates], touching: bool) -> Result<Vec<u32>, Error> {
        check_limit("corners of a lasso", CORNERS, lasso.len())?;
        if lasso.len() < 3 {
            let reason = "a lasso has three corners at least".to_owned();
            return Err(Error::BadOperation { reason });
        }
        let mut outline = BezPath::new();
        for (at, corner) in lasso.iter().enumerate() {
            check(*corner)?;
            let corner = Point::new(corner.x, corner.y);
            if at == 0 { outline.move_to(corner) } else { outline.line_to(corner) }
        }
        outline.close_path();
        let mut chosen = Vec::new();
        for (node, bounds) in self.candidates(outline.bounding_box()) {
            let points = self.corners(node, bounds);
            let inside = |p: &Point| outline.winding(*p) != 0;
            let taken = match touching {
                true => points.iter().any(inside) || crosses(&outline, bounds),
                false => points.iter().all(inside),
            };
            if taken {
                chosen.push(self.number(node));
            }
        }
        Ok(chosen)
    }

    /// What is drawn in a rectangle, with its bounds; of what a `use` shows, the `use`.
    fn candidates(&self, area: Rect) -> Vec<(NodeId, Rect)> {
        let mut nodes = self.scene.region(area);
        let mut seen = std::collections::HashSet::new();
        nodes.retain(|node| seen.insert(*node));
        let found = nodes.into_iter().filter_map(|n| Some((n, self.scene.bounds(n)?)));
        found
            .filter(|(_, b)| {
                b.x1 >= area.x0 && b.x0 <= area.x1 && b.y1 >= area.y0 && b.y0 <= area.y1
            })
            .collect()
    }

    /// Points that stand for an element: those of its outline, or the corners of its bounds.
    fn corners(&self, node: NodeId, bounds: Rect) -> Vec<Point> {
        let world = placement::to_world(self.drawing(), node);
        let flat = self.scene.outline(node).map(|outline| {
            let mut points = Vec::new();
            let tolerance = (bounds.width().hypot(bounds.height()) / 100.0).max(1e-6);
            let elements = outline.elements();
            let placed = elements.iter().map(|el| world * *el);
            kurbo::flatten(placed, tolerance, |el| points.extend(el.end_point()));
            points
        });
        flat.filter(|points| !points.is_empty()).unwrap_or_else(|| {
            vec![
                Point::new(bounds.x0, bounds.y0),
                Point::new(bounds.x1, bounds.y0),
                Point::new(bounds.x1, bounds.y1),
                Point::new(bounds.x0, bounds.y1),
            ]
        })
    }
}

/// Whether an outline has a corner in a rectangle.
fn crosses(outline: &BezPath, bounds: Rect) -> bool {
    outline.elements().iter().filter_map(|el| el.end_point()).any(|p| bounds.contains(p))
}
