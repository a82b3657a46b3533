//! Real programs that Transom serves, of Debian suites other than the machine's: fetched and unpacked, never installed.
//!
//! `target/clients/<suite>/` is a root folder with what its packages have (`usr/bin/dockerd` …). Tests are told of
//! `target/clients` by the variable [`VARIABLE`]; one that finds a suite missing says so and does nothing.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::command::{command, run};
use crate::system::find_program;
use crate::target;

/// Tells tests in which folder the suites are.
pub(crate) const VARIABLE: &str = "TRANSOM_CLIENTS";

/// A release of Debian, and what is wanted of it.
struct Suite {
    name: &'static str,
    packages: &'static [&'static str],
}

/// Containerd of bookworm (1.6) cannot have its differ replaced, trixie has 1.7, and sid 2.1 or later. Runc of trixie asks for
/// a newer C library than bookworm's.
const SUITES: [Suite; 3] = [
    Suite {
        name: "bookworm",
        packages: &[
            "docker.io",
            "containerd",
            "runc",
            "docker-registry",
            "busybox-static",
        ],
    },
    Suite {
        name: "trixie",
        packages: &["docker.io", "docker-cli", "containerd"],
    },
    Suite {
        name: UNSTABLE,
        packages: &["docker.io", "docker-cli", "containerd"],
    },
];

/// The suite that has no updates and no security suite beside it, and whose versions move from day to day.
const UNSTABLE: &str = "sid";

/// Where the machine's own sources of packages are told.
const SOURCES: &str = "/etc/apt/sources.list.d";

/// In a suite's folder: what was unpacked, to see that it is what is wanted. Written last.
const UNPACKED: &str = "packages.txt";

/// Brings the programs of all suites, unless they are there, and returns the folder of the suites. A suite that this
/// machine cannot have is told in a `skipped:` line; its tests say that they miss it. `None` if there is none at all.
pub(crate) fn fetch() -> Option<PathBuf> {
    let folder = target().join("clients");
    let mut found = false;
    for suite in &SUITES {
        match suite.fetch(&folder) {
            Ok(()) => found = true,
            Err(error) => println!(
                "skipped: tests with clients of Debian's {}, which could not be fetched: {error:#}",
                suite.name
            ),
        }
    }
    found.then_some(folder)
}

impl Suite {
    fn fetch(&self, folder: &Path) -> Result<()> {
        let home = folder.join(self.name);
        let wanted = self.packages.join("\n");
        if fs::read_to_string(home.join(UNPACKED)).is_ok_and(|unpacked| unpacked == wanted) {
            return Ok(());
        }
        for program in ["apt-get", "dpkg"] {
            ensure!(
                find_program(program).is_some(),
                "there is no {program} here"
            );
        }
        let work = folder.join(format!("{}.new", self.name));
        for old in [&work, &home] {
            if old.exists() {
                fs::remove_dir_all(old)?;
            }
        }
        let unpacked = self.unpack(&work);
        if unpacked.is_err() {
            // The first error tells more than that of the clean-up would.
            let _ = fs::remove_dir_all(&work);
        }
        unpacked?;
        let root = work.join("root");
        fs::write(root.join(UNPACKED), wanted)?;
        fs::rename(&root, &home)?;
        Ok(fs::remove_dir_all(&work)?)
    }

    /// Downloads the packages with a configuration of apt that has nothing to do with the machine's own.
    fn unpack(&self, work: &Path) -> Result<()> {
        for name in [
            "sources",
            "lists/partial",
            "cache/archives/partial",
            "packages",
            "root",
        ] {
            fs::create_dir_all(work.join(name))?;
        }
        fs::write(work.join("status"), "")?;
        self.write_sources(&work.join("sources"))?;
        let configuration = work.join("apt.conf");
        let path = |name: &str| work.join(name).display().to_string();
        fs::write(
            &configuration,
            format!(
                "Dir::Etc::sourcelist \"/dev/null\";\nDir::Etc::sourceparts \"{}\";\nDir::State::lists \"{}\";\n\
                 Dir::Cache \"{}\";\nDir::State::status \"{}\";\n\
                 // Its own user could not write here.\nAPT::Sandbox::User \"root\";\n",
                path("sources"),
                path("lists"),
                path("cache"),
                path("status"),
            ),
        )?;
        let apt = |line: &str| {
            let mut apt = command(line);
            apt.env("APT_CONFIG", &configuration)
                .current_dir(work.join("packages"));
            apt
        };
        run(&mut apt("apt-get update -q"))?;
        run(apt("apt-get download -q").args(self.packages))?;
        for package in work.join("packages").read_dir()? {
            let mut unpack = Command::new("dpkg");
            unpack.arg("-x").arg(package?.path()).arg(work.join("root"));
            run(&mut unpack)?;
        }
        Ok(())
    }

