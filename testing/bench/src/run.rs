//! A run: the groups, the curves, the report.

use std::time::Instant;

use anyhow::{Result, ensure};

use crate::figures::Figures;
use crate::scene::Scene;
use crate::{curves, files, groups, report};

/// The name of the curves on the command line.
const CURVES: &str = "curves";

/// Measures what was asked for, and writes the report.
///
/// # Errors
/// If an argument is wrong, or the report cannot be written. What cannot be measured is in the report.
pub(crate) fn run(arguments: &[&str]) -> Result<()> {
    let scene = Scene::parse(arguments)?;
    let names = groups::ALL.iter().map(|group| group.name);
    let names: Vec<&str> = names.chain([CURVES]).collect();
    for group in &scene.groups {
        ensure!(
            names.contains(&group.as_str()),
            "there is no group {group}, but {}",
            names.join(", ")
        );
    }
    files::fresh(&scene.work)?;
    let start = Instant::now();
    let (figures, curves) = measure(&scene);
    files::clear(&scene.work)?;
    report::write(&scene, &figures, &curves, start.elapsed())
}

fn measure(scene: &Scene) -> (Figures, Vec<curves::Curve>) {
    let is_wanted =
        |name: &str| scene.groups.is_empty() || scene.groups.iter().any(|group| group == name);
    let mut figures = Figures::default();
    for group in groups::ALL.iter().filter(|group| is_wanted(group.name)) {
        println!("{}", group.name);
        figures.begin(group.name);
        if let Err(why) = (group.measure)(scene, &mut figures) {
            figures.missing(group.name, &why);
        }
    }
    let mut all = Vec::new();
    if is_wanted(CURVES) {
        curves::measure_all(scene, &mut all, &mut figures);
    }
    (figures, all)
}
