//! What fuzzing asks of each parser: any bytes give a value or an error, and what a value promises holds.
//!
//! Each function takes arbitrary bytes and panics where a promise is broken. `fuzz_targets/` hands them to libFuzzer,
//! `tests/seeds.rs` runs them over the committed seeds and thousands of damaged ones without any fuzzer.
#![forbid(unsafe_code)]

mod archive;
mod containerd;
mod erofs;
mod graphdriver;
mod hcs;
mod import;
mod mount;
mod names;
mod ntmeta;
mod oci;
mod registry;
mod tar;

pub use archive::archive;
pub use containerd::snapshot_filter;
pub use erofs::erofs_image;
pub use graphdriver::{graph_call, size_option};
pub use hcs::{layer_chain, tombstones};
pub use import::import;
pub use mount::mount_table;
pub use names::{tree_path, whiteout};
pub use ntmeta::{
    backup_stream, ea, inherit, name_fold, pax_time, reparse, sddl, security_descriptor,
};
pub use oci::oci_json;
pub use registry::{docker_config, image_name, registry_headers};
pub use tar::{tar, tar_windows};

/// A function that takes arbitrary bytes.
pub type Target = fn(&[u8]);

/// All targets by name. The name is also that of the file in `fuzz_targets/` and of the folder in `seeds/`.
pub const TARGETS: [(&str, Target); 25] = [
    ("archive", archive),
    ("backup_stream", backup_stream),
    ("docker_config", docker_config),
    ("ea", ea),
    ("erofs_image", erofs_image),
    ("graph_call", graph_call),
    ("image_name", image_name),
    ("import", import),
    ("inherit", inherit),
    ("layer_chain", layer_chain),
    ("mount_table", mount_table),
    ("name_fold", name_fold),
    ("oci_json", oci_json),
    ("pax_time", pax_time),
    ("registry_headers", registry_headers),
    ("reparse", reparse),
    ("sddl", sddl),
    ("security_descriptor", security_descriptor),
    ("size_option", size_option),
    ("snapshot_filter", snapshot_filter),
    ("tar", tar),
    ("tar_windows", tar_windows),
    ("tombstones", tombstones),
    ("tree_path", tree_path),
    ("whiteout", whiteout),
];
