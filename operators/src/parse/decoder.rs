//! Messages to columns. A message is taken whole or refused whole.

use streaming::batch::{Batch, Column, Keys, Payload, Points};
use streaming::connector::{DeadLetter, DeadLetterKind, Decoded, Decoder, MAX_KEY_BYTES, Origin, RawBatch};
use streaming::{Result, Timestamp};

use super::Bounds;
use super::message::{Cloud, Message, Refusal, read_key, read_text};
use super::timestamp::{parse_millis, parse_rfc3339};

/// Decodes `point-json`.
pub struct PointDecoder {
    bounds: Bounds,
    cloud: Cloud,
    /// One batch per dimension seen in this call.
    open: Vec<Batch>,
}

impl PointDecoder {
    pub fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            cloud: Cloud::default(),
            open: Vec::new(),
        }
    }

    fn decode_message(&mut self, raw: &RawBatch, row: usize, latest: Timestamp) -> Result<(), Refusal> {
        let bytes = raw.values.row(row);
        if bytes.len() > self.bounds.max_message_bytes {
            let limit = self.bounds.max_message_bytes;
            return Err(format!(
                "a message of {} bytes is over the limit of {limit} bytes",
                bytes.len()
            ));
        }
        let message = Message::parse(bytes)?;
        message.read_points(&mut self.cloud)?;
        self.bounds.check(&self.cloud)?;
        let event_time = event_time(&message, raw.timestamp[row], latest)?;
        match message.key {
            Some(key) => {
                let key = read_key(key)?;
                check_key(key.as_bytes())?;
                self.append(key.as_bytes(), event_time, raw.timestamp.len());
            }
            None => {
                check_key(raw.keys.row(row))?;
                self.append(raw.keys.row(row), event_time, raw.timestamp.len());
            }
        }
        Ok(())
    }

    fn append(&mut self, key: &[u8], event_time: Timestamp, capacity: usize) {
        let dim = self.cloud.dim as u16;
        let index = self
            .open
            .iter()
            .position(|batch| matches!(&batch.payload, Payload::Points(points) if points.dim == dim));
        let index = index.unwrap_or_else(|| {
            self.open.push(new_batch(dim, capacity));
            self.open.len() - 1
        });
        let batch = &mut self.open[index];
        for _ in 0..self.cloud.len() {
            batch.event_time.push(event_time);
            batch.keys.push(key);
        }
        if let Payload::Points(points) = &mut batch.payload {
            points.coords.extend_from_slice(&self.cloud.coords);
        }
    }
}

impl Decoder for PointDecoder {
    fn decode(&mut self, raw: &RawBatch, now: Timestamp, decoded: &mut Decoded) -> Result<()> {
        let latest = now.saturating_add(self.bounds.max_future);
        for row in 0..raw.values.rows() {
            if let Err(reason) = self.decode_message(raw, row, latest) {
                decoded.bad.push(dead_letter(raw, row, reason));
            }
        }
        decoded.batches.append(&mut self.open);
        Ok(())
    }
}

impl Bounds {
    fn check(&self, cloud: &Cloud) -> Result<(), Refusal> {
        let found = cloud.dim;
        match self.dimension {
            Some(declared) if declared != found => {
                return Err(format!("points of dimension {found}, declared are {declared}"));
            }
            None if found > self.max_dimension => {
                return Err(format!(
                    "points of dimension {found} are over the limit of {}",
                    self.max_dimension
                ));
            }
            _ => {}
        }
        if cloud.len() > self.max_points {
            return Err(format!(
                "{} points in one message are over the limit of {}",
                cloud.len(),
                self.max_points
            ));
        }
        Ok(())
    }
}

fn check_key(key: &[u8]) -> Result<(), Refusal> {
    match key.len() > MAX_KEY_BYTES {
        true => Err(format!(
            "a key of {} bytes is over the limit of {MAX_KEY_BYTES} bytes",
            key.len()
        )),
        false => Ok(()),
    }
}

fn event_time(message: &Message<'_>, of_record: Timestamp, latest: Timestamp) -> Result<Timestamp, Refusal> {
    let time = match message.timestamp {
        Some(text) => {
            let time = match read_text(text) {
                Some(text) => parse_rfc3339(&text),
                None => parse_millis(text),
            };
            time.ok_or_else(|| {
                let found: String = text.chars().take(64).collect();
                format!("field \"timestamp\": expected RFC 3339 or milliseconds since the epoch, found {found}")
            })?
        }
        None => of_record,
    };
    if time < Timestamp(0) {
        return Err(match message.timestamp {
            Some(_) => format!("field \"timestamp\": {time} lies before 1970"),
            None => "no field \"timestamp\", and the record has no time of its own".to_owned(),
        });
    }
    if time > latest {
        return Err(format!(
            "timestamp {time} lies beyond the allowed future, which ends at {latest}"
        ));
    }
    Ok(time)
}

fn new_batch(dim: u16, capacity: usize) -> Batch {
    let mut keys = Keys::default();
    keys.hashes.reserve(capacity);
    Batch {
        event_time: Vec::with_capacity(capacity),
        keys,
        payload: Payload::Points(Points {
            dim,
            coords: Vec::with_capacity(capacity * usize::from(dim).min(16)),
        }),
    }
}

#[cold]
fn dead_letter(raw: &RawBatch, row: usize, reason: Refusal) -> DeadLetter {
    DeadLetter {
        kind: DeadLetterKind::BadRecord,
        reason,
        origin: Some(Origin::of_split(&raw.name, raw.positions[row])),
        identity: Vec::new(),
        key: raw.keys.row(row).to_vec(),
        event_time: raw.timestamp[row],
        payload: raw.values.row(row).to_vec(),
    }
}
