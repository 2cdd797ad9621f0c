//! Distances between persistence diagrams: how far the points of one must be moved to become those of the other.
//!
//! A diagram is a slice of pairs, of which only births and deaths count: choose a dimension with
//! [`Diagram::of_dimension`](crate::Diagram::of_dimension). Every point is moved to a point of the other diagram or to
//! the diagonal. Essential pairs can only become essential pairs, by a move of their births; diagrams with different
//! numbers of them are infinitely far apart.
//!
//! ```
//! use homology::matching::{Bottleneck, Wasserstein};
//! use homology::{Limits, Pair};
//!
//! let pair = |birth, death| Pair { dimension: 1, birth, death };
//! let (a, b) = ([pair(0.0, 1.0), pair(2.0, 2.5)], [pair(0.25, 1.0)]);
//! assert_eq!(Bottleneck.distance(&a, &b, &Limits::default())?, 0.25);
//! let wasserstein = Wasserstein { order: 1.0, ground: f64::INFINITY, ..Wasserstein::default() };
//! assert_eq!(wasserstein.distance(&a, &b, &Limits::default())?, 0.5);
//! # Ok::<(), homology::Error>(())
//! ```

mod assignment;
mod bisection;
mod bottleneck;
mod cover;
mod ground;
mod kd_tree;
mod line;
mod lists;
mod neighbours;
mod points;
mod search;
mod sliced;
mod start;
mod wasserstein;

pub use bottleneck::Bottleneck;
pub use sliced::SlicedWasserstein;
pub use start::WarmStart;
pub use wasserstein::Wasserstein;

/// A distance, and moves that attain it.
#[derive(Debug, Clone, PartialEq)]
pub struct Matching {
    /// Infinite if the numbers of essential pairs differ.
    pub distance: f64,
    /// Every pair of both diagrams once, by its place in the slice; sorted by `a`, then `b`. Empty if the distance is
    /// infinite.
    pub matches: Vec<Match>,
}

/// A pair of the first diagram and its partner in the second; `None` is the diagonal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Match {
    pub a: Option<usize>,
    pub b: Option<usize>,
}

impl Matching {
    fn infinite() -> Self {
        Self {
            distance: f64::INFINITY,
            matches: Vec::new(),
        }
    }

    /// The numbers of the partners of the finite points, by tree; [`points::DIAGONAL`] for the diagonal.
    fn new(distance: f64, a: &points::Points, b: &points::Points, mates: [&[u32]; 2]) -> Self {
        let a_id = |point: usize| a.tree.ids[point] as usize;
        let b_id = |point: usize| b.tree.ids[point] as usize;
        let mut matches = Vec::with_capacity(a.len() + b.len());
        for (point, mate) in mates[0].iter().enumerate() {
            let mate = (*mate != points::DIAGONAL).then_some(*mate as usize);
            matches.push(Match {
                a: Some(a_id(point)),
                b: mate.map(b_id),
            });
        }
        let left_out = mates[1]
            .iter()
            .enumerate()
            .filter(|(_, mate)| **mate == points::DIAGONAL);
        matches.extend(left_out.map(|(point, _)| Match {
            a: None,
            b: Some(b_id(point)),
        }));
        matches.extend(a.essential.iter().zip(&b.essential).map(|((_, i), (_, j))| Match {
            a: Some(*i as usize),
            b: Some(*j as usize),
        }));
        matches.extend(a.on_diagonal.iter().map(|id| Match {
            a: Some(*id as usize),
            b: None,
        }));
        matches.extend(b.on_diagonal.iter().map(|id| Match {
            a: None,
            b: Some(*id as usize),
        }));
        matches.sort_unstable_by_key(|pair| (pair.a.unwrap_or(usize::MAX), pair.b.unwrap_or(usize::MAX)));
        Self { distance, matches }
    }
}
