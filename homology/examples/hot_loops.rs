//! One computation on a fixed input, for counting its instructions: `scripts/check-instructions` runs this under
//! callgrind, which counts within [`measured`] only.

use homology::matching::{Bottleneck, Wasserstein};
use homology::{
    AlphaComplex, Diagram, Error, Limits, Pair, Persistence, PointCloud, RipsWindow, VietorisRips, WitnessComplex,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let name = std::env::args().nth(1).unwrap_or_default();
    let answer = match name.as_str() {
        "rips-dimension-1" => count(&VietorisRips::to_dimension(1), &uniform(2 * 2000), 2)?,
        "rips-dimension-2" => count(&VietorisRips::to_dimension(2), &sphere(90), 3)?,
        "rips-dimension-2-modulo-3" => count(&modulo_3(), &sphere(90), 3)?,
        "alpha-plane" => count(&AlphaComplex::to_dimension(1), &uniform(2 * 3000), 2)?,
        "alpha-space" => count(&AlphaComplex::to_dimension(2), &uniform(3 * 1000), 3)?,
        "witness" => count(&WitnessComplex::new(0.01, 2), &sphere(1000), 3)?,
        "window" => window(&uniform(3 * 300), 3)? as f64,
        "bottleneck" => measured(|| Bottleneck.distance(&pairs(500, 0), &pairs(500, 1), &Limits::default()))?,
        "wasserstein" => {
            let metric = Wasserstein::default();
            measured(|| metric.distance(&pairs(500, 0), &pairs(500, 1), &Limits::default()))?
        }
        _ => return Err(format!("no case is called {name:?}").into()),
    };
    println!("{name}: {answer}");
    Ok(())
}

/// What is counted. Not inlined: callgrind finds it by its name.
#[inline(never)]
fn measured<T>(compute: impl FnOnce() -> T) -> T {
    compute()
}

/// The number of classes.
fn count(algorithm: &impl Persistence, coordinates: &[f64], dimension: usize) -> homology::Result<f64> {
    let cloud = PointCloud::new(coordinates, dimension)?;
    measured(|| algorithm.diagram(cloud, &Limits::default())).map(|diagram| diagram.len() as f64)
}

fn modulo_3() -> VietorisRips {
    VietorisRips {
        coefficients: 3,
        ..VietorisRips::to_dimension(2)
    }
}

/// The number of classes after 20 slides of 5 rows; the first window is not counted in.
fn window(coordinates: &[f64], dimension: usize) -> homology::Result<usize> {
    let (limits, slide) = (Limits::default(), 5 * dimension);
    let (first, rest) = coordinates.split_at(coordinates.len() - 20 * slide);
    let mut window = RipsWindow::new(VietorisRips::to_dimension(1), dimension)?;
    window.extend(first)?;
    window.diagram(&limits)?;
    let last: Result<Diagram, Error> = measured(|| {
        let mut diagram = Diagram::default();
        for rows in rest.chunks_exact(slide) {
            window.remove_oldest(5);
            window.extend(rows)?;
            diagram = window.diagram(&limits)?;
        }
        Ok(diagram)
    });
    last.map(|diagram| diagram.len())
}

/// Classes of one of two diagrams, of all lengths.
fn pairs(count: usize, side: usize) -> Vec<Pair> {
    let numbers = uniform(4 * count);
    let side = &numbers[2 * count * side..2 * count * (side + 1)];
    let pairs = side.chunks_exact(2).map(|pair| Pair {
        dimension: 1,
        birth: pair[0],
        death: pair[0] + pair[1],
    });
    pairs.collect()
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
