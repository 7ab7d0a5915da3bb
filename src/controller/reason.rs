//! Why a request was admitted, degraded, refused or ended.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $text:literal: $sentence:literal,)*) => {
        /// The one list of reasons: the log field, the span event, the metric
        /// label, and the code of the problem document.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(rename_all = "kebab-case")]
        pub enum Reason { $($(#[$doc])* $name,)* }

        impl Reason {
            /// Every reason.
            pub const ALL: &'static [Reason] = &[$(Reason::$name,)*];

            /// The name in logs, labels and answers.
            pub const fn as_str(self) -> &'static str {
                match self { $(Reason::$name => $text,)* }
            }

            /// What it means, in one sentence for who sent the request.
            pub const fn sentence(self) -> &'static str {
                match self { $(Reason::$name => $sentence,)* }
            }
        }
    };
}

reasons! {
    // Admitted.
    /// The predicted finish is inside the deadline.
    Feasible = "feasible":
        "It was admitted: it was predicted to end inside its budget.",
    /// Admitted at a cheaper tier because the ladder stands there.
    Brownout = "brownout":
        "It was admitted at a cheaper tier, because the load does not fit the tier asked for.",
    /// Admitted at a cheaper tier because this session's last answer had to be.
    SessionDegraded = "session-degraded":
        "It was admitted at a cheaper tier, because the tier asked for would have been late.",
    /// Admitted at the tier an operator pinned.
    Pinned = "pinned":
        "It was admitted at the tier that an operator has set.",
    /// Admitted against the model, so that it keeps learning.
    Probe = "probe":
        "It was admitted although it was predicted to be late, to measure what such work costs.",
    /// Admitted without a latency objective.
    Batch = "batch":
        "It was admitted without a latency objective, behind all work that has one.",
    /// Admitted behind everything that has an objective, and outside of it: even alone and at
    /// the cheapest tier it would be late.
    Oversize = "oversize":
        "It was admitted behind all work that has an objective, because it is too large for its budget.",
    /// Admitted under the fixed limits: a sensor is silent or the clock jumped.
    StaticAdmit = "static-admit":
        "It was admitted under fixed limits, because the sensors or the clock cannot be believed.",
    /// Admitted because the controller is switched off.
    Off = "off":
        "It was admitted because the controller does not act.",

    // Refused.
    /// The predicted finish is past the deadline.
    PredictedLate = "predicted-late":
        "It was refused because the work already admitted would make it late; ask again later.",
    /// The caller's own deadline is shorter than the work.
    ClientDeadline = "client-deadline":
        "It was refused because it takes longer than you said you would wait.",
    /// Far too large for its class: it becomes a job.
    TooLarge = "too-large":
        "It is too large to be answered while you wait: ask for a job with `Prefer: respond-async`.",
    /// The caller insists on a tier that cannot be had now.
    StrictPrecision = "strict-precision":
        "It was refused because the precision you insist on cannot be had now; ask again later, or accept a coarser one.",
    /// The class admits almost nothing and is closed for a while.
    ClassClosed = "class-closed":
        "It was refused because nearly all work of its class is refused at the moment; ask again later.",
    /// The caller used more than its fair share of processor time.
    TenantShare = "tenant-share":
        "It was refused because you use more than your share of the processors while others wait; send less.",
    /// Too many of the admitted requests are retries.
    RetryBudget = "retry-budget":
        "It was refused because too many of the requests are retries; wait longer between them.",
    /// Interactive work waits past its deadline: the model is wrong.
    Backstop = "backstop":
        "It was refused because urgent work already waits too long, and part of all requests is turned away until that ends.",
    /// The fixed limits are reached: a sensor is silent or the clock jumped.
    StaticLimit = "static-limit":
        "It was refused because as many requests are in flight as fixed limits allow while the sensors or the clock cannot be believed.",
    /// The queue is full.
    QueueFull = "queue-full":
        "It was refused because the queue is full; ask again later.",

    // Ended.
    /// Answered inside the budget.
    Completed = "completed":
        "It was answered inside its budget.",
    /// Answered past the budget.
    Late = "late":
        "It was answered, but later than its budget.",
    /// Dropped from the queue: it could no longer be in time.
    Doomed = "doomed":
        "It was dropped after waiting, because it could no longer be in time; ask again later.",
    /// Stopped at a checkpoint past its deadline.
    Deadline = "deadline":
        "It was stopped at its deadline, and had nothing coarser to give.",
    /// The caller went away.
    Cancelled = "cancelled":
        "It was stopped because you went away or the service is stopping.",
    /// The work panicked.
    Panicked = "panicked":
        "It failed by a defect of the service; the same request will fail again.",
}

impl Reason {
    /// Whether it means that a request was not admitted.
    pub const fn is_refusal(self) -> bool {
        matches!(
            self,
            Reason::PredictedLate
                | Reason::ClientDeadline
                | Reason::TooLarge
                | Reason::StrictPrecision
                | Reason::ClassClosed
                | Reason::TenantShare
                | Reason::RetryBudget
                | Reason::Backstop
                | Reason::StaticLimit
                | Reason::QueueFull
        )
    }

    /// Whether asking again later makes sense.
    pub const fn is_transient(self) -> bool {
        !matches!(self, Reason::TooLarge | Reason::ClientDeadline | Reason::Panicked)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::Reason;

    #[test]
    fn the_label_and_the_code_are_the_same_word() {
        for reason in Reason::ALL {
            let json = serde_json::to_string(reason).expect("serialisable");
            assert_eq!(json, format!("\"{reason}\""));
        }
    }

    #[test]
    fn the_table_of_reasons_is_that_of_the_documentation() {
        let document = include_str!("../../docs/controller.md");
        for reason in Reason::ALL {
            let line = format!("| `{reason}` | {} |", reason.sentence());
            assert!(document.contains(&line), "docs/controller.md lacks\n{line}");
        }
    }

    #[test]
    fn every_reason_is_explained_in_one_sentence() {
        for reason in Reason::ALL {
            let sentence = reason.sentence();
            assert!(sentence.starts_with("It ") && sentence.ends_with('.'), "{reason}: {sentence}");
            assert_eq!(sentence.matches(". ").count(), 0, "{reason}: {sentence}");
        }
    }
}
