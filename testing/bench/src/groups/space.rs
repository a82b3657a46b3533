//! How much room a store takes.

use std::process::Command;

use anyhow::Result;

use super::Group;
use crate::figures::{Figures, Row};
use crate::files;
use crate::image::Layout;
use crate::measure::{measure, run};
use crate::peers::unpack;
use crate::rounds::{Turn, take_turns};
use crate::scene::Scene;

const DF: &str = "transom df";
const DU: &str = "du -s of the unpacked layer";

pub(super) const GROUP: Group = Group {
    name: "space",
    about: "What is asked after: the bytes that a layer takes.",
    rows: &[Row::new("how much room a layer takes", DF, DU, None)],
    measure: measure_all,
};

fn measure_all(scene: &Scene, figures: &mut Figures) -> Result<()> {
    let folder = files::fresh(&scene.at("space"))?;
    let store = scene.store(&folder.join("store"));
    let layout = Layout::of(&folder.join("layout"), "bench:1", &[scene.layer_blob("")?])?;
    run(&mut store.load(layout.path()))?;
    let plain = files::fresh(&folder.join("plain"))?;
    run(&mut unpack::tar("tar", &scene.layer(""), &plain)?)?;
    let turns = vec![
        Turn::new(DF, |figures| {
            figures.time(DF, measure(&mut store.command(&["df"]))?);
            Ok(())
        }),
        Turn::new(DU, |figures| {
            figures.time(DU, measure(Command::new("du").arg("-s").arg(&plain))?);
            Ok(())
        }),
    ];
    take_turns(scene.rounds(20), turns, figures);
    files::clear(&folder)
}
