//! The measurements.

use std::fs;
use std::path::Path;

use crate::containerd::{Containerd, PLUGIN};
use crate::image;
use crate::process::wait_until;
use crate::suite::Suite;
use crate::times::Times;

/// How often each unpacks.
const ROUNDS: usize = 5;

/// containerd's own snapshotter.
const OVERLAYFS: &str = "overlayfs";

/// Measures with this layer, and prints a table.
pub(crate) fn compare(layer: &Path) {
    let Some(suite) = Suite::find("trixie") else {
        return;
    };
    let containerd = Containerd::start(&suite);
    let (archive, manifest) = image::write(containerd.folder(), layer);
    let import = ["images", "import", "--local", "--no-unpack", "--platform"];
    let archive = archive.to_str().unwrap();
    let mut ingest = Times::default();
    ingest
        .measure(|| Ok(containerd.run(&[&import[..], &["windows/amd64", archive]].concat())))
        .unwrap();

    let mut over_transom = Times::default();
    let mut on_overlayfs = Times::default();
    for round in 0..ROUNDS {
        println!("round {} of {ROUNDS}", round + 1);
        let mut turns = [(PLUGIN, &mut over_transom), (OVERLAYFS, &mut on_overlayfs)];
        if round % 2 == 1 {
            turns.reverse();
        }
        for (snapshotter, times) in turns {
            let unpack = ["snapshots", "--snapshotter", snapshotter, "unpack"];
            let of = ["--snapshotter", snapshotter, &manifest];
            times
                .measure(|| Ok(containerd.run(&[&unpack[..], &of].concat())))
                .unwrap();
            forget(&containerd, snapshotter);
        }
    }
    println!();
    println!("| what | best | median | compared with | ratio of best (median) | wanted |");
    println!("|---|---|---|---|---|---|");
    ingest.row("containerd takes the image in, once", None, "");
    on_overlayfs.row("unpack with containerd's overlayfs", None, "");
    over_transom.row(
        "unpack over Transom",
        Some((&on_overlayfs, "overlayfs")),
        "0.33",
    );
}

/// Removes what was unpacked, and waits until nothing of it is on disk.
fn forget(containerd: &Containerd, snapshotter: &str) {
    let of = ["snapshots", "--snapshotter", snapshotter];
    let list = containerd.run(&[&of[..], &["ls"]].concat());
    let key = list.lines().nth(1).and_then(|line| line.split(' ').next());
    let key = key.expect("nothing was unpacked");
    containerd.run(&[&of[..], &["rm", key]].concat());
    let folders = containerd.path("root/io.containerd.snapshotter.v1.overlayfs/snapshots");
    wait_until("what was unpacked is gone", || match snapshotter {
        PLUGIN => containerd.transom.layer_bytes() == 0,
        _ => fs::read_dir(&folders).unwrap().next().is_none(),
    });
}
