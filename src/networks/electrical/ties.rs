//! Terminals that ideal sources and closed switches tie together: one unknown each, by
//! union-find that keeps the difference to the representative.

use std::collections::BTreeMap;

use svgx_base::random::{self, SplitMix64};

use super::circuit::{Circuit, Phasor, Tie};
use crate::finding::{Finding, Kind, State, digits, listed};
use crate::topology;

/// How many contradictions are told.
const TOLD: usize = 20;

/// What ties make of the terminals. Earth is the terminal after the last.
#[derive(Debug, Clone)]
pub(crate) struct Tied<T> {
    /// The representative of every terminal, and how far the terminal is above it.
    pub(crate) of: Vec<(u32, T)>,
    /// In which order the currents of ties follow from each other.
    order: Vec<Leaf>,
    /// Terminals whose ties contradict each other, with what is wrong.
    pub(crate) conflicts: Vec<(u32, Option<Finding>)>,
}

/// A tie at a terminal where all other currents are known when its turn comes.
#[derive(Debug, Clone, Copy)]
struct Leaf {
    tie: u32,
    /// That terminal, and the other end.
    at: u32,
    far: u32,
    /// Whether the terminal is the higher end.
    higher: bool,
    /// Whether the tie is part of no loop of ties.
    alone: bool,
}

struct Sets<T> {
    parent: Vec<u32>,
    above: Vec<T>,
}

impl<T: Phasor> Sets<T> {
    /// The representative, and how far the terminal is above it.
    fn find(&mut self, terminal: u32) -> (u32, T) {
        let (mut root, mut above) = (terminal, T::default());
        while self.parent[root as usize] != root {
            above += self.above[root as usize];
            root = self.parent[root as usize];
        }
        let (mut at, mut left) = (terminal, above);
        while self.parent[at as usize] != at {
            let (next, step) = (self.parent[at as usize], self.above[at as usize]);
            self.parent[at as usize] = root;
            self.above[at as usize] = left;
            left -= step;
            at = next;
        }
        (root, above)
    }
}

impl<T: Phasor> Tied<T> {
    pub(crate) fn of(circuit: &Circuit<T>) -> Tied<T> {
        let n = circuit.terminals.len() as u32;
        let mut sets =
            Sets { parent: (0..=n).collect(), above: vec![T::default(); n as usize + 1] };
        let mut tree = Vec::with_capacity(circuit.ties.len());
        let mut conflicts = Vec::new();
        for (k, tie) in circuit.ties.iter().enumerate() {
            let (a, above_a) = sets.find(tie.from.min(n));
            let (b, above_b) = sets.find(tie.to.min(n));
            if a == b {
                tree.push(false);
                let off = above_a - above_b - tie.emf;
                let size = tie.emf.magnitude().max(above_a.magnitude()).max(above_b.magnitude());
                if off.magnitude() > 1e-9 * size {
                    // To tell more of them would take long and help nobody.
                    let told = conflicts.len() < TOLD;
                    let finding = told.then(|| contradiction(circuit, &tree, k, off));
                    conflicts.push((tie.from.min(tie.to), finding));
                }
                continue;
            }
            tree.push(true);
            // from = a + above_a, to = b + above_b, from - to = emf. Earth stays a representative.
            let a_above_b = above_b + tie.emf - above_a;
            if a == n {
                sets.parent[b as usize] = a;
                sets.above[b as usize] = -a_above_b;
            } else {
                sets.parent[a as usize] = b;
                sets.above[a as usize] = a_above_b;
            }
        }
        let of = (0..=n).map(|t| sets.find(t)).collect();
        Tied { of, order: order(circuit, &tree), conflicts }
    }
}

