//! Loads images into a Transom store and saves them from it. A front end: it translates, and knows
//! nothing of layers that the store does not tell it.
//!
//! ```text
//!  layout folder ─┐                            ┌─ import (in parallel) ─► layers
//!  OCI archive ───┼─► source ─► plan ─► checks ┤
//!  docker-archive ┤                            └─ add ──────────────────► images
//!  remote ────────┘
//!
//!  images ─► files (kept blobs, tars, or new gzips) ─► hashed on the way ─► archive or folder
//! ```
//!
//! * [`load`] takes a source apart: reads documents and checks their digests, chooses among the
//!   platforms of a list, makes sure that all layers are there, imports them, adds the images.
//! * [`save`] and [`save_to`] write images out: with the digests they came with wherever the store has
//!   kept the bytes, else with a new manifest, and they say so.
//! * [`Remote`] and [`load_from`] take an image from elsewhere, [`Outgoing`] hands one on: a registry is both.
//! * [`commit`] makes an image of another one and a new layer.
//! * [`resolve`] and [`resolve_layer`] tell what a person means by a name or by some digits of a digest.
//! * [`Manifest`], [`Index`] and [`Config`] read documents as Go's tools do.
//!
//! Bytes of documents and of kept layers pass through untouched. Sources are taken to be hostile:
//! documents are limited in size, depth and number, names never become paths, and whatever is named by
//! a digest is hashed before it is used.
#![forbid(unsafe_code)]

mod commit;
mod document;
mod json;
mod load;
mod media;
mod progress;
mod reference;
mod save;
mod select;
mod source;

pub use commit::{Below, CommitError, Step, commit};
pub use document::{Config, Descriptor, History, Index, Manifest, PlatformSpec};
pub use json::{JsonError, MAX_DOCUMENT};
pub use load::{LoadError, LoadOptions, Loaded, LoadedLayer, load, load_from};
pub use media::{DOCUMENT_TYPES, is_document, is_image_config, type_of_document};
pub use progress::{LayerProgress, NoProgress, Progress};
pub use reference::{ReferenceError, long_form, new_name, resolve, resolve_layer};
pub use save::{
    Format, Outgoing, OutgoingLayer, Recompressed, SaveError, SaveImage, SaveReport, SavedImage,
    index_of, save, save_to,
};
pub use select::{PlatformChoice, PlatformError, SelectError};
pub use source::{Remote, SourceError};
