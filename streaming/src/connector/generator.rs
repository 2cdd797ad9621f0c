//! Options of the connector `generator`: points of a known shape, without a broker.

use std::time::Duration;

use crate::Timestamp;
use crate::job::Options;

/// `[source.x]` with `connector = "generator"`.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceOptions {
    /// Rows per second over all subtasks; `None` for as fast as they are taken.
    pub rate: Option<f64>,
    /// Rows over all subtasks; `None` for no end.
    pub rows: Option<u64>,
    /// Distinct keys `key-0`, `key-1`, …; 0 for rows without a key.
    pub keys: u32,
    /// Coordinates per point.
    pub dimension: u16,
    pub shape: Shape,
    /// Standard deviation of the Gaussian noise on every coordinate.
    pub noise: f64,
    pub seed: u64,
    pub event_time: EventTime,
    /// Independent sequences; split `k` belongs to subtask `k mod p`, so the rows do not depend on the parallelism.
    pub splits: u16,
}

/// Where the points lie. Each coordinate that a shape does not use is 0 before noise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// The unit circle in the first two coordinates.
    Circle,
    /// In the first three coordinates: distance 1 from the axis, tube of radius 0.4.
    Torus,
    /// The unit sphere of all coordinates.
    Sphere,
    /// The unit cube.
    Uniform,
    /// Every coordinate 1.
    Constant,
}

/// The event time of row `i` of the whole sequence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum EventTime {
    /// `start + i * step`.
    Steps { start: Timestamp, step: Duration },
    /// The clock when the row is made.
    Now,
}

const DEFAULT_SPLITS: u16 = 8;
const DEFAULT_STEP: Duration = Duration::from_millis(1);
const SHAPES: &[&str] = &["circle", "torus", "sphere", "uniform", "constant"];

impl SourceOptions {
    /// Reads the options; mistakes become problems of `options`.
    pub fn read(options: &mut Options) -> Self {
        let rate = read_rate(options);
        let shape = Shape::read(options);
        Self {
            rate,
            rows: options.integer("rows", 0..=i64::MAX).map(|rows| rows as u64),
            keys: options.integer("keys", 0..=10_000_000).unwrap_or(1) as u32,
            dimension: read_dimension(options, shape),
            shape,
            noise: read_noise(options),
            seed: options.integer("seed", i64::MIN..=i64::MAX).unwrap_or(0) as u64,
            event_time: EventTime::read(options, rate),
            splits: options
                .integer("splits", 1..=1024)
                .map_or(DEFAULT_SPLITS, |splits| splits as u16),
        }
    }
}

impl Shape {
    fn read(options: &mut Options) -> Self {
        match options.one_of("shape", SHAPES) {
            Some("torus") => Self::Torus,
            Some("sphere") => Self::Sphere,
            Some("uniform") => Self::Uniform,
            Some("constant") => Self::Constant,
            _ => Self::Circle,
        }
    }

    /// The fewest coordinates in which the shape exists.
    pub fn least_dimension(self) -> u16 {
        match self {
            Self::Torus => 3,
            Self::Circle | Self::Sphere => 2,
            Self::Uniform | Self::Constant => 1,
        }
    }
}

fn read_rate(options: &mut Options) -> Option<f64> {
    let rate = options.non_negative("rate")?;
    if !rate.is_finite() {
        options.problem("rate", "it must be finite; leave it out for as fast as possible");
        return None;
    }
    (rate > 0.0).then_some(rate)
}

fn read_noise(options: &mut Options) -> f64 {
    let noise = options.non_negative("noise").unwrap_or(0.0);
    if noise.is_finite() {
        return noise;
    }
    options.problem("noise", "it must be finite");
    0.0
}

fn read_dimension(options: &mut Options, shape: Shape) -> u16 {
    let least = shape.least_dimension();
    let dimension = options
        .integer("dimension", 1..=4096)
        .map_or(least.max(2), |dimension| dimension as u16);
    if dimension < least {
        options.problem(
            "dimension",
            format_args!("{dimension} is too few for this shape; it needs at least {least}"),
        );
        return least;
    }
    dimension
}

impl EventTime {
    /// The step is by default the time between two rows at `rate`, else a millisecond.
    fn read(options: &mut Options, rate: Option<f64>) -> Self {
        let step = options.duration("event-time-step");
        let start = match options.string("start-time").as_deref() {
            None => Timestamp(0),
            Some("now") => {
                if step.is_some() {
                    options.problem(
                        "event-time-step",
                        "it has no meaning with start-time = \"now\", where every row bears the clock's time",
                    );
                }
                return Self::Now;
            }
            Some(text) => Timestamp::parse_rfc3339(text).unwrap_or_else(|| {
                let message = "expected \"now\" or a date-time such as \"2024-01-01T00:00:00Z\"";
                options.problem("start-time", format_args!("{message}, found {text:?}"));
                Timestamp(0)
            }),
        };
        let by_rate = rate.and_then(|rate| Duration::try_from_secs_f64(1.0 / rate).ok());
        Self::Steps {
            start,
            step: step.or(by_rate).unwrap_or(DEFAULT_STEP),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connector::tests::{messages, options};

    #[test]
    fn the_step_follows_the_rate() {
        let mut options = options("rate = 10000\nshape = \"sphere\"\ndimension = 3\nkeys = 10");
        let read = SourceOptions::read(&mut options);
        assert_eq!(messages(options), [""; 0]);
        let step = Duration::from_micros(100);
        let start = Timestamp(0);
        assert_eq!(read.event_time, EventTime::Steps { start, step });
        assert_eq!((read.splits, read.rows, read.shape), (8, None, Shape::Sphere));
    }

    #[test]
    fn a_shape_needs_its_dimensions() {
        let mut options = options("shape = \"torus\"\ndimension = 2");
        assert_eq!(SourceOptions::read(&mut options).dimension, 3);
        assert_eq!(messages(options), ["2 is too few for this shape; it needs at least 3"]);
    }
}
