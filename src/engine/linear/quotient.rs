//! Approximate minimum degree on a quotient graph (Amestoy, Davis and Duff, *An approximate
//! minimum degree ordering algorithm*, SIAM J. Matrix Anal. 17, 1996), with variables that have
//! become one, and elements that are absorbed.
//!
//! A *variable* is an unknown that is not eliminated yet; an *element* is one that is, with the
//! variables that it joined. A variable's list has its elements, then the variables that no
//! element joins it to.

use super::{NONE, ROWS_PER_CHECKPOINT};
use svgx_base::budget::{Budget, Stop};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Variable,
    Element,
    /// An element that another one has, or a variable that is ordered with another one.
    Gone,
}

pub(super) struct Quotient {
    kind: Vec<Kind>,
    start: Vec<u32>,
    length: Vec<u32>,
    /// How many of a variable's list are elements.
    elements: Vec<u32>,
    /// How many unknowns a variable stands for.
    weight: Vec<u32>,
    /// Of a variable a bound on its degree, of an element the unknowns in its list.
    degree: Vec<u32>,
    lists: Vec<u32>,
    /// What is ordered right after each: chains, and their ends.
    after: Vec<u32>,
    last: Vec<u32>,
}

impl Quotient {
    pub(super) fn of(near: Vec<Vec<u32>>) -> Quotient {
        let n = near.len();
        let length: Vec<u32> = near.iter().map(|l| l.len() as u32).collect();
        let mut start = Vec::with_capacity(n);
        let mut end = 0;
        for l in &length {
            start.push(end);
            end += l;
        }
        let mut lists = Vec::with_capacity(2 * end as usize);
        near.iter().for_each(|list| lists.extend_from_slice(list));
        Quotient {
            kind: vec![Kind::Variable; n],
            start,
            degree: length.clone(),
            length,
            elements: vec![0; n],
            weight: vec![1; n],
            lists,
            after: vec![NONE; n],
            last: (0..n as u32).collect(),
        }
    }

    fn is_variable(&self, i: u32) -> bool {
        self.kind[i as usize] == Kind::Variable
    }

    /// Variables in order of elimination.
    pub(super) fn eliminate(mut self, budget: &Budget) -> Result<Vec<u32>, Stop> {
        let n = self.kind.len();
        let mut buckets = Buckets::new(n);
        (0..n).rev().for_each(|i| buckets.insert(i as u32, self.degree[i]));
        let mut pivots = Vec::with_capacity(n);
        // `outside[e] - stamp`: the unknowns of an element that are not in the pivot's.
        let mut outside = vec![0u32; n];
        let mut stamp = 1u32;
        let mut mark = vec![NONE; n];
        let mut same = Same::new(n);
        let mut front: Vec<u32> = Vec::new();
        let (mut done, mut work) = (0u32, 0usize);
        while let Some(p) = buckets.pop(&self.degree) {
            pivots.push(p);
            self.front(p, &mut front, &mut mark, &mut buckets);
            if stamp > u32::MAX - 2 * n as u32 - 2 {
                outside.fill(0);
                stamp = 1;
            }
            work += front.len();
            for &i in &front {
                work += self.length[i as usize] as usize;
                self.look(i, &mut outside, stamp);
            }
            let mut size: u32 = front.iter().map(|&i| self.weight[i as usize]).sum();
            done += self.weight[p as usize];
            same.clear();
            for &i in &front {
                let degree = self.renew(i, p, (&outside, stamp), &mark, &mut same);
                if degree == 0 {
                    // Nothing but the pivot's element is next to it: it goes at once.
                    size -= self.weight[i as usize];
                    done += self.weight[i as usize];
                    self.absorb(p, i);
                }
            }
            stamp += n as u32 + 1;
            self.merge(&front, &mut same);
            front.retain(|&i| self.kind[i as usize] == Kind::Variable);
            for &i in &front {
                let own = self.weight[i as usize];
                let bound = (self.degree[i as usize] + size - own).min(n as u32 - done - own);
                self.degree[i as usize] = bound;
                buckets.insert(i, bound);
            }
            self.kind[p as usize] = if front.is_empty() { Kind::Gone } else { Kind::Element };
            self.degree[p as usize] = size;
            self.start[p as usize] = self.lists.len() as u32;
            self.length[p as usize] = front.len() as u32;
            self.lists.extend_from_slice(&front);
            if self.lists.len() + n > self.lists.capacity() {
                self.collect();
            }
            if work > ROWS_PER_CHECKPOINT {
                work = 0;
                budget.checkpoint()?;
            }
        }
        let mut order = Vec::with_capacity(n);
        for p in pivots {
            let mut i = p;
            while i != NONE {
                order.push(i);
                i = self.after[i as usize];
            }
        }
        Ok(order)
    }

