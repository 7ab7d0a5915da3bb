//! In which order to eliminate the unknowns of a sparse symmetric matrix so that little
//! fills in: approximate minimum degree on a quotient graph (Amestoy, Davis and Duff 1996,
//! without supervariables).

use super::{Graph, NONE, ROWS_PER_CHECKPOINT};
use svgx_base::budget::{Budget, Stop};

impl Graph {
    /// An elimination order of small fill: the nodes in order of elimination.
    ///
    /// # Errors
    /// [`Stop`] when the budget ends.
    pub fn minimum_degree(&self, budget: &Budget) -> Result<Vec<u32>, Stop> {
        let n = self.nodes();
        let mut variables: Vec<Vec<u32>> = Vec::with_capacity(n);
        for i in 0..n {
            if i % ROWS_PER_CHECKPOINT == 0 {
                budget.checkpoint()?;
            }
            variables.push(self.neighbors(i as u32).to_vec());
        }
        let mut touching: Vec<Vec<u32>> = vec![Vec::new(); n];
        let mut elements: Vec<Vec<u32>> = vec![Vec::new(); n];
        let mut alive = vec![true; n];
        let mut degree: Vec<u32> = variables.iter().map(|v| v.len() as u32).collect();
        let mut buckets = Buckets::new(n);
        for i in (0..n).rev() {
            buckets.insert(i as u32, degree[i]);
        }
        let mut mark = vec![NONE; n];
        let mut outside = vec![0u32; n];
        let mut stamp = vec![NONE; n];
        let mut order = Vec::with_capacity(n);
        let mut work = n;
        for step in 0..n as u32 {
            let Some(p) = buckets.pop(&mut degree) else { break };
            let p_ = p as usize;
            order.push(p);
            alive[p_] = false;
            mark[p_] = step;
            let mut front = Vec::with_capacity(degree[p_] as usize);
            for &v in &variables[p_] {
                if alive[v as usize] && mark[v as usize] != step {
                    mark[v as usize] = step;
                    front.push(v);
                }
            }
            for e in std::mem::take(&mut touching[p_]) {
                for v in std::mem::take(&mut elements[e as usize]) {
                    if alive[v as usize] && mark[v as usize] != step {
                        mark[v as usize] = step;
                        front.push(v);
                    }
                }
            }
            variables[p_] = Vec::new();
            // |Le \ Lp| for every element next to the front.
            for &i in &front {
                touching[i as usize].retain(|&e| !elements[e as usize].is_empty());
                for &e in &touching[i as usize] {
                    let e_ = e as usize;
                    if stamp[e_] != step {
                        stamp[e_] = step;
                        outside[e_] = elements[e_].len() as u32;
                    }
                    outside[e_] = outside[e_].saturating_sub(1);
                }
            }
            for &i in &front {
                let i_ = i as usize;
                buckets.remove(i, degree[i_]);
                touching[i_].retain(|&e| outside[e as usize] > 0);
                variables[i_].retain(|&v| alive[v as usize] && mark[v as usize] != step);
                let apart: u32 = touching[i_].iter().map(|&e| outside[e as usize]).sum();
                let bound = variables[i_].len() as u32 + front.len() as u32 - 1 + apart;
                degree[i_] = bound.min(n as u32 - step - 1);
                touching[i_].push(p);
                work += variables[i_].len() + touching[i_].len();
                buckets.insert(i, degree[i_]);
            }
            elements[p_] = front;
            work += elements[p_].len() + 1;
            if work > ROWS_PER_CHECKPOINT {
                work = 0;
                budget.checkpoint()?;
            }
        }
        Ok(order)
    }
}

/// Nodes by degree: doubly linked lists.
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

    fn pop(&mut self, degree: &mut [u32]) -> Option<u32> {
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
