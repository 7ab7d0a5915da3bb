//! Linear equations between two unknowns are not solved but substituted: a
//! weighted union-find (Tarjan 1975, with potentials) collects the unknowns
//! that differ by known amounts into classes, and a forest of the equations
//! used keeps the reason for every one of them.
//!
//! Distances and sides become linear as soon as the other axis is known (a
//! width between two vertical walls), so elimination is repeated until nothing
//! more follows. On a floor plan little or nothing is left to iterate on.

use super::edge::{Edge, Known, NONE, derive, value_of};
use crate::constraint::equations::{Equation, GROUND, MAX_UNKNOWNS, Row};
use crate::linear::ROWS_PER_CHECKPOINT;
use svgx_base::budget::{Budget, Stop};

/// How often the list of equations is searched for new linear ones. Floor
/// plans need two or three; a chain that needs more is solved numerically.
const MAX_PASSES: usize = 8;

/// Classes of unknowns with known differences. Unknown `n` is the ground, at zero.
#[derive(Clone, Debug)]
pub(crate) struct Forest {
    pub(crate) n: u32,
    /// Class of every unknown; [`GROUND`] for known ones.
    pub(crate) class: Vec<u32>,
    /// Members of class `c`: `tour[start[c]..start[c + 1]]`.
    pub(crate) start: Vec<u32>,
    pub(crate) tour: Vec<u32>,
    /// Location of every unknown in the tour, and the end of its subtree.
    pub(crate) position: Vec<u32>,
    pub(crate) end: Vec<u32>,
    pub(crate) parent: Vec<u32>,
    pub(crate) depth: Vec<u32>,
    /// The edge to the parent.
    pub(crate) up: Vec<u32>,
    pub(crate) edges: Vec<Edge>,
    /// Edge of a row, if the row was used as one.
    pub(crate) edge_of_row: Vec<u32>,
    /// Edges whose value depends on other unknowns, in order of making.
    pub(crate) derived: Vec<u32>,
}

/// Union-find with potentials, used while the forest grows.
struct Sets {
    parent: Vec<u32>,
    /// `x[v] - x[parent[v]]`.
    offset: Vec<f64>,
    size: Vec<u32>,
    ground: u32,
}

impl Sets {
    /// The root of `v` and `x[v] - x[root]`; every other node on the way comes to hang on
    /// its grandparent (path halving, Tarjan and van Leeuwen 1984).
    fn find(&mut self, mut v: u32) -> (u32, f64) {
        let mut total = 0.0;
        loop {
            let parent = self.parent[v as usize];
            let above = self.parent[parent as usize];
            if above == parent {
                // The root itself is at offset 0.
                return (parent, total + self.offset[v as usize]);
            }
            self.offset[v as usize] += self.offset[parent as usize];
            self.parent[v as usize] = above;
            total += self.offset[v as usize];
            v = above;
        }
    }

    fn index(&self, v: u32) -> u32 {
        if v == GROUND { self.ground } else { v }
    }

    /// Notes `x[a] - x[b] = c`; false where their difference was known before.
    fn join(&mut self, a: u32, b: u32, c: f64) -> bool {
        let (a, b) = (self.index(a), self.index(b));
        let ((p, s), (q, t)) = (self.find(a), self.find(b));
        if p == q {
            return false;
        }
        // x[p] - x[q] = c - s + t
        let shift = c - s + t;
        let (low, high, offset) = if self.size[p as usize] <= self.size[q as usize] {
            (p, q, shift)
        } else {
            (q, p, -shift)
        };
        self.parent[low as usize] = high;
        self.offset[low as usize] = offset;
        self.size[high as usize] += self.size[low as usize];
        true
    }
}

impl Known for Sets {
    fn difference(&mut self, a: u32, b: u32) -> Option<f64> {
        let (a, b) = (self.index(a), self.index(b));
        if a == b {
            return Some(0.0);
        }
        let ((p, s), (q, t)) = (self.find(a), self.find(b));
        (p == q).then_some(s - t)
    }
}

