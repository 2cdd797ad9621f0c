use std::path::Path as FilePath;

use streaming::Epoch;
use streaming::batch::{Batch, Column as _, Documents, Keys, List, Payload};
use streaming::connector::Sink as _;
use streaming::connector::filesystem::{Location, S3, SinkOptions};

use super::super::FilesystemSink;
use super::*;

struct Room {
    directory: tempfile::TempDir,
    runtime: tokio::runtime::Runtime,
}

impl Room {
    fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
            runtime: tokio::runtime::Builder::new_multi_thread()
                .worker_threads(1)
                .enable_all()
                .build()
                .unwrap(),
        }
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.directory.path().join(name), text).unwrap();
    }

    fn location(&self, below: &str) -> Location {
        Location {
            url: format!("file://{}", self.directory.path().join(below).display()),
            s3: S3::default(),
        }
    }

    fn place(subtask: u16, parallelism: u16) -> ConnectorPlace {
        ConnectorPlace {
            job_id: String::new(),
            job_name: "job".into(),
            id: "points".into(),
            subtask,
            parallelism,
        }
    }

    fn open(&self, subtask: u16, parallelism: u16, restored: &[SplitState]) -> FilesystemSource {
        self.open_at("", None, subtask, parallelism, restored)
    }

    fn open_at(
        &self,
        below: &str,
        monitor_interval: Option<Duration>,
        subtask: u16,
        parallelism: u16,
        restored: &[SplitState],
    ) -> FilesystemSource {
        let mut source = self.source_at(below, monitor_interval, subtask, parallelism);
        source.open(restored).unwrap();
        source
    }

    fn source_at(
        &self,
        below: &str,
        monitor_interval: Option<Duration>,
        subtask: u16,
        parallelism: u16,
    ) -> FilesystemSource {
        let options = SourceOptions {
            location: self.location(below),
            monitor_interval,
            max_line_bytes: 1000,
        };
        FilesystemSource::new(options, Self::place(subtask, parallelism), self.runtime.handle()).unwrap()
    }
}

/// Reads lines until the source ends, has nothing, or has been polled `polls` times.
fn read(source: &mut FilesystemSource, polls: usize, max_rows: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for _ in 0..polls {
        match source.poll(Duration::from_secs(10), max_rows).unwrap() {
            Polled::Raw(raw) => {
                assert!(raw.values.rows() <= max_rows);
                assert_eq!(raw.name, source.splits()[raw.split]);
                lines.extend(raw.values.iter().map(|line| String::from_utf8(line.to_vec()).unwrap()));
            }
            Polled::End | Polled::Nothing => break,
            other => panic!("{other:?}"),
        }
    }
    lines
}

#[test]
fn all_lines_are_read_once_by_two_subtasks() {
    let room = Room::new();
    for file in 0..7 {
        room.write(&format!("file-{file}"), &format!("{file}a\n{file}b\n\n{file}c"));
    }
    room.write(".hidden", "no");
    room.write("_pending", "no");
    let mut lines: Vec<_> = (0..2)
        .flat_map(|subtask| read(&mut room.open(subtask, 2, &[]), 1000, 2))
        .collect();
    lines.sort();
    let expected: Vec<_> = (0..7)
        .flat_map(|file| ["a", "b", "c"].map(|line| format!("{file}{line}")))
        .collect();
    assert_eq!(lines, expected);
}

#[test]
fn a_restored_source_goes_on_in_the_middle_of_a_file_at_another_parallelism() {
    let room = Room::new();
    let text: String = (0..500).map(|line| format!("{{\"line\": {line}}}\n")).collect();
    for file in ["a", "b", "c"] {
        room.write(file, &text);
    }
    let (mut lines, mut states) = (Vec::new(), Vec::new());
    for subtask in 0..2 {
        let mut source = room.open(subtask, 2, &[]);
        lines.extend(read(&mut source, 40, 7));
        states.extend(source.snapshot(Epoch(1)).unwrap());
        read(&mut source, 3, 7);
    }
    assert!(lines.len() < 1500);
    lines.extend(read(&mut room.open(0, 1, &states), 100_000, 100));
    let mut expected: Vec<_> = text
        .lines()
        .flat_map(|line| [line, line, line].map(str::to_owned))
        .collect();
    expected.sort();
    lines.sort();
    assert_eq!(lines, expected);
}

#[test]
fn a_single_object_is_a_location_too() {
    let room = Room::new();
    room.write("one.jsonl", "1\n2");
    let mut source = room.open_at("one.jsonl", None, 0, 1, &[]);
    assert_eq!(read(&mut source, 10, 10), ["1", "2"]);
    assert!(matches!(source.poll(Duration::ZERO, 1).unwrap(), Polled::End));
}

