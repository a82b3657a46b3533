//! The tables, in the words of the template.

use std::fmt::Write;

use crate::curves::Curve;
use crate::figures::{Against, Compared, Figures, Of, Unit};
use crate::groups;

const TEMPLATE: &str = include_str!("template.md");

/// Fills the template.
pub(super) fn readme(figures: &Figures, curves: &[Curve], plots: &[&str], machine: &str) -> String {
    let plots = plots.iter().fold(String::new(), |mut text, plot| {
        let _ = writeln!(text, "![{}]({plot})\n", plot.trim_end_matches(".svg"));
        text
    });
    TEMPLATE
        .replace("{{machine}}", machine)
        .replace("{{comparisons}}", &comparisons(figures))
        .replace("{{missing}}", &missing(figures))
        .replace("{{slopes}}", &slopes(curves))
        .replace("{{plots}}", &plots)
        .replace("{{figures}}", &all(figures))
}

/// The table of ratios: first those with an aim.
pub(super) fn comparisons(figures: &Figures) -> String {
    let rows = groups::ALL.iter().flat_map(|group| group.rows);
    let compared: Vec<Compared> = rows.map(|row| figures.compare(*row)).collect();
    let (aimed, told): (Vec<_>, Vec<_>) = compared
        .iter()
        .partition(|compared| compared.row.wanted.is_some());
    let mut text =
        "| work | against | ratio of medians | of best | wanted | |\n|---|---|---|---|---|---|\n"
            .to_owned();
    for compared in aimed.iter().chain(&told) {
        let row = compared.row;
        let against = match row.against {
            Against::Figure(name) => name.to_owned(),
            Against::Bytes(count) => bytes(count as f64),
        };
        let (best, median) = compared.ratios.map_or(
            ("".to_owned(), "not measured".to_owned()),
            |(best, median)| (ratio(best), ratio(median)),
        );
        let verdict = match compared.is_reached() {
            Some(true) => "reached",
            Some(false) => "missed",
            None => "",
        };
        let work = match row.of {
            Of::Numbers => row.work.to_owned(),
            Of::Peak => format!("{} ({})", row.work, peak(figures, row.figure)),
        };
        let wanted = row.wanted.map(ratio).unwrap_or_default();
        let _ = writeln!(
            text,
            "| {work} | {against} | {median} | {best} | {wanted} | {verdict} |"
        );
    }
    text
}

fn peak(figures: &Figures, name: &str) -> String {
    let peak = figures.find(name).and_then(|figure| figure.peak());
    peak.map_or("unknown".to_owned(), |peak| bytes(peak as f64))
}

fn missing(figures: &Figures) -> String {
    let mut text = String::new();
    for (name, why) in figures.all_missing() {
        let why = why.replace(['\n', '|'], " ");
        let _ = writeln!(text, "- not measured: {name}: {why}");
    }
    text
}

fn slopes(curves: &[Curve]) -> String {
    let mut text = "| what | grows with | time at the least | at the most | k of time | | memory at the most | k of memory |\n\
                    |---|---|---|---|---|---|---|---|\n"
        .to_owned();
    for curve in curves {
        let (Some((least, first)), Some((most, last))) =
            (curve.points.first(), curve.points.last())
        else {
            continue;
        };
        let exponent =
            |slope: Option<f64>| slope.map_or("".to_owned(), |slope| format!("{slope:.2}"));
        let _ = writeln!(
            text,
            "| {} | {} | {} ({}) | {} ({}) | {} | {} | {} | {} |",
            curve.name,
            curve.of,
            seconds(first.wall.as_secs_f64()),
            amount(*least),
            seconds(last.wall.as_secs_f64()),
            amount(*most),
            exponent(curve.slope()),
            curve
                .slope()
                .map_or("".to_owned(), |slope| order(slope, curve.of)),
            last.peak.map_or("".to_owned(), |peak| bytes(peak as f64)),
            exponent(curve.memory_slope()),
        );
    }
    text
}

/// The order of growth that an exponent stands for.
fn order(slope: f64, of: &str) -> String {
    match slope {
        _ if slope < 0.2 => "O(1)".to_owned(),
        _ if slope < 0.8 => format!("less than O({of})"),
        _ if slope < 1.2 => format!("O({of})"),
        _ => format!("**more than O({of})**"),
    }
}

fn all(figures: &Figures) -> String {
    let mut text = String::new();
    for group in &groups::ALL {
        let mut own = figures
            .all()
            .filter(|figure| figure.group == group.name)
            .peekable();
        if own.peek().is_none() {
            continue;
        }
        let _ = writeln!(
            text,
            "### {}\n\n{}\n\n| what | median | best | processor | memory | rounds |\n|---|---|---|---|---|---|",
            group.name, group.about
        );
        for figure in own {
            let number = |number: Option<f64>| {
                number.map_or("".to_owned(), |number| match figure.unit {
                    Unit::Seconds => seconds(number),
                    Unit::Bytes => bytes(number),
                })
            };
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | {} | {} |",
                figure.name,
                number(figure.median()),
                number(figure.best()),
                figure.cpu().map_or("".to_owned(), seconds),
                figure
                    .peak()
                    .map_or("".to_owned(), |peak| bytes(peak as f64)),
                figure.numbers.len(),
            );
        }
        text.push('\n');
    }
    text
}

fn ratio(ratio: f64) -> String {
    match ratio {
        _ if ratio < 0.1 => format!("{ratio:.4}"),
        _ => format!("{ratio:.2}"),
    }
}

/// A time, with three digits.
pub(super) fn seconds(seconds: f64) -> String {
    match seconds {
        _ if seconds < 0.01 => format!("{:.2} ms", seconds * 1e3),
        _ if seconds < 1.0 => format!("{:.0} ms", seconds * 1e3),
        _ if seconds < 10.0 => format!("{seconds:.2} s"),
        _ => format!("{seconds:.1} s"),
    }
}

/// A number of bytes, by decimal units.
pub(super) fn bytes(bytes: f64) -> String {
    match bytes {
        _ if bytes < 1e6 => format!("{:.1} kB", bytes / 1e3),
        _ if bytes < 1e9 => format!("{:.1} MB", bytes / 1e6),
        _ => format!("{:.2} GB", bytes / 1e9),
    }
}

/// A number of anything.
pub(super) fn amount(amount: f64) -> String {
    match amount {
        _ if amount < 1e3 => format!("{amount}"),
        _ if amount < 1e6 => format!("{}k", amount / 1e3),
        _ if amount < 1e9 => format!("{}M", amount / 1e6),
        _ => format!("{}G", amount / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_of_the_template_is_filled() {
        let readme = readme(
            &Figures::default(),
            &[],
            &["layers-time.svg"],
            "- a machine\n",
        );
        assert!(!readme.contains("{{"), "{readme}");
        assert!(readme.contains("![layers-time](layers-time.svg)"));
        assert!(readme.contains("not measured"));
    }

    #[test]
    fn an_exponent_is_named() {
        assert_eq!(order(0.01, "bytes"), "O(1)");
        assert_eq!(order(1.05, "bytes"), "O(bytes)");
        assert_eq!(order(0.5, "bytes"), "less than O(bytes)");
        assert_eq!(order(1.9, "layers"), "**more than O(layers)**");
    }
}
