//! Processes are killed with SIGKILL under load: no window is lost, and none comes out different.

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tests::cluster::{Cluster, ClusterSpec, with_cluster};
use tests::expected::{Windows, compare};
use tests::results::{Diagram, Window};
use tests::stream::{FLUSH_KEY, Random, Row, Stream};
use tests::topics::Writer;
use tests::wait::wait_until;

use crate::kafka::{self, Job};

const ROWS_PER_SECOND: f64 = 2000.0;
/// Rows of half a second of event time and one key make a window: about 31.
const WINDOWS: Windows = Windows {
    size_ms: 500,
    slide_ms: 500,
    max_dimension: 1,
    max_edge_length: 1.0,
};
/// Time between kills: restored and back at work before the next, most of the time.
const CALM_S: f64 = 4.0;
const RECOVERY: Duration = Duration::from_secs(60);

fn stream(seed: u64) -> Stream {
    Stream {
        seed,
        keys: 16,
        partitions: 4,
        step_us: 1000,
    }
}

/// How many kills, and the seed of the moments: from the environment, else 3 and a new one.
fn plan() -> (u32, u64) {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let kills = number("BETTIFLOW_KILLS").unwrap_or(3) as u32;
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    let seed = number("BETTIFLOW_SEED").unwrap_or(now.as_micros() as u64);
    println!("BETTIFLOW_KILLS={kills} BETTIFLOW_SEED={seed}");
    (kills, seed)
}

#[test]
fn no_window_is_lost_or_changed_when_taskmanagers_are_killed() {
    let spec = ClusterSpec::new(2, 2).on_s3();
    with_cluster(spec, |cluster| {
        let (kills, seed) = plan();
        under_load(cluster, seed, |cluster, job| {
            let mut random = Random(seed);
            for kill in 0..kills {
                watch(cluster, job, Duration::from_secs_f64(CALM_S * (0.5 + random.uniform())))?;
                let victim = (random.draw() % 2) as usize;
                let at = Instant::now();
                cluster.kill_taskmanager(victim)?;
                cluster.restart_taskmanager(victim)?;
                cluster.wait_for_slots(RECOVERY)?;
                let outage = wait_for_new_output(job, at)?;
                println!("kill {kill}: TaskManager {victim}, new output after {outage:?}");
            }
            Ok(())
        })
    });
}

#[test]
fn a_job_comes_back_from_its_last_checkpoint_when_the_jobmanager_is_killed() {
    with_cluster(ClusterSpec::new(2, 2), |cluster| {
        let (_, seed) = plan();
        under_load(cluster, seed, |cluster, job| {
            cluster.wait_for_checkpoints(&job.id, 2, RECOVERY)?;
            // At any moment between two checkpoints.
            watch(cluster, job, Duration::from_secs_f64(2.0 + Random(seed).uniform()))?;
            let at = Instant::now();
            cluster.kill_jobmanager()?;
            cluster.start_jobmanager()?;
            println!("the JobManager answers after {:?}", at.elapsed());
            cluster.wait_for_slots(RECOVERY)?;
            cluster.wait_for_state(&job.id, "RUNNING", RECOVERY)?;
            println!(
                "the job runs after {:?}, new output after {:?}",
                at.elapsed(),
                wait_for_new_output(job, at)?
            );
            let checkpoints = cluster.rest.get(&format!("/jobs/{}/checkpoints", job.id))?;
            ensure!(
                checkpoints["latest"]["restored"]["id"].is_u64(),
                "it did not start from a checkpoint: {checkpoints}"
            );
            watch(cluster, job, Duration::from_secs(2))?;
            cluster.wait_for_checkpoints(&job.id, 1, RECOVERY)
        })
    });
}

#[test]
fn windows_close_again_after_a_kill_although_some_partitions_are_silent() {
    with_cluster(ClusterSpec::new(1, 2), |cluster| {
        // Of four partitions two never get a row; of the two source tasks, one has none that does.
        let stream = Stream {
            seed: 9,
            keys: 4,
            partitions: 2,
            step_us: 20_000,
        };
        let windows = [
            ("window_size", "2s"),
            ("slide_interval", "1s"),
            ("idle_timeout", "2s"),
            ("parallelism", "2"),
        ];
        let mut job = kafka::start(cluster, 4, &windows)?;
        for round in 0..3 {
            stream.write(&job.writer, &job.input, round * 500, (round + 1) * 500, f64::INFINITY)?;
            let expected = ((round + 1) * 9 * 4) as usize;
            let come = wait_until("windows", RECOVERY, || {
                job.output.take_in()?;
                Ok(job.output.windows.len() >= expected)
            });
            come.with_context(|| format!("round {round}: {} of {expected} came", job.output.windows.len()))?;
            let checkpoints = cluster.rest.get(&format!("/jobs/{}/checkpoints", job.id))?;
            let completed = checkpoints["counts"]["completed"].as_u64().unwrap_or(0);
            cluster.wait_for_checkpoints(&job.id, completed + 2, RECOVERY)?;
            cluster.kill_taskmanager(0)?;
            cluster.restart_taskmanager(0)?;
        }
        Ok(())
    });
}

