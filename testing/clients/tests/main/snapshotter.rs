//! containerd 1.7, 2 and 1.6, and `ctr`, over `transom serve --containerd`, with a real Windows image.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::archive;
use crate::containerd::{Containerd, PLUGIN, import};
use crate::process::{output_of, text_of, wait_until};
use crate::suite::Suite;
use crate::transom::Transom;

/// The name that the bundled image has.
const IMAGE: &str = "docker.io/transom/hello:1.0";

tests_with! {
    containerd_1_7: "trixie", containerd_2: "sid" => {
        an_image_is_imported_checked_exported_and_removed,
        an_image_is_mounted_as_c,
        a_snapshot_is_changed_compared_labelled_committed_and_removed,
        an_image_is_pushed_to_a_registry_and_pulled_by_twenty_at_once,
        twenty_images_that_share_layers_are_pulled_at_once_and_each_layer_is_taken_in_once,
        a_server_that_is_killed_in_the_middle_loses_nothing_and_leaks_nothing,
        the_server_and_other_programs_use_one_store_at_once,
        mounts_outlive_a_restart_of_the_server,
        a_layer_that_is_taken_in_when_the_server_is_told_to_stop_is_finished,
    }
}

fn start(suite: &str) -> Option<(Containerd, PathBuf)> {
    let suite = Suite::find(suite)?;
    let containerd = Containerd::start(&suite);
    let archive = containerd.path("image.tar");
    fs::write(&archive, transom_sample::sample_image().unwrap()).unwrap();
    Some((containerd, archive))
}

/// The blobs in an archive, by name.
fn blobs(folder: &Path, archive: &[u8]) -> Vec<(String, Vec<u8>)> {
    let parts = archive::unpack(folder, archive);
    let mut blobs: Vec<_> = fs::read_dir(parts.join("blobs/sha256"))
        .unwrap()
        .map(|blob| {
            let blob = blob.unwrap();
            let name = blob.file_name().into_string().unwrap();
            (name, fs::read(blob.path()).unwrap())
        })
        .collect();
    fs::remove_dir_all(&parts).unwrap();
    blobs.sort();
    blobs
}

/// Removes the image and waits until containerd has collected what it held.
fn remove_image(containerd: &Containerd) {
    containerd.run(&["images", "rm", "--sync", IMAGE]);
    wait_until("the garbage is collected", || {
        containerd.snapshots(&["ls"]).lines().count() == 1
    });
    wait_until("the layers are gone", || {
        containerd.transom.layer_bytes() == 0
    });
}

fn an_image_is_imported_checked_exported_and_removed(suite: &str) {
    let Some((containerd, archive)) = start(suite) else {
        return;
    };
    let plugins = containerd.run(&["plugins", "ls"]);
    for plugin in [PLUGIN, "transom-diff"] {
        let line = plugins
            .lines()
            .find(|line| line.contains(&format!(" {plugin} ")));
        assert!(
            line.is_some_and(|line| line.trim_end().ends_with("ok")),
            "{plugins}"
        );
    }
    containerd.import(&archive);
    let check = containerd.run(&["images", "check", "--snapshotter", PLUGIN]);
    assert!(
        check.contains("complete (4/4)") && check.contains("true"),
        "{check}"
    );
    assert_eq!(containerd.committed().len(), 3);
    let usage = containerd.run(&["images", "usage", "--snapshotter", PLUGIN, IMAGE]);
    assert!(usage.contains("KiB"), "{usage}");
    let usage = containerd.snapshots(&["usage"]);
    assert_eq!(usage.lines().count(), 4, "{usage}");
    assert_eq!(containerd.snapshots(&["tree"]).lines().count(), 3);

    let exported = containerd.path("exported.tar");
    let export = ["images", "export", "--platform", "windows/amd64"];
    containerd.run(&[&export[..], &[exported.to_str().unwrap(), IMAGE]].concat());
    let scratch = containerd.path("scratch");
    fs::create_dir(&scratch).unwrap();
    let before = blobs(&scratch, &fs::read(&archive).unwrap());
    let after = blobs(&scratch, &fs::read(&exported).unwrap());
    assert!(before == after, "the blobs differ");
    remove_image(&containerd);
    containerd.is_empty();
}

