//! When simplices enter the alpha filtration: squared radii of smallest orthogonal spheres, and what lies inside them.
//!
//! Radii are computed in `f64` where the simplex is well shaped, and in higher precision where it is so flat that
//! rounding would show. The sign that says whether a corner of a tetrahedron is inside the sphere of its triangle is not
//! always decided exactly: an error of the sign means that the corner is so near to that sphere that the triangle and
//! the tetrahedron have, to a relative error below 10⁻¹¹, the same value anyway.

use crate::filtration::delaunay::{Double, Expansion, Number, Sites, scaled};

/// How flat a simplex may be for a precision to serve: the product of its longest sides over its volume.
///
/// With `K` this quotient and `u` the unit roundoff, the relative error of a squared radius is below `100 u K`, and the
/// squared radii of a facet and of a simplex whose sign was mistaken differ by less than `7000 u² K⁵`, relatively.
const FLAT_FOR_FLOAT: f64 = 2048.0;
const FLAT_FOR_DOUBLE: f64 = 1e9;
/// Lengths below this are scaled up, lest the eighth power underflows.
const TINY: f64 = 7.888_609_052_210_118e-31; // 2⁻¹⁰⁰

/// The squared radius of the sphere through (with weights: orthogonal to) the corners of a tetrahedron, and a bit for
/// each corner that is inside the smallest such sphere of the opposite triangle.
pub(super) fn tetrahedron(sites: &Sites<3>, cell: [u32; 4]) -> (f64, u8) {
    let mut points = cell.map(|vertex| sites.points[vertex as usize]);
    let mut weights = weights(sites, cell);
    let extent = extent(&points);
    let mut exponent = 0;
    if extent < TINY {
        exponent = -extent.log2().floor() as i32;
        points = points.map(|point| point.map(|x| scaled(x, exponent)));
        weights = weights.map(|weight| scaled(weight, 2 * exponent));
    }
    let extent = scaled(extent, exponent);
    let float = Orthosphere::<f64>::of(&points, &weights);
    let flatness = extent.powi(3) / float.volume.abs();
    let (squared, attached) = if flatness < FLAT_FOR_FLOAT && sites.weights.is_empty() {
        float.measure(weights[0])
    } else if flatness < FLAT_FOR_DOUBLE {
        Orthosphere::<Double>::of(&points, &weights).measure(weights[0])
    } else {
        Orthosphere::<Expansion>::of(&points, &weights).measure(weights[0])
    };
    (scaled(squared, -2 * exponent), attached)
}

/// The center of a sphere through four points: `points[0] + numerator / (2 · volume)`.
struct Orthosphere<T> {
    numerator: [T; 3],
    /// Six times the signed volume of the tetrahedron.
    volume: T,
    /// Barycentric coordinates of the center, times `2 · volume²`.
    barycentric: [T; 4],
}

impl<T: Number> Orthosphere<T> {
    #[inline(always)]
    fn of(points: &[[f64; 3]; 4], weights: &[f64; 4]) -> Self {
        let [a, b, c] = [1, 2, 3].map(|at| difference::<T, 3>(&points[at], &points[0]));
        let [la, lb, lc] = [(1, &a), (2, &b), (3, &c)].map(|(at, edge)| lift(edge, weights[at], weights[0]));
        let normals = [cross(&b, &c), cross(&c, &a), cross(&a, &b)];
        let numerator = [0, 1, 2].map(|axis| {
            let two = la.times(&normals[0][axis]).plus(&lb.times(&normals[1][axis]));
            two.plus(&lc.times(&normals[2][axis]))
        });
        let volume = dot(&a, &normals[0]);
        let [i, j, k] = [0, 1, 2].map(|at| dot(&numerator, &normals[at]));
        let square = volume.times(&volume);
        let rest = square.plus(&square).minus(&i).minus(&j).minus(&k);
        Self {
            numerator,
            volume,
            barycentric: [rest, i, j, k],
        }
    }

    /// The squared radius, and a bit for each corner on the other side of its facet than the center.
    #[inline(always)]
    fn measure(&self, weight: f64) -> (f64, u8) {
        let numerator: f64 = self.numerator.iter().map(|x| x.value() * x.value()).sum();
        let denominator = 2.0 * self.volume.value();
        let bit = |at: usize| u8::from(self.barycentric[at].value() < 0.0) << at;
        let attached = bit(0) | bit(1) | bit(2) | bit(3);
        (numerator / (denominator * denominator) - weight, attached)
    }
}

