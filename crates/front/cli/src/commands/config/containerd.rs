//! `transom config containerd`: the sections by which containerd finds this server. What each version knows was read
//! in its source (cmd/containerd/server/config, plugins/transfer, core/snapshots).

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail, ensure};
use toml::{Table, Value};

use super::check::problems;
use crate::args::Global;
use crate::args::serve::{ContainerdConfig, ContainerdVersion};
use crate::commands::serve::settings::parse_toml;
use crate::output;

/// Where the socket is if nobody says so: that of packaging/systemd/transom.socket.
#[cfg(not(windows))]
const SOCKET: &str = "/run/transom/containerd.sock";
#[cfg(windows)]
use crate::commands::serve::PIPE as SOCKET;
/// The section in which services of other processes are named.
pub(super) const PROXIES: &str = "proxy_plugins";
/// The snapshotter's name to containerd.
pub(super) const SNAPSHOTTER: &str = "transom";
/// The differ's name to containerd.
pub(super) const DIFFER: &str = "transom-diff";
/// containerd's own differ.
const OWN_DIFFER: &str = match cfg!(windows) {
    true => "windows",
    false => "walking",
};
/// The plugin that chooses among differs.
pub(super) const DIFF_SERVICE: &str = "io.containerd.service.v1.diff-service";
/// The plugin that pulls, since 2.0.
pub(super) const TRANSFER: &str = "io.containerd.transfer.v1.local";

pub(super) fn run(global: &Global, args: &ContainerdConfig) -> Result<ExitCode> {
    let version = match args.of_version {
        Some(version) => version,
        None => version_of(&args.containerd)?,
    };
    ensure!(
        version >= ContainerdVersion { major: 1, minor: 6 },
        "containerd {version} is too old: 1.6 is the first one that is served"
    );
    let settings = super::settings(global, &args.file)?;
    let socket = settings.containerd.value.as_deref();
    let wanted = Wanted {
        version,
        socket: socket.unwrap_or(Path::new(SOCKET)).display().to_string(),
        root: settings.root.value.display().to_string(),
    };
    let Some(path) = &args.check else {
        output::lines(&wanted.text())?;
        return Ok(ExitCode::SUCCESS);
    };
    let named = || format!("cannot check {}", path.display());
    let text = fs::read_to_string(path).with_context(named)?;
    let found: Table = parse_toml(&text).with_context(named)?;
    let problems = problems(&wanted, &found);
    output::lines(&problems)?;
    Ok(match problems.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// What a containerd is to be told.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) version: ContainerdVersion,
    /// The server's socket.
    pub(super) socket: String,
    /// The store's folder.
    pub(super) root: String,
}

impl Wanted {
    /// Says whether services that compare and unpack can be in other processes; 1.6 panics when it is told of one.
    pub(super) fn has_differ(&self) -> bool {
        self.is_at_least(1, 7)
    }

    /// Says whether pulls go through the transfer service, which must be told what to unpack by what.
    pub(super) fn has_transfer(&self) -> bool {
        self.is_at_least(2, 0)
    }

    /// Says whether layers are unpacked beside each other by a snapshotter that can give one its parent later.
    pub(super) fn has_rebase(&self) -> bool {
        self.is_at_least(2, 2)
    }

    fn is_at_least(&self, major: u32, minor: u32) -> bool {
        self.version >= ContainerdVersion { major, minor }
    }

    /// The version of the configuration's format.
    pub(super) fn format(&self) -> i64 {
        if self.has_transfer() { 3 } else { 2 }
    }

    /// The section, line by line.
    fn text(&self) -> Vec<String> {
        let quoted = |text: &str| Value::from(text).to_string();
        let socket = quoted(&self.socket);
        let mut lines = vec![
            format!("# For containerd {}.", self.version),
            format!("version = {}", self.format()),
            String::new(),
            format!("[{PROXIES}.{SNAPSHOTTER}]"),
            "  type = \"snapshot\"".to_owned(),
            format!("  address = {socket}"),
        ];
        if !self.has_differ() {
            lines.push("  # This containerd unpacks layers itself: serve with --unpack-by-mount. Windows attributes".to_owned());
            lines.push(
                "  # of layers are lost in that; 1.7 and later leave it to Transom.".to_owned(),
            );
            return lines;
        }
        if self.has_rebase() {
            lines.push("  capabilities = [\"rebase\"]".to_owned());
        }
        if self.has_transfer() {
            lines.push(format!("  [{PROXIES}.{SNAPSHOTTER}.exports]"));
            lines.push(format!("    root = {}", quoted(&self.root)));
        }
        lines.push(String::new());
        lines.push(format!("[{PROXIES}.{DIFFER}]"));
        lines.push("  type = \"diff\"".to_owned());
        lines.push(format!("  address = {socket}"));
        if self.has_transfer() {
            lines.push("  platform = \"windows/amd64\"".to_owned());
        }
        lines.push(String::new());
        lines.push(format!("[plugins.{}]", quoted(DIFF_SERVICE)));
        lines.push(format!(
            "  default = [{}, \"{OWN_DIFFER}\"]",
            quoted(DIFFER)
        ));
        if self.has_transfer() {
            lines.extend(unpack_configs());
        }
        lines
    }
}

/// Who unpacks what. Once there is one, containerd's own default is gone, so it is here as well.
fn unpack_configs() -> Vec<String> {
    let linux = format!("linux/{}", go_architecture());
    let on_linux = [
        (linux.as_str(), "overlayfs", "walking"),
        ("windows/amd64", SNAPSHOTTER, DIFFER),
        (linux.as_str(), SNAPSHOTTER, DIFFER),
    ];
    let on_windows = [
        ("windows/amd64", "windows", "windows"),
        ("windows/amd64", SNAPSHOTTER, DIFFER),
    ];
    let configs: &[_] = match cfg!(windows) {
        true => &on_windows,
        false => &on_linux,
    };
    let mut lines = Vec::new();
    for (platform, snapshotter, differ) in configs {
        lines.push(String::new());
        lines.push(format!("[[plugins.\"{TRANSFER}\".unpack_config]]"));
        lines.push(format!("  platform = \"{platform}\""));
        lines.push(format!("  snapshotter = \"{snapshotter}\""));
        lines.push(format!("  differ = \"{differ}\""));
    }
    lines
}

/// This machine's architecture as containerd writes it.
fn go_architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

/// Asks a containerd for its version: `containerd github.com/containerd/containerd 1.7.24 …`.
fn version_of(program: &Path) -> Result<ContainerdVersion> {
    let named = || {
        format!(
            "cannot ask {} for its version; --version X.Y tells it",
            program.display()
        )
    };
    let output = Command::new(program)
        .arg("--version")
        .output()
        .with_context(named)?;
    let text = String::from_utf8_lossy(&output.stdout);
    let version = text.split_whitespace().nth(2).unwrap_or_default();
    match version.parse() {
        Ok(version) if output.status.success() => Ok(version),
        _ => bail!("{} says {:?}", named(), text.trim_end()),
    }
}

#[cfg(test)]
mod tests;
