//! Plots as SVG: persistence diagram and barcode, readable on light and on dark paper.

mod barcode;
mod diagram;
mod lifetimes;

mod scale;
mod style;
mod svg;

use std::path::Path;

use crate::answer::Diagrams;
use crate::failure::{Failure, Result};
use svg::{Frame, Svg};

/// Classes that are drawn alike: those of one dimension, or of one of two diagrams.
pub(crate) struct Series<'a> {
    label: String,
    /// `[birth, death]`.
    pairs: &'a [[f64; 2]],
}

const WIDTH: f64 = 980.0;
const HEIGHT: f64 = 500.0;
const LEFT: Frame = Frame::new(64.0, 84.0, 360.0, 360.0);
const RIGHT: Frame = Frame::new(520.0, 84.0, 436.0, 360.0);

/// Diagram and barcode of one answer.
pub fn diagrams(title: &str, dgms: &Diagrams) -> String {
    draw_classes(title, &by_dimension(dgms))
}

fn draw_classes(title: &str, series: &[Series<'_>]) -> String {
    let mut svg = page(title, &series.iter().map(counted).collect::<Vec<_>>());
    diagram::draw(&mut svg, LEFT, series);
    barcode::draw(&mut svg, RIGHT, series);
    svg.finish()
}

/// Two diagrams on top of each other, and their barcodes.
pub fn comparison(title: &str, labels: [&str; 2], pairs: [&[[f64; 2]]; 2]) -> String {
    let series: Vec<_> = (0..2)
        .map(|side| Series {
            label: labels[side].to_owned(),
            pairs: pairs[side],
        })
        .collect();
    draw_classes(title, &series)
}

/// The lifetimes of the classes of every window; each begins at a row and has diagrams.
pub fn windows(title: &str, windows: &[(usize, &Diagrams)]) -> String {
    let columns: Vec<_> = windows
        .iter()
        .map(|(start, dgms)| lifetimes::Column {
            start: *start,
            series: by_dimension(dgms),
        })
        .collect();
    let legend = (0..windows.first().map_or(0, |(_, dgms)| dgms.len())).map(|dimension| format!("H{dimension}"));
    let mut svg = page(title, &legend.collect::<Vec<_>>());
    lifetimes::draw(
        &mut svg,
        Frame::new(LEFT.x, LEFT.y, RIGHT.right() - LEFT.x, LEFT.height),
        &columns,
    );
    svg.finish()
}

fn by_dimension(dgms: &Diagrams) -> Vec<Series<'_>> {
    let series = dgms.iter().enumerate().map(|(dimension, pairs)| Series {
        label: format!("H{dimension}"),
        pairs,
    });
    series.collect()
}

/// A page with title and legend, one label per series.
fn page(title: &str, labels: &[String]) -> Svg {
    let mut svg = Svg::new(WIDTH, HEIGHT, style::CSS);
    svg.text(LEFT.x, 28.0, "title", title);
    let mut x = LEFT.x + 6.0;
    for (at, label) in labels.iter().enumerate() {
        svg.mark(x, 50.0, 5.0, at);
        svg.text(x + 11.0, 54.0, "label", label);
        x += 36.0 + 6.6 * label.chars().count() as f64;
    }
    svg
}

/// The name of a series and how many classes it has.
fn counted(series: &Series<'_>) -> String {
    let essential = series.pairs.iter().filter(|pair| pair[1].is_infinite()).count();
    let never = match essential {
        0 => String::new(),
        1 => ", 1 never dies".to_owned(),
        _ => format!(", {essential} never die"),
    };
    format!("{}: {}{never}", series.label, series.pairs.len())
}

/// The smallest and the largest finite value, apart from each other.
fn finite_range(series: &[Series<'_>]) -> (f64, f64) {
    let values = series
        .iter()
        .flat_map(|series| series.pairs.iter().flatten())
        .filter(|value| value.is_finite());
    let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
        (low.min(*value), high.max(*value))
    });
    if low > high {
        (0.0, 1.0)
    } else if low == high {
        (low, low + low.abs().max(1.0))
    } else {
        (low, high)
    }
}

/// The `most` longest pairs, longest last, and whether some were left out.
fn longest(pairs: &[[f64; 2]], most: usize) -> (Vec<[f64; 2]>, bool) {
    let mut sorted = pairs.to_vec();
    sorted.sort_by(|a, b| (a[1] - a[0]).total_cmp(&(b[1] - b[0])));
    let left_out = sorted.len().saturating_sub(most);
    (sorted.split_off(left_out), left_out > 0)
}

pub fn write(target: &Path, svg: &str) -> Result<()> {
    std::fs::write(target, svg)
        .map_err(|error| Failure::not_done(target.display(), format!("the plot cannot be written: {error}")))
}