    /// Writes the machine's own sources with another suite in them.
    fn write_sources(&self, folder: &Path) -> Result<()> {
        let own = own_suite()?;
        let mut found = false;
        let lists = Path::new(SOURCES).read_dir();
        let lists = lists.with_context(|| format!("cannot list {SOURCES}"))?;
        for list in lists {
            let list = list?.path();
            let Some(name) = list.file_name().filter(|name| {
                Path::new(name)
                    .extension()
                    .is_some_and(|kind| kind == "sources")
            }) else {
                continue;
            };
            let text = fs::read_to_string(&list)
                .with_context(|| format!("cannot read {}", list.display()))?;
            let stanzas = stanzas_of(&text, &own, self.name);
            found |= !stanzas.is_empty();
            fs::write(folder.join(name), stanzas.join("\n"))?;
        }
        ensure!(
            found,
            "no .sources file in {SOURCES} is of Debian's suite {own}"
        );
        Ok(())
    }
}

/// The name of the Debian that runs here.
fn own_suite() -> Result<String> {
    let text = fs::read_to_string("/etc/os-release").context("cannot read /etc/os-release")?;
    let name = text
        .lines()
        .find_map(|line| line.strip_prefix("VERSION_CODENAME="));
    let name = name.map(|name| name.trim_matches('"').to_owned());
    name.context("/etc/os-release names no release, so this is not Debian")
}

/// Returns the paragraphs of a file of sources that are of the suite `own`, made ones of `wanted`.
fn stanzas_of(text: &str, own: &str, wanted: &str) -> Vec<String> {
    let is_own = |suite: &str| {
        let rest = suite.strip_prefix(own);
        rest.is_some_and(|rest| rest.is_empty() || (wanted != UNSTABLE && rest.starts_with('-')))
    };
    let renamed = |line: &str| match line.strip_prefix("Suites:") {
        None => line.to_owned(),
        Some(suites) => {
            let suites = suites.split_whitespace().filter(|suite| is_own(suite));
            let suites: Vec<String> = suites.map(|suite| suite.replacen(own, wanted, 1)).collect();
            format!("Suites: {}", suites.join(" "))
        }
    };
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let text: Vec<&str> = lines.map(str::trim_end).collect();
    text.split(|line| line.is_empty())
        .filter(|stanza| {
            let mut suites = stanza
                .iter()
                .filter_map(|line| line.strip_prefix("Suites:"));
            suites.any(|suites| suites.split_whitespace().any(is_own))
        })
        .map(|stanza| {
            let lines: Vec<String> = stanza.iter().map(|line| renamed(line)).collect();
            lines.join("\n") + "\n"
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_of_the_machines_suite_become_ones_of_another() {
        let text = "Types: deb\n# a comment\nURIs: here\nSuites: bookworm bookworm-updates\nComponents: main\n\n\
                    Types: deb\nURIs: there\nSuites: bookworm-security\n\n\
                    Types: deb\nURIs: elsewhere\nSuites: nodistro\n";
        assert_eq!(
            stanzas_of(text, "bookworm", "trixie"),
            [
                "Types: deb\nURIs: here\nSuites: trixie trixie-updates\nComponents: main\n",
                "Types: deb\nURIs: there\nSuites: trixie-security\n",
            ]
        );
    }

    #[test]
    fn the_unstable_suite_has_no_others_beside_it() {
        let text = "URIs: here\nSuites: bookworm bookworm-updates\n\nURIs: there\nSuites: bookworm-security\n";
        assert_eq!(
            stanzas_of(text, "bookworm", "sid"),
            ["URIs: here\nSuites: sid\n"]
        );
    }

    #[test]
    fn sources_of_others_are_left_out() {
        let text = "Types: deb\nURIs: here\nSuites: cloud-bookworm bookwormish\n";
        assert!(stanzas_of(text, "bookworm", "trixie").is_empty());
    }
}
