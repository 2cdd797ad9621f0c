//! Rows per second of CPU time: decoding of `point-json`, and windows that count.
//!
//! `cargo run --release -p operators --example throughput`

use std::time::{Duration, Instant};

use operators::REGISTRY;
use streaming::Timestamp;
use streaming::batch::{Batch, Keys, List, Payload, Points};
use streaming::connector::{Decoded, RawBatch};
use streaming::job::Options;
use streaming::operator::Registry;
use streaming::testing::{Harness, MemoryState};

const ROWS: usize = 4096;
const BATCHES: usize = 1000;

fn main() -> anyhow_free::Result {
    decode("two coordinates, milliseconds", |row| {
        format!(
            r#"{{"key":"sensor-{}","timestamp":{},"point":[{}.25,-{}.5]}}"#,
            row % 1000,
            1_700_000_000_000 + row,
            row % 97,
            row % 31
        )
    })?;
    decode("three coordinates of 17 digits, RFC 3339", |row| {
        let x = (row as f64).sin();
        format!(
            r#"{{"key":"sensor-{}","timestamp":"2024-01-01T12:00:{:02}.{:03}Z","point":[{},{},{}]}}"#,
            row % 1000,
            row % 60,
            row % 1000,
            x,
            x.cos(),
            x.tan()
        )
    })?;
    for keys in [1_000, 1_000_000] {
        window(
            "count, tumbling",
            r#"{"aggregate":"count","window":{"kind":"tumbling","size":"10s"}}"#,
            keys,
        )?;
        window(
            "points, tumbling",
            r#"{"window":{"kind":"tumbling","size":"10s"}}"#,
            keys,
        )?;
    }
    window(
        "points, sliding 10 s by 1 s",
        r#"{"window":{"kind":"sliding","size":"10s","slide":"1s"}}"#,
        1_000,
    )?;
    window(
        "points, session",
        r#"{"window":{"kind":"session","gap":"20ms"}}"#,
        1_000,
    )?;
    window(
        "points, 500 each",
        r#"{"window":{"kind":"tumbling","size":500}}"#,
        1_000,
    )?;
    Ok(())
}

mod anyhow_free {
    pub type Result = std::result::Result<(), Box<dyn std::error::Error>>;
}

fn decode(what: &str, message: impl Fn(usize) -> String) -> anyhow_free::Result {
    let messages: Vec<_> = (0..ROWS).map(message).collect();
    let bytes = messages.iter().map(String::len).sum::<usize>() / ROWS;
    let raw = RawBatch {
        name: "points/0".into(),
        timestamp: vec![Timestamp(0); ROWS],
        keys: List::of_empty(ROWS),
        values: messages.iter().map(|message| message.as_bytes()).collect(),
        positions: (0..).take(ROWS).collect(),
        ..RawBatch::default()
    };
    let factory = REGISTRY.decoder("point-json").ok_or("no such format")?;
    let mut decoder = factory.build(&mut Options::from_json("source.points", "{}")?)?;
    let mut rows = 0;
    let start = cpu_time();
    for _ in 0..BATCHES {
        let mut decoded = Decoded::default();
        decoder.decode(&raw, Timestamp::from_millis(1_800_000_000_000), &mut decoded)?;
        rows += decoded.batches.iter().map(Batch::rows).sum::<usize>();
    }
    assert_eq!(rows, ROWS * BATCHES, "rows decoded");
    tell(
        &format!("decode point-json, {what} ({bytes} bytes)"),
        rows,
        cpu_time() - start,
    );
    Ok(())
}

fn window(what: &str, options: &str, keys: u64) -> anyhow_free::Result {
    let factory = REGISTRY.operator("window").ok_or("no such operator")?;
    let operator = factory.build(&mut Options::from_json("operator.windows", options)?)?;
    let mut harness = Harness::open(operator, MemoryState::default())?;
    // Prepared, so that only the operator is timed: 4 M rows over 41 s of event time, keys in a random order.
    let batches: Vec<_> = (0..BATCHES).map(|batch| rows(batch, keys)).collect();
    let mut windows = 0;
    let start = cpu_time();
    for (at, batch) in batches.into_iter().enumerate() {
        harness.process(batch)?;
        harness.watermark(time(at * ROWS))?;
        windows += harness.take_main().iter().map(Batch::rows).sum::<usize>();
        harness.outputs.clear();
    }
    let spent = cpu_time() - start;
    tell(
        &format!("window {what}, {keys} keys, {windows} windows"),
        ROWS * BATCHES,
        spent,
    );
    Ok(())
}

/// What this thread has used of a processor; the time on the wall where the system does not tell.
fn cpu_time() -> Duration {
    static START: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
    // Lets the kernel bring its account up to date.
    std::thread::yield_now();
    let account = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanos = account.and_then(|account| account.split(' ').next()?.parse().ok());
    nanos.map_or_else(|| START.elapsed(), Duration::from_nanos)
}

fn time(row: usize) -> Timestamp {
    Timestamp(row as i64 * 10)
}

fn rows(batch: usize, count: u64) -> Batch {
    let mut keys = Keys::default();
    let mut event_time = Vec::with_capacity(ROWS);
    for row in batch * ROWS..(batch + 1) * ROWS {
        let number = (row as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
        keys.push(format!("sensor-{}", number % count).as_bytes());
        event_time.push(time(row));
    }
    let points = Points {
        dim: 2,
        coords: vec![0.5; ROWS * 2],
    };
    Batch {
        event_time,
        keys,
        payload: Payload::Points(points),
    }
}

fn tell(what: &str, rows: usize, spent: Duration) {
    println!("{:8.2} M rows/s  {what}", rows as f64 / spent.as_secs_f64() / 1e6);
}
