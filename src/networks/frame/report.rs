//! What is told of a structure that was solved.

use super::member::Ends;
use super::model::{Load, Restraint};
use super::solve::{Solution, Solver};
use crate::accuracy::Effort;
use crate::finding::{Finding, Kind, State, digits, listed, number};
use crate::topology::Sets;
use crate::{Limits, Name};

/// Stiffnesses that lie further apart than this cost the soft one its digits.
const APART: f64 = 1e10;

pub(crate) fn answer(
    solver: &Solver,
    u: &[f64],
    loose: &[bool],
    effort: Effort,
    limits: &Limits,
) -> Solution {
    let structure = &solver.structure;
    let n = structure.nodes.len();
    let of = |node: usize, i: usize| solver.unknown(node, i).map_or(0.0, |d| u[d as usize]);
    let displacements: Vec<Option<[f64; 3]>> =
        (0..n).map(|k| (!loose[k]).then(|| [0, 1, 2].map(|i| of(k, i)))).collect();
    let mut reactions: Vec<Option<[f64; 3]>> =
        loose.iter().map(|&l| (!l).then_some([0.0; 3])).collect();
    let mut end_forces = Vec::with_capacity(structure.members.len());
    for (k, member) in structure.members.iter().enumerate() {
        let (a, b) = (member.from as usize, member.to as usize);
        let (Some(from), Some(to)) = (displacements[a], displacements[b]) else {
            // What a mechanism presses on its supports nothing says.
            (reactions[a], reactions[b]) = (None, None);
            end_forces.push(None);
            continue;
        };
        let element = &solver.elements[k];
        let own = element.to_own(&[from[0], from[1], from[2], to[0], to[1], to[2]]);
        let held = element.held(&solver.acting[k]);
        let resists = element.resists(&own);
        let ends: Ends = std::array::from_fn(|i| held[i] + resists[i]);
        let ends = element.to_common(&ends);
        for (node, part) in [(a, &ends[..3]), (b, &ends[3..])] {
            if let Some(r) = &mut reactions[node] {
                (0..3).for_each(|i| r[i] += part[i]);
            }
        }
        end_forces.push(Some(ends));
    }
    for load in &structure.loads {
        if let Load::Node { node, force } = load
            && let Some(r) = &mut reactions[*node as usize]
        {
            (0..3).for_each(|i| r[i] -= force[i]);
        }
    }
    for (k, node) in structure.nodes.iter().enumerate() {
        if let Some(r) = &mut reactions[k] {
            for (i, (r, support)) in r.iter_mut().zip(node.support).enumerate() {
                match support {
                    Restraint::Free => *r = 0.0,
                    Restraint::Fixed => {}
                    Restraint::Spring(s) => *r = -s * of(k, i),
                }
            }
        }
    }
    let mut findings = mechanisms(solver, loose);
    loose_moments(solver, &mut findings);
    soft(solver, &mut findings);
    findings.truncate(limits.findings);
    Solution { displacements, reactions, end_forces, findings, effort }
}

