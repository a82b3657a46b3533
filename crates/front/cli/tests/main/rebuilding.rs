//! `fsck --rebuild` and `df` on stores with something of everything in them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use transom_sealed::{Commit, NewSnapshot, Store};

use crate::support::{HELLO, Home, sample};

/// Two images, one with two names and kept blobs, a writable layer with changes, and snapshots.
fn rich() -> Home {
    let home = Home::with_sample();
    home.ok(["tag", HELLO, "second:name"]);
    home.ok(["create", "w", "--from", HELLO]);
    fs::write(home.path("new"), "new").unwrap();
    home.ok([
        "cp".as_ref(),
        home.path("new").as_os_str(),
        "w:/hello/new.txt".as_ref(),
    ]);
    home.ok(["rm", "w:/data/notes.txt"]);
    home.ok(["commit", "w", "-t", "mine:1"]);
    home.ok(["mkdir", "w:/after the commit"]);
    let store = Store::open(&home.path("store")).unwrap();
    snapshots(&store);
    home
}

fn snapshots(store: &Store) {
    let labels = |value: &str| BTreeMap::from([("containerd.io/x".to_owned(), value.to_owned())]);
    let prepare = |key: &str, parent: Option<&str>| {
        let new = NewSnapshot {
            key,
            parent,
            view: false,
            labels: labels(key),
        };
        store.prepare_snapshot(&new).unwrap();
    };
    let images = store.images().unwrap();
    let layers = images.iter().find(|image| image.names.len() == 2);
    let layers = layers.unwrap().diff_ids();
    let session = store.session().unwrap();
    let mut parent = None;
    for (number, layer) in layers.iter().enumerate() {
        let (key, name) = (format!("extract-{number}"), format!("chain-{number}"));
        prepare(&key, parent.as_deref());
        store.apply_to_snapshot(&session, &key, *layer).unwrap();
        let commit = Commit {
            name: &name,
            parent: None,
            labels: &labels(&name),
        };
        store.commit_snapshot(&key, &commit).unwrap();
        parent = Some(name);
    }
    prepare("container", parent.as_deref());
}

/// All that the program says of a store.
#[derive(Debug, PartialEq)]
struct Said {
    json: Vec<Value>,
    text: Vec<String>,
    saved: Vec<u8>,
    difference: Vec<u8>,
    snapshots: Vec<transom_sealed::Snapshot>,
}

fn said(home: &Home) -> Said {
    let out = home.path("out.tar");
    let read = |args: &[&str]| {
        let _ = fs::remove_file(&out);
        home.ok(args
            .iter()
            .map(|arg| arg.as_ref())
            .chain(["-o".as_ref(), out.as_os_str()]));
        fs::read(&out).unwrap()
    };
    let json = [
        &["images"][..],
        &["layers"],
        &["list"],
        &["inspect", HELLO],
        &["inspect", "mine:1"],
        &["verify"],
    ];
    let text = [
        &["cat", HELLO, "/hello/readme.txt"][..],
        &["cat", "mine:1", "/hello/new.txt"],
        &["ls", "-l", "mine:1", "/hello"],
        &["changes", "w"],
        &["history", "mine:1"],
    ];
    Said {
        json: json.iter().map(|args| home.json(args.iter())).collect(),
        text: text.iter().map(|args| home.ok(args.iter())).collect(),
        saved: read(&["save", HELLO, "mine:1"]),
        difference: read(&["diff", "w"]),
        snapshots: Store::open(&home.path("store"))
            .unwrap()
            .snapshots()
            .unwrap(),
    }
}

