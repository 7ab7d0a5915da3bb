//! Our pool without our controller: earliest deadline first for ui and redraw,
//! physics on its share and pausing for them; everything is let in. It shows
//! what isolation alone is worth.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};

use super::super::policy::{Answer, End, Incoming, Pick, Policy, Setting, Usage};
use super::workers;
use crate::core::Lane;
use svgx_base::budget::{Class, Tier};

/// The pool with nobody at the door.
#[derive(Debug)]
pub struct Isolation {
    setting: Setting,
    queues: [BinaryHeap<Reverse<(u64, u32)>>; 3],
    running: [usize; 3],
    lanes: HashMap<u32, Lane>,
    gone: HashSet<u32>,
}

impl Isolation {
    /// An empty pool.
    pub fn new(setting: &Setting) -> Isolation {
        Isolation {
            setting: setting.clone(),
            queues: Default::default(),
            running: [0; 3],
            lanes: HashMap::new(),
            gone: HashSet::new(),
        }
    }

    fn pressing(&self, lane: Lane) -> usize {
        let waiting = self.queues.get(lane as usize).map_or(0, BinaryHeap::len);
        waiting + self.running.get(lane as usize).copied().unwrap_or(0)
    }
}

impl Policy for Isolation {
    fn arrive(&mut self, now: u64, incoming: &Incoming<'_>) -> Answer {
        let class = incoming.arrival.class;
        let lane = Lane::of(class);
        let deadline = now.saturating_add(self.setting.budget(class));
        self.lanes.insert(incoming.ticket, lane);
        if let Some(queue) = self.queues.get_mut(lane as usize) {
            queue.push(Reverse((deadline, incoming.ticket)));
        }
        Answer::Queued { tier: Tier::Compute }
    }

    fn pick(&mut self, _: u64, lane: Lane) -> Pick {
        let Some(queue) = self.queues.get_mut(lane as usize) else { return Pick::Nothing };
        while let Some(Reverse((_, ticket))) = queue.pop() {
            if self.gone.remove(&ticket) {
                continue;
            }
            if let Some(running) = self.running.get_mut(lane as usize) {
                *running += 1;
            }
            return Pick::Run { ticket, stop: u64::MAX };
        }
        Pick::Nothing
    }

    fn finish(&mut self, _: u64, ticket: u32, _: Class, _: Usage, _: End) {
        if let Some(lane) = self.lanes.remove(&ticket)
            && let Some(running) = self.running.get_mut(lane as usize)
        {
            *running = running.saturating_sub(1);
        }
    }

    fn abandon(&mut self, _: u64, ticket: u32) -> bool {
        self.lanes.remove(&ticket);
        self.gone.insert(ticket)
    }

    fn tick(&mut self, _: u64, cores: Option<f64>) {
        if let Some(cores) = cores {
            self.setting.cores = cores;
        }
    }

    fn workers(&self, lane: Lane) -> usize {
        match lane {
            Lane::Urgent => workers(self.setting.cores),
            Lane::Physics => (workers(self.setting.cores) / 2).max(1),
            Lane::Batch => 1,
        }
    }

    fn pauses(&self, lane: Lane) -> bool {
        let urgent = self.pressing(Lane::Urgent);
        let running = self.running.get(lane as usize).copied().unwrap_or(0);
        lane != Lane::Urgent && urgent > 0 && urgent + running > workers(self.setting.cores)
    }

    fn tier(&self) -> (Tier, u64) {
        (Tier::Compute, 0)
    }
}
