//! Which manifest of a list to take.

use std::cmp::Reverse;
use std::fmt;
use std::str::FromStr;

use crate::document::PlatformSpec;

/// The platform that a caller asks for: `windows/amd64:10.0.20348`, `linux/arm64/v8`, `windows`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlatformChoice {
    /// `windows` or `linux`.
    pub os: String,
    /// `amd64`, `arm64`, …; the host's if the text names none.
    pub architecture: String,
    /// `v8`, `v7`, …; empty for the architecture's usual one.
    pub variant: String,
    /// A whole version, or the first parts of one; `None` for the highest there is.
    pub os_version: Option<String>,
}

/// A text that names no platform.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is no platform: write OS/ARCHITECTURE, OS/ARCHITECTURE/VARIANT or OS/ARCHITECTURE:OS.VERSION"
)]
pub struct PlatformError {
    text: String,
}

impl FromStr for PlatformChoice {
    type Err = PlatformError;

    fn from_str(text: &str) -> Result<Self, PlatformError> {
        let error = || PlatformError {
            text: text.chars().take(100).collect(),
        };
        let (platform, os_version) = match text.split_once(':') {
            Some((platform, version)) => (platform, Some(version)),
            None => (text, None),
        };
        let parts: Vec<&str> = platform.split('/').collect();
        let is_word = |word: &str| {
            !word.is_empty()
                && word
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b))
        };
        if parts.len() > 3 || !parts.iter().all(|part| is_word(part)) {
            return Err(error());
        }
        if os_version.is_some_and(|version| version_key(version).is_none()) {
            return Err(error());
        }
        let part = |position: usize| parts.get(position).map(|part| part.to_ascii_lowercase());
        Ok(Self {
            os: part(0).ok_or_else(error)?,
            architecture: match part(1) {
                Some(name) => usual_name(&name).to_owned(),
                None => host_architecture().to_owned(),
            },
            variant: part(2).unwrap_or_default(),
            os_version: os_version.map(str::to_owned),
        })
    }
}

impl fmt::Display for PlatformChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let spec = PlatformSpec {
            os: self.os.clone(),
            architecture: self.architecture.clone(),
            variant: self.variant.clone(),
            os_version: self.os_version.clone().unwrap_or_default(),
        };
        spec.fmt(f)
    }
}

/// Written in the form in which it may be asked for. It may come from anywhere, so control characters
/// are escaped.
impl fmt::Display for PlatformSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::default() {
            return f.write_str("an unknown platform");
        }
        write!(
            f,
            "{}/{}",
            self.os.escape_debug(),
            self.architecture.escape_debug()
        )?;
        if !self.variant.is_empty() {
            write!(f, "/{}", self.variant.escape_debug())?;
        }
        if !self.os_version.is_empty() {
            write!(f, ":{}", self.os_version.escape_debug())?;
        }
        Ok(())
    }
}

/// Returns this machine's architecture by the name that images use (Go's GOARCH).
pub(crate) fn host_architecture() -> &'static str {
    usual_name(std::env::consts::ARCH)
}

/// Turns other names of an architecture into GOARCH.
fn usual_name(name: &str) -> &str {
    match name {
        "x86_64" | "x86-64" => "amd64",
        "aarch64" => "arm64",
        "x86" | "i386" | "i686" => "386",
        "loongarch64" => "loong64",
        "powerpc64" => "ppc64le",
        other => other,
    }
}

/// Returns the variant that is meant where none is written (containerd's platform rules).
fn usual_variant<'a>(architecture: &str, variant: &'a str) -> &'a str {
    match (architecture, variant) {
        ("arm64", "") => "v8",
        ("arm", "") => "v7",
        ("amd64", "v1") => "",
        _ => variant,
    }
}

impl PlatformChoice {
    /// Says whether an image for `platform` is one for this operating system and architecture.
    pub(crate) fn fits(&self, platform: &PlatformSpec) -> bool {
        let architecture = platform.architecture.to_ascii_lowercase();
        let architecture = usual_name(&architecture);
        self.os.eq_ignore_ascii_case(&platform.os)
            && self.architecture == architecture
            && usual_variant(architecture, &self.variant)
                == usual_variant(architecture, &platform.variant)
    }
}

