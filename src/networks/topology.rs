//! What is connected to what: islands by union-find (Tarjan 1975, with path halving), and
//! shortest paths by breadth.

use std::collections::VecDeque;

use svgx_base::budget::{Budget, Stop};

/// How many links are gone through between two looks at the budget.
pub(crate) const LINKS_PER_CHECKPOINT: usize = 1024;

/// Disjoint sets of nodes.
#[derive(Debug, Clone)]
pub struct Sets {
    parent: Vec<u32>,
    size: Vec<u32>,
}

impl Sets {
    /// Every one of `n` nodes alone.
    pub fn new(n: usize) -> Sets {
        Sets { parent: (0..n as u32).collect(), size: vec![1; n] }
    }

    /// The node that stands for the set of `node`.
    pub fn find(&mut self, node: u32) -> u32 {
        let mut at = node as usize;
        while self.parent[at] as usize != at {
            self.parent[at] = self.parent[self.parent[at] as usize];
            at = self.parent[at] as usize;
        }
        at as u32
    }

    /// Joins the sets of two nodes; answers whether they were apart.
    pub fn join(&mut self, a: u32, b: u32) -> bool {
        let (a, b) = (self.find(a), self.find(b));
        if a == b {
            return false;
        }
        let (large, small) =
            if self.size[a as usize] >= self.size[b as usize] { (a, b) } else { (b, a) };
        self.parent[small as usize] = large;
        self.size[large as usize] += self.size[small as usize];
        true
    }
}

/// Which island every node belongs to, numbered by their first nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Islands {
    of: Vec<u32>,
    count: usize,
}

impl Islands {
    /// The islands of `n` nodes under links.
    ///
    /// # Errors
    /// [`Stop`] when the budget ends.
    pub fn of(
        n: usize,
        links: impl IntoIterator<Item = (u32, u32)>,
        budget: &Budget,
    ) -> Result<Islands, Stop> {
        let mut sets = Sets::new(n);
        for (k, (a, b)) in links.into_iter().enumerate() {
            if k % LINKS_PER_CHECKPOINT == 0 {
                budget.checkpoint()?;
            }
            sets.join(a, b);
        }
        let mut number = vec![u32::MAX; n];
        let mut of = Vec::with_capacity(n);
        let mut count = 0;
        for node in 0..n as u32 {
            let root = sets.find(node) as usize;
            if number[root] == u32::MAX {
                number[root] = count;
                count += 1;
            }
            of.push(number[root]);
        }
        Ok(Islands { of, count: count as usize })
    }

    /// How many islands there are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The island of a node.
    pub fn island(&self, node: u32) -> usize {
        self.of[node as usize] as usize
    }

    /// The nodes of every island, ascending.
    pub fn members(&self) -> Vec<Vec<u32>> {
        let mut members = vec![Vec::new(); self.count];
        for (node, &island) in self.of.iter().enumerate() {
            members[island as usize].push(node as u32);
        }
        members
    }
}

/// The links at every node.
#[derive(Debug, Clone)]
pub struct Incidence {
    start: Vec<u32>,
    links: Vec<u32>,
}

impl Incidence {
    /// Of `n` nodes under links.
    pub fn of(n: usize, ends: &[(u32, u32)]) -> Incidence {
        let mut start = vec![0u32; n + 1];
        for &(a, b) in ends {
            start[a as usize + 1] += 1;
            start[b as usize + 1] += 1;
        }
        for i in 0..n {
            start[i + 1] += start[i];
        }
        let mut fill = start.clone();
        let mut links = vec![0u32; 2 * ends.len()];
        for (k, &(a, b)) in ends.iter().enumerate() {
            for node in [a, b] {
                links[fill[node as usize] as usize] = k as u32;
                fill[node as usize] += 1;
            }
        }
        Incidence { start, links }
    }

    /// The links at a node.
    pub fn at(&self, node: u32) -> &[u32] {
        &self.links[self.start[node as usize] as usize..self.start[node as usize + 1] as usize]
    }
}

/// The links of a shortest path between two nodes, by number of links, over those that `leads`
/// allows.
pub fn path(
    n: usize,
    ends: &[(u32, u32)],
    leads: impl Fn(usize) -> bool,
    from: u32,
    to: u32,
) -> Option<Vec<u32>> {
    let incidence = Incidence::of(n, ends);
    let mut via = vec![u32::MAX; n];
    let mut seen = vec![false; n];
    let mut open = VecDeque::from([from]);
    seen[from as usize] = true;
    while let Some(node) = open.pop_front() {
        if node == to {
            let mut path = Vec::new();
            let mut at = to;
            while at != from {
                let link = via[at as usize];
                path.push(link);
                at = other(ends[link as usize], at);
            }
            path.reverse();
            return Some(path);
        }
        for &link in incidence.at(node) {
            let next = other(ends[link as usize], node);
            if leads(link as usize) && !seen[next as usize] {
                seen[next as usize] = true;
                via[next as usize] = link;
                open.push_back(next);
            }
        }
    }
    None
}

/// The other end of a link.
pub(crate) fn other((a, b): (u32, u32), node: u32) -> u32 {
    if a == node { b } else { a }
}

#[cfg(test)]
mod tests {
    use super::*;
    use svgx_base::budget::{Class, Tier};

    #[test]
    fn islands_are_numbered_by_their_first_nodes() {
        let budget = Budget::unlimited(Class::Physics, Tier::Compute);
        let islands = Islands::of(6, [(4, 5), (3, 1), (1, 2)], &budget).unwrap();
        assert_eq!(islands.members(), [vec![0], vec![1, 2, 3], vec![4, 5]]);
        assert_eq!((islands.count(), islands.island(3)), (3, 1));
    }

    #[test]
    fn a_path_is_the_shortest_over_links_that_lead() {
        let ends = [(0, 1), (1, 2), (2, 3), (0, 3), (3, 4)];
        assert_eq!(path(5, &ends, |_| true, 0, 4), Some(vec![3, 4]));
        assert_eq!(path(5, &ends, |k| k != 3, 0, 4), Some(vec![0, 1, 2, 4]));
        assert_eq!(path(5, &ends, |k| k != 4, 0, 4), None);
        assert_eq!(path(5, &ends, |_| true, 2, 2), Some(vec![]));
    }
}
