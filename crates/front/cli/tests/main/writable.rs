//! create, list, cp into a layer, mkdir, mv, attrib, acl, rm, changes, diff -o, commit, apply, grow.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Output, Stdio};

use serde_json::Value;

use crate::support::{HELLO, Home};

/// A store with the bundled image and a writable layer `w` over it.
fn home() -> Home {
    let home = Home::with_sample();
    home.ok(["create", "w", "--from", HELLO]);
    home
}

/// Runs the program with something to read from stdin.
fn feed(home: &Home, args: &[&str], input: &str) -> Output {
    let mut command = home.command();
    command
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    child.wait_with_output().unwrap()
}

/// Makes one change of every kind.
fn edit(home: &Home) {
    fs::write(home.path("new file.txt"), "new").unwrap();
    fs::create_dir_all(home.path("tree/sub")).unwrap();
    fs::write(home.path("tree/sub/x"), "x").unwrap();
    let source = home.path("new file.txt");
    home.ok(["cp".as_ref(), source.as_os_str(), r"w:C:\hello".as_ref()]);
    home.ok(["cp".as_ref(), home.path("tree").as_os_str(), "w:/".as_ref()]);
    assert!(
        feed(home, &["cp", "-", "w:/hello/README.txt:my note"], "noted")
            .status
            .success()
    );
    home.ok(["mkdir", "-p", r"w:C:\a b\ü\日本"]);
    home.ok(["mv", r"w:C:\hello\hello.exe", r"C:\a b\moved.exe"]);
    home.ok(["mv", "w:/data/docs", "w:/a b"]);
    home.ok(["attrib", "+h", "-a", "w:/hello/settings.ini"]);
    home.ok(["acl", "w:/hello/settings.ini", "O:SYG:SYD:(A;;FA;;;SY)"]);
    home.ok(["rm", "w:Files/data/notes.txt"]);
    home.ok(["rm", "-r", r"w:\data\deep"]);
}

#[test]
fn an_edited_layer_becomes_an_image_that_shows_every_edit() {
    let home = home();
    edit(&home);
    let said = home.ok(["commit", "w", "-t", "mine:1", "-m", "why", "-a", "me"]);
    assert!(said.starts_with("committed mine:1 (sha256:"), "{said}");
    let cat = |path: &str| home.ok(["cat", "mine:1", path]);
    assert_eq!(cat("/hello/new file.txt"), "new");
    assert_eq!(cat("/tree/sub/x"), "x");
    assert_eq!(cat("/hello/readme.txt:my note"), "noted");
    assert_eq!(
        cat("/hello/readme.txt"),
        home.ok(["cat", HELLO, "/hello/readme.txt"])
    );
    let exe = home.run(["cat", "mine:1", "/a b/moved.exe"]).stdout;
    assert_eq!(exe, home.run(["cat", HELLO, "/hello/hello.exe"]).stdout);
    assert_eq!(
        cat("/a b/moved.exe:greeting"),
        home.ok(["cat", HELLO, "/hello/hello.exe:greeting"])
    );
    assert_eq!(home.ok(["ls", "mine:1", "/a b"]), "docs\nmoved.exe\nü\n");
    assert_eq!(
        home.ok(["ls", "mine:1", "/a b/docs"]),
        home.ok(["ls", HELLO, "/data/docs"])
    );
    let stat = home.ok(["stat", "mine:1", "/hello/settings.ini"]);
    assert!(
        stat.contains("--rh--") && stat.contains("O:SYG:SYD:(A;;FA;;;SY)"),
        "{stat}"
    );
    for gone in [
        "/hello/hello.exe",
        "/data/notes.txt",
        "/data/deep",
        "/data/docs",
    ] {
        home.fails(["stat", "mine:1", gone]);
    }
    let history = home.ok(["history", "mine:1"]);
    assert!(
        history.contains("transom commit w") && history.contains("why"),
        "{history}"
    );
    let platform = |name: &str| home.json(["inspect", name])["platform"].clone();
    assert_eq!(platform("mine:1"), platform(HELLO));
    home.ok(["verify"]);
}

#[test]
fn a_committed_image_is_the_same_in_another_store() {
    let home = home();
    edit(&home);
    home.ok(["commit", "w", "-t", "mine:1"]);
    let archive = home.path("mine.tar");
    home.ok([
        "save".as_ref(),
        "mine:1".as_ref(),
        "-o".as_ref(),
        archive.as_os_str(),
    ]);
    let other = Home::empty();
    other.ok(["load".as_ref(), archive.as_os_str()]);
    let image = |home: &Home| {
        let images = home.json(["images"]);
        let mut images = images.as_array().unwrap().iter();
        images
            .find(|image| image["names"][0] == "mine:1")
            .unwrap()
            .clone()
    };
    let (before, after) = (image(&home), image(&other));
    for key in ["names", "manifest", "config", "layers"] {
        assert_eq!(before[key], after[key], "{key}");
    }
    let tree = |home: &Home| home.ok(["--json", "ls", "-R", "-s", "-l", "mine:1", "/"]);
    assert_eq!(tree(&home), tree(&other));
}