/// The squared radius of the smallest sphere through (with weights: orthogonal to) the corners of a triangle.
pub(super) fn triangle<const D: usize>(sites: &Sites<D>, corners: [u32; 3]) -> f64 {
    let mut points = corners.map(|vertex| sites.points[vertex as usize]);
    let mut weights = weights(sites, corners);
    let extent = extent(&points);
    let mut exponent = 0;
    if extent < TINY {
        exponent = -extent.log2().floor() as i32;
        points = points.map(|point| point.map(|x| scaled(x, exponent)));
        weights = weights.map(|weight| scaled(weight, 2 * exponent));
    }
    let extent = scaled(extent, exponent);
    let area = squared_area::<f64, D>(&points).sqrt();
    let flatness = extent * extent / area;
    let squared = if !sites.weights.is_empty() {
        weighted_triangle(&points, &weights, flatness)
    } else {
        let sides: [f64; 3] = [(1, 0), (2, 0), (2, 1)].map(|(i, j)| squared_length::<f64, D>(&points[i], &points[j]));
        let area = if flatness < FLAT_FOR_FLOAT {
            squared_area::<f64, D>(&points)
        } else if flatness < FLAT_FOR_DOUBLE {
            squared_area::<Double, D>(&points)
        } else {
            squared_area::<Expansion, D>(&points)
        };
        sides[0] * sides[1] * sides[2] / (4.0 * area)
    };
    scaled(squared, -2 * exponent)
}

fn weighted_triangle<const D: usize>(points: &[[f64; D]; 3], weights: &[f64; 3], flatness: f64) -> f64 {
    let (center, area) = if flatness < FLAT_FOR_DOUBLE {
        (
            weighted_center::<Double, D>(points, weights),
            squared_area::<Double, D>(points),
        )
    } else {
        (
            weighted_center::<Expansion, D>(points, weights),
            squared_area::<Expansion, D>(points),
        )
    };
    center.iter().map(|x| (x / (2.0 * area)).powi(2)).sum::<f64>() - weights[0]
}

/// The center of the smallest orthogonal sphere of a triangle from its first corner, times `2 · squared_area`.
fn weighted_center<T: Number, const D: usize>(points: &[[f64; D]; 3], weights: &[f64; 3]) -> [f64; D] {
    let [a, b] = [1, 2].map(|at| difference::<T, D>(&points[at], &points[0]));
    let (la, lb) = (lift(&a, weights[1], weights[0]), lift(&b, weights[2], weights[0]));
    let (aa, ab, bb) = (dot(&a, &a), dot(&a, &b), dot(&b, &b));
    let along_a = la.times(&bb).minus(&lb.times(&ab));
    let along_b = lb.times(&aa).minus(&la.times(&ab));
    std::array::from_fn(|axis| along_a.times(&a[axis]).plus(&along_b.times(&b[axis])).value())
}

/// Four times the squared area, without the cancellation of Gram's determinant.
#[inline(always)]
fn squared_area<T: Number, const D: usize>(points: &[[f64; D]; 3]) -> f64 {
    let [a, b] = [1, 2].map(|at| difference::<T, D>(&points[at], &points[0]));
    let mut sum = 0.0;
    for i in 0..D {
        for j in i + 1..D {
            let minor = a[i].times(&b[j]).minus(&a[j].times(&b[i])).value();
            sum += minor * minor;
        }
    }
    sum
}

/// The squared radius of the smallest sphere through (with weights: orthogonal to) the ends of an edge.
#[inline]
pub(super) fn edge<const D: usize>(sites: &Sites<D>, a: u32, b: u32) -> f64 {
    let squared = squared_length::<f64, D>(&sites.points[b as usize], &sites.points[a as usize]);
    if sites.weights.is_empty() {
        return squared / 4.0;
    }
    let (weight, other) = (sites.weights[a as usize], sites.weights[b as usize]);
    let lifted = squared - (other - weight);
    lifted * lifted / (4.0 * squared) - weight
}

/// Whether a vertex is inside the smallest sphere through the ends of an edge, exactly: the triangle of the three may
/// itself be attached to a tetrahedron with a much larger sphere, and then the edge is, too, or is not.
#[inline]
pub(super) fn attaches_edge<const D: usize>(sites: &Sites<D>, a: u32, b: u32, vertex: u32) -> bool {
    if !sites.weights.is_empty() {
        return attaches_weighted_edge(sites, a, b, vertex);
    }
    // The angle at the vertex is obtuse.
    let [from, to, inside] = [a, b, vertex].map(|vertex| &sites.points[vertex as usize]);
    let (x, y): ([f64; D], [f64; D]) = (difference(from, inside), difference(to, inside));
    let found = dot(&x, &y);
    let error = 4.0 * f64::EPSILON * x.iter().zip(&y).map(|(x, y)| (x * y).abs()).sum::<f64>();
    if found.abs() > error {
        found < 0.0
    } else if 2.0 * error < sites.unit * sites.unit {
        // A multiple of the squared unit that is smaller is 0.
        false
    } else {
        obtuse_exactly(from, to, inside)
    }
}

