//! Writable layers on Windows, over the Host Compute Service.
//!
//! ```text
//!   image ─► sealed store ─► chain: its layers, made once ─► writable layer ─► volume
//!                 ▲                                                │
//!                 └────────────────── commit ◄─────────────────────┘
//! ```

mod chain;
mod collect;
pub(super) mod edit;
mod host;
mod layers;
mod noted;
mod writable;

pub(super) use collect::{add_usage, collect};
pub(crate) use host::{Host, service};
pub(super) use layers::Layers;
pub(super) use writable::{
    changes, clean_dead, commit, create, export, grow, list, mount, remove, remove_file, umount,
};
