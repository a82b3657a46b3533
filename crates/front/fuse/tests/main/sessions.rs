//! Mounting, unmounting, and who may.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use transom_fuse::{FuseError, Options, View, mount};
use transom_sample::shape::{Content, LayerTree};

use crate::support::{Home, Mounted, add, add_file, can_mount, layer, options};

/// `nobody` on every Linux.
const NOBODY: u32 = 65_534;

fn is_mounted(path: &Path) -> bool {
    let table = fs::read_to_string("/proc/self/mountinfo").unwrap();
    table.contains(&format!(" {} ", path.display()))
}

/// Says whether this is root, who alone can be another user.
#[expect(clippy::print_stdout, reason = "whoever runs the tests shall see it")]
fn is_root() -> bool {
    let is_root = rustix::process::geteuid().is_root();
    if !is_root {
        println!("not root: another user is not tried");
    }
    is_root
}

fn small() -> LayerTree {
    let mut layer = layer();
    add_file(&mut layer, "Files/Dir/a", b"content");
    layer
}

#[test]
fn dropping_the_session_unmounts() {
    if !can_mount() {
        return;
    }
    let home = Home::new();
    let tree = home.windows(&small());
    let dir = tempfile::tempdir().unwrap();
    let session = mount(Arc::clone(&tree), &options(View::Volume), dir.path()).unwrap();
    assert!(is_mounted(dir.path()));
    let table = fs::read_to_string("/proc/self/mountinfo").unwrap();
    let line = table
        .lines()
        .find(|line| line.contains(dir.path().to_str().unwrap()));
    assert!(line.unwrap().contains(" transom-test "), "{line:?}");
    drop(session);
    assert!(!is_mounted(dir.path()));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn a_mount_in_use_stays_until_it_is_not() {
    if !can_mount() {
        return;
    }
    let mounted = Mounted::of(&small(), View::Volume);
    let file = fs::File::open(mounted.at("Dir/a")).unwrap();
    let error = mounted.session.unmount().unwrap_err();
    assert!(matches!(error, FuseError::Busy { .. }), "{error:?}");
    assert!(error.to_string().contains("is in use"));
    assert_eq!(fs::read(mounted.at("Dir/a")).unwrap(), b"content");
    drop(file);
    mounted.session.unmount().unwrap();
    mounted.session.join().unwrap();
    assert!(!is_mounted(mounted.root()));
    // Once more is no error.
    mounted.session.unmount().unwrap();
    mounted.session.join().unwrap();
}

#[test]
fn a_file_that_is_open_when_the_session_is_dropped_stays_readable() {
    if !can_mount() {
        return;
    }
    let home = Home::new();
    let mounted = Mounted::new(&home.windows(&small()), View::Volume);
    let path = mounted.root().to_owned();
    let mut file = fs::File::open(mounted.at("Dir/a")).unwrap();
    drop(mounted);
    assert!(!is_mounted(&path));
    let mut text = String::new();
    std::io::Read::read_to_string(&mut file, &mut text).unwrap();
    assert_eq!(text, "content");
}

#[test]
fn join_returns_when_somebody_else_unmounts() {
    if !can_mount() {
        return;
    }
    let mounted = Mounted::of(&small(), View::Volume);
    std::thread::scope(|scope| {
        let joined = scope.spawn(|| mounted.session.join());
        let mut umount = Command::new("umount");
        if !umount.arg(mounted.root()).status().unwrap().success() {
            let mut umount = Command::new("fusermount3");
            assert!(
                umount
                    .arg("-u")
                    .arg(mounted.root())
                    .status()
                    .unwrap()
                    .success()
            );
        }
        joined.join().unwrap().unwrap();
    });
    assert!(!is_mounted(mounted.root()));
}

#[test]
fn one_thread_can_unmount_while_another_waits() {
    if !can_mount() {
        return;
    }
    let mounted = Mounted::of(&small(), View::Volume);
    std::thread::scope(|scope| {
        let joined = scope.spawn(|| mounted.session.join());
        assert_eq!(fs::read(mounted.at("Dir/a")).unwrap(), b"content");
        mounted.session.unmount().unwrap();
        joined.join().unwrap().unwrap();
    });
    assert!(!is_mounted(mounted.root()));
}

#[test]
fn what_cannot_be_mounted_is_refused_with_a_reason() {
    let mut only_hives = LayerTree::default();
    add(&mut only_hives, "Hives", Content::Folder);
    let home = Home::new();
    let tree = home.windows(&only_hives);
    let dir = tempfile::tempdir().unwrap();
    let refused = |options: &Options, path: &Path| {
        mount(Arc::clone(&tree), options, path)
            .unwrap_err()
            .to_string()
    };
    let text = refused(&options(View::Volume), dir.path());
    assert!(text.contains("no folder Files"), "{text}");
    let text = refused(&options(View::Raw), &dir.path().join("missing"));
    assert!(text.contains("missing as a mount point"), "{text}");
    for name in ["a,allow_other", "a\\", "a\nb"] {
        let mut options = options(View::Raw);
        options.name = name.to_owned();
        assert!(refused(&options, dir.path()).contains("mount table"));
    }
    assert!(!is_mounted(dir.path()));
}

#[test]
fn other_users_are_let_in_only_when_that_was_asked_for() {
    if !can_mount() || !is_root() {
        return;
    }
    let home = Home::new();
    let tree = home.windows(&small());
    let as_nobody = |path: &Path| {
        let mut cat = Command::new("setpriv");
        cat.args([
            "--reuid",
            "65534",
            "--regid",
            "65534",
            "--clear-groups",
            "cat",
        ]);
        cat.arg(path).output().unwrap()
    };
    let mut open = options(View::Volume);
    open.allow_other = true;
    for (options, allowed) in [(options(View::Volume), false), (open, true)] {
        let mounted = Mounted::with(&tree, &options);
        let readable = fs::Permissions::from_mode(0o755);
        fs::set_permissions(mounted.root().parent().unwrap(), readable).ok();
        let output = as_nobody(&mounted.at("dir/A"));
        assert_eq!(output.status.success(), allowed, "{output:?}");
        assert_eq!(output.stdout.is_empty(), !allowed);
    }
}

/// Runs itself as a user without root when it is root.
#[test]
#[expect(clippy::print_stdout, reason = "whoever runs the tests shall see it")]
fn a_user_without_root_can_mount_and_unmount() {
    if !can_mount() {
        return;
    }
    if Command::new("fusermount3").arg("-V").output().is_err() {
        println!("skipped: needs fusermount3");
        return;
    }
    if !is_root() {
        mount_and_unmount();
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    chown(folder.path(), Some(NOBODY), Some(NOBODY)).unwrap();
    fs::copy(std::env::current_exe().unwrap(), folder.path().join("test")).unwrap();
    // Some machines keep /dev/fuse from users; out of others' sight this one gets a node of its own.
    let script = "mknod fuse c 10 229 && chmod 666 fuse && mount --bind fuse /dev/fuse && exec \
        setpriv --reuid 65534 --regid 65534 --clear-groups ./test --exact \
        sessions::a_user_without_root_can_mount_and_unmount --nocapture";
    let mut child = Command::new("unshare");
    child.args(["--mount", "sh", "-c", script]);
    child
        .current_dir(folder.path())
        .env("TMPDIR", folder.path());
    let output = child.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    assert!(
        text.contains("1 passed") && !text.contains("skipped:"),
        "{output:?}"
    );
}

fn mount_and_unmount() {
    let home = Home::new();
    let tree = home.windows(&small());
    let mounted = Mounted::new(&tree, View::Volume);
    assert_eq!(fs::read(mounted.at("DIR/A")).unwrap(), b"content");
    let owner = fs::metadata(mounted.at("Dir/a")).unwrap().uid();
    assert_eq!(owner, rustix::process::geteuid().as_raw());
    let file = fs::File::open(mounted.at("Dir/a")).unwrap();
    let error = mounted.session.unmount().unwrap_err();
    assert!(matches!(error, FuseError::Busy { .. }), "{error:?}");
    drop(file);
    mounted.session.unmount().unwrap();
    mounted.session.join().unwrap();
    assert!(!is_mounted(mounted.root()));
    let path = {
        let mounted = Mounted::new(&tree, View::Volume);
        let _file = fs::File::open(mounted.at("Dir/a")).unwrap();
        mounted.root().to_owned()
    };
    assert!(!is_mounted(&path));
}
