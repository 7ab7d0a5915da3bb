//! Sessions through their public interface.

mod constrained_drag;
#[cfg(target_os = "linux")]
mod disk_faults;
mod edits;
mod extending;
mod feed;
mod hand_over;
mod networks;
mod remote;
mod store_rules;
mod stores;
mod support;
mod tiles;
mod together;
