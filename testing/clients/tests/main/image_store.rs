//! Docker on the containerd image store, with Transom below: real Windows images on Linux.

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::archive;
use crate::containerd::{Containerd, PLUGIN};
use crate::process::{Process, output_of, text_of, wait_until};
use crate::suite::Suite;

tests_with! {
    docker_26: "trixie", docker_28: "sid" => {
        a_windows_image_is_loaded_changed_committed_saved_pushed_and_removed,
    }
}

/// A Docker daemon over a containerd over Transom.
struct Daemon {
    containerd: Containerd,
    _process: Process,
    suite: Suite,
}

impl Daemon {
    fn start(suite: &str) -> Option<Self> {
        let suite = Suite::find(suite)?;
        let containerd = Containerd::start(&suite);
        let at = |name: &str| containerd.path(name).display().to_string();
        let features = r#"{"features":{"containerd-snapshotter":true}}"#;
        fs::write(containerd.path("daemon.json"), features).unwrap();
        let mut command = suite.command("dockerd");
        command
            .args(["--bridge=none", "--iptables=false", "--ip6tables=false"])
            .args(["--ip-forward=false", "--ip-masq=false"])
            .args([
                "--config-file",
                &at("daemon.json"),
                "--storage-driver",
                PLUGIN,
            ])
            .args([
                "--containerd",
                &at("containerd.sock"),
                "-p",
                &at("dockerd.pid"),
            ])
            .args([
                "--data-root",
                &at("docker"),
                "--exec-root",
                &at("docker-run"),
            ])
            .args(["-H", &format!("unix://{}", at("docker.sock"))]);
        let mut process = Process::start(&command, &containerd.path("dockerd.log"));
        process.wait_until("dockerd answers", || {
            client(&suite, &containerd)
                .arg("version")
                .output()
                .unwrap()
                .status
                .success()
        });
        Some(Self {
            containerd,
            _process: process,
            suite,
        })
    }

    fn command(&self) -> Command {
        client(&self.suite, &self.containerd)
    }

    fn run(&self, args: &[&str]) -> String {
        text_of(self.command().args(args))
    }

    fn inspect(&self, name: &str) -> Value {
        let text = self.run(&["inspect", name]);
        serde_json::from_str::<Value>(&text).unwrap()[0].take()
    }
}

fn client(suite: &Suite, containerd: &Containerd) -> Command {
    let mut command = suite.command("docker");
    command
        .arg("-H")
        .arg(format!(
            "unix://{}",
            containerd.path("docker.sock").display()
        ))
        .env("DOCKER_CONFIG", containerd.path("docker-config"));
    command
}

fn a_windows_image_is_loaded_changed_committed_saved_pushed_and_removed(suite: &str) {
    let Some(docker) = Daemon::start(suite) else {
        return;
    };
    let folder = docker.containerd.folder();
    let image = folder.join("image.tar");
    fs::write(&image, transom_sample::sample_image().unwrap()).unwrap();
    docker.run(&["load", "-i", image.to_str().unwrap()]);
    let hello = docker.inspect("transom/hello:1.0");
    assert_eq!(hello["Os"], "windows");
    assert!(hello["OsVersion"].is_string(), "{hello}");
    assert_eq!(
        docker
            .run(&["history", "-q", "transom/hello:1.0"])
            .lines()
            .count(),
        3
    );
    assert!(docker.run(&["images"]).contains("transom/hello"));

    let create = ["create", "--platform", "windows/amd64", "--name", "one"];
    docker.run(&[&create[..], &["transom/hello:1.0", "cmd"]].concat());
    let file = folder.join("patch.txt");
    fs::write(&file, "patched\n").unwrap();
    docker.run(&["cp", file.to_str().unwrap(), "one:/Program Files/patch.txt"]);
    docker.run(&[
        "cp",
        "one:/License.txt",
        folder.join("License.txt").to_str().unwrap(),
    ]);
    let license = fs::read(folder.join("License.txt")).unwrap();
    assert!(!license.is_empty());
    let changes = docker.run(&["diff", "one"]);
    assert!(changes.contains("A /Program Files/patch.txt"), "{changes}");
    docker.run(&["commit", "one", "transom/patched:1"]);
    let patched = docker.inspect("transom/patched:1");
    assert_eq!(patched["Os"], "windows");
    let layers = patched["RootFS"]["Layers"].as_array().unwrap();
    assert_eq!(layers.len(), 4);
    docker.run(&["rm", "one"]);

    // What comes out is the layers that went in, and one that Windows would take.
    let saved = output_of(docker.command().args(["save", "transom/patched:1"]));
    let parts = archive::unpack(folder, &saved);
    let manifest: Value =
        serde_json::from_slice(&fs::read(parts.join("manifest.json")).unwrap()).unwrap();
    let files = manifest[0]["Layers"].as_array().unwrap();
    let tars: Vec<Vec<u8>> = files
        .iter()
        .map(|file| {
            let bytes = fs::read(parts.join(file.as_str().unwrap())).unwrap();
            archive::inflated(folder, &bytes)
        })
        .collect();
    let (_, before) = archive::windows_image(folder);
    assert!(tars[..3] == before[..], "the layers differ");
    assert_eq!(
        archive::names(&tars[3]),
        [
            "Files",
            "Files/Program Files",
            "Files/Program Files/patch.txt",
            "Hives"
        ]
    );
    assert!(String::from_utf8_lossy(&tars[3]).contains("MSWINDOWS.rawsd"));

    if let Some(registry) = crate::registry::Registry::start(folder) {
        let remote = format!("{}/patched:1", registry.address());
        docker.run(&["tag", "transom/patched:1", &remote]);
        docker.run(&["push", &remote]);
        docker.run(&["rmi", &remote, "transom/patched:1", "transom/hello:1.0"]);
        docker.run(&["pull", "--platform", "windows/amd64", &remote]);
        let pulled = docker.inspect(&remote);
        assert_eq!(&pulled["RootFS"]["Layers"], &patched["RootFS"]["Layers"]);
        docker.run(&["rmi", &remote]);
    }
    wait_until("the layers are gone", || {
        docker.containerd.transom.layer_bytes() == 0
    });
    docker.containerd.transom.verify();
}
