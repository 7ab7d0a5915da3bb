//! Bodies at rest: equilibrium and the reaction at every anchor.
//!
//! Every body of an assembly gives three equations (two forces and the moment
//! about its centre of mass), every anchor or connection one unknown for each
//! motion it takes. The rank of that matrix says what stands, what can move,
//! and which reactions equilibrium determines. What it does not determine is
//! answered as open: a least-norm guess would look like a result.

mod pivoted_qr;

use rapier2d_f64::math::Vector;

use crate::document::Limits;
use svgx_base::budget::Budget;
use svgx_base::deep::{self, Few};
use svgx_base::deep_span;

use super::answer::{
    Assembly, Conventions, Determinacy, ElementPhysics, ForceVector, PhysicsSummary, Quarantined,
    Reaction, Statics, Value, tidy,
};
use super::error::Error;
use super::model::{Joint, JointKind, Model, Profile};

/// Assemblies that have a span each in a deep trace.
const ASSEMBLIES_TRACED: u32 = 48;

/// One unknown: what a unit of it does to the joint's first body.
struct Unknown {
    joint: usize,
    force: Vector,
    moment: f64,
}

pub(super) fn solve(
    model: &Model,
    gravity: f64,
    limits: &Limits,
    budget: &Budget,
) -> Result<Statics, Error> {
    let mut statics = Statics {
        simulation: summaries(model, gravity),
        assemblies: Vec::new(),
        reactions: Vec::new(),
        free: Vec::new(),
        quarantined: model
            .quarantined
            .iter()
            .map(|(id, reason)| Quarantined {
                element_id: id.clone(),
                other: None,
                reason: (*reason).to_owned(),
                depth_mm: None,
                time: 0.0,
            })
            .collect(),
        conventions: Conventions::new(gravity, model.scale),
    };
    let mut few = Few::first(ASSEMBLIES_TRACED);
    for group in groups(model) {
        budget.checkpoint().map_err(Error::Stopped)?;
        if group.joints.is_empty() {
            statics.free.extend(group.bodies.iter().map(|&b| model.bodies[b].id.clone()));
            continue;
        }
        let _span = deep_span!(
            if few.takes(),
            "assembly",
            svgx.body.count = deep::count(group.bodies.len()),
            svgx.joint.count = deep::count(group.joints.len()),
        );
        assembly(model, gravity, &group, limits, budget, &mut statics)?;
    }
    Ok(statics)
}

pub(super) fn summaries(model: &Model, gravity: f64) -> Vec<ElementPhysics> {
    let summary = |body: &super::model::Body| {
        let weight = body.mass * gravity;
        let total = body.forces.iter().fold(Vector::new(0.0, weight), |a, f| a + f.vector);
        PhysicsSummary {
            total_force: ForceVector::new(total.x, total.y),
            mass: body.mass,
            weight: Value { value: tidy(weight), unit: "N" },
            anchor: body.anchors.first().cloned(),
            anchors: body.anchors.clone(),
        }
    };
    model
        .bodies
        .iter()
        .map(|b| ElementPhysics { element_id: b.id.clone(), physics: summary(b) })
        .collect()
}

struct Group {
    bodies: Vec<usize>,
    joints: Vec<usize>,
}

/// Bodies connected by joints, in document order; the building connects nothing.
fn groups(model: &Model) -> Vec<Group> {
    let mut parent: Vec<usize> = (0..model.bodies.len()).collect();
    fn root(parent: &mut [usize], mut i: usize) -> usize {
        while parent[i] != i {
            parent[i] = parent[parent[i]];
            i = parent[i];
        }
        i
    }
    for joint in &model.joints {
        if let Some(other) = joint.other {
            let (a, b) = (root(&mut parent, joint.body), root(&mut parent, other));
            parent[a.max(b)] = a.min(b);
        }
    }
    let mut slot = vec![usize::MAX; model.bodies.len()];
    let mut groups: Vec<Group> = Vec::new();
    for body in 0..model.bodies.len() {
        let r = root(&mut parent, body);
        if slot[r] == usize::MAX {
            slot[r] = groups.len();
            groups.push(Group { bodies: Vec::new(), joints: Vec::new() });
        }
        groups[slot[r]].bodies.push(body);
    }
    for (j, joint) in model.joints.iter().enumerate() {
        let r = root(&mut parent, joint.body);
        groups[slot[r]].joints.push(j);
    }
    groups
}

