//! What every engine agrees on about layers, before any of them is stored.
//!
//! ```text
//! digest   sha256 digests and the ids made of them: DiffId, ChainId, BlobDigest
//! path     how people write a place in a Windows image: C:\x, /x, Files/x, x:stream
//! reserved names that Windows keeps for itself
//! rules    how names compare and how whiteouts act when layers are stacked
//! ```
//!
//! No I/O here: bytes and strings in, values out.
#![forbid(unsafe_code)]

mod digest;
mod path;
mod reserved;
mod rules;

pub use digest::{BlobDigest, ChainId, DiffId, Digest, DigestError, Hasher};
pub use path::{TreePath, TreePathError, View};
pub use reserved::{CARRIER_SUFFIX, RECYCLE_BIN};
pub use rules::{Names, Whiteouts};
