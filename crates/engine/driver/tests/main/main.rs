//! The driver over the engine in memory.

mod conformance;
mod diffs;
mod layer_store;
mod parallel;
mod quirks;
mod references;
mod rollback;
mod support;
