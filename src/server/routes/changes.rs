//! `GET /changes`: what changed in any session of a key.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use actix_web::web::Data;
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse};
use serde::Serialize;
use tokio::time::{Instant, MissedTickBehavior};
use utoipa::{IntoParams, ToSchema};

use svgx_base::budget::Class;
use svgx_session::{After, ChangeKind, Changes};

use crate::admission::admit;
use crate::admission::streamed::on_pool_patiently;
use crate::edge::Waited;
use crate::protocol::negotiate;
use crate::protocol::problem::{self, Error, Problem};
use crate::protocol::query;
use crate::routes::json;
use crate::state::app::App;
use crate::state::feeds::Feeds;
use crate::state::keys::{Credential, Identity};
use crate::state::time_of_day::timestamp;

/// Entries that are answered at the most, and without `most`.
const MOST: usize = 1_000;
const USUAL: usize = 100;
/// For how long may be waited, in seconds: shorter than the balancers on the way wait.
const LONGEST: f64 = 25.0;
/// How often it is looked whether who waits may go on.
const LOOK: Duration = Duration::from_secs(1);
/// The word for the end of the feed.
const NOW: &str = "now";

/// Which entries.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wanted {
    /// After what: a `cursor` or the `next` of an earlier answer; `now`: what comes from now on. From the
    /// oldest that is kept without.
    #[param(value_type = Option<String>, pattern = "^(now|[0-9a-f]{1,16}-[0-9a-f]{1,16})$")]
    after: After,
    /// How many at the most; 100 without.
    #[param(value_type = Option<u16>, minimum = 1, maximum = 1000)]
    most: usize,
    /// For how many seconds to wait where there is none yet; not at all without.
    #[param(value_type = Option<f64>, minimum = 0, maximum = 25)]
    wait: Duration,
}

impl Wanted {
    fn read(query: &str) -> Result<Wanted, Error> {
        let mut wanted = Wanted { after: After::Oldest, most: USUAL, wait: Duration::ZERO };
        for (name, value) in query::parameters(query, &["after", "most", "wait"])? {
            let wrong = |expected| query::wrong(&name, &value, expected);
            match name.as_str() {
                "after" if value == NOW => wanted.after = After::Now,
                "after" => {
                    let place = value.parse();
                    let expected = "`now`, or a cursor of an earlier answer";
                    wanted.after = After::Place(place.map_err(|_| wrong(expected))?);
                }
                "most" => {
                    let most = value.parse().ok().filter(|most| (1..=MOST).contains(most));
                    wanted.most = most.ok_or_else(|| wrong("a whole number from 1 to 1000"))?;
                }
                _ => {
                    let wait = value.parse().ok().filter(|wait| (0.0..=LONGEST).contains(wait));
                    let wait = wait.ok_or_else(|| wrong("a number of seconds from 0 to 25"))?;
                    wanted.wait = Duration::from_secs_f64(wait);
                }
            }
        }
        Ok(wanted)
    }
}

/// What happened to a session.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ChangeWord {
    /// It was begun, or begun anew with another drawing: what was known of it counts no more.
    Begun,
    /// One durable event was added to it.
    Edited,
    /// It was deleted.
    Deleted,
}

impl From<ChangeKind> for ChangeWord {
    fn from(kind: ChangeKind) -> ChangeWord {
        match kind {
            ChangeKind::Begun => ChangeWord::Begun,
            ChangeKind::Edited => ChangeWord::Edited,
            ChangeKind::Deleted => ChangeWord::Deleted,
        }
    }
}

/// A change of a session.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChangeEntry {
    /// The session's name.
    session: String,
    /// The sequence it has since; of a session that was deleted, the last one it had.
    #[schema(minimum = 0)]
    sequence: u64,
    /// What happened.
    kind: ChangeWord,
    /// When it was written, RFC 3339 in UTC, by the clock of the store.
    at: String,
    /// Where it stands: `after` it comes the next one.
    cursor: String,
}