    /// The variables next to a pivot, which leave their buckets; its elements are its own now.
    fn front(&mut self, p: u32, front: &mut Vec<u32>, mark: &mut [u32], buckets: &mut Buckets) {
        front.clear();
        mark[p as usize] = p;
        let at = self.start[p as usize] as usize;
        let (elements, length) = (self.elements[p as usize], self.length[p as usize]);
        let mut gather = |this: &Quotient, from: usize, count: u32| {
            for &v in &this.lists[from..from + count as usize] {
                if this.is_variable(v) && mark[v as usize] != p {
                    mark[v as usize] = p;
                    front.push(v);
                    buckets.remove(v, this.degree[v as usize]);
                }
            }
        };
        for k in at..at + elements as usize {
            let e = self.lists[k] as usize;
            if self.kind[e] == Kind::Element {
                gather(self, self.start[e] as usize, self.length[e]);
                self.kind[e] = Kind::Gone;
            }
        }
        gather(self, at + elements as usize, length - elements);
    }

    /// Takes a variable of the front off what its elements have outside.
    fn look(&self, i: u32, outside: &mut [u32], stamp: u32) {
        let at = self.start[i as usize] as usize;
        let own = self.weight[i as usize];
        for &e in &self.lists[at..at + self.elements[i as usize] as usize] {
            let e = e as usize;
            if self.kind[e] != Kind::Element {
                continue;
            }
            if outside[e] < stamp {
                outside[e] = stamp + self.degree[e];
            }
            outside[e] -= own;
        }
    }

    /// The list of a variable of the front without what is gone or joined by the pivot, and with
    /// the pivot. Answers the unknowns next to it outside of the front, which become its degree.
    fn renew(
        &mut self,
        i: u32,
        p: u32,
        (outside, stamp): (&[u32], u32),
        mark: &[u32],
        same: &mut Same,
    ) -> u32 {
        let at = self.start[i as usize] as usize;
        let elements = at + self.elements[i as usize] as usize;
        let end = at + self.length[i as usize] as usize;
        let (mut to, mut degree, mut hash) = (at, 0u32, p);
        for k in at..elements {
            let e = self.lists[k];
            if self.kind[e as usize] != Kind::Element {
                continue;
            }
            let apart = outside[e as usize] - stamp;
            if apart == 0 {
                // All of it is in the pivot's.
                self.kind[e as usize] = Kind::Gone;
                continue;
            }
            degree += apart;
            hash = hash.wrapping_add(e);
            self.lists[to] = e;
            to += 1;
        }
        let first = to;
        for k in elements..end {
            let v = self.lists[k];
            if !self.is_variable(v) || mark[v as usize] == p {
                continue;
            }
            degree += self.weight[v as usize];
            hash = hash.wrapping_add(v);
            self.lists[to] = v;
            to += 1;
        }
        // The pivot takes the place of the first variable; there is room, since the pivot or
        // one of its elements was in the list.
        if to > first {
            self.lists[to] = self.lists[first];
        }
        self.lists[first] = p;
        self.elements[i as usize] = (first + 1 - at) as u32;
        self.length[i as usize] = (to + 1 - at) as u32;
        self.degree[i as usize] = self.degree[i as usize].min(degree);
        same.put(i, hash);
        degree
    }

