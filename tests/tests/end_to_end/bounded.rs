//! Jobs with an end, without Kafka: generator to files.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tests::cluster::{Cluster, ClusterSpec, with_cluster};
use tests::results::{Diagram, Window, parse};
use tests::submit::{shipped_job, submit_job, text};

const ROWS: u64 = 20_000;
const KEYS: u64 = 4;
/// Checkpoints every 5 s, rows for one: it must not take long.
const WITHIN: Duration = Duration::from_secs(60);

#[test]
fn a_bounded_job_finishes_with_every_window_of_points_written_once() {
    let (size, slide) = (200, 100);
    with_cluster(ClusterSpec::new(1, 2), |cluster| {
        let results = generator_to_files(cluster, "points", "2", &["window_size=200", "slide_interval=100"])?;
        for (window, diagram) in &results {
            ensure!(
                (1..=size).contains(&diagram.points),
                "{window:?}: {} points",
                diagram.points
            );
        }
        // Key k with n(k) rows has floor((n(k) - size) / slide) + 1 whole windows; the n(k) sum up to all rows.
        let whole = results.iter().filter(|(_, diagram)| diagram.points == size).count() as u64;
        let most = (ROWS - KEYS * size) / slide + KEYS;
        println!("{} windows, {whole} of them whole", results.len());
        ensure!(
            (most - KEYS..=most).contains(&whole),
            "{whole} whole windows, expected {} to {most}",
            most - KEYS
        );
        Ok(())
    });
}

#[test]
fn windows_of_time_do_not_depend_on_the_parallelism() {
    with_cluster(ClusterSpec::new(2, 2), |cluster| {
        // 50 us from row to row: 2 ms of event time are 10 rows of a key.
        let windows = ["window_size=40ms", "slide_interval=20ms"];
        let one = generator_to_files(cluster, "one", "1", &windows)?;
        // A second of rows is in 50 slides, and one window more reaches over its start.
        ensure!(one.len() as u64 == KEYS * 51, "{} windows", one.len());
        for parallelism in ["2", "4"] {
            let many = generator_to_files(cluster, parallelism, parallelism, &windows)?;
            ensure!(
                one == many,
                "parallelism {parallelism} gives other windows or other diagrams"
            );
        }
        Ok(())
    });
}

/// Runs `jobs/generator.toml` to its end and returns what it wrote, sorted.
fn generator_to_files(
    cluster: &mut Cluster,
    name: &str,
    parallelism: &str,
    parameters: &[&str],
) -> Result<Vec<(Window, Diagram)>> {
    let output = cluster.dir().join("output").join(name);
    let job = shipped_job("generator.toml");
    let path = job.to_str().context("the path of the job is not UTF-8")?;
    let set = format!("output=file://{}", output.display());
    let address = cluster.jobmanager_address();
    // Not detached: the exit code tells how the job ended.
    let mut arguments = vec!["--job", path, "--jobmanager", &address, "--parallelism", parallelism];
    for parameter in [set.as_str(), "rate=20000.0"].iter().chain(parameters) {
        arguments.extend(["--set", parameter]);
    }
    let began = std::time::Instant::now();
    let ended = submit_job(&arguments)?;
    ensure!(ended.status.success(), "submit-job: {}\n{}", ended.status, text(&ended));
    ensure!(began.elapsed() < WITHIN, "it took {:?}", began.elapsed());

    let lines = lines_below(&output.join("results"))?;
    let mut results = lines
        .iter()
        .map(|line| parse(line.as_bytes()))
        .collect::<Result<Vec<_>>>()?;
    results.sort_by(|a, b| a.0.cmp(&b.0));
    for (window, diagram) in results.iter().filter(|(_, diagram)| diagram.points >= 150) {
        // A circle with little noise has one loop that lives long.
        let loops = diagram
            .pairs
            .iter()
            .filter(|(dimension, birth, death)| *dimension == 1 && death - birth > 1.0);
        ensure!(loops.count() == 1, "{window:?}: not a circle: {diagram:?}");
    }
    Ok(results)
}

fn lines_below(dir: &Path) -> Result<Vec<String>> {
    let mut lines = vec![];
    for entry in std::fs::read_dir(dir).with_context(|| format!("{} was not written", dir.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            lines.extend(lines_below(&path)?);
        } else {
            lines.extend(std::fs::read_to_string(&path)?.lines().map(str::to_owned));
        }
    }
    Ok(lines)
}
