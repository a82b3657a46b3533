//! A stand-in for Windows, for tests.
//!
//! ```text
//!   PlainFiles   what NTFS keeps of files, kept in plain files
//!   Machine      the Host Compute Service over them, strict about its arguments; it can be made to fail, hang and die
//!   PlainVolume  what a program in a container does to a mounted layer
//! ```
#![forbid(unsafe_code)]

mod machine;
mod plain;
mod streams;
mod volume;

pub use machine::{Action, ExportStream, ImportStream, Machine, Rule, StreamedEntry};
pub use plain::{PlainFiles, PlainNode, Record};
pub use volume::PlainVolume;
