//! How long containerd takes to unpack a layer, over Transom and with its own overlayfs snapshotter.
//!
//! `cargo xtask bench` makes the layer and runs this. The image is in containerd's content store before anything is
//! measured; the two take turns, and what one has unpacked is gone before the next begins.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "the table is the result")]

#[cfg(target_os = "linux")]
#[path = "../../tests/main/containerd.rs"]
#[expect(dead_code, reason = "tests ask for more")]
mod containerd;
#[cfg(target_os = "linux")]
mod image;
#[cfg(target_os = "linux")]
#[path = "../../tests/main/mounts.rs"]
mod mounts;
#[cfg(target_os = "linux")]
#[path = "../../tests/main/process.rs"]
mod process;
#[cfg(target_os = "linux")]
mod run;
#[cfg(target_os = "linux")]
#[path = "../../tests/main/suite.rs"]
mod suite;
#[cfg(target_os = "linux")]
#[path = "../../../../crates/engines/sealed/benches/times/mod.rs"]
mod times;
#[cfg(target_os = "linux")]
#[path = "../../tests/main/transom.rs"]
#[expect(dead_code, reason = "tests ask for more")]
mod transom;

fn main() {
    // cargo adds arguments of its own, which begin with dashes.
    let layer = std::env::args()
        .skip(1)
        .find(|argument| !argument.starts_with("--"));
    match layer {
        #[cfg(target_os = "linux")]
        Some(layer) => run::compare(std::path::Path::new(&layer)),
        _ => {
            println!("skipped: the benchmark needs a layer as tar.gz, on Linux (cargo xtask bench)")
        }
    }
}
