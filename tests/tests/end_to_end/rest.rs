//! The REST paths over a running cluster: Flink's shapes, as far as the page and Flink's tools read them.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tests::cluster::{Cluster, ClusterSpec, with_cluster};
use tests::stream::Stream;
use tests::wait::{wait_for, wait_until};

use crate::kafka;

const WITHIN: Duration = Duration::from_secs(30);

#[test]
fn rest_shows_the_cluster_the_job_its_checkpoints_and_its_diagrams() {
    with_cluster(ClusterSpec::new(2, 1), shapes);
}

/// Fails unless every JSON pointer leads to a value of the kind: n(umber), s(tring), a(rray), o(bject), b(oolean).
fn check(cluster: &Cluster, path: &str, expected: &[(&str, char)]) -> Result<Value> {
    let answer = cluster.rest.get(path)?;
    for (pointer, kind) in expected {
        let found = answer.pointer(pointer);
        let is_right = found.is_some_and(|value| match kind {
            'n' => value.is_number(),
            's' => value.is_string(),
            'a' => value.as_array().is_some_and(|list| !list.is_empty()),
            'o' => value.is_object(),
            _ => value.is_boolean(),
        });
        ensure!(
            is_right,
            "GET {path}: {pointer} is {found:?}, expected {kind}, in {answer}"
        );
    }
    Ok(answer)
}

fn shapes(cluster: &mut Cluster) -> Result<()> {
    let mut job = kafka::start(
        cluster,
        2,
        &[("parallelism", "2"), ("window_size", "1s"), ("slide_interval", "1s")],
    )?;
    let stream = Stream {
        seed: 3,
        keys: 4,
        partitions: 2,
        step_us: 10_000,
    };
    stream.write(&job.writer, &job.input, 0, 1000, f64::INFINITY)?;
    stream.write_flush(&job.writer, &job.input, 1000)?;
    wait_until("windows", WITHIN, || {
        job.output.take_in()?;
        Ok(job.output.windows.len() >= 40)
    })?;
    cluster.wait_for_checkpoints(&job.id, 2, WITHIN)?;

    let id = &job.id;
    check(
        cluster,
        "/config",
        &[("/flink-version", 's'), ("/features", 'o'), ("/refresh-interval", 'n')],
    )?;
    let overview = check(
        cluster,
        "/overview",
        &[("/taskmanagers", 'n'), ("/slots-total", 'n'), ("/jobs-running", 'n')],
    )?;
    ensure!(
        overview["slots-available"] == 0 && overview["jobs-running"] == 1,
        "{overview}"
    );
    check(
        cluster,
        "/jobs/overview",
        &[
            ("/jobs/0/jid", 's'),
            ("/jobs/0/state", 's'),
            ("/jobs/0/tasks/running", 'n'),
        ],
    )?;
    check(cluster, "/jobs", &[("/jobs/0/id", 's'), ("/jobs/0/status", 's')])?;
    let shown = wait_for("metrics of every row", WITHIN, || {
        let shown = cluster.rest.get(&format!("/jobs/{id}"))?;
        Ok((shown.pointer("/vertices/0/metrics/write-records") != Some(&Value::from(0))).then_some(shown))
    })?;
    ensure!(shown["state"] == "RUNNING" && shown["name"] == "windows", "{shown}");
    let vertices = shown["vertices"].as_array().context("a job has vertices")?;
    let nodes = shown
        .pointer("/plan/nodes")
        .and_then(Value::as_array)
        .context("a job has a plan")?;
    ensure!(vertices.len() == nodes.len() && !vertices.is_empty(), "{shown}");
    for vertex in vertices {
        let vertex = vertex["id"].as_str().context("a vertex has an id")?;
        let path = format!("/jobs/{id}/vertices/{vertex}");
        check(
            cluster,
            &path,
            &[("/subtasks", 'a'), ("/subtasks/0/status", 's'), ("/parallelism", 'n')],
        )?;
    }
    let numbers = [
        ("/counts/completed", 'n'),
        ("/latest/completed/id", 'n'),
        ("/history", 'a'),
        ("/history/0/status", 's'),
    ];
    check(cluster, &format!("/jobs/{id}/checkpoints"), &numbers)?;
    check(
        cluster,
        &format!("/jobs/{id}/checkpoints/config"),
        &[("/mode", 's'), ("/interval", 'n')],
    )?;
    cluster.rest.get(&format!("/jobs/{id}/exceptions"))?["exceptionHistory"]["entries"]
        .as_array()
        .context("entries")?;
    check(cluster, &format!("/jobs/{id}/config"), &[("/execution-config", 'o')])?;
    check(
        cluster,
        &format!("/jobs/{id}/diagrams"),
        &[("/diagrams", 'a'), ("/diagrams/0/pairs", 'a'), ("/diagrams/0/key", 's')],
    )?;
    let managers = check(
        cluster,
        "/taskmanagers",
        &[("/taskmanagers", 'a'), ("/taskmanagers/1/slotsNumber", 'n')],
    )?;
    let manager = managers["taskmanagers"][0]["id"]
        .as_str()
        .context("a TaskManager has an id")?;
    check(
        cluster,
        &format!("/taskmanagers/{manager}"),
        &[("/hardware/cpuCores", 'n'), ("/freeSlots", 'n')],
    )?;

    not_found(cluster)?;
    metrics(cluster)?;
    cancel(cluster, id)
}

fn not_found(cluster: &Cluster) -> Result<()> {
    for path in [
        "/jobs/00000000000000000000000000000000",
        "/jobs/nonsense",
        "/no/such/path",
    ] {
        let answer = cluster.rest.call("GET", path)?;
        ensure!(
            (400..500).contains(&answer.status),
            "GET {path}: status {}",
            answer.status
        );
    }
    let answer: Value =
        serde_json::from_slice(&cluster.rest.call("GET", "/jobs/00000000000000000000000000000000")?.body)?;
    ensure!(answer.pointer("/errors/0").is_some_and(Value::is_string), "{answer}");
    Ok(())
}

fn metrics(cluster: &Cluster) -> Result<()> {
    let answer = cluster.rest.call("GET", "/metrics")?;
    let text = String::from_utf8(answer.body)?;
    ensure!(
        answer.status == 200 && text.contains("# TYPE"),
        "GET /metrics: {}: {text:.200}",
        answer.status
    );
    for path in ["/health", "/ready"] {
        let status = cluster.rest.call("GET", path)?.status;
        ensure!(status == 200, "GET {path}: status {status}");
    }
    Ok(())
}

fn cancel(cluster: &mut Cluster, id: &str) -> Result<()> {
    let status = cluster.rest.call("PATCH", &format!("/jobs/{id}?mode=cancel"))?.status;
    ensure!(status == 202, "PATCH: status {status}");
    cluster.wait_for_state(id, "CANCELED", WITHIN)?;
    wait_until("free slots", WITHIN, || {
        Ok(cluster.rest.get("/overview")?["slots-available"] == 2)
    })
}
