//! Programs that run beside a test, and end with it.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// How long anything that a test waits for may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A program that was started. It is told to end when this is dropped, and killed if it does not.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts a program whose output goes to a file. It ends when the test's process does, whatever ends that.
    pub(crate) fn start(command: &Command, log: &Path) -> Self {
        let out = File::options().create(true).append(true).open(log).unwrap();
        let mut guarded = Command::new("setpriv");
        guarded
            .args(["--pdeathsig", "TERM", "--"])
            .arg(command.get_program())
            .args(command.get_args());
        for (key, value) in command.get_envs() {
            match value {
                Some(value) => guarded.env(key, value),
                None => guarded.env_remove(key),
            };
        }
        let child = guarded
            .stdin(Stdio::null())
            .stdout(out.try_clone().unwrap())
            .stderr(out)
            .spawn()
            .unwrap();
        let log = log.to_owned();
        Self { child, log }
    }

    /// Waits until something is so; a program that ends before fails the test with what it said.
    pub(crate) fn wait_until(&mut self, what: &str, is_so: impl FnMut() -> bool) {
        let child = &mut self.child;
        let log = &self.log;
        wait_until_or(what, is_so, || {
            let ended = child.try_wait().unwrap();
            ended.map(|status| format!("{status}: {}", tail(log)))
        });
    }

    /// Tells it to end, and waits until it did.
    pub(crate) fn stop(&mut self) -> ExitStatus {
        self.signal(Signal::TERM);
        let mut ended = None;
        let child = &mut self.child;
        wait_until("the program ends", || {
            ended = child.try_wait().unwrap();
            ended.is_some()
        });
        ended.unwrap()
    }

    /// Kills it.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Its number.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|ended| ended.is_some()) {
            return;
        }
        let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(20) {
            if self.child.try_wait().is_ok_and(|ended| ended.is_some()) {
                return;
            }
            sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until something is so.
pub(crate) fn wait_until(what: &str, is_so: impl FnMut() -> bool) {
    wait_until_or(what, is_so, || None);
}

fn wait_until_or(
    what: &str,
    mut is_so: impl FnMut() -> bool,
    mut never: impl FnMut() -> Option<String>,
) {
    let start = Instant::now();
    while !is_so() {
        if let Some(why) = never() {
            panic!("waiting until {what}: {why}");
        }
        assert!(start.elapsed() < PATIENCE, "waited too long until {what}");
        sleep(Duration::from_millis(2));
    }
}

/// The last lines of a log.
fn tail(log: &Path) -> String {
    let text = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().rev().take(20).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join("\n")
}

/// Runs a command that must succeed; returns what it printed.
pub(crate) fn output_of(command: &mut Command) -> Vec<u8> {
    let output = command.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {errors}");
    output.stdout
}

/// Runs a command that must succeed; returns the text that it printed, without the line's end.
pub(crate) fn text_of(command: &mut Command) -> String {
    let text = String::from_utf8(output_of(command)).unwrap();
    text.trim_end().to_owned()
}
