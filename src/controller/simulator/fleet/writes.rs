//! Writes on their way to the store and back.

use super::super::engine::Fate;
use super::super::ideal::judged;
use super::nodes::{Node, State};
use super::play::{Event, World, index, ms, nanos};
use super::store::{What, Write};

impl World<'_> {
    /// A write on a connection of its own.
    pub(super) fn send(&mut self, now: u64, node: u32, what: What) {
        let life = self.node(node).map_or(0, |n| n.life);
        let letter = self.letter(vec![Write { node, life, what, since: now, done: false }]);
        self.timeline.push(now + ms(self.costs.way), Event::Sent(letter));
    }

    /// A write by the thread of a replica that writes: what comes while it waits goes together.
    pub(super) fn write(&mut self, now: u64, node: u32, what: What) {
        let Some(n) = self.node(node) else { return };
        n.writes.push(Write { node, life: n.life, what, since: now, done: false });
        if !n.is_writing {
            self.send_writes(now, node);
        }
    }

    pub(super) fn send_writes(&mut self, now: u64, node: u32) {
        let (most, patience) = (self.costs.together, nanos(self.costs.write_patience));
        let Some(n) = self.node(node) else { return };
        let waited = |write: &Write| now > write.since + patience;
        let old = n.writes.iter().position(|write| !waited(write)).unwrap_or(n.writes.len());
        let refused: Vec<Write> = n.writes.drain(..old).collect();
        let some: Vec<Write> = n.writes.drain(..most.min(n.writes.len())).collect();
        n.is_writing = !some.is_empty();
        for write in refused {
            if let What::Append { ticket, .. } = write.what {
                let at = self.run.attempts.get(ticket as usize).map_or(now, |a| a.at);
                self.fail(now, ticket, Fate::Dropped(now - at), 1_000_000_000);
            }
        }
        if !some.is_empty() {
            let letter = self.letter(some);
            self.timeline.push(now + ms(self.costs.way), Event::Sent(letter));
        }
    }

    pub(super) fn letter(&mut self, writes: Vec<Write>) -> u32 {
        let letter = self.free.pop().unwrap_or_else(|| {
            self.mail.push(Vec::new());
            index(self.mail.len() - 1)
        });
        if let Some(place) = self.mail.get_mut(letter as usize) {
            *place = writes;
        }
        letter
    }

    pub(super) fn opened(&mut self, letter: u32) -> Vec<Write> {
        self.free.push(letter);
        self.mail.get_mut(letter as usize).map(std::mem::take).unwrap_or_default()
    }

    pub(super) fn flushed(&mut self, now: u64) {
        let (mut writes, next) = self.store.flushed(self.costs);
        if let Some(took) = next {
            self.timeline.push(now + took, Event::Flushed);
        }
        for write in &mut writes {
            write.done = self.apply(now, write);
        }
        // The answers to what one process has sent together come together.
        let mut rest = writes.into_iter().peekable();
        while let Some(first) = rest.next() {
            let mut some = vec![first];
            while let Some(write) = rest.next_if(|w| w.node == first.node && w.life == first.life) {
                some.push(write);
            }
            let letter = self.letter(some);
            self.timeline.push(now + ms(self.costs.way), Event::Answered(letter));
        }
    }

    /// What the store does of a write; whether it does it.
    pub(super) fn apply(&mut self, now: u64, write: &mut Write) -> bool {
        match &mut write.what {
            What::Append { ticket, session, epoch } => {
                let known = self.sessions.get(*session as usize);
                if known.is_none_or(|session| session.epoch != *epoch) {
                    self.out.fenced += 1;
                    return false;
                }
                let arrival = self.run.attempts.get(*ticket as usize).map(|a| a.arrival);
                let edit = arrival.and_then(|a| self.out.edits.get_mut(a as usize));
                // Sent again under its own name it is done once.
                if let Some((times @ 0, _)) = edit {
                    *times += 1;
                    self.out.written += u64::from(judged(self.scenario, now));
                }
                true
            }
            What::Take { session } => {
                let Some(known) = self.sessions.get_mut(*session as usize) else { return false };
                known.epoch += 1;
                known.owner = write.node;
                self.out.taken += 1;
                true
            }
            What::Renew => true,
            What::Claim { room, idle, job } => {
                *job = self.queue.claim(*room, *idle);
                true
            }
            What::Finish { job, attempt } => {
                let counts = self.queue.finish(now, *job, *attempt);
                self.out.late_answers += u64::from(!counts);
                counts
            }
        }
    }

    pub(super) fn answered(&mut self, now: u64, letter: u32) {
        let writes = self.opened(letter);
        let Some(first) = writes.first().copied() else { return };
        let (node, life) = (first.node, first.life);
        let until = match self.nodes.get(node as usize) {
            Some(n) if n.life == life && n.is_up() => None,
            Some(Node { state: State::Paused { until, .. }, life: is, .. }) if *is == life => {
                Some(*until)
            }
            _ => {
                for write in &writes {
                    self.unheard(now, write);
                }
                return;
            }
        };
        if let Some(until) = until {
            let letter = self.letter(writes);
            return self.timeline.push(until, Event::Answered(letter));
        }
        let mut is_thread = false;
        for write in writes {
            match write.what {
                What::Append { ticket, session, .. } => {
                    is_thread = true;
                    self.appended(now, ticket, session, write.done);
                }
                What::Take { session } => self.took(now, node, session),
                What::Renew => {}
                What::Claim { job, .. } => self.claimed(now, node, job),
                What::Finish { job, attempt } => {
                    if let Some(n) = self.node(node) {
                        n.held.retain(|held| *held != (job, attempt));
                    }
                    self.look(now, node);
                }
            }
        }
        if is_thread {
            self.send_writes(now, node);
        }
    }

    /// An answer whose process is gone.
    pub(super) fn unheard(&mut self, now: u64, write: &Write) {
        match write.what {
            What::Claim { job: Some(job), .. } => {
                let attempt = self.queue.jobs.get(job as usize).map_or(0, |job| job.attempt);
                self.timeline.push(now + nanos(self.costs.job_lease), Event::Lost { job, attempt });
            }
            What::Take { session } => self.let_go(now, session),
            _ => {}
        }
    }

    pub(super) fn appended(&mut self, now: u64, ticket: u32, session: u32, done: bool) {
        let Some(leg) = self.legs.get(ticket as usize).copied() else { return };
        if !done {
            // Another replica has the session: it is asked.
            if self.is_inside(ticket) {
                let life = self.node(leg.node).map_or(0, |n| n.life);
                self.timeline.push(now + 1, Event::Reach { ticket, node: leg.node, life });
            }
            return;
        }
        let at = self.run.attempts.get(ticket as usize).map_or(now, |a| a.at);
        let Some(attempt) = self.settle(ticket, Fate::Answered(now - at)) else { return };
        if let Some(edit) = self.out.edits.get_mut(attempt.arrival as usize) {
            edit.1 = true;
        }
        let orphan = self.sessions.get_mut(session as usize).and_then(|s| s.orphan.take());
        // Only of those who asked after the death: a gap of the service, not of the client.
        if let Some(died) = orphan {
            let asked = self.arrivals.get(attempt.arrival as usize).map_or(died, |a| a.at);
            self.out.gap = self.out.gap.max(now - died.max(asked));
        }
    }

    pub(super) fn took(&mut self, now: u64, node: u32, session: u32) {
        let load = self.costs.load * 1e6;
        self.advance(now, node);
        if let Some(n) = self.node(node) {
            n.machine.io += load;
        }
        self.let_go(now + load as u64, session);
        self.work(now, node);
    }

    /// Requests that waited for a session to change hands look again.
    pub(super) fn let_go(&mut self, at: u64, session: u32) {
        let Some(known) = self.sessions.get_mut(session as usize) else { return };
        known.taking = None;
        for ticket in std::mem::take(&mut known.waiting) {
            let node = self.legs.get(ticket as usize).map_or(0, |leg| leg.node);
            let life = self.node(node).map_or(0, |n| n.life);
            self.timeline.push(at, Event::Reach { ticket, node, life });
        }
    }
}
