//! The streams of sessions: who joins, what they are told, and the drawing they begin with.

use std::sync::Arc;

use svgx_base::budget::Budget;
use svgx_engine::document::canonical;

use super::editing::Applied;
use super::error::Error;
use super::manager::{OpenSession, Sessions, Slot};
use super::store::{Key, Pending};
use super::together::{Author, Frame, Participant, Patch, ResetReason, Seat, Sent, shown_name};

/// A stream that has begun.
#[derive(Debug)]
pub struct Begun {
    /// The client's place.
    pub seat: Seat,
    /// The sequence of the session.
    pub sequence: u64,
    /// Whether what was missed follows, instead of the drawing.
    pub resumed: bool,
}

impl Sessions {
    /// A stream begins. `None` where the session has as many as it may.
    ///
    /// # Errors
    /// [`Error::Store`] and whatever keeps a stored session from being read.
    pub fn join(
        &self,
        key: &Key,
        participant: &Participant,
        name: &str,
        resume: Option<&str>,
        budget: &Budget,
    ) -> Result<Option<Begun>, Error> {
        let now = self.now();
        let slot = self.slot(key);
        self.with_slot(key, &slot, budget, |open| {
            let sequence = open.session.sequence();
            let mut room = open.room.lock();
            let name = shown_name(name);
            let Some(joined) = room.join(participant.clone(), name, resume, sequence, now) else {
                return Ok(None);
            };
            drop(room);
            let held: Arc<Slot> = Arc::clone(&slot);
            let room = Arc::clone(&open.room);
            let seat = Seat::new(room, joined.connection, participant.clone(), held);
            Ok(Some(Begun { seat, sequence, resumed: joined.resumed }))
        })
    }

    /// The whole drawing for a client: the frame, and when what it says outlives the process. What
    /// follows it is told in patches.
    ///
    /// # Errors
    /// [`Error::Store`] and whatever keeps a stored session from being read.
    pub fn rebase(
        &self,
        key: &Key,
        seat: &Seat,
        why: ResetReason,
        budget: &Budget,
    ) -> Result<(Sent, u64, Pending), Error> {
        let slot = self.slot(key);
        let (why, token, sequence, drawing, handles, state, participants, last) =
            self.with_slot(key, &slot, budget, |open| {
                open.session.know_networks(budget);
                let sequence = open.session.sequence();
                let mut room = open.room.lock();
                room.rebase(seat.connection(), sequence);
                let session = &open.session;
                Ok((
                    why,
                    room.token(sequence),
                    sequence,
                    canonical(session.document()),
                    session.handles(),
                    Box::new(session.state_of(seat.participant())),
                    room.present(),
                    open.last.clone(),
                ))
            })?;
        let resume: Arc<str> = Arc::from(token.as_str());
        let reset = Frame::Reset { why, token, sequence, drawing, handles, state, participants };
        Ok((Sent { token: Some(resume), ..Sent::new(&reset) }, sequence, last))
    }
}

impl OpenSession {
    /// Tells everybody what an operation did, in the order of the log.
    pub(super) fn publish(&self, author: &Author, done: &Applied) {
        let Some(record) = &done.record else { return };
        let mut room = self.room.lock();
        if !room.is_open() {
            return;
        }
        let sequence = self.session.sequence();
        // Before the patch: who has its token has been told.
        for conflict in &done.conflicts {
            room.tell(
                &conflict.to,
                conflict.sequence,
                &Sent::new(&Frame::Conflict(conflict.clone())),
            );
        }
        match &done.told {
            None => room.renew(ResetReason::Untold, sequence),
            Some(changes) => {
                let token: Arc<str> = room.token(sequence).into();
                let effect = &done.outcome.result;
                let patch = Patch {
                    token: token.to_string(),
                    sequence,
                    by: record.by.clone(),
                    id: author.id.clone(),
                    operation: record.operation.clone(),
                    changes: changes.clone(),
                    redraw: effect.redraw,
                    values_changed: effect.values_changed.clone(),
                    networks_changed: effect.networks_changed.clone(),
                    behaviors_triggered: effect.behaviors_triggered.clone(),
                };
                let sent = Sent::new(&Frame::Patch(Box::new(patch)));
                let durable = Some(self.last.clone());
                let (sequence, token) = (Some(sequence), Some(token));
                room.publish(Sent { sequence, token, durable, ..sent });
            }
        }
    }
}
