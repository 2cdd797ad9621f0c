//! The persistence diagram: a mark at (birth, death) for each class.

use super::scale::Scale;
use super::svg::{Frame, Svg};
use super::{Series, finite_range, longest};

/// More marks than this hide each other and make files that no program likes to open.
const MOST_MARKS: usize = 3000;
/// Above the axis for finite values lies the line of the classes that never die.
const NEVER_HEIGHT: f64 = 26.0;

pub fn draw(svg: &mut Svg, frame: Frame, series: &[Series<'_>]) {
    let (low, high) = finite_range(series);
    // A little room, so that the last death does not lie on the frame.
    let range = (low, (high + (high / 2.0 - low / 2.0) * 0.1).min(f64::MAX));
    let x = Scale::new(range, frame.x, frame.right());
    let y = Scale::new(range, frame.bottom(), frame.y + NEVER_HEIGHT);
    draw_axes(svg, frame, x, y, range);
    let mut left_out = false;
    let never = frame.y + NEVER_HEIGHT / 2.0;
    if series
        .iter()
        .any(|series| series.pairs.iter().any(|pair| pair[1].is_infinite()))
    {
        svg.line((frame.x, never), (frame.right(), never), "never");
        svg.text(frame.x - 7.0, never + 5.0, "tick y", "∞");
    }
    for (at, series) in series.iter().enumerate() {
        let (pairs, some_left_out) = longest(series.pairs, MOST_MARKS);
        left_out |= some_left_out;
        for [birth, death] in pairs {
            let height = if death.is_infinite() { never } else { y.place(death) };
            svg.mark(x.place(birth), height, 4.2, at);
        }
    }
    if left_out {
        let note = format!("the {MOST_MARKS} longest of each kind are drawn");
        svg.text(frame.x, frame.y - 6.0, "note", &note);
    }
}

fn draw_axes(svg: &mut Svg, frame: Frame, x: Scale, y: Scale, (low, high): (f64, f64)) {
    for (value, label) in x.ticks() {
        let (across, up) = (x.place(value), y.place(value));
        svg.line((across, frame.bottom()), (across, frame.y + NEVER_HEIGHT), "grid");
        svg.line((frame.x, up), (frame.right(), up), "grid");
        svg.text(across, frame.bottom() + 17.0, "tick x", &label);
        svg.text(frame.x - 7.0, up + 4.0, "tick y", &label);
    }
    svg.line((x.place(low), y.place(low)), (x.place(high), y.place(high)), "diagonal");
    svg.line((frame.x, frame.bottom()), (frame.right(), frame.bottom()), "axis");
    svg.line((frame.x, frame.bottom()), (frame.x, frame.y), "axis");
    svg.text(frame.x + frame.width / 2.0, frame.bottom() + 38.0, "label x", "birth");
    svg.upward_text(frame.x - 48.0, frame.y + frame.height / 2.0, "label x", "death");
}
