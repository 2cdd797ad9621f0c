//! One columnar batch, one encoding: the bytes on the wire, in a state file and in saved in-flight data are the same.

mod codec;
mod column;

use crate::{Timestamp, key};

pub use codec::{HEADER_BYTES, decode, encode, encode_into};
use column::columns;
pub use column::{Column, List, Plain};

/// A columnar batch: row `i` is `(event_time[i], keys.row(i), payload.row(i))`.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    pub event_time: Vec<Timestamp>,
    pub keys: Keys,
    pub payload: Payload,
}

/// What the rows of a batch are.
#[derive(Debug, Clone, PartialEq)]
pub enum Payload {
    Points(Points),
    Windows(Windows),
    Diagrams(Diagrams),
    Documents(Documents),
}

columns! {
    /// The key of every row and its hash, computed once. A row without a key has the empty one.
    pub struct Keys {
        pub hashes: Vec<u64>,
        pub bytes: List<u8>,
    }
}

impl Keys {
    pub fn push(&mut self, key: &[u8]) {
        self.hashes.push(key::hash(key));
        self.bytes.push(key);
    }

    /// The keys of `rows` rows without a key.
    pub fn absent(rows: usize) -> Self {
        Self {
            hashes: vec![key::hash(b""); rows],
            bytes: List::of_empty(rows),
        }
    }

    pub fn row(&self, row: usize) -> &[u8] {
        self.bytes.row(row)
    }
}

/// Points of one dimension, row-major: `coords.len() == rows * dim`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Points {
    pub dim: u16,
    pub coords: Vec<f64>,
}

impl Points {
    pub fn row(&self, row: usize) -> &[f64] {
        let dim = usize::from(self.dim);
        &self.coords[row * dim..(row + 1) * dim]
    }
}

/// What closed a window; written into every answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum WindowKind {
    Tumbling = 0,
    Sliding = 1,
    Session = 2,
    Count = 3,
    SlidingCount = 4,
    Global = 5,
}

impl WindowKind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Tumbling => "tumbling",
            Self::Sliding => "sliding",
            Self::Session => "session",
            Self::Count => "tumbling-count",
            Self::SlidingCount => "sliding-count",
            Self::Global => "global",
        }
    }

    pub fn from_code(code: u8) -> Option<Self> {
        [
            Self::Tumbling,
            Self::Sliding,
            Self::Session,
            Self::Count,
            Self::SlidingCount,
            Self::Global,
        ]
        .into_iter()
        .find(|kind| *kind as u8 == code)
    }
}

columns! {
    /// Fired windows with their points. The event time of a row is the last instant of its window.
    pub struct Windows {
        /// First instant of the window; for count windows the event time of its first point.
        pub start: Vec<Timestamp>,
        /// First instant after the window; for count windows the event time of its last point.
        pub end: Vec<Timestamp>,
        /// A [`WindowKind`].
        pub kind: Vec<u8>,
        /// How many points were seen, whether or not they are kept in `coords`.
        pub count: Vec<u64>,
        /// Coordinates per point.
        pub dim: Vec<u16>,
        /// Row-major points of each window; empty where the job only counts.
        pub coords: List<f64>,
    }
}

/// One bar of a persistence diagram. An essential class has an infinite death.
#[derive(Debug, Clone, Copy, PartialEq, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
pub struct Pair {
    pub birth: f64,
    pub death: f64,
    /// Homology dimension.
    pub dimension: u64,
}

columns! {
    /// Persistence diagrams of windows.
    pub struct Diagrams {
        pub start: Vec<Timestamp>,
        pub end: Vec<Timestamp>,
        /// A [`WindowKind`].
        pub kind: Vec<u8>,
        /// Points in the window.
        pub count: Vec<u64>,
        /// Coordinates per point.
        pub dim: Vec<u16>,
        /// The highest homology dimension that was computed.
        pub max_dimension: Vec<u16>,
        /// The algorithm's name in the job file.
        pub algorithm: List<u8>,
        /// Sorted by dimension, birth, death.
        pub pairs: List<Pair>,
        /// Bottleneck distance to the exact diagram at most; 0 when exact.
        pub error_bound: Vec<f64>,
        /// Seconds of computation.
        pub seconds: Vec<f64>,
        /// Bytes the computation was admitted with.
        pub memory_bytes: Vec<u64>,
        /// What later operators say of the diagram: members of a JSON object without its braces, `"drift":{…}` say, and
        /// commas between them. Written into the answer as they are.
        pub annotations: List<u8>,
    }
}

