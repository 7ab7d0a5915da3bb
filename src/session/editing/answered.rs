//! Operations that were done before.

use super::super::error::Error;
use super::super::operation::Operation;
use super::super::outcome::{Effect, Outcome, State};
use super::super::together::{Author, Participant, hash};
use super::{Applied, Session};

impl Session {
    /// What was answered to an operation of that id.
    pub(super) fn answered(
        &mut self,
        by: &Participant,
        id: &str,
        hash: u64,
    ) -> Result<Option<Applied>, Error> {
        let found = self.answers.find(by, id, hash).map_err(|()| Error::BadId {
            id: id.chars().take(64).collect(),
            reason: "was used for another operation",
        })?;
        let Some(found) = found.cloned() else { return Ok(None) };
        let outcome = found.outcome().unwrap_or_else(|| {
            self.turn_to(by);
            // It was done before the session was read from the store: that is all that is known.
            let state = State { sequence: found.sequence, ..self.state() };
            Outcome { operation: found.operation.clone(), result: Effect::default(), state }
        });
        let (record, told, conflicts) = (None, None, Vec::new());
        Ok(Some(Applied { outcome, record, told, conflicts, repeated: true }))
    }

    /// Takes over the operations that another session has answered under its name.
    pub(crate) fn keep_answers(&mut self, other: &Session) {
        self.answers.clone_from(&other.answers);
    }

    /// Notes the answer to an operation that replaced the session.
    pub(crate) fn note_answer(
        &mut self,
        author: &Author,
        operation: &Operation,
        outcome: &Outcome,
    ) {
        if let Some(id) = &author.id {
            let (by, hash) = (&author.participant, hash(operation));
            let (at, word) = (self.sequence, operation.name());
            self.answers.note(by, id, hash, at, word, Some(outcome));
        }
    }

    /// The operation of that id, where it was answered already.
    ///
    /// # Errors
    /// [`Error::BadId`] where another one had the id.
    pub(crate) fn done_before(
        &mut self,
        author: &Author,
        operation: &Operation,
    ) -> Result<Option<Applied>, Error> {
        match &author.id {
            Some(id) => self.answered(&author.participant, id, hash(operation)),
            None => Ok(None),
        }
    }
}