fn assembly(
    model: &Model,
    gravity: f64,
    group: &Group,
    limits: &Limits,
    budget: &Budget,
    statics: &mut Statics,
) -> Result<(), Error> {
    let rows = 3 * group.bodies.len();
    let mut unknowns: Vec<Unknown> = Vec::new();
    for &j in &group.joints {
        budget.checkpoint().map_err(Error::Stopped)?;
        push_unknowns(j, &model.joints[j], &mut unknowns);
    }
    let seen = rows.max(unknowns.len());
    if seen > limits.equilibrium_equations {
        return Err(Error::Limit {
            what: "equilibrium equations of one assembly",
            limit: limits.equilibrium_equations as f64,
            seen: seen as f64,
        });
    }
    let row_of = |body: usize| group.bodies.binary_search(&body).map_or(0, |i| 3 * i);
    // Moments over the size of the assembly, so that all rows are forces.
    let size = group
        .joints
        .iter()
        .map(|&j| (model.joints[j].at - model.bodies[model.joints[j].body].centre).length())
        .chain(group.bodies.iter().map(|&b| model.bodies[b].half.length()))
        .fold(1e-3, f64::max);
    let mut load = vec![0.0; rows];
    for &b in &group.bodies {
        let (body, row) = (&model.bodies[b], row_of(b));
        load[row + 1] += body.mass * gravity;
        for force in body.forces.iter().filter(|f| f.profile == Profile::Constant) {
            load[row] += force.vector.x;
            load[row + 1] += force.vector.y;
            load[row + 2] += force.at.perp_dot(force.vector) / size;
        }
    }
    let columns = unknowns.iter().map(|u| {
        let joint = &model.joints[u.joint];
        let mut column = vec![0.0; rows];
        let mut apply = |body: usize, sign: f64| {
            let row = row_of(body);
            let arm = joint.at - model.bodies[body].centre;
            column[row] += sign * u.force.x;
            column[row + 1] += sign * u.force.y;
            column[row + 2] += sign * (arm.perp_dot(u.force) / size + u.moment);
        };
        apply(joint.body, 1.0);
        if let Some(other) = joint.other {
            apply(other, -1.0);
        }
        column
    });
    let scale = load.iter().fold(0.0_f64, |a, x| a.max(x.abs()));
    let b = load.iter().map(|x| -x).collect();
    let solution = pivoted_qr::solve(columns.collect(), b, budget).map_err(Error::Stopped)?;

    let freedoms = rows - solution.rank;
    let redundancies = unknowns.len() - solution.rank;
    let balanced = solution.residual <= 1e-9 * scale.max(1e-9);
    let named = |u: &Unknown| {
        let joint = &model.joints[u.joint];
        format!("{} of {}", joint.name, model.bodies[joint.body].id)
    };
    let solved = || unknowns.iter().zip(&solution.x).zip(&solution.determined);
    let pushing = |((u, x), determined): &((&Unknown, &f64), &bool)| {
        let rope = matches!(model.joints[u.joint].kind, JointKind::Rope { .. });
        balanced && rope && **determined && **x < -1e-9 * scale
    };
    let pushing: Vec<String> = solved().filter(pushing).map(|((u, _), _)| named(u)).collect();
    let slack = !pushing.is_empty();
    let standing = match (balanced, slack, freedoms, redundancies) {
        (false, ..) => Determinacy::Moving,
        (_, true, ..) => Determinacy::Slack,
        (_, _, 0, 0) => Determinacy::Determinate,
        (_, _, 0, _) => Determinacy::Indeterminate,
        _ => Determinacy::Mechanism,
    };
    let elements: Vec<String> = group.bodies.iter().map(|&b| model.bodies[b].id.clone()).collect();
    let mut about = match standing {
        Determinacy::Slack => pushing,
        Determinacy::Indeterminate => {
            solved().filter(|(_, known)| !**known).map(|((u, _), _)| named(u)).collect()
        }
        _ => elements.clone(),
    };
    about.dedup();
    statics.assemblies.push(Assembly {
        elements,
        standing,
        freedoms,
        redundancies,
        message: message(standing, freedoms, redundancies, &about),
        residual: solution.residual,
    });
    let stands = balanced && !slack;
    let mut next = 0;
    for &j in &group.joints {
        let joint = &model.joints[j];
        let mut sums = [Some(0.0), Some(0.0), Some(0.0)];
        while let Some(u) = unknowns.get(next).filter(|u| u.joint == j) {
            let known = solution.determined[next] && stands;
            let value = solution.x[next];
            for (sum, part) in sums.iter_mut().zip([u.force.x, u.force.y, u.moment * size]) {
                if part != 0.0 {
                    *sum = known.then_some(()).and(*sum).map(|s| s + part * value);
                }
            }
            next += 1;
        }
        if !stands {
            sums = [None; 3];
        }
        let clean = |v: Option<f64>| {
            v.map(|v| if v.abs() <= 1e-12 * scale.max(1.0) { 0.0 } else { tidy(v) })
        };
        let [x, y, moment] = sums.map(clean);
        statics.reactions.push(Reaction {
            element_id: model.bodies[joint.body].id.clone(),
            anchor: joint.name.clone(),
            kind: joint.kind.name(),
            other: joint.other.map(|o| model.bodies[o].id.clone()),
            point: [tidy(joint.at.x / model.scale), tidy(joint.at.y / model.scale)],
            x,
            y,
            magnitude: x.zip(y).map(|(x, y)| tidy(libm::hypot(x, y))),
            moment,
        });
    }
    Ok(())
}

