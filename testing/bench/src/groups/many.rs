//! Many images at once.

use anyhow::Result;

use super::Group;
use crate::figures::{Figures, Row};
use crate::files;
use crate::image::{Blob, Layout};
use crate::limits;
use crate::measure::measure;
use crate::rounds::{Turn, take_turns};
use crate::scene::Scene;

const LOAD: &str = "transom load of an image for each package at once";
const INFLATE: &str = "inflate all packages to nowhere, two threads";

pub(super) const GROUP: Group = Group {
    name: "many",
    about: "Each package of the corpus as an image of its own, all loaded by one command.",
    rows: &[Row::new("many images at once", LOAD, INFLATE, None)],
    measure: measure_all,
};

fn measure_all(scene: &Scene, figures: &mut Figures) -> Result<()> {
    let folder = files::fresh(&scene.at("many"))?;
    let mut layout = Layout::new(&folder.join("layout"))?;
    let mut compressed = Vec::new();
    for (number, tar) in scene.packages()?.iter().enumerate() {
        let gzip = tar.with_extension("tar.gz");
        layout.add(&format!("package-{number}:1"), &[Blob::of(&gzip, tar)?])?;
        compressed.push(gzip);
    }
    layout.finish()?;
    let compressed: Vec<_> = compressed.iter().map(|path| path.as_path()).collect();
    let root = folder.join("store");
    let turns = vec![
        Turn::new(INFLATE, |figures| {
            let mut inflate = limits::command("inflate", &compressed)?;
            figures.time(INFLATE, measure(&mut inflate)?);
            Ok(())
        }),
        Turn::new(LOAD, |figures| {
            files::fresh(&root)?;
            figures.time(LOAD, measure(&mut scene.store(&root).load(layout.path()))?);
            Ok(())
        }),
    ];
    take_turns(scene.rounds(3), turns, figures);
    files::clear(&folder)
}
