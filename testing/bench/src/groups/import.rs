//! Importing one large layer, beside what unpacks it and beside the machine's limits.

use anyhow::Result;

use super::Group;
use crate::figures::{Against, Figures, Of, Row};
use crate::files;
use crate::image::{Blob, Layout};
use crate::limits;
use crate::measure::measure;
use crate::peers::containerd::Containerd;
use crate::peers::shell;
use crate::peers::unpack::{self, PodmanStorage};
use crate::rounds::{Turn, take_turns};
use crate::scene::Scene;

const NAME: &str = "bench:1";

const INFLATE: &str = "inflate to nowhere, zlib-rs, one thread";
const UNZSTD: &str = "zstd to nowhere, one thread";
const WRITE: &str = "write the tar and sync";
const GZIP: &str = "transom load, gzip";
const ZSTD: &str = "transom load, zstd";
const PLAIN: &str = "transom load, plain tar";
const KEPT: &str = "transom load, gzip, keeping the compressed bytes";
const CONTAINERD: &str = "containerd unpacks to overlayfs";
const TAR: &str = "tar -xf, gzip, and sync";
const BSDTAR: &str = "bsdtar -xf, gzip, and sync";
const UMOCI: &str = "umoci raw unpack, gzip, and sync";
const SKOPEO: &str = "skopeo copy into podman's storage";
const INDEX: &str = "index of the layer";
const TAR_BYTES: &str = "tar of the layer";

pub(super) const GROUP: Group = Group {
    name: "import",
    about: "One layer, from the first byte read to a layer that is verified (both digests), durable and in the catalog.",
    rows: &[
        Row::new("gzip import", GZIP, INFLATE, Some(1.10)),
        Row::new("gzip import", GZIP, CONTAINERD, Some(0.33)),
        Row::new("gzip import", GZIP, TAR, Some(0.5)),
        Row::new("gzip import", GZIP, BSDTAR, None),
        Row::new("gzip import", GZIP, UMOCI, None),
        Row::new("gzip import", GZIP, SKOPEO, None),
        Row::new("gzip import, keeping the blob", KEPT, INFLATE, None),
        Row::new("zstd import", ZSTD, UNZSTD, Some(1.3)),
        Row::new("plain import", PLAIN, WRITE, Some(1.15)),
        Row {
            work: "peak memory of the gzip import",
            figure: GZIP,
            of: Of::Peak,
            against: Against::Bytes(64_000_000),
            wanted: Some(1.0),
        },
        Row::new("index size", INDEX, TAR_BYTES, Some(0.01)),
    ],
    measure: measure_all,
};

fn measure_all(scene: &Scene, figures: &mut Figures) -> Result<()> {
    let folder = files::fresh(&scene.at("import"))?;
    let (tar, gzip, zstd) = (scene.layer(""), scene.layer(".gz"), scene.layer(".zst"));
    let layout = |name: &str, ending: &str| {
        let blob = scene.layer_blob(ending)?;
        Layout::of(&folder.join(name), NAME, &[blob])
    };
    let (of_gzip, of_zstd) = (layout("gzip", ".gz")?, layout("zstd", ".zst")?);
    let of_plain = layout("plain", "")?;
    figures.size(TAR_BYTES, std::fs::metadata(&tar)?.len());

    let root = folder.join("store");
    let store = scene.store(&root);
    let target = folder.join("files");
    let load = |name: &'static str, layout: &Layout, keep: bool, figures: &mut Figures| {
        files::fresh(&root)?;
        let mut command = match keep {
            true => store.command(&["load"]),
            false => store.command(&["load", "--drop-compressed"]),
        };
        figures.time(name, measure(command.arg(layout.path()))?);
        files::clear(&root)
    };
    let unpack = |name: &str, program: &str, figures: &mut Figures| {
        files::fresh(&target)?;
        figures.time(name, measure(&mut unpack::tar(program, &gzip, &target)?)?);
        files::clear(&target)
    };
    let containerd = Containerd::start(scene, &folder.join("containerd"));
    let containerd = containerd.and_then(|containerd| {
        containerd.take_in(&of_gzip)?;
        Ok(containerd)
    });
    let storage = PodmanStorage::new(&folder.join("podman"));

    let turns = vec![
        Turn::new(INFLATE, |figures| {
            figures.time(
                INFLATE,
                measure(&mut limits::command("inflate", &[&gzip])?)?,
            );
            Ok(())
        }),
        Turn::new(GZIP, |figures| load(GZIP, &of_gzip, false, figures)),
        Turn::new(KEPT, |figures| load(KEPT, &of_gzip, true, figures)),
        Turn::new("inflate to nowhere, other programs", |figures| {
            for line in ["gzip -dc", "pigz -dc", "igzip -dc"] {
                let mut command = shell(&format!(r#"{line} "$0""#))?;
                let name = format!("{line} to nowhere");
                figures.time(&name, measure(command.arg(&gzip))?);
            }
            Ok(())
        }),
        Turn::new(UNZSTD, |figures| {
            figures.time(UNZSTD, measure(&mut limits::command("unzstd", &[&zstd])?)?);
            Ok(())
        }),
        Turn::new(ZSTD, |figures| load(ZSTD, &of_zstd, false, figures)),
        Turn::new(WRITE, |figures| {
            let copy = folder.join("copy");
            figures.time(
                WRITE,
                measure(&mut limits::command("write", &[&tar, &copy])?)?,
            );
            Ok(std::fs::remove_file(copy)?)
        }),
        Turn::new(PLAIN, |figures| load(PLAIN, &of_plain, false, figures)),
        Turn::new(TAR, |figures| unpack(TAR, "tar", figures)).at_most(scene.few()),
        Turn::new(BSDTAR, |figures| unpack(BSDTAR, "bsdtar", figures)).at_most(scene.few()),
        Turn::new(UMOCI, |figures| {
            files::clear(&target)?;
            let (_, tag) = NAME.split_once(':').unwrap_or_default();
            let layout = umoci_layout(&folder.join("umoci"), &scene.layer_blob(".gz")?, tag)?;
            figures.time(
                UMOCI,
                measure(&mut unpack::umoci(layout.path(), tag, &target)?)?,
            );
            files::clear(&target)
        })
        .at_most(scene.few()),
        Turn::with(SKOPEO, storage, |storage, figures| {
            figures.time(SKOPEO, measure(&mut storage.copy(of_gzip.path(), NAME))?);
            files::clear(&folder.join("podman"))
        })
        .at_most(scene.few()),
        Turn::with(CONTAINERD, containerd, |containerd, figures| {
            figures.time(CONTAINERD, containerd.unpack(&of_gzip)?);
            containerd.remove(&containerd.top()?)
        })
        .at_most(scene.few()),
    ];
    take_turns(scene.rounds(4), turns, figures);

    files::fresh(&root)?;
    crate::measure::run(&mut store.load(of_plain.path()))?;
    figures.size(INDEX, store.bytes_of("indexes")?);
    files::clear(&folder)
}

/// umoci knows images of a layout by tags without a name before them.
fn umoci_layout(folder: &std::path::Path, blob: &Blob, tag: &str) -> Result<Layout> {
    Layout::of(folder, tag, std::slice::from_ref(blob))
}
