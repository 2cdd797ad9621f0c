//! Points in the order of their insertion, and the signs on which a triangulation rests.

use super::expansion::Expansion;
use super::number::{Double, Number};

/// Distinct points, perhaps with weights, scaled so that no predicate overflows or underflows.
///
/// A triangulation of dimension `N − 1` may live in a space of more dimensions `D`, if all points lie on a line or a
/// plane: the first `N − 1` coordinates then tell the points apart, and only lengths use the others.
#[derive(Debug)]
pub(crate) struct Sites<const D: usize> {
    pub points: Vec<[f64; D]>,
    /// Power distance is squared distance minus weight; empty if all weights are 0.
    pub weights: Vec<f64>,
    /// A power of two of which every coordinate is a multiple, and whose square divides every weight.
    pub unit: f64,
}

/// Relative error of one operation on `f64`, and a bound for one on [`Double`].
const FLOAT: f64 = f64::EPSILON / 2.0;
const DOUBLE: f64 = 9.860_761_315_262_648e-32; // 2⁻¹⁰³

impl<const D: usize> Sites<D> {
    /// −1, 0 or 1 as `N` points turn: in the plane 1 if counterclockwise.
    #[inline]
    pub fn orientation<const N: usize>(&self, simplex: [u32; N]) -> i8 {
        let points = simplex.map(|vertex| &self.points[vertex as usize]);
        // Each product has `N - 1` factors; each factor and each operation on the way may err once.
        let (products, roundings) = [(0.0, 0.0), (0.0, 0.0), (1.0, 1.0), (2.0, 5.0), (6.0, 9.0)][N];
        let mut scale = products * roundings;
        for axis in 0..N - 1 {
            let last = points[N - 1][axis];
            scale *= points[..N - 1]
                .iter()
                .fold(0.0, |most: f64, point| most.max((point[axis] - last).abs()));
        }
        let found: f64 = orientation(points);
        match self.decide(found, scale * FLOAT, N as i32 - 1) {
            Some(sign) => sign,
            None => self.orientation_exactly(points, scale),
        }
    }

    #[cold]
    fn orientation_exactly<const N: usize>(&self, points: [&[f64; D]; N], scale: f64) -> i8 {
        let found: Double = orientation(points);
        self.decide(found.value(), scale * DOUBLE, N as i32 - 1)
            .unwrap_or_else(|| orientation::<Expansion, D, N>(points).sign())
    }

    /// 1 if `point` is inside the circumscribed sphere of a positive simplex, 0 if on it, −1 if outside. With weights
    /// the sphere orthogonal to the weighted points, and the sign of minus the power distance to it.
    #[inline]
    pub fn in_sphere<const N: usize>(&self, simplex: [u32; N], point: u32) -> i8 {
        let points = simplex.map(|vertex| &self.points[vertex as usize]);
        let center = &self.points[point as usize];
        let weights = self.weight_rows(simplex, point);
        let (products, roundings) = [(0.0, 0.0), (0.0, 0.0), (2.0, 10.0), (6.0, 15.0), (24.0, 20.0)][N];
        let mut scale = products * roundings;
        for axis in 0..N - 1 {
            scale *= points
                .iter()
                .fold(0.0, |most: f64, point| most.max((point[axis] - center[axis]).abs()));
        }
        let lift = |at: usize| -> f64 {
            let squares = (0..D)
                .map(|axis| (points[at][axis] - center[axis]).powi(2))
                .sum::<f64>();
            squares + (weights[at] - weights[N]).abs()
        };
        scale *= (0..N).fold(0.0, |most: f64, at| most.max(lift(at)));
        let found: f64 = in_sphere(points, center, weights);
        match self.decide(found, scale * FLOAT, N as i32 + 1) {
            Some(sign) => sign,
            None => self.in_sphere_exactly(points, center, weights, scale),
        }
    }

    #[cold]
    fn in_sphere_exactly<const N: usize>(
        &self,
        points: [&[f64; D]; N],
        center: &[f64; D],
        weights: [f64; 5],
        scale: f64,
    ) -> i8 {
        let found: Double = in_sphere(points, center, weights);
        self.decide(found.value(), scale * DOUBLE, N as i32 + 1)
            .unwrap_or_else(|| in_sphere::<Expansion, D, N>(points, center, weights).sign())
    }

