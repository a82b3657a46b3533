//! A real update of two products as a layer over their older versions.

use anyhow::{Context, Result};

use super::Group;
use crate::figures::{Figures, Row};
use crate::files;
use crate::image::{Blob, Layout};
use crate::measure::{measure, run};
use crate::peers::containerd::Containerd;
use crate::peers::unpack;
use crate::rounds::{Turn, take_turns};
use crate::scene::Scene;

const OLD: &str = "old:1";
const NEW: &str = "new:1";

const LOAD: &str = "transom load of the update";
const DIFF: &str = "transom diff of both images";
const TAR: &str = "tar -xf of the update, and sync";
const CONTAINERD: &str = "containerd unpacks the update to overlayfs";

pub(super) const GROUP: Group = Group {
    name: "update",
    about: "PySide6 6.11.3 to 6.12.0 and PostgreSQL 18.3 to 18.4: some 330 files added, 340 deleted, 820 changed; the base \
            is there already. Transom's time has the merging of both layers in it.",
    rows: &[
        Row::new("an update layer over its base", LOAD, CONTAINERD, None),
        Row::new("an update layer over its base", LOAD, TAR, None),
    ],
    measure: measure_all,
};

fn measure_all(scene: &Scene, figures: &mut Figures) -> Result<()> {
    let update = scene.corpus("update.tar");
    if scene.is_quick {
        return Err(anyhow::anyhow!("left out of a quick run"));
    }
    let folder = files::fresh(&scene.at("update"))?;
    let base = scene.corpus("update-base.tar");
    let base = Blob::of(&base, &base).context("the corpus has no update")?;
    let gzip = scene.corpus("update.tar.gz");
    let top = Blob::of(&gzip, &update)?;
    let old = Layout::of(&folder.join("old"), OLD, std::slice::from_ref(&base))?;
    let new = Layout::of(&folder.join("new"), NEW, &[base, top])?;
    let store = scene.store(&folder.join("store"));
    run(&mut store.load(old.path()))?;
    let target = folder.join("files");
    let containerd = Containerd::start(scene, &folder.join("containerd"));
    let containerd = containerd.and_then(|containerd| {
        containerd.take_in(&old)?;
        containerd.take_in(&new)?;
        containerd.unpack(&old)?;
        Ok(containerd)
    });
    let turns = vec![
        Turn::new(LOAD, |figures| {
            figures.time(LOAD, measure(&mut store.load(new.path()))?);
            figures.time(DIFF, measure(&mut store.command(&["diff", OLD, NEW]))?);
            run(&mut store.command(&["rm", NEW]))
        }),
        Turn::new(TAR, |figures| {
            files::fresh(&target)?;
            figures.time(TAR, measure(&mut unpack::tar("tar", &gzip, &target)?)?);
            files::clear(&target)
        }),
        Turn::with(CONTAINERD, containerd, |containerd, figures| {
            figures.time(CONTAINERD, containerd.unpack(&new)?);
            containerd.remove(&containerd.top()?)
        }),
    ];
    take_turns(scene.few(), turns, figures);
    files::clear(&folder)
}
