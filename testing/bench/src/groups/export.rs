//! Writing an image out with its layer compressed anew.

use anyhow::Result;

use super::Group;
use crate::figures::{Figures, Row};
use crate::files;
use crate::image::Layout;
use crate::measure::{measure, run};
use crate::peers::shell;
use crate::rounds::{Turn, take_turns};
use crate::scene::Scene;

const NAME: &str = "bench:1";

const SAVE: &str = "transom save, compressing on two threads";
const PIGZ: &str = "pigz -p2 -6, and sync";
const SAVED: &str = "size of what transom saved";
const PIGZ_SIZE: &str = "size of what pigz wrote";

pub(super) const GROUP: Group = Group {
    name: "export",
    about: "The same level, 6. The tar is in the kernel's cache for both. Transom computes the digests of its documents and \
            of what it compressed, too.",
    rows: &[
        Row::new("gzip export, 2 threads", SAVE, PIGZ, Some(1.0)),
        Row::new("size of the gzip export", SAVED, PIGZ_SIZE, Some(1.0)),
    ],
    measure: measure_all,
};

fn measure_all(scene: &Scene, figures: &mut Figures) -> Result<()> {
    let folder = files::fresh(&scene.at("export"))?;
    let store = scene.store(&folder.join("store"));
    let layout = Layout::of(&folder.join("layout"), NAME, &[scene.layer_blob(".gz")?])?;
    run(&mut store.load(layout.path()))?;
    let tar = store.only_tar()?;
    let (saved, compressed) = (folder.join("saved.tar"), folder.join("layer.tar.gz"));
    let turns = vec![
        Turn::new(SAVE, |figures| {
            files::warm(&tar)?;
            let mut save = store.command(&["save", NAME, "--output"]);
            figures.time(SAVE, measure(save.arg(&saved))?);
            figures.size(SAVED, std::fs::metadata(&saved)?.len());
            Ok(std::fs::remove_file(&saved)?)
        }),
        Turn::new(PIGZ, |figures| {
            files::warm(&tar)?;
            let mut pigz = shell(r#"pigz -p2 -6 -c "$0" > "$1" && sync "$1""#)?;
            figures.time(PIGZ, measure(pigz.arg(&tar).arg(&compressed))?);
            figures.size(PIGZ_SIZE, std::fs::metadata(&compressed)?.len());
            Ok(std::fs::remove_file(&compressed)?)
        }),
    ];
    take_turns(scene.rounds(2), turns, figures);
    files::clear(&folder)
}
