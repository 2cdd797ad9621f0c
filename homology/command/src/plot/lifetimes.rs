//! How long the classes of each window live, window after window.

use super::scale::Scale;
use super::svg::{Frame, Svg};
use super::{Series, longest};

/// Marks per window and dimension: the long-lived classes are what is looked for.
const MOST_MARKS: usize = 25;

/// One window: where it starts, and its classes.
pub struct Column<'a> {
    pub start: usize,
    pub series: Vec<Series<'a>>,
}

/// The finite lifetime of each class above the start of its window. Classes that never die are not shown: they have no
/// length.
pub fn draw(svg: &mut Svg, frame: Frame, columns: &[Column<'_>]) {
    let finite = |pair: &&[f64; 2]| pair[1].is_finite();
    let pairs = || {
        columns
            .iter()
            .flat_map(|column| column.series.iter().flat_map(|series| series.pairs))
    };
    let high = pairs().filter(finite).map(|pair| pair[1] - pair[0]).fold(0.0, f64::max);
    let last = columns.last().map_or(0, |column| column.start).max(1);
    let y = Scale::new((0.0, if high > 0.0 { high } else { 1.0 }), frame.bottom(), frame.y);
    let x = Scale::new((0.0, last as f64), frame.x + 8.0, frame.right() - 8.0);
    draw_axes(svg, frame, x, y);
    for column in columns {
        for (at, series) in column.series.iter().enumerate() {
            let lifetimes: Vec<[f64; 2]> = series.pairs.iter().filter(finite).copied().collect();
            for [birth, death] in longest(&lifetimes, MOST_MARKS).0 {
                svg.mark(x.place(column.start as f64), y.place(death - birth), 3.4, at);
            }
        }
    }
    if columns
        .iter()
        .any(|column| column.series.iter().any(|series| series.pairs.len() > MOST_MARKS))
    {
        let note = format!("the {MOST_MARKS} longest of each window and dimension are drawn");
        svg.text(frame.x, frame.y - 6.0, "note", &note);
    }
}

fn draw_axes(svg: &mut Svg, frame: Frame, x: Scale, y: Scale) {
    for (value, label) in x.ticks() {
        svg.line((x.place(value), frame.bottom()), (x.place(value), frame.y), "grid");
        svg.text(x.place(value), frame.bottom() + 17.0, "tick x", &label);
    }
    for (value, label) in y.ticks() {
        svg.line((frame.x, y.place(value)), (frame.right(), y.place(value)), "grid");
        svg.text(frame.x - 7.0, y.place(value) + 4.0, "tick y", &label);
    }
    svg.line((frame.x, frame.bottom()), (frame.right(), frame.bottom()), "axis");
    svg.line((frame.x, frame.bottom()), (frame.x, frame.y), "axis");
    svg.text(
        frame.x + frame.width / 2.0,
        frame.bottom() + 38.0,
        "label x",
        "first row of the window",
    );
    svg.upward_text(
        frame.x - 48.0,
        frame.y + frame.height / 2.0,
        "label x",
        "lifetime (death − birth)",
    );
}
