//! What the server is told, from flags, environment, file and defaults.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use clap::ValueEnum;
use serde::de::DeserializeOwned;
use transom_sealed::Limits;

use crate::args::Global;
use crate::args::serve::{ConfigFile, LogFormat, LogLevel, MetricsAddress, Mounts, ServeOptions};

/// Where containerd listens unless its configuration says otherwise (containerd, defaults).
const CONTAINERD_ADDRESS: &str = match cfg!(windows) {
    true => r"\\.\pipe\containerd-containerd",
    false => "/run/containerd/containerd.sock",
};

/// Where the configuration file is if nobody says so.
fn default_file() -> PathBuf {
    match std::env::var_os("ProgramData").filter(|_| cfg!(windows)) {
        Some(data) => PathBuf::from(data).join(r"transom\config.toml"),
        None => PathBuf::from("/etc/transom/config.toml"),
    }
}

/// All that the server goes by.
#[derive(Debug)]
pub(in crate::commands) struct Settings {
    pub(in crate::commands) root: Setting<PathBuf>,
    pub(in crate::commands) containerd: Setting<Option<PathBuf>>,
    pub(in crate::commands) containerd_address: Setting<PathBuf>,
    pub(in crate::commands) mounts: Setting<Mounts>,
    pub(in crate::commands) unpack_by_mount: Setting<bool>,
    pub(in crate::commands) graphdriver: Setting<Option<PathBuf>>,
    pub(in crate::commands) log_format: Setting<LogFormat>,
    pub(in crate::commands) log_level: Setting<LogLevel>,
    pub(in crate::commands) metrics: Setting<Option<MetricsAddress>>,
    max_entries: Setting<u64>,
    max_bytes: Setting<u64>,
    max_ratio: Setting<u64>,
    max_depth: Setting<u64>,
    max_pax: Setting<u64>,
}

/// A value, and who said so.
#[derive(Debug)]
pub(in crate::commands) struct Setting<T> {
    pub(in crate::commands) value: T,
    origin: Origin,
}

/// Who said what a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::commands) enum Origin {
    /// A flag, or a variable of the environment.
    Given,
    /// The configuration file.
    File,
    /// Nobody.
    Default,
}

impl Origin {
    /// The words for it.
    pub(in crate::commands) fn name(self) -> &'static str {
        match self {
            Self::Given => "flag or environment",
            Self::File => "file",
            Self::Default => "default",
        }
    }
}

impl<T> Setting<T> {
    fn of(given: Option<T>, file: Option<T>, default: T) -> Self {
        let (value, origin) = match (given, file) {
            (Some(value), _) => (value, Origin::Given),
            (None, Some(value)) => (value, Origin::File),
            (None, None) => (default, Origin::Default),
        };
        Self { value, origin }
    }

    /// Says whether somebody has said so.
    #[cfg(windows)]
    pub(in crate::commands) fn is_given(&self) -> bool {
        self.origin != Origin::Default
    }

    fn optional(given: Option<T>, file: Option<T>) -> Setting<Option<T>> {
        Setting::of(given.map(Some), file.map(Some), None)
    }
}

impl Settings {
    /// Puts together what is known; what was `given` wins over the file.
    pub(in crate::commands) fn of(
        global: &Global,
        given: ServeOptions,
        file: ServeOptions,
    ) -> Result<Self> {
        let root = match (&global.root, file.root) {
            (None, None) => Setting::of(None, None, crate::commands::default_root()?),
            (given, file) => Setting::of(given.clone(), file, PathBuf::new()),
        };
        let usual = Limits::default();
        let (bounds, of_file) = (given.limits, file.limits);
        Ok(Self {
            root,
            containerd: Setting::optional(given.containerd, file.containerd),
            containerd_address: Setting::of(
                given.containerd_address,
                file.containerd_address,
                CONTAINERD_ADDRESS.into(),
            ),
            mounts: Setting::of(given.mounts, file.mounts, Mounts::Bind),
            unpack_by_mount: Setting::of(given.unpack_by_mount, file.unpack_by_mount, false),
            graphdriver: Setting::optional(given.graphdriver, file.graphdriver),
            log_format: Setting::of(given.log_format, file.log_format, LogFormat::Text),
            log_level: Setting::of(given.log_level, file.log_level, LogLevel::Info),
            metrics: Setting::optional(given.metrics, file.metrics),
            max_entries: Setting::of(bounds.max_entries, of_file.max_entries, usual.entries),
            max_bytes: Setting::of(bounds.max_bytes, of_file.max_bytes, usual.bytes),
            max_ratio: Setting::of(bounds.max_ratio, of_file.max_ratio, usual.ratio),
            max_depth: Setting::of(bounds.max_depth, of_file.max_depth, usual.depth),
            max_pax: Setting::of(bounds.max_pax, of_file.max_pax, usual.pax_bytes),
        })
    }

    /// Bounds on what clients bring.
    pub(in crate::commands) fn limits(&self) -> Limits {
        Limits {
            entries: self.max_entries.value,
            bytes: self.max_bytes.value,
            ratio: self.max_ratio.value,
            depth: self.max_depth.value,
            pax_bytes: self.max_pax.value,
        }
    }

