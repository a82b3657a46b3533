//! Plots: lines on two logarithmic scales for the curves, bars for the programs that import a layer.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::markdown::{amount, bytes, seconds};
use crate::curves::Curve;
use crate::figures::{Figures, Unit};

/// Size of a plot, and of the space around it for words.
const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 420.0;
const LEFT: f64 = 80.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 110.0;

/// Colours that also differ for those who do not see red or green (Okabe and Ito).
const COLOURS: [&str; 6] = [
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9",
];

/// The group whose figures are shown as bars.
const BARS: &str = "import";

/// All plots, with their files' names.
pub(super) fn plots(figures: &Figures, curves: &[Curve]) -> Vec<(String, String)> {
    let mut plots = Vec::new();
    if figures.all().any(|figure| figure.group == BARS) {
        plots.push((format!("{BARS}.svg"), bars(figures)));
    }
    let names: BTreeSet<&str> = curves.iter().map(|curve| curve.plot).collect();
    for name in names {
        let own: Vec<&Curve> = curves.iter().filter(|curve| curve.plot == name).collect();
        let of = own.first().map_or("", |curve| curve.of);
        let time: Vec<Line<'_>> = own
            .iter()
            .map(|curve| Line {
                name: curve.name,
                points: curve
                    .points
                    .iter()
                    .map(|(amount, sample)| (*amount, sample.wall.as_secs_f64()))
                    .collect(),
            })
            .collect();
        let memory: Vec<Line<'_>> = own
            .iter()
            .map(|curve| Line {
                name: curve.name,
                points: curve
                    .points
                    .iter()
                    .filter_map(|(amount, sample)| Some((*amount, sample.peak? as f64)))
                    .collect(),
            })
            .collect();
        plots.push((
            format!("{name}-time.svg"),
            lines(&format!("time by {of}"), &time, seconds),
        ));
        plots.push((
            format!("{name}-memory.svg"),
            lines(&format!("peak memory by {of}"), &memory, bytes),
        ));
    }
    plots
}

struct Line<'a> {
    name: &'a str,
    points: Vec<(f64, f64)>,
}

/// A logarithmic scale over whole powers of ten.
struct Scale {
    low: i32,
    high: i32,
    from: f64,
    to: f64,
}

impl Scale {
    fn over(numbers: impl Iterator<Item = f64>, from: f64, to: f64) -> Self {
        let logarithms: Vec<f64> = numbers.map(|number| number.max(1e-9).log10()).collect();
        let low = logarithms.iter().copied().fold(f64::INFINITY, f64::min);
        let high = logarithms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let (low, high) = match low.is_finite() {
            true => (low.floor() as i32, high.ceil() as i32),
            false => (0, 1),
        };
        Self {
            low,
            high: high.max(low + 1),
            from,
            to,
        }
    }

    fn at(&self, number: f64) -> f64 {
        let part =
            (number.max(1e-9).log10() - f64::from(self.low)) / f64::from(self.high - self.low);
        self.from + part * (self.to - self.from)
    }

    fn ticks(&self) -> impl Iterator<Item = f64> {
        (self.low..=self.high).map(|power| 10f64.powi(power))
    }
}

