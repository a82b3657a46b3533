//! What Linux can mount.

use std::fs::OpenOptions;

use super::{Check, State};

pub(super) fn checks() -> Vec<Check> {
    let is_root = rustix::process::geteuid().is_root();
    let user = match is_root {
        true => Check::new("root", State::Works, "this user is root"),
        false => Check::new(
            "root",
            State::Missing,
            "this user is not root: images are mounted by FUSE, writable layers not at all",
        ),
    };
    let kernel = match transom_mount::can_mount() {
        Ok(()) => Check::new(
            "kernel mounts",
            State::Works,
            "EROFS images and overlays can be mounted",
        ),
        Err(why) => Check::new("kernel mounts", State::Missing, why),
    };
    vec![user, kernel, fuse(is_root)]
}

/// Mounting by FUSE takes the device, and without root a program that mounts.
fn fuse(is_root: bool) -> Check {
    let device = "/dev/fuse";
    if let Err(error) = OpenOptions::new().read(true).write(true).open(device) {
        return Check::new("FUSE", State::Missing, format!("{device}: {error}"));
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let has_program = std::env::split_paths(&path).any(|dir| dir.join("fusermount3").is_file());
    match is_root || has_program {
        true => Check::new("FUSE", State::Works, format!("{device} can be opened")),
        false => Check::new(
            "FUSE",
            State::Missing,
            "there is no fusermount3, which is in the package fuse3",
        ),
    }
}
