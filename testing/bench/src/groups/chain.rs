//! A chain of 128 layers, beside overlay mounts of the same layers unpacked.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::Group;
use crate::figures::{Figures, Row};
use crate::files;
use crate::image::{Blob, Layout};
use crate::layers::Change;
use crate::measure::{measure, run};
use crate::peers::find;
use crate::peers::overlay::{Lowers, unmount};
use crate::rounds::{Turn, take_turns};
use crate::scene::Scene;

const NAME: &str = "chain:1";
const DEPTH: usize = 128;

const MERGE: &str = "transom merges the chain, once, and mounts it";
const MOUNT: &str = "transom mount of the chain, cached";
const UNMOUNT: &str = "transom umount";
const FIND: &str = "find and stat in transom's mount";
const FIND_COLD: &str = "find and stat in transom's mount, cold";
const OVERLAY_MOUNT: &str = "overlayfs mount of 128 lowers";
const OVERLAY_UNMOUNT: &str = "umount of overlayfs";
const OVERLAY_FIND: &str = "find and stat in overlayfs";
const OVERLAY_FIND_COLD: &str = "find and stat in overlayfs, cold";
const FUSE_MOUNT: &str = "fuse-overlayfs mount of 128 lowers";
const FUSE_FIND: &str = "find and stat in fuse-overlayfs";

pub(super) const GROUP: Group = Group {
    name: "chain",
    about: "The base and 127 layers over it, each of which replaces 20 files all over the base, adds 20 and deletes two. \
            What is mounted is the same tree. Cached: the merged index is there; the kernel has the files' metadata, but \
            for the rows that say cold.",
    rows: &[
        Row::new(
            "mount a 128-layer chain, cached",
            MOUNT,
            OVERLAY_MOUNT,
            Some(1.0),
        ),
        Row::new(
            "find and stat over the chain",
            FIND,
            OVERLAY_FIND,
            Some(0.5),
        ),
        Row::new(
            "find and stat over the chain, cold",
            FIND_COLD,
            OVERLAY_FIND_COLD,
            None,
        ),
        Row::new("mount a 128-layer chain, cached", MOUNT, FUSE_MOUNT, None),
        Row::new("find and stat over the chain", FIND, FUSE_FIND, None),
        Row::new("unmount", UNMOUNT, OVERLAY_UNMOUNT, None),
    ],
    measure: measure_all,
};

fn measure_all(scene: &Scene, figures: &mut Figures) -> Result<()> {
    let folder = files::fresh(&scene.at("chain"))?;
    let lowers = Lowers {
        folder: folder.join("lowers"),
        count: DEPTH,
    };
    files::fresh(&lowers.folder)?;
    let base = scene.unpacked()?;
    std::os::unix::fs::symlink(&base, lowers.folder.join("0"))?;
    let paths: Vec<String> = files::below(&base)?
        .iter()
        .filter_map(|path| path.to_str().map(str::to_owned))
        .collect();
    let mut layers = vec![scene.layer_blob("")?];
    for number in 1..DEPTH {
        let change = Change::new(number, &paths);
        let tar = folder.join(format!("{number}.tar"));
        change.write_tar(&tar)?;
        layers.push(Blob::of(&tar, &tar)?);
        change.write_lower(&lowers.folder.join(number.to_string()))?;
    }
    let layout = Layout::of(&folder.join("layout"), NAME, &layers)?;
    let store = scene.store(&folder.join("store"));
    run(&mut store.load(layout.path()))?;

    let target = files::fresh(&folder.join("mounted"))?;
    let mount = || {
        let mut command = store.command(&["mount", NAME]);
        command.arg(&target).args(["--ro", "--raw"]);
        command
    };
    let umount = || {
        let mut command = store.command(&["umount"]);
        command.arg(&target);
        command
    };
    let turns = vec![
        Turn::new(MERGE, |figures| {
            files::clear(&store.root.join("chains"))?;
            std::fs::create_dir(store.root.join("chains"))?;
            figures.time(MERGE, measure(&mut mount())?);
            run(&mut umount())
        }),
        Turn::new(MOUNT, |figures| {
            figures.time(MOUNT, measure(&mut mount())?);
            figures.time(UNMOUNT, measure(&mut umount())?);
            Ok(())
        }),
        Turn::new(OVERLAY_MOUNT, |figures| {
            figures.time(OVERLAY_MOUNT, measure(&mut lowers.kernel(&target)?)?);
            figures.time(OVERLAY_UNMOUNT, measure(&mut unmount(&target)?)?);
            Ok(())
        }),
        Turn::new(FUSE_MOUNT, |figures| {
            figures.time(FUSE_MOUNT, measure(&mut lowers.fuse(&target)?)?);
            run(&mut unmount(&target)?)
        }),
    ];
    take_turns(scene.rounds(20), turns, figures);

    let turns = vec![
        Turn::new(FIND, |figures| {
            run(&mut mount())?;
            looked_through(&target, FIND_COLD, FIND, figures)?;
            run(&mut umount())
        }),
        Turn::new(OVERLAY_FIND, |figures| {
            run(&mut lowers.kernel(&target)?)?;
            looked_through(&target, OVERLAY_FIND_COLD, OVERLAY_FIND, figures)?;
            run(&mut unmount(&target)?)
        }),
        Turn::new(FUSE_FIND, |figures| {
            run(&mut lowers.fuse(&target)?)?;
            let cold = "find and stat in fuse-overlayfs, cold";
            looked_through(&target, cold, FUSE_FIND, figures)?;
            run(&mut unmount(&target)?)
        }),
    ];
    take_turns(scene.rounds(5), turns, figures);
    files::clear(&folder)
}

/// Looks at everything that is mounted, twice: first when the kernel knows nothing of it.
fn looked_through(target: &Path, cold: &str, warm: &str, figures: &mut Figures) -> Result<()> {
    files::drop_caches()?;
    for name in [cold, warm] {
        let mut command = Command::new(find("find")?);
        command.arg(target).args(["-printf", "%s %T@\n"]);
        figures.time(name, measure(&mut command)?);
    }
    Ok(())
}
