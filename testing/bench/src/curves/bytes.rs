//! From a layer of a kilobyte to one of gigabytes.

use anyhow::Result;

use super::{Curve, amounts, best};
use crate::files;
use crate::image::{Blob, Layout};
use crate::layers::write_bytes;
use crate::scene::Scene;

const NAME: &str = "bench:1";
const PLOT: &str = "bytes";

/// What is measured only if it is asked for.
const LARGE: u64 = 20_000_000_000;

pub(super) fn measure_all(scene: &Scene, curves: &mut Vec<Curve>) -> Result<()> {
    let folder = files::fresh(&scene.at("curve-bytes"))?;
    let sizes = amounts(
        scene,
        &[1_000, 1_000_000, 100_000_000],
        &[
            1_000,
            30_000,
            1_000_000,
            30_000_000,
            250_000_000,
            1_000_000_000,
            4_000_000_000,
        ],
    );
    let large = scene.is_large.then_some(LARGE);
    let curve = |name| Curve::new(PLOT, name, "bytes");
    let mut load = curve("load a layer of one file");
    let mut verify = curve("verify it");
    let mut stat = curve("stat the file without a mount");
    let mut remove = curve("remove it");
    let root = folder.join("store");
    let store = scene.store(&root);
    for size in sizes.iter().copied().chain(large) {
        let tar = folder.join("layer.tar");
        write_bytes(size, &tar)?;
        let layout = files::fresh(&folder.join("layout"))?;
        let layout = Layout::of(&layout, NAME, &[Blob::of(&tar, &tar)?])?;
        let fresh = || files::fresh(&root).map(drop);
        load.add(size, best(fresh, || store.load(layout.path()))?);
        verify.add(size, best(|| Ok(()), || store.command(&["verify"]))?);
        let file = "/FILE.BIN";
        stat.add(
            size,
            best(|| Ok(()), || store.command(&["stat", NAME, file]))?,
        );
        remove.add(
            size,
            crate::measure::measure(&mut store.command(&["rm", NAME]))?,
        );
    }
    curves.extend([load, verify, stat, remove]);
    files::clear(&folder)
}