fn an_image_is_mounted_as_c(suite: &str) {
    let Some((containerd, archive)) = start(suite) else {
        return;
    };
    containerd.import(&archive);
    let target = containerd.path("mounted");
    fs::create_dir(&target).unwrap();
    let mount = [
        "images",
        "mount",
        "--snapshotter",
        PLUGIN,
        "--platform",
        "windows/amd64",
    ];
    containerd.run(&[&mount[..], &[IMAGE, target.to_str().unwrap()]].concat());
    assert!(target.join("Windows").is_dir() && target.join("HELLO").is_dir());
    assert!(fs::write(target.join("new"), "x").is_err());
    let unmount = ["images", "unmount", "--snapshotter", PLUGIN, "--rm"];
    containerd.run(&[&unmount[..], &[target.to_str().unwrap()]].concat());
    remove_image(&containerd);
    containerd.is_empty();
}

fn a_snapshot_is_changed_compared_labelled_committed_and_removed(suite: &str) {
    let Some((containerd, archive)) = start(suite) else {
        return;
    };
    containerd.import(&archive);
    let top = containerd.top();
    containerd.snapshots(&["prepare", "mine", &top]);
    let mounted = containerd.mount("mine");
    fs::create_dir(mounted.join("program files/App")).unwrap_or_else(|_| {
        fs::create_dir_all(mounted.join("Program Files/App")).unwrap();
    });
    fs::write(mounted.join("License.txt"), "another one").unwrap();
    fs::remove_dir_all(mounted.join("HELLO")).unwrap();
    output_of(Command::new("umount").arg(&mounted));

    let diff = containerd.bytes(&["snapshots", "--snapshotter", PLUGIN, "diff", "mine"]);
    let gzip = containerd.path("diff.tar.gz");
    fs::write(&gzip, diff).unwrap();
    let tar = output_of(Command::new("gzip").arg("-dc").arg(&gzip));
    assert_eq!(
        archive::names(&tar),
        [
            "Files",
            "Files/.wh.HELLO",
            "Files/License.txt",
            "Files/Program Files",
            "Files/Program Files/App",
            "Hives",
        ]
    );
    containerd.snapshots(&["label", "mine", "labels.color=blue"]);
    containerd.snapshots(&["commit", "done", "mine"]);
    assert_eq!(containerd.info("done")["Kind"], "Committed");
    assert_eq!(containerd.info("done")["Parent"], top.as_str());
    containerd.snapshots(&["prepare", "look", "done"]);
    let mounted = containerd.mount("look");
    assert_eq!(
        fs::read_to_string(mounted.join("License.txt")).unwrap(),
        "another one"
    );
    assert!(!mounted.join("HELLO").exists());
    output_of(Command::new("umount").arg(&mounted));
    containerd.snapshots(&["rm", "look"]);
    containerd.snapshots(&["rm", "done"]);
    remove_image(&containerd);
    containerd.is_empty();
}

fn an_image_is_pushed_to_a_registry_and_pulled_by_twenty_at_once(suite: &str) {
    let Some((containerd, archive)) = start(suite) else {
        return;
    };
    let Some(registry) = crate::registry::Registry::start(containerd.folder()) else {
        return;
    };
    containerd.import(&archive);
    let remote = format!("{}/hello:1", registry.address());
    let push = [
        "images",
        "push",
        "--plain-http",
        "--platform",
        "windows/amd64",
    ];
    containerd.run(&[&push[..], &[&remote, IMAGE]].concat());
    remove_image(&containerd);

    std::thread::scope(|scope| {
        for number in 0..20 {
            let (containerd, remote) = (&containerd, &remote);
            scope.spawn(move || {
                let namespace = format!("n{}", number % 4);
                let pull = [
                    "-n",
                    &namespace,
                    "images",
                    "pull",
                    "--plain-http",
                    "--platform",
                    "windows/amd64",
                    "--snapshotter",
                    PLUGIN,
                    remote,
                ];
                containerd.run(&pull);
            });
        }
    });
    let layers = fs::read_dir(containerd.transom.store().join("layers")).unwrap();
    assert_eq!(layers.count(), 3);
    // Each layer was read from containerd once, whoever asked.
    containerd.transom.verify();
    for number in 0..4 {
        let namespace = format!("n{number}");
        let check = ["-n", &namespace, "images", "check", "--snapshotter", PLUGIN];
        let check = containerd.run(&check);
        assert!(
            check.contains("complete (4/4)") && check.contains("true"),
            "{check}"
        );
        containerd.run(&["-n", &namespace, "images", "rm", "--sync", &remote]);
    }
    wait_until("the layers are gone", || {
        containerd.transom.layer_bytes() == 0
    });
}