fn rebuilds(home: &Home) -> Value {
    let output = home.run(["--json", "fsck", "--rebuild", "--full"]);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_catalog_that_is_gone_or_damaged_is_made_again_and_everything_is_as_before() {
    let home = rich();
    let before = said(&home);
    let catalog = home.path("store/transom.db");
    let damages: [(&str, &dyn Fn(&mut Vec<u8>)); 5] = [
        ("emptied", &|bytes| bytes.clear()),
        ("cut in the middle of a page", &|bytes| bytes.truncate(5000)),
        ("its head overwritten", &|bytes| bytes[..100].fill(0xff)),
        ("zeros from its middle on", &|bytes| {
            let middle = bytes.len() / 2;
            bytes[middle..].fill(0);
        }),
        ("another file", &|bytes| {
            *bytes = b"not a database".repeat(500)
        }),
    ];
    for (what, damage) in damages {
        let mut bytes = fs::read(&catalog).unwrap();
        damage(&mut bytes);
        fs::write(&catalog, &bytes).unwrap();
        let error = home.fails(["images"]);
        assert!(error.contains("transom fsck --rebuild"), "{what}: {error}");
        let told = rebuilds(&home);
        assert_eq!(told["rebuilt"]["damaged_notes"], 0, "{what}");
        let aside = home
            .path("store")
            .join(told["rebuilt"]["aside"].as_str().unwrap());
        let kept = fs::read(aside.join("transom.db")).unwrap();
        // SQLite has begun to write an empty one.
        assert!(kept == bytes || bytes.is_empty(), "{what}");
        assert!(said(&home) == before, "{what}");
        assert_eq!(
            home.run(["fsck", "--full"]).status.code(),
            Some(0),
            "{what}"
        );
    }
    fs::remove_file(&catalog).unwrap();
    let told = home.run(["fsck", "--rebuild"]);
    assert_eq!(told.status.code(), Some(1));
    let told = String::from_utf8(told.stdout).unwrap();
    assert!(told.contains("the catalog was made again: "), "{told}");
    assert!(told.contains("2 images"), "{told}");
    assert!(said(&home) == before);
    // What is as it should be is left.
    assert_eq!(home.run(["fsck", "--rebuild"]).status.code(), Some(0));
}

#[test]
fn a_layer_is_mounted_and_unmounted_although_the_catalog_was_made_again_meanwhile() {
    if let Err(why) = transom_mount::can_mount() {
        println!("skipped: {why}");
        return;
    }
    let home = rich();
    let at = home.path("at");
    fs::create_dir(&at).unwrap();
    home.ok(["mount".as_ref(), "w".as_ref(), at.as_os_str()]);
    fs::write(at.join("mounted.txt"), "mounted").unwrap();
    let via = home.json(["list"])[0].to_string();
    fs::remove_file(home.path("store/transom.db")).unwrap();
    if via.contains("fuse") {
        // Its server has the store open.
        assert_eq!(home.run(["fsck", "--rebuild"]).status.code(), Some(4));
        transom_mount::unmount_lazily(&at).unwrap();
        return;
    }
    rebuilds(&home);
    home.ok(["umount".as_ref(), at.as_os_str()]);
    assert!(!at.join("mounted.txt").exists());
    assert!(home.ok(["changes", "w"]).contains("mounted.txt"));
}

#[test]
fn nobody_makes_a_catalog_again_under_a_process_that_has_it_open() {
    let home = Home::with_sample();
    let _open = Store::open(&home.path("store")).unwrap();
    let output = home.run(["fsck", "--rebuild"]);
    assert_eq!(output.status.code(), Some(4));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("in use") && said.contains("stop"), "{said}");
}

/// Compares what `df` says with what `du` says.
fn df_is_du(home: &Home, what: &str) -> Value {
    // SQLite keeps two more files while a store is open.
    let _open = Store::open(&home.path("store")).unwrap();
    let df = home.json(["df"]);
    let mut du = Command::new("du");
    let output = du
        .args(["-s", "-x", "--block-size=1"])
        .arg(home.path("store"))
        .output()
        .unwrap();
    let du = String::from_utf8(output.stdout).unwrap();
    let du: u64 = du.split('\t').next().unwrap().parse().unwrap();
    let total = df["total"].as_u64().unwrap();
    assert!(
        total.abs_diff(du) * 100 <= du,
        "{what}: df says {total}, du {du}: {df}"
    );
    df
}