/// Reads `10.0.20348.2227` as numbers, which is how versions compare.
fn version_key(version: &str) -> Option<Vec<u64>> {
    version.split('.').map(|part| part.parse().ok()).collect()
}

/// How many parts of a version name the build: `10.0.20348`.
const BUILD_PARTS: usize = 3;

/// No manifest was chosen. Both variants list what there is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectError {
    /// The platform asked for is not among them.
    #[error("there is no image for {wanted}; there is: {}", there.join(", "))]
    NotThere {
        /// The platform asked for.
        wanted: String,
        /// The platforms there are.
        there: Vec<String>,
    },
    /// None was asked for, none is for this host, and there is more than one.
    #[error("no image is for this host ({host}); say which platform to take: {}", there.join(", "))]
    Undecided {
        /// This host's architecture.
        host: String,
        /// The platforms there are.
        there: Vec<String>,
    },
}

/// Chooses among `platforms` and returns its position.
///
/// With a choice: its operating system and architecture must fit; a version is taken exactly if it is
/// there, else the highest of its build. With none: Windows on the host's architecture, then Linux on
/// it, then the only one there is. Of several versions the highest wins, of equal ones the first.
pub(crate) fn choose(
    platforms: &[PlatformSpec],
    choice: Option<&PlatformChoice>,
    host: &str,
) -> Result<usize, SelectError> {
    let there = || {
        let mut there: Vec<String> = platforms.iter().map(PlatformSpec::to_string).collect();
        there.dedup();
        there
    };
    if let Some(choice) = choice {
        return best_fit(platforms, choice).ok_or_else(|| SelectError::NotThere {
            wanted: choice.to_string(),
            there: there(),
        });
    }
    for os in ["windows", "linux"] {
        let choice = PlatformChoice {
            os: os.to_owned(),
            architecture: host.to_owned(),
            variant: String::new(),
            os_version: None,
        };
        if let Some(position) = best_fit(platforms, &choice) {
            return Ok(position);
        }
    }
    match platforms {
        [_] => Ok(0),
        _ => Err(SelectError::Undecided {
            host: host.to_owned(),
            there: there(),
        }),
    }
}