columns! {
    /// Finished messages, as a sink writes them: JSON text, usually.
    pub struct Documents {
        pub bytes: List<u8>,
    }
}

impl Batch {
    /// A batch of no rows of the same kind as `self`.
    pub fn empty_like(&self) -> Self {
        self.gather(&[])
    }

    pub fn rows(&self) -> usize {
        self.event_time.len()
    }

    pub fn is_empty(&self) -> bool {
        self.event_time.is_empty()
    }

    /// Bytes of the buffers: what the batch costs in memory and, plus a header, on the wire.
    pub fn size_bytes(&self) -> usize {
        self.event_time.size_bytes() + self.keys.size_bytes() + self.payload.size_bytes()
    }

    /// The chosen rows, in the order given.
    pub fn gather(&self, rows: &[u32]) -> Self {
        Self {
            event_time: self.event_time.gather(rows),
            keys: self.keys.gather(rows),
            payload: self.payload.gather(rows),
        }
    }

    /// Whether the rows of `other` can stand in the same batch.
    pub fn is_like(&self, other: &Self) -> bool {
        self.payload.is_like(&other.payload)
    }

    /// Appends the rows of `other`, which must be like this batch ([`Batch::is_like`]).
    pub fn append(&mut self, other: &Self) {
        self.event_time.append_rows(&other.event_time);
        self.keys.append_rows(&other.keys);
        self.payload.append(&other.payload);
    }

    /// Panics where columns differ in length: a defect of the room that built the batch.
    pub fn assert_consistent(&self) {
        let rows = self.rows();
        assert_eq!(self.keys.rows(), rows, "keys of a batch of {rows} rows");
        assert_eq!(self.payload.rows(), rows, "payload of a batch of {rows} rows");
    }
}

macro_rules! each_payload {
    ($self:expr, $columns:ident => $body:expr) => {
        match $self {
            Payload::Points($columns) => $body,
            Payload::Windows($columns) => $body,
            Payload::Diagrams($columns) => $body,
            Payload::Documents($columns) => $body,
        }
    };
}

impl Payload {
    fn rows(&self) -> usize {
        each_payload!(self, columns => columns.rows())
    }

    fn size_bytes(&self) -> usize {
        each_payload!(self, columns => columns.size_bytes())
    }

    fn gather(&self, rows: &[u32]) -> Self {
        match self {
            Self::Points(points) => Self::Points(points.gather(rows)),
            Self::Windows(windows) => Self::Windows(windows.gather(rows)),
            Self::Diagrams(diagrams) => Self::Diagrams(diagrams.gather(rows)),
            Self::Documents(documents) => Self::Documents(documents.gather(rows)),
        }
    }

    fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Points(left), Self::Points(right)) => left.dim == right.dim,
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }

    fn append(&mut self, other: &Self) {
        match (self, other) {
            (Self::Points(left), Self::Points(right)) => left.append_rows(right),
            (Self::Windows(left), Self::Windows(right)) => left.append_rows(right),
            (Self::Diagrams(left), Self::Diagrams(right)) => left.append_rows(right),
            (Self::Documents(left), Self::Documents(right)) => left.append_rows(right),
            (left, right) => panic!("rows of {} appended to {}", right.name(), left.name()),
        }
    }

    /// The word for these rows in messages.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Points(_) => "points",
            Self::Windows(_) => "windows",
            Self::Diagrams(_) => "diagrams",
            Self::Documents(_) => "documents",
        }
    }
}

#[cfg(test)]
mod tests;
