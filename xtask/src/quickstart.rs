//! `cargo xtask quickstart`: builds the tool and shows on an image what it does, checking each claim on the way.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::command::{capture, command, run as run_command};
use crate::{root, target};

/// What the tour shows of the bundled image beside what it shows of any.
const SAMPLE: &str = "samples/hello-windows.tar";
const FOLDER: &str = r"C:\hello";
const PROGRAM: &str = r"C:\hello\hello.exe";
const TEXT: &str = r"c:\HELLO\readme.txt";
const TEXT_SAYS: &str = "Version 2";
const PATCH_SAYS: &str = "Version 3, patched on another system\n";
const STREAM: &str = r"C:\hello\hello.exe:greeting";
const STREAM_SAYS: &str = "hello.exe:greeting";

/// Runs the tour on the bundled image, or on the one at `image`.
pub(crate) fn run(image: Option<PathBuf>) -> Result<()> {
    run_command(&mut command("cargo build --release --package transom"))?;
    let scratch = Scratch::create()?;
    let store = Store::new(scratch.path("root"));
    let source = image.clone().unwrap_or_else(|| PathBuf::from(SAMPLE));

    store.show(["load".as_ref(), source.as_os_str()])?;
    store.show(["images"])?;
    store.show(["verify"])?;
    let images = store.images()?;
    for name in &images.references {
        match image {
            None => {
                sample_tour(&store, name, &scratch)?;
                patch_tour(&store, name, &scratch)?;
            }
            Some(_) => store.show(["ls", "-l", name, "/"])?,
        }
    }
    store.show(["df"])?;
    for name in &store.images()?.references {
        save_and_compare(&store, name, &scratch)?;
    }
    println!("\nquickstart: everything that was loaded came out again, digest for digest");
    Ok(())
}

fn sample_tour(store: &Store, name: &str, scratch: &Scratch) -> Result<()> {
    store.show(["ls", "-l", name, FOLDER])?;
    store.show(["stat", name, PROGRAM])?;
    store.says(["cat", name, TEXT], TEXT_SAYS)?;
    store.says(["cat", name, STREAM], STREAM_SAYS)?;
    store.show(["find", name, "--name", "*.txt"])?;

    if let Some(top) = store.images()?.layers.last() {
        store.show(["changes", top])?;
    }
    let copy = scratch.path("hello");
    store.show([
        OsStr::new("cp"),
        format!("{name}:{FOLDER}").as_ref(),
        copy.as_os_str(),
    ])?;
    let program = fs::read(root().join("testing/sample/hello/hello.exe"))?;
    let copied = fs::read(copy.join("hello.exe")).context("cp did not bring hello.exe")?;
    ensure!(
        copied == program,
        "the hello.exe that cp brought is not the one in the image"
    );
    Ok(())
}

/// Patches the image: a writable layer over it, some edits without a mount or root, and a new image of it.
fn patch_tour(store: &Store, name: &str, scratch: &Scratch) -> Result<()> {
    let text = scratch.path("patch.txt");
    fs::write(&text, PATCH_SAYS)?;
    store.show(["create", "patch", "--from", name])?;
    store.show([
        OsStr::new("cp"),
        text.as_os_str(),
        format!("patch:{TEXT}").as_ref(),
    ])?;
    store.show(["mkdir", r"patch:C:\hello\logs"])?;
    store.show(["attrib", "+h", r"patch:C:\hello\logs"])?;
    store.show(["acl", r"patch:C:\hello\logs", "O:BAG:SYD:(A;OICI;FA;;;BA)"])?;
    store.show(["rm", r"patch:C:\hello\settings.ini"])?;
    store.show(["changes", "patch"])?;
    store.show(["commit", "patch", "-t", "hello:patched", "-m", "a patch"])?;
    store.says(["cat", "hello:patched", TEXT], PATCH_SAYS)?;
    store.says(
        ["stat", "hello:patched", r"C:\hello\logs"],
        "(A;OICI;FA;;;BA)",
    )?;
    store.show(["diff", name, "hello:patched"])?;
    store.show(["rm", "patch"])
}

