//! Registries: pulls images into a Transom store and pushes them from it (OCI distribution
//! specification, Docker registry HTTP API v2).
//!
//! ```text
//!  pull: reference ─► place (mirrors, registry) ─► manifest ─► transom-oci: plan, checks, import
//!                                                                  │ asks for blobs, several at once
//!                     http ◄─ authorize ◄─ blob reader (resumes) ◄─┘
//!
//!  push: transom-oci: outgoing image ─► which blobs are there? ─► mount or upload ─► manifest, index
//! ```
//!
//! * [`pull`] makes a registry one more source for `transom_oci`: layers go straight into the store.
//! * [`push`] sends what `transom_oci` hands out: layers byte for byte as they came where they are kept.
//! * [`Credentials`] come from Docker's `config.json` and its helper programs, or from the caller.
//!
//! Both block: the runtime that reqwest needs stays inside it, and nothing outside is asynchronous.
//!
//! A registry is taken to be hostile. Documents are cut off at 4 MiB and blobs at the length that their
//! descriptor says; all is checked against its digest; credentials go to the registry's own origin and
//! to the realm it names, never with a redirect; nothing is retried without end; plain HTTP is for
//! loopback addresses, or has to be asked for.
//!
//! The client is our own, over reqwest, and not `oci-client` 0.18: that one reads documents of any
//! length into memory, follows redirects unseen, and has neither retries nor `Retry-After` nor a way to
//! go on where a blob broke off.
//!
//! TLS is rustls with the platform's certificates; on Linux `SSL_CERT_FILE` and `SSL_CERT_DIR` replace
//! them. Proxies are those of `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`.
#![forbid(unsafe_code)]

mod authorize;
mod challenge;
mod client;
mod credentials;
mod docker_config;
mod error;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod http;
mod name;
mod options;
mod place;
mod pull;
mod push;
mod reader;
mod retry;
mod upload;

pub use credentials::Credentials;
pub use error::RegistryError;
pub use name::ImageName;
pub use options::{Mirror, Options};
pub use pull::{PullOptions, pull};
pub use push::{PushOptions, PushReport, push};
pub use retry::Retries;
