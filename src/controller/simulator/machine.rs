//! The processors of one replica: threads that share them, pause at
//! checkpoints, block on a lock, and are throttled by a quota.

use crate::core::Lane;

/// Longest processor time between two checkpoints of work that can pause.
pub(super) const GRAIN: f64 = 1e6;
/// The period over which a quota is counted.
const PERIOD: u64 = 100_000_000;
/// Weights of the Linux scheduler at niceness 5, 10 and 19, as the lanes have them.
const WEIGHT: [f64; 3] = [335.0, 110.0, 15.0];
/// The weight at niceness 0.
const DEFAULT_WEIGHT: f64 = 1024.0;
/// The threads that speak HTTP are not nice to the others.
const IO_WEIGHT: f64 = DEFAULT_WEIGHT;

#[derive(Clone, Copy, Debug, PartialEq)]
enum ThreadState {
    Running,
    Paused,
    Blocked,
}

/// A piece of work on a worker.
#[derive(Clone, Debug)]
pub(super) struct Thread {
    pub(super) ticket: u32,
    pub(super) lane: Lane,
    pub(super) since: u64,
    /// Processor nanoseconds left.
    left: f64,
    /// Processor nanoseconds used.
    used: f64,
    paused: u64,
    paused_since: u64,
    state: ThreadState,
    /// Processors it gets now.
    speed: f64,
    /// Stop at the first checkpoint after this.
    stop: u64,
    /// To hold the lock before it goes on.
    locked: u64,
}

/// What happened on a machine.
#[derive(Clone, Copy, Debug)]
pub(super) struct Completion {
    pub(super) ticket: u32,
    pub(super) stopped: bool,
    pub(super) cpu: u64,
    pub(super) ran: u64,
}

/// The processors of one replica.
#[derive(Clone, Debug)]
pub(super) struct Machine {
    now: u64,
    pub(super) cores: f64,
    /// Part of each processor the hypervisor gives.
    pub(super) speed: f64,
    /// Busy threads of other programs, at the default priority.
    pub(super) neighbours: f64,
    /// Processors by the quota.
    quota: Option<f64>,
    quota_left: f64,
    pub(super) threads: Vec<Thread>,
    /// Processor nanoseconds of reading and answering requests.
    pub(super) io: f64,
    io_speed: f64,
    /// Lanes incoming to pause.
    pub(super) pause: [bool; 3],
    /// The one lock is free at this time.
    lock_free: u64,
    /// Processor nanoseconds used since the start.
    pub(super) busy: f64,
}

impl Machine {
    pub(super) fn new(cores: f64) -> Machine {
        Machine {
            now: 0,
            cores,
            speed: 1.0,
            neighbours: 0.0,
            quota: None,
            quota_left: 0.0,
            threads: Vec::new(),
            io: 0.0,
            io_speed: 0.0,
            pause: [false; 3],
            lock_free: 0,
            busy: 0.0,
        }
    }

    /// Changes the quota; the running period starts with all of it.
    pub(super) fn set_quota(&mut self, quota: Option<f64>) {
        self.quota = quota;
        self.quota_left = quota.map_or(0.0, |cores| cores * PERIOD_F);
    }

    /// Threads of a lane on a worker, paused ones too.
    pub(super) fn occupied(&self, lane: Lane) -> usize {
        self.threads.iter().filter(|thread| thread.lane == lane).count()
    }

    /// Whether a worker has this work.
    pub(super) fn has(&self, ticket: u32) -> bool {
        self.threads.iter().any(|thread| thread.ticket == ticket)
    }

    /// Processor nanoseconds that this work has used so far.
    pub(super) fn used(&self, ticket: u32) -> f64 {
        self.threads.iter().find(|thread| thread.ticket == ticket).map_or(0.0, |t| t.used)
    }

    /// Whether nothing is worked on but batch.
    pub(super) fn is_idle(&self) -> bool {
        self.threads.iter().all(|thread| thread.lane == Lane::Batch)
    }