#[cold]
fn obtuse_exactly<const D: usize>(from: &[f64; D], to: &[f64; D], inside: &[f64; D]) -> bool {
    dot::<Expansion, D>(&difference(from, inside), &difference(to, inside)).sign() < 0
}

fn attaches_weighted_edge<const D: usize>(sites: &Sites<D>, a: u32, b: u32, vertex: u32) -> bool {
    let [from, to, inside] = [a, b, vertex].map(|vertex| &sites.points[vertex as usize]);
    let weights = weights(sites, [a, b, vertex]);
    let found = power_to_edge::<Double, D>(from, to, inside, weights).value();
    let [squared, aside] = [to, inside].map(|end| squared_length::<f64, D>(end, from));
    let [weight, to_weight, inside_weight] = weights;
    let lifted = aside + (inside_weight - weight).abs();
    let limit = squared + (to_weight - weight).abs();
    let error = POWER_ERROR * (lifted * squared + limit * (squared * aside).sqrt());
    if found.abs() > error {
        found < 0.0
    } else {
        power_to_edge::<Expansion, D>(from, to, inside, weights).sign() < 0
    }
}

/// Relative to the sum of its terms, for [`Double`] with room to spare.
const POWER_ERROR: f64 = 1e-28;

/// The power of a vertex to the smallest sphere orthogonal to the ends of an edge, times the squared length.
fn power_to_edge<T: Number, const D: usize>(
    from: &[f64; D],
    to: &[f64; D],
    inside: &[f64; D],
    [weight, to_weight, inside_weight]: [f64; 3],
) -> T {
    let (along, aside): ([T; D], [T; D]) = (difference(to, from), difference(inside, from));
    let lifted = lift(&aside, inside_weight, weight).times(&dot(&along, &along));
    lifted.minus(&lift(&along, to_weight, weight).times(&dot(&along, &aside)))
}

/// Whether the end `b` of an edge is so heavy that the other end `a` enters with the edge only.
pub(super) fn attaches_vertex<const D: usize>(sites: &Sites<D>, a: u32, b: u32) -> bool {
    let [weight, other] = weights(sites, [a, b]);
    let along: [Expansion; D] = difference(&sites.points[b as usize], &sites.points[a as usize]);
    lift(&along, other, weight).sign() < 0
}

fn weights<const D: usize, const N: usize>(sites: &Sites<D>, vertices: [u32; N]) -> [f64; N] {
    if sites.weights.is_empty() {
        [0.0; N]
    } else {
        vertices.map(|vertex| sites.weights[vertex as usize])
    }
}

/// The largest difference of two coordinates, from the first point.
#[inline(always)]
fn extent<const D: usize, const N: usize>(points: &[[f64; D]; N]) -> f64 {
    let mut extent = 0.0_f64;
    for point in &points[1..] {
        for axis in 0..D {
            extent = extent.max((point[axis] - points[0][axis]).abs());
        }
    }
    extent
}

#[inline(always)]
fn difference<T: Number, const D: usize>(a: &[f64; D], b: &[f64; D]) -> [T; D] {
    std::array::from_fn(|axis| T::difference(a[axis], b[axis]))
}

#[inline(always)]
fn squared_length<T: Number, const D: usize>(a: &[f64; D], b: &[f64; D]) -> T {
    let edge: [T; D] = difference(a, b);
    dot(&edge, &edge)
}

/// The squared length of an edge minus what its far end weighs more than its near end.
#[inline(always)]
fn lift<T: Number, const D: usize>(edge: &[T; D], far: f64, near: f64) -> T {
    dot(edge, edge).minus(&T::difference(far, near))
}

#[inline(always)]
fn dot<T: Number, const D: usize>(a: &[T; D], b: &[T; D]) -> T {
    let mut sum = a[0].times(&b[0]);
    for axis in 1..D {
        sum = sum.plus(&a[axis].times(&b[axis]));
    }
    sum
}

#[inline(always)]
fn cross<T: Number>(a: &[T; 3], b: &[T; 3]) -> [T; 3] {
    let minor = |i: usize, j: usize| a[i].times(&b[j]).minus(&a[j].times(&b[i]));
    [minor(1, 2), minor(2, 0), minor(0, 1)]
}
