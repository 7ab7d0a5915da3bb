//! Electrical networks.

mod dc;