/// Saves an image, loads the archive into a second store, and compares all digests.
fn save_and_compare(store: &Store, name: &str, scratch: &Scratch) -> Result<()> {
    let archive = scratch.path("saved.tar");
    store.show([
        OsStr::new("save"),
        name.as_ref(),
        "-o".as_ref(),
        archive.as_os_str(),
    ])?;
    let second = Store::new(scratch.path("second"));
    second.show(["load".as_ref(), archive.as_os_str()])?;
    let (before, after) = (store.images()?, second.images()?);
    ensure!(
        after.references.contains(name) && after.digests.is_subset(&before.digests),
        "{name} came out with other digests: {:?}",
        after
            .digests
            .difference(&before.digests)
            .collect::<Vec<_>>()
    );
    if before.references.len() == 1 {
        ensure!(
            after.digests == before.digests,
            "{name} lost digests on the way"
        );
    }
    second.show(["verify"])?;
    fs::remove_file(archive)?;
    fs::remove_dir_all(second.root)?;
    Ok(())
}

/// A store, as the tool sees it.
struct Store {
    root: PathBuf,
}

/// What `images --json` says.
struct Images {
    /// How each image can be named: its first name, or its digest.
    references: BTreeSet<String>,
    /// All digests that stand anywhere in it.
    digests: BTreeSet<String>,
    /// The layers of the first image, base first.
    layers: Vec<String>,
}

impl Store {
    fn new(root: PathBuf) -> Self {
        Self { root }
    }

    fn transom(&self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
        let binary = format!("release/transom{}", std::env::consts::EXE_SUFFIX);
        let mut command = Command::new(target().join(binary));
        command
            .current_dir(root())
            .arg("--root")
            .arg(&self.root)
            .args(arguments);
        command
    }

    fn show(&self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Result<()> {
        println!();
        run_command(&mut self.transom(arguments))
    }

    /// Shows a command whose output must have `expected` in it.
    fn says(
        &self,
        arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
        expected: &str,
    ) -> Result<()> {
        println!();
        let output = capture(&mut self.transom(arguments))?;
        print!("{output}");
        ensure!(
            output.contains(expected),
            "the output does not have {expected:?} in it"
        );
        Ok(())
    }

    fn images(&self) -> Result<Images> {
        let text = capture(&mut self.transom(["images", "--json"]))?;
        let json: Value = serde_json::from_str(&text).context("images --json prints no JSON")?;
        read_images(&json)
    }
}

fn read_images(json: &Value) -> Result<Images> {
    let images = json.as_array().context("images --json prints no list")?;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let reference = |image: &Value| text(&image["names"][0]).or_else(|| text(&image["manifest"]));
    let mut digests = BTreeSet::new();
    collect_digests(json, &mut digests);
    let layers = json[0]["layers"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    Ok(Images {
        references: images.iter().filter_map(reference).collect(),
        digests,
        layers: layers
            .iter()
            .filter_map(|layer| text(&layer["diff_id"]))
            .collect(),
    })
}

fn collect_digests(json: &Value, found: &mut BTreeSet<String>) {
    match json {
        Value::String(text) if text.starts_with("sha256:") => {
            found.insert(text.clone());
        }
        Value::Array(items) => items.iter().for_each(|item| collect_digests(item, found)),
        Value::Object(members) => members
            .values()
            .for_each(|item| collect_digests(item, found)),
        _ => {}
    }
}

/// A folder of its own, deleted at the end however that comes.
struct Scratch(PathBuf);

impl Scratch {
    fn create() -> Result<Self> {
        let folder =
            std::env::temp_dir().join(format!("transom-quickstart-{}", std::process::id()));
        fs::create_dir(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(Self(folder))
    }

    fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What stays is in the folder for temporary files.
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn images_are_named_by_their_first_name_or_their_digest() {
        let images = read_images(&json!([
            { "names": ["b:1", "c:1"], "manifest": "sha256:1", "layers": [
                { "diff_id": "sha256:2", "blob": "sha256:3" }, { "diff_id": "sha256:4" },
            ] },
            { "names": [], "manifest": "sha256:5", "created": 7 },
        ]))
        .unwrap();
        assert_eq!(
            images.references,
            ["b:1", "sha256:5"].map(str::to_owned).into()
        );
        assert_eq!(images.digests.len(), 5);
        assert_eq!(images.layers, ["sha256:2", "sha256:4"]);
        assert!(read_images(&json!({})).is_err());
    }
}
