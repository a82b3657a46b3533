//! Pulls from a real registry and pushes to it, with skopeo on the other side.

mod proxies;

use std::fs;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{HELLO, Home, sample};

/// The digest of the bundled image's manifest.
const SAMPLE: &str = "sha256:e9aece9b04f62d925b2389ee8ba9289e13eaf238fb389b87fba919bcc4a5ed6c";
/// A line of htpasswd for the user `user` and the password `pass word`, made with `htpasswd -nbB`.
const HTPASSWD: &str = "user:$2y$05$nUkLJh3sJAHyvd/RYplyQe1B91MOKWQvndjGOaigy.Tp45rLJum4e";

/// Says which of the programs is missing.
fn missing() -> Option<&'static str> {
    ["docker-registry", "skopeo"].into_iter().find(|program| {
        let path = std::env::var_os("PATH").unwrap_or_default();
        !std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
    })
}

/// A registry; it ends with the test.
struct Registry {
    folder: TempDir,
    process: Child,
    address: String,
}

impl Registry {
    fn start(more: &str) -> Option<Self> {
        if let Some(program) = missing() {
            println!("skipped: needs {program}");
            return None;
        }
        // Somebody else may take the port that was free a moment ago.
        (0..5)
            .find_map(|_| Self::try_start(more))
            .or_else(|| panic!("the registry does not start"))
    }

    fn try_start(more: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        drop(listener);
        fs::write(folder.path().join("htpasswd"), HTPASSWD).unwrap();
        let root = folder.path().display();
        let more = more.replace("ROOT", &root.to_string());
        let config = format!(
            "version: 0.1\n\
             storage:\n  filesystem:\n    rootdirectory: {root}/data\n\
             validation:\n  manifests:\n    urls:\n      allow: [\"^http\"]\n\
             http:\n  addr: {address}\n{more}"
        );
        let path = folder.path().join("registry.yml");
        fs::write(&path, config).unwrap();
        let process = Command::new("docker-registry")
            .arg("serve")
            .arg(&path)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut registry = Self {
            folder,
            process,
            address,
        };
        for _ in 0..200 {
            if registry.process.try_wait().unwrap().is_some() {
                return None;
            }
            if TcpStream::connect(&registry.address).is_ok() {
                return Some(registry);
            }
            thread::sleep(Duration::from_millis(50));
        }
        None
    }

    fn name(&self, rest: &str) -> String {
        format!("{}/{rest}", self.address)
    }

    /// The bytes of a blob, as the registry keeps them.
    fn blob(&self, digest: &str) -> Vec<u8> {
        let hex = digest.strip_prefix("sha256:").unwrap();
        let blobs = self
            .folder
            .path()
            .join("data/docker/registry/v2/blobs/sha256");
        fs::read(blobs.join(&hex[..2]).join(hex).join("data")).unwrap()
    }

