//! From ten entries to a million in a layer.

use anyhow::Result;

use super::{Curve, amounts, best};
use crate::files;
use crate::image::{Blob, Layout};
use crate::layers::write_entries;
use crate::measure::run;
use crate::scene::Scene;

const NAME: &str = "bench:1";
const PLOT: &str = "entries";

pub(super) fn measure_all(scene: &Scene, curves: &mut Vec<Curve>) -> Result<()> {
    let folder = files::fresh(&scene.at("curve-entries"))?;
    let counts = amounts(
        scene,
        &[10, 1_000, 100_000],
        &[10, 100, 1_000, 10_000, 100_000, 1_000_000],
    );
    let curve = |name| Curve::new(PLOT, name, "entries");
    let mut load = curve("load a layer of empty files");
    let mut verify = curve("verify it");
    let mut mount = curve("mount it");
    let mut stat = curve("stat one file without a mount");
    let mut remove = curve("remove it");
    let (root, target) = (folder.join("store"), files::fresh(&folder.join("mounted"))?);
    let store = scene.store(&root);
    for count in counts {
        let tar = folder.join("layer.tar");
        write_entries(*count as usize, &tar)?;
        let layout = files::fresh(&folder.join("layout"))?;
        let layout = Layout::of(&layout, NAME, &[Blob::of(&tar, &tar)?])?;
        let fresh = || files::fresh(&root).map(drop);
        load.add(*count, best(fresh, || store.load(layout.path()))?);
        verify.add(*count, best(|| Ok(()), || store.command(&["verify"]))?);
        let file = format!("/{}/FILE-{}.TXT", (count - 1) / 1000, count - 1);
        stat.add(
            *count,
            best(|| Ok(()), || store.command(&["stat", NAME, &file]))?,
        );
        let umount = || {
            let mut command = store.command(&["umount"]);
            command.arg(&target);
            command
        };
        let unmounted = || {
            let _ = run(&mut umount());
            Ok(())
        };
        let mounted = || {
            let mut command = store.command(&["mount", NAME, "--ro"]);
            command.arg(&target);
            command
        };
        mount.add(*count, best(unmounted, mounted)?);
        run(&mut umount())?;
        // It is there before the first time.
        let again = || run(&mut store.load(layout.path()));
        remove.add(*count, best(again, || store.command(&["rm", NAME]))?);
    }
    curves.extend([load, verify, mount, stat, remove]);
    files::clear(&folder)
}
