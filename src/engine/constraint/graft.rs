//! Changes of structure that substitution alone takes up: a tree of the forest is
//! cut, or two are joined, and everything else of the plan stays as it is. On a
//! floor plan these are nearly all changes.
//!
//! What goes further (an equation solved numerically reads what is cut or joined, or a
//! substitution follows from what is no longer known) is refused, and the caller plans anew.

use super::edge::{Edge, Known, NONE, derive};
use super::equation::{Equation, GROUND, WIDTH};
use super::forest::Forest;
use super::lower::Row;
use super::plan::Plan;

/// The differences that a forest knows.
struct Grown<'f>(&'f Forest);

impl Known for Grown<'_> {
    fn difference(&mut self, a: u32, b: u32) -> Option<f64> {
        let forest = self.0;
        let (mut a, mut b) = (forest.index(a), forest.index(b));
        if forest.class[a as usize] != forest.class[b as usize] {
            return None;
        }
        let over = |v: u32| {
            let edge = &forest.edges[forest.up[v as usize] as usize];
            if edge.a == v { edge.value } else { -edge.value }
        };
        let mut total = 0.0;
        while a != b {
            if forest.depth[a as usize] >= forest.depth[b as usize] {
                total += over(a);
                a = forest.parent[a as usize];
            } else {
                total -= over(b);
                b = forest.parent[b as usize];
            }
        }
        Some(total)
    }
}

impl Forest {
    fn index(&self, v: u32) -> u32 {
        if v == GROUND { self.n } else { v }
    }

    /// The unknown that hangs on edge `k`.
    fn child(&self, k: u32) -> u32 {
        let edge = &self.edges[k as usize];
        let a = self.index(edge.a);
        if self.up[a as usize] == k { a } else { self.index(edge.b) }
    }

    fn subtree(&self, v: u32) -> std::ops::Range<usize> {
        self.place[v as usize] as usize..self.end[v as usize] as usize
    }

    /// Of the ends of an edge to be, the one that is to hang on the other: the smaller
    /// class moves, and what is known stays.
    fn hanging(&self, edge: &Edge) -> (u32, u32) {
        let (a, b) = (self.index(edge.a), self.index(edge.b));
        let size = |v: u32| match self.class[v as usize] {
            GROUND => usize::MAX,
            class => self.members(class).len(),
        };
        if size(a) < size(b) { (a, b) } else { (b, a) }
    }

    /// Writes down where the unknowns in a stretch of the tour are; their subtrees keep their sizes.
    fn renumber(&mut self, stretch: std::ops::Range<usize>) {
        for i in stretch {
            let v = self.tour[i] as usize;
            let size = self.end[v] - self.place[v];
            (self.place[v], self.end[v]) = (i as u32, i as u32 + size);
        }
    }

    /// Takes edge `k` away. What hung on it becomes a class of its own, the last.
    fn cut(&mut self, k: u32) {
        let child = self.child(k) as usize;
        let hung = self.subtree(child as u32);
        let len = hung.len() as u32;
        let mut above = self.parent[child];
        while above != NONE {
            self.end[above as usize] -= len;
            above = self.parent[above as usize];
        }
        let all = self.tour.len();
        self.tour[hung.start..].rotate_left(hung.len());
        self.renumber(hung.start..all);
        for start in self.start.iter_mut().filter(|s| **s as usize >= hung.end) {
            *start -= len;
        }
        let class = self.classes() as u32;
        self.start.push(all as u32);
        let above = self.depth[child];
        for &v in &self.tour[all - hung.len()..] {
            self.class[v as usize] = class;
            self.depth[v as usize] -= above;
        }
        (self.parent[child], self.up[child]) = (NONE, NONE);
        let row = self.edges.remove(k as usize).row;
        self.edge_of_row[row as usize] = NONE;
        self.derived.retain(|&d| d != k);
        let later = |e: &&mut u32| **e != NONE && **e > k;
        let edges = self.edge_of_row.iter_mut().chain(&mut self.up).chain(&mut self.derived);
        edges.filter(later).for_each(|e| *e -= 1);
    }

    /// Hangs the class of `child` on `parent` by `edge`. Answers the class that is no more:
    /// those after it move up by one.
    fn join(&mut self, edge: Edge, child: u32, parent: u32) -> u32 {
        let k = self.edges.len() as u32;
        let gone = self.class[child as usize];
        let (from, len) = (self.start[gone as usize] as usize, self.members(gone).len());
        let to = self.end[parent as usize] as usize;
        let mut above = parent;
        while above != NONE {
            self.end[above as usize] += len as u32;
            above = self.parent[above as usize];
        }
        // The class hangs on `child` from now on.
        let (mut v, mut next) = (child, (parent, k));
        loop {
            let here = v as usize;
            let old = (self.parent[here], self.up[here]);
            (self.parent[here], self.up[here]) = next;
            if old.0 == NONE {
                break;
            }
            next = (v, old.1);
            v = old.0;
        }
        let order = self.walk(gone, child);
        if to <= from {
            self.tour[to..from + len].rotate_right(len);
            self.tour[to..to + len].copy_from_slice(&order);
            self.renumber(to..from + len);
        } else {
            self.tour[from..to].rotate_left(len);
            self.tour[to - len..to].copy_from_slice(&order);
            self.renumber(from..to);
        }
        let at = if to <= from { to } else { to - len };
        self.start.remove(gone as usize);
        for start in &mut self.start {
            *start -= if *start as usize > from { len as u32 } else { 0 };
            *start += if *start as usize >= at { len as u32 } else { 0 };
        }
        let class = self.class[parent as usize];
        for &v in &order {
            self.class[v as usize] = class;
        }
        self.class.iter_mut().for_each(|c| close_gap(c, gone));
        self.edge_of_row[edge.row as usize] = k;
        if !edge.is_constant() {
            self.derived.push(k);
        }
        self.edges.push(edge);
        gone
    }