    /// Puts work on a worker.
    pub(super) fn start(&mut self, ticket: u32, lane: Lane, cpu: f64, stop: u64, locked: u64) {
        self.threads.push(Thread {
            ticket,
            lane,
            since: self.now,
            left: cpu,
            used: 0.0,
            paused: 0,
            paused_since: 0,
            state: ThreadState::Running,
            speed: 0.0,
            stop,
            locked,
        });
        if locked > 0 {
            let free = self.lock_free.max(self.now) + locked;
            self.lock_free = free;
            if let Some(thread) = self.threads.last_mut() {
                thread.state = ThreadState::Blocked;
                thread.locked = free;
            }
        }
    }

    /// Lets time pass; what ended on the way is added to `ended`. `now` must
    /// not be later than [`Machine::next`].
    pub(super) fn advance(&mut self, now: u64, ended: &mut Vec<Completion>) {
        let span = now.saturating_sub(self.now) as f64;
        let mut total = 0.0;
        if self.io > 0.0 {
            let done = (self.io_speed * span).min(self.io);
            self.io -= done;
            total += done;
        }
        for thread in &mut self.threads {
            let done = (thread.speed * span).min(thread.left);
            thread.left -= done;
            thread.used += done;
            total += done;
        }
        self.busy += total;
        self.quota_left -= total;
        if now / PERIOD != self.now / PERIOD {
            self.quota_left = self.quota.map_or(0.0, |cores| cores * PERIOD_F);
        }
        self.now = self.now.max(now);
        self.settle(ended);
    }

    /// Ends, pauses and resumes threads.
    fn settle(&mut self, ended: &mut Vec<Completion>) {
        let now = self.now;
        let mut at = 0;
        while let Some(thread) = self.threads.get_mut(at) {
            if thread.state == ThreadState::Blocked && now >= thread.locked {
                thread.state = ThreadState::Running;
                // Blocked, it wanted no processor.
                thread.paused += now - thread.since;
            }
            let grain = thread.used % GRAIN;
            let checkpoint = thread.state == ThreadState::Paused
                || (thread.used > 0.0 && !(2.0..=GRAIN - 2.0).contains(&grain));
            let done = thread.left < 1.0 && thread.state != ThreadState::Blocked;
            let stopped = !done && checkpoint && now >= thread.stop;
            if done || stopped {
                let thread = self.threads.swap_remove(at);
                let paused = thread.paused
                    + if thread.state == ThreadState::Paused {
                        now - thread.paused_since
                    } else {
                        0
                    };
                ended.push(Completion {
                    ticket: thread.ticket,
                    stopped,
                    cpu: whole(thread.used),
                    ran: (now - thread.since).saturating_sub(paused),
                });
                continue;
            }
            let pause = self.pause.get(thread.lane as usize).copied().unwrap_or(false);
            match thread.state {
                // Work that has just begun meets its first checkpoint at once.
                ThreadState::Running if pause && (checkpoint || thread.used < 1.0) => {
                    thread.state = ThreadState::Paused;
                    thread.paused_since = now;
                }
                ThreadState::Paused if !pause => {
                    thread.state = ThreadState::Running;
                    thread.paused += now - thread.paused_since;
                }
                _ => {}
            }
            at += 1;
        }
    }

