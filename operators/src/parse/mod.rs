//! `point-json`: stream points as JSON messages become columns of points.
//!
//! Options, in the table of the source:
//! * `dimension` — coordinates that every point must have; by default any number up to `max-point-dimension`
//! * `max-point-dimension` — 1024 by default
//! * `max-message-size` — bytes; 1 MiB by default
//! * `max-points-per-message` — 65536 by default
//! * `max-future` — how far a timestamp may lie ahead of the clock; one day by default. One message from the far future
//!   would otherwise raise the watermark so far that everything after it is late.

mod decoder;
mod message;
mod scan;
mod timestamp;

use std::time::Duration;

use streaming::Result;
use streaming::connector::Decoder;
use streaming::job::Options;
use streaming::operator::DecoderFactory;

use decoder::PointDecoder;

/// What a message may be.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Bounds {
    dimension: Option<usize>,
    max_dimension: usize,
    max_message_bytes: usize,
    max_points: usize,
    max_future: Duration,
}

impl Bounds {
    fn read(options: &mut Options) -> Self {
        let limits = Self {
            dimension: options.integer("dimension", 1..=65_535).map(|n| n as usize),
            max_dimension: bound(options, "max-point-dimension", 65_535, 1024),
            max_message_bytes: bound(options, "max-message-size", 1 << 30, 1 << 20),
            max_points: bound(options, "max-points-per-message", 1 << 24, 65_536),
            max_future: options.duration("max-future").unwrap_or(Duration::from_secs(86_400)),
        };
        if limits.dimension.is_some() && options.has("max-point-dimension") {
            options.problem(
                "max-point-dimension",
                "dimension already fixes it; leave one of the two out",
            );
        }
        limits
    }
}

fn bound(options: &mut Options, name: &'static str, most: i64, default: usize) -> usize {
    options.integer(name, 1..=most).map_or(default, |n| n as usize)
}

/// Makes decoders of `point-json`.
pub struct PointJson;

impl DecoderFactory for PointJson {
    fn name(&self) -> &'static str {
        "point-json"
    }

    fn describe(&self, options: &mut Options) {
        Bounds::read(options);
    }

    fn build(&self, options: &mut Options) -> Result<Box<dyn Decoder>> {
        Ok(Box::new(PointDecoder::new(Bounds::read(options))))
    }
}

#[cfg(test)]
mod tests;