impl Forest {
    /// Eliminates what can be eliminated of the rows that `active` holds for and
    /// moves `x` onto the eliminated equations.
    pub(crate) fn grow(
        rows: &[Row],
        active: impl Fn(usize) -> bool,
        x: &mut [f64],
        budget: &Budget,
    ) -> Result<Forest, Stop> {
        let n = x.len() as u32;
        let mut sets = Sets {
            parent: (0..=n).collect(),
            offset: vec![0.0; x.len() + 1],
            size: vec![1; x.len() + 1],
            ground: n,
        };
        let mut edges: Vec<Edge> = Vec::new();
        let mut edge_of_row = vec![NONE; rows.len()];
        let mut open: Vec<u32> = Vec::new();
        for (i, row) in rows.iter().enumerate() {
            if i % ROWS_PER_CHECKPOINT == 0 {
                budget.checkpoint()?;
            }
            if row.soft > 0.0 || !active(i) {
                continue;
            }
            if let Equation::Difference { a, b, c } = row.equation {
                if sets.join(a, b, c) {
                    edge_of_row[i] = edges.len() as u32;
                    edges.push(Edge::constant(i as u32, a, b, c));
                }
            } else {
                open.push(i as u32);
            }
        }
        for _ in 0..MAX_PASSES {
            budget.checkpoint()?;
            let before = open.len();
            open.retain(|&i| {
                let equation = &rows[i as usize].equation;
                let Some(edge) = derive(equation, i, &mut sets, x) else { return true };
                if !sets.join(edge.a, edge.b, edge.value) {
                    return true;
                }
                edge_of_row[i as usize] = edges.len() as u32;
                edges.push(edge);
                false
            });
            if open.len() == before {
                break;
            }
        }
        let mut forest = Forest::root(n, edges, edge_of_row);
        let drawn = x.to_vec();
        forest.back_substitute(x);
        // A class is to stay where most of it was drawn.
        for class in 0..forest.classes() as u32 {
            let members = forest.members(class);
            if members.len() > 1 {
                let moved: f64 = members.iter().map(|&v| drawn[v as usize] - x[v as usize]).sum();
                forest.shift(class, moved / members.len() as f64, x);
            }
        }
        Ok(forest)
    }

    /// Roots every tree, the one with the ground at the ground.
    fn root(n: u32, edges: Vec<Edge>, edge_of_row: Vec<u32>) -> Forest {
        let count = n as usize + 1;
        let index = |v: u32| if v == GROUND { n as usize } else { v as usize };
        let mut degree = vec![0u32; count + 1];
        for e in &edges {
            degree[index(e.a) + 1] += 1;
            degree[index(e.b) + 1] += 1;
        }
        for i in 0..count {
            degree[i + 1] += degree[i];
        }
        let mut fill = degree.clone();
        let mut adjacent = vec![(0u32, 0u32); edges.len() * 2];
        for (k, e) in edges.iter().enumerate() {
            let (a, b) = (index(e.a), index(e.b));
            adjacent[fill[a] as usize] = (b as u32, k as u32);
            fill[a] += 1;
            adjacent[fill[b] as usize] = (a as u32, k as u32);
            fill[b] += 1;
        }
        let derived =
            (0..edges.len() as u32).filter(|&k| !edges[k as usize].is_constant()).collect();
        let mut forest = Forest {
            n,
            class: vec![GROUND; count],
            start: Vec::new(),
            tour: Vec::with_capacity(count),
            position: vec![NONE; count],
            end: vec![0; count],
            parent: vec![NONE; count],
            depth: vec![0; count],
            up: vec![NONE; count],
            edges,
            edge_of_row,
            derived,
        };
        let mut stack: Vec<(u32, bool)> = Vec::new();
        for v in std::iter::once(n).chain(0..n) {
            if forest.position[v as usize] != NONE {
                continue;
            }
            let class = if v == n { GROUND } else { forest.start.len() as u32 };
            if v != n {
                forest.start.push(forest.tour.len() as u32);
            }
            stack.push((v, false));
            while let Some((u, done)) = stack.pop() {
                let u_ = u as usize;
                if done {
                    forest.end[u_] = forest.tour.len() as u32;
                    continue;
                }
                forest.position[u_] = forest.tour.len() as u32;
                forest.class[u_] = class;
                forest.tour.push(u);
                stack.push((u, true));
                for &(w, k) in &adjacent[degree[u_] as usize..degree[u_ + 1] as usize] {
                    if k != forest.up[u_] {
                        forest.parent[w as usize] = u;
                        forest.up[w as usize] = k;
                        forest.depth[w as usize] = forest.depth[u_] + 1;
                        stack.push((w, false));
                    }
                }
            }
        }
        forest.start.push(forest.tour.len() as u32);
        forest
    }

    /// How many classes are unknown.
    pub(crate) fn classes(&self) -> usize {
        self.start.len() - 1
    }

    /// The unknowns of a class.
    pub(crate) fn members(&self, class: u32) -> &[u32] {
        let c = class as usize;
        &self.tour[self.start[c] as usize..self.start[c + 1] as usize]
    }

