//! Connectors: where rows come from and go to. As synchronous as operators.

pub mod catalog;
pub mod filesystem;
pub mod generator;
pub mod kafka;
pub mod print;
mod read;

use std::sync::Arc;
use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde::Serialize;

use crate::batch::{Batch, Documents, Keys, List, Payload};
use crate::{Epoch, Result, Timestamp};

/// A part of a source that is read in order and has a position: a Kafka partition, a file.
pub type SplitId = Arc<str>;

/// Records as they were read from one split, before parsing.
#[derive(Debug, Clone, Default)]
pub struct RawBatch {
    /// Index into [`Source::splits`].
    pub split: usize,
    /// Its name, such as `topic/3`: dead letters tell it.
    pub name: SplitId,
    /// The connector's own time of each record (Kafka's timestamp).
    pub timestamp: Vec<Timestamp>,
    /// Empty where a record has none.
    pub keys: List<u8>,
    pub values: List<u8>,
    /// Offset of each record in its split.
    pub positions: Vec<i64>,
}

/// What a poll brought.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "one a poll, returned at once")]
pub enum Polled {
    Raw(RawBatch),
    /// Rows that need no parsing.
    Rows {
        split: usize,
        batch: Batch,
    },
    /// Nothing within the deadline.
    Nothing,
    /// Nothing, ever again.
    End,
}

/// The position of one split, as kept in a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SplitState {
    pub split: String,
    /// The source's own encoding of its position.
    pub position: Vec<u8>,
}

/// Which of the parallel copies of a connector this is, and whose.
#[derive(Debug, Clone)]
pub struct ConnectorPlace {
    pub job_id: String,
    pub job_name: String,
    /// Id of the source or sink in the job file.
    pub id: String,
    pub subtask: u16,
    pub parallelism: u16,
}

/// Reads splits. Runs on the thread of its source task.
pub trait Source: Send {
    /// Starts reading. `restored` holds the splits of *all* subtasks at the restored checkpoint; the source takes those
    /// that it owns. Empty at a first start. A split that it owns and that is not among them is new.
    fn open(&mut self, restored: &[SplitState]) -> Result<()>;

    /// Reads up to about `max_rows` rows of one split, waiting at most `deadline` for the first.
    fn poll(&mut self, deadline: Duration, max_rows: usize) -> Result<Polled>;

    /// The splits of this subtask; grows when new ones are found, and never changes order.
    fn splits(&self) -> &[SplitId];

    /// The position behind the last polled row of every split, as part of checkpoint `epoch`.
    fn snapshot(&mut self, epoch: Epoch) -> Result<Vec<SplitState>>;

    /// Stops or resumes reading a split (watermark alignment).
    fn pause(&mut self, split: usize, paused: bool) -> Result<()>;

    /// Checkpoint `epoch` is durable; a good moment to tell the broker how far we are. Must not fail the job.
    fn on_committed(&mut self, _epoch: Epoch) {}

    /// Whether the source knows that a split had no records to read when reading it began.
    fn had_nothing_to_read(&self, _split: usize) -> bool {
        false
    }

    /// Records that are there and not yet read, where the source knows.
    fn pending_records(&self) -> Option<u64> {
        None
    }
}

/// Turns raw records into rows.
pub trait Decoder: Send {
    /// Appends rows to `decoded`; records that cannot be read go to `decoded.bad`.
    fn decode(&mut self, raw: &RawBatch, now: Timestamp, decoded: &mut Decoded) -> Result<()>;
}

/// What a decoder made of a raw batch.
#[derive(Debug, Default)]
pub struct Decoded {
    /// More than one where rows differ in dimension.
    pub batches: Vec<Batch>,
    pub bad: Vec<DeadLetter>,
}

/// Turns rows into documents.
pub trait Encoder: Send {
    fn encode(&mut self, batch: Batch, now: Timestamp) -> Result<Documents>;
}

/// Writes documents. Runs on the thread of its task.
pub trait Sink: Send {
    /// `restored` holds what [`Sink::seal`] of all subtasks returned for the restored checkpoint.
    fn open(&mut self, restored: &[Vec<u8>]) -> Result<()>;

    /// The rows of `batch` are documents unless the sink's format says otherwise. May wait for room, at most seconds.
    fn write(&mut self, batch: &Batch) -> Result<()>;

    /// Everything written so far belongs to `epoch`: it is durable when this returns, or it is in the returned state.
    fn seal(&mut self, epoch: Epoch) -> Result<Vec<u8>>;

    /// Checkpoint `epoch` is durable.
    fn on_committed(&mut self, _epoch: Epoch) -> Result<()> {
        Ok(())
    }

    /// The input has ended: everything written must be durable when this returns.
    fn finish(&mut self) -> Result<()>;
}

/// Why a record could not be processed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DeadLetterKind {
    BadRecord,
    Late,
    Oversize,
    Failed,
    Timeout,
}

/// Where a record came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Origin {
    pub topic: String,
    pub partition: i32,
    pub offset: i64,
}

impl Origin {
    /// The origin of the record at `offset` of a split. A split is called `{topic}/{partition}` where there are partitions;
    /// else its name stands for the topic.
    pub fn of_split(split: &str, offset: i64) -> Self {
        let partitioned = split
            .rsplit_once('/')
            .and_then(|(topic, partition)| Some((topic, partition.parse().ok()?)));
        let (topic, partition) = partitioned.unwrap_or((split, 0));
        Self {
            topic: topic.to_owned(),
            partition,
            offset,
        }
    }
}