    /// The unknowns of a class from `root` down, their depths and the sizes of their subtrees.
    fn walk(&mut self, class: u32, root: u32) -> Vec<u32> {
        let members = self.members(class);
        let mut below: Vec<(u32, u32)> = Vec::with_capacity(members.len());
        below.extend(members.iter().filter(|&&v| v != root).map(|&v| (self.parent[v as usize], v)));
        below.sort_unstable();
        let mut order = Vec::with_capacity(members.len());
        let mut open = vec![root];
        while let Some(v) = open.pop() {
            order.push(v);
            let first = below.partition_point(|e| e.0 < v);
            open.extend(below[first..].iter().take_while(|e| e.0 == v).map(|e| e.1));
        }
        for &v in &order {
            self.depth[v as usize] = self.depth[self.parent[v as usize] as usize] + 1;
            (self.place[v as usize], self.end[v as usize]) = (0, 1);
        }
        for &v in order[1..].iter().rev() {
            self.end[self.parent[v as usize] as usize] += self.end[v as usize];
        }
        order
    }
}

/// The number of a thing after number `gone` went.
fn close_gap(number: &mut u32, gone: u32) {
    *number -= u32::from(*number > gone && *number != NONE);
}

impl Plan {
    /// Takes row `r`, which is still in `rows`, out of the plan. False where more would have
    /// to be planned anew: the plan is then of no use.
    pub(super) fn without(&mut self, rows: &[Row], r: u32) -> bool {
        if self.wished {
            return false;
        }
        match self.forest.edge_of_row[r as usize] {
            NONE => {
                let Some(at) = self.closed.iter().position(|&c| c == r) else { return false };
                self.closed.remove(at);
            }
            k => {
                let forest = &self.forest;
                let hung = forest.subtree(forest.child(k));
                let inside =
                    |v: u32| hung.contains(&(forest.place[forest.index(v) as usize] as usize));
                if self.is_read(rows, &forest.tour[hung.clone()], inside) {
                    return false;
                }
                let across = |&(u, v): &(u32, u32)| inside(u) != inside(v);
                let needed = |&d: &u32| forest.edges[d as usize].grounds().any(|p| across(&p));
                if forest.derived.iter().any(|d| *d != k && needed(d)) {
                    return false;
                }
                self.forest.cut(k);
                self.component_of.push(GROUND);
            }
        }
        self.forest.edge_of_row.remove(r as usize);
        // It reads no class that is solved for.
        self.patterns.start.remove(r as usize);
        let edges = self.forest.edges.iter_mut().map(|e| &mut e.row);
        edges.chain(&mut self.closed).for_each(|row| close_gap(row, r));
        for component in &mut self.components {
            let parts = component.parts.iter_mut().flat_map(|p| &mut p.rows);
            component.rows.iter_mut().chain(parts).for_each(|row| close_gap(row, r));
        }
        let blocks = self.blocks.iter_mut().flatten().chain(self.whole.iter_mut().flatten());
        blocks.flat_map(|b| &mut b.rows).for_each(|row| close_gap(row, r));
        true
    }

    /// Takes the last of `rows`, which is new, into the plan. False where more would have to
    /// be planned anew: the plan is then of no use.
    pub(super) fn with(&mut self, rows: &[Row], x: &[f64]) -> bool {
        let Some((row, r)) = rows.last().zip(u32::try_from(rows.len() - 1).ok()) else {
            return true;
        };
        if self.wished || row.soft > 0.0 {
            return false;
        }
        let mut known = Grown(&self.forest);
        let edge = match row.equation {
            Equation::Difference { a, b, c } => {
                known.difference(a, b).is_none().then(|| Edge::constant(r, a, b, c))
            }
            ref equation => derive(equation, r, &mut known, x),
        };
        let edge = edge.filter(|e| known.difference(e.a, e.b).is_none());
        self.forest.edge_of_row.push(NONE);
        self.patterns.push(&[]);
        let Some(edge) = edge else {
            let mut pattern = Vec::new();
            self.forest.pattern(&row.equation, &mut pattern);
            self.closed.push(r);
            return pattern.is_empty();
        };
        let (child, parent) = self.forest.hanging(&edge);
        let class = self.forest.class[child as usize];
        let inside = |v: u32| self.forest.class[v as usize] == class;
        if self.is_read(rows, self.forest.members(class), inside) {
            return false;
        }
        let gone = self.forest.join(edge, child, parent);
        self.component_of.remove(gone as usize);
        let close = |class: &mut u32| close_gap(class, gone);
        self.patterns.items.iter_mut().for_each(close);
        for component in &mut self.components {
            let parts = component.parts.iter_mut().flat_map(|p| &mut p.unknowns);
            component.unknowns.iter_mut().chain(parts).for_each(close);
        }
        let blocks = self.blocks.iter_mut().flatten().chain(self.whole.iter_mut().flatten());
        blocks.flat_map(|b| &mut b.unknowns).for_each(close);
        true
    }

