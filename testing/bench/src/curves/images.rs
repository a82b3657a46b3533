//! From one image to a thousand on one root.

use anyhow::Result;

use super::{Curve, amounts, best};
use crate::files;
use crate::image::{Blob, Layout};
use crate::layers::Change;
use crate::measure::run;
use crate::scene::Scene;

const PLOT: &str = "images";

pub(super) fn measure_all(scene: &Scene, curves: &mut Vec<Curve>) -> Result<()> {
    let folder = files::fresh(&scene.at("curve-images"))?;
    let counts = amounts(scene, &[1, 10, 100], &[1, 10, 100, 300, 1_000]);
    let tar = folder.join("base.tar");
    let base: Vec<String> = (0..1_000)
        .map(|number| format!("Files/0/file-{number}.txt"))
        .collect();
    crate::layers::write_entries(base.len(), &tar)?;
    let base_blob = Blob::of(&tar, &tar)?;
    let blob = |number: u64| {
        let tar = folder.join(format!("{number}.tar"));
        Change::new(number as usize + 1, &base).write_tar(&tar)?;
        Blob::of(&tar, &tar)
    };
    let curve = |name| Curve::new(PLOT, name, "images");
    let mut load = curve("load one more");
    let mut list = curve("list all");
    let mut usage = curve("df");
    let mut mount = curve("mount one");
    let mut remove = curve("remove one");
    let store = scene.store(&folder.join("store"));
    let target = files::fresh(&folder.join("mounted"))?;
    let one_more = [base_blob.clone(), blob(1_000_000)?];
    let one_more = Layout::of(&folder.join("one-more"), "more:1", &one_more)?;
    let mut there = 0;
    for count in counts {
        let mut layout = Layout::new(&files::fresh(&folder.join("layout"))?)?;
        for number in there..*count {
            layout.add(
                &format!("image-{number}:1"),
                &[base_blob.clone(), blob(number)?],
            )?;
        }
        layout.finish()?;
        run(&mut store.load(layout.path()))?;
        there = *count;
        let gone = || {
            let _ = run(&mut store.command(&["rm", "more:1"]));
            Ok(())
        };
        load.add(*count, best(gone, || store.load(one_more.path()))?);
        list.add(*count, best(|| Ok(()), || store.command(&["images"]))?);
        usage.add(*count, best(|| Ok(()), || store.command(&["df"]))?);
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
            let mut command = store.command(&["mount", "more:1", "--ro"]);
            command.arg(&target);
            command
        };
        mount.add(*count, best(unmounted, mounted)?);
        run(&mut umount())?;
        let there = || run(&mut store.load(one_more.path()));
        remove.add(*count, best(there, || store.command(&["rm", "more:1"]))?);
    }
    curves.extend([load, list, usage, mount, remove]);
    files::clear(&folder)
}
