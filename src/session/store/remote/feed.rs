//! The feed of a tenant on the server: a stream that the script writes, whose ids are times by the clock of
//! the server.

use redis::Value;

use super::Shared;
use super::keys::{feed, list, text};
use crate::store::feed::CHANGES_KEPT;
use crate::store::{After, Change, Changes, Place, StoreError};

impl Shared {
    /// The entries of a feed after a place.
    ///
    /// # Errors
    /// As [`Store::changes`](crate::store::Store::changes).
    pub(super) fn changes(
        &self,
        tenant: &str,
        after: After,
        most: usize,
    ) -> Result<Changes, StoreError> {
        let feed = feed(tenant);
        let from = match after {
            After::Oldest => Some("-".to_owned()),
            After::Now => None,
            After::Place(place) => Some(id(place)),
        };
        let values = self.send(|_| {
            let mut commands = redis::pipe();
            commands.cmd("XLEN").arg(&feed);
            if let Some(from) = &from {
                // With the entry at the place, and one that says whether there are more.
                commands.cmd("XRANGE").arg(&feed).arg(from).arg("+").arg("COUNT").arg(most + 2);
            }
            commands.cmd("XREVRANGE").arg(&feed).arg("+").arg("-").arg("COUNT").arg(1);
            commands
        })?;
        let unreadable = || StoreError::Io("an answer that is none".to_owned());
        let mut values = values.iter();
        let length = values.next().and_then(text).and_then(|length| length.parse::<u64>().ok());
        let length = length.ok_or_else(unreadable)?;
        let found = if from.is_some() { list(values.next().ok_or_else(unreadable)?) } else { &[] };
        let newest = values.next().map(newest).ok_or_else(unreadable)?;
        let after = match after {
            After::Now => newest,
            After::Oldest => return read(Place::BEGINNING, found, most, newest),
            // As long as there are fewer, none has gone.
            After::Place(Place::BEGINNING) if length < CHANGES_KEPT => Place::BEGINNING,
            After::Place(place) => {
                return match found.split_first() {
                    Some((first, rest)) if place_of(first) == Some(place) => {
                        read(place, rest, most, newest)
                    }
                    _ => Err(StoreError::ChangesLost { next: newest }),
                };
            }
        };
        read(after, found, most, newest)
    }

    /// The newest entry of each feed.
    ///
    /// # Errors
    /// [`StoreError`] when the server does not answer.
    pub(super) fn newest_changes(&self, tenants: &[&str]) -> Result<Vec<Place>, StoreError> {
        let values = self.send(|_| {
            let mut commands = redis::pipe();
            for tenant in tenants {
                commands.cmd("XREVRANGE").arg(feed(tenant)).arg("+").arg("-").arg("COUNT").arg(1);
            }
            commands
        })?;
        Ok(values.iter().map(newest).collect())
    }
}

/// The id of the entry at a place.
fn id(place: Place) -> String {
    format!("{}-{}", place.at, place.number)
}

/// Where an entry stands.
fn place_of(entry: &Value) -> Option<Place> {
    let id = text(list(entry).first()?)?;
    let (at, number) = id.split_once('-')?;
    Some(Place { at: at.parse().ok()?, number: number.parse().ok()? })
}

/// Where the one entry of a list stands; the beginning where there is none.
fn newest(value: &Value) -> Place {
    list(value).first().and_then(place_of).unwrap_or_default()
}

/// Entries as they follow a place. One that is none was lost.
fn read(after: Place, found: &[Value], most: usize, newest: Place) -> Result<Changes, StoreError> {
    let mut entries = Vec::with_capacity(found.len());
    for entry in found {
        let change = place_of(entry).and_then(|place| {
            let fields = list(list(entry).get(1)?);
            Change::decode(place, &text(fields.get(1)?)?)
        });
        match change {
            Some(change) => entries.push(change),
            None if entries.is_empty() => {
                return Err(StoreError::ChangesLost { next: newest });
            }
            None => {
                return Ok(Changes { has_more: true, ..Changes::new(after, entries, most) });
            }
        }
    }
    Ok(Changes::new(after, entries, most))
}

#[cfg(test)]
mod tests {
    use super::super::keys::SCRIPT;
    use super::*;

    fn bytes(text: &str) -> Value {
        Value::BulkString(text.as_bytes().to_vec())
    }

    fn entry(id: &str, text: &str) -> Value {
        Value::Array(vec![bytes(id), Value::Array(vec![bytes("e"), bytes(text)])])
    }

    #[test]
    fn the_script_keeps_as_many_as_are_promised() {
        assert!(SCRIPT.contains(&format!("local KEPT = {CHANGES_KEPT}\n")));
    }

    #[test]
    fn what_is_no_entry_is_lost_and_what_is_before_it_is_not() {
        let newest = Place { at: 9, number: 0 };
        let lost = Err(StoreError::ChangesLost { next: newest });
        for bad in [
            Value::Nil,
            Value::Array(Vec::new()),
            entry("7", "e1:a"),
            entry("7-x", "e1:a"),
            entry("7-0", "x1:a"),
            entry("7-0", ""),
            Value::Array(vec![bytes("7-0"), Value::Nil]),
        ] {
            assert_eq!(read(Place::BEGINNING, std::slice::from_ref(&bad), 5, newest), lost);
            let found = read(Place::BEGINNING, &[entry("6-1", "e1:a:b"), bad], 5, newest).unwrap();
            assert_eq!((found.next, found.has_more), (Place { at: 6, number: 1 }, true));
            assert_eq!(found.entries[0].session, "a:b");
        }
    }
}