/// Ties up to `last` form a loop whose voltages do not sum to zero.
fn contradiction<T: Phasor>(circuit: &Circuit<T>, tree: &[bool], last: usize, off: T) -> Finding {
    let n = circuit.terminals.len() as u32;
    let tie = &circuit.ties[last];
    let ends: Vec<(u32, u32)> =
        circuit.ties[..last].iter().map(|t| (t.from.min(n), t.to.min(n))).collect();
    let around = topology::path(n as usize + 1, &ends, |k| tree[k], tie.from.min(n), tie.to.min(n))
        .unwrap_or_default();
    let around: Vec<&Tie<T>> = around.iter().map(|&k| &circuit.ties[k as usize]).collect();
    let all = around.iter().copied().chain([tie]);
    let sources: Vec<_> = all.clone().filter(|t| t.source).map(|t| t.name.clone()).collect();
    let between: Vec<_> = all.filter(|t| !t.source).map(|t| t.name.clone()).collect();
    let path = if between.is_empty() {
        "the same terminals".to_owned()
    } else {
        format!("terminals that {} joins", listed(&between))
    };
    let message = format!(
        "{} put different voltages on {path}: they differ by {} V, and nothing limits the current",
        listed(&sources),
        digits(off.magnitude()),
    );
    Finding::new(Kind::Conflict, State::Failed, sources.into_iter().chain(between), message)
}

/// Leaf by leaf over the tree of ties, which says of each tie whether it is part of it.
fn order<T: Phasor>(circuit: &Circuit<T>, tree: &[bool]) -> Vec<Leaf> {
    let n = circuit.terminals.len() as u32;
    let ends: Vec<(u32, u32)> = circuit.ties.iter().map(|t| (t.from.min(n), t.to.min(n))).collect();
    let mut at: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for (k, &(a, b)) in ends.iter().enumerate().filter(|(k, _)| tree[*k]) {
        at.entry(a).or_default().push(k as u32);
        at.entry(b).or_default().push(k as u32);
    }
    let mut degree: BTreeMap<u32, usize> = at.iter().map(|(&t, ties)| (t, ties.len())).collect();
    // Earth takes whatever arrives: it is never a leaf.
    let mut leaves: Vec<u32> =
        degree.iter().filter(|&(&t, &d)| d == 1 && t != n).map(|(&t, _)| t).collect();
    // A tie of the tree lies in a loop if a closing tie has one end on either side of it: every
    // closing tie marks its two ends with the same random number, which cancels on one side.
    let mut marks = vec![0u64; n as usize + 1];
    let mut random = SplitMix64::new(random::GOLDEN);
    for (_, &(a, b)) in ends.iter().enumerate().filter(|(k, _)| !tree[*k]) {
        let mark = random.next_u64();
        marks[a as usize] ^= mark;
        marks[b as usize] ^= mark;
    }
    let mut order = Vec::with_capacity(circuit.ties.len());
    let mut done = vec![false; circuit.ties.len()];
    while let Some(leaf) = leaves.pop() {
        let Some(&k) = at[&leaf].iter().find(|&&k| !done[k as usize]) else { continue };
        done[k as usize] = true;
        let (a, b) = ends[k as usize];
        let far = topology::other((a, b), leaf);
        let alone = marks[leaf as usize] == 0;
        order.push(Leaf { tie: k, at: leaf, far, higher: leaf == a, alone });
        marks[far as usize] ^= marks[leaf as usize];
        if far < n
            && let Some(d) = degree.get_mut(&far)
        {
            *d -= 1;
            if *d == 1 {
                leaves.push(far);
            }
        }
    }
    order
}

impl<T: Phasor> Tied<T> {
    /// The currents through `ties` from what leaves every terminal otherwise. A tie that is part
    /// of a loop of ties has none: nothing says how the current divides.
    pub(crate) fn currents(&self, ties: usize, mut leaving: Vec<T>) -> Vec<Option<T>> {
        let mut currents = vec![None; ties];
        for leaf in &self.order {
            // What leaves the leaf otherwise arrives through the tie, from `to` to `from`.
            let through = leaving[leaf.at as usize];
            if leaf.alone {
                currents[leaf.tie as usize] = Some(if leaf.higher { through } else { -through });
            }
            leaving[leaf.far as usize] += through;
        }
        currents
    }
}
