//! What changed in any session of a tenant, in the order in which it was written: an outbox that each store fills
//! in the step that makes the write (C. Richardson, *Microservices Patterns*, 3.3, transactional outbox), so that
//! there is an entry for each write that counts, and none for any other.
//!
//! Entries are bounded by their count, and outlive the session that they are about. A reader holds the
//! [`Place`] of the last entry that it took; where that entry is not there any more, or is another one, as in a
//! store that was restored, something is missing between, and the reader is told.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

/// The newest entries of a tenant that are kept at the least.
pub const CHANGES_KEPT: u64 = 10_000;
/// How many more there may be before the oldest go, all at once.
const SLACK: u64 = 64;

/// Where an entry stands in the feed of its tenant. Later ones are greater; [`Place::BEGINNING`] is before all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// When it was written, in milliseconds since 1970; never earlier than the one before.
    pub at: u64,
    /// Which one: of the feed, or of its millisecond, as the store counts.
    pub number: u64,
}

impl Place {
    /// Before the first entry.
    pub const BEGINNING: Place = Place { at: 0, number: 0 };
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}-{:x}", self.at, self.number)
    }
}

/// A text that is no [`Place`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no place in a feed of changes")]
pub struct BadPlace;

impl FromStr for Place {
    type Err = BadPlace;

    fn from_str(text: &str) -> Result<Place, BadPlace> {
        let number = |digits: &str| {
            let good = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
            if digits.len() > 16 || !digits.bytes().all(good) {
                return Err(BadPlace);
            }
            u64::from_str_radix(digits, 16).map_err(|_| BadPlace)
        };
        let (at, rest) = text.split_once('-').ok_or(BadPlace)?;
        Ok(Place { at: number(at)?, number: number(rest)? })
    }
}

/// What happened to a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChangeKind {
    /// It was begun, or begun anew with another drawing.
    Begun,
    /// A record was appended.
    Edited,
    /// It was deleted.
    Deleted,
}

impl ChangeKind {
    /// Every kind.
    pub const ALL: [ChangeKind; 3] = [ChangeKind::Begun, ChangeKind::Edited, ChangeKind::Deleted];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            ChangeKind::Begun => "begun",
            ChangeKind::Edited => "edited",
            ChangeKind::Deleted => "deleted",
        }
    }

    /// What it is stored as.
    fn letter(self) -> u8 {
        match self {
            ChangeKind::Begun => b'b',
            ChangeKind::Edited => b'e',
            ChangeKind::Deleted => b'd',
        }
    }

    fn of(letter: u8) -> Option<ChangeKind> {
        ChangeKind::ALL.into_iter().find(|kind| kind.letter() == letter)
    }
}

/// One entry of a feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Where it stands.
    pub place: Place,
    /// The session's name.
    pub session: String,
    /// The sequence of the write; of a session that was deleted, its last one.
    pub sequence: u64,
    /// What happened.
    pub kind: ChangeKind,
}

impl Change {
    /// What happened, the sequence and the name as one text: the place is not in it.
    pub(super) fn encode(&self) -> String {
        format!("{}{}:{}", char::from(self.kind.letter()), self.sequence, self.session)
    }

    /// Reads what [`Change::encode`] or the script of the server wrote; `None` where it is neither.
    pub(super) fn decode(place: Place, text: &str) -> Option<Change> {
        let (head, session) = text.split_once(':')?;
        let kind = ChangeKind::of(*head.as_bytes().first()?)?;
        let sequence = head.get(1..)?.parse().ok()?;
        Some(Change { place, session: session.to_owned(), sequence, kind })
    }
}

/// Which entries are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// From the oldest that is kept.
    Oldest,
    /// What comes from now on.
    Now,
    /// What comes after a place.
    Place(Place),
}

/// Some entries of a feed, the oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changes {
    /// The entries.
    pub entries: Vec<Change>,
    /// After what to ask on.
    pub next: Place,
    /// Whether there were more.
    pub has_more: bool,
}