/// A record that could not be processed, with its cause.
#[derive(Debug, Clone, PartialEq)]
pub struct DeadLetter {
    pub kind: DeadLetterKind,
    pub reason: String,
    /// `None` for what has no single origin, such as a window.
    pub origin: Option<Origin>,
    /// Tells letters of the same operator without an origin apart, the same way in a replay: the window's key and end, say.
    pub identity: Vec<u8>,
    pub key: Vec<u8>,
    pub event_time: Timestamp,
    /// The record as it came.
    pub payload: Vec<u8>,
}

#[derive(Serialize)]
struct ErrorEvent<'a> {
    error_id: String,
    timestamp: String,
    job: &'a str,
    operator: &'a str,
    kind: DeadLetterKind,
    reason: &'a str,
    source: Option<&'a Origin>,
    key: Option<std::borrow::Cow<'a, str>>,
    payload_base64: String,
    /// Length of the record, where the payload is only its beginning.
    #[serde(skip_serializing_if = "Option::is_none")]
    payload_bytes: Option<usize>,
}

/// The longest key that a record may have. Results and dead letters carry it, and must fit in a message all the same.
pub const MAX_KEY_BYTES: usize = 32 * 1024;
/// How much of a record goes into its dead letter: in base64, with the longest key, it is less than the megabyte that
/// brokers take by default. The origin tells where the whole is.
const MAX_PAYLOAD_BYTES: usize = 512 * 1024;

impl DeadLetter {
    /// One document of schema `tda_error_event_v1`, of less than 900 KB. The id is derived from the origin, so a replay
    /// gives the same id.
    pub fn to_batch(&self, job: &str, operator: &str, now: Timestamp) -> Batch {
        let key = &self.key[..self.key.len().min(MAX_KEY_BYTES)];
        let payload = &self.payload[..self.payload.len().min(MAX_PAYLOAD_BYTES)];
        let event = ErrorEvent {
            error_id: self.error_id(job, operator),
            timestamp: now.to_string(),
            job,
            operator,
            kind: self.kind,
            reason: &self.reason,
            source: self.origin.as_ref(),
            key: (!key.is_empty()).then(|| String::from_utf8_lossy(key)),
            payload_base64: BASE64_STANDARD.encode(payload),
            payload_bytes: (payload.len() < self.payload.len()).then_some(self.payload.len()),
        };
        let document = serde_json::to_vec(&event).expect("strings and numbers always serialise");
        let mut keys = Keys::default();
        keys.push(key);
        let bytes = List::from_iter([document.as_slice()]);
        Batch {
            event_time: vec![self.event_time],
            keys,
            payload: Payload::Documents(Documents { bytes }),
        }
    }

    fn error_id(&self, job: &str, operator: &str) -> String {
        let mut identity = format!("{job}\0{operator}\0{:?}\0", self.kind).into_bytes();
        if let Some(origin) = &self.origin {
            identity
                .extend_from_slice(format!("{}\0{}\0{}\0", origin.topic, origin.partition, origin.offset).as_bytes());
        }
        identity.extend_from_slice(&self.identity);
        format!("{:032x}", xxhash_rust::xxh3::xxh3_128(&identity))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::{Options, Problems, Value};

    /// The options of a connector's table in a job file.
    pub(super) fn options(text: &str) -> Options {
        Options::new("source.points", Value::parse_toml(text).unwrap(), Problems::default())
    }

    /// The problems so far, in the order of the file.
    pub(super) fn messages(options: Options) -> Vec<String> {
        let problems = options.problems().take();
        problems.into_iter().map(|problem| problem.message).collect()
    }

    #[test]
    fn a_split_names_the_origin_of_its_records() {
        let origin = Origin::of_split("points/3", 7);
        assert_eq!(
            (origin.topic.as_str(), origin.partition, origin.offset),
            ("points", 3, 7)
        );
        let origin = Origin::of_split("data/part-0.jsonl", 7);
        assert_eq!((origin.topic.as_str(), origin.partition), ("data/part-0.jsonl", 0));
    }

    #[test]
    fn a_replayed_record_gives_the_same_error_id() {
        let letter = DeadLetter {
            kind: DeadLetterKind::BadRecord,
            reason: "not JSON".into(),
            origin: Some(Origin {
                topic: "points".into(),
                partition: 1,
                offset: 7,
            }),
            identity: vec![],
            key: b"k".to_vec(),
            event_time: Timestamp(0),
            payload: b"{".to_vec(),
        };
        let id = |now| {
            let Payload::Documents(documents) = letter.to_batch("job", "points", now).payload else {
                panic!("documents")
            };
            let event: serde_json::Value = serde_json::from_slice(documents.bytes.row(0)).unwrap();
            assert_eq!(event["payload_base64"], "ew==");
            event["error_id"].clone()
        };
        assert_eq!(id(Timestamp(1)), id(Timestamp(2)));
    }

    #[test]
    fn the_letter_of_a_record_as_long_as_a_message_still_fits_in_one() {
        let letter = DeadLetter {
            kind: DeadLetterKind::BadRecord,
            reason: "not JSON".into(),
            origin: None,
            identity: vec![],
            // Each of these takes six bytes in JSON.
            key: vec![0; 1_000_000],
            event_time: Timestamp(0),
            payload: vec![b'x'; 1_000_000],
        };
        let batch = letter.to_batch("job", "points", Timestamp(1));
        let Payload::Documents(documents) = batch.payload else {
            panic!("documents")
        };
        let size = documents.bytes.row(0).len() + batch.keys.row(0).len();
        assert!(size < 960_000, "{size}");
        let event: serde_json::Value = serde_json::from_slice(documents.bytes.row(0)).unwrap();
        assert_eq!(event["payload_bytes"], 1_000_000);
    }
}