fn twenty_images_that_share_layers_are_pulled_at_once_and_each_layer_is_taken_in_once(suite: &str) {
    let Some(suite) = Suite::find(suite) else {
        return;
    };
    let metrics = crate::registry::free_address();
    let containerd = Containerd::start_with(&suite, &["--metrics", &metrics]);
    let Some(registry) = crate::registry::Registry::start(containerd.folder()) else {
        return;
    };
    let other = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_transom-clients"));
        command.arg("--root").arg(containerd.path("other-store"));
        text_of(command.args(args))
    };
    let (archive, own) = (containerd.path("image.tar"), containerd.path("own"));
    fs::write(&archive, transom_sample::sample_image().unwrap()).unwrap();
    other(&["load", archive.to_str().unwrap()]);
    let names: Vec<String> = (0..20)
        .map(|number| {
            let name = format!("{}/app-{number}:1", registry.address());
            fs::write(&own, number.to_string()).unwrap();
            other(&["create", "own", "--from", "transom/hello:1.0"]);
            other(&["cp", own.to_str().unwrap(), "own:/own"]);
            other(&["commit", "own", "-t", &name]);
            other(&["rm", "own"]);
            other(&["push", &name]);
            name
        })
        .collect();
    std::thread::scope(|scope| {
        for name in &names {
            let containerd = &containerd;
            scope.spawn(move || {
                let pull = ["images", "pull", "--plain-http", "--snapshotter", PLUGIN];
                containerd.run(&[&pull[..], &["--platform", "windows/amd64", name]].concat());
            });
        }
    });
    let check = containerd.run(&["images", "check", "--snapshotter", PLUGIN]);
    assert_eq!(check.matches("complete (5/5)").count(), 20, "{check}");

    let layers = text_of(containerd.transom.command().args(["--json", "layers"]));
    let layers: serde_json::Value = serde_json::from_str(&layers).unwrap();
    let layers = layers.as_array().unwrap();
    assert_eq!(layers.len(), 3 + 20);
    let bytes: u64 = layers
        .iter()
        .map(|layer| layer["size"].as_u64().unwrap())
        .sum();
    let page = get(&metrics, "/metrics");
    let taken_in = page
        .lines()
        .filter(|line| line.starts_with("transom_taken_in_bytes_total"));
    let numbers = taken_in.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap());
    assert_eq!(numbers.sum::<u64>(), bytes, "{page}");
    let log = fs::read_to_string(containerd.path("registry.log")).unwrap();
    let mut fetched: Vec<&str> = log
        .lines()
        .filter(|line| line.contains("\"GET /v2/"))
        .filter_map(|line| line.split("/blobs/").nth(1)?.split(' ').next())
        .collect();
    let all = fetched.len();
    fetched.sort_unstable();
    fetched.dedup();
    // And one config of each.
    assert_eq!((all, fetched.len()), (43, 43), "{log}");
    containerd.transom.verify();
}

/// Asks an HTTP server on this machine for a page.
fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut page = String::new();
    stream.read_to_string(&mut page).unwrap();
    page
}

/// Kills the server some milliseconds after a client was started, and starts it again.
fn kill_during(containerd: &mut Containerd, args: &[&str], milliseconds: u64) {
    let mut command = containerd.command();
    let client = command
        .args(args)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    std::thread::sleep(Duration::from_millis(milliseconds));
    containerd.transom.kill();
    containerd.transom.start();
    let _ = client.unwrap().wait().unwrap();
}

/// Imports an image whose import was cut off. containerd collects what that one had unpacked meanwhile, and `ctr` does not
/// hold a layer it finds there until it has made the next from it: its import fails then, and the next does not.
fn import_again(containerd: &Containerd, archive: &Path) {
    let errors = containerd.try_run(&import(archive)).stderr;
    if String::from_utf8_lossy(&errors).contains("parent snapshot") {
        containerd.run(&["content", "prune", "references"]);
    }
    containerd.import(archive);
}

