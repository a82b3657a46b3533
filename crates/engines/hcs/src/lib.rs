//! The engine of Windows: layers over the Host Compute Service, in the folders of Docker's `windowsfilter` driver.
//!
//! ```text
//!   Driver ──► HcsEngine ──► chain        layerchain.json, layerId
//!                  │    ├──► mounts       what is active, and how often
//!                  │    ├──► removal      rename, then destroy
//!                  │    └──► worker ───► work ──► transport      imports and exports, in a process with privileges
//!                  ▼                                  │
//!                 Hcs ◄───────────────────────────────┘
//! ```
//!
//! Everything here is portable: what only Windows has is behind [`Hcs`](transom_windows::Hcs) and
//! [`Folder`](transom_windows::Folder). **It has run over a stand-in only, never on real Windows.**
//!
//! A folder that Docker made can be opened; what is added to it are small files whose names begin with `transom-`.
#![forbid(unsafe_code)]

mod chain;
mod diagnosis;
mod durable;
mod engine;
mod error;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod intents;
mod mounts;
mod removal;
mod retry;
pub mod transport;
mod waiting;
mod work;
pub mod worker;
mod workplace;

pub use chain::ChainError;
pub use engine::HcsEngine;
pub use error::{Cause, HcsEngineError};
pub use work::is_filled;
pub use worker::Worker;
