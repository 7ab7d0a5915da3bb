//! In which order to eliminate the unknowns of a sparse symmetric matrix so that little
//! fills in: those with at most two neighbours as they come, which fills in no more than it
//! takes away, and what is left by approximate minimum degree ([`super::quotient`]).
//!
//! Trees, chains and what is put together of loops in series and in parallel (most networks of
//! buildings) are ordered by the first part alone, in linear time.

use super::quotient::Quotient;
use super::{Graph, NONE, ROWS_PER_CHECKPOINT};
use svgx_base::budget::{Budget, Stop};

/// Lists up to this length are gone through to join two neighbours.
const SHORT: usize = 16;

impl Graph {
    /// An elimination order of small fill: the nodes in order of elimination.
    ///
    /// # Errors
    /// [`Stop`] when the budget ends.
    pub fn minimum_degree(&self, budget: &Budget) -> Result<Vec<u32>, Stop> {
        let n = self.nodes();
        let mut order = Vec::with_capacity(n);
        let mut low = Low::of(self);
        low.eliminate(&mut order, budget)?;
        if order.len() < n {
            let (names, lists) = low.rest();
            let rest = Quotient::of(lists).eliminate(budget)?;
            order.extend(rest.into_iter().map(|i| names[i as usize]));
        }
        Ok(order)
    }
}

/// A graph whose nodes of up to two neighbours are taken out. Lists keep nodes that were taken
/// out until they are gone through.
struct Low {
    start: Vec<u32>,
    lists: Vec<u32>,
    /// Neighbours that are still there.
    degree: Vec<u32>,
    alive: Vec<bool>,
}

impl Low {
    fn of(graph: &Graph) -> Low {
        let n = graph.nodes();
        let mut start = Vec::with_capacity(n + 1);
        let mut lists = Vec::with_capacity(2 * graph.edges());
        start.push(0);
        for i in 0..n as u32 {
            lists.extend_from_slice(graph.neighbors(i));
            start.push(lists.len() as u32);
        }
        let degree = start.windows(2).map(|w| w[1] - w[0]).collect();
        Low { start, lists, degree, alive: vec![true; n] }
    }

    fn list(&self, i: u32) -> &[u32] {
        &self.lists[self.start[i as usize] as usize..self.start[i as usize + 1] as usize]
    }

    fn eliminate(&mut self, order: &mut Vec<u32>, budget: &Budget) -> Result<(), Stop> {
        let n = self.alive.len();
        let mut waits: Vec<bool> = self.degree.iter().map(|&d| d <= 2).collect();
        let mut queue: Vec<u32> = (0..n as u32).filter(|&i| waits[i as usize]).collect();
        let mut next = 0;
        while let Some(&i) = queue.get(next) {
            next += 1;
            if next % ROWS_PER_CHECKPOINT == 0 {
                budget.checkpoint()?;
            }
            waits[i as usize] = false;
            if !self.alive[i as usize] {
                continue;
            }
            let mut near = [NONE; 2];
            let there = self.list(i).iter().filter(|&&j| self.alive[j as usize]);
            near.iter_mut().zip(there).for_each(|(near, &j)| *near = j);
            let [a, b] = near;
            if b != NONE && !self.join(i, a, b) {
                continue;
            }
            if b == NONE && a != NONE {
                self.degree[a as usize] -= 1;
            }
            self.alive[i as usize] = false;
            order.push(i);
            for j in [a, b] {
                if j != NONE && self.degree[j as usize] <= 2 && !waits[j as usize] {
                    waits[j as usize] = true;
                    queue.push(j);
                }
            }
        }
        Ok(())
    }

    /// Puts two neighbours of a node next to each other instead of to it. Answers whether that
    /// was done: long lists are not gone through.
    fn join(&mut self, i: u32, a: u32, b: u32) -> bool {
        if self.list(a).len().max(self.list(b).len()) > SHORT {
            return false;
        }
        if self.list(a).contains(&b) {
            self.degree[a as usize] -= 1;
            self.degree[b as usize] -= 1;
            return true;
        }
        for (at, other) in [(a, b), (b, a)] {
            let range = self.start[at as usize] as usize..self.start[at as usize + 1] as usize;
            if let Some(place) = self.lists[range].iter_mut().find(|j| **j == i) {
                *place = other;
            }
        }
        true
    }