#[test]
fn a_monitored_directory_gives_new_objects_and_never_ends() {
    let room = Room::new();
    room.write("a", "1\n");
    let mut source = room.open_at("", Some(Duration::from_millis(1)), 0, 1, &[]);
    assert_eq!(read(&mut source, 1, 10), ["1"]);
    assert!(matches!(source.poll(Duration::ZERO, 1).unwrap(), Polled::Nothing));
    room.write("b", "2\n");
    let started = Instant::now();
    let mut lines = Vec::new();
    while lines.is_empty() && started.elapsed() < Duration::from_secs(10) {
        lines = read(&mut source, 1, 10);
    }
    assert_eq!(lines, ["2"]);
    assert_eq!(source.splits().len(), 2);
}

#[test]
fn a_path_with_nothing_behind_it_is_an_error() {
    let room = Room::new();
    let error = room.source_at("mistyped", None, 0, 1).open(&[]).unwrap_err();
    assert_eq!(error.kind(), streaming::Kind::User);
    assert!(error.to_string().contains("nothing to read at file:///"), "{error}");
}

#[test]
fn an_object_that_is_gone_matters_only_if_it_was_not_read_to_its_end() {
    let room = Room::new();
    room.write("a", "1\n2\n");
    let state_after = |polls| {
        let mut source = room.open(0, 1, &[]);
        read(&mut source, polls, 1);
        source.snapshot(Epoch(1)).unwrap()
    };
    let (half, whole) = (state_after(1), state_after(2));
    std::fs::remove_file(room.directory.path().join("a")).unwrap();
    let mut source = room.open(0, 1, &whole);
    assert!(matches!(source.poll(Duration::ZERO, 1).unwrap(), Polled::End));
    assert_eq!(source.snapshot(Epoch(1)).unwrap(), whole);
    let error = room.source_at("", None, 0, 1).open(&half).unwrap_err();
    assert!(error.to_string().contains("read to byte 2 of 4"), "{error}");
}

#[test]
fn a_line_over_the_limit_is_named() {
    let room = Room::new();
    room.write("a", &format!("ok\n{}", "x".repeat(3 << 20)));
    let mut source = room.open(0, 1, &[]);
    assert_eq!(read(&mut source, 1, 10), ["ok"]);
    let error = source.poll(Duration::from_secs(10), 10).unwrap_err().to_string();
    assert!(
        error.contains("the line at 3 of") && error.contains("longer than 1000 bytes"),
        "{error}"
    );
}

#[test]
fn a_paused_object_waits_and_another_is_read() {
    let room = Room::new();
    room.write("a", "1\n2\n");
    room.write("b", "3\n");
    let mut source = room.open(0, 1, &[]);
    source.pause(0, true).unwrap();
    assert_eq!(read(&mut source, 1, 10), ["3"]);
    assert!(matches!(source.poll(Duration::ZERO, 1).unwrap(), Polled::Nothing));
    source.pause(0, false).unwrap();
    assert_eq!(read(&mut source, 10, 10), ["1", "2"]);
}

fn documents(texts: &[&str]) -> Batch {
    Batch {
        event_time: vec![Default::default(); texts.len()],
        keys: Keys::absent(texts.len()),
        payload: Payload::Documents(Documents {
            bytes: List::from_iter(texts.iter().map(|text| text.as_bytes())),
        }),
    }
}

fn files(directory: &FilePath) -> usize {
    std::fs::read_dir(directory).map_or(0, |files| files.count())
}

#[test]
fn what_the_sink_sealed_the_source_reads() {
    let room = Room::new();
    let options = SinkOptions {
        location: room.location("out"),
        roll_bytes: 10,
    };
    let mut sink = FilesystemSink::new(options, Room::place(3, 4), room.runtime.handle()).unwrap();
    let out = room.directory.path().join("out");
    sink.open(&[]).unwrap();
    sink.write(&documents(&["{\"a\":\n1}"])).unwrap();
    assert_eq!(files(&out), 0);
    sink.write(&documents(&["22", "333"])).unwrap();
    assert_eq!(files(&out), 1, "the size of an object is bounded");
    sink.seal(Epoch(1)).unwrap();
    assert_eq!(files(&out), 2);
    sink.seal(Epoch(2)).unwrap();
    sink.write(&documents(&["4"])).unwrap();
    sink.finish().unwrap();
    assert_eq!(files(&out), 3, "an epoch without rows makes no object");
    let mut source = room.open_at("out", None, 0, 1, &[]);
    assert_eq!(read(&mut source, 100, 10), ["{\"a\": 1}", "22", "333", "4"]);
}
