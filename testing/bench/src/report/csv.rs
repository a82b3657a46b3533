//! Every single number, for other programs.

use std::fmt::Write;

use crate::curves::Curve;
use crate::figures::{Figures, Unit};

/// One line for each round of each figure.
pub(super) fn results(figures: &Figures) -> String {
    let mut out = "group,what,round,seconds,cpu seconds,peak bytes,bytes\n".to_owned();
    for figure in figures.all() {
        for (round, number) in figure.numbers.iter().enumerate() {
            let sample = figure.samples.get(round).copied().unwrap_or_default();
            let cpu = sample.cpu.map(|cpu| format!("{:.6}", cpu.as_secs_f64()));
            let peak = sample.peak.map(|peak| peak.to_string());
            let (seconds, bytes) = match figure.unit {
                Unit::Seconds => (format!("{number:.6}"), String::new()),
                Unit::Bytes => (String::new(), format!("{number}")),
            };
            let _ = writeln!(
                out,
                "{},{},{},{seconds},{},{},{bytes}",
                figure.group,
                quoted(&figure.name),
                round + 1,
                cpu.unwrap_or_default(),
                peak.unwrap_or_default(),
            );
        }
    }
    out
}

/// One line for each point of each curve.
pub(super) fn curves(curves: &[Curve]) -> String {
    let mut out = "what grows,what,amount,seconds,cpu seconds,peak bytes\n".to_owned();
    for curve in curves {
        for (amount, sample) in &curve.points {
            let _ = writeln!(
                out,
                "{},{},{amount},{:.6},{:.6},{}",
                curve.of,
                quoted(curve.name),
                sample.wall.as_secs_f64(),
                sample.cpu.unwrap_or_default().as_secs_f64(),
                sample.peak.unwrap_or_default(),
            );
        }
    }
    out
}

/// A field as RFC 4180 wants it.
fn quoted(text: &str) -> String {
    match text.contains([',', '"', '\n']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::measure::Sample;

    #[test]
    fn every_round_has_a_line_and_commas_are_quoted() {
        let mut figures = Figures::default();
        figures.begin("import");
        let sample = Sample {
            wall: Duration::from_millis(1500),
            cpu: Some(Duration::from_millis(500)),
            peak: Some(42),
        };
        figures.time("a, b", sample);
        figures.size("c", 7);
        assert_eq!(
            results(&figures),
            "group,what,round,seconds,cpu seconds,peak bytes,bytes\n\
             import,\"a, b\",1,1.500000,0.500000,42,\n\
             import,c,1,,,,7\n"
        );
    }
}