/// Kills the server at many points of what a client does; the client's retry must succeed, and nothing be left.
fn a_server_that_is_killed_in_the_middle_loses_nothing_and_leaks_nothing(suite: &str) {
    let Some((mut containerd, archive)) = start(suite) else {
        return;
    };
    for delay in (0..120).step_by(10) {
        kill_during(&mut containerd, &import(&archive), delay);
        import_again(&containerd, &archive);
        containerd.transom.verify();
        // A diff and a commit, killed at the same distance.
        let top = containerd.top();
        containerd.snapshots(&["prepare", "mine", &top]);
        let mounted = containerd.mount("mine");
        fs::write(mounted.join("new.txt"), vec![7; 3 << 20]).unwrap();
        output_of(Command::new("umount").arg(&mounted));
        for step in [&["diff", "mine"][..], &["commit", "done", "mine"]] {
            let snapshots = ["snapshots", "--snapshotter", PLUGIN];
            kill_during(&mut containerd, &[&snapshots[..], step].concat(), delay / 2);
        }
        // containerd knows of a commit only if it has heard the answer.
        if !containerd.snapshots(&["ls"]).contains("done ") {
            containerd.snapshots(&["commit", "done", "mine"]);
        }
        containerd.snapshots(&["prepare", "look", "done"]);
        let mounted = containerd.mount("look");
        assert_eq!(fs::read(mounted.join("new.txt")).unwrap(), vec![7; 3 << 20]);
        output_of(Command::new("umount").arg(&mounted));
        for key in ["look", "done"] {
            containerd.snapshots(&["rm", key]);
        }
        remove_image(&containerd);
        containerd.is_empty();
    }
}

/// Others load, change, commit, remove and collect in the store that the server takes images into.
fn the_server_and_other_programs_use_one_store_at_once(suite: &str) {
    let Some((containerd, archive)) = start(suite) else {
        return;
    };
    let transom = &containerd.transom;
    let run = |args: &[&str]| text_of(transom.command().args(args));
    std::thread::scope(|scope| {
        let (containerd, archive) = (&containerd, &archive);
        let server = scope.spawn(move || {
            for _ in 0..5 {
                containerd.import(archive);
                let top = containerd.top();
                containerd.snapshots(&["prepare", "mine", &top]);
                let mounted = containerd.mount("mine");
                fs::write(mounted.join("new.txt"), "new").unwrap();
                output_of(Command::new("umount").arg(&mounted));
                containerd.snapshots(&["commit", "done", "mine"]);
                containerd.snapshots(&["rm", "done"]);
                containerd.run(&["images", "rm", "--sync", IMAGE]);
            }
        });
        for number in 0..2 {
            scope.spawn(move || {
                let (layer, tag) = (format!("own-{number}"), format!("own/image:{number}"));
                let (folder, to) = (format!("{layer}:/Own"), format!("{layer}:/Own/image"));
                for _ in 0..5 {
                    run(&[
                        "load",
                        archive.to_str().unwrap(),
                        "--name",
                        &format!("own/base:{number}"),
                    ]);
                    run(&["create", &layer, "--from", &format!("own/base:{number}")]);
                    run(&["mkdir", &folder]);
                    run(&["cp", archive.to_str().unwrap(), &to]);
                    run(&["commit", &layer, "-t", &tag]);
                    run(&["verify", &tag]);
                    run(&["rm", &layer]);
                    run(&["rm", &tag]);
                    run(&["rm", &format!("own/base:{number}")]);
                }
            });
        }
        while !server.is_finished() {
            run(&["gc", "--compressed"]);
            let checked = transom.command().arg("fsck").output().unwrap();
            let found = String::from_utf8_lossy(&checked.stdout);
            assert!(checked.status.success(), "{found}");
        }
    });
    wait_until("the garbage is collected", || {
        containerd.snapshots(&["ls"]).lines().count() == 1
    });
    wait_until("the layers are gone", || transom.layer_bytes() == 0);
    containerd.is_empty();
}