/// Parts that can move, by their motion.
fn mechanisms(solver: &Solver, loose: &[bool]) -> Vec<Finding> {
    if solver.motions().is_empty() {
        return Vec::new();
    }
    let structure = &solver.structure;
    let n = structure.nodes.len();
    let mut sets = Sets::new(n);
    structure.members.iter().for_each(|m| _ = sets.join(m.from, m.to));
    let mut supported = vec![false; n];
    for k in 0..n {
        if (0..2).any(|i| solver.resisted(k, i)) {
            supported[sets.find(k as u32) as usize] = true;
        }
    }
    let mut findings = Vec::new();
    let mut told = vec![false; n];
    for motion in solver.motions() {
        let at =
            |node: usize, i: usize| solver.unknown(node, i).map_or(0.0, |d| motion[d as usize]);
        let size = |k: usize| libm::hypot(at(k, 0), at(k, 1));
        let Some(first) = (0..n)
            .filter(|&k| size(k) > 1e-6)
            .max_by(|&a, &b| size(a).total_cmp(&size(b)).then(b.cmp(&a)))
            .or_else(|| (0..n).find(|&k| at(k, 2).abs() > 1e-6))
        else {
            continue;
        };
        let part = sets.find(first as u32);
        if !supported[part as usize] {
            if !std::mem::replace(&mut told[part as usize], true) {
                let nodes = (0..n).filter(|&k| sets.find(k as u32) == part);
                let names: Vec<Name> = nodes.map(|k| structure.nodes[k].name.clone()).collect();
                let message = format!(
                    "nothing holds {}: {} can move as a whole",
                    listed(&names),
                    number(names.len(), "it", "they")
                );
                findings.push(Finding::new(Kind::Mechanism, State::Failed, names, message));
            }
            continue;
        }
        let moving = (0..n).filter(|&k| size(k) > 1e-6 || at(k, 2).abs() > 1e-6);
        let mut names: Vec<Name> = moving.map(|k| structure.nodes[k].name.clone()).collect();
        let name = structure.nodes[first].name.clone();
        names.retain(|other| *other != name);
        let with = if names.is_empty() {
            String::new()
        } else {
            format!(", and {} with it", listed(&names))
        };
        let message = format!(
            "{name} can {} without resistance{with}: a hinge too many or a support too few",
            direction(at(first, 0), at(first, 1))
        );
        let elements = [name].into_iter().chain(names);
        findings.push(Finding::new(Kind::Mechanism, State::Failed, elements, message));
    }
    debug_assert!(findings.is_empty() || loose.contains(&true), "what moves has no answer");
    findings
}

/// A motion in words; the sense of a motion is free.
fn direction(x: f64, y: f64) -> String {
    if x == 0.0 && y == 0.0 {
        return "turn".to_owned();
    }
    let angle = libm::atan2(y.abs(), x.abs()).to_degrees();
    match angle {
        a if a < 1.0 => "move sideways".to_owned(),
        a if a > 89.0 => "move up and down".to_owned(),
        _ => {
            let slope = libm::atan(y / x).to_degrees();
            format!("move at {} degrees to the horizontal", digits(libm::round(slope)))
        }
    }
}

/// Moments on rotations that nothing takes.
fn loose_moments(solver: &Solver, findings: &mut Vec<Finding>) {
    let structure = &solver.structure;
    let turns = |load: &Load| matches!(load, Load::Node { force, .. } if force[2] != 0.0);
    if !structure.loads.iter().any(turns) {
        return;
    }
    let mut takes = vec![false; structure.nodes.len()];
    for m in structure.members.iter().filter(|m| m.inertia > 0.0) {
        takes[m.from as usize] |= !m.hinges[0];
        takes[m.to as usize] |= !m.hinges[1];
    }
    for load in &structure.loads {
        let Load::Node { node, force } = load else { continue };
        let k = *node as usize;
        let held = solver.resisted(k, 2);
        if force[2] == 0.0 || held || findings.len() > 1000 {
            continue;
        }
        if !takes[k] {
            let name = structure.nodes[k].name.clone();
            let message =
                format!("{name} is a hinge: nothing takes the moment of {} Nm", digits(force[2]));
            findings.push(Finding::new(Kind::Mechanism, State::Failed, [name], message));
        }
    }
}

/// Members so much softer than others that their digits are lost.
fn soft(solver: &Solver, findings: &mut Vec<Finding>) {
    let bending = |k: usize| {
        let m = &solver.structure.members[k];
        let l = solver.elements[k].length;
        m.modulus * m.inertia / (l * l * l)
    };
    let members = (0..solver.elements.len()).filter(|&k| bending(k) > 0.0);
    let most = members.clone().map(bending).fold(0.0, f64::max);
    let names: Vec<Name> = members
        .filter(|&k| bending(k) * APART < most)
        .map(|k| solver.structure.members[k].name.clone())
        .collect();
    if !names.is_empty() {
        let message = format!(
            "{} {} more than 1e10 times softer than the stiffest member: digits are lost",
            listed(&names),
            number(names.len(), "is", "are")
        );
        findings.push(Finding::new(Kind::Conditioning, State::Warning, names, message));
    }
}
