//! Times of measurements that take turns, and the table that shows them.

use std::error::Error;
use std::process::Command;
use std::time::{Duration, Instant};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The times of one measurement, one for each round.
#[derive(Default)]
pub(crate) struct Times(Vec<Duration>);

impl Times {
    pub(crate) fn measure<T>(&mut self, run: impl FnOnce() -> Result<T>) -> Result<T> {
        // What earlier measurements left to be written must not be written on the time of this one.
        Command::new("sync").status()?;
        let start = Instant::now();
        let value = run()?;
        self.0.push(start.elapsed());
        Ok(value)
    }

    pub(crate) fn best(&self) -> Duration {
        self.0.iter().min().copied().unwrap_or_default()
    }

    pub(crate) fn median(&self) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort();
        sorted.get(sorted.len() / 2).copied().unwrap_or_default()
    }

    pub(crate) fn row(&self, what: &str, base: Option<(&Times, &str)>, wanted: &str) {
        let (against, ratio) = base.map_or_else(Default::default, |(base, name)| {
            let ratio = |a: Duration, b: Duration| a.as_secs_f64() / b.as_secs_f64();
            let (best, median) = (
                ratio(self.best(), base.best()),
                ratio(self.median(), base.median()),
            );
            (name, format!("{best:.2} ({median:.2})"))
        });
        println!(
            "| {what} | {:.1?} | {:.1?} | {against} | {ratio} | {wanted} |",
            self.best(),
            self.median()
        );
    }
}
