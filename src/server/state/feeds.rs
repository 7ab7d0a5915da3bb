//! Who waits for changes in any session of a key. While anybody does, one task asks the store for the newest
//! entries of all that are waited for, so that those which another replica wrote are seen too; it ends with the
//! last who waits.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use svgx_session::Place;
use tokio::sync::watch;

use crate::protocol::problem::Error;
use crate::state::app::App;

/// How many may wait with one key.
const PER_KEY: usize = 64;
/// How often the store is asked for [`TOGETHER`] feeds or fewer; for more of them it is asked less often, so
/// that it is never asked for more than a thousand feeds a second.
const ASKED: Duration = Duration::from_millis(100);
const TOGETHER: usize = 100;

/// The feeds that are waited for.
#[derive(Debug, Default)]
pub(crate) struct Feeds(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// By tenant.
    feeds: HashMap<Arc<str>, Feed>,
    /// Whether the task runs.
    is_asked: bool,
}

#[derive(Debug)]
struct Feed {
    waiting: usize,
    /// `None` until the store was asked.
    newest: watch::Sender<Option<Place>>,
}

/// One who waits, until it is dropped.
#[derive(Debug)]
pub(crate) struct Waiting {
    feeds: Arc<Feeds>,
    tenant: Arc<str>,
    newest: watch::Receiver<Option<Place>>,
}

impl Feeds {
    /// Begins to wait for entries of a tenant's feed.
    ///
    /// # Errors
    /// [`Error::Crowded`] where as many wait with its key as may.
    pub(crate) fn wait(app: &Arc<App>, tenant: &Arc<str>) -> Result<Waiting, Error> {
        let feeds = &app.feeds;
        let mut inner = feeds.0.lock();
        let feed = inner
            .feeds
            .entry(Arc::clone(tenant))
            .or_insert_with(|| Feed { waiting: 0, newest: watch::Sender::new(None) });
        if feed.waiting >= PER_KEY {
            return Err(Error::crowded("requests of this key that wait for changes", PER_KEY));
        }
        feed.waiting += 1;
        let newest = feed.newest.subscribe();
        if !std::mem::replace(&mut inner.is_asked, true) {
            let asking = Asking { feeds: Arc::clone(feeds), is_over: false };
            tokio::spawn(ask(Arc::clone(app), asking));
        }
        let (feeds, tenant) = (Arc::clone(feeds), Arc::clone(tenant));
        Ok(Waiting { feeds, tenant, newest })
    }

    /// Those that are waited for.
    fn tenants(&self) -> Vec<Arc<str>> {
        self.0.lock().feeds.keys().cloned().collect()
    }

    /// Notes the newest entries.
    fn found(&self, tenants: &[Arc<str>], newest: &[Place]) {
        let inner = self.0.lock();
        for (tenant, place) in tenants.iter().zip(newest) {
            let Some(feed) = inner.feeds.get(tenant) else { continue };
            feed.newest.send_if_modified(|known| known.replace(*place) != Some(*place));
        }
    }

    /// Whether nobody waits any more: the task ends then.
    fn is_over(&self) -> bool {
        let mut inner = self.0.lock();
        inner.is_asked = !inner.feeds.is_empty();
        !inner.is_asked
    }
}

impl Waiting {
    /// Waits until the feed has an entry behind a place. It may be for ever.
    pub(crate) async fn beyond(&mut self, place: Place) {
        // What is known may be older than the place.
        let more = self.newest.wait_for(|newest| newest.is_some_and(|newest| newest > place));
        if more.await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut inner = self.feeds.0.lock();
        if let Some(feed) = inner.feeds.get_mut(&self.tenant) {
            feed.waiting -= 1;
            if feed.waiting == 0 {
                inner.feeds.remove(&self.tenant);
            }
        }
    }
}

/// The task that asks. Where it is dropped with the thread that it ran on, the next who waits begins another.
struct Asking {
    feeds: Arc<Feeds>,
    /// It has ended by itself, and another one may run already.
    is_over: bool,
}

impl Drop for Asking {
    fn drop(&mut self) {
        if !self.is_over {
            self.feeds.0.lock().is_asked = false;
        }
    }
}

async fn ask(app: Arc<App>, mut asking: Asking) {
    let feeds = Arc::clone(&asking.feeds);
    loop {
        let tenants = feeds.tenants();
        let rounds = u32::try_from(tenants.len().div_ceil(TOGETHER)).unwrap_or(u32::MAX);
        tokio::time::sleep(ASKED.saturating_mul(rounds.max(1))).await;
        if feeds.is_over() {
            asking.is_over = true;
            return;
        }
        let shared = Arc::clone(&app);
        let asked = tokio::task::spawn_blocking(move || {
            let names: Vec<&str> = tenants.iter().map(|tenant| &**tenant).collect();
            let newest = shared.sessions.store().newest_changes(&names);
            newest.map(|newest| (tenants, newest))
        });
        // While the store does not say, who waits goes on waiting, and hears of it when the time is up.
        if let Ok(Ok((tenants, newest))) = asked.await {
            feeds.found(&tenants, &newest);
        }
    }
}
