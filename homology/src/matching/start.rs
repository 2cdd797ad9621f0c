//! What one matching leaves for the next.

use super::assignment::Potential;
use super::ground::{Cost, Point};
use super::kd_tree::KdTree;
use super::points::DIAGONAL;

/// The outcome of a matching, to start the next one from: between neighbouring windows little changes, and a good start
/// saves most of the search. It never changes the distance, only the time; any state will do, an empty one too.
///
/// Keep one for each sequence of diagrams and kind of distance.
#[derive(Debug, Clone, Default)]
pub struct WarmStart {
    potential: Option<(Cost, Potential)>,
    moves: Vec<(Point, Point)>,
}

impl WarmStart {
    pub fn new() -> Self {
        Self::default()
    }

    /// The duals of the last Wasserstein matching, in the scale of `cost`; `None` if it had another order or norm.
    pub(super) fn potential(&mut self, cost: &Cost) -> Option<Potential> {
        let (old, mut potential) = self.potential.take()?;
        let factor = cost.relative_to(&old)?;
        potential.dual.iter_mut().for_each(|dual| *dual *= factor);
        potential.dual.iter().all(|dual| dual.is_finite()).then_some(potential)
    }

    pub(super) fn remember_potential(&mut self, cost: Cost, potential: Potential) {
        self.potential = Some((cost, potential));
    }

    /// The pairs of the last bottleneck matching.
    pub(super) fn moves(&self) -> &[(Point, Point)] {
        &self.moves
    }

    pub(super) fn remember_moves(&mut self, a: &KdTree, b: &KdTree, mates: &[u32]) {
        let matched = a.points.iter().zip(mates).filter(|(_, mate)| **mate != DIAGONAL);
        self.moves.clear();
        self.moves
            .extend(matched.map(|(point, mate)| (*point, b.points[*mate as usize])));
    }
}
