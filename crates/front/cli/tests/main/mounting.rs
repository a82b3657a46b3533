//! mount and umount, as root and as somebody else.

use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::support::{HELLO, Home};

/// `nobody` on every Linux.
const NOBODY: u32 = 65534;

/// A store, and folders to mount at; everything is unmounted in the end.
struct Bench {
    home: Home,
}

impl Bench {
    /// `None` where nothing can be mounted, with a line that says why.
    fn new() -> Option<Self> {
        if let Err(why) = transom_mount::can_mount() {
            println!("skipped: {why}");
            return None;
        }
        let home = Home::with_sample();
        home.ok(["create", "w", "--from", HELLO]);
        Some(Self { home })
    }

    fn folder(&self, name: &str) -> PathBuf {
        let path = self.home.path(name);
        fs::create_dir_all(&path).unwrap();
        path
    }

    fn mount(&self, args: &[&str], target: &Path) -> Output {
        let mut command = self.home.command();
        command.arg("mount").args(args).arg(target);
        command.output().unwrap()
    }

    fn umount(&self, target: &Path) -> Output {
        self.home
            .command()
            .arg("umount")
            .arg(target)
            .output()
            .unwrap()
    }

    fn mounted(&self) -> Vec<PathBuf> {
        let top = self.home.path("");
        let table = transom_mount::table().unwrap_or_default().into_iter();
        table
            .map(|mounted| mounted.target)
            .filter(|target| target.starts_with(&top))
            .collect()
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        for target in self.mounted().iter().rev() {
            let _ = transom_mount::unmount_lazily(target);
        }
    }
}

