//! The two parts of a diagram: points of the plane, and classes that never die.

use super::ground::Point;
use super::kd_tree::KdTree;
use crate::limits::Meter;
use crate::{Error, Pair, Result};

/// One diagram, ready to be matched.
#[derive(Debug)]
pub(super) struct Points {
    /// The pairs of positive, finite length.
    pub tree: KdTree,
    /// Birth and number of the essential pairs, sorted by birth.
    pub essential: Vec<(f64, u32)>,
    /// The pairs of length 0, which lie on the diagonal already.
    pub on_diagonal: Vec<u32>,
}

impl Points {
    /// The number of pairs.
    pub fn len(&self) -> usize {
        self.tree.len() + self.essential.len() + self.on_diagonal.len()
    }

    /// Fails if a birth is not finite, a death is NaN or before its birth, or a length exceeds the largest float.
    pub fn new(pairs: &[Pair], meter: &mut Meter) -> Result<Self> {
        if pairs.len() >= FREE as usize {
            let limit = FREE as usize - 1;
            return Err(Error::TooManyPoints {
                found: pairs.len(),
                limit,
            });
        }
        let mut points: Vec<Point> = meter.vec(pairs.len())?;
        let mut ids = meter.vec(pairs.len())?;
        let (mut essential, mut on_diagonal) = (Vec::new(), Vec::new());
        for (at, pair) in pairs.iter().enumerate() {
            pair.check(at)?;
            if pair.is_essential() {
                meter.push(&mut essential, (pair.birth, at as u32))?;
            } else if pair.birth == pair.death {
                meter.push(&mut on_diagonal, at as u32)?;
            } else {
                points.push([pair.birth, pair.death]);
                ids.push(at as u32);
            }
        }
        essential.sort_unstable_by(|(a, i), (b, j)| a.total_cmp(b).then(i.cmp(j)));
        let tree = KdTree::new(points, ids, meter)?;
        Ok(Self {
            tree,
            essential,
            on_diagonal,
        })
    }
}

/// No partner yet.
pub(super) const FREE: u32 = u32::MAX - 1;
/// Matched with the diagonal.
pub(super) const DIAGONAL: u32 = u32::MAX;

/// The longest finite persistence; 0 without one.
pub(super) fn longest_of(pairs: &[Pair]) -> f64 {
    let finite = pairs.iter().filter(|pair| !pair.is_essential());
    finite.map(Pair::persistence).fold(0.0, f64::max)
}

/// The differences of the births of the essential pairs, matched in the order of birth, which is best for every
/// convex cost; `None` if their numbers differ, and then no matching is finite.
pub(super) fn essential_gaps(a: &Points, b: &Points) -> Option<Vec<f64>> {
    if a.essential.len() != b.essential.len() {
        return None;
    }
    let both = a.essential.iter().zip(&b.essential);
    Some(both.map(|((x, _), (y, _))| (x - y).abs()).collect())
}
