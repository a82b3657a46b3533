//! The engine by its behaviour, over the stand-in for Windows.
#![allow(clippy::print_stdout)]

mod call_log;
mod chains;
mod conformance;
mod faults;
mod flushing;
mod orphans;
mod random;
mod recovery;
mod support;
mod transport;
