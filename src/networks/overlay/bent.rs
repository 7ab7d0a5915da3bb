//! The bent line of a frame, and its moments.

use kurbo::{BezPath, Point, Vec2};
use svgx_base::budget::Budget;
use svgx_engine::geometry::Scene;

use super::shapes::Sheet;
use crate::frame::{Solver, Structure};
use crate::{Error, Limits};

/// Places along a member.
const PLACES: u32 = 24;

/// Draws how far members are bent, and of `moment` the moments on their tension side. Both are
/// enlarged: the largest is a twelfth of the drawing.
pub(super) fn draw(
    structure: &Structure,
    quantity: &str,
    scene: &Scene,
    sheet: &mut Sheet<'_>,
    budget: &Budget,
) -> Result<(), Error> {
    let mut solver = match Solver::new(structure.clone(), &Limits::default(), budget) {
        Ok(solver) => solver,
        Err(stopped @ Error::Stopped(_)) => return Err(stopped),
        // Told where it is solved.
        Err(_) => return Ok(()),
    };
    let solution = solver.solve(budget)?;
    let mut members = Vec::new();
    let (mut far, mut strong) = (0.0f64, 0.0f64);
    for (k, member) in structure.members.iter().enumerate() {
        budget.checkpoint()?;
        let at = |node: u32| {
            let [x, y] = structure.nodes[node as usize].at;
            Vec2::new(x, y)
        };
        let (a, b) = (at(member.from), at(member.to));
        let length = (b - a).hypot();
        let part = |i: u32| length * f64::from(i) / f64::from(PLACES);
        let places: Vec<f64> = (0..=PLACES).map(part).collect();
        let Some(sections) = solver.sections(&solution, k, &places) else { continue };
        for section in &sections {
            far = far.max(Vec2::from((section.displacement[0], section.displacement[1])).hypot());
            strong = strong.max(section.moment.abs());
        }
        members.push((a, b, sections));
    }
    // From metres, y up, to user units.
    let metre = scene.scale().to_units(1000.0);
    let user = |v: Vec2| Point::new(v.x * metre, -v.y * metre);
    let reach = sheet.side() / 12.0 / metre;
    let line = |points: Vec<Point>| {
        let mut path = BezPath::new();
        for (k, p) in points.into_iter().enumerate() {
            if k == 0 { path.move_to(p) } else { path.line_to(p) }
        }
        path
    };
    for (a, b, sections) in &members {
        let along = (*b - *a) / (*b - *a).hypot();
        let on = |distance: f64| *a + along * distance;
        if quantity == "moment" && strong > 0.0 {
            // A positive moment pulls below a member that points to the right.
            let below = Vec2::new(along.y, -along.x);
            let side =
                |s: &crate::frame::Section| on(s.distance) + below * (s.moment / strong * reach);
            let mut points = vec![user(*a)];
            points.extend(sections.iter().map(|s| user(side(s))));
            points.push(user(*b));
            let mut path = line(points);
            path.close_path();
            sheet.area("net-moment", &path, "#c0504d", 0.35);
        }
        if far > 0.0 {
            let moved = |s: &crate::frame::Section| {
                let [x, y] = s.displacement;
                on(s.distance) + Vec2::new(x, y) * (reach / far)
            };
            let points = sections.iter().map(|s| user(moved(s))).collect();
            let width = 0.3 * sheet.unit();
            sheet.stroke("net-bent", &line(points), "#1f5fa8", width);
        }
    }
    Ok(())
}
