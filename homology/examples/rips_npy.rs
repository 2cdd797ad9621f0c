//! Times one Rips computation on a NumPy file of points or of a lower triangle of distances:
//! `cargo run --release -p homology --example rips_npy -- FILE MAX_DIMENSION [THRESHOLD|-] [auto|dense|sparse|collapsed] [THREADS]`.

use std::time::Instant;

use homology::{DistanceMatrix, Limits, Mode, PointCloud, VietorisRips};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [path, max_dimension, options @ ..] = &arguments[..] else {
        return Err("usage: rips_npy FILE MAX_DIMENSION [THRESHOLD|-] [auto|dense|sparse|collapsed] [THREADS]".into());
    };
    let (coordinates, dimension) = read_npy(&std::fs::read(path)?)?;
    let threshold = options.first().filter(|value| *value != "-");
    let mode = match options.get(1).map(String::as_str) {
        None | Some("auto") => Mode::Auto,
        Some("dense") => Mode::Dense,
        Some("sparse") => Mode::Sparse,
        Some("collapsed") => Mode::Collapsed,
        Some(other) => return Err(format!("no mode is called {other}").into()),
    };
    let rips = VietorisRips {
        threshold: threshold.map(|value| value.parse()).transpose()?,
        mode,
        threads: options.get(2).map_or(Ok(1), |value| value.parse())?,
        ..VietorisRips::to_dimension(max_dimension.parse()?)
    };
    let start = Instant::now();
    let (diagram, usage) = if dimension == 0 {
        let points = (1.0 + (1.0 + 8.0 * coordinates.len() as f64).sqrt()) / 2.0;
        let matrix = DistanceMatrix::from_lower(points as usize, coordinates)?;
        rips.of_matrix(&matrix, &Limits::default())?
    } else {
        rips.of_cloud(PointCloud::new(&coordinates, dimension)?, &Limits::default())?
    };
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
            "dimension {dimension}: {} finite, {essential} essential, total length {:.6}, total birth {:.6}",
            pairs.len() - essential,
            pairs
                .iter()
                .map(|pair| pair.persistence())
                .filter(|length| length.is_finite())
                .sum::<f64>(),
            pairs.iter().map(|pair| pair.birth).sum::<f64>()
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
    // An array of one dimension is the lower triangle of a distance matrix.
    let columns = match shape.split(',').nth(1).map(str::trim) {
        Some("") => 0,
        Some(columns) => columns.parse()?,
        None => return Err("array has no shape".into()),
    };
    let value = |chunk: &[u8]| match width {
        8 => chunk.try_into().map(f64::from_le_bytes),
        _ => chunk.try_into().map(|bytes| f64::from(f32::from_le_bytes(bytes))),
    };
    let values: Result<_, _> = bytes[start..].chunks_exact(width).map(value).collect();
    Ok((values?, columns))
}