/// Many windows wait to be computed, and small ones behind them: all are in the checkpoint, and computed again.
#[test]
fn windows_in_work_survive_a_kill() {
    with_cluster(ClusterSpec::new(1, 1), |cluster| {
        let stream = Stream {
            seed: 11,
            keys: 1,
            partitions: 1,
            step_us: 40,
        };
        let keyed = |key: String, index| Row {
            key,
            ..stream.row(index)
        };
        let heavy = (0..10_000).map(|index| keyed(format!("heavy-{}", index % 20), index));
        let light = (10_000..10_150).map(|index| keyed(format!("light-{}", index % 7), index));
        let rows: Vec<_> = heavy.chain(light).collect();
        let windows = Windows {
            size_ms: 1000,
            slide_ms: 1000,
            max_dimension: 2,
            max_edge_length: 1.0,
        };
        let parameters = [
            ("window_size", "1s"),
            ("slide_interval", "1s"),
            ("parallelism", "1"),
            ("max_dimension", "2"),
        ];
        let mut job = kafka::start(cluster, 1, &parameters)?;
        for row in &rows {
            job.writer
                .send(&job.input, 0, row.key.as_bytes(), row.to_json().as_bytes())?;
        }
        stream.write_flush(&job.writer, &job.input, 100_000)?;
        let job_path = format!("/jobs/{}", job.id);
        wait_until("all rows to be in the window operator", RECOVERY, || {
            let shown = cluster.rest.get(&job_path)?;
            Ok(shown["vertices"][1]["metrics"]["read-records"] == rows.len() as u64 + 1)
        })?;
        let checkpoints = cluster.rest.get(&format!("{job_path}/checkpoints"))?;
        let completed = checkpoints["counts"]["completed"].as_u64().unwrap_or(0);
        cluster.wait_for_checkpoints(&job.id, completed + 2, RECOVERY)?;
        job.output.take_in()?;
        ensure!(
            job.output.windows.len() < 20,
            "all heavy windows were done too soon for this test to mean anything"
        );
        cluster.kill_taskmanager(0)?;
        cluster.restart_taskmanager(0)?;
        let expected = windows.of(rows)?;
        wait_for_all(cluster, &mut job, &expected)?;
        let found = |window: &Window| job.output.windows.get(window).map(|(diagram, _)| diagram.clone());
        compare(&expected, found, job.output.windows.keys().cloned(), 0.0)
    });
}

/// Runs the job at a steady rate while `hurt` does its work, then ends the stream and compares every window.
fn under_load(cluster: &mut Cluster, seed: u64, hurt: impl FnOnce(&mut Cluster, &mut Job) -> Result<()>) -> Result<()> {
    let stream = stream(seed);
    let parameters = [
        ("parallelism", "4"),
        ("window_size", "500ms"),
        ("slide_interval", "500ms"),
    ];
    let mut job = kafka::start(cluster, 4, &parameters)?;
    cluster.wait_for_state(&job.id, "RUNNING", RECOVERY)?;

    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let (bootstrap, input) = (cluster.services.bootstrap.clone(), job.input.clone());
    let load = thread::spawn(move || -> Result<u64> {
        let writer = Writer::new(&bootstrap)?;
        let chunk = (ROWS_PER_SECOND / 10.0) as u64;
        let mut written = 0;
        while stopped.try_recv() == Err(std::sync::mpsc::TryRecvError::Empty) {
            stream.write(&writer, &input, written, written + chunk, ROWS_PER_SECOND)?;
            written += chunk;
        }
        stream.write_flush(&writer, &input, written)?;
        Ok(written)
    });
    let hurt = hurt(cluster, &mut job);
    drop(stop);
    let written = load.join().expect("the load does not panic")?;
    hurt?;

    let expected = WINDOWS.of((0..written).map(|index| stream.row(index)))?;
    wait_for_all(cluster, &mut job, &expected)?;
    println!(
        "{written} rows, {} windows of {} keys, {} of them came more than once",
        expected.len(),
        stream.keys,
        job.output.duplicates
    );
    let found = |window: &Window| job.output.windows.get(window).map(|(diagram, _)| diagram.clone());
    compare(&expected, found, job.output.windows.keys().cloned(), 0.0)
}

/// Takes in results for a while; the processes must live.
fn watch(cluster: &mut Cluster, job: &mut Job, time: Duration) -> Result<()> {
    let end = Instant::now() + time;
    wait_until("the calm to pass", time * 2, || {
        cluster.check_alive()?;
        job.output.take_in()?;
        Ok(Instant::now() >= end)
    })
}

/// Waits until windows come again after a failure at `at`, and returns how long none came. What the survivors had already
/// computed may still arrive for a moment, so it is the longest silence that counts.
fn wait_for_new_output(job: &mut Job, at: Instant) -> Result<Duration> {
    let before = job.output.windows.len();
    // Steady output: several windows of every key.
    wait_until("new output", RECOVERY, || {
        job.output.take_in()?;
        Ok(job.output.windows.len() >= before + 64)
    })?;
    Ok(job.output.longest_silence(at, Instant::now()))
}

fn wait_for_all(cluster: &mut Cluster, job: &mut Job, expected: &BTreeMap<Window, Diagram>) -> Result<()> {
    let mut come = 0;
    wait_until("all windows", RECOVERY, || {
        cluster.check_alive()?;
        job.output.take_in()?;
        come = job.output.windows.keys().filter(|window| window.0 != FLUSH_KEY).count();
        Ok(come >= expected.len())
    })
    .with_context(|| format!("{come} of {} windows came", expected.len()))?;
    ensure!(
        cluster.job_state(&job.id)? == "RUNNING",
        "the job does not run any more"
    );
    Ok(())
}
