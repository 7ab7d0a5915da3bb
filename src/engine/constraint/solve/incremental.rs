//! A plan that follows a change of structure which substitution alone takes up.
//!
//! What goes further (an equation solved numerically reads what is cut or joined, or a
//! substitution follows from what is no longer known) is refused, and the caller plans anew.

use super::plan::Plan;
use crate::constraint::elimination::{Edge, Known, KnownDifferences, NONE, close_gap, derive};
use crate::constraint::equations::{Equation, GROUND, MAX_UNKNOWNS, Row};

impl Plan {
    /// Takes row `r`, which is still in `rows`, out of the plan. False where more would have
    /// to be planned anew: the plan is then of no use.
    pub(crate) fn without(&mut self, rows: &[Row], r: u32) -> bool {
        if self.has_soft {
            return false;
        }
        match self.forest.edge_of_row[r as usize] {
            NONE => {
                let Some(at) = self.constant_rows.iter().position(|&c| c == r) else {
                    return false;
                };
                self.constant_rows.remove(at);
            }
            k => {
                let forest = &self.forest;
                let hung = forest.subtree(forest.child(k));
                let inside =
                    |v: u32| hung.contains(&(forest.position[forest.index(v) as usize] as usize));
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
        edges.chain(&mut self.constant_rows).for_each(|row| close_gap(row, r));
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
    pub(crate) fn with(&mut self, rows: &[Row], x: &[f64]) -> bool {
        let Some((row, r)) = rows.last().zip(u32::try_from(rows.len() - 1).ok()) else {
            return true;
        };
        if self.has_soft || row.soft > 0.0 {
            return false;
        }
        let mut known = KnownDifferences(&self.forest);
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
            self.constant_rows.push(r);
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
        let mut vars = [0; MAX_UNKNOWNS];
        unknowns.iter().any(|&v| !self.readers.row(v).is_empty())
            || self.constant_rows.iter().any(|&r| {
                let n = rows[r as usize].equation.unknowns(&mut vars);
                vars[..n].iter().any(|&v| inside(v))
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::constraint::elimination::Forest;
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
            assert_eq!(forest.position[v] as usize, i);
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
                assert_eq!(plan.constant_rows.len(), anew.constant_rows.len());
                assert_eq!(plan.component_of.len(), anew.component_of.len());
                assert_eq!(plan.patterns.len(), rows.len());
                for a in 0..n {
                    for b in (0..n).chain([GROUND]) {
                        let known = KnownDifferences(&plan.forest).difference(a, b).is_some();
                        let expected = KnownDifferences(&anew.forest).difference(a, b).is_some();
                        assert_eq!(known, expected, "{a} {b}");
                    }
                }
            }
            assert!(taken > refused, "{taken} taken up, {refused} planned anew");
        }
    }
}