    /// Each key with its value as TOML writes it, and where that comes from.
    pub(in crate::commands) fn entries(&self) -> [(&'static str, Option<toml::Value>, Origin); 14] {
        fn entry<T>(
            key: &'static str,
            setting: &Setting<T>,
            value: impl Fn(&T) -> Option<toml::Value>,
        ) -> (&'static str, Option<toml::Value>, Origin) {
            (key, value(&setting.value), setting.origin)
        }
        let maybe = |path: &Option<PathBuf>| path.as_deref().map(shown);
        [
            entry("root", &self.root, |path| Some(shown(path))),
            entry("containerd", &self.containerd, maybe),
            entry("containerd-address", &self.containerd_address, |path| {
                Some(shown(path))
            }),
            entry("mounts", &self.mounts, name_of),
            entry("unpack-by-mount", &self.unpack_by_mount, |value| {
                Some((*value).into())
            }),
            entry("graphdriver", &self.graphdriver, maybe),
            entry("log-format", &self.log_format, name_of),
            entry("log-level", &self.log_level, name_of),
            entry("metrics", &self.metrics, |address| {
                address.map(|address| address.to_string().into())
            }),
            entry("limits.max-entries", &self.max_entries, number),
            entry("limits.max-bytes", &self.max_bytes, number),
            entry("limits.max-ratio", &self.max_ratio, number),
            entry("limits.max-depth", &self.max_depth, number),
            entry("limits.max-pax", &self.max_pax, number),
        ]
    }
}

fn shown(path: &Path) -> toml::Value {
    path.to_string_lossy().into_owned().into()
}

/// TOML's numbers have a sign.
fn number(value: &u64) -> Option<toml::Value> {
    Some(i64::try_from(*value).unwrap_or(i64::MAX).into())
}

fn name_of(value: &impl ValueEnum) -> Option<toml::Value> {
    let value = value.to_possible_value()?;
    Some(value.get_name().into())
}

/// Reads the configuration file: the one that was named, or the usual one if it is there.
pub(in crate::commands) fn from_file(file: &ConfigFile) -> Result<ServeOptions> {
    let path = file.config.clone().unwrap_or_else(default_file);
    let path = path.as_path();
    let named = || format!("cannot use the configuration file {}", path.display());
    match fs::read_to_string(path) {
        Ok(text) => parse_toml(&text).with_context(named),
        Err(error) if error.kind() == io::ErrorKind::NotFound && file.config.is_none() => {
            Ok(ServeOptions::default())
        }
        Err(error) => Err(error).with_context(named),
    }
}

/// Reads TOML; an error names the line, and is one line itself.
pub(in crate::commands) fn parse_toml<T: DeserializeOwned>(text: &str) -> Result<T> {
    toml::from_str(text).map_err(|error: toml::de::Error| {
        let at = error.span().map_or(0, |span| span.start).min(text.len());
        let line = text.as_bytes()[..at]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count()
            + 1;
        anyhow!("line {line}: {}", error.message().trim_end())
    })
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn every_key_can_be_in_the_file() {
        let text = r#"
            root = "/srv/t"
            containerd = "/run/t.sock"
            containerd-address = "/run/c.sock"
            mounts = "windows-layer"
            unpack-by-mount = true
            graphdriver = "/run/g.sock"
            log-format = "json"
            log-level = "debug"
            metrics = "9480"
            limits = { max-entries = 1, max-bytes = 2, max-ratio = 3, max-depth = 4, max-pax = 5 }
        "#;
        let global = Global {
            root: None,
            json: false,
            quiet: false,
        };
        let settings = Settings::of(&global, ServeOptions::default(), parse_toml(text).unwrap());
        let settings = settings.unwrap();
        let mut written = String::new();
        for (key, value, origin) in settings.entries() {
            assert_eq!(origin, Origin::File, "{key}");
            written.push_str(&format!("{key} = {}\n", value.unwrap()));
        }
        assert!(
            written.contains("metrics = \"127.0.0.1:9480\""),
            "{written}"
        );
        let again = Settings::of(
            &global,
            ServeOptions::default(),
            parse_toml(&written).unwrap(),
        );
        assert_eq!(
            format!("{:?}", again.unwrap()),
            format!("{settings:?}"),
            "what is shown can be read again"
        );
    }

    #[test]
    fn what_the_file_cannot_say_is_named_with_its_line() {
        for (text, expected) in [
            (
                "\nlog-lvel = \"debug\"\n",
                "line 2: unknown field `log-lvel`",
            ),
            ("mounts = \"bund\"", "line 1: unknown variant `bund`"),
            (
                "root = \"/x\"\nmetrics = \"here\"",
                "line 2: \"here\" is no PORT",
            ),
            (
                "[limits]\nmax-files = 3",
                "line 2: unknown field `max-files`",
            ),
            ("a = ", "line 1: "),
            ("root = \"/x\"\nroot = \"/y\"", "line 2: duplicate key"),
        ] {
            let error = parse_toml::<ServeOptions>(text).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
            assert!(!error.contains('\n'), "{error}");
        }
    }
}
