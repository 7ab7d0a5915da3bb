//! The service over HTTP.

mod admission;
mod conformance;
mod constraints;
mod descriptors;
mod http;
mod http_operation;
mod keys;
mod nesting;
mod pages;
mod secrets;
mod simulate_stream;
mod store;
mod tls;