    /// What is left, with its nodes numbered anew: their names, and their neighbours.
    fn rest(&self) -> (Vec<u32>, Vec<Vec<u32>>) {
        let n = self.alive.len();
        let names: Vec<u32> = (0..n as u32).filter(|&i| self.alive[i as usize]).collect();
        let mut number = vec![NONE; n];
        names.iter().zip(0..).for_each(|(&i, k)| number[i as usize] = k);
        let of = |&i: &u32| {
            let there = self.list(i).iter().map(|&j| number[j as usize]);
            there.filter(|&k| k != NONE).collect()
        };
        let lists = names.iter().map(of).collect();
        (names, lists)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Sparse;
    use super::*;
    use svgx_base::budget::{Class, Tier};
    use svgx_base::random::SplitMix64;

    /// Entries below the diagonal that an order makes, by elimination as it is defined.
    fn fill(n: usize, pairs: &[[u32; 2]], order: &[u32]) -> usize {
        let mut near = vec![std::collections::BTreeSet::new(); n];
        for &[a, b] in pairs {
            near[a as usize].insert(b);
            near[b as usize].insert(a);
        }
        let mut entries = 0;
        for &i in order {
            let around = std::mem::take(&mut near[i as usize]);
            entries += around.len();
            for &a in &around {
                near[a as usize].remove(&i);
                near[a as usize].extend(around.iter().filter(|&&b| b != a));
            }
        }
        entries
    }

    fn grid(across: u32, along: u32) -> Vec<[u32; 2]> {
        let mut pairs = Vec::new();
        for at in 0..across * along {
            if at % across + 1 < across {
                pairs.push([at, at + 1]);
            }
            if at / across + 1 < along {
                pairs.push([at, at + across]);
            }
        }
        pairs
    }

    #[test]
    fn every_node_comes_once_and_little_fills_in() {
        let budget = Budget::unlimited(Class::Physics, Tier::Compute);
        let mut random = SplitMix64::new(1);
        let mut any = |n: u64, count: usize| -> Vec<[u32; 2]> {
            let mut one = || (random.next_u64() % n) as u32;
            let pairs = (0..count).map(|_| [one(), one()]);
            pairs.filter(|[a, b]| a != b).collect()
        };
        let star: Vec<[u32; 2]> = (1..60).map(|k| [0, k]).collect();
        let ladder =
            (0..50).flat_map(|k| [[2 * k, 2 * k + 1], [2 * k, 2 * k + 2], [2 * k + 1, 2 * k + 3]]);
        let hubs = (2..60).flat_map(|k| [[0, k], [1, k]]);
        let all = |n: u32| (0..n).flat_map(move |a| (a + 1..n).map(move |b| [a, b]));
        // Nodes, pairs, and what may be filled at most.
        for (n, pairs, most) in [
            (1, vec![], 0),
            (60, star, 59),
            (102, ladder.collect(), 202),
            (60, hubs.collect(), 2 * 58 + 2),
            (12, all(12).collect(), 66),
            // A band takes 30 x 30 x 30.
            (900, grid(30, 30), 11_000),
            (200, any(200, 250), 900),
            (100, any(100, 900), 4_950),
        ] {
            let mut sparse = Sparse::new();
            pairs.iter().for_each(|pair| sparse.push(pair));
            let graph = Graph::of(&sparse, n, 1 << 20, &budget).unwrap();
            let order = graph.minimum_degree(&budget).unwrap();
            let mut sorted = order.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, (0..n as u32).collect::<Vec<_>>());
            let entries = fill(n, &pairs, &order);
            assert!(entries <= most, "{n}: {entries} of {most}");
        }
    }
}
