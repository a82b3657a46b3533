//! From one layer to 500 in an image.

use anyhow::Result;

use super::{Curve, amounts, best, forget_merged};
use crate::files;
use crate::image::{Blob, Layout};
use crate::layers::Change;
use crate::measure::run;
use crate::scene::Scene;

const NAME: &str = "bench:1";
const PLOT: &str = "layers";

pub(super) fn measure_all(scene: &Scene, curves: &mut Vec<Curve>) -> Result<()> {
    let folder = files::fresh(&scene.at("curve-layers"))?;
    let counts = amounts(scene, &[1, 16, 128], &[1, 4, 16, 64, 128, 250, 500]);
    let most = counts.last().copied().unwrap_or_default() as usize;
    // A base of this many files, so that layers replace and delete something.
    let base: Vec<String> = (0..2_000)
        .map(|number| format!("Files/{}/file-{number}.txt", number / 1000))
        .collect();
    let tar = folder.join("0.tar");
    crate::layers::write_entries(base.len(), &tar)?;
    let mut blobs = vec![Blob::of(&tar, &tar)?];
    for number in 1..most {
        let tar = folder.join(format!("{number}.tar"));
        Change::new(number, &base).write_tar(&tar)?;
        blobs.push(Blob::of(&tar, &tar)?);
    }
    let top = folder.join("top.tar");
    Change::new(most, &base).write_tar(&top)?;
    let curve = |name| Curve::new(PLOT, name, "layers");
    let mut load = curve("load an image of small layers");
    let mut merge = curve("merge its layers and mount it");
    let mut mount = curve("mount it, merged before");
    let mut find = curve("find and stat in the mount");
    let mut apply = curve("put one more layer on top");
    let (root, target) = (folder.join("store"), files::fresh(&folder.join("mounted"))?);
    let store = scene.store(&root);
    for count in counts {
        let layout = folder.join(format!("layout-{count}"));
        let layout = Layout::of(&layout, NAME, &blobs[..*count as usize])?;
        let fresh = || files::fresh(&root).map(drop);
        load.add(*count, best(fresh, || store.load(layout.path()))?);
        let umount = || {
            let mut command = store.command(&["umount"]);
            command.arg(&target);
            command
        };
        let mounted = || {
            let mut command = store.command(&["mount", NAME, "--ro"]);
            command.arg(&target);
            command
        };
        let unmerged = || {
            let _ = run(&mut umount());
            forget_merged(&root)
        };
        merge.add(*count, best(unmerged, mounted)?);
        mount.add(*count, best(|| run(&mut umount()), mounted)?);
        let look = || {
            let mut command = std::process::Command::new("find");
            command.arg(&target).args(["-printf", "%s %T@\n"]);
            command
        };
        find.add(*count, best(|| Ok(()), look)?);
        run(&mut umount())?;
        let one_more = || {
            let mut command = store.command(&["apply"]);
            command.arg(&top).args(["--on", NAME, "--tag", "more:1"]);
            command
        };
        let gone = || {
            let _ = run(&mut store.command(&["rm", "more:1"]));
            Ok(())
        };
        apply.add(*count, best(gone, one_more)?);
    }
    curves.extend([load, merge, mount, find, apply]);
    files::clear(&folder)
}
