//! Points of a shape, by counter-based random numbers: any row can be made without the rows before it.

use std::f64::consts::TAU;

use streaming::connector::generator::Shape;

/// Makes the rows of one split.
pub struct Sampler {
    shape: Shape,
    noise: f64,
    /// Differs between seeds and between splits.
    base: u64,
}

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
const TUBE: f64 = 0.4;

/// The finaliser of SplitMix64 (Steele, Lea, Flood 2014): every bit of the input reaches every bit of the output.
fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// A sequence of random numbers for one row.
struct Draws(u64);

impl Draws {
    /// Uniform in `0..1`.
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(GOLDEN);
        (mix(self.0) >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// Two independent standard normal numbers (Box, Muller 1958).
    fn normals(&mut self) -> (f64, f64) {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        let (sin, cos) = (TAU * self.uniform()).sin_cos();
        (radius * cos, radius * sin)
    }
}

impl Sampler {
    pub fn new(shape: Shape, noise: f64, seed: u64, split: u64) -> Self {
        let base = mix(mix(seed.wrapping_add(GOLDEN)).wrapping_add(split.wrapping_mul(GOLDEN)));
        Self { shape, noise, base }
    }

    /// Random bits from which the key of row `row` is chosen.
    pub fn key_bits(&self, row: u64) -> u32 {
        (mix(self.base ^ row.wrapping_mul(GOLDEN)) >> 32) as u32
    }

    fn draws(&self, row: u64) -> Draws {
        Draws(mix(self.base.wrapping_add(row.wrapping_mul(GOLDEN)).wrapping_add(1)))
    }

    /// Writes the rows `first..`, `dim` coordinates each, to `coords`, which is all zeros.
    pub fn fill(&self, first: u64, dim: usize, coords: &mut [f64]) {
        if self.shape == Shape::Constant && self.noise == 0.0 {
            coords.fill(1.0);
            return;
        }
        for (row, point) in (first..).zip(coords.chunks_exact_mut(dim)) {
            let mut draws = self.draws(row);
            match self.shape {
                Shape::Circle => circle(&mut draws, point),
                Shape::Torus => torus(&mut draws, point),
                Shape::Sphere => sphere(&mut draws, point),
                Shape::Uniform => point.iter_mut().for_each(|coord| *coord = draws.uniform()),
                Shape::Constant => point.fill(1.0),
            }
            if self.noise > 0.0 {
                add_noise(&mut draws, self.noise, point);
            }
        }
    }
}

fn circle(draws: &mut Draws, point: &mut [f64]) {
    (point[1], point[0]) = (TAU * draws.uniform()).sin_cos();
}

/// Uniform in the two angles, not in area: the inside of the ring is a little denser.
fn torus(draws: &mut Draws, point: &mut [f64]) {
    let (sin_around, cos_around) = (TAU * draws.uniform()).sin_cos();
    let (sin_tube, cos_tube) = (TAU * draws.uniform()).sin_cos();
    let distance = 1.0 + TUBE * cos_tube;
    point[0] = distance * cos_around;
    point[1] = distance * sin_around;
    point[2] = TUBE * sin_tube;
}

/// A normal vector scaled to length 1 (Muller 1959).
fn sphere(draws: &mut Draws, point: &mut [f64]) {
    let count = point.len();
    fill_normals(draws, count, |index, value| point[index] = value);
    let norm = point.iter().map(|coord| coord * coord).sum::<f64>().sqrt();
    if norm > 0.0 {
        point.iter_mut().for_each(|coord| *coord /= norm);
    } else {
        point[0] = 1.0;
    }
}

fn add_noise(draws: &mut Draws, deviation: f64, point: &mut [f64]) {
    let count = point.len();
    fill_normals(draws, count, |index, value| point[index] += deviation * value);
}

fn fill_normals(draws: &mut Draws, count: usize, mut put: impl FnMut(usize, f64)) {
    for index in (0..count).step_by(2) {
        let (even, odd) = draws.normals();
        put(index, even);
        if index + 1 < count {
            put(index + 1, odd);
        }
    }
}
