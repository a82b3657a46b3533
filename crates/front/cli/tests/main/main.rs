//! The program itself, run on the bundled image.
#![expect(clippy::print_stdout, reason = "a test says why it cannot run")]

#[cfg(target_os = "linux")]
mod breakouts;
#[cfg(all(feature = "serve", target_os = "linux"))]
mod configuring;
mod copying;
mod doctor;
#[cfg(target_os = "linux")]
mod mounting;
mod reading;
#[cfg(target_os = "linux")]
mod rebuilding;
#[cfg(all(feature = "registry", target_os = "linux"))]
mod registries;
#[cfg(all(feature = "serve", target_os = "linux"))]
mod serving;
#[cfg(target_os = "linux")]
mod snapshots;
mod storing;
mod support;
#[cfg(target_os = "linux")]
mod writable;
