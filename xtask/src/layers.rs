//! Which crate may depend on which: folders are layers, and arrows only point down.
//!
//! ```text
//! front      front/cli on other fronts, front/registry on front/oci, every front on all below
//! engines    no engine on another engine
//! engine
//! system     no system crate on another
//! formats    formats on formats
//! ```
//! What lies in `testing/` and `xtask/` may use everything, and nothing but tests may use it.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::command::{capture, command};

/// Fails, and names each wrong arrow, if a crate depends on one that its folder may not know.
pub(crate) fn run() -> Result<()> {
    let metadata = capture(&mut command("cargo metadata --no-deps --format-version 1"))?;
    let crates = crates(&serde_json::from_str(&metadata)?)?;
    let wrong = wrong_arrows(&crates);
    ensure!(
        wrong.is_empty(),
        "dependencies point the wrong way:\n  {}",
        wrong.join("\n  ")
    );
    println!(
        "check-layers: the dependencies of {} crates point down",
        crates.len()
    );
    Ok(())
}

/// A folder of crates, from the bottom up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layer {
    Formats,
    System,
    Engine,
    Engines,
    Front,
    Testing,
}

impl Layer {
    fn of(path: &str) -> Option<Self> {
        let mut folders = path.split(['/', '\\']).rev();
        let first = folders.next()?;
        match (folders.next()?, folders.next()) {
            ("formats", Some("crates")) => Some(Self::Formats),
            ("system", Some("crates")) => Some(Self::System),
            ("engine", Some("crates")) => Some(Self::Engine),
            ("engines", Some("crates")) => Some(Self::Engines),
            ("front", Some("crates")) => Some(Self::Front),
            ("testing", _) => Some(Self::Testing),
            _ if first == "xtask" => Some(Self::Testing),
            _ => None,
        }
    }

    fn may_use(self, user: &str, other: Self) -> bool {
        match self {
            Self::Formats | Self::System => other == Self::Formats,
            Self::Engine => matches!(other, Self::Formats | Self::Engine),
            Self::Engines => matches!(other, Self::Formats | Self::System | Self::Engine),
            Self::Front => match other {
                Self::Front => matches!(user, "cli" | "registry"),
                other => other != Self::Testing,
            },
            Self::Testing => true,
        }
    }
}

/// A crate: its folder's name, its layer, and the crates of this project that it depends on.
struct Crate {
    folder: String,
    layer: Layer,
    uses: Vec<Arrow>,
}

struct Arrow {
    path: String,
    in_tests_only: bool,
}

fn crates(metadata: &Value) -> Result<Vec<Crate>> {
    let packages = metadata["packages"]
        .as_array()
        .context("cargo metadata lists no packages")?;
    packages.iter().map(read_crate).collect()
}

fn read_crate(package: &Value) -> Result<Crate> {
    let manifest = package["manifest_path"]
        .as_str()
        .context("a package without a manifest")?;
    let path = manifest
        .trim_end_matches("Cargo.toml")
        .trim_end_matches(['/', '\\']);
    let layer = Layer::of(path).with_context(|| {
        format!("{path} is in none of the folders formats, system, engine, engines, front, testing")
    })?;
    let folder = path.rsplit(['/', '\\']).next().unwrap_or(path).to_owned();
    let dependencies = package["dependencies"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let uses = dependencies
        .iter()
        .filter_map(|dependency| {
            Some(Arrow {
                path: dependency["path"].as_str()?.to_owned(),
                in_tests_only: dependency["kind"].as_str() == Some("dev"),
            })
        })
        .collect();
    Ok(Crate {
        folder,
        layer,
        uses,
    })
}

fn wrong_arrows(crates: &[Crate]) -> Vec<String> {
    let mut wrong = Vec::new();
    for user in crates {
        for arrow in &user.uses {
            let allowed = match Layer::of(&arrow.path) {
                Some(Layer::Testing) if arrow.in_tests_only => true,
                Some(other) => user.layer.may_use(&user.folder, other),
                None => false,
            };
            if !allowed {
                wrong.push(format!(
                    "{:?}/{} -> {}",
                    user.layer, user.folder, arrow.path
                ));
            }
        }
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn verdict(from: &str, to: &str, kind: Option<&str>) -> usize {
        let metadata = json!({ "packages": [{
            "manifest_path": format!("/p/{from}/Cargo.toml"),
            "dependencies": [
                { "name": "x", "path": format!("/p/{to}"), "kind": kind },
                { "name": "anyhow", "kind": null },
            ],
        }] });
        wrong_arrows(&crates(&metadata).unwrap()).len()
    }

    #[test]
    fn arrows_may_point_down_and_among_formats() {
        for (from, to) in [
            ("crates/formats/layertar", "crates/formats/ntmeta"),
            ("crates/engine/layer", "crates/formats/ntmeta"),
            ("crates/engine/driver", "crates/engine/layer"),
            ("crates/engines/sealed", "crates/engine/layer"),
            ("crates/front/oci", "crates/engines/sealed"),
            ("crates/front/cli", "crates/front/oci"),
            ("crates/front/registry", "crates/front/oci"),
            ("testing/sample", "crates/formats/layertar"),
            ("xtask", "testing/sample"),
        ] {
            assert_eq!(verdict(from, to, None), 0, "{from} -> {to}");
        }
    }

    #[test]
    fn arrows_that_point_up_or_sideways_are_wrong() {
        for (from, to) in [
            ("crates/formats/ntmeta", "crates/engine/layer"),
            ("crates/engine/layer", "crates/engines/sealed"),
            ("crates/engines/hcs", "crates/engines/sealed"),
            ("crates/front/oci", "crates/front/cli"),
            ("crates/front/containerd", "crates/front/oci"),
            ("crates/engines/sealed", "testing/sample"),
            ("crates/engines/sealed", "somewhere/else"),
        ] {
            assert_eq!(verdict(from, to, None), 1, "{from} -> {to}");
        }
    }

    #[test]
    fn only_tests_may_use_testing_crates() {
        assert_eq!(
            verdict("crates/engines/sealed", "testing/sample", Some("dev")),
            0
        );
        assert_eq!(
            verdict("crates/engines/sealed", "testing/sample", Some("build")),
            1
        );
    }

    #[test]
    fn a_crate_in_an_unknown_folder_is_refused() {
        let metadata = json!({ "packages": [{ "manifest_path": "/p/crates/x/Cargo.toml" }] });
        assert!(crates(&metadata).is_err());
    }
}
