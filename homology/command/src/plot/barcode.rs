//! The barcode: a bar from birth to death for each class, one block of bars per series.

use super::scale::Scale;
use super::svg::{Frame, Svg};
use super::{Series, finite_range, longest};

/// As many bars as the eye can still tell apart on the height there is.
const MOST_BARS: usize = 150;
const GAP: f64 = 8.0;

pub fn draw(svg: &mut Svg, frame: Frame, series: &[Series<'_>]) {
    let (low, high) = finite_range(series);
    // Room on the right for the arrows of classes that never die.
    let x = Scale::new((low, high), frame.x, frame.right() - 16.0);
    for (value, label) in x.ticks() {
        svg.line((x.place(value), frame.bottom()), (x.place(value), frame.y), "grid");
        svg.text(x.place(value), frame.bottom() + 17.0, "tick x", &label);
    }
    svg.line((frame.x, frame.bottom()), (frame.right(), frame.bottom()), "axis");
    svg.text(
        frame.x + frame.width / 2.0,
        frame.bottom() + 38.0,
        "label x",
        "value of the filtration",
    );

    let shown: Vec<usize> = shares(&series.iter().map(|series| series.pairs.len()).collect::<Vec<_>>());
    let gaps = GAP * shown.iter().filter(|count| **count > 0).count() as f64;
    let step = ((frame.height - gaps) / shown.iter().sum::<usize>().max(1) as f64).min(14.0);
    let mut y = frame.y;
    for (at, (series, count)) in series.iter().zip(shown).enumerate() {
        if count == 0 {
            continue;
        }
        let (mut bars, left_out) = longest(series.pairs, count);
        bars.sort_by(|a, b| a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1])));
        svg.text(
            frame.x - 8.0,
            y + (step * count as f64 / 2.0) + 4.0,
            "label y",
            &series.label,
        );
        if left_out {
            let note = format!("the {count} longest of {}", series.pairs.len());
            svg.text(frame.right() + 20.0, y + 9.0, "note y", &note);
        }
        for bar in bars {
            draw_bar(svg, x, frame, y, step, bar, at);
            y += step;
        }
        y += GAP;
    }
}

fn draw_bar(svg: &mut Svg, x: Scale, frame: Frame, y: f64, step: f64, [birth, death]: [f64; 2], series: usize) {
    let class = format!("c{}", series % super::style::COLOURS);
    let (from, thickness) = (x.place(birth), (0.72 * step).max(0.8));
    let to = if death.is_infinite() {
        frame.right() - 6.0
    } else {
        x.place(death)
    };
    // A bar too short to be seen is drawn as long as a hair is wide.
    svg.rectangle(Frame::new(from, y, (to - from).max(0.8), thickness), &class);
    if death.is_infinite() {
        svg.arrow_head(frame.right(), y + thickness / 2.0, thickness.max(5.0), &class);
    }
}

/// How many bars of each series are shown: all if they fit, else each series gets an equal share, and what one does not
/// need goes to the others.
fn shares(counts: &[usize]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..counts.len()).collect();
    order.sort_by_key(|series| counts[*series]);
    let mut shares = vec![0; counts.len()];
    let mut room = MOST_BARS;
    for (at, series) in order.into_iter().enumerate() {
        shares[series] = counts[series].min(room / (counts.len() - at));
        room -= shares[series];
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_bars_are_all_shown_and_many_are_shared_out() {
        assert_eq!(shares(&[5, 0, 7]), [5, 0, 7]);
        assert_eq!(shares(&[1000, 10, 1000]), [70, 10, 70]);
        assert_eq!(shares(&[]), Vec::<usize>::new());
    }
}
