//! Every way in and out, tried with a case.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::{Value, json};
use transom_driver::{Driver, Id};
use transom_layer::{Digest, Names};
use transom_sealed::{ImageRecord, SealedEngine, Stacking, Store};

use super::case::{Case, Entry, Expected, OUTSIDE, tar};
use super::listing::{Listing, Shown, lines_of, listing_of, on_disk};
use super::outside::{Outside, SECRET, assert_no_secret};

/// What a case lies over unless it says otherwise.
const PLAIN: [(Names, &[Entry]); 2] = [
    (
        Names::Posix,
        &[Entry::Dir("was"), Entry::File("was/here", "before")],
    ),
    (
        Names::Windows,
        &[Entry::Dir("Files"), Entry::File("Files/was here", "before")],
    ),
];

/// What [`PLAIN`] adds to a tree.
const PLAIN_LINES: [&str; 4] = [
    "was/",
    "was/here = before",
    "Files/",
    "Files/was here = before",
];

/// A store inside the folder that must stay as it is.
struct Bench {
    _folder: tempfile::TempDir,
    outside: Outside,
    inside: PathBuf,
    names: Names,
}

/// Tries cases, each in every way.
pub(super) fn try_all(names: Names, cases: &[Case]) {
    let bench = Bench::new(names);
    let is_mountable = match transom_mount::can_mount() {
        Ok(()) => true,
        Err(why) => {
            println!("skipped: {why}");
            false
        }
    };
    for case in cases {
        bench.load_below(case);
        let layer = bench.inside.join("layer.tar");
        fs::write(&layer, tar(case.layer, names, bench.outside.path())).unwrap();
        match case.expected {
            Expected::Refused(words) => bench.refused(case, &layer, words),
            Expected::Tree(lines) => bench.harmless(case, &layer, lines, is_mountable),
        }
        bench.forget();
    }
}