    /// After any change: applies pauses, shares the processors, and tells when
    /// something happens next by itself.
    pub(super) fn next(&mut self, ended: &mut Vec<Completion>) -> u64 {
        self.settle(ended);
        self.share();
        let mut next = u64::MAX;
        let mut total = if self.io > 0.0 { self.io_speed } else { 0.0 };
        if self.io > 0.0 && self.io_speed > 0.0 {
            next = next.min(after(self.now, self.io / self.io_speed));
        }
        for thread in &self.threads {
            if thread.state == ThreadState::Blocked {
                next = next.min(thread.locked.max(self.now + 1));
            }
            if thread.state == ThreadState::Paused && thread.stop < u64::MAX {
                next = next.min(thread.stop.max(self.now + 1));
            }
            if thread.state != ThreadState::Running || thread.speed <= 0.0 {
                continue;
            }
            total += thread.speed;
            let mut span = thread.left / thread.speed;
            let pause = self.pause.get(thread.lane as usize).copied().unwrap_or(false);
            if pause || thread.stop < u64::MAX {
                let to_checkpoint = (GRAIN - thread.used % GRAIN).max(1.0) / thread.speed;
                let first = after(self.now, to_checkpoint);
                if pause || first >= thread.stop {
                    span = span.min(to_checkpoint);
                } else {
                    // The first checkpoint at or after the stop.
                    let more = (thread.stop - first) as f64 * thread.speed / GRAIN;
                    span = span.min(to_checkpoint + libm::ceil(more) * GRAIN / thread.speed);
                }
            }
            next = next.min(after(self.now, span));
        }
        if self.quota.is_some() {
            let period = (self.now / PERIOD + 1) * PERIOD;
            next = next.min(period);
            if total > 0.0 && self.quota_left > 0.0 {
                next = next.min(after(self.now, self.quota_left / total));
            }
        }
        next
    }

    /// Weighted shares, at most one processor each.
    fn share(&mut self) {
        let throttled = self.quota.is_some() && self.quota_left < 1.0;
        let running = |thread: &&mut Thread| thread.state == ThreadState::Running;
        let count = self.threads.iter_mut().filter(running).count() + usize::from(self.io > 0.0);
        let plenty = count as f64 + self.neighbours <= self.cores;
        if throttled || plenty {
            let speed = if throttled { 0.0 } else { self.speed };
            self.io_speed = speed;
            for thread in &mut self.threads {
                thread.speed = if thread.state == ThreadState::Running { speed } else { 0.0 };
            }
            return;
        }
        // Water filling: whoever would get more than a processor gets one.
        let (mut left, mut weight) = (self.cores, DEFAULT_WEIGHT * self.neighbours);
        if self.io > 0.0 {
            weight += IO_WEIGHT;
        }
        for thread in self.threads.iter_mut() {
            thread.speed = -1.0;
            if thread.state == ThreadState::Running {
                weight += weight_of(thread.lane);
            } else {
                thread.speed = 0.0;
            }
        }
        let mut io_full = self.io <= 0.0;
        let mut others_full = self.neighbours <= 0.0;
        loop {
            let unit = left / weight.max(1e-9);
            let mut changed = false;
            if !others_full && DEFAULT_WEIGHT * unit >= 1.0 {
                others_full = true;
                left -= self.neighbours;
                weight -= DEFAULT_WEIGHT * self.neighbours;
                changed = true;
            }
            if !io_full && IO_WEIGHT * unit >= 1.0 {
                io_full = true;
                self.io_speed = self.speed;
                left -= 1.0;
                weight -= IO_WEIGHT;
                changed = true;
            }
            for thread in self.threads.iter_mut().filter(|thread| thread.speed < 0.0) {
                if weight_of(thread.lane) * unit >= 1.0 {
                    thread.speed = self.speed;
                    left -= 1.0;
                    weight -= weight_of(thread.lane);
                    changed = true;
                }
            }
            if !changed || left <= 0.0 {
                let unit = (left / weight.max(1e-9)).max(0.0);
                if !io_full {
                    self.io_speed = IO_WEIGHT * unit * self.speed;
                }
                for thread in self.threads.iter_mut().filter(|thread| thread.speed < 0.0) {
                    thread.speed = weight_of(thread.lane) * unit * self.speed;
                }
                return;
            }
        }
    }
}

const PERIOD_F: f64 = 1e8;

fn weight_of(lane: Lane) -> f64 {
    WEIGHT.get(lane as usize).copied().unwrap_or(1.0)
}

fn after(now: u64, span: f64) -> u64 {
    now.saturating_add(libm::ceil(span).max(1.0) as u64)
}

