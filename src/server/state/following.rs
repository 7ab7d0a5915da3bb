//! Sessions follow their editors: one that almost all edit by one other replica is handed over to it,
//! so that their requests are not passed on any more. [`Following`] decides; nothing is ever wrong
//! where it decides badly, only slower.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use svgx_base::budget::Time;
use svgx_session::{By, Following, Given, Key, Move};
use svgx_telemetry::HandOver;

use crate::state::app::App;

/// How often it is looked whether a session is to be handed over.
pub(crate) const LOOK: Duration = Duration::from_secs(1);
/// For how long a session stays where it was handed over to, at the least.
const REST: Duration = Duration::from_secs(30);

/// Where the edits of the sessions of this replica come from.
#[derive(Debug, Default)]
pub(crate) struct Editors {
    /// `None` where there are no other replicas.
    seen: Option<Mutex<Following>>,
    /// Held while sessions are handed over.
    handing_over: Mutex<()>,
}

impl Editors {
    /// Of a replica that others pass requests on to, or of one that is alone.
    pub(crate) fn new(has_others: bool) -> Editors {
        Editors { seen: has_others.then(Mutex::default), handing_over: Mutex::default() }
    }

    /// An edit was made here.
    pub(crate) fn edited(&self, key: &Key, by: &By, now: Time) {
        if let Some(seen) = &self.seen {
            seen.lock().edited(key, by, now);
        }
    }

    /// A stream of a session began here; it counts until what is answered is dropped.
    pub(crate) fn watched(self: &Arc<Editors>, key: &Key, by: By) -> Watched {
        if let Some(seen) = &self.seen {
            seen.lock().opened(key, &by);
        }
        Watched { editors: Arc::clone(self), key: key.clone(), by }
    }
}

/// A stream of a session, until it is dropped.
#[derive(Debug)]
pub(crate) struct Watched {
    editors: Arc<Editors>,
    key: Key,
    /// By which replica it came.
    pub(crate) by: By,
}

impl Drop for Watched {
    fn drop(&mut self) {
        if let Some(seen) = &self.editors.seen {
            seen.lock().closed(&self.key, &self.by);
        }
    }
}

/// Hands over what is to be handed over now. Blocks while the store is asked.
pub(crate) fn hand_over(app: &App) {
    let Some(seen) = &app.editors.seen else { return };
    // The one before may still wait for the store.
    let Some(_alone) = app.editors.handing_over.try_lock() else { return };
    let due = seen.lock().due(app.clock.now());
    for Move { key, to, edits, of } in due {
        // Whoever stops or starts has other things to do.
        if !app.is_ready() {
            return;
        }
        let given = app.sessions.give(&key, &to, REST);
        match &given {
            Ok(Given::Done) => {
                tracing::info!(
                    session = %key, replica = &*to, edits, of,
                    "a session is handed over to the replica that its edits come by"
                );
                app.telemetry.metrics().handed_over(HandOver::Editors, 1);
            }
            Ok(Given::TooSoon | Given::Gone | Given::NotHeld) => {}
            Err(error) => tracing::warn!(session = %key, %error, "a session was not handed over"),
        }
        match given {
            Ok(Given::Done | Given::NotHeld) => seen.lock().left(&key),
            Ok(Given::TooSoon | Given::Gone) | Err(_) => {
                seen.lock().stays(&key, app.clock.now());
            }
        }
    }
}
