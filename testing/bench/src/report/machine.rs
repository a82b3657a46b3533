//! What the run was made on.

use std::fs;
use std::process::Command;
use std::time::Duration;

use crate::measure::text;
use crate::scene::Scene;

/// Programs whose versions matter, and how to ask for them.
const PROGRAMS: [(&str, &str); 8] = [
    ("tar", "--version"),
    ("bsdtar", "--version"),
    ("umoci", "--version"),
    ("skopeo", "--version"),
    ("pigz", "--version"),
    ("igzip", "--version"),
    ("fuse-overlayfs", "--version"),
    ("rustc", "--version"),
];

/// Says it in a list, as Markdown.
pub(super) fn describe(scene: &Scene, took: Duration) -> String {
    let line = |command: &mut Command| {
        let text = text(command).unwrap_or_default();
        text.lines().next().unwrap_or("unknown").trim().to_owned()
    };
    let mut facts = vec![
        format!(
            "measured on {}, in {} minutes{}",
            line(Command::new("date").args(["-u", "+%Y-%m-%d"])),
            took.as_secs().div_ceil(60),
            if scene.is_quick { ", quickly" } else { "" }
        ),
        format!(
            "{} processors ({}), {} of memory",
            std::thread::available_parallelism().map_or(1, usize::from),
            value("/proc/cpuinfo", "model name"),
            memory()
        ),
        format!(
            "{}, {}",
            line(Command::new("uname").args(["-s", "-r", "-m"])),
            line(
                Command::new("findmnt")
                    .args(["--noheadings", "--output", "FSTYPE,OPTIONS", "--target"])
                    .arg(&scene.out)
            )
        ),
        format!(
            "load of the last 1, 5 and 15 minutes at the end: {}",
            load()
        ),
    ];
    let clients = scene.clients.as_ref();
    let containerd = clients.map(|suite| suite.join("usr/bin/containerd"));
    let versions = PROGRAMS
        .iter()
        .map(|(program, ask)| (program.to_owned().into(), *ask))
        .chain(containerd.map(|path| (path, "--version")));
    let versions: Vec<String> = versions
        .map(|(program, ask): (std::path::PathBuf, &str)| line(Command::new(program).arg(ask)))
        .filter(|version| version != "unknown")
        .collect();
    facts.push(versions.join("; "));
    facts.iter().map(|fact| format!("- {fact}\n")).collect()
}

/// The first value of a name in a file of names and values.
fn value(file: &str, name: &str) -> String {
    let text = fs::read_to_string(file).unwrap_or_default();
    let mut lines = text.lines().filter_map(|line| line.split_once(':'));
    let found = lines.find(|(key, _)| key.trim() == name);
    found
        .map_or("unknown", |(_, value)| value.trim())
        .to_owned()
}

fn memory() -> String {
    let text = value("/proc/meminfo", "MemTotal");
    let kilobytes: Option<u64> = text
        .split(' ')
        .next()
        .and_then(|number| number.parse().ok());
    kilobytes.map_or(text, |kilobytes| format!("{} GiB", kilobytes >> 20))
}

fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').take(3).collect::<Vec<_>>().join(", ")
}
