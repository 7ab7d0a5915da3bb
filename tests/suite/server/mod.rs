//! The service over HTTP.

mod admission;
mod constraints;
mod http;
mod http_operation;
mod nesting;
mod secrets;
mod simulate_stream;
mod tls;
