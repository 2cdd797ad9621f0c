//! What window operators emit: fired windows in batches of bounded size, and dead letters.

use streaming::batch::{Batch, Keys, Payload, Points, WindowKind, Windows};
use streaming::connector::{DeadLetter, DeadLetterKind};
use streaming::operator::{OperatorContext, Output};
use streaming::{Error, Result, Timestamp};

use crate::format::point_json;

/// The side output of rows whose windows are gone.
pub const LATE: Output = 1;
/// The side output of points beyond `max-points`.
pub const OVERFLOW: Output = 2;
pub const SIDE_OUTPUTS: &[&str] = &["late", "overflow"];

/// A batch of fired windows is sent on when it has grown beyond this.
const BATCH_BYTES: usize = 1 << 20;

/// The points that a window operator has been given.
pub fn points_of<'a>(batch: &'a Batch, cx: &OperatorContext<'_>) -> Result<&'a Points> {
    match &batch.payload {
        Payload::Points(points) => Ok(points),
        other => {
            let name = other.name();
            Err(Error::internal(&cx.place.operator, format_args!("windows of {name}")))
        }
    }
}

/// Everything about a fired window but its points.
#[derive(Debug, Clone, Copy)]
pub struct Fired<'a> {
    pub hash: u64,
    pub key: &'a [u8],
    pub start: i64,
    pub end: i64,
    /// The last instant of the window.
    pub event_time: i64,
    pub dim: u16,
}

impl<'a> Fired<'a> {
    /// A window over `[start, end)`.
    pub fn over_time(hash: u64, key: &'a [u8], start: i64, end: i64, dim: u16) -> Self {
        Self {
            hash,
            key,
            start,
            end,
            event_time: end - 1,
            dim,
        }
    }
}

/// Builds batches of fired windows.
pub struct FiredWindows {
    kind: WindowKind,
    event_time: Vec<Timestamp>,
    keys: Keys,
    windows: Windows,
    bytes: usize,
}

impl FiredWindows {
    pub fn new(kind: WindowKind) -> Self {
        Self {
            kind,
            event_time: Vec::new(),
            keys: Keys::default(),
            windows: Windows::default(),
            bytes: 0,
        }
    }

    /// Adds a window whose points are the concatenation of `parts`: points seen, and coordinates of those that are kept.
    pub fn push<'p>(
        &mut self,
        fired: Fired<'_>,
        parts: impl IntoIterator<Item = (u64, &'p [f64])>,
        cx: &mut OperatorContext<'_>,
    ) {
        let mut count = 0;
        let before = self.windows.coords.open_row().len();
        for (points, coords) in parts {
            count += points;
            self.windows.coords.open_row().extend_from_slice(coords);
        }
        self.bytes += 64 + fired.key.len() + (self.windows.coords.open_row().len() - before) * 8;
        self.windows.coords.close_row();
        self.windows.start.push(Timestamp(fired.start));
        self.windows.end.push(Timestamp(fired.end));
        self.windows.kind.push(self.kind as u8);
        self.windows.count.push(count);
        self.windows.dim.push(fired.dim);
        self.keys.hashes.push(fired.hash);
        self.keys.bytes.push(fired.key);
        self.event_time.push(Timestamp(fired.event_time));
        if self.bytes >= BATCH_BYTES {
            self.flush(cx);
        }
    }

    /// Emits what has been gathered.
    pub fn flush(&mut self, cx: &mut OperatorContext<'_>) {
        self.bytes = 0;
        cx.emit(Batch {
            event_time: std::mem::take(&mut self.event_time),
            keys: std::mem::take(&mut self.keys),
            payload: Payload::Windows(std::mem::take(&mut self.windows)),
        });
    }
}

/// Why a point is in no window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Dropped {
    Late { watermark: i64 },
    Overflow { max_points: u64 },
}

/// A point that is in no window, for its side output.
#[derive(Debug, Clone, Copy)]
pub struct DroppedPoint<'a> {
    pub key: &'a [u8],
    pub event_time: Timestamp,
    pub point: &'a [f64],
}

/// Gathers dead letters of one call, so that each side output gets one batch.
#[derive(Default)]
pub struct Letters {
    late: Option<Batch>,
    overflow: Option<Batch>,
}

impl Letters {
    #[cold]
    pub fn push(&mut self, dropped: Dropped, row: DroppedPoint<'_>, cx: &mut OperatorContext<'_>) {
        let (kind, reason) = match dropped {
            Dropped::Late { watermark } => {
                cx.count("numLateRecordsDropped", 1);
                let reason = format!(
                    "all windows at {} were closed: time has come to {}",
                    row.event_time,
                    Timestamp(watermark)
                );
                (DeadLetterKind::Late, reason)
            }
            Dropped::Overflow { max_points } => {
                cx.count("numOverflowRecordsDropped", 1);
                (
                    DeadLetterKind::Oversize,
                    format!("the key has {max_points} points in the window already (max-points)"),
                )
            }
        };
        let mut identity = row.key.to_vec();
        identity.extend_from_slice(&row.event_time.0.to_le_bytes());
        row.point
            .iter()
            .for_each(|coordinate| identity.extend_from_slice(&coordinate.to_le_bytes()));
        let letter = DeadLetter {
            kind,
            reason,
            origin: None,
            identity,
            key: row.key.to_vec(),
            event_time: row.event_time,
            payload: point_json(row.key, row.event_time, row.point),
        };
        let document = letter.to_batch(&cx.place.job_name, &cx.place.operator, cx.services.now());
        let batch = match dropped {
            Dropped::Late { .. } => &mut self.late,
            Dropped::Overflow { .. } => &mut self.overflow,
        };
        match batch {
            Some(batch) => batch.append(&document),
            None => *batch = Some(document),
        }
    }

    pub fn flush(&mut self, cx: &mut OperatorContext<'_>) {
        for (output, batch) in [(LATE, self.late.take()), (OVERFLOW, self.overflow.take())] {
            if let Some(batch) = batch {
                cx.side_output(output, batch);
            }
        }
    }
}
