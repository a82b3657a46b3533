//! Mounts and writable layers over one large layer, against the same files on the disk's own file system.
//!
//! `cargo xtask bench` makes the layer and runs this, as root on Linux. As in the other benchmark, all figures
//! come from one run in which the measurements take turns.
#![expect(clippy::print_stdout, reason = "the table is the result")]

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
mod stored;
#[cfg(target_os = "linux")]
mod times;

#[cfg(target_os = "linux")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    linux::run()
}

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("skipped: writable layers and mounts need Linux");
}
