//! Docker's daemon and client over `transom serve --graphdriver`.

use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::archive;
use crate::docker::Docker;
use crate::process::{Process, output_of, wait_until};
use crate::suite::Suite;

/// Makes a test of each case for each version of Docker.
macro_rules! with_each_docker {
    ($($case:ident,)*) => {
        mod docker_20_10 {
            $(#[test] fn $case() { super::with("bookworm", super::$case); })*
        }
        mod docker_26_1 {
            $(#[test] fn $case() { super::with("trixie", super::$case); })*
        }
    };
}

with_each_docker! {
    a_linux_image_is_imported_run_changed_and_committed,
    a_container_is_exported,
    an_image_is_built_with_a_dockerfile,
    a_container_with_a_size_is_full_when_it_says,
    windows_layers_come_back_byte_for_byte,
    containers_outlive_restarts_of_both_programs,
    a_killed_daemon_leaves_nothing_that_cannot_be_removed,
    an_import_during_which_transom_dies_fails_and_can_be_repeated,
    a_load_during_which_transom_dies_fails_and_can_be_repeated,
}

fn with(suite: &str, case: fn(&mut Docker, &Suite)) {
    if let Some(suite) = Suite::find(suite) {
        case(&mut Docker::start(&suite), &suite);
    }
}

/// Imports a small Linux as `busybox`.
fn import_busybox(docker: &Docker, suite: &Suite) {
    let tar = archive::busybox(&docker.path(""), &suite.program("busybox"));
    docker.run(&["import", tar.to_str().unwrap(), "busybox"]);
}

/// Starts a container that does nothing.
fn start_idle(docker: &Docker) {
    docker.run(&[
        "run",
        "-d",
        "--name",
        "idle",
        "--network",
        "none",
        "busybox",
        "sleep",
        "3600",
    ]);
}

fn sorted(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines
}

fn a_linux_image_is_imported_run_changed_and_committed(docker: &mut Docker, suite: &Suite) {
    import_busybox(docker, suite);
    let script = "echo new > /etc/new; rm /etc/old; echo hello";
    let run = [
        "run",
        "--name",
        "one",
        "--network",
        "none",
        "busybox",
        "sh",
        "-c",
        script,
    ];
    assert_eq!(docker.run(&run), "hello");

    let copied = docker.path("copied");
    fs::write(&copied, "copied in\n").unwrap();
    docker.run(&["cp", copied.to_str().unwrap(), "one:/etc/copied"]);
    docker.run(&["cp", "one:/etc/new", copied.to_str().unwrap()]);
    assert_eq!(fs::read_to_string(&copied).unwrap(), "new\n");

    let changes = docker.run(&["diff", "one"]);
    // Docker 26 opens these for writing when it copies, and leaves them as they are.
    let opened = ["C /etc/hostname", "C /etc/hosts", "C /etc/resolv.conf"];
    let mut changes = sorted(&changes);
    changes.retain(|change| !opened.contains(change));
    let expected = ["A /etc/copied", "A /etc/new", "C /etc", "D /etc/old"];
    assert_eq!(changes, expected);
    let sizes = docker.run(&["ps", "-as", "--format", "{{.Size}}"]);
    assert!(sizes.starts_with("14B (virtual "), "{sizes}");

    docker.run(&["commit", "one", "two"]);
    assert_eq!(docker.run(&["history", "-q", "two"]).lines().count(), 2);
    let cat = ["run", "--rm", "--network", "none", "two", "sh", "-c"];
    let files = docker.run(&[&cat[..], &["cat /etc/*; ls() { echo /etc/*; }; ls"]].concat());
    for expected in ["new", "copied in"] {
        assert!(files.contains(expected), "{files}");
    }
    assert!(!files.contains("old"), "{files}");

    docker.run(&["rm", "one"]);
    docker.run(&["rmi", "two", "busybox"]);
    docker.is_empty();
}

/// What is left then is not looked at: Docker 26.1 forgets the layer of a container that was exported, with its own
/// drivers as well.
fn a_container_is_exported(docker: &mut Docker, suite: &Suite) {
    import_busybox(docker, suite);
    let script = "echo new > /etc/copied; rm /etc/old";
    let run = ["run", "--name", "one", "--network", "none", "busybox"];
    docker.run(&[&run[..], &["sh", "-c", script]].concat());
    let exported = docker.bytes(&["export", "one"]);
    let names = archive::names(&exported);
    assert!(names.iter().any(|name| name == "etc/copied"), "{names:?}");
    assert!(!names.iter().any(|name| name == "etc/old"), "{names:?}");
}

fn an_image_is_built_with_a_dockerfile(docker: &mut Docker, suite: &Suite) {
    import_busybox(docker, suite);
    let context = docker.path("context");
    fs::create_dir(&context).unwrap();
    fs::write(context.join("file"), "from the context\n").unwrap();
    let file = "FROM busybox\nCOPY file /etc/file\nRUN [\"/bin/sh\", \"-c\", \"cat /etc/file > /etc/twice; rm /etc/old\"]\n";
    fs::write(context.join("Dockerfile"), file).unwrap();
    docker.run(&[
        "build",
        "--network",
        "none",
        "-t",
        "built",
        context.to_str().unwrap(),
    ]);
    let cat = [
        "run",
        "--rm",
        "--network",
        "none",
        "built",
        "cat",
        "/etc/twice",
    ];
    assert_eq!(docker.run(&cat), "from the context");
    docker.run(&["rmi", "built", "busybox"]);
    docker.is_empty();
}

fn a_container_with_a_size_is_full_when_it_says(docker: &mut Docker, suite: &Suite) {
    import_busybox(docker, suite);
    let fill = "dd if=/dev/zero of=/full bs=1M count=60";
    let run = [
        "run",
        "--name",
        "small",
        "--network",
        "none",
        "--storage-opt",
        "size=50MB",
    ];
    let said = docker.fails(&[&run[..], &["busybox", "sh", "-c", fill]].concat());
    assert!(said.contains("No space left on device"), "{said}");
    let said = docker.fails(&["create", "--storage-opt", "size=blue", "busybox", "sh"]);
    assert!(said.contains("Failed to parse storage options"), "{said}");
    docker.run(&["rm", "small"]);
    docker.run(&["rmi", "busybox"]);
    docker.is_empty();
}

fn windows_layers_come_back_byte_for_byte(docker: &mut Docker, suite: &Suite) {
    let (config, layers) = archive::windows_image(&docker.path(""));
    let loaded = archive::write(&docker.path(""), "windows:1", &config, &layers);
    docker.run(&["load", "-i", loaded.to_str().unwrap()]);
    let saved = |image: &str| archive::layers(&docker.path(""), &docker.bytes(&["save", image]));
    assert!(saved("windows:1") == layers, "saved layers differ");

    docker.run(&["create", "--name", "one", "windows:1", "cmd"]);
    let copied = docker.path("copied");
    fs::write(&copied, "new\n").unwrap();
    docker.run(&["cp", copied.to_str().unwrap(), "one:/Files/new.txt"]);
    let changes = docker.run(&["diff", "one"]);
    let changes = sorted(&changes);
    let changes: Vec<&str> = changes
        .into_iter()
        .filter(|line| line.contains("/Files"))
        .collect();
    assert_eq!(changes, ["A /Files/new.txt", "C /Files"]);
    docker.run(&["commit", "one", "windows:2"]);
    let committed = saved("windows:2");
    assert!(
        committed[..layers.len()] == layers,
        "layers below a commit differ"
    );
    let names = archive::names(&committed[layers.len()]);
    assert!(
        names.iter().any(|name| name == "Files/new.txt"),
        "{names:?}"
    );
    docker.run(&["rm", "one"]);

    let registry = Registry::start(docker, suite);
    let remote = format!("{}/windows:1", registry.address);
    docker.run(&["tag", "windows:1", &remote]);
    docker.run(&["push", &remote]);
    docker.run(&["rmi", "windows:2", "windows:1", &remote]);
    docker.is_empty();
    docker.run(&["pull", &remote]);
    assert!(
        saved(&remote) == layers,
        "layers that were pushed and pulled differ"
    );
    docker.run(&["rmi", &remote]);
    docker.is_empty();
}

fn containers_outlive_restarts_of_both_programs(docker: &mut Docker, suite: &Suite) {
    import_busybox(docker, suite);
    start_idle(docker);
    let say = |docker: &Docker, what: &str| {
        let write = format!("echo {what} >> /etc/said; cat /etc/said");
        docker
            .run(&["exec", "idle", "sh", "-c", &write])
            .replace('\n', " ")
    };
    assert_eq!(say(docker, "a"), "a");
    docker.transom.stop();
    docker.transom.start();
    assert_eq!(say(docker, "b"), "a b");
    docker.transom.kill();
    docker.transom.start();
    assert_eq!(say(docker, "c"), "a b c");
    assert!(docker.run(&["diff", "idle"]).contains("A /etc/said"));

    docker.stop_daemon();
    docker.start_daemon();
    docker.run(&["start", "idle"]);
    assert_eq!(say(docker, "d"), "a b c d");
    docker.stop_daemon();
    docker.transom.stop();
    docker.transom.start();
    docker.start_daemon();
    let said = docker.bytes(&["cp", "idle:/etc/said", "-"]);
    assert!(String::from_utf8_lossy(&said).contains("a\nb\nc\nd\n"));
    docker.run(&["rm", "idle"]);
    docker.run(&["rmi", "busybox"]);
    docker.is_empty();
}

fn a_killed_daemon_leaves_nothing_that_cannot_be_removed(docker: &mut Docker, suite: &Suite) {
    import_busybox(docker, suite);
    start_idle(docker);
    docker.kill_daemon();
    docker.transom.kill();
    docker.transom.start();
    docker.start_daemon();
    docker.run(&["rm", "-f", "idle"]);
    docker.run(&["rmi", "busybox"]);
    docker.is_empty();
}

fn an_import_during_which_transom_dies_fails_and_can_be_repeated(
    docker: &mut Docker,
    suite: &Suite,
) {
    let tar = archive::busybox(&docker.path(""), &suite.program("busybox"));
    let tar = fs::read(tar).unwrap();
    // Half of it, up to a header: what follows is a good tar by itself, and is what Docker sends in its second try.
    let half = first_entries(&tar);
    let import = docker
        .command()
        .args(["import", "-", "busybox"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut import = import.unwrap();
    let mut to = import.stdin.take().unwrap();
    to.write_all(&tar[..half]).unwrap();
    wait_until("the tar has begun to come", || has_begun(docker));
    docker.transom.kill();
    docker.transom.start();
    to.write_all(&tar[half..]).unwrap();
    drop(to);
    let output = import.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(said.contains("broke off"), "{said}");
    docker.is_empty();

    import_busybox(docker, suite);
    docker.run(&["rmi", "busybox"]);
    docker.is_empty();
}

fn a_load_during_which_transom_dies_fails_and_can_be_repeated(docker: &mut Docker, _: &Suite) {
    let folder = docker.path("");
    let large = docker.path("large");
    fs::create_dir(&large).unwrap();
    let mut bytes = Vec::with_capacity(LARGE_BYTES);
    let mut state = 1_u64;
    while bytes.len() < LARGE_BYTES {
        // xorshift: bytes that no disk makes smaller.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend(state.to_le_bytes());
    }
    fs::write(large.join("file"), &bytes).unwrap();
    let layer = output_of(Command::new("tar").arg("-C").arg(&large).args(["-c", "."]));
    let layers = [layer];
    let config = archive::config(&folder, &layers);
    let loaded = archive::write(&folder, "large:1", &config, &layers);
    let load = ["load", "-q", "-i", loaded.to_str().unwrap()];

    let loading = docker
        .command()
        .args(load)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let loading = loading.unwrap();
    wait_until("the tar has begun to come", || has_begun(docker));
    docker.transom.kill();
    docker.transom.start();
    let output = loading.wait_with_output().unwrap();
    assert!(
        !output.status.success(),
        "the load was over before transom was killed"
    );
    wait_until("Docker has removed the layer", || !has_begun(docker));
    docker.is_empty();

    docker.run(&load);
    let saved = archive::layers(&folder, &docker.bytes(&["save", "large:1"]));
    assert!(saved == layers, "saved layers differ");
    docker.run(&["rmi", "large:1"]);
    docker.is_empty();
}

/// Size of a layer that takes a while.
const LARGE_BYTES: usize = 192 * 1024 * 1024;

fn has_begun(docker: &Docker) -> bool {
    let begun = docker.transom.store().join("graphdriver/begun");
    begun.read_dir().unwrap().next().is_some()
}

/// Where the entry after the first file with much data begins.
fn first_entries(tar: &[u8]) -> usize {
    let mut at = 0;
    loop {
        let size = std::str::from_utf8(&tar[at + 124..at + 135]).unwrap();
        let size = usize::from_str_radix(size.trim_matches(['\0', ' ']), 8).unwrap();
        at += 512 + size.next_multiple_of(512);
        if size > 1024 * 1024 {
            return at;
        }
    }
}

/// A registry on this machine.
struct Registry {
    address: String,
    _process: Process,
}

impl Registry {
    fn start(docker: &Docker, suite: &Suite) -> Self {
        // A port that is free now; nobody else is likely to take it at once.
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let address = format!("127.0.0.1:{port}");
        let folder = docker.path("registry");
        let config = docker.path("registry.yml");
        let text = format!(
            "version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: {}\nhttp:\n  addr: {address}\n",
            folder.display()
        );
        fs::write(&config, text).unwrap();
        let mut command = suite.command("docker-registry");
        command.arg("serve").arg(&config);
        let mut process = Process::start(&command, &docker.path("registry.log"));
        process.wait_until("the registry listens", || {
            std::net::TcpStream::connect(&address).is_ok()
        });
        Self {
            address,
            _process: process,
        }
    }
}
