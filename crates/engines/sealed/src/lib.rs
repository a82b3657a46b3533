//! The sealed engine: a layer is its tar, byte for byte as it came, and an index beside it. It is
//! never unpacked.
//!
//! ```text
//!  bytes ──import──► layer.tar + index.erofs ──┐
//!                                              ├─chain──► merged index ──tree──► names, metadata, data
//!  bytes ──import──► layer.tar + index.erofs ──┘                         diff
//! ```
//!
//! * [`Store`] is one root folder: layers, images and their catalog, for any number of processes.
//! * [`Session::import_layer`] takes a layer in, in one pass, and makes it durable before it is visible.
//! * [`Store::open_chain`] stacks layers once; [`Tree`] then reads names, metadata and data without a mount.
//! * [`diff`] compares any two trees.
//! * [`Store::verify_layer`], [`Store::usage`] and [`Store::collect_garbage`] keep the store honest.
//!
//! What lies where on disk is told in `docs/formats/store.md`.
#![forbid(unsafe_code)]
// Writable layers are Linux's here: elsewhere nothing uses what the store has for them.
#![cfg_attr(
    not(target_os = "linux"),
    expect(dead_code, unused_imports, reason = "what only writable layers use")
)]

mod catalog;
mod chain;
pub mod diff;
mod durable;
#[cfg(not(target_os = "linux"))]
mod elsewhere;
#[cfg(target_os = "linux")]
mod engine;
mod fsck;
mod image;
mod import;
mod index;
mod layout;
mod limits;
mod maintain;
mod notes;
mod paths;
mod snapshots;
mod space;
mod staging;
mod store;
mod streams;
mod tree;
mod turns;
mod usage;
#[cfg(target_os = "linux")]
mod writable;

pub use catalog::snapshot::{Snapshot, SnapshotKind};
pub use catalog::{
    BlobRecord, CatalogError, Compression, Dialect, ImageLayer, ImageRecord, LayerRecord,
    MountRecord, NamedKind, NamedLayer, Platform, Via,
};
pub use chain::{ChainError, Stacking, StackingRule};
pub use durable::FileError;
#[cfg(not(target_os = "linux"))]
pub use elsewhere::ElsewhereLayer;
#[cfg(target_os = "linux")]
pub use engine::SealedEngine;
pub use fsck::{CheckOptions, Counted, Finding, Problem, Rebuilt, Remedy, Repair};
pub use image::{AddImageError, AddedImage, NewImage, Removed};
pub use import::{ImportError, ImportFailure, ImportedLayer, LayerRequest};
pub use index::{BuildError, EntryRule, IndexError, RebuildError};
pub use limits::{LARGEST_PAX, Limits};
pub use maintain::Damage;
pub use snapshots::{Commit, NewSnapshot, SnapshotError, SnapshotUsage};
pub use store::{Session, Store, StoreError};
pub use tree::{Data, DeviceKind, Kind, Metadata, Node, Tree, TreeError};
pub use turns::Turn;
pub use usage::{ImageUsage, Usage};
#[cfg(target_os = "linux")]
pub use writable::{
    ChangesError, EditError, Editor, ExportError, MountReport, NamedLayerError, NamedLayerFault,
    NewWritable, Writable,
};