fn mounts_outlive_a_restart_of_the_server(suite: &str) {
    let Some((mut containerd, archive)) = start(suite) else {
        return;
    };
    containerd.import(&archive);
    containerd.snapshots(&["prepare", "mine", &containerd.top()]);
    let mounted = containerd.mount("mine");
    let mut written = Vec::new();
    for stop in [Transom::stop, Transom::kill] {
        for write in ["before", "between", "after"] {
            match write {
                "between" => stop(&mut containerd.transom),
                "after" => containerd.transom.start(),
                _ => {}
            }
            let name = format!("{write} {}", written.len());
            fs::write(mounted.join(&name), &name).unwrap();
            written.push(name);
        }
    }
    output_of(Command::new("umount").arg(&mounted));
    let mounted = containerd.mount("mine");
    for name in written {
        assert_eq!(fs::read_to_string(mounted.join(&name)).unwrap(), name);
    }
    output_of(Command::new("umount").arg(&mounted));
    containerd.snapshots(&["rm", "mine"]);
}

/// An archive of the bundled image with one more layer, of a hundred million bytes.
fn large_archive(containerd: &Containerd) -> PathBuf {
    let (file, archive) = (containerd.path("large"), containerd.path("large.tar"));
    // No zeros: a layer that compresses well would be read in no time.
    let bytes =
        (0..12_500_000_u64).flat_map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes());
    fs::write(&file, bytes.collect::<Vec<u8>>()).unwrap();
    let (sample, file) = (containerd.path("image.tar"), file.display().to_string());
    for args in [
        &["load", sample.to_str().unwrap()][..],
        &["create", "large", "--from", "transom/hello:1.0"],
        &["cp", &file, "large:C:\\large"],
        &["commit", "large", "-t", "transom/large:1.0"],
        &["save", "transom/large:1.0", "-o", archive.to_str().unwrap()],
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_transom-clients"));
        command.arg("--root").arg(containerd.path("other-store"));
        output_of(command.args(args));
    }
    archive
}

fn a_layer_that_is_taken_in_when_the_server_is_told_to_stop_is_finished(suite: &str) {
    let Some((mut containerd, _)) = start(suite) else {
        return;
    };
    let archive = large_archive(&containerd);
    let mut client = containerd.command();
    client.args(import(&archive));
    let mut client = client
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let staging = containerd.transom.store().join("staging");
    wait_until("the large layer is being taken in", || {
        layers_in(&staging).any(|tar| tar.metadata().is_ok_and(|tar| tar.len() > 1 << 20))
    });
    containerd.transom.stop();
    let log = fs::read_to_string(containerd.path("transom.log")).unwrap();
    let (_, after) = log.split_once("told to terminate").unwrap();
    assert!(
        after
            .lines()
            .any(|line| line.contains("done") && line.contains("Apply")),
        "{log}"
    );
    assert!(
        !after.contains("cut off") && !after.contains("failed"),
        "{log}"
    );
    let _ = client.wait().unwrap();
    containerd.transom.start();
    containerd.import(&archive);
    containerd.transom.verify();
}

/// The tars of layers in the making: each is in a folder of one operation's.
fn layers_in(staging: &Path) -> impl Iterator<Item = PathBuf> {
    let below = |folder: &Path| -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).collect()
    };
    let operations = below(staging).into_iter();
    operations
        .flat_map(move |operation| below(&operation))
        .flat_map(move |layer| below(&layer))
}

/// Its own differ unpacks, into what Transom has mounted: attributes of Windows are lost, files are not.
#[test]
fn containerd_1_6_unpacks_an_image_through_mounts() {
    let Some(suite) = Suite::find("bookworm") else {
        return;
    };
    let containerd = Containerd::start_with(&suite, &["--unpack-by-mount"]);
    let archive = containerd.path("image.tar");
    fs::write(&archive, transom_sample::sample_image().unwrap()).unwrap();
    containerd.import(&archive);
    assert_eq!(containerd.committed().len(), 3);
    containerd.snapshots(&["prepare", "mine", &containerd.top()]);
    let mounted = containerd.mount("mine");
    assert!(mounted.join("Files/Windows").is_dir());
    fs::write(mounted.join("Files/new"), "new").unwrap();
    output_of(Command::new("umount").arg(&mounted));
    containerd.snapshots(&["commit", "done", "mine"]);
    containerd.snapshots(&["view", "look", "done"]);
    let mounted = containerd.mount("look");
    assert_eq!(
        fs::read_to_string(mounted.join("Files/new")).unwrap(),
        "new"
    );
    output_of(Command::new("umount").arg(&mounted));
    for key in ["look", "done"] {
        containerd.snapshots(&["rm", key]);
    }
    remove_image(&containerd);
    containerd.is_empty();
}