fn push_unknowns(index: usize, joint: &Joint, unknowns: &mut Vec<Unknown>) {
    let mut push =
        |force: Vector, moment: f64| unknowns.push(Unknown { joint: index, force, moment });
    match joint.kind {
        JointKind::Fixed => {
            push(Vector::X, 0.0);
            push(Vector::Y, 0.0);
            push(Vector::ZERO, 1.0);
        }
        JointKind::Hinge => {
            push(Vector::X, 0.0);
            push(Vector::Y, 0.0);
        }
        JointKind::Roller { normal } => push(normal, 0.0),
        JointKind::Slider { axis } => {
            push(Vector::new(-axis.y, axis.x), 0.0);
            push(Vector::ZERO, 1.0);
        }
        JointKind::Rope { to, length } => {
            let along = to - joint.at;
            let distance = along.length();
            // A rope longer than its span carries nothing.
            if distance > 0.0 && distance >= length * (1.0 - 1e-9) {
                push(along / distance, 0.0);
            }
        }
    }
}

/// Names in one message; the rest is counted.
const NAMES: usize = 6;

/// One sentence; `about` are the reactions left open, the ropes that would
/// push, or the bodies.
fn message(
    standing: Determinacy,
    freedoms: usize,
    redundancies: usize,
    about: &[String],
) -> String {
    let plural = |n: usize, one: &str| if n == 1 { one.to_owned() } else { format!("{one}s") };
    let mut names = about.iter().take(NAMES).cloned().collect::<Vec<_>>().join(", ");
    if about.len() > NAMES {
        names += &format!(" and {} more", about.len() - NAMES);
    }
    match standing {
        Determinacy::Determinate => "every reaction follows from equilibrium".to_owned(),
        Determinacy::Indeterminate => format!(
            "statically indeterminate: {redundancies} {} more than equilibrium determines; \
             depending on stiffness, and left open: {names}",
            plural(redundancies, "component")
        ),
        Determinacy::Mechanism => format!(
            "a mechanism: {freedoms} {} left to {names}, but these loads do not move it",
            plural(freedoms, "motion")
        ),
        Determinacy::Moving => format!(
            "no equilibrium: {freedoms} {} left to {names}, and these loads move it",
            plural(freedoms, "motion")
        ),
        Determinacy::Slack => format!("no equilibrium: would have to push: {names}"),
    }
}
