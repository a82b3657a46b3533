//! The bundled sample image, made from nothing but this source.
//!
//! ```text
//! descriptors, hive ──▶ content ──▶ shape ──▶ image ──▶ samples/hello-windows.tar
//!                    (three layers)  (tars)   (OCI archive)
//! ```
//!
//! * [`sample_image`] gives the image's bytes: always the same, so that the committed file can be checked.
//! * [`shape`] makes a Windows layer tar of any tree, also of a folder on disk; tests and the benchmark use it.
//! * [`seeds`] gives the fuzz targets their first inputs.
//! * [`descriptors`] are the security descriptors of the sample, as SDDL.
#![forbid(unsafe_code)]

pub mod descriptors;
pub mod shape;

mod content;
mod hive;
mod image;
mod seeds;

pub use image::{NAME, sample_image};
pub use seeds::{Seed, seeds};