impl Bench {
    fn new(names: Names) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let outside = Outside::make(folder.path());
        Self {
            inside: outside.inside(),
            _folder: folder,
            outside,
            names,
        }
    }

    fn root(&self) -> PathBuf {
        self.inside.join("store")
    }

    fn run<const N: usize>(&self, args: [&str; N]) -> Output {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_transom"));
        command.arg("--root").arg(self.root()).arg("-q").args(args);
        command.current_dir(&self.inside).output().unwrap()
    }

    #[track_caller]
    fn ok<const N: usize>(&self, args: [&str; N], why: &str) {
        let output = self.run(args);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{why}: {stderr}");
    }

    fn store(&self) -> Store {
        Store::open(&self.root()).unwrap()
    }

    /// Removes everything that a case has left.
    fn forget(&self) {
        for entry in fs::read_dir(&self.inside).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => fs::remove_dir_all(path).unwrap(),
                false => fs::remove_file(path).unwrap(),
            }
        }
    }

    /// Loads the image that a case lies over, as `below:1`, from an OCI layout.
    fn load_below(&self, case: &Case) {
        let entries = self.entries_below(case);
        let layer = tar(entries, self.names, self.outside.path());
        let os = match self.names {
            Names::Windows => "windows",
            Names::Posix => "linux",
        };
        let layout = self.inside.join("layout");
        let blobs = layout.join("blobs/sha256");
        fs::create_dir_all(&blobs).unwrap();
        let add = |media_type: &str, bytes: &[u8]| -> Value {
            let digest = Digest::of(bytes);
            fs::write(blobs.join(digest.hex()), bytes).unwrap();
            json!({ "mediaType": media_type, "digest": digest.to_string(), "size": bytes.len() })
        };
        let config = json!({
            "architecture": "amd64", "os": os, "os.version": "10.0.20348.1", "config": {},
            "rootfs": { "type": "layers", "diff_ids": [Digest::of(&layer).to_string()] },
        });
        let config = add(
            "application/vnd.oci.image.config.v1+json",
            config.to_string().as_bytes(),
        );
        let layer = add("application/vnd.oci.image.layer.v1.tar", &layer);
        const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
        let manifest = json!({
            "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer],
        });
        let manifest = add(MANIFEST, manifest.to_string().as_bytes());
        let index = json!({ "schemaVersion": 2, "manifests": [manifest] });
        fs::write(layout.join("index.json"), index.to_string()).unwrap();
        fs::write(
            layout.join("oci-layout"),
            r#"{"imageLayoutVersion":"1.0.0"}"#,
        )
        .unwrap();
        self.ok(["load", "layout", "--name", "below:1"], case.name);
    }

    fn entries_below(&self, case: &Case) -> &'static [Entry] {
        if !case.below.is_empty() {
            return case.below;
        }
        let plain = PLAIN.iter().find(|(names, _)| *names == self.names);
        plain.unwrap().1
    }

    /// Applies the layer as Docker's ApplyDiff does.
    fn apply_diff(&self, case: &Case, layer: &Path) -> Result<(), String> {
        let driver = Driver::open(SealedEngine::new(self.store(), self.names)).unwrap();
        let (below, top) = (Id::new("below").unwrap(), Id::new("top").unwrap());
        driver.create(&below, None).unwrap();
        let tar = tar(self.entries_below(case), self.names, self.outside.path());
        driver.apply_diff(&below, None, &mut &tar[..]).unwrap();
        driver.create(&top, Some(&below)).unwrap();
        let mut layer = fs::File::open(layer).unwrap();
        let applied = driver.apply_diff(&top, Some(&below), &mut layer);
        let result = applied.map(drop).map_err(|error| error.to_string());
        driver.remove(&top).unwrap();
        driver.remove(&below).unwrap();
        result
    }

    fn refused(&self, case: &Case, layer: &Path, words: &[&str]) {
        let name = case.name;
        let before = self.run(["images"]).stdout;
        let output = self.run([
            "apply",
            layer.to_str().unwrap(),
            "--on",
            "below:1",
            "-t",
            "case:1",
        ]);
        let by_command = String::from_utf8(output.stderr).unwrap();
        assert_eq!(
            output.status.code(),
            Some(1),
            "{name} is taken: {by_command}"
        );
        let by_driver = self.apply_diff(case, layer).expect_err(name);
        for (said, way) in [(by_command, "apply"), (by_driver, "ApplyDiff")] {
            for word in words {
                assert!(said.contains(word), "{name}, {way}: no {word:?} in {said}");
            }
            assert!(!said.contains(SECRET), "{name}, {way}: {said}");
        }
        assert_eq!(self.run(["images"]).stdout, before, "{name}");
        for folder in ["staging", "trash"] {
            let left = fs::read_dir(self.root().join(folder)).unwrap().count();
            assert_eq!(left, 0, "{name}: {folder}");
        }
        self.outside.assert_untouched(name);
    }

    fn harmless(&self, case: &Case, layer: &Path, lines: &[&str], is_mountable: bool) {
        let name = case.name;
        self.ok(
            [
                "apply",
                layer.to_str().unwrap(),
                "--on",
                "below:1",
                "-t",
                "case:1",
            ],
            name,
        );
        let said = self.apply_diff(case, layer);
        assert_eq!(said, Ok(()), "{name}: ApplyDiff");
        let store = self.store();
        let image = store.images().unwrap().into_iter();
        let image = image.max_by_key(|image| image.layers.len()).unwrap();
        let stacking = Stacking {
            names: self.names,
            whiteouts: None,
        };
        let tree = store.open_chain(&image.diff_ids(), stacking).unwrap();
        let expected: Vec<String> = lines
            .iter()
            .map(|line| line.replace(OUTSIDE, self.outside.path()))
            .collect();
        let mut found = lines_of(&tree);
        if case.below.is_empty() {
            found.retain(|line| !PLAIN_LINES.contains(&line.as_str()));
        }
        assert_eq!(found, expected, "{name}: the tree");
        let listing = listing_of(&tree);
        drop((tree, store));
        self.outside.assert_untouched(name);
        if is_mountable {
            self.mounted(name, &listing);
        }
        self.copied_out(name, &listing);
        self.copied_in(name, &listing);
    }

    /// Looks at the image through a mount, and through an overlay over it.
    fn mounted(&self, name: &str, listing: &Listing) {
        let target = self.inside.join("mounted");
        fs::create_dir(&target).unwrap();
        for way in ["kernel", "fuse"] {
            self.ok(
                ["mount", "--ro", "--raw", "--via", way, "case:1", "mounted"],
                name,
            );
            let found = on_disk(&target);
            self.ok(["umount", "mounted"], name);
            let shown = match way {
                // Streams are found there by name, and not listed.
                "fuse" => self.without_streams(listing),
                _ => listing.clone(),
            };
            self.assert_same(&found, &shown, &format!("{name}: mounted by {way}"));
        }
        self.ok(["create", "w", "--from", "case:1"], name);
        self.ok(["mount", "--raw", "w", "mounted"], name);
        let found = on_disk(&target);
        self.ok(["umount", "w"], name);
        self.ok(["rm", "w"], name);
        fs::remove_dir(&target).unwrap();
        self.assert_same(&found, listing, &format!("{name}: overlay"));
        self.outside.assert_untouched(name);
    }

    /// Copies everything out, and once more over what is there then: its links are in the way.
    fn copied_out(&self, name: &str, listing: &Listing) {
        for round in 1..=2 {
            let dest = match round {
                1 => "copy",
                // Into the folder that is there: the root of an image has no name of its own.
                _ => ".",
            };
            let output = match round {
                1 => self.run(["cp", "--raw", "case:1:/", dest]),
                _ => {
                    fs::rename(self.inside.join("copy"), self.inside.join("root")).unwrap();
                    self.run(["cp", "--raw", "case:1:/", dest])
                }
            };
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{name}, copy {round}: {stderr}");
            self.outside.assert_untouched(name);
        }
        let copy = self.inside.join("root");
        assert_no_secret(&copy, name);
        let files = self.without_streams(listing);
        let found = on_disk(&copy);
        self.assert_same(&found, &files, &format!("{name}: cp"));
    }

    /// Copies what was copied out into a writable layer, and seals that.
    fn copied_in(&self, name: &str, listing: &Listing) {
        self.ok(["create", "w", "--from", "below:1"], name);
        let top = match self.names {
            Names::Posix => "in",
            Names::Windows => "Files/in",
        };
        self.ok(["cp", "--raw", "root", &format!("w:/{top}")], name);
        self.ok(["commit", "w", "-t", "again:1"], name);
        self.outside.assert_untouched(name);
        assert_no_secret(&self.root(), name);
        let store = self.store();
        let layers = store.named_layer("w").unwrap().below;
        let images = store.images().unwrap();
        let is_again = |image: &&ImageRecord| image.names.iter().any(|name| name.contains("again"));
        let again = images.iter().find(is_again).unwrap();
        assert_eq!(again.layers.len(), layers.len() + 1, "{name}");
        let stacking = Stacking {
            names: self.names,
            whiteouts: None,
        };
        let tree = store.open_chain(&again.diff_ids(), stacking).unwrap();
        let found: Listing = listing_of(&tree)
            .into_iter()
            .filter_map(|(path, shown)| {
                let below = path.strip_prefix(top)?.strip_prefix('/')?.to_owned();
                Some((below, shown))
            })
            .collect();
        let files = self.without_streams(listing);
        self.assert_same(&found, &files, &format!("{name}: cp into a layer"));
        drop((tree, store));
        self.ok(["rm", "w"], name);
    }

    fn without_streams(&self, listing: &Listing) -> Listing {
        let mut listing = listing.clone();
        listing.retain(|path, _| self.names == Names::Posix || !path.contains(':'));
        listing
    }

    /// Compares listings; how Linux writes the targets of Windows' links is another test's matter.
    #[track_caller]
    fn assert_same(&self, found: &Listing, expected: &Listing, why: &str) {
        let without_targets = |listing: &Listing| -> Listing {
            let mut listing = listing.clone();
            for shown in listing.values_mut() {
                if let Shown::Link(target) = shown
                    && self.names == Names::Windows
                {
                    target.clear();
                }
            }
            listing
        };
        assert_eq!(without_targets(found), without_targets(expected), "{why}");
    }
}
