//! Sessions through their public interface.

mod constrained_drag;
mod edits;
mod stores;