    /// Orders a variable right after another one.
    fn absorb(&mut self, into: u32, i: u32) {
        let (into, i) = (into as usize, i as usize);
        self.weight[into] += self.weight[i];
        self.weight[i] = 0;
        self.kind[i] = Kind::Gone;
        self.after[self.last[into] as usize] = i as u32;
        self.last[into] = self.last[i];
    }

    /// Makes one of the variables of a front that have the same list.
    fn merge(&mut self, front: &[u32], same: &mut Same) {
        for &i in front {
            if !self.is_variable(i) {
                continue;
            }
            let mut next = same.next[i as usize];
            if next == NONE {
                continue;
            }
            same.stamp += 1;
            let at = self.start[i as usize] as usize;
            let list = at..at + self.length[i as usize] as usize;
            self.lists[list].iter().for_each(|&v| same.seen[v as usize] = same.stamp);
            while next != NONE {
                let j = next as usize;
                next = same.next[j];
                if !self.is_variable(j as u32)
                    || self.length[j] != self.length[i as usize]
                    || self.elements[j] != self.elements[i as usize]
                {
                    continue;
                }
                let at = self.start[j] as usize;
                let list = &self.lists[at..at + self.length[j] as usize];
                if list.iter().all(|&v| same.seen[v as usize] == same.stamp) {
                    self.absorb(i, j as u32);
                }
            }
        }
    }

    /// Moves the lists that are still needed together, into twice their room.
    fn collect(&mut self) {
        let n = self.kind.len();
        let needed = |k: &usize| self.kind[*k] != Kind::Gone;
        let sum: usize = (0..n).filter(needed).map(|k| self.length[k] as usize).sum();
        let mut lists = Vec::with_capacity(2 * sum + 2 * n);
        for k in 0..n {
            if self.kind[k] == Kind::Gone {
                continue;
            }
            let at = self.start[k] as usize;
            self.start[k] = lists.len() as u32;
            lists.extend_from_slice(&self.lists[at..at + self.length[k] as usize]);
        }
        self.lists = lists;
    }
}

/// Variables of a front by a number that those with the same list share.
struct Same {
    first: Vec<u32>,
    next: Vec<u32>,
    used: Vec<u32>,
    seen: Vec<u32>,
    stamp: u32,
}

impl Same {
    fn new(n: usize) -> Same {
        Same {
            first: vec![NONE; n],
            next: vec![NONE; n],
            used: Vec::new(),
            seen: vec![0; n],
            stamp: 0,
        }
    }

    fn clear(&mut self) {
        self.used.drain(..).for_each(|hash| self.first[hash as usize] = NONE);
    }

    fn put(&mut self, i: u32, hash: u32) {
        let hash = hash % self.first.len() as u32;
        let first = &mut self.first[hash as usize];
        if *first == NONE {
            self.used.push(hash);
        }
        self.next[i as usize] = *first;
        *first = i;
    }
}

/// Variables by degree: doubly linked lists.
struct Buckets {
    head: Vec<u32>,
    next: Vec<u32>,
    previous: Vec<u32>,
    least: usize,
}

impl Buckets {
    fn new(n: usize) -> Buckets {
        Buckets { head: vec![NONE; n + 1], next: vec![NONE; n], previous: vec![NONE; n], least: 0 }
    }

    fn insert(&mut self, i: u32, degree: u32) {
        let d = degree as usize;
        let head = self.head[d];
        self.next[i as usize] = head;
        self.previous[i as usize] = NONE;
        if head != NONE {
            self.previous[head as usize] = i;
        }
        self.head[d] = i;
        self.least = self.least.min(d);
    }

    fn remove(&mut self, i: u32, degree: u32) {
        let (next, previous) = (self.next[i as usize], self.previous[i as usize]);
        if previous == NONE {
            self.head[degree as usize] = next;
        } else {
            self.next[previous as usize] = next;
        }
        if next != NONE {
            self.previous[next as usize] = previous;
        }
    }

    fn pop(&mut self, degree: &[u32]) -> Option<u32> {
        while self.least < self.head.len() {
            let i = self.head[self.least];
            if i != NONE {
                self.remove(i, degree[i as usize]);
                return Some(i);
            }
            self.least += 1;
        }
        None
    }
}
