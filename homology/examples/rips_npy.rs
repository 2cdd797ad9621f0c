//! Times one Rips computation on a NumPy file of little-endian float64 points:
//! `cargo run --release -p homology --example rips_npy -- FILE MAX_DIMENSION [THRESHOLD]`.

use std::time::Instant;

use homology::{Limits, PointCloud, VietorisRips};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [path, max_dimension, threshold @ ..] = &arguments[..] else {
        return Err("usage: rips_npy FILE MAX_DIMENSION [THRESHOLD]".into());
    };
    let (coordinates, dimension) = read_npy(&std::fs::read(path)?)?;
    let threshold = threshold.first().map(|value| value.parse()).transpose()?;
    let rips = VietorisRips {
        threshold,
        ..VietorisRips::to_dimension(max_dimension.parse()?)
    };
    let start = Instant::now();
    let (diagram, usage) = rips.of_cloud(PointCloud::new(&coordinates, dimension)?, &Limits::default())?;
    println!(
        "{:.3} s, {} MB, work {}",
        start.elapsed().as_secs_f64(),
        usage.memory_bytes / 1_000_000,
        usage.work
    );
    for dimension in 0..=rips.max_dimension as u8 {
        let pairs = diagram.of_dimension(dimension);
        let essential = pairs.iter().filter(|pair| pair.is_essential()).count();
        println!(
            "dimension {dimension}: {} finite, {essential} essential",
            pairs.len() - essential
        );
    }
    Ok(())
}

/// The values and the number of columns of a two-dimensional array.
fn read_npy(bytes: &[u8]) -> Result<(Vec<f64>, usize), Box<dyn std::error::Error>> {
    let length = bytes.get(8..10).ok_or("file is too short")?;
    let start = 10 + usize::from(u16::from_le_bytes([length[0], length[1]]));
    let header = std::str::from_utf8(bytes.get(10..start).ok_or("file is too short")?)?;
    let width = if header.contains("'<f8'") { 8 } else { 4 };
    let shape = header.split(['(', ')']).nth(1).ok_or("header has no shape")?;
    let columns = shape
        .split(',')
        .nth(1)
        .ok_or("array is not two-dimensional")?
        .trim()
        .parse()?;
    let value = |chunk: &[u8]| match width {
        8 => chunk.try_into().map(f64::from_le_bytes),
        _ => chunk.try_into().map(|bytes| f64::from(f32::from_le_bytes(bytes))),
    };
    let values: Result<_, _> = bytes[start..].chunks_exact(width).map(value).collect();
    Ok((values?, columns))
}
