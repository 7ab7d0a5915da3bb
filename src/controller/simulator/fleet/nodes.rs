//! A process of the fleet: its processors, its controller, and what it waits for.

use svgx_base::budget::Class;

use super::super::machine::Machine;
use super::super::policy::Policy as _;
use super::super::svgx::Svgx;
use super::store::Write;
use crate::Reason;
use crate::core::Lane;

/// What a worker claims is to be worked off within; seconds.
const AHEAD: f64 = 1.0;
/// For how long no job is taken after something else was late.
const LATE: u64 = 1_000_000_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Up,
    /// It stands still, until.
    Paused {
        since: u64,
        until: u64,
    },
    Down {
        since: u64,
    },
}

pub(super) struct Node {
    pub(super) machine: Machine,
    pub(super) policy: Svgx,
    pub(super) state: State,
    /// How often it was started.
    pub(super) life: u32,
    pub(super) generation: u32,
    /// Writes that are to be sent when those under way are answered.
    pub(super) writes: Vec<Write>,
    pub(super) is_writing: bool,
    pub(super) is_claiming: bool,
    /// Jobs that it has, by their attempts.
    pub(super) held: Vec<(u32, u32)>,
    /// Late answers that were counted, and until when they keep jobs away.
    late: (u64, u64),
}

impl Node {
    pub(super) fn new(cores: f64, policy: Svgx, life: u32) -> Node {
        Node {
            machine: Machine::new(cores),
            policy,
            state: State::Up,
            life,
            generation: 0,
            writes: Vec::new(),
            is_writing: false,
            is_claiming: false,
            held: Vec::new(),
            late: (0, 0),
        }
    }

    pub(super) fn is_up(&self) -> bool {
        self.state == State::Up
    }

    /// Whether the balancer still sends requests to it, `health` nanoseconds after it fell silent.
    pub(super) fn seems_up(&self, now: u64, health: u64) -> bool {
        match self.state {
            State::Up => true,
            // Who refuses a connection is left at once.
            State::Down { .. } => false,
            State::Paused { since, .. } => now < since + health,
        }
    }

    /// When its lease ends: the last renewal, one in each `renewed`, and a lease.
    pub(super) fn lease_ends(&self, index: u32, lease: u64, renewed: u64) -> u64 {
        let since = match self.state {
            State::Paused { since, .. } | State::Down { since } => since,
            State::Up => return u64::MAX,
        };
        let phase = u64::from(index) * 7_919_000 % renewed.max(1);
        let last = since.saturating_sub((since + renewed - phase) % renewed.max(1));
        last + lease
    }

    /// The room for jobs, as `svgx work` finds it: predicted nanoseconds, and whether it has none;
    /// `None` where it takes none now.
    pub(super) fn room(&mut self, now: u64) -> Option<(u64, bool)> {
        let controller = self.policy.controller();
        let reasons = controller.reasons();
        let late = [Reason::Late, Reason::Doomed, Reason::PredictedLate];
        let counted = reasons.iter().filter(|(r, _)| late.contains(r)).map(|(_, n)| n).sum();
        if counted > self.late.0 {
            self.late = (counted, now + LATE);
        }
        let workers = controller.workers(Lane::Batch);
        let active = controller.waiting(Lane::Batch) + controller.running(Lane::Batch);
        if now < self.late.1 || workers <= self.held.len() || workers <= active as usize {
            return None;
        }
        Some(((AHEAD * controller.capacity() * 1e9) as u64, self.held.is_empty()))
    }

    /// Fills free workers by what the controller picks; those it gave up are added to `dropped`.
    /// `cost` is the processor time of a ticket at its tier, `origin` where the controllers' clock
    /// stands at the start.
    pub(super) fn fill(
        &mut self,
        clock: u64,
        origin: u64,
        cost: &dyn Fn(u32) -> f64,
        dropped: &mut Vec<u32>,
    ) {
        use super::super::policy::Pick;
        for lane in Lane::ALL {
            while self.machine.occupied(lane) < self.policy.workers(lane) {
                match self.policy.pick(clock, lane) {
                    Pick::Nothing => break,
                    Pick::Drop { ticket } => dropped.push(ticket),
                    Pick::Run { ticket, stop } => {
                        let stop =
                            if stop == u64::MAX { stop } else { stop.saturating_sub(origin) };
                        self.machine.start(ticket, lane, cost(ticket), stop, 0);
                    }
                }
            }
        }
        self.machine.pause = Lane::ALL.map(|lane| self.policy.pauses(lane));
    }
}

/// Whether requests of a class belong to a session, and so to the replica that has it.
pub(super) fn is_of_session(class: Class) -> bool {
    matches!(class, Class::Ui | Class::Redraw)
}
