//! One computation on a fixed input, for counting its instructions: `scripts/check-instructions` runs this under
//! callgrind, which counts within [`measured`] only.

use homology::{Limits, Persistence as _, PointCloud, VietorisRips};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let name = std::env::args().nth(1).unwrap_or_default();
    let classes = match name.as_str() {
        "rips-dimension-2" => rips(&sphere(90), 3, 2)?,
        "rips-dimension-1" => rips(&uniform(400 * 2), 2, 1)?,
        _ => return Err(format!("no case is called {name:?}").into()),
    };
    println!("{name}: {classes} classes");
    Ok(())
}

/// What is counted. Not inlined: callgrind finds it by its name.
#[inline(never)]
fn measured<T>(compute: impl FnOnce() -> T) -> T {
    compute()
}

fn rips(coordinates: &[f64], dimension: usize, max_dimension: usize) -> homology::Result<usize> {
    let cloud = PointCloud::new(coordinates, dimension)?;
    let rips = VietorisRips::to_dimension(max_dimension);
    measured(|| rips.diagram(cloud, &Limits::default())).map(|diagram| diagram.len())
}

/// Numbers in 0..1, always the same: Steele, Lea and Flood's SplitMix64.
fn uniform(count: usize) -> Vec<f64> {
    let mut state = 42_u64;
    let mut next = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = state;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (bits ^ (bits >> 31)) >> 11
    };
    (0..count).map(|_| next() as f64 / (1_u64 << 53) as f64).collect()
}

/// Points on the unit sphere, without functions whose last bit differs between machines.
fn sphere(points: usize) -> Vec<f64> {
    let centred: Vec<f64> = uniform(30 * points).iter().map(|x| 2.0 * x - 1.0).collect();
    let directions = centred.chunks_exact(3).filter_map(|point| {
        let length = point.iter().map(|x| x * x).sum::<f64>().sqrt();
        (0.1..1.0)
            .contains(&length)
            .then(|| [0, 1, 2].map(|axis| point[axis] / length))
    });
    directions.take(points).flatten().collect()
}
