//! The units of `packaging/systemd` under a real systemd, in namespaces of its own, with a containerd beside it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::containerd::Containerd;
use crate::mounts;
use crate::process::{Process, output_of, text_of, wait_until};
use crate::suite::{Suite, skip};
use crate::transom::Transom;

const SYSTEMD: &str = "/lib/systemd/systemd";

/// Targets that the units name, and that a system has.
const TARGETS: [&str; 6] = [
    "basic",
    "local-fs",
    "multi-user",
    "shutdown",
    "sockets",
    "sysinit",
];

/// A systemd that knows the units of Transom and no others.
struct Systemd {
    process: Process,
}

impl Systemd {
    /// Starts it with the socket for containerd. The units are as they are shipped, but for the paths in their drop-ins.
    fn start(folder: &Path, program: &Path, transom: &Transom, socket: &Path) -> Self {
        let units = folder.join("units");
        fs::create_dir(&units).unwrap();
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging/systemd");
        for unit in fs::read_dir(shipped).unwrap() {
            let unit = unit.unwrap();
            fs::copy(unit.path(), units.join(unit.file_name())).unwrap();
        }
        let add = |unit: &str, text: String| {
            let folder = units.join(format!("{unit}.d"));
            fs::create_dir(&folder).unwrap();
            fs::write(folder.join("test.conf"), text).unwrap();
        };
        let start = format!(
            "[Service]\nExecStart=\nExecStart={} --root {} serve --containerd-address {}\n",
            program.display(),
            transom.store().display(),
            folder.join("containerd.sock").display()
        );
        add("transom.service", start);
        let listen = format!(
            "[Socket]\nListenStream=\nListenStream={}\n",
            socket.display()
        );
        add("transom.socket", listen);
        for target in TARGETS {
            fs::write(units.join(format!("{target}.target")), "[Unit]\n").unwrap();
        }
        let default = "[Unit]\nRequires=transom.socket\n";
        fs::write(units.join("default.target"), default).unwrap();

        // The kernel gives it a tree of control groups of its own, and what it mounts is seen by nobody else.
        let script = "umount -R /sys/fs/cgroup 2>/dev/null; mount -t cgroup2 none /sys/fs/cgroup \
                      && mount -t tmpfs -o mode=755 none /run \
                      && exec \"$0\" --system --unit=default.target --log-target=console";
        let mut command = Command::new("unshare");
        command
            .args([
                "--fork",
                "--kill-child",
                "--pid",
                "--mount-proc",
                "--uts",
                "--cgroup",
            ])
            .args([
                "--mount",
                "--propagation",
                "private",
                "sh",
                "-c",
                script,
                SYSTEMD,
            ])
            .env("container", "test")
            .env("SYSTEMD_UNIT_PATH", &units);
        let mut process = Process::start(&command, &folder.join("systemd.log"));
        process.wait_until("systemd listens for Transom", || socket.exists());
        Self { process }
    }

    /// A command that sees what systemd and its services see.
    fn inside(&self, program: &str) -> Command {
        let parent = self.process.id();
        let children = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children"));
        let children = children.unwrap();
        let mut command = Command::new("nsenter");
        command.args([
            "--mount",
            "--pid",
            "--target",
            children.trim(),
            "--",
            program,
        ]);
        command
    }

    fn control(&self, args: &[&str]) -> String {
        text_of(self.inside("systemctl").args(args))
    }

    /// A property of the service.
    fn service(&self, property: &str) -> String {
        self.control(&["show", "--value", "-p", property, "transom.service"])
    }
}

impl Drop for Systemd {
    /// What started it does not listen when it is told to end; all that it runs ends with it.
    fn drop(&mut self) {
        self.process.kill();
    }
}

/// Says whether a systemd can run here; a machine may let nobody mount control groups.
fn can_run() -> bool {
    let script = "mount -t cgroup2 none /sys/fs/cgroup";
    let mut probe = Command::new("unshare");
    probe.args([
        "--mount",
        "--propagation",
        "private",
        "--cgroup",
        "sh",
        "-c",
        script,
    ]);
    Path::new(SYSTEMD).exists() && probe.output().is_ok_and(|output| output.status.success())
}

#[test]
fn the_units_start_transom_when_it_is_asked_and_again_when_it_was_killed() {
    let Some(suite) = Suite::find("trixie") else {
        return;
    };
    if !can_run() {
        skip::<()>("needs systemd, and to mount control groups");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("run/transom.sock");
    let transom = Transom::of_somebody_else(folder.path(), &socket);
    let program = PathBuf::from(env!("CARGO_BIN_EXE_transom-clients"));
    let systemd = Systemd::start(folder.path(), &program, &transom, &socket);
    assert_eq!(systemd.service("ActiveState"), "inactive");

    // The first call starts the service, which says itself that it is ready.
    let containerd = Containerd::over(transom, &suite, folder, &socket);
    let archive = containerd.path("image.tar");
    fs::write(&archive, transom_sample::sample_image().unwrap()).unwrap();
    containerd.import(&archive);
    assert_eq!(systemd.service("ActiveState"), "active");

    // What is mounted outlives the service, and clients wait at the socket meanwhile.
    containerd.snapshots(&["prepare", "mine", &containerd.top()]);
    let mounted = containerd.path("mounted");
    fs::create_dir(&mounted).unwrap();
    let target = mounted.to_str().unwrap();
    let line = containerd.snapshots(&["mounts", target, "mine"]);
    output_of(systemd.inside("sh").args(["-c", &line]));
    let write = |name: &str| {
        let line = format!("echo {name} > {target}/{name}");
        output_of(systemd.inside("sh").args(["-c", &line]));
    };
    write("before");
    systemd.control(&["restart", "transom.service"]);
    write("between");
    assert_eq!(systemd.service("Result"), "success");
    assert_eq!(containerd.info("mine")["Kind"], "Active");

    let first = systemd.service("MainPID");
    systemd.control(&[
        "kill",
        "--signal=KILL",
        "--kill-who=main",
        "transom.service",
    ]);
    wait_until("systemd has started the service again", || {
        let now = systemd.service("MainPID");
        now != first && now != "0" && systemd.service("ActiveState") == "active"
    });
    write("after");
    output_of(systemd.inside("umount").arg(&mounted));
    containerd.snapshots(&["commit", "done", "mine"]);
    let diff = containerd.bytes(&["snapshots", "--snapshotter", "transom", "diff", "done"]);
    let gzip = containerd.path("diff.tar.gz");
    fs::write(&gzip, diff).unwrap();
    let tar = output_of(Command::new("gzip").arg("-dc").arg(&gzip));
    let names = crate::archive::names(&tar);
    for name in ["before", "between", "after"] {
        assert!(names.contains(&format!("Files/{name}")), "{names:?}");
    }

    systemd.control(&["stop", "transom.socket", "transom.service"]);
    assert_eq!(systemd.service("Result"), "success");
    assert_eq!(mounts::below(containerd.folder()), Vec::<PathBuf>::new());
    containerd.transom.verify();
}
