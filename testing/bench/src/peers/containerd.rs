//! containerd with its own overlayfs snapshotter and walking differ, and its client `ctr`.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::image::Layout;
use crate::measure::{self, Sample, measure};
use crate::scene::Scene;

const SNAPSHOTTER: &str = "overlayfs";

/// How long it may take to start, or to clean up.
const PATIENCE: Duration = Duration::from_secs(120);

/// A running containerd. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Containerd {
    suite: PathBuf,
    folder: PathBuf,
    daemon: Child,
}

impl Containerd {
    /// Starts it, with all that is its own below a folder.
    ///
    /// # Errors
    /// If there is none, or it does not answer.
    pub(crate) fn start(scene: &Scene, folder: &Path) -> Result<Self> {
        let suite = scene
            .clients
            .clone()
            .context("no containerd was fetched (that needs Debian)")?;
        fs::create_dir_all(folder)?;
        let at = |name: &str| folder.join(name).display().to_string();
        let config = format!(
            "version = 2\nroot = \"{}\"\nstate = \"{}\"\n[grpc]\n  address = \"{}\"\n",
            at("root"),
            at("state"),
            at("containerd.sock")
        );
        fs::write(folder.join("config.toml"), config)?;
        let log = File::create(folder.join("containerd.log"))?;
        // It ends when this process does, whatever ends that.
        let mut command = Command::new("setpriv");
        command
            .args(["--pdeathsig", "TERM", "--"])
            .arg(suite.join("usr/bin/containerd"))
            .arg("-c")
            .arg(folder.join("config.toml"))
            .env("PATH", path(&suite))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        let daemon = command.spawn().context("cannot start containerd")?;
        let containerd = Self {
            suite,
            folder: folder.to_owned(),
            daemon,
        };
        wait_until("containerd answers", || {
            measure::run(&mut containerd.client(&["version"])).is_ok()
        })?;
        Ok(containerd)
    }

    /// Puts the image of a layout into its content store.
    ///
    /// # Errors
    /// If that fails.
    pub(crate) fn take_in(&self, layout: &Layout) -> Result<()> {
        let archive = self.folder.join("image.tar");
        measure::run(
            Command::new("tar")
                .arg("-cf")
                .arg(&archive)
                .arg("-C")
                .arg(layout.path())
                .arg("."),
        )?;
        let mut import = self.client(&["images", "import", "--local", "--no-unpack"]);
        import.args(["--platform", "windows/amd64"]).arg(&archive);
        measure::run(&mut import)?;
        Ok(fs::remove_file(archive)?)
    }

    /// Unpacks an image, all of whose layers but the last may be unpacked.
    ///
    /// # Errors
    /// If that fails.
    pub(crate) fn unpack(&self, layout: &Layout) -> Result<Sample> {
        let mut unpack = self.snapshots(&["unpack", "--snapshotter", SNAPSHOTTER]);
        unpack.arg(layout.manifest());
        Ok(measure(&mut unpack)?.of_client())
    }

    /// The snapshot that was unpacked last.
    ///
    /// # Errors
    /// If there is none.
    pub(crate) fn top(&self) -> Result<String> {
        let list = measure::text(&mut self.snapshots(&["ls"]))?;
        let lines: Vec<Vec<&str>> = list
            .lines()
            .skip(1)
            .map(|line| line.split_whitespace().collect())
            .collect();
        let is_parent = |key: &str| lines.iter().any(|line| line.len() == 3 && line[1] == key);
        let top = lines
            .iter()
            .filter_map(|line| line.first())
            .find(|key| !is_parent(key));
        Ok((*top.context("nothing was unpacked")?).to_owned())
    }

    /// Removes a snapshot, and waits until nothing of it is on disk.
    ///
    /// # Errors
    /// If that fails.
    pub(crate) fn remove(&self, key: &str) -> Result<()> {
        measure::run(&mut self.snapshots(&["rm", key]))?;
        let left = self.committed()?;
        let folders = self
            .folder
            .join("root/io.containerd.snapshotter.v1.overlayfs/snapshots");
        wait_until("containerd has removed a snapshot", || {
            fs::read_dir(&folders).is_ok_and(|entries| entries.count() <= left)
        })
    }

    fn committed(&self) -> Result<usize> {
        Ok(measure::text(&mut self.snapshots(&["ls"]))?.lines().count() - 1)
    }

    /// Makes a writable snapshot over another and mounts it.
    ///
    /// # Errors
    /// If that fails.
    pub(crate) fn prepare(&self, key: &str, parent: &str, target: &Path) -> Result<()> {
        measure::run(&mut self.snapshots(&["prepare", key, parent]))?;
        let mut mounts = self.snapshots(&["mounts"]);
        let line = measure::text(mounts.arg(target).arg(key))?;
        measure::run(Command::new("sh").args(["-e", "-c", &line]))
    }

    /// Has the walking differ make a tar of what a snapshot changes, not compressed, and the snapshot committed: what
    /// `docker commit` asks of containerd.
    ///
    /// # Errors
    /// If that fails.
    pub(crate) fn commit(&self, key: &str, name: &str) -> Result<Sample> {
        let media_type = "application/vnd.oci.image.layer.v1.tar";
        let diff = ["diff", "--keep", "--media-type", media_type, key];
        let diff = measure(&mut self.snapshots(&diff))?;
        let commit = measure(&mut self.snapshots(&["commit", name, key]))?;
        let both = Sample {
            wall: diff.wall + commit.wall,
            ..diff
        };
        Ok(both.of_client())
    }

    fn snapshots(&self, arguments: &[&str]) -> Command {
        self.client(&[&["snapshots", "--snapshotter", SNAPSHOTTER], arguments].concat())
    }

    fn client(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.suite.join("usr/bin/ctr"));
        command
            .env("CONTAINERD_ADDRESS", self.folder.join("containerd.sock"))
            .env("PATH", path(&self.suite))
            .args(arguments);
        command
    }
}

impl Drop for Containerd {
    fn drop(&mut self) {
        let pid = rustix::process::Pid::from_child(&self.daemon);
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        let ended = wait_until("containerd ends", || {
            !matches!(self.daemon.try_wait(), Ok(None))
        });
        if ended.is_err() {
            let _ = self.daemon.kill();
            let _ = self.daemon.wait();
        }
    }
}

/// Where containerd finds the programs it starts.
fn path(suite: &Path) -> OsString {
    let mut path = OsString::new();
    for folder in ["usr/sbin", "usr/bin"] {
        path.push(suite.join(folder));
        path.push(":");
    }
    path.push("/usr/sbin:/usr/bin:/sbin:/bin");
    path
}

fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) -> Result<()> {
    let start = Instant::now();
    while !is_so() {
        ensure!(start.elapsed() < PATIENCE, "waited too long until {what}");
        sleep(Duration::from_millis(5));
    }
    Ok(())
}
