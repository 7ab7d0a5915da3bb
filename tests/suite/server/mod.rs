//! The service over HTTP.

mod admission;
mod bound;
mod changes;
mod conformance;
mod constraints;
mod descriptors;
mod edit;
mod export;
mod http;
mod http_operation;
mod import;
mod keys;
mod mistakes;
mod nesting;
mod networks;
mod networks_in_time;
mod openapi;
mod pages;
mod secrets;
mod sessions;
mod simulate_stream;
mod store;
mod tiles;
mod tls;
mod together;