    /// Moves a whole class.
    pub(crate) fn shift(&self, class: u32, by: f64, x: &mut [f64]) {
        for &v in self.members(class) {
            x[v as usize] += by;
        }
    }

    /// Puts every unknown where its parent and its edge say, against the drift of many shifts.
    pub(crate) fn back_substitute(&mut self, x: &mut [f64]) {
        for i in 0..self.tour.len() {
            let v = self.tour[i];
            let (up, parent) = (self.up[v as usize], self.parent[v as usize]);
            if up != NONE {
                let e = &self.edges[up as usize];
                let d = if e.a == v { e.value } else { -e.value };
                let base = if parent == self.n { 0.0 } else { x[parent as usize] };
                x[v as usize] = base + d;
            }
        }
    }

    /// Gives edge `k` its equation's new constant and moves what hangs on it.
    /// `moved` collects the unknowns that moved. Answers whether it can be met.
    pub(crate) fn change(
        &mut self,
        rows: &[Row],
        k: u32,
        x: &mut [f64],
        moved: &mut Vec<u32>,
    ) -> bool {
        let mut met = self.refresh(rows, k, x, moved);
        for i in 0..self.derived.len() {
            met &= self.refresh(rows, self.derived[i], x, moved);
        }
        met
    }

    /// Recomputes every edge that depends on unknowns outside the forest.
    pub(crate) fn refresh_derived(
        &mut self,
        rows: &[Row],
        x: &mut [f64],
        moved: &mut Vec<u32>,
    ) -> bool {
        let mut met = true;
        for i in 0..self.derived.len() {
            met &= self.refresh(rows, self.derived[i], x, moved);
        }
        met
    }

    fn refresh(&mut self, rows: &[Row], k: u32, x: &mut [f64], moved: &mut Vec<u32>) -> bool {
        let e = &self.edges[k as usize];
        let (value, met) = value_of(&e.rule, &rows[e.row as usize].equation, x);
        let by = value - e.value;
        if by == 0.0 {
            return met;
        }
        let n = self.n;
        let index = |v: u32| if v == GROUND { n } else { v };
        let (a, b) = (index(e.a), index(e.b));
        let (child, by) = if self.up[a as usize] == k { (a, by) } else { (b, -by) };
        self.edges[k as usize].value = value;
        let (from, to) = (self.position[child as usize], self.end[child as usize]);
        for &v in &self.tour[from as usize..to as usize] {
            x[v as usize] += by;
            moved.push(v);
        }
        met
    }

    /// The rows that make the difference of `a` and `b` known: the tree path
    /// between them, and what made its derived edges linear.
    pub(crate) fn explain(&self, pairs: &[(u32, u32)], out: &mut Vec<u32>) {
        let mut seen = std::collections::HashSet::new();
        let mut open = pairs.to_vec();
        while let Some((a, b)) = open.pop() {
            if a == NONE && b == NONE {
                continue;
            }
            let index = |v: u32| if v == GROUND { self.n } else { v };
            let (mut a, mut b) = (index(a), index(b));
            if self.class[a as usize] != self.class[b as usize] {
                continue;
            }
            while a != b {
                let low =
                    if self.depth[a as usize] >= self.depth[b as usize] { &mut a } else { &mut b };
                let k = self.up[*low as usize];
                *low = self.parent[*low as usize];
                if seen.insert(k) {
                    let e = &self.edges[k as usize];
                    out.push(e.row);
                    open.extend(e.needs);
                }
            }
        }
    }

    /// The distinct classes that the residual of `equation` depends on.
    pub(crate) fn pattern(&self, equation: &Equation, out: &mut Vec<u32>) {
        out.clear();
        let mut vars = [0; MAX_UNKNOWNS];
        let n = equation.unknowns(&mut vars);
        // A group of unknowns that can only move together does not change a
        // residual that does not feel common shifts.
        let mut common = [NONE - 1; 2];
        for (k, &v) in vars[..n].iter().enumerate() {
            let group = equation.group(k) as usize;
            if group < 2 {
                let class = self.class[v as usize];
                common[group] = match common[group] {
                    c if c == NONE - 1 => class,
                    c if c == class => class,
                    _ => NONE - 2,
                };
            }
        }
        for (k, &v) in vars[..n].iter().enumerate() {
            let (group, class) = (equation.group(k) as usize, self.class[v as usize]);
            let felt = group == 2 || common[group] == NONE - 2;
            if class != GROUND && felt && !out.contains(&class) {
                out.push(class);
            }
        }
    }
}
