//! Removing a layer.

use std::process::Command;

use anyhow::Result;

use super::Group;
use crate::figures::{Figures, Row};
use crate::files;
use crate::image::Layout;
use crate::limits;
use crate::measure::{measure, run};
use crate::peers::unpack;
use crate::rounds::{Turn, take_turns};
use crate::scene::Scene;

const TRANSOM: &str = "transom rm";
const RM: &str = "rm -rf of the unpacked layer";
const UNLINK: &str = "rm of one file of the tar's size";

pub(super) const GROUP: Group = Group {
    name: "remove",
    about: "Nothing of the layer is left on the disk afterwards. What Transom waits for is the deletion of one large file, \
            which is slow where the disk is told of each block that is free (the mount option discard).",
    rows: &[
        Row::new("remove the layer", TRANSOM, RM, Some(0.01)),
        Row::new("remove the layer", TRANSOM, UNLINK, None),
    ],
    measure: measure_all,
};

fn measure_all(scene: &Scene, figures: &mut Figures) -> Result<()> {
    let folder = files::fresh(&scene.at("remove"))?;
    let store = scene.store(&folder.join("store"));
    let layout = Layout::of(&folder.join("layout"), "bench:1", &[scene.layer_blob("")?])?;
    let target = folder.join("files");
    let turns = vec![
        Turn::new(RM, |figures| {
            files::fresh(&target)?;
            run(&mut unpack::tar("tar", &scene.layer(""), &target)?)?;
            let mut remove = Command::new("rm");
            figures.time(RM, measure(remove.arg("-rf").arg(&target))?);
            Ok(())
        })
        .at_most(scene.few()),
        Turn::new(UNLINK, |figures| {
            let copy = folder.join("copy");
            run(&mut limits::command("write", &[&scene.layer(""), &copy])?)?;
            figures.time(UNLINK, measure(Command::new("rm").arg(&copy))?);
            Ok(())
        }),
        Turn::new(TRANSOM, |figures| {
            run(&mut store.load(layout.path()))?;
            figures.time(TRANSOM, measure(&mut store.command(&["rm", "bench:1"]))?);
            Ok(())
        }),
    ];
    take_turns(scene.rounds(3), turns, figures);
    files::clear(&folder)
}
