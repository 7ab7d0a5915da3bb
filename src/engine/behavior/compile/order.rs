//! Dependency order, cycles, and who reads what.

use std::collections::VecDeque;

use super::{Compiler, Draft, Target};
use crate::behavior::program::{Calculation, CodeStatus};
use crate::document::{Code, Diagnostic};

impl Compiler<'_> {
    /// Dependency order (A. B. Kahn, "Topological sorting of large networks", 1962);
    /// what is left over lies on cycles or behind them.
    pub(super) fn sort(&mut self, calculations: usize, statuses: &mut [CodeStatus]) -> Vec<u32> {
        let depends = |draft: &Draft| {
            draft
                .targets
                .iter()
                .filter_map(|t| match t {
                    Some(Target::Calculation(c)) => Some(*c),
                    _ => None,
                })
                .collect::<Vec<u32>>()
        };
        let needs: Vec<Vec<u32>> = self.drafts[..calculations].iter().map(depends).collect();
        let mut waiting: Vec<usize> = needs.iter().map(Vec::len).collect();
        let mut readers: Vec<Vec<u32>> = vec![Vec::new(); calculations];
        for (at, needs) in needs.iter().enumerate() {
            for &n in needs {
                readers[n as usize].push(at as u32);
            }
        }
        let mut order = Vec::with_capacity(calculations);
        let mut ready: VecDeque<u32> =
            (0..calculations as u32).filter(|&at| waiting[at as usize] == 0).collect();
        while let Some(at) = ready.pop_front() {
            order.push(at);
            for &reader in &readers[at as usize] {
                waiting[reader as usize] -= 1;
                if waiting[reader as usize] == 0 {
                    ready.push_back(reader);
                }
            }
        }
        self.cycles(&needs, &waiting, statuses);
        order
    }

    /// Follows unmet needs from every leftover until the path bites its tail.
    fn cycles(&mut self, needs: &[Vec<u32>], waiting: &[usize], statuses: &mut [CodeStatus]) {
        let mut seen = vec![0_u32; needs.len()];
        for start in (0..needs.len()).filter(|&at| waiting[at] > 0) {
            let mark = start as u32 + 1;
            let (mut at, mut path) = (start, Vec::new());
            while seen[at] == 0 {
                seen[at] = mark;
                path.push(at);
                let Some(&next) = needs[at].iter().find(|&&n| waiting[n as usize] > 0) else {
                    break;
                };
                at = next as usize;
            }
            if statuses[start] == CodeStatus::Ready {
                statuses[start] = CodeStatus::Blocked;
            }
            if seen[at] != mark {
                continue;
            }
            let Some(from) = path.iter().position(|&p| p == at) else { continue };
            let cycle = &path[from..];
            let name = |&at: &usize| self.draft_name(at);
            let mut names: Vec<String> = cycle.iter().take(32).map(name).collect();
            if cycle.len() > 32 {
                names.push(format!("... {} more", cycle.len() - 32));
            }
            names.extend(cycle.first().map(name));
            let message = format!("these formulas need each other: {}", names.join(" -> "));
            let place = self.drafts[cycle[0]].place;
            for &at in cycle {
                statuses[at] = CodeStatus::Invalid(Code::FormulaCycle);
            }
            self.push(Diagnostic::error(Code::FormulaCycle, place, message));
        }
    }
}

/// For every slot, the ranks of the calculations that read it.
pub(super) fn readers(named: usize, order: &[u32], list: &[Calculation]) -> (Vec<u32>, Vec<u32>) {
    let mut starts = vec![0_u32; named + 1];
    let reads = |&at: &u32| list[at as usize].reads.iter().map(|&r| r as usize);
    for slot in order.iter().flat_map(reads) {
        starts[slot + 1] += 1;
    }
    for i in 1..starts.len() {
        starts[i] += starts[i - 1];
    }
    let mut next = starts.clone();
    let mut readers = vec![0_u32; starts.last().map_or(0, |&n| n as usize)];
    for (rank, at) in order.iter().enumerate() {
        for slot in reads(at) {
            readers[next[slot] as usize] = rank as u32;
            next[slot] += 1;
        }
    }
    (starts, readers)
}
