//! What was measured, and what of it is compared.

use anyhow::Error;

use crate::measure::Sample;

/// What a number means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Seconds, one number for each round.
    Seconds,
    /// Bytes.
    Bytes,
}

/// One measurement.
#[derive(Debug)]
pub(crate) struct Figure {
    /// The group it was measured in.
    pub(crate) group: &'static str,
    /// What was measured.
    pub(crate) name: String,
    /// What its numbers mean.
    pub(crate) unit: Unit,
    /// One number for each round.
    pub(crate) numbers: Vec<f64>,
    /// Processor time and peak memory of the same rounds.
    pub(crate) samples: Vec<Sample>,
}

impl Figure {
    /// The smallest number.
    pub(crate) fn best(&self) -> Option<f64> {
        self.numbers.iter().copied().min_by(f64::total_cmp)
    }

    /// The number in the middle; of two, the greater one.
    pub(crate) fn median(&self) -> Option<f64> {
        median(&self.numbers)
    }

    /// Seconds of processor time, the median.
    pub(crate) fn cpu(&self) -> Option<f64> {
        let cpu = self.samples.iter().filter_map(|sample| sample.cpu);
        median(&cpu.map(|cpu| cpu.as_secs_f64()).collect::<Vec<_>>())
    }

    /// Most bytes of memory in any round.
    pub(crate) fn peak(&self) -> Option<u64> {
        self.samples.iter().filter_map(|sample| sample.peak).max()
    }
}

fn median(numbers: &[f64]) -> Option<f64> {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied()
}

/// What of a figure is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Of {
    /// Its own numbers.
    Numbers,
    /// The peak of its memory.
    Peak,
}

/// What it is compared with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Against {
    /// Another figure.
    Figure(&'static str),
    /// Bytes that were wished for.
    Bytes(u64),
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Row {
    /// The work, in words.
    pub(crate) work: &'static str,
    /// The figure of this project's program.
    pub(crate) figure: &'static str,
    /// What of it.
    pub(crate) of: Of,
    /// What it is compared with.
    pub(crate) against: Against,
    /// The ratio that was aimed at; `None` for what is only told.
    pub(crate) wanted: Option<f64>,
}

impl Row {
    /// Times, or sizes, of two figures.
    pub(crate) const fn new(
        work: &'static str,
        figure: &'static str,
        against: &'static str,
        wanted: Option<f64>,
    ) -> Self {
        Self {
            work,
            figure,
            of: Of::Numbers,
            against: Against::Figure(against),
            wanted,
        }
    }
}

/// A row with its ratios.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Compared {
    /// The row.
    pub(crate) row: Row,
    /// Ratio of the best numbers, and of the medians; `None` where one of the two was not measured.
    pub(crate) ratios: Option<(f64, f64)>,
}

impl Compared {
    /// Whether the median is as wanted.
    pub(crate) fn is_reached(&self) -> Option<bool> {
        Some(self.ratios?.1 <= self.row.wanted?)
    }
}

/// Everything that was measured in a run.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    group: &'static str,
    figures: Vec<Figure>,
    missing: Vec<(String, String)>,
}

impl Figures {
    /// Begins a group.
    pub(crate) fn begin(&mut self, group: &'static str) {
        self.group = group;
    }

    /// Notes what a process took.
    pub(crate) fn time(&mut self, name: &str, sample: Sample) {
        let figure = self.figure(name, Unit::Seconds);
        figure.numbers.push(sample.wall.as_secs_f64());
        figure.samples.push(sample);
    }

    /// Notes how large something is.
    pub(crate) fn size(&mut self, name: &str, bytes: u64) {
        self.figure(name, Unit::Bytes).numbers.push(bytes as f64);
    }

    /// Notes that something could not be measured, and why.
    pub(crate) fn missing(&mut self, name: &str, why: &Error) {
        eprintln!("not measured: {name}: {why:#}");
        self.missing.push((name.to_owned(), format!("{why:#}")));
    }

    fn figure(&mut self, name: &str, unit: Unit) -> &mut Figure {
        let known = self.figures.iter().position(|figure| figure.name == name);
        let place = known.unwrap_or_else(|| {
            self.figures.push(Figure {
                group: self.group,
                name: name.to_owned(),
                unit,
                numbers: Vec::new(),
                samples: Vec::new(),
            });
            self.figures.len() - 1
        });
        &mut self.figures[place]
    }

    /// All figures, in the order in which they came.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Figure> {
        self.figures.iter()
    }

    /// What could not be measured, and why.
    pub(crate) fn all_missing(&self) -> impl Iterator<Item = (&str, &str)> {
        let missing = self.missing.iter();
        missing.map(|(name, why)| (name.as_str(), why.as_str()))
    }

    /// A figure by its name.
    pub(crate) fn find(&self, name: &str) -> Option<&Figure> {
        self.figures.iter().find(|figure| figure.name == name)
    }

    /// Compares what a row names.
    pub(crate) fn compare(&self, row: Row) -> Compared {
        let ratios = || {
            let ours = self.find(row.figure)?;
            let (best, median) = match row.of {
                Of::Numbers => (ours.best()?, ours.median()?),
                Of::Peak => (ours.peak()? as f64, ours.peak()? as f64),
            };
            let (their_best, their_median) = match row.against {
                Against::Bytes(bytes) => (bytes as f64, bytes as f64),
                Against::Figure(name) => {
                    let theirs = self.find(name)?;
                    (theirs.best()?, theirs.median()?)
                }
            };
            Some((best / their_best, median / their_median))
        };
        Compared {
            row,
            ratios: ratios(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn took(milliseconds: u64, peak: u64) -> Sample {
        Sample {
            wall: Duration::from_millis(milliseconds),
            cpu: None,
            peak: Some(peak),
        }
    }

    #[test]
    fn best_is_compared_with_best_and_median_with_median() {
        let mut figures = Figures::default();
        for time in [30, 10, 20] {
            figures.time("ours", took(time, time));
            figures.time("theirs", took(10 * time + 100, 0));
        }
        let row = Row::new("work", "ours", "theirs", Some(0.06));
        let compared = figures.compare(row);
        let (best, median) = compared.ratios.unwrap();
        assert!((best - 0.05).abs() < 1e-9 && (median - 20.0 / 300.0).abs() < 1e-9);
        assert_eq!(compared.is_reached(), Some(false));
        let peak = Row {
            of: Of::Peak,
            against: Against::Bytes(60),
            ..row
        };
        assert_eq!(figures.compare(peak).ratios, Some((0.5, 0.5)));
    }

    #[test]
    fn what_was_not_measured_has_no_ratio() {
        let row = Row::new("work", "ours", "theirs", Some(1.0));
        let compared = Figures::default().compare(row);
        assert_eq!((compared.ratios, compared.is_reached()), (None, None));
    }
}
