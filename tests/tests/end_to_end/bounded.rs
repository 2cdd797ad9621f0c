//! A job with an end, without Kafka: generator to files.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use tests::cluster::{Cluster, ClusterSpec, with_cluster};
use tests::results::parse;
use tests::submit::{shipped_job, submit_job, text};

const ROWS: u64 = 20_000;
const KEYS: u64 = 4;
const SIZE: u64 = 200;
const SLIDE: u64 = 100;

#[test]
fn a_bounded_job_finishes_with_every_window_written_once() {
    with_cluster(ClusterSpec::new(1, 2), |cluster| generator_to_files(cluster, "2"));
}

#[test]
fn its_answer_does_not_depend_on_the_parallelism() {
    with_cluster(ClusterSpec::new(2, 2), |cluster| generator_to_files(cluster, "4"));
}

fn generator_to_files(cluster: &mut Cluster, parallelism: &str) -> Result<()> {
    let output = cluster.dir().join("output");
    let job = shipped_job("generator.toml");
    let set = format!("output=file://{}", output.display());
    let address = cluster.jobmanager_address();
    let path = job.to_str().context("the path of the job is not UTF-8")?;
    // Not detached: the exit code tells how the job ended.
    let arguments = [
        "--job",
        path,
        "--jobmanager",
        &address,
        "--parallelism",
        parallelism,
        "--set",
        &set,
        "--set",
        "rate=20000.0",
    ];
    let ended = submit_job(&arguments)?;
    ensure!(ended.status.success(), "submit-job: {}\n{}", ended.status, text(&ended));

    let mut windows = BTreeMap::new();
    let mut count = 0;
    for line in lines_below(&output.join("results"))? {
        let (window, diagram) = parse(line.as_bytes())?;
        // A circle with little noise has one loop that lives long.
        let loops = diagram
            .pairs
            .iter()
            .filter(|(dimension, birth, death)| *dimension == 1 && death - birth > 1.0);
        ensure!(loops.count() == 1, "{window:?}: not a circle: {diagram:?}");
        ensure!(
            (1..=SIZE).contains(&diagram.points),
            "{window:?}: {} points",
            diagram.points
        );
        *windows.entry((window.0, diagram.points)).or_insert(0) += 1;
        count += 1;
    }
    // Windows of points that are whole; what is left at the end depends on how keys share the rows.
    let whole: u64 = windows
        .iter()
        .filter(|((_, points), _)| *points == SIZE)
        .map(|(_, number)| number)
        .sum();
    println!("{count} windows, {whole} of them whole");
    let of_key = |rows: u64| (rows - SIZE) / SLIDE + 1;
    ensure!(
        whole.abs_diff(KEYS * of_key(ROWS / KEYS)) <= KEYS * 2,
        "{whole} whole windows"
    );
    Ok(())
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