fn best_fit(platforms: &[PlatformSpec], choice: &PlatformChoice) -> Option<usize> {
    let fitting = || {
        platforms
            .iter()
            .enumerate()
            .filter(|(_, spec)| choice.fits(spec))
    };
    let highest = |of_build: Option<&[u64]>| {
        fitting()
            .map(|(position, spec)| (version_key(&spec.os_version), position))
            .filter(|(version, _)| match of_build {
                None => true,
                Some(build) => version.as_ref().is_some_and(|key| key.starts_with(build)),
            })
            .max_by_key(|(version, position)| (version.clone(), Reverse(*position)))
            .map(|(_, position)| position)
    };
    let Some(wanted) = &choice.os_version else {
        return highest(None);
    };
    let exact = fitting().find(|(_, spec)| spec.os_version == *wanted);
    exact.map(|(position, _)| position).or_else(|| {
        let key = version_key(wanted)?;
        highest(Some(key.get(..BUILD_PARTS).unwrap_or(&key)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn specs(texts: &[&str]) -> Vec<PlatformSpec> {
        let spec = |text: &&str| {
            let choice: PlatformChoice = text.parse().unwrap();
            PlatformSpec {
                os: choice.os,
                architecture: choice.architecture,
                variant: choice.variant,
                os_version: choice.os_version.unwrap_or_default(),
            }
        };
        texts.iter().map(spec).collect()
    }

    const MIXED: &[&str] = &[
        "linux/amd64",
        "linux/arm64/v8",
        "linux/arm/v7",
        "windows/amd64:10.0.17763.2458",
        "windows/amd64:10.0.20348.473",
        "windows/amd64:10.0.20348.2227",
        "windows/amd64:10.0.9999.1",
    ];

    #[test]
    fn the_choice_follows_the_table() {
        for (choice, host, expected) in [
            (None, "amd64", Some("windows/amd64:10.0.20348.2227")),
            (None, "arm64", Some("linux/arm64/v8")),
            (None, "s390x", None),
            (
                Some("windows/amd64"),
                "arm64",
                Some("windows/amd64:10.0.20348.2227"),
            ),
            (
                Some("windows/amd64:10.0.20348.473"),
                "amd64",
                Some("windows/amd64:10.0.20348.473"),
            ),
            (
                Some("windows/amd64:10.0.20348"),
                "amd64",
                Some("windows/amd64:10.0.20348.2227"),
            ),
            (
                Some("windows/amd64:10.0.20348.1"),
                "amd64",
                Some("windows/amd64:10.0.20348.2227"),
            ),
            (
                Some("windows/amd64:10.0.17763"),
                "amd64",
                Some("windows/amd64:10.0.17763.2458"),
            ),
            (
                Some("windows/amd64:10.0"),
                "amd64",
                Some("windows/amd64:10.0.20348.2227"),
            ),
            (Some("windows/amd64:10.0.2034"), "amd64", None),
            (Some("windows/arm64"), "amd64", None),
            (Some("linux/arm64"), "amd64", Some("linux/arm64/v8")),
            (Some("linux/aarch64"), "amd64", Some("linux/arm64/v8")),
            (Some("linux/arm64/v9"), "amd64", None),
            (Some("linux/arm"), "amd64", Some("linux/arm/v7")),
            (Some("LINUX/x86_64"), "arm64", Some("linux/amd64")),
        ] {
            let platforms = specs(MIXED);
            let choice: Option<PlatformChoice> = choice.map(|text| text.parse().unwrap());
            let found = choose(&platforms, choice.as_ref(), host);
            let found = found.ok().map(|position| MIXED[position]);
            assert_eq!(found, expected, "{choice:?} on {host}");
        }
    }

    #[test]
    fn the_only_one_is_taken_wherever_it_is_for() {
        assert_eq!(choose(&specs(&["windows/amd64"]), None, "arm64"), Ok(0));
        assert_eq!(choose(&[PlatformSpec::default()], None, "arm64"), Ok(0));
        assert!(choose(&[], None, "arm64").is_err());
    }

    #[test]
    fn of_equal_ones_the_first_is_taken() {
        let platforms = specs(&["windows/amd64:10.0.1.1", "windows/amd64:10.0.1.1"]);
        assert_eq!(choose(&platforms, None, "amd64"), Ok(0));
    }

    #[test]
    fn an_image_without_a_version_is_the_lowest() {
        let platforms = specs(&["windows/amd64", "windows/amd64:10.0.1.1"]);
        assert_eq!(choose(&platforms, None, "amd64"), Ok(1));
    }

    #[test]
    fn an_error_lists_what_there_is() {
        let platforms = specs(&["windows/amd64:10.0.17763.1", "linux/arm64/v8"]);
        let choice = "windows/arm64".parse().unwrap();
        let error = choose(&platforms, Some(&choice), "amd64").unwrap_err();
        assert_eq!(
            error.to_string(),
            "there is no image for windows/arm64; there is: windows/amd64:10.0.17763.1, linux/arm64/v8"
        );
    }

    #[test]
    fn platforms_are_written_as_they_are_read() {
        for text in ["windows/amd64:10.0.20348", "linux/arm64/v8", "linux/amd64"] {
            assert_eq!(text.parse::<PlatformChoice>().unwrap().to_string(), text);
        }
        let host = "windows".parse::<PlatformChoice>().unwrap();
        assert_eq!(host.architecture, host_architecture());
        for text in [
            "",
            "/",
            "windows/",
            "a/b/c/d",
            "windows/amd64:",
            "windows/amd64:10.x",
            "a b/c",
        ] {
            assert!(text.parse::<PlatformChoice>().is_err(), "{text:?}");
        }
    }
}
