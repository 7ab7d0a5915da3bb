//! Changes of the forest that leave the rest of it as it is: a tree is cut, or two are
//! joined. On a floor plan these are nearly all changes of structure.

use super::edge::{Edge, Known, NONE};
use super::forest::Forest;
use crate::constraint::equations::GROUND;

/// The differences that a forest knows.
pub(crate) struct KnownDifferences<'f>(pub(crate) &'f Forest);

impl Known for KnownDifferences<'_> {
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
    pub(crate) fn index(&self, v: u32) -> u32 {
        if v == GROUND { self.n } else { v }
    }

    /// The unknown that hangs on edge `k`.
    pub(crate) fn child(&self, k: u32) -> u32 {
        let edge = &self.edges[k as usize];
        let a = self.index(edge.a);
        if self.up[a as usize] == k { a } else { self.index(edge.b) }
    }

    pub(crate) fn subtree(&self, v: u32) -> std::ops::Range<usize> {
        self.position[v as usize] as usize..self.end[v as usize] as usize
    }

    /// Of the ends of an edge to be, the one that is to hang on the other: the smaller
    /// class moves, and what is known stays.
    pub(crate) fn hanging(&self, edge: &Edge) -> (u32, u32) {
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
            let size = self.end[v] - self.position[v];
            (self.position[v], self.end[v]) = (i as u32, i as u32 + size);
        }
    }

    /// Takes edge `k` away. What hung on it becomes a class of its own, the last.
    pub(crate) fn cut(&mut self, k: u32) {
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
    pub(crate) fn join(&mut self, edge: Edge, child: u32, parent: u32) -> u32 {
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
            (self.position[v as usize], self.end[v as usize]) = (0, 1);
        }
        for &v in order[1..].iter().rev() {
            self.end[self.parent[v as usize] as usize] += self.end[v as usize];
        }
        order
    }
}

/// The number of a thing after number `gone` went.
pub(crate) fn close_gap(number: &mut u32, gone: u32) {
    *number -= u32::from(*number > gone && *number != NONE);
}
