//! A seeded stream of points: row `i` is a function of the seed and `i`, so that what is written and what is expected
//! cannot drift apart.

use std::f64::consts::TAU;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::topics::Writer;

/// Points of noisy circles with steadily growing event times, keys in turn.
#[derive(Debug, Clone, Copy)]
pub struct Stream {
    pub seed: u64,
    pub keys: u64,
    pub partitions: i32,
    /// Event time from one row to the next.
    pub step_us: i64,
}

/// A row of a stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub key: String,
    /// Microseconds since the epoch.
    pub event_time: i64,
    pub point: [f64; 2],
}

/// Event time of row 0: 2024-01-01T00:00:00Z.
pub const START_US: i64 = 1_704_067_200_000_000;
/// Points with this key push the watermark behind every window of the others.
pub const FLUSH_KEY: &str = "flush";
const HOUR_US: i64 = 3_600_000_000;

impl Stream {
    pub fn row(&self, index: u64) -> Row {
        let key = index % self.keys;
        let mut random = Random(self.seed ^ index.wrapping_mul(0xd134_2543_de82_ef95));
        let radius = 0.4 + 0.02 * (key % 8) as f64;
        let angle = TAU * random.uniform();
        let noise = |random: &mut Random| 0.1 * (random.uniform() - 0.5);
        let point = [
            radius * angle.cos() + noise(&mut random),
            radius * angle.sin() + noise(&mut random),
        ];
        Row {
            key: format!("key-{key}"),
            event_time: START_US + index as i64 * self.step_us,
            point,
        }
    }

    /// A key always goes to the same partition.
    pub fn partition(&self, index: u64) -> i32 {
        (index % self.keys) as i32 % self.partitions
    }

    /// Writes rows `from..to`, `rate` a second; as fast as possible where that is infinite.
    pub fn write(&self, writer: &Writer, topic: &str, from: u64, to: u64, rate: f64) -> Result<()> {
        let start = Instant::now();
        for index in from..to {
            let due = Duration::from_secs_f64((index - from) as f64 / rate);
            while start.elapsed() < due {
                writer.poll(Duration::from_millis(2));
            }
            let row = self.row(index);
            writer.send(
                topic,
                self.partition(index),
                row.key.as_bytes(),
                row.to_json().as_bytes(),
            )?;
        }
        writer.flush()
    }

    /// Writes a point into every partition that closes every window of the rows before `to`.
    pub fn write_flush(&self, writer: &Writer, topic: &str, to: u64) -> Result<()> {
        let event_time = START_US + to as i64 * self.step_us + HOUR_US;
        let row = Row {
            key: FLUSH_KEY.into(),
            event_time,
            point: [0.0, 0.0],
        };
        for partition in 0..self.partitions {
            writer.send(topic, partition, FLUSH_KEY.as_bytes(), row.to_json().as_bytes())?;
        }
        writer.flush()
    }
}

impl Row {
    /// As the format `point-json` reads it.
    pub fn to_json(&self) -> String {
        let [x, y] = self.point;
        let millis = self.event_time as f64 / 1000.0;
        format!(
            "{{\"key\":\"{}\",\"timestamp\":{millis},\"point\":[{x},{y}]}}",
            self.key
        )
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014).
pub struct Random(pub u64);

impl Random {
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// In [0, 1).
    pub fn uniform(&mut self) -> f64 {
        (self.draw() >> 11) as f64 / (1_u64 << 53) as f64
    }
}