impl Changes {
    /// Of entries after a place, of which there may be more than the `most` that are wanted.
    pub(super) fn new(after: Place, mut entries: Vec<Change>, most: usize) -> Changes {
        let has_more = entries.len() > most;
        entries.truncate(most);
        let next = entries.last().map_or(after, |change| change.place);
        Changes { entries, next, has_more }
    }
}

/// Where the feed of a tenant stands, in a store that numbers its entries from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    /// The number of the oldest entry that is kept.
    pub(super) first: u64,
    /// The newest entry.
    pub(super) last: Place,
}

impl Default for Span {
    fn default() -> Span {
        Span { first: 1, last: Place::BEGINNING }
    }
}

impl Span {
    /// The place of an entry that comes now, in milliseconds since 1970. A clock that was set back does not
    /// set a feed back.
    pub(super) fn enter(&mut self, now: u64) -> Place {
        self.last = Place { at: now.max(self.last.at), number: self.last.number + 1 };
        self.last
    }

    /// The numbers of the entries that go now, where there are too many.
    pub(super) fn trim(&mut self) -> Option<RangeInclusive<u64>> {
        let end = (self.last.number + 1).saturating_sub(CHANGES_KEPT);
        if end < self.first + SLACK {
            return None;
        }
        let gone = self.first..=end - 1;
        self.first = end;
        Some(gone)
    }

    /// Whether all is there that came after a place; `found` is the time of the entry with its number.
    pub(super) fn follows(&self, after: Place, found: Option<u64>) -> bool {
        match after {
            Place::BEGINNING => self.first == 1,
            Place { at, .. } => found == Some(at),
        }
    }
}

/// The time of day in milliseconds since 1970.
#[allow(clippy::disallowed_methods, reason = "entries of a feed carry the time of day")]
pub(super) fn time_of_day() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_text_that_is_no_place_is_none() {
        for text in [
            "",
            "-",
            "1",
            "1-",
            "-1",
            "+1-1",
            "1-+1",
            "1-1-1",
            "A-1",
            "1 -1",
            "11111111111111111-1",
        ] {
            let read: Result<Place, BadPlace> = text.parse();
            // Nothing between is no number.
            assert_eq!(read, Err(BadPlace), "{text:?}");
        }
    }

    #[test]
    fn the_oldest_go_once_there_are_enough_too_many() {
        let mut span = Span::default();
        let mut gone = 0;
        for number in 1..=3 * CHANGES_KEPT {
            assert_eq!(span.enter(number).number, number);
            if let Some(range) = span.trim() {
                assert_eq!(*range.start(), gone + 1);
                gone = *range.end();
            }
            let kept = number - gone;
            assert!(kept <= CHANGES_KEPT + SLACK && (gone == 0 || kept >= CHANGES_KEPT), "{kept}");
        }
        assert_eq!(span.first, gone + 1);
    }

    #[test]
    fn a_clock_that_was_set_back_sets_no_feed_back() {
        let mut span = Span::default();
        let places = [5, 9, 3, 9, 10].map(|now| span.enter(now));
        assert!(places.is_sorted_by(|one, other| one < other), "{places:?}");
        assert_eq!(places.map(|place| place.at), [5, 9, 9, 9, 10]);
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(at: u64, number: u64, sequence: u64, session in "[^\\x00-\\x1f]{1,40}") {
            let place = Place { at, number };
            prop_assert_eq!(place.to_string().parse(), Ok(place));
            for kind in ChangeKind::ALL {
                let change = Change { place, session: session.clone(), sequence, kind };
                prop_assert_eq!(Change::decode(place, &change.encode()), Some(change));
            }
        }

        #[test]
        fn no_text_makes_reading_panic(text: String) {
            let _ = text.parse::<Place>();
            let _ = Change::decode(Place::BEGINNING, &text);
        }
    }
}
