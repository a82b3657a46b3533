//! What a run writes: README.md, results.csv, curves.csv, and a plot for each curve.

mod csv;
mod machine;
mod markdown;
mod svg;

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::curves::Curve;
use crate::figures::Figures;
use crate::scene::Scene;

/// Writes all of it, and prints the comparisons.
///
/// # Errors
/// If a file cannot be written.
pub(crate) fn write(
    scene: &Scene,
    figures: &Figures,
    curves: &[Curve],
    took: Duration,
) -> Result<()> {
    let out = &scene.out;
    fs::create_dir_all(out).with_context(|| format!("cannot make {}", out.display()))?;
    let plots = svg::plots(figures, curves);
    let plotted: Vec<&str> = plots.iter().map(|(name, _)| name.as_str()).collect();
    let machine = machine::describe(scene, took);
    let readme = markdown::readme(figures, curves, &plotted, &machine);
    let put = |name: &str, text: &str| {
        let path = out.join(name);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    };
    put("README.md", &readme)?;
    put("results.csv", &csv::results(figures))?;
    put("curves.csv", &csv::curves(curves))?;
    for (name, plot) in &plots {
        put(name, plot)?;
    }
    print!("{}", markdown::comparisons(figures));
    println!("\n{} has the rest", out.join("README.md").display());
    Ok(())
}