/// What changed in the sessions of a key.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChangeList {
    /// Always `success`.
    status: &'static str,
    /// Always true: a failure is a problem document.
    success: bool,
    /// The oldest first.
    changes: Vec<ChangeEntry>,
    /// After what to ask next, whether or not there were any.
    next: String,
    /// Whether there are more already.
    more: bool,
}

impl From<Changes> for ChangeList {
    fn from(found: Changes) -> ChangeList {
        let entry = |change: svgx_session::Change| ChangeEntry {
            sequence: change.sequence,
            kind: change.kind.into(),
            at: UNIX_EPOCH
                .checked_add(Duration::from_millis(change.place.at))
                .map(timestamp)
                .unwrap_or_default(),
            cursor: change.place.to_string(),
            session: change.session,
        };
        ChangeList {
            status: "success",
            success: true,
            next: found.next.to_string(),
            more: found.has_more,
            changes: found.entries.into_iter().map(entry).collect(),
        }
    }
}

/// What changed in any session of this key after a cursor, the oldest first; with `wait`, as soon as something
/// does. Each change is there at least once, those of one session in their order.
///
/// # Errors
/// A cursor that is none, one after which changes are missing, or a store that fails.
#[utoipa::path(get, path = "/changes", tag = "interaction", operation_id = "list_changes", params(Wanted),
    responses((status = 200, body = ChangeList),
        (status = 410, content_type = "application/problem+json", body = Problem<'_>,
            description = "What changed after the cursor is not known any more"),
        (status = 422, content_type = "application/problem+json", body = Problem<'_>)))]
pub(crate) async fn changes(request: HttpRequest, app: Data<App>) -> Result<HttpResponse, Error> {
    negotiate::json(request.headers())?;
    let wanted = Wanted::read(request.query_string())?;
    let app = app.into_inner();
    let identity = request.extensions().get::<Identity>().cloned();
    let identity = identity.unwrap_or_else(|| app.anonymous.clone());
    let found = if wanted.wait.is_zero() {
        read(&app, &identity, wanted.after, wanted.most).await?
    } else {
        wait(&app, &request, &identity, &wanted).await?
    };
    json(&request, &ChangeList::from(found))
}

/// Reads what there is. It is admitted for this alone.
async fn read(
    app: &Arc<App>,
    identity: &Identity,
    after: After,
    most: usize,
) -> Result<Changes, Error> {
    let asked = admit::of_stream(app, identity, "", Class::Ui, "session.state", 0);
    let (shared, tenant) = (Arc::clone(app), Arc::clone(&identity.name));
    let read = on_pool_patiently(app, &asked, move |_| {
        let found = shared.sessions.store().changes(&tenant, after, most);
        found.map_err(|e| problem::session(e.into(), None))
    });
    read.await
}

/// Reads what there is as soon as there is something, or when the time is up.
async fn wait(
    app: &Arc<App>,
    request: &HttpRequest,
    identity: &Identity,
    wanted: &Wanted,
) -> Result<Changes, Error> {
    let credential = request.extensions().get::<Credential>().copied();
    let mut waiting = Feeds::wait(app, &identity.name)?;
    let began = Instant::now();
    let end = began + wanted.wait;
    let mut look = tokio::time::interval(LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut found = read(app, identity, wanted.after, wanted.most).await?;
    let mut is_over = false;
    while found.entries.is_empty() && !is_over {
        tokio::select! {
            biased;
            () = tokio::time::sleep_until(end) => is_over = true,
            () = waiting.beyond(found.next) => {}
            _ = look.tick() => {
                if app.is_ready() && credential.is_none_or(|c| app.accepts(c)) {
                    continue;
                }
                break;
            }
        }
        found = read(app, identity, After::Place(found.next), wanted.most).await?;
    }
    request.extensions_mut().insert(Waited(began.elapsed()));
    Ok(found)
}
