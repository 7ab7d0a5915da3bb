//! One file per endpoint, or per few that belong together. The table of them is
//! [`crate::endpoints`].

pub(crate) mod backup;
pub(crate) mod compile_json;
pub(crate) mod compile_svg;
pub(crate) mod drawing;
pub(crate) mod evaluate;
pub(crate) mod interactive;
pub(crate) mod jobs;
pub(crate) mod openapi;
pub(crate) mod pages;
pub(crate) mod parse;
pub(crate) mod precision;
pub(crate) mod render;
pub(crate) mod simulate;
pub(crate) mod slo;
pub(crate) mod solve;
pub(crate) mod state;
pub(crate) mod status;
pub(crate) mod telemetry;
pub(crate) mod traces;
