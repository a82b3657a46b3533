//! Reading files, through a mount and without one.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result};

use super::Group;
use crate::figures::{Figures, Row};
use crate::files;
use crate::image::Layout;
use crate::limits;
use crate::measure::{measure, run};
use crate::rounds::{Turn, take_turns};
use crate::scene::Scene;

const NAME: &str = "bench:1";
/// Files that are looked up.
const LOOK_UPS: usize = 5_000;

const COLD: &str = "read all files through transom's mount, cold";
const WARM: &str = "read all files through transom's mount, warm";
const STATS: &str = "5,000 look-ups in transom's mount, cold";
const PLAIN_COLD: &str = "read the same files on ext4, cold";
const PLAIN_WARM: &str = "read the same files on ext4, warm";
const PLAIN_STATS: &str = "5,000 look-ups on ext4, cold";
const CP: &str = "transom cp of everything, without a mount";
const CP_A: &str = "cp -a of the unpacked files";
const STAT: &str = "transom stat of one file, in other case";
const DF: &str = "transom df";
const DU: &str = "du -s of the unpacked files";
const READ: &str = "read the tar, one file, cold";

pub(super) const GROUP: Group = Group {
    name: "read",
    about: "All files in the order of their paths, one after the other; cold: after the kernel's caches were dropped.",
    rows: &[
        Row::new(
            "sequential read through the mount, cold",
            COLD,
            PLAIN_COLD,
            Some(1.1),
        ),
        Row::new(
            "sequential read through the mount, warm",
            WARM,
            PLAIN_WARM,
            Some(1.1),
        ),
        Row::new("sequential read through the mount, cold", COLD, READ, None),
        Row::new("look-ups in the mount, cold", STATS, PLAIN_STATS, None),
        Row::new("how much room a layer takes", DF, DU, None),
        Row::new("copy everything out, without a mount", CP, CP_A, None),
    ],
    measure: measure_all,
};

fn measure_all(scene: &Scene, figures: &mut Figures) -> Result<()> {
    let folder = files::fresh(&scene.at("read"))?;
    let plain = scene.unpacked()?;
    let list = folder.join("list");
    let in_other_case = write_list(&files::below(&plain)?, &list)?;
    let store = scene.store(&folder.join("store"));
    let layout = Layout::of(&folder.join("layout"), NAME, &[scene.layer_blob("")?])?;
    run(&mut store.load(layout.path()))?;
    let tar = store.only_tar()?;
    let mounted = files::fresh(&folder.join("mounted"))?;
    let mut mount = store.command(&["mount", NAME, "--ro", "--raw"]);
    run(mount.arg(&mounted))?;

    let read = |root: &std::path::Path, names: [&str; 3], figures: &mut Figures| {
        files::drop_caches()?;
        for name in &names[..2] {
            figures.time(name, measure(&mut limits::command("read-tree", &[root])?)?);
        }
        files::drop_caches()?;
        figures.time(
            names[2],
            measure(&mut limits::command("stat-files", &[&list, root])?)?,
        );
        Ok(())
    };
    let out = folder.join("out");
    let turns = vec![
        Turn::new(COLD, |figures| read(&mounted, [COLD, WARM, STATS], figures)),
        Turn::new(PLAIN_COLD, |figures| {
            read(&plain, [PLAIN_COLD, PLAIN_WARM, PLAIN_STATS], figures)
        }),
        Turn::new(READ, |figures| {
            files::drop_caches()?;
            figures.time(READ, measure(&mut limits::command("read", &[&tar])?)?);
            Ok(())
        }),
        Turn::new(CP, |figures| {
            files::warm(&tar)?;
            let mut copy = store.command(&["cp", &format!("{NAME}:/")]);
            figures.time(CP, measure(copy.arg(&out))?);
            files::clear(&out)
        })
        .at_most(scene.few()),
        Turn::new(CP_A, |figures| {
            let mut copy = Command::new("cp");
            figures.time(CP_A, measure(copy.arg("-a").arg(&plain).arg(&out))?);
            files::clear(&out)
        })
        .at_most(scene.few()),
        Turn::new(DF, |figures| {
            figures.time(DF, measure(&mut store.command(&["df"]))?);
            Ok(())
        }),
        Turn::new(DU, |figures| {
            figures.time(DU, measure(Command::new("du").arg("-s").arg(&plain))?);
            Ok(())
        }),
        Turn::new(STAT, |figures| {
            figures.time(
                STAT,
                measure(&mut store.command(&["stat", NAME, &in_other_case]))?,
            );
            Ok(())
        }),
    ];
    take_turns(scene.rounds(4), turns, figures);
    files::clear(&folder)
}

/// Writes a list of files that are all over the tree; returns one of them as the image shows it, in capital letters.
fn write_list(all: &[std::path::PathBuf], list: &std::path::Path) -> Result<String> {
    let step = (all.len() / LOOK_UPS).max(1);
    let some: Vec<&str> = all
        .iter()
        .step_by(step)
        .filter_map(|path| path.to_str())
        .collect();
    fs::write(list, some.join("\n"))?;
    let one = some.iter().find_map(|path| path.strip_prefix("Files/"));
    let one = one.context("the layer has nothing in Files")?;
    Ok(format!("/{}", one.to_ascii_uppercase()))
}
