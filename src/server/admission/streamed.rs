//! Work that is asked for inside a stream: admitted, done and counted as if it had come as a
//! request of its own.

use std::sync::Arc;
use std::time::Duration;

use svgx_base::budget::{Budget, Class, Time};
use svgx_controller::{Reason, Request};
use svgx_telemetry::Outcome;

use super::dispatch::admit_again;
use super::execute::failed;
use crate::protocol::problem::Error;
use crate::state::app::App;

/// Does `work` on the pool.
///
/// # Errors
/// [`Error::Shed`] where it is refused, and whatever it fails with.
pub(crate) async fn on_pool<T: Send + 'static>(
    app: &Arc<App>,
    asked: &Request<'static>,
    work: impl FnOnce(&Budget) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let ticket = admit_again(app, asked)?;
    let predicted = Duration::from_nanos(ticket.decision().cost);
    let done = app.pool.run(ticket, work).await?;
    let class = asked.class.as_str();
    app.telemetry.metrics().worked(class, done.queued, predicted, done.cpu);
    let value = done.value?;
    app.telemetry.metrics().delivered(class, done.tier.as_str());
    Ok(value)
}

/// The same for the beginning of a stream: where it would be late, it waits behind everything that
/// has an objective, for a stream that is refused is asked for again at once.
///
/// # Errors
/// [`Error::Shed`] where that queue is full too, and whatever it fails with.
pub(crate) async fn on_pool_patiently<T: Send + 'static>(
    app: &Arc<App>,
    asked: &Request<'static>,
    work: impl Fn(&Budget) -> Result<T, Error> + Clone + Send + 'static,
) -> Result<T, Error> {
    match on_pool(app, asked, work.clone()).await {
        Err(Error::Shed(_) | Error::Stopped(_)) => {
            on_pool(app, &Request { class: Class::Batch, patience: None, ..*asked }, work).await
        }
        done => done,
    }
}

/// Counts an operation that came at `began` and has ended so.
pub(crate) fn count(
    app: &App,
    asked: &Request<'static>,
    operation: &'static str,
    began: Time,
    error: Option<&Error>,
) {
    let duration = app.clock.now().since(began);
    let late = app.spec.objective(asked.class).is_some_and(|o| duration > o.budget);
    let (outcome, reason) = match error.and_then(failed) {
        Some(failed) => failed,
        None if late => (Outcome::OverBudget, Reason::Late.as_str()),
        None => (Outcome::Ok, Reason::Completed.as_str()),
    };
    let class = asked.class.as_str();
    app.telemetry.metrics().operation(class, operation, duration, outcome, reason, None);
}
