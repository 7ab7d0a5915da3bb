//! A place to run the engine for others: manifests that are checked before they are applied, a
//! deployment that is validated and goes back by itself, backups that come back.

pub mod backup;
pub mod deploy;
pub mod image;
pub mod journal;
pub mod manifest;
pub mod preflight;
mod references;
mod restricted;
pub mod sbom;
pub mod secrets;
pub mod status;
pub mod tools;
pub mod validate;

pub use journal::{Entry, StepState};
pub use references::{allowances, references};
pub use restricted::restricted;

/// The secrets that manifests name and no file holds: made at install.
pub const INSTALLED_SECRETS: [&str; 3] =
    ["svgx-engine-keys", "grafana-admin", "alertmanager-receivers"];
