//! The driver of Windows layers: what Docker's `windowsfilter` does around the platform's calls, without the platform.
//!
//! ```text
//!  get, put, diff, apply_diff, remove …        a front end translates its protocol into these
//!        │
//!     Driver ── Turns: one operation of a layer at a time, different layers in parallel
//!        │              and of each layer: references held, steps to undo
//!        │
//!     Engine           what a layer is on this host: one step each, no state machine
//! ```
//!
//! A layer goes `absent → made → active → prepared` and back. [`Driver`] decides which [`Step`] comes next, undoes what
//! it began when one fails, and keeps what it could not undo, so that the next call tries again:
//!
//! | method | steps | when a step fails |
//! |---|---|---|
//! | [`create`](Driver::create) | parent exists, make | nothing to undo |
//! | [`create_writable`](Driver::create_writable) | parse options, parent exists, make, set size | destroy |
//! | [`get`](Driver::get), first | activate, prepare, mount path, store count | unprepare, deactivate |
//! | [`put`](Driver::put), last | unprepare, deactivate, store 0 | the rest is tried; a second put tries what is left |
//! | [`diff`](Driver::diff), [`changes`](Driver::changes), [`diff_size`](Driver::diff_size) | see [`Exports`] | the layer is brought back to where it was |
//! | [`remove`](Driver::remove) | refuse if mounted, finish a failed put, destroy | the layer stays |
//!
//! [`memory`] is an engine of plain maps: the oracle for others, and a test double whose steps fail and block on demand.
//! `conformance` (a cargo feature) holds the cases that each engine must pass.
//!
//! ```
//! use transom_driver::{Driver, Exports, Id, memory::MemoryEngine};
//!
//! let driver = Driver::open(MemoryEngine::new(Exports::Unprepared))?;
//! let (base, container) = (Id::new("base")?, Id::new("container")?);
//! driver.create(&base, None)?;
//! driver.create_writable(&container, Some(&base), [("size", "40GB")])?;
//! let root = driver.get(&container)?;
//! std::fs::write(root.join("hello.txt"), "hello")?;
//! driver.put(&container)?;
//! assert!(driver.changes(&container)?.iter().any(|change| change.path == "Files/hello.txt"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

#[cfg(feature = "conformance")]
pub mod conformance;
mod diff;
mod driver;
mod engine;
mod error;
mod id;
mod layer;
pub mod memory;
pub mod size;
mod step;
mod sync;
mod turns;

pub use diff::Diff;
pub use driver::{DiffGetter, Driver};
pub use engine::{Change, ChangeKind, Engine, EngineError, ErrorKind, Exports};
pub use error::{DriverError, Failure};
pub use id::{Id, IdError};
pub use step::{Operation, Step};