fn whole(ns: f64) -> u64 {
    ns as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(machine: &mut Machine, until: u64) -> Vec<(u64, Completion)> {
        let mut all = Vec::new();
        loop {
            let mut ended = Vec::new();
            let next = machine.next(&mut ended).min(until);
            machine.advance(next, &mut ended);
            all.extend(ended.into_iter().map(|end| (machine.now, end)));
            if next == until {
                return all;
            }
        }
    }

    #[test]
    fn three_threads_on_two_processors_each_get_two_thirds() {
        let mut machine = Machine::new(2.0);
        for ticket in 0..3 {
            machine.start(ticket, Lane::Urgent, 1e7, u64::MAX, 0);
        }
        let ends = run(&mut machine, 100_000_000);
        assert_eq!(ends.len(), 3);
        assert!(ends.iter().all(|(at, _)| at.abs_diff(15_000_000) < 100), "{ends:?}");
    }

    #[test]
    fn two_busy_neighbours_leave_a_nice_thread_a_quarter_of_a_processor() {
        let mut machine = Machine::new(2.0);
        machine.neighbours = 2.0;
        machine.start(0, Lane::Urgent, 1e6, u64::MAX, 0);
        let ends = run(&mut machine, 100_000_000);
        let right = 1e6 * (2.0 * 1024.0 + 335.0) / (2.0 * 335.0);
        assert!((ends[0].0 as f64 - right).abs() < 100.0, "{ends:?}");
    }

    #[test]
    fn nice_work_gives_way_and_pauses_at_its_next_checkpoint() {
        let mut machine = Machine::new(1.0);
        machine.start(0, Lane::Physics, 1e7, u64::MAX, 0);
        run(&mut machine, 2_500_000);
        machine.pause = [false, true, false];
        machine.start(1, Lane::Urgent, 5e6, u64::MAX, 0);
        let ends = run(&mut machine, 100_000_000);
        // Half a millisecond of grain is left, at a tenth of the processor.
        let (at, urgent) = ends[0];
        assert!(urgent.ticket == 1 && at < 8_100_000, "{ends:?}");
        machine.pause = [false; 3];
        let (_, physics) = run(&mut machine, 200_000_000)[0];
        // 2.5 ms alone, half a millisecond beside the urgent work, seven alone again.
        let ran = 2_500_000 + 500_000 * (335 + 110) / 110 + 7_000_000;
        let right = physics.cpu.abs_diff(10_000_000) < 10 && physics.ran.abs_diff(ran) < 1_000;
        assert!(right, "{physics:?}");
    }

    #[test]
    fn a_quota_stalls_everything_until_the_period_ends() {
        let mut machine = Machine::new(2.0);
        machine.set_quota(Some(0.5));
        machine.start(0, Lane::Urgent, 6e7, u64::MAX, 0);
        let ends = run(&mut machine, 1_000_000_000);
        let (at, end) = ends[0];
        assert!(at.abs_diff(110_000_000) < 1_000 && end.cpu.abs_diff(60_000_000) < 10, "{ends:?}");
    }

    #[test]
    fn one_lock_is_held_by_one_at_a_time() {
        let mut machine = Machine::new(2.0);
        for ticket in 0..2 {
            machine.start(ticket, Lane::Urgent, 1e6, u64::MAX, 50_000_000);
        }
        let ends = run(&mut machine, 1_000_000_000);
        assert!(ends[1].0.abs_diff(101_000_000) < 100, "{ends:?}");
    }

    #[test]
    fn work_past_its_deadline_stops_at_a_checkpoint() {
        let mut machine = Machine::new(1.0);
        machine.start(0, Lane::Physics, 5e7, 10_200_000, 0);
        let ends = run(&mut machine, 1_000_000_000);
        assert!(ends[0].1.stopped && ends[0].0.abs_diff(11_000_000) < 10, "{ends:?}");
    }
}
