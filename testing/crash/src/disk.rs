//! What a disk holds after each call, and what it may hold after a crash.

mod crashes;
mod replay;
mod tree;

pub use crashes::{Crash, Effort};
pub use replay::Recording;
pub use tree::Tree;
