//! A session out of what was stored.

use std::sync::Arc;

use crate::editing::Session;
use crate::error::Error;
use crate::record::{Record, VERSION};
use crate::store::{Damage, Key, Stored};
use svgx_base::budget::Budget;
use svgx_engine::document::Limits;

/// Refuses a record or a snapshot of a newer form.
fn understood(stored: &[u8]) -> Result<(), String> {
    #[derive(serde::Deserialize)]
    struct Form {
        #[serde(rename = "v", default)]
        version: u64,
    }
    match serde_json::from_slice::<Form>(stored) {
        Ok(Form { version }) if version > u64::from(VERSION) => {
            Err(format!("it was written by a newer version: form {version}, known {VERSION}"))
        }
        _ => Ok(()),
    }
}

/// A session from what was stored, and what of it is lost.
///
/// # Errors
/// [`Error::Unrecoverable`] when there is nothing to work with, [`Error::Stopped`].
pub(super) fn recover(
    key: &Key,
    stored: &Stored,
    limits: Arc<Limits>,
    budget: &Budget,
) -> Result<(Session, Vec<Damage>), Error> {
    let lost = |reason: String| Error::Unrecoverable { session: key.to_string(), reason };
    let mut session = Session::new(&stored.text, limits, budget)?;
    let (sequence, snapshot) = &stored.snapshot;
    if !snapshot.is_empty() {
        understood(snapshot).map_err(lost)?;
        let snapshot = serde_json::from_slice(snapshot).map_err(|e| lost(e.to_string()))?;
        session.restore(snapshot, *sequence).map_err(lost)?;
    }
    let mut damage = stored.damage.clone();
    for (sequence, record) in &stored.records {
        budget.checkpoint()?;
        // What a newer version wrote is no damage: whoever cannot read it leaves it alone.
        understood(record).map_err(lost)?;
        let fits = serde_json::from_slice::<Record>(record)
            .map_err(|e| e.to_string())
            .and_then(|record| session.replay(&record));
        if fits.is_err() {
            let lost = stored.last + 1 - sequence;
            damage.push(Damage { what: "record", sequence: *sequence, lost });
            break;
        }
    }
    session.skip_to(stored.last);
    Ok((session, damage))
}
