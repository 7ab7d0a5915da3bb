//! Sessions through their public interface.

mod constrained_drag;
mod stores;
