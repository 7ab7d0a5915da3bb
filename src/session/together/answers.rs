//! Operations that carried an id, so that the same id again gives the first answer. The record
//! of an operation carries its id: after a restart it is known that it was done.

use std::collections::{HashMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::participant::Participant;
use crate::operation::Operation;
use crate::outcome::Outcome;

/// Operations that are remembered, of all participants together.
pub(crate) const ANSWERS: usize = 512;
/// Bytes of answers that are kept whole.
const BYTES: usize = 1024 * 1024;

/// An operation that was answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Answered {
    #[serde(rename = "p")]
    by: Participant,
    #[serde(rename = "i")]
    id: String,
    /// Of the operation's content.
    #[serde(rename = "h")]
    hash: u64,
    #[serde(rename = "s")]
    pub(crate) sequence: u64,
    #[serde(rename = "o")]
    pub(crate) operation: String,
    /// The first answer, in JSON, where it is still there.
    #[serde(skip)]
    answer: Option<Vec<u8>>,
}

impl Answered {
    /// The first answer, where it is still there.
    pub(crate) fn outcome(&self) -> Option<Outcome> {
        serde_json::from_slice(self.answer.as_ref()?).ok()
    }
}

/// What was answered, the oldest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answers {
    list: VecDeque<Answered>,
    /// How many were dropped before the first one.
    dropped: usize,
    index: HashMap<Participant, HashMap<String, usize>>,
    bytes: usize,
}

/// The hash of what an operation asks.
pub(crate) fn hash(operation: &Operation) -> u64 {
    let text = serde_json::to_vec(operation).unwrap_or_default();
    let hash = blake3::hash(&text);
    hash.as_bytes().iter().take(8).fold(0, |hash, byte| hash << 8 | u64::from(*byte))
}

impl Answers {
    /// What was answered to that id; `Err` where another operation had it.
    pub(crate) fn find(
        &self,
        by: &Participant,
        id: &str,
        hash: u64,
    ) -> Result<Option<&Answered>, ()> {
        let at = self.index.get(by).and_then(|ids| ids.get(id));
        match at.and_then(|at| self.list.get(at - self.dropped)) {
            Some(found) if found.hash == hash => Ok(Some(found)),
            Some(_) => Err(()),
            None => Ok(None),
        }
    }

    /// Remembers an operation, and forgets the oldest ones where there are too many.
    pub(crate) fn note(
        &mut self,
        by: &Participant,
        id: &str,
        hash: u64,
        sequence: u64,
        operation: &str,
        outcome: Option<&Outcome>,
    ) {
        let answer = outcome.and_then(|outcome| serde_json::to_vec(outcome).ok());
        let (by, id, operation) = (by.clone(), id.to_owned(), operation.to_owned());
        self.enter(Answered { by, id, hash, sequence, operation, answer });
    }

    pub(crate) fn enter(&mut self, answered: Answered) {
        self.bytes += answered.answer.as_ref().map_or(0, Vec::len);
        let at = self.dropped + self.list.len();
        self.index.entry(answered.by.clone()).or_default().insert(answered.id.clone(), at);
        self.list.push_back(answered);
        while self.list.len() > ANSWERS
            && let Some(old) = self.list.pop_front()
        {
            self.bytes -= old.answer.as_ref().map_or(0, Vec::len);
            if let Some(ids) = self.index.get_mut(&old.by) {
                if ids.get(&old.id) == Some(&self.dropped) {
                    ids.remove(&old.id);
                }
                if ids.is_empty() {
                    self.index.remove(&old.by);
                }
            }
            self.dropped += 1;
        }
        // Of the oldest it stays known that they were done.
        let mut at = 0;
        while self.bytes > BYTES
            && let Some(old) = self.list.get_mut(at)
        {
            self.bytes -= old.answer.take().map_or(0, |answer| answer.len());
            at += 1;
        }
    }

    /// As a snapshot keeps them.
    pub(crate) fn kept(&self) -> Vec<Answered> {
        self.list.iter().cloned().collect()
    }

    pub(crate) fn restored(kept: Vec<Answered>) -> Answers {
        let mut answers = Answers::default();
        kept.into_iter().for_each(|answered| answers.enter(answered));
        answers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_are_forgotten_and_an_id_belongs_to_its_participant() {
        let (ana, bo) = (Participant::new("ana").unwrap(), Participant::new("bo").unwrap());
        let mut answers = Answers::default();
        for n in 0..ANSWERS as u64 + 10 {
            answers.note(&ana, &n.to_string(), n, n, "undo", None);
        }
        assert_eq!(answers.find(&ana, "9", 9), Ok(None));
        assert_eq!(answers.find(&ana, "10", 10).unwrap().map(|a| a.sequence), Some(10));
        assert_eq!(answers.find(&ana, "10", 11), Err(()));
        assert_eq!(answers.find(&bo, "10", 10), Ok(None));
        let again = Answers::restored(answers.kept());
        assert_eq!(again.find(&ana, "521", 521).unwrap().map(|a| a.sequence), Some(521));
    }
}
