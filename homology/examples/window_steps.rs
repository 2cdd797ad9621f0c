//! Times the steps of a sliding window over a NumPy file of little-endian float64 points, kept up to date and computed
//! anew, and checks that both agree:
//! `cargo run --release -p homology --example window_steps -- FILE SIZE SLIDE MAX_DIMENSION STEPS`.

use std::time::Duration;

use homology::{Limits, PointCloud, RipsWindow, VietorisRips};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [path, numbers @ ..] = &arguments[..] else {
        return Err("usage: window_steps FILE SIZE SLIDE MAX_DIMENSION STEPS".into());
    };
    let numbers: Vec<usize> = numbers.iter().map(|number| number.parse()).collect::<Result<_, _>>()?;
    let [size, slide, max_dimension, steps] = numbers[..] else {
        return Err("expected four numbers after the file".into());
    };
    let (coordinates, dimension) = read_npy(&std::fs::read(path)?)?;
    let (rips, limits) = (VietorisRips::to_dimension(max_dimension), Limits::default());
    let mut window = RipsWindow::new(rips.clone(), dimension)?;
    window.extend(&coordinates[..size * dimension])?;
    let start = processor_time()?;
    window.diagram(&limits)?;
    let first = processor_time()? - start;
    let (mut kept, mut anew, mut slowest) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
    for step in 1..=steps {
        let rows = |from: usize, to: usize| &coordinates[from * dimension..to * dimension];
        let start = processor_time()?;
        window.remove_oldest(slide);
        window.extend(rows((step - 1) * slide + size, step * slide + size))?;
        let found = window.diagram(&limits)?;
        if step > 1 {
            kept += processor_time()? - start;
            slowest = slowest.max(processor_time()? - start);
        }
        if std::env::var_os("ALONE").is_some() {
            continue;
        }
        let start = processor_time()?;
        let cloud = PointCloud::new(rows(step * slide, step * slide + size), dimension)?;
        let (expected, _) = rips.of_cloud(cloud, &limits)?;
        anew += processor_time()? - start;
        if found != expected {
            return Err(format!("diagrams differ at step {step}").into());
        }
    }
    let milliseconds = |duration: Duration, steps: usize| duration.as_secs_f64() * 1e3 / steps.max(1) as f64;
    println!(
        "{size} points, slide {slide}, dimension {max_dimension}: kept {:.3} ms (slowest {:.3}, first {:.3}), anew {:.3} ms, {} bytes",
        milliseconds(kept, steps - 1),
        milliseconds(slowest, 1),
        milliseconds(first, 1),
        milliseconds(anew, steps),
        window.memory_bytes(),
    );
    Ok(())
}

/// What this process has used so far: a busy machine does not blur it.
fn processor_time() -> Result<Duration, Box<dyn std::error::Error>> {
    let statistics = std::fs::read_to_string("/proc/self/schedstat")?;
    let nanoseconds = statistics.split(' ').next().ok_or("schedstat is empty")?;
    Ok(Duration::from_nanos(nanoseconds.parse()?))
}

/// The values and the number of columns of a two-dimensional array.
fn read_npy(bytes: &[u8]) -> Result<(Vec<f64>, usize), Box<dyn std::error::Error>> {
    let length = bytes.get(8..10).ok_or("file is too short")?;
    let start = 10 + usize::from(u16::from_le_bytes([length[0], length[1]]));
    let header = std::str::from_utf8(bytes.get(10..start).ok_or("file is too short")?)?;
    let shape = header.split(['(', ')']).nth(1).ok_or("header has no shape")?;
    let columns = shape.split(',').nth(1).ok_or("array is not two-dimensional")?;
    let values: Result<_, _> = bytes[start..]
        .chunks_exact(8)
        .map(|chunk| chunk.try_into().map(f64::from_le_bytes))
        .collect();
    Ok((values?, columns.trim().parse()?))
}