fn lines(title: &str, lines: &[Line<'_>], label: fn(f64) -> String) -> String {
    let points = || lines.iter().flat_map(|line| &line.points);
    let across = Scale::over(points().map(|point| point.0), LEFT, WIDTH - RIGHT);
    let up = Scale::over(points().map(|point| point.1), HEIGHT - BOTTOM, TOP);
    let mut svg = begin(title);
    for tick in across.ticks() {
        let x = across.at(tick);
        grid(&mut svg, (x, TOP), (x, HEIGHT - BOTTOM));
        text(
            &mut svg,
            (x, HEIGHT - BOTTOM + 18.0),
            "middle",
            &amount(tick),
        );
    }
    for tick in up.ticks() {
        let y = up.at(tick);
        grid(&mut svg, (LEFT, y), (WIDTH - RIGHT, y));
        text(&mut svg, (LEFT - 6.0, y + 4.0), "end", &label(tick));
    }
    for (number, line) in lines.iter().enumerate() {
        let colour = COLOURS[number % COLOURS.len()];
        let places: Vec<(f64, f64)> = line
            .points
            .iter()
            .map(|(x, y)| (across.at(*x), up.at(*y)))
            .collect();
        let path: Vec<String> = places
            .iter()
            .map(|(x, y)| format!("{x:.1},{y:.1}"))
            .collect();
        let _ = writeln!(
            svg,
            r#"<polyline fill="none" stroke="{colour}" stroke-width="2" points="{}"/>"#,
            path.join(" ")
        );
        for (x, y) in places {
            let _ = writeln!(
                svg,
                r#"<circle cx="{x:.1}" cy="{y:.1}" r="3" fill="{colour}"/>"#
            );
        }
        let (column, row) = ((number % 2) as f64, (number / 2) as f64);
        let (x, y) = (LEFT + column * 330.0, HEIGHT - BOTTOM + 44.0 + row * 20.0);
        let _ = writeln!(
            svg,
            r#"<rect x="{x:.1}" y="{:.1}" width="14" height="4" fill="{colour}"/>"#,
            y - 6.0
        );
        text(&mut svg, (x + 20.0, y), "start", line.name);
    }
    svg + "</svg>\n"
}

/// A bar for each time of the group, with its median.
fn bars(figures: &Figures) -> String {
    let bars: Vec<(&str, f64)> = figures
        .all()
        .filter(|figure| figure.group == BARS && figure.unit == Unit::Seconds)
        .filter_map(|figure| Some((figure.name.as_str(), figure.median()?)))
        .collect();
    let longest = bars
        .iter()
        .map(|bar| bar.1)
        .fold(f64::MIN_POSITIVE, f64::max);
    let (names, step) = (360.0, (HEIGHT - TOP - 10.0) / bars.len().max(1) as f64);
    let mut svg = begin("one layer: median times");
    for (number, (name, time)) in bars.iter().enumerate() {
        let y = TOP + number as f64 * step;
        let colour = match name.starts_with("transom") {
            true => COLOURS[0],
            false => "#999999",
        };
        let width = time / longest * (WIDTH - names - 90.0);
        text(&mut svg, (names - 8.0, y + step * 0.65), "end", name);
        let _ = writeln!(
            svg,
            r#"<rect x="{names}" y="{y:.1}" width="{width:.1}" height="{:.1}" fill="{colour}"/>"#,
            step * 0.75
        );
        text(
            &mut svg,
            (names + width + 6.0, y + step * 0.65),
            "start",
            &seconds(*time),
        );
    }
    svg + "</svg>\n"
}

fn begin(title: &str) -> String {
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{HEIGHT}\" \
         viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" font-size=\"13\">\n\
         <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#ffffff\"/>\n"
    );
    text(&mut svg, (WIDTH / 2.0, 22.0), "middle", title);
    svg
}

fn grid(svg: &mut String, from: (f64, f64), to: (f64, f64)) {
    let _ = writeln!(
        svg,
        r##"<line x1="{:.1}" y1="{:.1}" x2="{:.1}" y2="{:.1}" stroke="#dddddd"/>"##,
        from.0, from.1, to.0, to.1
    );
}

fn text(svg: &mut String, at: (f64, f64), anchor: &str, words: &str) {
    let words = words.replace('&', "&amp;").replace('<', "&lt;");
    let _ = writeln!(
        svg,
        r##"<text x="{:.1}" y="{:.1}" text-anchor="{anchor}" fill="#222222">{words}</text>"##,
        at.0, at.1
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_takes_whole_powers_of_ten_and_keeps_their_order() {
        let scale = Scale::over([3.0, 500.0].into_iter(), 0.0, 300.0);
        assert_eq!(
            scale.ticks().collect::<Vec<_>>(),
            [1.0, 10.0, 100.0, 1000.0]
        );
        assert!((scale.at(10.0) - 100.0).abs() < 1e-9);
    }

    #[test]
    fn a_plot_is_well_formed_whatever_it_shows() {
        let line = |points: &[(f64, f64)]| Line {
            name: "a < b & c",
            points: points.to_vec(),
        };
        for plot in [
            lines("none", &[], seconds),
            lines("empty", &[line(&[])], seconds),
            lines("one", &[line(&[(1.0, 0.0)])], bytes),
            lines("two", &[line(&[(1.0, 5.0), (10.0, 7.0)])], bytes),
        ] {
            assert!(plot.starts_with("<svg") && plot.ends_with("</svg>\n"));
            assert!(!plot.contains("NaN") && !plot.contains("inf"), "{plot}");
            assert!(!plot.contains("a < b"));
        }
    }
}
