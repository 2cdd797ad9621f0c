//! Delaunay triangulations, by insertion of one point after the other, exact for every input.

mod expansion;
mod insertion;
mod mesh;
mod number;
mod order;
mod sites;
#[cfg(test)]
mod tests;

pub(crate) use expansion::Expansion;
pub(crate) use insertion::Triangulation;
pub(crate) use mesh::{Mesh, NONE, place_of};
pub(crate) use number::{Double, Number};
pub(crate) use sites::Sites;

use crate::limits::Meter;
use crate::{PointCloud, Result};

/// The sites of a cloud, and the dimension of the line, plane or space that they span.
///
/// The first `span + 1` sites span it, and so do their first `span` coordinates.
pub(crate) struct Spanned<const D: usize> {
    pub sites: Sites<D>,
    pub span: usize,
    /// Coordinates are those of the cloud times 2 to this power.
    pub exponent: i32,
}

/// Coordinates are made multiples of this after scaling: polynomials of degree 6 then stay above the least float.
const GRID_EXPONENT: i32 = -150;

/// Scales a cloud to coordinates in −1..1, leaves out repeated points and brings the others in the order of insertion.
///
/// Scaling is by a power of two. Coordinates 2⁻⁹⁷ times smaller than the largest lose bits below 2⁻¹⁵⁰: no value of the
/// alpha filtration moves by more than 10⁻⁴⁴ times the extent of the cloud.
pub(crate) fn sites<const D: usize>(cloud: PointCloud<'_>, weights: &[f64], meter: &mut Meter) -> Result<Spanned<D>> {
    let exponent = scaling_exponent(cloud.coordinates(), weights);
    let mut points: Vec<[f64; D]> = meter.vec(cloud.len())?;
    points.extend(
        cloud
            .rows()
            .map(|row| std::array::from_fn(|axis| on_grid(scaled(row[axis], exponent), GRID_EXPONENT))),
    );
    let mut scaled_weights = meter.vec(weights.len())?;
    scaled_weights.extend(
        weights
            .iter()
            .map(|weight| on_grid(scaled(*weight, 2 * exponent), 2 * GRID_EXPONENT)),
    );
    let mut order = order::insertion_order(&points, &scaled_weights, meter)?;
    let mut sites = Sites {
        unit: unit(&points, &scaled_weights),
        points: Vec::new(),
        weights: Vec::new(),
    };
    let span = span_first(&mut points, &mut order);
    sites.points = meter.vec(order.len())?;
    sites.points.extend(order.iter().map(|row| points[*row as usize]));
    if !weights.is_empty() {
        sites.weights = meter.vec(order.len())?;
        sites
            .weights
            .extend(order.iter().map(|row| scaled_weights[*row as usize]));
    }
    meter.free(points);
    meter.free(scaled_weights);
    meter.free(order);
    Ok(Spanned { sites, span, exponent })
}

/// The power of two by which coordinates come below 1 and weights below 1.
fn scaling_exponent(coordinates: &[f64], weights: &[f64]) -> i32 {
    let largest = |values: &[f64]| values.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
    let (length, weight) = (largest(coordinates), largest(weights));
    let by_weight = if weight > 0.0 {
        (exponent_of(weight) + 2).div_euclid(2)
    } else {
        i32::MIN
    };
    let by_length = if length > 0.0 {
        exponent_of(length) + 1
    } else {
        i32::MIN
    };
    match by_length.max(by_weight) {
        i32::MIN => 0,
        exponent => -exponent,
    }
}

/// `value · 2^exponent`, in two steps that do not overflow on the way.
pub(crate) fn scaled(value: f64, exponent: i32) -> f64 {
    let half = exponent / 2;
    value * power_of_two(half) * power_of_two(exponent - half)
}

/// For exponents in the normal range.
fn power_of_two(exponent: i32) -> f64 {
    2.0_f64.powi(exponent)
}

/// The largest `e` with `2^e ≤ value`, for a value above 0.
fn exponent_of(value: f64) -> i32 {
    let exponent = |normal: f64| (normal.to_bits() >> 52) as i32 - 1023;
    if value >= f64::MIN_POSITIVE {
        exponent(value)
    } else {
        exponent(value * power_of_two(64)) - 64
    }
}

/// The nearest multiple of `2^exponent`; larger values are multiples already. Also turns −0 into 0.
fn on_grid(value: f64, exponent: i32) -> f64 {
    if value.abs() > power_of_two(exponent + 53) {
        return value;
    }
    // Floats in this binade are multiples of the grid, so that the sum rounds to it.
    let binade = 1.5 * power_of_two(exponent + 52);
    (value + binade) - binade + 0.0
}

/// The largest power of two that divides all coordinates and whose square divides all weights.
fn unit<const D: usize>(points: &[[f64; D]], weights: &[f64]) -> f64 {
    let trailing = |value: &f64| {
        let mantissa = value.to_bits() & ((1 << 52) - 1) | 1 << 52;
        exponent_of(value.abs()) - 52 + mantissa.trailing_zeros() as i32
    };
    let least = |least: i32, value: &f64| {
        if *value == 0.0 {
            least
        } else {
            least.min(trailing(value))
        }
    };
    let of_points = points.iter().flatten().fold(0, least);
    let of_weights = weights.iter().fold(0, least).div_euclid(2);
    power_of_two(of_points.min(of_weights))
}

/// Brings points that span the whole cloud to the front of `order`, and coordinates that span them to the front of every
/// point; returns how many dimensions they span.
fn span_first<const D: usize>(points: &mut [[f64; D]], order: &mut [u32]) -> usize {
    let mut span = 0;
    while span < D && span + 1 < order.len() {
        let Some((at, axis)) = outside_span(points, order, span) else {
            break;
        };
        order[span + 1..=at].rotate_right(1);
        points.iter_mut().for_each(|point| point.swap(span, axis));
        span += 1;
    }
    span
}

/// The first point outside the span of the first `span + 1`, and the axis along which it leaves them.
fn outside_span<const D: usize>(points: &[[f64; D]], order: &[u32], span: usize) -> Option<(usize, usize)> {
    let corners: Vec<[f64; D]> = order[..=span].iter().map(|row| points[*row as usize]).collect();
    (span + 1..order.len()).find_map(|at| {
        let point = points[order[at] as usize];
        (span..D)
            .find(|axis| leaves(&corners, point, *axis))
            .map(|axis| (at, axis))
    })
}

/// Whether the corners and a point are independent in the first coordinates and `axis`.
fn leaves<const D: usize>(corners: &[[f64; D]], mut point: [f64; D], axis: usize) -> bool {
    let span = corners.len() - 1;
    let mut sites = Sites {
        points: corners.to_vec(),
        weights: Vec::new(),
        unit: power_of_two(GRID_EXPONENT),
    };
    sites.points.iter_mut().for_each(|corner| corner.swap(span, axis));
    point.swap(span, axis);
    sites.points.push(point);
    match span {
        0 => sites.orientation([0, 1]) != 0,
        1 => sites.orientation([0, 1, 2]) != 0,
        _ => sites.orientation([0, 1, 2, 3]) != 0,
    }
}
