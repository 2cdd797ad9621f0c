//! Whatever is written to the input topic: a dead letter with its reason, and the job goes on.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tests::cluster::{Cluster, ClusterSpec, with_cluster};
use tests::stream::Stream;
use tests::topics::Reader;
use tests::wait::wait_until;

use crate::kafka;

const WITHIN: Duration = Duration::from_secs(30);

/// Messages, and a part of the reason of their dead letter.
const BAD: &[(&[u8], &str)] = &[
    (b"", "not JSON"),
    (b"hello", "not JSON"),
    (b"{\"key\":\"a\",\"point\":[1,2]", "not JSON"),
    (b"\xff\xfe\x00", "not UTF-8"),
    (b"[1,2]", "expected a JSON object"),
    (b"{\"key\":\"a\"}", "none of the fields"),
    (b"{\"point\":\"1,2\"}", "expected a list of numbers"),
    (b"{\"point\":[1,\"2\"]}", "expected a finite number"),
    (b"{\"point\":[1,NaN]}", "a coordinate is NaN"),
    (b"{\"point\":[1,-Infinity]}", "a coordinate is Infinity"),
    (b"{\"point\":[1,1e999]}", "is infinite"),
    (b"{\"point\":[1,2,3]}", "points of dimension 3, declared are 2"),
    (b"{\"points\":[[1,2],[3]]}", "ragged"),
    (b"{\"points\":[]}", "an empty cloud"),
    (b"{\"key\":{},\"point\":[1,2]}", "field \"key\""),
    (b"{\"timestamp\":\"yesterday\",\"point\":[1,2]}", "expected RFC 3339"),
    (b"{\"timestamp\":-5,\"point\":[1,2]}", "before 1970"),
    (
        b"{\"timestamp\":\"2999-01-01T00:00:00Z\",\"point\":[1,2]}",
        "beyond the allowed future",
    ),
];

/// Messages that are nearly as long as a broker takes them. Their dead letters must be shorter than they are.
fn oversize() -> [String; 2] {
    let long = "x".repeat(990_000);
    [format!("{{\"key\":\"{long}\",\"point\":[1,2]}}"), long]
}

const OVERSIZE_REASONS: [&str; 2] = ["a key of 990000 bytes is over the limit", "not JSON"];

#[test]
fn every_kind_of_bad_input_becomes_a_dead_letter_with_its_reason() {
    with_cluster(ClusterSpec::new(1, 1), bad_input);
}

fn bad_input(cluster: &mut Cluster) -> Result<()> {
    let mut job = kafka::start(cluster, 1, &[("parallelism", "1")])?;
    for (message, _) in BAD {
        job.writer.send(&job.input, 0, b"bad", message)?;
    }
    for message in oversize() {
        job.writer.send(&job.input, 0, b"big", message.as_bytes())?;
    }
    // Good points around the bad ones, and one that is late once the watermark has passed.
    let stream = Stream {
        seed: 5,
        keys: 1,
        partitions: 1,
        step_us: 100_000,
    };
    stream.write(&job.writer, &job.input, 0, 200, f64::INFINITY)?;
    stream.write_flush(&job.writer, &job.input, 200)?;
    wait_until("windows of the good points", WITHIN, || {
        cluster.check_alive()?;
        job.output.take_in()?;
        Ok(job.output.windows.len() >= 4)
    })?;
    stream.write(&job.writer, &job.input, 0, 1, f64::INFINITY)?;

    let letters = letters(cluster, &job.errors, BAD.len() + OVERSIZE_REASONS.len() + 1)?;
    let bad = BAD
        .iter()
        .map(|(message, reason)| (String::from_utf8_lossy(message), *reason));
    let oversize = OVERSIZE_REASONS.map(|reason| ("a message of a megabyte".into(), reason));
    for (offset, (message, reason)) in bad.chain(oversize).enumerate() {
        let letter = letters
            .get(&(offset as i64))
            .with_context(|| format!("no dead letter of {message}"))?;
        let found = letter["reason"].as_str().unwrap_or_default();
        ensure!(
            found.contains(reason),
            "{message}: the reason is {found:?}, expected {reason:?}"
        );
        ensure!(
            letter["kind"] == "bad_record" && letter["source"]["topic"] == job.input.as_str(),
            "{letter}"
        );
        ensure!(
            letter["job"] == "windows" && letter["error_id"].as_str().is_some_and(|id| id.len() == 32),
            "{letter}"
        );
    }
    let late = letters.get(&-1).context("no dead letter of the late point")?;
    ensure!(late["kind"] == "late" && late["operator"] == "windows", "{late}");
    ensure!(
        cluster.job_state(&job.id)? == "RUNNING",
        "the job does not run any more"
    );
    Ok(())
}

/// Dead letters by offset of their record; -1 for those of later operators.
fn letters(cluster: &Cluster, topic: &str, count: usize) -> Result<BTreeMap<i64, Value>> {
    let reader = Reader::new(&cluster.services.bootstrap, topic)?;
    let mut letters = BTreeMap::new();
    wait_until("all dead letters", WITHIN, || {
        while let Some(document) = reader.next(Duration::from_millis(50))? {
            let letter: Value = serde_json::from_slice(&document).context("a dead letter is JSON")?;
            let offset = match letter["kind"].as_str() {
                Some("bad_record") => letter["source"]["offset"]
                    .as_i64()
                    .context("a bad record has an offset")?,
                _ => -1,
            };
            letters.insert(offset, letter);
        }
        Ok(letters.len() >= count)
    })
    .with_context(|| format!("{} of {count} came: {letters:?}", letters.len()))?;
    Ok(letters)
}
