//! The arguments of `serve` and of what is about its configuration.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Subcommand, ValueEnum};
use serde::Deserialize;

use super::limits::LimitOptions;

/// At least one socket is to be served. Each option may also be a variable of the environment (TRANSOM_LOG_LEVEL for
/// --log-level) or a key of the configuration file (log-level): a flag wins over a variable, a variable over the file.
#[derive(Debug, clap::Args)]
pub(crate) struct Serve {
    #[command(flatten)]
    pub(crate) file: ConfigFile,
    #[command(flatten)]
    pub(crate) options: ServeOptions,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ConfigFile {
    /// The configuration file [default: /etc/transom/config.toml, on Windows transom\config.toml in
    /// the folder ProgramData, if it is there].
    #[arg(long, value_name = "FILE", env = "TRANSOM_CONFIG")]
    pub(crate) config: Option<PathBuf>,
}

/// What a server can be told; what is `None` was not said. The same names are keys of the configuration file.
#[derive(Debug, Default, clap::Args, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct ServeOptions {
    /// The store. On the command line it is an option of every command.
    #[arg(skip)]
    pub(crate) root: Option<PathBuf>,
    /// Serve containerd's snapshotter and differ at this socket, for a section
    /// [proxy_plugins] of its configuration.
    #[arg(long, value_name = "SOCKET", env = "TRANSOM_CONTAINERD")]
    pub(crate) containerd: Option<PathBuf>,
    /// The socket at which that containerd listens: layers are read from and written to its
    /// content store [default: /run/containerd/containerd.sock, on Windows
    /// \\.\pipe\containerd-containerd].
    #[arg(long, value_name = "SOCKET", env = "TRANSOM_CONTAINERD_ADDRESS")]
    pub(crate) containerd_address: Option<PathBuf>,
    /// What kind of mounts containerd is given [default: bind].
    #[arg(long, value_name = "KIND", value_enum, env = "TRANSOM_MOUNTS")]
    pub(crate) mounts: Option<Mounts>,
    /// Give real mounts also for unpacking, for a containerd whose differ cannot be replaced
    /// (1.6). Windows attributes of layers that it unpacks are lost.
    #[arg(
        long,
        value_name = "BOOL",
        env = "TRANSOM_UNPACK_BY_MOUNT",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true"
    )]
    pub(crate) unpack_by_mount: Option<bool>,
    /// Serve Docker's graph-driver plugin at this socket: /run/docker/plugins/NAME.sock makes
    /// it dockerd's --storage-driver NAME.
    #[arg(long, value_name = "SOCKET", env = "TRANSOM_GRAPHDRIVER")]
    pub(crate) graphdriver: Option<PathBuf>,
    /// How log lines look [default: text].
    #[arg(long, value_name = "FORMAT", value_enum, env = "TRANSOM_LOG_FORMAT")]
    pub(crate) log_format: Option<LogFormat>,
    /// Which lines are logged [default: info].
    #[arg(long, value_name = "LEVEL", value_enum, env = "TRANSOM_LOG_LEVEL")]
    pub(crate) log_level: Option<LogLevel>,
    /// Answer GET /metrics (Prometheus) and GET /healthz at this address: a port of this host
    /// alone, or ADDRESS:PORT.
    #[arg(long, value_name = "ADDRESS", env = "TRANSOM_METRICS")]
    pub(crate) metrics: Option<MetricsAddress>,
    #[command(flatten)]
    pub(crate) limits: LimitOptions,
}

/// What kind of mounts containerd is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Mounts {
    /// Bind mounts of what the store has mounted.
    Bind,
    /// As containerd's snapshotter for Windows gives them: nothing is mounted.
    WindowsLayer,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Which lines are logged: those of a level, and all above it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum LogLevel {
    /// What made the server fail.
    Error,
    /// Calls that failed.
    Warn,
    /// What the server does on the whole.
    Info,
    /// Each call.
    Debug,
}

/// Where metrics are served: nothing but loopback unless an address is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct MetricsAddress(pub(crate) SocketAddr);

impl FromStr for MetricsAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(port) = text.parse::<u16>() {
            return Ok(Self((Ipv4Addr::LOCALHOST, port).into()));
        }
        let address = text.parse();
        let address = address
            .map_err(|_| format!("{text:?} is no PORT and no ADDRESS:PORT (127.0.0.1:9480)"))?;
        Ok(Self(address))
    }
}

impl TryFrom<String> for MetricsAddress {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl fmt::Display for MetricsAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Config {
    /// Print the values that `serve` would take, and where each comes from.
    Show(ConfigFile),
    /// Print the sections that containerd's configuration needs, or check that they are there.
    Containerd(ContainerdConfig),
}

/// The sections depend on containerd's version; the socket and the store are those that `serve` would take.
#[derive(Debug, clap::Args)]
pub(crate) struct ContainerdConfig {
    /// The containerd whose version counts.
    #[arg(long, value_name = "PROGRAM", default_value = "containerd")]
    pub(crate) containerd: PathBuf,
    /// Its version, if it is not here: 1.6, 1.7, 2.1.
    #[arg(long = "version", value_name = "X.Y", conflicts_with = "containerd")]
    pub(crate) of_version: Option<ContainerdVersion>,
    /// Print nothing if this configuration has all that is needed; else what is missing or wrong.
    #[arg(long, value_name = "FILE")]
    pub(crate) check: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) file: ConfigFile,
}

/// A version of containerd: what comes after the second number does not matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ContainerdVersion {
    /// The first number.
    pub(crate) major: u32,
    /// The second number.
    pub(crate) minor: u32,
}

impl FromStr for ContainerdVersion {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut numbers = text.trim_start_matches('v').split('.');
        // 1.7.24~ds1, 2.0-rc1
        let mut next = || {
            let number = numbers.next()?;
            let end = number.find(|c: char| !c.is_ascii_digit());
            number[..end.unwrap_or(number.len())].parse().ok()
        };
        match (next(), next()) {
            (Some(major), Some(minor)) => Ok(Self { major, minor }),
            _ => Err(format!("{text:?} is no version; 1.7 is one")),
        }
    }
}

impl fmt::Display for ContainerdVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}
