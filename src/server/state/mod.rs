//! What all requests share: one [`app::App`], made when the service starts.

pub(crate) mod answer;
pub(crate) mod app;
pub(crate) mod cache;
pub mod config;
pub(crate) mod counts;
pub(crate) mod feeds;
pub(crate) mod following;
pub mod fonts;
pub(crate) mod health;
pub(crate) mod jobs;
pub(crate) mod keys;
pub(crate) mod queue;
pub(crate) mod rate;
pub(crate) mod replicas;
pub(crate) mod session;
pub(crate) mod start_error;
pub(crate) mod streams;
pub(crate) mod time_of_day;
pub(crate) mod totals;
pub(crate) mod whereabouts;
