//! Generated operational artefacts and staging.
