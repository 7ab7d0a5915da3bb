//! Integration tests of the exchange.

mod dxf;
mod pdf;
