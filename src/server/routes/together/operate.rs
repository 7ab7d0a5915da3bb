//! One operation that came in a stream.

use std::sync::Arc;

use futures::future::BoxFuture;
use serde_json::Value;

use svgx_base::budget::Class;
use svgx_session::{Author, Frame, Operation, Sent};

use super::Place;
use crate::admission::admit;
use crate::admission::streamed::{count, on_pool};
use crate::protocol::problem;
use crate::routes::interactive;
use crate::state::rate::RateClass;

/// The name of the operation in metrics: it is the same as over HTTP.
const NAME: &str = "interactive";

/// What is still to be waited for: the answer.
pub(super) type Answering = BoxFuture<'static, Sent>;

/// Does an operation; the answer is ready once it would outlive the process, or at once where it
/// is a tick of a gesture. Whoever calls this in an order has them done in that order.
pub(super) async fn operate(
    place: Arc<Place>,
    id: String,
    base: Option<u64>,
    operation: Value,
    bytes: usize,
) -> Answering {
    let app = &place.asked.app;
    let began = app.clock.now();
    let (identity, session) = (&place.asked.identity, place.asked.key.name());
    let asked = admit::of_stream(app, identity, session, Class::Ui, "session.operate", bytes);
    let read = match app.rates.as_ref().and_then(|r| r.check(RateClass::Ui, place.asked.caller)) {
        Some(limited) => Err(limited),
        None => interactive::of_value(operation),
    };
    let done = match read {
        Ok(operation) => {
            let is_tick = matches!(
                operation,
                Operation::DragStart(_) | Operation::DragMove(_) | Operation::Hover(_)
            );
            let author = Author {
                participant: place.seat.participant().clone(),
                name: Some(place.name.clone()),
                id: Some(id.clone()),
                base,
            };
            let here = Arc::clone(&place);
            let work = on_pool(app, &asked, move |budget| {
                let sessions = &here.asked.app.sessions;
                let done = sessions.apply_by(&here.asked.key, &author, &operation, budget);
                done.map_err(|e| problem::session(e, interactive::content_of(&operation)))
            });
            work.await.map(|done| (done, is_tick))
        }
        Err(error) => Err(error),
    };
    let (done, is_tick) = match done {
        Ok(done) => done,
        Err(error) => {
            count(app, &asked, NAME, began, Some(&error));
            let problem = place.problem(Some(id), &error);
            return Box::pin(std::future::ready(problem));
        }
    };
    app.editors.edited(&place.asked.key, &place.watched.by, app.clock.now());
    let repeated = done.is_repeated();
    let (outcome, pending) = done.into_parts();
    let (sequence, outcome) = (outcome.state.sequence, Box::new(outcome));
    if is_tick {
        count(app, &asked, NAME, began, None);
        let durable = pending.outcome() == Some(Ok(()));
        let answer = Frame::Answer { id, sequence, durable, repeated, outcome };
        return Box::pin(std::future::ready(Sent::new(&answer)));
    }
    let here = Arc::clone(&place);
    Box::pin(async move {
        let app = &here.asked.app;
        let waiting = app.clock.now();
        let written = pending.await.map_err(|e| problem::session(e.into(), None));
        app.telemetry.metrics().stored(app.clock.now().since(waiting));
        count(app, &asked, NAME, began, written.as_ref().err());
        match written {
            Ok(()) => {
                let durable = true;
                Sent::new(&Frame::Answer { id, sequence, durable, repeated, outcome })
            }
            Err(error) => here.problem(Some(id), &error),
        }
    })
}
