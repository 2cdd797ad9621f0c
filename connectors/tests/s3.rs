//! The filesystem connector against an S3 API, that of `local-services`.

#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

use std::time::Duration;

use streaming::batch::{Batch, Documents, Keys, List, Payload};
use streaming::connector::{ConnectorPlace, Polled};
use streaming::job::{Options, Value};
use streaming::{Epoch, Timestamp};

fn options(endpoint: &str, prefix: &str) -> Options {
    let text = format!(
        "path = \"s3://lines/{prefix}\"\ns3.endpoint = \"http://{endpoint}\"\ns3.region = \"local\"\n\
         s3.access-key = \"any\"\ns3.secret-key = \"secret\"\nroll-size = 10000"
    );
    Options::new("source.points", Value::parse_toml(&text).unwrap(), Default::default())
}

fn place() -> ConnectorPlace {
    ConnectorPlace {
        job_id: "0".repeat(32),
        job_name: "job".into(),
        id: "points".into(),
        subtask: 0,
        parallelism: 1,
    }
}

#[test]
fn what_is_sealed_to_a_bucket_is_read_from_it() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let directory = tempfile::tempdir().unwrap();
    let mut service = local_services::s3::Options::new(directory.path());
    service.buckets = vec!["lines".to_owned()];
    let service = runtime.block_on(local_services::s3::serve(service)).unwrap();
    let endpoint = service.address().to_string();

    let mut sink = connectors::registry::sink(
        "filesystem",
        &mut options(&endpoint, "out/here"),
        place(),
        runtime.handle(),
    )
    .unwrap();
    sink.open(&[]).unwrap();
    let rows: Vec<_> = (0..5000).map(|row| format!("{{\"row\": {row}}}")).collect();
    let documents = Documents {
        bytes: List::from_iter(rows.iter().map(|row| row.as_bytes())),
    };
    let batch = Batch {
        event_time: vec![Timestamp(0); rows.len()],
        keys: Keys::absent(rows.len()),
        payload: Payload::Documents(documents),
    };
    sink.write(&batch).unwrap();
    sink.seal(Epoch(1)).unwrap();

    let mut source =
        connectors::registry::source("filesystem", &mut options(&endpoint, "out"), place(), runtime.handle()).unwrap();
    source.open(&[]).unwrap();
    assert!(source.splits().len() > 5, "objects are rolled by size");
    let mut read = Vec::new();
    loop {
        match source.poll(Duration::from_secs(10), 1000).unwrap() {
            Polled::Raw(raw) => read.extend(raw.values.iter().map(|line| String::from_utf8(line.to_vec()).unwrap())),
            Polled::End => break,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(read, rows);
}