fn ok(output: &Output) -> String {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn failed(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_writable_layer_is_seen_where_it_is_mounted_until_it_is_unmounted() {
    let Some(bench) = Bench::new() else { return };
    let (volume, raw) = (bench.folder("volume"), bench.folder("raw"));
    bench.home.ok(["mkdir", "w:/before"]);
    let said = ok(&bench.mount(&["w"], &volume));
    assert!(said.starts_with("mounted w at "), "{said}");
    ok(&bench.mount(&["--raw", "w"], &raw));
    assert!(raw.join("Hives").is_dir() && raw.join("Files/before").is_dir());
    fs::write(volume.join("by mount"), "x").unwrap();
    assert_eq!(fs::read(raw.join("Files/by mount")).unwrap(), b"x");
    let list = bench.home.json(["list"]);
    assert_eq!(list["layers"][0]["mounted_at"].as_array().unwrap().len(), 2);
    let again = failed(&bench.mount(&["w"], &volume));
    assert!(
        again.contains("w is mounted at") && again.contains("already"),
        "{again}"
    );
    let refused = bench.home.fails(["mkdir", "w:/x"]);
    assert!(refused.contains("it is mounted at"), "{refused}");
    assert!(
        bench
            .home
            .ok(["changes", "w"])
            .contains("A Files/by mount\n")
    );
    ok(&bench.umount(&raw));
    assert!(volume.join("by mount").exists());
    bench.home.ok(["umount", "w"]);
    assert_eq!(bench.mounted(), [""; 0].map(PathBuf::from));
    // What a mount has written, the editor goes on with.
    bench.home.ok(["mv", "w:/by mount", "/after"]);
    bench.home.ok(["commit", "w", "-t", "mine:1"]);
    assert_eq!(bench.home.ok(["cat", "mine:1", "/after"]), "x");
}

#[test]
fn an_image_is_seen_alike_in_every_way_there_is_to_mount_it() {
    let Some(bench) = Bench::new() else { return };
    let target = bench.folder("view");
    for via in ["kernel", "loop", "fuse"] {
        let output = bench.mount(&["--ro", "--via", via, HELLO], &target);
        assert!(ok(&output).contains(&format!("({via})")));
        assert_eq!(fs::read(target.join("HELLO/Readme.TXT")).unwrap().len(), 36);
        assert!(fs::write(target.join("x"), "").is_err());
        let list = bench.home.json(["list"]);
        assert_eq!(list["views"][0]["via"], via);
        let stderr = bench.home.fails(["rm", HELLO]);
        assert!(stderr.contains("is mounted at") && stderr.contains("unmount it first"));
        ok(&bench.umount(&target));
        ok(&bench.mount(&["--ro", "--raw", "--via", via, HELLO], &target));
        assert!(target.join("Files").is_dir() && target.join("Hives").is_dir());
        ok(&bench.umount(&target));
    }
    assert_eq!(bench.mounted(), [""; 0].map(PathBuf::from));
}

#[test]
fn a_mount_in_use_stays_and_nothing_is_removed() {
    let Some(bench) = Bench::new() else { return };
    let target = bench.folder("view");
    ok(&bench.mount(&["w"], &target));
    fs::write(target.join("x"), "x").unwrap();
    let open = File::open(target.join("x")).unwrap();
    for args in [["umount", "w"], ["rm", "w"]] {
        let stderr = bench.home.fails(args);
        assert!(
            stderr.contains("layer w: ") && stderr.contains("busy"),
            "{stderr}"
        );
    }
    assert!(target.join("x").exists());
    drop(open);
    bench.home.ok(["rm", "w"]);
    assert_eq!(bench.mounted(), [""; 0].map(PathBuf::from));
    assert_eq!(bench.home.json(["list"])["layers"], serde_json::json!([]));
}

#[test]
fn a_view_whose_server_was_killed_is_cleaned_away() {
    let Some(bench) = Bench::new() else { return };
    let target = bench.folder("view");
    ok(&bench.mount(&["--ro", "--via", "fuse", HELLO], &target));
    kill(&target);
    assert!(fs::read_dir(&target).is_err());
    assert_eq!(bench.home.json(["list"])["views"], serde_json::json!([]));
    assert_eq!(bench.mounted(), [""; 0].map(PathBuf::from));
    ok(&bench.mount(&["--ro", HELLO], &target));
    ok(&bench.umount(&target));
}

/// Kills the process that serves a mount.
fn kill(target: &Path) {
    let target = target.to_str().unwrap();
    for process in fs::read_dir("/proc").unwrap().flatten() {
        let Ok(line) = fs::read(process.path().join("cmdline")) else {
            continue;
        };
        let words: Vec<&[u8]> = line.split(|byte| *byte == 0).collect();
        if words.contains(&&b"--foreground"[..]) && words.contains(&target.as_bytes()) {
            let pid = process.file_name().to_str().unwrap().parse().unwrap();
            let pid = rustix::process::Pid::from_raw(pid).unwrap();
            rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
            // It is gone when its mount answers no more.
            while fs::read_dir(target).is_ok() {
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
            return;
        }
    }
    panic!("nobody serves {target}");
}

#[test]
fn a_bounded_layer_grows_and_is_full_when_it_is_full() {
    let Some(bench) = Bench::new() else { return };
    let target = bench.folder("view");
    let home = &bench.home;
    home.ok(["create", "b", "--from", HELLO, "--storage-opt", "size=16MB"]);
    fs::write(home.path("big"), vec![7; 20_000_000]).unwrap();
    let big = home.path("big");
    let copy = ["cp".as_ref(), big.as_os_str(), "b:/big".as_ref()];
    let stderr = home.fails(copy);
    assert!(
        stderr.contains("layer b: cannot write Files/big: No space left"),
        "{stderr}"
    );
    assert_eq!(home.ok(["changes", "b"]), "");
    assert_eq!(home.json(["grow", "b", "48MB"])["size"], 48 << 20);
    home.ok(copy);
    assert!(home.fails(["grow", "b", "16MB"]).contains("smaller"));
    ok(&bench.mount(&["b"], &target));
    assert_eq!(fs::metadata(target.join("big")).unwrap().len(), 20_000_000);
    let grown = home.run(["grow", "b", "64MB"]);
    if String::from_utf8_lossy(&grown.stderr).contains("Operation not permitted") {
        println!("skipped: this root may not grow what is mounted (CAP_SYS_RESOURCE)");
        return;
    }
    ok(&grown);
    fs::write(target.join("more"), vec![7; 20_000_000]).unwrap();
    home.ok(["rm", "b"]);
    assert_eq!(bench.mounted(), [""; 0].map(PathBuf::from));
}

/// Runs a script as somebody without root, in `home`, which is theirs.
fn as_nobody(home: &Home, script: &str) -> Output {
    let top = home.path("");
    let program = home.path("transom");
    if !program.exists() {
        // The original may lie where only root may look.
        fs::copy(env!("CARGO_BIN_EXE_transom"), &program).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    }
    give_away(&top);
    // Some machines keep /dev/fuse from users; out of others' sight this one gets a node of its own.
    let prepare = "mknod fuse c 10 229 && chmod 666 fuse && mount --bind fuse /dev/fuse; rm -f fuse; \
        exec setpriv --reuid 65534 --regid 65534 --clear-groups sh -ec \"$0\"";
    let mut command = Command::new("unshare");
    command
        .args(["--mount", "sh", "-c", prepare, script])
        .current_dir(&top);
    command
        .env("TRANSOM_ROOT", home.path("store"))
        .env("HOME", &top);
    command.output().unwrap()
}

fn give_away(path: &Path) {
    chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            give_away(&entry.unwrap().path());
        }
    }
}

#[test]
fn a_user_without_root_edits_commits_and_looks_at_images() {
    let Some(bench) = Bench::new() else { return };
    let output = as_nobody(
        &bench.home,
        r#"
        t=./transom; image=transom/hello:1.0
        echo first > x; chmod 444 x
        $t cp x w:/hello/settings.ini
        $t attrib +r w:/hello/settings.ini
        $t acl w:/hello/settings.ini O:BAG:SYD:
        $t cp x 'w:/hello/settings.ini:a stream'
        $t mv w:/hello/settings.ini w:/moved.ini
        $t cp x w:/moved.ini
        $t mv w:/hello w:/data
        $t rm -r w:/windows/system32
        $t commit w -t mine:1 > /dev/null
        $t cat mine:1 /moved.ini '/moved.ini:a stream'
        mkdir view
        $t mount --ro mine:1 view
        cat view/DATA/hello/README.txt
        $t umount view
        $t mount -q --ro mine:1 view
        ! $t rm mine:1
        $t umount "$PWD/view"
        $t rm mine:1 > /dev/null
        "#,
    );
    let (said, noted) = (ok(&output), String::from_utf8_lossy(&output.stderr));
    assert!(said.starts_with("copied 1 file"), "{said}");
    assert!(
        said.contains("first\nfirst\nmounted mine:1 at view (fuse)\nThe program"),
        "{said}"
    );
    assert_eq!(
        noted.matches("so a process serves it").count(),
        1,
        "{noted}"
    );
}

#[test]
fn what_root_has_mounted_takes_root_to_read_and_says_so() {
    let Some(bench) = Bench::new() else { return };
    let target = bench.folder("view");
    ok(&bench.mount(&["w"], &target));
    fs::write(target.join("x"), "x").unwrap();
    bench.home.ok(["umount", "w"]);
    for command in ["mkdir w:/y", "changes w", "commit w", "diff w -o -"] {
        let output = as_nobody(&bench.home, &format!("./transom {command}"));
        let stderr = failed(&output);
        assert!(
            stderr.contains("layer w: ") && stderr.contains("run this as root"),
            "{stderr}"
        );
    }
    bench.home.ok(["mkdir", "w:/y"]);
}