    /// The weights of a simplex and, at place `N`, that of a point.
    #[inline(always)]
    fn weight_rows<const N: usize>(&self, simplex: [u32; N], point: u32) -> [f64; 5] {
        let mut weights = [0.0; 5];
        if !self.weights.is_empty() {
            for (weight, vertex) in weights.iter_mut().zip(simplex.iter().chain([&point])) {
                *weight = self.weights[*vertex as usize];
            }
        }
        weights
    }

    /// The sign of a polynomial of the coordinates, if its value `found` with an error of at most `error` tells it.
    ///
    /// The polynomial is homogeneous of `degree`, so its value is a multiple of `unit` to that power, and 0 if it is
    /// smaller: that spares grids the exact arithmetic.
    #[inline(always)]
    fn decide(&self, found: f64, error: f64, degree: i32) -> Option<i8> {
        if found > error {
            Some(1)
        } else if found < -error {
            Some(-1)
        } else if 2.0 * error < self.unit.powi(degree) {
            Some(0)
        } else {
            None
        }
    }
}

/// The determinant of the rows `points[i] − points[N − 1]`.
#[inline(always)]
fn orientation<T: Number, const D: usize, const N: usize>(points: [&[f64; D]; N]) -> T {
    let entry = |row: usize, axis: usize| T::difference(points[row][axis], points[N - 1][axis]);
    match N {
        2 => entry(0, 0),
        3 => determinant_2([0, 1].map(|row| [entry(row, 0), entry(row, 1)])),
        _ => determinant_3([0, 1, 2].map(|row| [entry(row, 0), entry(row, 1), entry(row, 2)])),
    }
}

/// The determinant of the rows `points[i] − center`, each followed by the squared length of the row minus the
/// difference of the weights.
#[inline(always)]
fn in_sphere<T: Number, const D: usize, const N: usize>(
    points: [&[f64; D]; N],
    center: &[f64; D],
    weights: [f64; 5],
) -> T {
    let entry = |row: usize, axis: usize| T::difference(points[row][axis], center[axis]);
    let lift = |row: usize| {
        let mut sum = T::difference(weights[N], weights[row]);
        for axis in 0..D {
            let difference = entry(row, axis);
            sum = sum.plus(&difference.times(&difference));
        }
        sum
    };
    match N {
        2 => determinant_2([0, 1].map(|row| [entry(row, 0), lift(row)])),
        3 => determinant_3([0, 1, 2].map(|row| [entry(row, 0), entry(row, 1), lift(row)])),
        _ => determinant_4([0, 1, 2, 3].map(|row| [entry(row, 0), entry(row, 1), entry(row, 2), lift(row)])),
    }
}

#[inline(always)]
fn determinant_2<T: Number>([[a, b], [c, d]]: [[T; 2]; 2]) -> T {
    a.times(&d).minus(&b.times(&c))
}

#[inline(always)]
fn determinant_3<T: Number>(rows: [[T; 3]; 3]) -> T {
    let minor = |i: usize, j: usize| rows[i][0].times(&rows[j][1]).minus(&rows[j][0].times(&rows[i][1]));
    let first = rows[2][2].times(&minor(0, 1));
    first
        .plus(&rows[0][2].times(&minor(1, 2)))
        .minus(&rows[1][2].times(&minor(0, 2)))
}

/// Along the last column, with the six minors of the first two shared.
#[inline(always)]
fn determinant_4<T: Number>(rows: [[T; 4]; 4]) -> T {
    let minor = |i: usize, j: usize| rows[i][0].times(&rows[j][1]).minus(&rows[j][0].times(&rows[i][1]));
    let (ab, ac, ad, bc, bd, cd) = (
        minor(0, 1),
        minor(0, 2),
        minor(0, 3),
        minor(1, 2),
        minor(1, 3),
        minor(2, 3),
    );
    let triple = |i: usize, jk: &T, j: usize, ik: &T, k: usize, ij: &T| {
        rows[i][2]
            .times(jk)
            .minus(&rows[j][2].times(ik))
            .plus(&rows[k][2].times(ij))
    };
    let abc = triple(0, &bc, 1, &ac, 2, &ab);
    let abd = triple(0, &bd, 1, &ad, 3, &ab);
    let acd = triple(0, &cd, 2, &ad, 3, &ac);
    let bcd = triple(1, &cd, 2, &bd, 3, &bc);
    let left = rows[3][3].times(&abc).minus(&rows[2][3].times(&abd));
    left.plus(&rows[1][3].times(&acd).minus(&rows[0][3].times(&bcd)))
}
