//! What every room shares: the latency [`budget`], what the [`machine`] gives, and small tools
//! that would otherwise be written in each room.

pub mod budget;
pub mod cgroup;
pub mod deep;
pub mod digits;
pub mod duration;
pub mod fault;
pub mod hash;
pub mod machine;
pub mod nearest;
pub mod random;
pub mod svg;
pub mod wording;
pub mod xml;
