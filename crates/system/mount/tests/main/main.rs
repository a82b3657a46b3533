//! Real mounts. Where none can be made, each test prints why and passes.
#![cfg(target_os = "linux")]

mod attach;
mod erofs;
mod overlay;
mod privilege;
mod scratch;
mod support;
mod table;