    /// Whether an equation that was not substituted reads one of `unknowns`, which are those
    /// that `inside` holds for.
    fn is_read(&self, rows: &[Row], unknowns: &[u32], inside: impl Fn(u32) -> bool) -> bool {
        let mut vars = [0; WIDTH];
        unknowns.iter().any(|&v| !self.readers.row(v).is_empty())
            || self.closed.iter().any(|&r| {
                let n = rows[r as usize].equation.unknowns(&mut vars);
                vars[..n].iter().any(|&v| inside(v))
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use svgx_base::budget::{Budget, Class, Tier};

    fn row(a: u32, b: u32, c: f64) -> Row {
        let equation = Equation::Difference { a, b, c };
        Row { equation, constraint: 0, factor: 0.0, soft: 0.0, implied: false }
    }

    /// Everything that a forest keeps twice says the same.
    fn check(forest: &Forest) {
        let n = forest.n as usize;
        let mut seen = vec![false; n + 1];
        for (i, &v) in forest.tour.iter().enumerate() {
            let v = v as usize;
            assert!(!std::mem::replace(&mut seen[v], true), "{v} is there twice");
            assert_eq!(forest.place[v] as usize, i);
            let (parent, up) = (forest.parent[v], forest.up[v]);
            assert_eq!(parent == NONE, up == NONE);
            if parent == NONE {
                assert_eq!(forest.depth[v], 0);
                continue;
            }
            let edge = &forest.edges[up as usize];
            let ends = [forest.index(edge.a), forest.index(edge.b)];
            assert!(ends.contains(&parent) && ends.contains(&(v as u32)));
            assert_eq!(forest.depth[v], forest.depth[parent as usize] + 1);
            assert_eq!(forest.class[v], forest.class[parent as usize]);
            let (inner, outer) = (forest.subtree(v as u32), forest.subtree(parent));
            assert!(outer.start < inner.start && inner.end <= outer.end, "{inner:?} in {outer:?}");
        }
        assert!(seen.iter().all(|s| *s));
        for class in 0..forest.classes() as u32 {
            assert!(!forest.members(class).is_empty());
            assert!(forest.members(class).iter().all(|&v| forest.class[v as usize] == class));
            let root = forest.members(class)[0];
            assert_eq!(forest.subtree(root).len(), forest.members(class).len());
        }
        for (r, &k) in forest.edge_of_row.iter().enumerate() {
            assert!(k == NONE || forest.edges[k as usize].row as usize == r);
        }
    }

    #[test]
    fn a_plan_that_is_changed_is_the_plan_that_would_be_made() {
        let budget = Budget::unlimited(Class::Physics, Tier::Compute);
        let mut random = 1u64;
        let mut draw = |below: u32| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            ((random >> 33) % u64::from(below)) as u32
        };
        for _ in 0..40 {
            let n = 2 + draw(12);
            let mut x: Vec<f64> = (0..n).map(|v| f64::from(v * v)).collect();
            let mut rows: Vec<Row> = Vec::new();
            let mut plan = Plan::new(&rows, &mut x, |_| true, &budget).unwrap();
            let (mut taken, mut refused) = (0, 0);
            for _ in 0..60 {
                let done = if draw(3) > 0 || rows.is_empty() {
                    let (a, b) = (draw(n), draw(n + 1));
                    let b = if b == n || b == a { GROUND } else { b };
                    rows.push(row(a, b, f64::from(draw(9))));
                    plan.with(&rows, &x)
                } else {
                    let r = draw(rows.len() as u32);
                    let done = plan.without(&rows, r);
                    rows.remove(r as usize);
                    done
                };
                let anew = Plan::new(&rows, &mut x.clone(), |_| true, &budget).unwrap();
                if !done {
                    refused += 1;
                    plan = anew;
                    continue;
                }
                taken += 1;
                check(&plan.forest);
                assert_eq!(plan.forest.classes(), anew.forest.classes());
                assert_eq!(plan.closed.len(), anew.closed.len());
                assert_eq!(plan.component_of.len(), anew.component_of.len());
                assert_eq!(plan.patterns.len(), rows.len());
                for a in 0..n {
                    for b in (0..n).chain([GROUND]) {
                        let known = Grown(&plan.forest).difference(a, b).is_some();
                        let expected = Grown(&anew.forest).difference(a, b).is_some();
                        assert_eq!(known, expected, "{a} {b}");
                    }
                }
            }
            assert!(taken > refused, "{taken} taken up, {refused} planned anew");
        }
    }
}
