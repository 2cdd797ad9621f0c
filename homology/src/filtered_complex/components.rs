//! Homology in degree 0 of a filtered complex, by union-find.

use super::order::Order;
use super::{FilteredComplex, SimplexPair};
use crate::Result;
use crate::limits::Meter;

/// Disjoint sets, each known by its first vertex in the order of the filtration.
struct Components {
    /// By rank; a vertex that is first in its set is its own elder.
    elders: Vec<u32>,
}

impl Components {
    fn first(&mut self, mut rank: u32) -> u32 {
        while self.elders[rank as usize] != rank {
            // Path halving.
            let elder = self.elders[self.elders[rank as usize] as usize];
            self.elders[rank as usize] = elder;
            rank = elder;
        }
        rank
    }
}

/// Appends the pairs of degree 0, and returns for each edge, by rank, whether it kills a component.
pub(super) fn pair(
    complex: &FilteredComplex,
    vertices: &Order,
    edges: &Order,
    pairs: &mut Vec<SimplexPair>,
    meter: &mut Meter,
) -> Result<Vec<bool>> {
    let mut components = Components {
        elders: meter.vec(vertices.len())?,
    };
    components.elders.extend(0..vertices.len() as u32);
    let mut kills = meter.vec(edges.len())?;
    for edge in edges.places() {
        meter.work(1)?;
        let ends = complex.skeletons[1].facets(*edge as usize);
        let first = [ends[0], ends[1]].map(|end| components.first(vertices.rank(end)));
        let (elder, younger) = (first[0].min(first[1]), first[0].max(first[1]));
        kills.push(elder != younger);
        if elder != younger {
            components.elders[younger as usize] = elder;
            let birth = vertices.places()[younger as usize];
            push(pairs, birth, Some(*edge), meter)?;
        }
    }
    for (rank, place) in (0..).zip(vertices.places()) {
        if components.elders[rank as usize] == rank {
            push(pairs, *place, None, meter)?;
        }
    }
    meter.free(components.elders);
    Ok(kills)
}

fn push(pairs: &mut Vec<SimplexPair>, birth: u32, death: Option<u32>, meter: &mut Meter) -> Result<()> {
    meter.push(
        pairs,
        SimplexPair {
            dimension: 0,
            birth,
            death,
        },
    )
}