#[test]
fn equal_edits_make_equal_images_under_a_source_date() {
    let digests = [(); 2].map(|()| {
        let home = home();
        edit(&home);
        let args = ["--json", "commit", "w", "-t", "mine:1"];
        let output = home
            .command()
            .args(args)
            .env("SOURCE_DATE_EPOCH", "1710000000")
            .output();
        let output = output.unwrap();
        let said: Value = serde_json::from_slice(&output.stdout).unwrap();
        let created = home.json(["inspect", "mine:1"])["created"].clone();
        assert!(
            created
                .as_str()
                .is_none_or(|time| time.starts_with("2024-03-09")),
            "{created}"
        );
        (said["manifest"].clone(), said["layer"].clone())
    });
    assert_eq!(digests[0], digests[1]);
}

#[test]
fn an_exported_diff_applies_to_the_same_layer() {
    let home = home();
    edit(&home);
    let tar = home.path("layer.tar");
    home.ok([
        "diff".as_ref(),
        "w".as_ref(),
        "-o".as_ref(),
        tar.as_os_str(),
    ]);
    assert_eq!(
        home.run(["diff", "w", "-o", "-"]).stdout,
        fs::read(&tar).unwrap()
    );
    let committed = home.json(["commit", "w", "-t", "mine:1"]);
    let apply = |file: &Path, tag: &str| {
        let args = ["--json", "apply", "--on", HELLO, "-t", tag];
        let output = home.command().args(args).arg(file).output().unwrap();
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    let applied = apply(&tar, "mine:2");
    assert_eq!(applied["layer"], committed["layer"]);
    assert_eq!(home.ok(["diff", "mine:1", "mine:2"]), "");
    let piped = feed(&home, &["apply", "-", "--on", HELLO], "junk");
    assert_eq!(piped.status.code(), Some(1));
    assert!(
        String::from_utf8(piped.stderr)
            .unwrap()
            .contains("cannot import layer -")
    );
}

#[test]
fn changes_tell_what_a_layer_holds_and_nothing_else() {
    let home = home();
    assert_eq!(home.ok(["changes", "w"]), "");
    assert_eq!(home.json(["changes", "w"]), serde_json::json!([]));
    home.ok(["mv", "w:/hello/settings.ini", "w:/HELLO/Settings.INI"]);
    home.ok(["mkdir", "w:/new"]);
    home.ok(["rm", "w:/license.txt"]);
    let changes = home.ok(["changes", "w"]);
    assert!(changes.contains("D Files/License.txt\n"), "{changes}");
    assert!(changes.contains("A Files/new\n"), "{changes}");
    assert!(changes.contains("Files/HELLO/Settings.INI"), "{changes}");
    home.ok(["rm", "w:/new"]);
    assert!(!home.ok(["changes", "w"]).contains("new"));
}

#[test]
fn a_moved_entry_keeps_the_case_of_its_name() {
    let home = home();
    home.ok(["mv", "w:/hello", "w:/program files"]);
    home.ok(["commit", "w", "-t", "mine:1"]);
    assert!(
        home.ok(["ls", "mine:1", "/Program Files"])
            .contains("HELLO")
    );
}

#[test]
fn everything_answers_in_json() {
    let home = home();
    fs::write(home.path("x"), "x").unwrap();
    let created = home.json(["create", "v", "--from", HELLO]);
    assert_eq!(
        (&created["name"], &created["writable"]),
        (&"v".into(), &true.into())
    );
    let copied = home.json(["cp".as_ref(), home.path("x").as_os_str(), "w:/".as_ref()]);
    assert_eq!((&copied["files"], &copied["bytes"]), (&1.into(), &1.into()));
    assert_eq!(home.json(["changes", "w"])[1]["path"], "Files/x");
    let list = home.json(["list"]);
    assert_eq!(list["layers"][1]["name"], "w");
    assert_eq!(list["views"], serde_json::json!([]));
    let committed = home.json(["commit", "w", "-t", "mine:1"]);
    assert_eq!(committed["names"][0], "mine:1");
    assert!(home.json(["rm", "w", "v"])["bytes"].is_number());
    assert_eq!(home.json(["list"])["layers"], serde_json::json!([]));
}

#[test]
fn what_cannot_be_done_is_told_with_layer_and_file() {
    let home = home();
    for (args, said) in [
        (
            &["create", "w", "--from", HELLO][..],
            "layer w: there is one already",
        ),
        (
            &["create", "x", "--from", "none:1"],
            "there is no image \"none:1\"",
        ),
        (&["create", "a/b", "--from", HELLO], "a/b"),
        (&["mkdir", "w:/no/such"], "layer w: there is no Files/no"),
        (
            &["mkdir", "w:/hello"],
            "layer w: there is a Files/hello already",
        ),
        (
            &["mkdir", "none:/x"],
            "\"none:/x\" is no NAME:PATH of a writable layer",
        ),
        (&["mkdir", r"w:D:\x"], "only drive C:"),
        (&["mv", "w:/none", "/x"], "layer w: there is no Files/none"),
        (
            &["mv", "w:/hello", "/hello/data/x"],
            "cannot be moved into itself",
        ),
        (&["rm", "w:/hello"], "layer w: Files/hello is not empty"),
        (&["rm", "w:/"], "no layer can delete"),
        (&["rm", "w:Hives/System_Delta"], "Hives/System_Delta"),
        (&["attrib", "+x", "w:/hello"], "no attribute \"x\""),
        (&["acl", "w:/hello", "junk"], "cannot read the SDDL"),
        (
            &["cp", "/no/such/file", "w:/x"],
            "cannot read /no/such/file",
        ),
        (
            &["cp", "/proc/self/mem", "w:/x"],
            "cannot read /proc/self/mem",
        ),
        (
            &["cp", "--metadata", "/etc/hostname", "w:/x"],
            "--metadata is for copies out",
        ),
        (
            &["commit", "none"],
            "layer none: there is none of that name",
        ),
        (
            &["commit", "w", "-t", "Bad Name"],
            "\"Bad Name\" cannot be a name",
        ),
        (
            &["apply", "/no/such/file", "--on", HELLO],
            "cannot open /no/such/file",
        ),
        (&["grow", "w", "1GB"], "made without a size"),
        (&["grow", "w", "1XB"], "1XB"),
        (&["umount", "w"], "layer w: it is not mounted"),
        (&["umount", "none"], "no writable layer or folder \"none\""),
        (&["umount", "/"], "nothing of this store is mounted at /"),
    ] {
        let stderr = home.fails(args);
        assert!(
            stderr.starts_with("error: ") && stderr.contains(said),
            "{args:?}: {stderr}"
        );
    }
    for args in [
        &["create", "x"][..],
        &["diff", "w"],
        &["attrib", "w:/hello"],
        &["mount", "w", "x", "--via", "fuse"],
    ] {
        assert_eq!(home.run(args).status.code(), Some(2), "{args:?}");
    }
    assert_eq!(home.ok(["changes", "w"]), "");
}

#[test]
fn removing_an_image_leaves_the_layers_over_it_usable() {
    let home = home();
    home.ok(["mkdir", "w:/new"]);
    home.ok(["rm", HELLO]);
    home.ok(["commit", "w", "-t", "mine:1"]);
    assert!(home.ok(["ls", "mine:1"]).contains("new"));
    home.ok(["rm", "mine:1"]);
    home.ok(["rm", "w"]);
    assert_eq!(home.json(["layers"]), serde_json::json!([]));
    for folder in ["writable", "layers", "trash", "staging"] {
        let left = home.path("store").join(folder).read_dir().unwrap().count();
        assert_eq!(left, 0, "{folder}");
    }
}

#[test]
fn a_layer_named_like_an_image_is_not_removed_by_mistake() {
    let home = home();
    home.ok(["tag", HELLO, "w:latest"]);
    let stderr = home.fails(["rm", "w"]);
    assert!(
        stderr.contains("means an image and a writable layer"),
        "{stderr}"
    );
}

#[test]
fn what_becomes_a_link_while_a_folder_is_copied_in_is_not_followed() {
    const SECRET: &str = "SECRET-OF-THE-HOST";
    let home = home();
    let (outside, source) = (home.path("outside"), home.path("source"));
    fs::create_dir_all(outside.join("folder")).unwrap();
    fs::create_dir_all(source.join("folder")).unwrap();
    for name in ["file", "folder/x"] {
        fs::write(outside.join(name), SECRET).unwrap();
        fs::write(source.join(name), "plain").unwrap();
    }
    // Other names give the one who copies time to look before it opens.
    for number in 0..20 {
        fs::write(source.join(format!("{number}")), "plain").unwrap();
    }
    for name in ["file", "folder"] {
        let link = source.join(format!("{name}.link"));
        std::os::unix::fs::symlink(outside.join(name), link).unwrap();
    }
    let is_over = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            use rustix::fs::{CWD, RenameFlags, renameat_with};
            while !is_over.load(std::sync::atomic::Ordering::Relaxed) {
                for name in ["file", "folder"] {
                    let (one, other) = (source.join(name), source.join(format!("{name}.link")));
                    renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE).unwrap();
                }
            }
        });
        for _ in 0..20 {
            // It copies links as links, or says that a file is none any more.
            home.run(["cp".as_ref(), source.as_os_str(), "w:/".as_ref()]);
        }
        is_over.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    let tar = home.run(["diff", "w", "-o", "-"]);
    assert!(tar.status.success());
    let has_secret = |bytes: &[u8]| {
        bytes
            .windows(SECRET.len())
            .any(|part| part == SECRET.as_bytes())
    };
    assert!(!has_secret(&tar.stdout));
}
