//! Whether the neighbours of a point hide everything beyond them, whatever there is.
//!
//! A neighbour at `δ` is nearer than the origin to every point `x` with `x · δ > |δ|² / 2`: beyond a distance `R`, to
//! all whose direction makes an angle with `δ` of which the cosine is above `|δ| / 2R`. The directions are cut into
//! cells, and a cell is covered if one neighbour hides all of it. Most points of a cloud are covered on all sides, so
//! that nothing far away has to be looked at.

/// The cells of all directions of a space: those of the faces of a cube, cut evenly.
#[derive(Debug)]
pub(super) struct Horizon {
    dimension: usize,
    /// The unit vector at the middle of each cell.
    centers: Vec<f64>,
    /// Cosine and sine of the largest angle between a direction and the middle of its cell.
    cosine: f64,
    sine: f64,
    /// No point is farther away.
    farthest: f64,
}

impl Horizon {
    /// The cells of a space of 1 to 4 dimensions: 2, 24, 54 or 216 of them. `None` for others.
    ///
    /// * `farthest` — no point is farther from another than the square root of this
    pub fn new(dimension: usize, farthest: f64) -> Option<Self> {
        let cuts = match dimension {
            1 => 1,
            2 => 6,
            3 | 4 => 3,
            _ => return None,
        };
        let mut centers = Vec::new();
        let mut cosine = 1.0_f64;
        for face in 0..2 * dimension {
            for cell in 0..usize::pow(cuts, dimension as u32 - 1) {
                let (center, least_cosine) = cell_of(face, cell, cuts, dimension);
                centers.extend(center);
                cosine = cosine.min(least_cosine);
            }
        }
        Some(Self {
            dimension,
            centers,
            cosine,
            sine: (1.0 - cosine * cosine).sqrt(),
            farthest: farthest.sqrt(),
        })
    }

    /// Whether every point farther than the square root of `limit` is nearer to some neighbour than to the origin.
    ///
    /// * `neighbors` — `dimension` numbers each; the nearest first is quickest
    /// * `reach` — a buffer
    pub fn is_covered(&self, neighbors: &[f64], limit: f64, reach: &mut Vec<f64>) -> bool {
        reach.clear();
        reach.extend(
            neighbors
                .chunks_exact(self.dimension)
                .map(|neighbor| self.reach(neighbor, limit)),
        );
        self.centers.chunks_exact(self.dimension).all(|center| {
            let mut neighbors = neighbors.chunks_exact(self.dimension).zip(&*reach);
            neighbors.any(|(neighbor, reach)| {
                let along: f64 = neighbor.iter().zip(center).map(|(x, u)| x * u).sum();
                along > *reach
            })
        })
    }

    /// How far a neighbour has to lie along the middle of a cell to hide all of the cell.
    fn reach(&self, neighbor: &[f64], limit: f64) -> f64 {
        /// Of cosines, against rounding here.
        const MARGIN: f64 = 1e-9;
        /// What a squared distance may lose, relative to itself.
        const ROUNDING: f64 = 1e-14;
        let squared: f64 = neighbor.iter().map(|x| x * x).sum();
        // Where squares lose digits or overflow, nothing is certain.
        if !(1e-280..1e280).contains(&squared) || !(1e-280..1e280).contains(&limit) {
            return f64::INFINITY;
        }
        // The neighbour must be nearer to the last digit, also to points so far away that few digits tell.
        let margin = MARGIN + ROUNDING * self.farthest / squared.sqrt();
        let hidden = (squared / limit).sqrt() / 2.0 + margin;
        // The angle to the middle, plus that from the middle to the rim, must have a cosine above `hidden`.
        if hidden >= self.cosine {
            return f64::INFINITY;
        }
        let at_middle = hidden * self.cosine + (1.0 - hidden * hidden).sqrt() * self.sine + MARGIN;
        at_middle * squared.sqrt()
    }
}

/// The middle of a cell as a unit vector, and the least cosine of an angle to its corners.
fn cell_of(face: usize, cell: usize, cuts: usize, dimension: usize) -> (Vec<f64>, f64) {
    let (axis, side) = (face / 2, if face.is_multiple_of(2) { 1.0 } else { -1.0 });
    // The place of a point of the face, by its offset in the cell: 0 to 1 along every other axis.
    let place = |offset: &dyn Fn(usize) -> f64| -> Vec<f64> {
        let mut rest = cell;
        let mut others = 0;
        let point: Vec<f64> = (0..dimension)
            .map(|k| {
                if k == axis {
                    return side;
                }
                let at = (rest % cuts) as f64 + offset(others);
                rest /= cuts;
                others += 1;
                // Evenly by angle, not by length.
                (std::f64::consts::FRAC_PI_4 * (2.0 * at / cuts as f64 - 1.0)).tan()
            })
            .collect();
        let length = point.iter().map(|x| x * x).sum::<f64>().sqrt();
        point.iter().map(|x| x / length).collect()
    };
    let center = place(&|_| 0.5);
    let corners = (0..1_usize << (dimension - 1)).map(|corner| place(&|k| ((corner >> k) & 1) as f64));
    // A cell is the intersection of half-spaces with the sphere, so that it lies in the cone over its corners, and the
    // cap around its middle that holds the corners holds that cone.
    let cosine = |corner: Vec<f64>| corner.iter().zip(&center).map(|(x, y)| x * y).sum::<f64>();
    let least = corners.map(cosine).fold(1.0, f64::min);
    (center, least)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_ring_of_neighbours_covers_the_plane_and_half_a_ring_does_not() {
        let horizon = Horizon::new(2, 100.0).unwrap();
        let ring = |count: usize, turn: f64| -> Vec<f64> {
            let angle = |at: usize| turn * at as f64 / count as f64;
            (0..count).flat_map(|at| [angle(at).cos(), angle(at).sin()]).collect()
        };
        let buffer = &mut Vec::new();
        assert!(horizon.is_covered(&ring(8, std::f64::consts::TAU), 4.0, buffer));
        assert!(!horizon.is_covered(&ring(8, std::f64::consts::PI), 4.0, buffer));
        // Nothing hides what is at their own distance.
        assert!(!horizon.is_covered(&ring(8, std::f64::consts::TAU), 0.2, buffer));
        assert!(!horizon.is_covered(&[], 4.0, buffer));
    }

    proptest! {
        #[test]
        fn what_is_covered_is_hidden(
            neighbors in prop::collection::vec(prop::array::uniform4(-1.0..1.0_f64), 0..40),
            far in prop::collection::vec(prop::array::uniform4(-1.0..1.0_f64), 1..60),
            dimension in 1..5_usize,
            limit in 0.2..9.0_f64,
        ) {
            let horizon = Horizon::new(dimension, 100.0).unwrap();
            let flat: Vec<f64> = neighbors.iter().flat_map(|x| x[..dimension].to_vec()).collect();
            if horizon.is_covered(&flat, limit, &mut Vec::new()) {
                for direction in &far {
                    let length = direction[..dimension].iter().map(|x| x * x).sum::<f64>().sqrt().max(1e-9);
                    let x: Vec<f64> = direction[..dimension].iter().map(|x| x / length * limit.sqrt() * 1.000_001).collect();
                    let to = |y: &[f64]| x.iter().zip(y).map(|(x, y)| (x - y).powi(2)).sum::<f64>();
                    prop_assert!(neighbors.iter().any(|y| to(&y[..dimension]) < to(&vec![0.0; dimension])));
                }
            }
        }
    }
}
