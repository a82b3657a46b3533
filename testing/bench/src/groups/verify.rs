//! Verifying a layer at rest.

use anyhow::Result;

use super::Group;
use crate::figures::{Figures, Row};
use crate::files;
use crate::image::Layout;
use crate::limits;
use crate::measure::{measure, run};
use crate::rounds::{Turn, take_turns};
use crate::scene::Scene;

const VERIFY: &str = "transom verify";
const SHA256: &str = "SHA-256 of the tar, one core";

pub(super) const GROUP: Group = Group {
    name: "verify",
    about: "The tar's digest, and the index made again and compared. The tar is in the kernel's cache for both.",
    rows: &[Row::new("verify at rest", VERIFY, SHA256, Some(1.05))],
    measure: measure_all,
};

fn measure_all(scene: &Scene, figures: &mut Figures) -> Result<()> {
    let folder = files::fresh(&scene.at("verify"))?;
    let store = scene.store(&folder.join("store"));
    let layout = Layout::of(&folder.join("layout"), "bench:1", &[scene.layer_blob("")?])?;
    run(&mut store.load(layout.path()))?;
    let tar = store.only_tar()?;
    files::warm(&tar)?;
    let turns = vec![
        Turn::new(SHA256, |figures| {
            figures.time(SHA256, measure(&mut limits::command("sha256", &[&tar])?)?);
            Ok(())
        }),
        Turn::new(VERIFY, |figures| {
            figures.time(VERIFY, measure(&mut store.command(&["verify"]))?);
            Ok(())
        }),
    ];
    take_turns(scene.rounds(5), turns, figures);
    files::clear(&folder)
}
