//! Incidence: which points coincide, and which lie on which circle. It decides how a
//! tangency is written.

use std::collections::HashMap;

use crate::constraint::sketch::{Circle, Feature, Kind, Point, Problem};

/// Which points are one by a coincidence, and which lie on which circle.
#[derive(Default)]
pub(crate) struct Incidence {
    parent: HashMap<Point, Point>,
    on: HashMap<u32, Vec<Point>>,
}

impl Incidence {
    pub(crate) fn on_circle(&mut self, k: Circle, p: Point) {
        let on = self.on.entry(k.r).or_default();
        // More is no sketch; the list is searched for every tangency.
        if on.len() < 64 {
            on.push(p);
        }
    }

    pub(crate) fn read(&mut self, problem: &Problem, features: &[Vec<Feature>]) {
        for (c, of) in problem.constraints.iter().zip(features) {
            if c.soft.is_some() {
                continue;
            }
            match (c.kind, of.as_slice()) {
                (Kind::Coincident, [Feature::Point(p), rest @ ..]) => {
                    for f in rest {
                        if let Feature::Point(q) = f {
                            let (a, b) = (self.root(*p), self.root(*q));
                            if a != b {
                                self.parent.insert(a, b);
                            }
                        }
                    }
                }
                (
                    Kind::PointOn,
                    [Feature::Point(p), Feature::Circle(k) | Feature::Arc(k, ..)]
                    | [Feature::Circle(k) | Feature::Arc(k, ..), Feature::Point(p)],
                ) => self.on_circle(*k, *p),
                _ => {}
            }
        }
    }

    /// The representative of `p`, with the way to it shortened.
    fn root(&mut self, p: Point) -> Point {
        let root = self.find(p);
        let mut at = p;
        while at != root {
            match self.parent.insert(at, root) {
                Some(next) => at = next,
                None => break,
            }
        }
        root
    }

    fn find(&self, mut p: Point) -> Point {
        while let Some(&q) = self.parent.get(&p) {
            p = q;
        }
        p
    }

    pub(crate) fn same(&self, p: Point, q: Point) -> bool {
        self.find(p) == self.find(q)
    }

    pub(crate) fn is_on(&self, k: Circle, p: Point) -> bool {
        self.on.get(&k.r).is_some_and(|on| on.iter().any(|&q| self.same(p, q)))
    }

    pub(crate) fn shared(&self, k: Circle, m: Circle) -> Option<Point> {
        let (a, b) = (self.on.get(&k.r)?, self.on.get(&m.r)?);
        a.iter().copied().find(|&p| b.iter().any(|&q| self.same(p, q)))
    }
}
