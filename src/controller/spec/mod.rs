//! The objectives: OpenSLO v1 documents with our annotations, read, checked,
//! and turned into what the controller, the telemetry and the alerts need.
//!
//! The documents are compiled in, so a service without files still knows what
//! it promises, and can be replaced by a folder of the same shape.

mod decimal;
mod load;
pub mod openslo;
mod policy;
mod show;

use std::fmt;

use svgx_base::budget::Class;

pub use decimal::{Decimal, NotDecimal};
pub use openslo::{
    AlertConditionSpec, AlertPolicySpec, DataSourceSpec, Document, ServiceSpec, SloSpec, TargetSpec,
};
pub use policy::{Objective, Operation, Policy};
pub use show::show;

/// Something wrong in a document, at its place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", place(.file, *.line, *.column))]
pub struct Error {
    /// The file.
    pub file: String,
    /// The line, from 1; 0 when the file as a whole is meant.
    pub line: u64,
    /// The column, from 1.
    pub column: u64,
    /// What is wrong and what was expected.
    pub message: String,
}

/// `FILE:LINE:COLUMN`, or the file alone where it is meant as a whole.
fn place(file: &str, line: u64, column: u64) -> String {
    match line {
        0 => file.to_owned(),
        line => format!("{file}:{line}:{column}"),
    }
}

/// Everything that is wrong, in the order of the files.
#[derive(Clone, Debug, thiserror::Error)]
pub struct Errors(pub Vec<Error>);

impl fmt::Display for Errors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}

/// The objectives in force.
#[derive(Clone, Debug)]
pub struct Spec {
    /// What the objectives are about.
    pub service: Document<ServiceSpec>,
    /// Where indicators are read.
    pub data_sources: Vec<Document<DataSourceSpec>>,
    /// Every objective.
    pub slos: Vec<Document<SloSpec>>,
    /// When someone is told.
    pub alert_policies: Vec<Document<AlertPolicySpec>>,
    /// When an alert fires.
    pub alert_conditions: Vec<Document<AlertConditionSpec>>,
    /// Who is told.
    pub notification_targets: Vec<Document<TargetSpec>>,
    /// The latency objectives, most urgent class first: ui, redraw, physics.
    pub objectives: [Objective; 3],
    /// The stated constants of the controller.
    pub policy: Policy,
}

impl Spec {
    /// The objective of a class; none for batch.
    pub fn objective(&self, class: Class) -> Option<&Objective> {
        self.objectives.iter().find(|objective| objective.class == class)
    }

    /// The objective document of this name.
    pub fn slo(&self, name: &str) -> Option<&Document<SloSpec>> {
        self.slos.iter().find(|slo| slo.metadata.name == name)
    }

    /// The alert condition of this name.
    pub fn condition(&self, name: &str) -> Option<&Document<AlertConditionSpec>> {
        self.alert_conditions.iter().find(|condition| condition.metadata.name == name)
    }

    /// BLAKE3 of what the controller derives its constants from, hexadecimal.
    pub fn fingerprint(&self) -> String {
        let text = format!("{:?}{:?}", self.objectives, self.policy);
        blake3::hash(text.as_bytes()).to_hex().to_string()
    }

    /// Upper edges, in seconds, of the histogram every latency is recorded in:
    /// each budget of the spec exactly (so that "95 % within the budget" needs no
    /// interpolation), its half and double, and the customary coarse steps.
    pub fn latency_buckets(&self) -> Vec<f64> {
        const CUSTOMARY: [i64; 18] =
            [1, 2, 4, 5, 8, 10, 25, 50, 64, 75, 250, 500, 750, 1000, 2500, 5000, 7500, 10_000];
        let mut edges: Vec<Decimal> = CUSTOMARY.map(|ms| Decimal::new(ms, 3)).to_vec();
        edges.extend(self.objectives.iter().map(|objective| objective.threshold));
        edges.sort();
        edges.dedup();
        edges.into_iter().map(Decimal::as_f64).collect()
    }
}

#[cfg(test)]
mod tests;