    /// Pushes the bundled image with skopeo.
    fn take_sample(&self, rest: &str, more: &[&str]) {
        let from = format!("oci-archive:{}", sample().display());
        let to = format!("docker://{}", self.name(rest));
        skopeo(&[&["copy", "--dest-tls-verify=false"], more, &[&from, &to]].concat());
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn skopeo(args: &[&str]) -> Vec<u8> {
    let output = Command::new("skopeo")
        .args(["--override-os", "windows"])
        .args(args)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

/// All blobs of an OCI layout, by digits.
fn blobs(layout: &Path) -> Vec<(String, Vec<u8>)> {
    let mut blobs: Vec<_> = fs::read_dir(layout.join("blobs/sha256"))
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            (
                entry.file_name().into_string().unwrap(),
                fs::read(entry.path()).unwrap(),
            )
        })
        .collect();
    blobs.sort();
    blobs
}

#[test]
fn an_image_goes_through_registry_and_store_with_every_byte() {
    let Some(registry) = Registry::start("") else {
        return;
    };
    registry.take_sample("sky/hello:1", &[]);
    let home = Home::empty();
    let name = registry.name("sky/hello:1");
    let pulled = home.ok(["pull", &name]);
    assert!(
        pulled.contains(&format!(
            "pulled {name} ({SAMPLE}): 3 layers, 3 of them new"
        )),
        "{pulled}"
    );

    let target = registry.name("new/hello:2");
    let pushed = home.ok(["push", &name, &target]);
    assert_eq!(pushed, format!("pushed {target} ({SAMPLE}): 4 mounted\n"));

    let saved = home.path("saved");
    home.ok([
        "save",
        &name,
        "--format",
        "oci-dir",
        "-o",
        saved.to_str().unwrap(),
    ]);
    let copied = home.path("copied");
    let to = format!("oci:{}", copied.display());
    skopeo(&[
        "copy",
        "--src-tls-verify=false",
        &format!("docker://{target}"),
        &to,
    ]);
    assert!(blobs(&saved) == blobs(&copied));
    home.ok(["verify", &name]);
}

#[test]
fn what_a_registry_does_not_have_is_uploaded_as_it_came() {
    let Some(registry) = Registry::start("") else {
        return;
    };
    let home = Home::with_sample();
    let target = registry.name("hello:1");
    let report = home.json(["push", HELLO, &target]);
    assert_eq!(report["uploaded"], 4);
    assert_eq!(report["digest"], SAMPLE);
    let saved = home.path("saved");
    home.ok([
        "save",
        HELLO,
        "--format",
        "oci-dir",
        "-o",
        saved.to_str().unwrap(),
    ]);
    for (digits, bytes) in blobs(&saved) {
        assert!(
            registry.blob(&format!("sha256:{digits}")) == bytes,
            "{digits}"
        );
    }
    assert_eq!(home.json(["push", HELLO, &target])["already_there"], 4);
}

#[test]
fn the_image_of_the_wanted_platform_is_pulled_or_all_of_them() {
    let Some(registry) = Registry::start("") else {
        return;
    };
    let home = Home::with_sample();
    let other = home.path("other");
    // An image of another platform: the same layers, another config.
    retarget(&home, &other);
    home.ok(["load", other.to_str().unwrap(), "--name", "other:1"]);
    let target = registry.name("list:1");
    let report = home.json(["push", HELLO, &target, "--also", "other:1"]);
    assert_eq!(report["images"].as_array().unwrap().len(), 2);

    let one = Home::empty();
    one.ok(["pull", &target, "--platform", "windows/amd64:10.0.17763"]);
    let image = one.json(["inspect", &target]);
    assert_eq!(image["os_version"], "10.0.17763.1", "{image}");
    let all = Home::empty();
    let pulled = all.json(["pull", &target, "--platform", "all"]);
    assert_eq!(pulled.as_array().unwrap().len(), 2);
    let named = pulled
        .as_array()
        .unwrap()
        .iter()
        .filter(|image| image["names"][0] == target.as_str());
    assert_eq!(
        named.map(|image| &image["manifest"]).collect::<Vec<_>>(),
        [SAMPLE]
    );
    let error = one.fails(["pull", &target, "--platform", "linux/s390x"]);
    assert!(error.contains("windows/amd64:10.0.17763.1"), "{error}");
}

/// Writes the bundled image as one for Windows Server 2019.
fn retarget(home: &Home, other: &Path) {
    let folder = home.path("layout");
    home.ok([
        "save",
        HELLO,
        "--format",
        "oci-dir",
        "-o",
        folder.to_str().unwrap(),
    ]);
    let file = |digest: &Value| {
        let digits = digest
            .as_str()
            .unwrap()
            .strip_prefix("sha256:")
            .unwrap()
            .to_owned();
        folder.join("blobs/sha256").join(digits)
    };
    let read =
        |path: PathBuf| -> Value { serde_json::from_slice(&fs::read(path).unwrap()).unwrap() };
    let write = |value: &Value| {
        let bytes = value.to_string().into_bytes();
        let digest = transom_layer::Digest::of(&bytes).to_string();
        fs::write(file(&digest.clone().into()), &bytes).unwrap();
        (digest, bytes.len())
    };
    let index_file = folder.join("index.json");
    let mut index = read(index_file.clone());
    let mut manifest = read(file(&index["manifests"][0]["digest"]));
    let mut config = read(file(&manifest["config"]["digest"]));
    config["os.version"] = "10.0.17763.1".into();
    let (digest, size) = write(&config);
    manifest["config"]["digest"] = digest.into();
    manifest["config"]["size"] = size.into();
    let (digest, size) = write(&manifest);
    index["manifests"][0]["digest"] = digest.into();
    index["manifests"][0]["size"] = size.into();
    index["manifests"][0]["platform"]["os.version"] = "10.0.17763.1".into();
    fs::write(index_file, index.to_string()).unwrap();
    fs::rename(folder, other).unwrap();
}

#[test]
fn foreign_layers_are_left_out_unless_they_are_asked_for() {
    let Some(registry) = Registry::start("") else {
        return;
    };
    let home = Home::with_sample();
    let folder = home.path("layout");
    home.ok([
        "save",
        HELLO,
        "--format",
        "oci-dir",
        "-o",
        folder.to_str().unwrap(),
    ]);
    let foreign = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip";
    let layer = edit_manifest(&folder, |manifest| {
        manifest["layers"][0]["mediaType"] = foreign.into();
        manifest["layers"][0]["urls"] = json!(["http://127.0.0.1:1/nowhere"]);
    });
    home.ok(["load", folder.to_str().unwrap(), "--name", "foreign:1"]);
    let report = home.json(["push", "foreign:1", &registry.name("foreign:1")]);
    assert_eq!(report["foreign"], json!([layer]));
    assert_eq!(report["uploaded"], 3);

    let target = registry.name("whole:1");
    let report = home.json(["push", "foreign:1", &target, "--push-foreign"]);
    assert_eq!(report["foreign"], json!([]));
    let digest = report["digest"].as_str().unwrap().to_owned();
    assert_eq!(report["images"][0]["manifest"], digest.as_str());
    assert_ne!(report["images"][0]["original"], digest.as_str());
    let manifest: Value = serde_json::from_slice(&registry.blob(&digest)).unwrap();
    assert_eq!(
        manifest["layers"][0]["mediaType"],
        "application/vnd.oci.image.layer.v1.tar+gzip"
    );
    assert_eq!(manifest["layers"][0]["urls"], Value::Null);
    Home::empty().ok(["pull", &target]);
}

/// Changes the manifest of a layout; returns the digest of its first layer.
fn edit_manifest(folder: &Path, edit: impl Fn(&mut Value)) -> String {
    let blobs = folder.join("blobs/sha256");
    let digits = |digest: &Value| digest.as_str().unwrap()["sha256:".len()..].to_owned();
    let index_file = folder.join("index.json");
    let mut index: Value = serde_json::from_slice(&fs::read(&index_file).unwrap()).unwrap();
    let old = blobs.join(digits(&index["manifests"][0]["digest"]));
    let mut manifest: Value = serde_json::from_slice(&fs::read(old).unwrap()).unwrap();
    edit(&mut manifest);
    let bytes = manifest.to_string().into_bytes();
    let digest = transom_layer::Digest::of(&bytes).to_string();
    fs::write(blobs.join(digits(&digest.clone().into())), &bytes).unwrap();
    index["manifests"][0]["digest"] = digest.into();
    index["manifests"][0]["size"] = bytes.len().into();
    fs::write(index_file, index.to_string()).unwrap();
    manifest["layers"][0]["digest"].as_str().unwrap().to_owned()
}

/// What a registry is told to want a password.
const WITH_PASSWORD: &str = "auth:\n  htpasswd:\n    realm: tests\n    path: ROOT/htpasswd\n";

#[test]
fn the_password_comes_from_dockers_configuration_a_helper_or_stdin() {
    let Some(registry) = Registry::start(WITH_PASSWORD) else {
        return;
    };
    registry.take_sample("closed/hello:1", &["--dest-creds", "user:pass word"]);
    let name = registry.name("closed/hello:1");
    let run = |home: &Home, docker: &Path, args: &[&str], input: &str| -> Output {
        let programs = format!("{}:{}", docker.display(), std::env::var("PATH").unwrap());
        let mut command = home.command();
        command
            .env("DOCKER_CONFIG", docker)
            .env("PATH", programs)
            .arg("pull")
            .arg(&name)
            .args(args);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A program that reads no password closes the pipe.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    };
    let home = Home::empty();
    let docker = home.path("docker");
    fs::create_dir(&docker).unwrap();
    let config = docker.join("config.json");

    let denied = run(&home, &docker, &[], "");
    let error = String::from_utf8(denied.stderr).unwrap();
    assert!(
        !denied.status.success() && error.contains("denies access"),
        "{error}"
    );

    fs::write(
        &config,
        json!({ "auths": { &registry.address: { "auth": "dXNlcjpwYXNzIHdvcmQ=" } } }).to_string(),
    )
    .unwrap();
    assert!(run(&home, &docker, &[], "").status.success());

    let helper = docker.join("docker-credential-fake");
    let script = "#!/bin/sh\nread server\n[ \"$1 $server\" = \"get ADDRESS\" ] || exit 1\n\
                  echo '{\"ServerURL\":\"x\",\"Username\":\"user\",\"Secret\":\"pass word\"}'\n";
    fs::write(&helper, script.replace("ADDRESS", &registry.address)).unwrap();
    make_runnable(&helper);
    for wanted in [
        json!({ "credsStore": "fake" }),
        json!({ "credHelpers": { &registry.address: "fake" } }),
    ] {
        fs::write(&config, wanted.to_string()).unwrap();
        let output = run(&Home::empty(), &docker, &[], "");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    fs::remove_file(&config).unwrap();
    let given = ["--username", "user", "--password-stdin"];
    assert!(
        run(&Home::empty(), &docker, &given, "pass word\n")
            .status
            .success()
    );
    let wrong = run(&Home::empty(), &docker, &given, "other secret\n");
    let error = String::from_utf8(wrong.stderr).unwrap();
    assert!(
        !wrong.status.success() && !error.contains("other secret"),
        "{error}"
    );
}

fn make_runnable(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_registry_with_a_certificate_of_its_own_is_trusted_by_ssl_cert_file() {
    let folder = tempfile::tempdir().unwrap();
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
        ])
        .args([
            "-days",
            "2",
            "-subj",
            "/CN=localhost",
            "-addext",
            "subjectAltName=DNS:localhost,IP:127.0.0.1",
        ])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .arg("-keyout")
        .arg(folder.path().join("key.pem"))
        .arg("-out")
        .arg(folder.path().join("cert.pem"))
        .stderr(Stdio::null())
        .status();
    if !made.is_ok_and(|status| status.success()) {
        println!("skipped: needs openssl");
        return;
    }
    let path = folder.path().display();
    let tls = format!("  tls:\n    certificate: {path}/cert.pem\n    key: {path}/key.pem\n");
    let Some(registry) = Registry::start(&tls) else {
        return;
    };
    registry.take_sample("safe/hello:1", &[]);
    let home = Home::empty();
    let name = registry.name("safe/hello:1");
    let error = home.fails(["pull", &name]);
    assert!(error.contains("certificate"), "{error}");
    let trusting = home
        .command()
        .env("SSL_CERT_FILE", folder.path().join("cert.pem"))
        .args(["pull", &name])
        .output();
    let trusting = trusting.unwrap();
    assert!(
        trusting.status.success(),
        "{}",
        String::from_utf8_lossy(&trusting.stderr)
    );
}

#[test]
fn twenty_programs_at_once_fetch_each_layer_that_their_images_share_once() {
    let Some(registry) = Registry::start("") else {
        return;
    };
    let (from, home) = (Home::with_sample(), Home::empty());
    let names: Vec<String> = (0..20)
        .map(|number| {
            let name = registry.name(&format!("busy/hello-{number}:1"));
            let (folder, own) = (format!("own:/{number}"), from.path("own"));
            fs::write(&own, number.to_string()).unwrap();
            from.ok(["create", "own", "--from", HELLO]);
            from.ok(["cp", own.to_str().unwrap(), &folder]);
            from.ok(["commit", "own", "-t", &name]);
            from.ok(["rm", "own"]);
            from.ok(["push", &name]);
            name
        })
        .collect();
    home.ok(["images"]);
    let start = |name: &String| {
        let mut command = home.command();
        command.args(["--json", "pull", name]);
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        command.spawn().unwrap()
    };
    let children: Vec<Child> = names.iter().map(start).collect();
    let mut new = 0;
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        let images: Value = serde_json::from_slice(&output.stdout).unwrap();
        let layers = images[0]["layers"].as_array().unwrap();
        assert_eq!(layers.len(), 4);
        let is_new = |layer: &&Value| layer["already_there"] == false;
        new += layers.iter().filter(is_new).count();
    }
    // Three that all have, and one of each.
    assert_eq!(new, 3 + 20);
    for name in &names {
        assert_eq!(
            home.json(["inspect", name])["manifest"],
            from.json(["inspect", name])["manifest"]
        );
    }
    home.ok(["verify"]);
}