fn first_layer_folder(home: &Home) -> std::path::PathBuf {
    let id = home.json(["layers"])[0]["diff_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let name = id.strip_prefix("sha256:").unwrap();
    home.path("store/layers").join(name)
}

#[test]
fn df_agrees_with_du_whatever_is_in_the_store() {
    let home = Home::empty();
    df_is_du(&home, "a new store");
    let home = rich();
    let df = df_is_du(&home, "a rich one");
    for part in [
        "tars",
        "indexes",
        "compressed",
        "writable",
        "catalog",
        "notes",
    ] {
        assert!(df[part].as_u64().unwrap() > 0, "{part}");
    }
    let upper = home.path("store/writable/w/upper");
    fs::write(upper.join("big"), vec![1; 3_000_000]).unwrap();
    for number in 0..5 {
        fs::hard_link(upper.join("big"), upper.join(format!("link {number}"))).unwrap();
    }
    let sparse = fs::File::create(upper.join("sparse")).unwrap();
    sparse.set_len(1 << 40).unwrap();
    let df = df_is_du(&home, "hard links and holes");
    let writable = df["writable"].as_u64().unwrap();
    assert!((3_000_000..4_000_000).contains(&writable), "{writable}");

    let folder = first_layer_folder(&home);
    fs::write(folder.join("layer.tar"), vec![7; 200_000]).unwrap();
    fs::remove_dir_all(home.path("store/blobs")).unwrap();
    fs::create_dir(home.path("store/blobs")).unwrap();
    assert_eq!(home.run(["fsck"]).status.code(), Some(4));
    let df = df_is_du(&home, "a layer that was set aside");
    assert!(df["quarantine"].as_u64().unwrap() >= 200_000);

    fs::write(home.path("store/mine"), vec![1; 500_000]).unwrap();
    let df = df_is_du(&home, "what is not of the store");
    assert!(df["other"].as_u64().unwrap() >= 500_000);
}

#[test]
fn df_agrees_with_du_for_a_layer_with_a_size() {
    if let Err(why) = transom_mount::can_mount() {
        println!("skipped: {why}");
        return;
    }
    let home = Home::with_sample();
    let made = home.run(["create", "w", "--from", HELLO, "--size", "1G"]);
    if !made.status.success() {
        println!("skipped: {}", String::from_utf8_lossy(&made.stderr));
        return;
    }
    let df = df_is_du(&home, "a scratch image");
    let length = fs::metadata(home.path("store/writable/w/scratch.img"));
    assert!(df["total"].as_u64().unwrap() < length.unwrap().len() / 2);
}

#[test]
fn a_damaged_layer_is_shown_and_told_until_it_is_loaded_again() {
    let home = Home::empty();
    let load = |home: &Home| {
        home.ok([
            "load".as_ref(),
            "--drop-compressed".as_ref(),
            sample().as_os_str(),
        ]);
    };
    load(&home);
    let folder = first_layer_folder(&home);
    fs::write(folder.join("layer.tar"), "damaged").unwrap();
    for _ in 0..3 {
        let output = home.run(["fsck"]);
        assert_eq!(output.status.code(), Some(4));
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(said.contains("is damaged: load or pull it again"), "{said}");
    }
    assert_eq!(home.json(["layers"])[0]["damaged"], true);
    assert_eq!(home.json(["layers"])[1]["damaged"], false);
    let listed = home.ok(["layers"]);
    assert_eq!(listed.matches("damaged").count(), 1, "{listed}");
    let inspected = home.json(["inspect", HELLO]);
    let layers = inspected["layers"].as_array().unwrap();
    let damaged = layers.iter().filter(|layer| layer["damaged"] == true);
    assert_eq!(damaged.count(), 1);
    load(&home);
    assert_eq!(home.run(["fsck", "--full"]).status.code(), Some(0));
    assert!(!home.ok(["layers"]).contains("damaged"));
}

#[test]
fn a_damaged_layer_is_made_again_from_its_compressed_form_at_once() {
    let home = Home::with_sample();
    let folder = first_layer_folder(&home);
    fs::write(folder.join("layer.tar"), "damaged").unwrap();
    let dry = home.run(["fsck", "-n"]);
    assert_eq!(dry.status.code(), Some(4));
    let output = home.run(["fsck"]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("was made again from its compressed form"),
        "{said}"
    );
    assert_eq!(home.run(["fsck", "--full"]).status.code(), Some(0));
    home.ok(["verify"]);
    assert_no_quarantine(&home.path("store/quarantine"));
}

fn assert_no_quarantine(folder: &Path) {
    assert_eq!(folder.read_dir().unwrap().count(), 0);
}
