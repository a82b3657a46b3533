//! Committing a few changes over a large layer.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};

use super::Group;
use crate::figures::{Figures, Row};
use crate::files;
use crate::image::Layout;
use crate::measure::{measure, run};
use crate::peers::containerd::Containerd;
use crate::rounds::{Turn, take_turns};
use crate::scene::Scene;

const NAME: &str = "bench:1";
/// Files that are changed, and what they have at most.
const CHANGED: usize = 100;
const SMALL: u64 = 100_000;

const COMMIT: &str = "transom commit of 100 changed files";
const CHANGES: &str = "transom changes";
const WALK: &str = "containerd's walking differ and commit, overlayfs";

pub(super) const GROUP: Group = Group {
    name: "commit",
    about: "The same 100 files are appended to in a writable layer over the base; then it is committed. containerd makes \
            the tar by its walking differ and commits the snapshot, as `docker commit` has it do.",
    rows: &[Row::new(
        "commit of 100 changed files over the base",
        COMMIT,
        WALK,
        Some(0.2),
    )],
    measure: measure_all,
};

fn measure_all(scene: &Scene, figures: &mut Figures) -> Result<()> {
    let folder = files::fresh(&scene.at("commit"))?;
    let layout = Layout::of(&folder.join("layout"), NAME, &[scene.layer_blob("")?])?;
    let store = scene.store(&folder.join("store"));
    run(&mut store.load(layout.path()))?;
    let target = files::fresh(&folder.join("mounted"))?;
    let mut mount = store.command(&["mount", NAME, "--ro"]);
    run(mount.arg(&target))?;
    let changed = some_files(&target)?;
    run(store.command(&["umount"]).arg(&target))?;

    let containerd = Containerd::start(scene, &folder.join("containerd"));
    let containerd = containerd.and_then(|containerd| {
        containerd.take_in(&layout)?;
        containerd.unpack(&layout)?;
        let parent = containerd.top()?;
        Ok((containerd, parent, 0))
    });
    let turns = vec![
        Turn::new(COMMIT, |figures| {
            run(&mut store.command(&["create", "top", "--from", NAME]))?;
            run(store.command(&["mount", "top"]).arg(&target))?;
            change(&target, &changed)?;
            figures.time(CHANGES, measure(&mut store.command(&["changes", "top"]))?);
            let commit = ["commit", "top", "--tag", "committed:1"];
            figures.time(COMMIT, measure(&mut store.command(&commit))?);
            run(&mut store.command(&["umount", "top"]))?;
            run(&mut store.command(&["rm", "top", "committed:1"]))
        }),
        Turn::with(WALK, containerd, |(containerd, parent, count), figures| {
            *count += 1;
            let (key, name) = (format!("active-{count}"), format!("committed-{count}"));
            containerd.prepare(&key, parent, &target)?;
            change(&target.join("Files"), &changed)?;
            figures.time(WALK, containerd.commit(&key, &name)?);
            run(&mut crate::peers::overlay::unmount(&target)?)?;
            containerd.remove(&name)
        }),
    ];
    take_turns(scene.rounds(6), turns, figures);
    files::clear(&folder)
}

/// Small files from all over the tree.
fn some_files(root: &Path) -> Result<Vec<PathBuf>> {
    let mut small = Vec::new();
    for path in files::below(root)? {
        let metadata = fs::symlink_metadata(root.join(&path))?;
        if metadata.len() < SMALL {
            small.push(path);
        }
    }
    ensure!(small.len() >= CHANGED, "the layer has too few small files");
    let step = small.len() / CHANGED;
    Ok(small.into_iter().step_by(step).take(CHANGED).collect())
}

fn change(root: &Path, changed: &[PathBuf]) -> Result<()> {
    for path in changed {
        let mut file = fs::OpenOptions::new().append(true).open(root.join(path))?;
        file.write_all(b"changed\n")?;
    }
    Ok(())
}
