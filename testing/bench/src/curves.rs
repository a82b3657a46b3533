//! How time and memory grow with what there is to do.

mod bytes;
mod entries;
mod images;
mod layers;

use std::fs;
use std::path::Path;

use anyhow::Result;

use crate::figures::Figures;
use crate::measure::{Sample, measure};
use crate::scene::Scene;

/// How often a point is measured; the best counts.
const TRIES: usize = 3;

/// One line of a plot.
#[derive(Debug)]
pub(crate) struct Curve {
    /// The plot it belongs to.
    pub(crate) plot: &'static str,
    /// What was measured.
    pub(crate) name: &'static str,
    /// What grows.
    pub(crate) of: &'static str,
    /// What was measured at each amount, from the smallest up.
    pub(crate) points: Vec<(f64, Sample)>,
}

impl Curve {
    fn new(plot: &'static str, name: &'static str, of: &'static str) -> Self {
        Self {
            plot,
            name,
            of,
            points: Vec::new(),
        }
    }

    fn add(&mut self, amount: u64, sample: Sample) {
        self.points.push((amount as f64, sample));
    }

    /// The exponent with which the time grows in the upper half of the amounts: 0 is not at all, 1 is as they do.
    pub(crate) fn slope(&self) -> Option<f64> {
        slope(
            self.points
                .iter()
                .map(|(amount, sample)| (*amount, sample.wall.as_secs_f64())),
        )
    }

    /// The same for memory.
    pub(crate) fn memory_slope(&self) -> Option<f64> {
        slope(
            self.points
                .iter()
                .filter_map(|(amount, sample)| Some((*amount, sample.peak? as f64))),
        )
    }
}

/// The slope between the largest amount and the one nearest to a thirtieth of it, both on a logarithmic scale: below
/// that it is what a process costs at least that is seen.
fn slope(points: impl Iterator<Item = (f64, f64)>) -> Option<f64> {
    let points: Vec<(f64, f64)> = points.collect();
    let (last, rest) = points.split_last()?;
    let distance = |point: &&(f64, f64)| (last.0 / point.0 / 30.0).ln().abs();
    let first = rest
        .iter()
        .min_by(|one, other| distance(one).total_cmp(&distance(other)))?;
    Some((last.1 / first.1).ln() / (last.0 / first.0).ln())
}

/// Measures all curves.
pub(crate) fn measure_all(scene: &Scene, curves: &mut Vec<Curve>, figures: &mut Figures) {
    type Measure = fn(&Scene, &mut Vec<Curve>) -> Result<()>;
    let all: [(&str, Measure); 4] = [
        ("layers", layers::measure_all),
        ("entries", entries::measure_all),
        ("bytes", bytes::measure_all),
        ("images", images::measure_all),
    ];
    for (name, measure) in all {
        println!("curves: {name}");
        if let Err(why) = measure(scene, curves) {
            figures.missing(&format!("curves by {name}"), &why);
        }
    }
}

/// The amounts of a curve.
fn amounts(scene: &Scene, quick: &'static [u64], full: &'static [u64]) -> &'static [u64] {
    match scene.is_quick {
        true => quick,
        false => full,
    }
}

/// Measures a command a few times, each time on what `prepare` makes, and returns the best.
fn best(
    mut prepare: impl FnMut() -> Result<()>,
    mut command: impl FnMut() -> std::process::Command,
) -> Result<Sample> {
    let mut best: Option<Sample> = None;
    for _ in 0..TRIES {
        prepare()?;
        let sample = measure(&mut command())?;
        if best.is_none_or(|best| sample.wall < best.wall) {
            best = Some(sample);
        }
        // What takes long is not noisy.
        if sample.wall.as_secs() >= 3 {
            break;
        }
    }
    best.ok_or_else(|| anyhow::anyhow!("not measured"))
}

/// Takes away what a store keeps only so as not to make it again.
fn forget_merged(root: &Path) -> Result<()> {
    let chains = root.join("chains");
    fs::remove_dir_all(&chains)?;
    Ok(fs::create_dir(&chains)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slope_is_that_of_the_upper_end() {
        let amounts = [1.0, 10.0, 100.0, 1000.0, 10_000.0];
        let linear = slope(amounts.iter().map(|x| (*x, 3.0 * x))).unwrap();
        let square = slope(amounts.iter().map(|x| (*x, x * x + 5.0))).unwrap();
        let constant = slope(amounts.iter().map(|x| (*x, 7.0))).unwrap();
        assert!((linear - 1.0).abs() < 1e-9);
        assert!((square - 2.0).abs() < 0.01);
        assert!(constant.abs() < 1e-9);
        assert_eq!(slope([(1.0, 1.0)].into_iter()), None);
    }
}
