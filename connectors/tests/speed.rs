//! How fast connectors are. Not run by default:
//! `cargo test --release -p connectors --test speed -- --ignored --nocapture --test-threads 1`, with `KAFKA_BOOTSTRAP` for Kafka.

#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

use std::time::{Duration, Instant, SystemTime};

use streaming::batch::{Batch, Documents, Keys, List, Payload};
use streaming::connector::{ConnectorPlace, Polled, Sink, Source};
use streaming::job::{Options, Value};
use streaming::{Epoch, Timestamp};

fn place() -> ConnectorPlace {
    ConnectorPlace {
        job_id: "0".repeat(32),
        job_name: "speed".into(),
        id: "points".into(),
        subtask: 0,
        parallelism: 1,
    }
}

fn options(text: &str) -> Options {
    Options::new("source.points", Value::parse_toml(text).unwrap(), Default::default())
}

fn source(kind: &str, text: &str) -> Box<dyn Source> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut source = connectors::registry::source(kind, &mut options(text), place(), runtime.handle()).unwrap();
    source.open(&[]).unwrap();
    source
}

fn sink(kind: &str, text: &str) -> Box<dyn Sink> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut sink = connectors::registry::sink(kind, &mut options(text), place(), runtime.handle()).unwrap();
    sink.open(&[]).unwrap();
    sink
}

/// Reads to the end and prints rows per second.
fn drain(what: &str, source: &mut dyn Source) {
    let (started, mut rows, mut polls) = (Instant::now(), 0, 0);
    loop {
        match source.poll(Duration::from_millis(100), 4096).unwrap() {
            Polled::Rows { batch, .. } => rows += batch.rows(),
            Polled::Raw(raw) => rows += raw.positions.len(),
            Polled::Nothing => {}
            Polled::End => break,
        }
        polls += 1;
    }
    let rate = rows as f64 / started.elapsed().as_secs_f64() / 1e6;
    println!("{what}: {rows} rows in {polls} polls, {rate:.2} M rows/s");
}

/// Seen in November 2026 with a load of 15 on two cores: constant 28–48, uniform 20–36, circle 7–9, torus with noise 2 M rows/s.
#[test]
#[ignore = "measures; see the head of the file"]
fn the_generator() {
    for (name, further) in [
        ("constant", ""),
        ("uniform", ""),
        ("circle", ""),
        ("torus", "noise = 0.1\ndimension = 3"),
    ] {
        let text = format!("shape = \"{name}\"\nkeys = 1000\nrows = 20_000_000\n{further}");
        drain(name, source("generator", &text).as_mut());
    }
}

#[test]
#[ignore = "measures; see the head of the file"]
fn kafka_there_and_back() {
    let bootstrap = std::env::var("KAFKA_BOOTSTRAP").unwrap();
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let servers = format!("bootstrap-servers = \"{bootstrap}\"");
    let topic = format!("speed-{}", now.as_micros());
    let document = [b'x'; 100];
    let batch = Batch {
        event_time: vec![Timestamp(0); 1000],
        keys: Keys::absent(1000),
        payload: Payload::Documents(Documents {
            bytes: List::from_iter((0..1000).map(|_| document.as_slice())),
        }),
    };
    let mut sink = sink("kafka", &format!("{servers}\ntopic = \"{topic}\""));
    // The broker makes the topic, which takes a while.
    sink.write(&batch.gather(&[0])).unwrap();
    sink.seal(Epoch(1)).unwrap();
    let started = Instant::now();
    for _ in 0..1000 {
        sink.write(&batch).unwrap();
    }
    sink.seal(Epoch(2)).unwrap();
    println!("sink: {:.2} M rows/s", 1.0 / started.elapsed().as_secs_f64());
    let text = format!("{servers}\ntopics = [\"{topic}\"]\nstart = \"earliest\"\nstop = \"latest\"");
    drain("source", source("kafka", &text).as_mut());
}
