//! Progress on stderr: bars on a terminal, plain lines elsewhere, nothing when asked to be quiet.

use std::io::{IsTerminal, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use transom_oci::{LayerProgress, NoProgress, Progress};

use crate::show;

/// How often a plain line tells how far a layer is.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Returns the kind of progress that fits where stderr goes.
pub(crate) fn to_stderr(quiet: bool) -> Box<dyn Progress> {
    if quiet {
        Box::new(NoProgress)
    } else if std::io::stderr().is_terminal() {
        Box::new(Bars(MultiProgress::new()))
    } else {
        Box::new(Lines)
    }
}

/// Tells something on stderr that is no result.
pub(crate) fn note(quiet: bool, text: &str) {
    if !quiet {
        // Nothing can be done about a stderr that is gone.
        let _ = writeln!(
            std::io::stderr().lock(),
            "note: {}",
            show::text(text.as_bytes())
        );
    }
}

struct Bars(MultiProgress);

impl Progress for Bars {
    fn layer_started(&self, label: &str, total_bytes: Option<u64>) -> Box<dyn LayerProgress + '_> {
        let template = match total_bytes {
            Some(_) => {
                "{msg:24} {bar:30} {bytes:>11}/{total_bytes:11} {bytes_per_sec:>12} {eta:>4}"
            }
            None => "{msg:24} {spinner} {bytes:>11} {bytes_per_sec:>12}",
        };
        let style = ProgressStyle::with_template(template).expect("the templates are valid");
        let bar = total_bytes.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
        let bar = self
            .0
            .add(bar.with_style(style).with_message(shortened(label)));
        Box::new(Bar(bar))
    }
}

struct Bar(ProgressBar);

impl LayerProgress for Bar {
    fn advance(&self, bytes: u64) {
        self.0.inc(bytes);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

struct Lines;

impl Progress for Lines {
    fn layer_started(&self, label: &str, total_bytes: Option<u64>) -> Box<dyn LayerProgress + '_> {
        Box::new(Line {
            label: shortened(label),
            total: total_bytes,
            done: AtomicU64::new(0),
            started: Instant::now(),
            last: Mutex::new(Instant::now()),
        })
    }
}

struct Line {
    label: String,
    total: Option<u64>,
    done: AtomicU64,
    started: Instant,
    last: Mutex<Instant>,
}

impl Line {
    fn print(&self, done: u64) {
        let seconds = self.started.elapsed().as_secs_f64().max(0.001);
        let rate = show::size((done as f64 / seconds) as u64);
        let of = self
            .total
            .map_or_else(String::new, |total| format!(" of {}", show::size(total)));
        let left = match self.total {
            Some(total) if done > 0 && done < total => {
                format!(
                    ", {:.0} s left",
                    seconds / done as f64 * (total - done) as f64
                )
            }
            _ => String::new(),
        };
        let line = format!("{}: {}{of}, {rate}/s{left}", self.label, show::size(done));
        let _ = writeln!(std::io::stderr().lock(), "{line}");
    }
}

impl LayerProgress for Line {
    fn advance(&self, bytes: u64) {
        let done = self.done.fetch_add(bytes, Ordering::Relaxed) + bytes;
        // Somebody else is printing: this piece can go without.
        let Ok(mut last) = self.last.try_lock() else {
            return;
        };
        if last.elapsed() >= LINE_EVERY {
            *last = Instant::now();
            self.print(done);
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.print(self.done.load(Ordering::Relaxed));
    }
}

/// Cuts digests to what people look at.
fn shortened(label: &str) -> String {
    let label = show::text(label.as_bytes());
    match label.find("sha256:") {
        Some(at) => label
            .chars()
            .take(label[..at].chars().count() + 19)
            .collect(),
        None => label,
    }
}
