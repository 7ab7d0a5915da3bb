//! Where admitted work goes: it is answered on the open connection, or becomes a job.
//!
//! What would be late alone on the machine and at the cheapest tier is `oversize`: it is answered
//! on the open connection, behind everything that has an objective and outside of it. Only what
//! is predicted to take longer than `controller-oversize-limit` of `slo/service.yaml` (five
//! seconds) becomes a job, where the operation can be one and the client does not prefer to wait.

use svgx_base::budget::Class;
use svgx_controller::{Reason, Request, Shed, Ticket};
use svgx_telemetry::stage::Stages;

use super::admit::{AdmissionRequest, is_too_large};
use super::operation::Operation;
use super::stages;
use crate::state::app::App;

/// Where work goes.
pub(super) enum Dispatch {
    /// It is answered as soon as it is done.
    Inline(Ticket),
    /// It becomes a job.
    Deferred(Ticket),
}

impl Dispatch {
    /// A place in the queue of its class, or behind everything that has an objective: for what is
    /// far too large, for what the client would rather not wait for, and for what would be late
    /// where the client said that it waits, however long it takes.
    ///
    /// # Errors
    /// [`Shed`].
    pub(super) fn decide(
        app: &App,
        operation: &Operation,
        asked: &AdmissionRequest,
        stages: &Stages,
    ) -> Result<Dispatch, Shed> {
        if operation.is_deferrable && asked.respond_async {
            return Dispatch::behind(app, asked, stages).map(Dispatch::Deferred);
        }
        match noted(app, stages, asked.admit(app)) {
            Ok(ticket) => Ok(Dispatch::Inline(ticket)),
            Err(shed) if is_too_large(&shed) => {
                let ticket = Dispatch::behind(app, asked, stages)?;
                let deferred = operation.is_deferrable && !asked.wait;
                Ok(if deferred { Dispatch::Deferred(ticket) } else { Dispatch::Inline(ticket) })
            }
            Err(shed) if asked.wait && is_late(&shed) => {
                Dispatch::behind(app, asked, stages).map(Dispatch::Inline)
            }
            Err(shed) => Err(shed),
        }
    }

    /// A place behind everything that has an objective.
    ///
    /// # Errors
    /// [`Shed`].
    pub(super) fn behind(
        app: &App,
        asked: &AdmissionRequest,
        stages: &Stages,
    ) -> Result<Ticket, Shed> {
        noted(app, stages, asked.admit_as_batch(app))
    }

    /// Why it was admitted as it was.
    pub(super) fn reason(&self) -> Reason {
        match self {
            Dispatch::Inline(ticket) | Dispatch::Deferred(ticket) => ticket.decision().reason,
        }
    }
}

/// A place for a further piece of work that was admitted before.
pub(crate) fn admit_again(app: &App, request: &Request<'_>) -> Result<Ticket, Shed> {
    match app.pool.admit(request) {
        Err(shed) if is_too_large(&shed) => {
            app.pool.admit(&Request { class: Class::Batch, ..*request })
        }
        decided => decided,
    }
}

/// Whether a refusal means that the work would miss its objective, and nothing else.
fn is_late(shed: &Shed) -> bool {
    matches!(shed.reason, Reason::PredictedLate | Reason::ClassClosed)
}

/// Notes the decision in the trace.
fn noted(app: &App, stages: &Stages, decided: Result<Ticket, Shed>) -> Result<Ticket, Shed> {
    let decision = match &decided {
        Ok(ticket) => Some(ticket.decision()),
        Err(shed) => shed.decision.as_deref(),
    };
    if let Some(decision) = decision {
        stages.note(stages::admit(decision.at, app.clock.now(), decision));
    }
    decided
}
