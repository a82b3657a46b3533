//! Docker's legacy graph-driver plugin: a [`Driver`](transom_driver::Driver) behind a unix socket, for `dockerd`
//! 1.12 to 27 (from 1.13 on with `--experimental`; 27 asks for `DOCKERD_DEPRECATED_GRAPHDRIVER_PLUGINS=1`).
//!
//! ```text
//!  dockerd ──POST /GraphDriver.Create {"ID":…}──► router ──► Plugin::answer ──► Driver (on a thread that may block)
//!          ──POST /GraphDriver.ApplyDiff, tar───► router ──► TarBody ─────────► Driver::apply_diff, while it comes
//!          ◄─────────────── tar ───────────────── router ◄── stream of Diff ◄── Driver::diff, while it is read
//! ```
//!
//! All calls are POSTs; an answer is a JSON object, in which `Err` that is not empty says what failed. What cannot be
//! read as a call has a status other than 200 as well, and so has a diff that cannot begin. One that breaks off later
//! ends the connection without the end of its last chunk: there is no other way to say so.
//!
//! Docker sends a call again when the connection broke before an answer came, and does not rewind a layer's tar for
//! it. [`Plugin`] notes each layer whose tar has begun to come, on disk, and refuses a second tar: what comes then may
//! be the rest of the first, or nothing, and Docker would take it for the whole.
#![cfg(unix)]
#![forbid(unsafe_code)]

mod begun;
mod call;
mod error;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod plugin;
mod router;
mod tar_body;

pub use call::CALLS;
pub use error::OpenError;
pub use plugin::Plugin;
pub use router::{Failed, TakenIn, routes, serve};
