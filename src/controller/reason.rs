//! Why a request was admitted, degraded, refused or ended.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
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
        }
    };
}

reasons! {
    // Admitted.
    /// The predicted finish is inside the deadline.
    Feasible = "feasible",
    /// Admitted at a cheaper tier because the ladder stands there.
    Brownout = "brownout",
    /// Admitted at a cheaper tier because this session's last answer had to be.
    SessionDegraded = "session-degraded",
    /// Admitted at the tier an operator pinned.
    Pinned = "pinned",
    /// Admitted against the model, so that it keeps learning.
    Probe = "probe",
    /// Admitted without a latency objective.
    Batch = "batch",
    /// Admitted under the fixed limits: a sensor is silent or the clock jumped.
    StaticAdmit = "static-admit",
    /// Admitted because the controller is switched off.
    Off = "off",

    // Refused.
    /// The predicted finish is past the deadline.
    PredictedLate = "predicted-late",
    /// The caller's own deadline is shorter than the work.
    ClientDeadline = "client-deadline",
    /// No tier brings this work inside its budget: ask for a job instead.
    TooLarge = "too-large",
    /// The caller insists on a tier that cannot be had now.
    StrictPrecision = "strict-precision",
    /// The class admits almost nothing and is closed for a while.
    ClassClosed = "class-closed",
    /// The caller used more than its fair share of processor time.
    TenantShare = "tenant-share",
    /// Too many of the admitted requests are retries.
    RetryBudget = "retry-budget",
    /// Interactive work waits past its deadline: the model is wrong.
    Backstop = "backstop",
    /// The fixed limits are reached: a sensor is silent or the clock jumped.
    StaticLimit = "static-limit",
    /// The queue is full.
    QueueFull = "queue-full",

    // Ended.
    /// Answered inside the budget.
    Completed = "completed",
    /// Answered past the budget.
    Late = "late",
    /// Dropped from the queue: it could no longer be in time.
    Doomed = "doomed",
    /// Stopped at a checkpoint past its deadline.
    Deadline = "deadline",
    /// The caller went away.
    Cancelled = "cancelled",
    /// The work panicked.
    Panicked = "panicked",
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
}
