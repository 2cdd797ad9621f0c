//! `takens-embedding`: a signal becomes a cloud of points, by delay.
//!
//! ```toml
//! delay = 4        # samples between two coordinates; 1 by default
//! dimension = 3    # samples per point
//! stride = 1       # samples between two points; 1 by default
//! ```
//!
//! The samples of a key `x₀, x₁, …`, in the order in which they come, give the points `(xᵢ, xᵢ₊τ, …, xᵢ₊₍ₘ₋₁₎τ)` with
//! `i = 0, stride, 2 · stride, …` (F. Takens, "Detecting strange attractors in turbulence", 1981). A point has the event
//! time of its last sample. A signal of several channels gives points of `dimension · channels` coordinates; samples of
//! different width are different signals.

use std::collections::VecDeque;

use streaming::batch::{Batch, Keys, Payload, Points};
use streaming::job::Options;
use streaming::key::{self, KeyGroup};
use streaming::operator::{Descriptor, Keyed, Operator, OperatorContext, OperatorFactory, Port, Rows};
use streaming::state::{RowKey, Table};
use streaming::{Epoch, Error, Result};

use crate::window::KeyMap;

const SIGNALS: Table = 0;

/// Makes Takens embeddings.
pub struct TakensEmbedding;

#[derive(Debug, Clone, Copy)]
struct Spec {
    delay: usize,
    dimension: usize,
    stride: usize,
}

impl Spec {
    fn read(options: &mut Options) -> Self {
        if !options.has("dimension") {
            options.problem("dimension", "dimension is missing: how many samples make a point");
        }
        let mut number = |name, most, default| options.integer(name, 1..=most).map_or(default, |n| n as usize);
        Self {
            delay: number("delay", 1 << 20, 1),
            dimension: number("dimension", 1024, 2),
            stride: number("stride", 1 << 20, 1),
        }
    }

    /// Samples from the first to the last of a point.
    fn reach(self) -> usize {
        (self.dimension - 1) * self.delay + 1
    }
}

/// The last samples of a key.
#[derive(Default)]
struct Signal {
    /// Row-major; fewer than `reach` samples between two calls.
    samples: VecDeque<f64>,
    /// Samples to pass over before the next point begins: the stride is longer than what is kept.
    skip: usize,
    is_changed: bool,
}

struct Embedding {
    spec: Spec,
    signals: KeyMap<Signal>,
}

impl Signal {
    /// Adds a sample; appends the point that it completes, if it does.
    fn push(&mut self, sample: &[f64], spec: Spec, coords: &mut Vec<f64>) -> bool {
        self.is_changed = true;
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        self.samples.extend(sample);
        let width = sample.len();
        if self.samples.len() < spec.reach() * width {
            return false;
        }
        for lag in 0..spec.dimension {
            let start = lag * spec.delay * width;
            coords.extend(self.samples.range(start..start + width));
        }
        let kept = spec.reach().saturating_sub(spec.stride);
        self.skip = spec.stride - (spec.reach() - kept);
        self.samples.drain(..self.samples.len() - kept * width);
        true
    }
}

impl Operator for Embedding {
    fn open(&mut self, cx: &mut OperatorContext<'_>) -> Result<()> {
        cx.state.scan(SIGNALS, &mut |row, value| {
            let damaged = || Error::Damaged {
                subject: "signal",
                reason: format!("{} bytes", value.len()),
            };
            let width = u16::from_be_bytes(row.namespace.try_into().map_err(|_| damaged())?);
            let (numbers, []) = value.as_chunks::<8>() else {
                return Err(damaged());
            };
            let (skip, samples) = numbers.split_first().ok_or_else(damaged)?;
            let (_, signal) = self.signals.get_or_default(key::hash(row.key), row.key, width);
            signal.skip = u64::from_le_bytes(*skip) as usize;
            signal.samples = samples.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect();
            Ok(())
        })
    }

    fn process(&mut self, _port: Port, batch: Batch, cx: &mut OperatorContext<'_>) -> Result<()> {
        let Payload::Points(samples) = &batch.payload else {
            return Err(Error::internal(
                &cx.place.operator,
                format_args!("embedding of {}", batch.payload.name()),
            ));
        };
        let dim = u16::try_from(usize::from(samples.dim) * self.spec.dimension).map_err(|_| {
            let channels = samples.dim;
            Error::user(
                &cx.place.operator,
                format_args!("{channels} channels give points of more than 65535 coordinates"),
            )
        })?;
        let mut embedded = Batch {
            event_time: Vec::new(),
            keys: Keys::default(),
            payload: Payload::Points(Points {
                dim,
                coords: Vec::new(),
            }),
        };
        let Payload::Points(points) = &mut embedded.payload else {
            return Ok(());
        };
        for (row, time) in batch.event_time.iter().enumerate() {
            let (hash, key) = (batch.keys.hashes[row], batch.keys.row(row));
            let (_, signal) = self.signals.get_or_default(hash, key, samples.dim);
            if signal.push(samples.row(row), self.spec, &mut points.coords) {
                embedded.event_time.push(*time);
                embedded.keys.hashes.push(hash);
                embedded.keys.bytes.push(key);
            }
        }
        cx.emit(embedded);
        Ok(())
    }

    fn on_barrier(&mut self, _epoch: Epoch, cx: &mut OperatorContext<'_>) -> Result<()> {
        for (hash, key, signal) in self.signals.iter_mut() {
            if !std::mem::take(&mut signal.is_changed) {
                continue;
            }
            let mut value = (signal.skip as u64).to_le_bytes().to_vec();
            signal
                .samples
                .iter()
                .for_each(|sample| value.extend_from_slice(&sample.to_le_bytes()));
            let (group, namespace) = (KeyGroup::of(hash, cx.place.key_groups), key.dim.to_be_bytes());
            cx.state.put(
                RowKey {
                    table: SIGNALS,
                    group,
                    key: &key.bytes,
                    namespace: &namespace,
                },
                &value,
            )?;
        }
        Ok(())
    }
}

impl OperatorFactory for TakensEmbedding {
    fn name(&self) -> &'static str {
        "takens-embedding"
    }

    fn describe(&self, options: &mut Options) -> Descriptor {
        Spec::read(options);
        Descriptor {
            inputs: Rows::Points,
            outputs: Rows::Points,
            side_outputs: &[],
            keyed: Keyed::Yes,
        }
    }

    fn build(&self, options: &mut Options) -> Result<Box<dyn Operator>> {
        let spec = Spec::read(options);
        Ok(Box::new(Embedding {
            spec,
            signals: KeyMap::default(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use streaming::Timestamp;
    use streaming::testing::{Harness, MemoryState};

    fn open(spec: Spec, state: MemoryState) -> Harness {
        let text = format!(
            r#"{{"delay":{},"dimension":{},"stride":{}}}"#,
            spec.delay, spec.dimension, spec.stride
        );
        let mut options = Options::from_json("operator.embedding", &text).unwrap();
        Harness::open(TakensEmbedding.build(&mut options).unwrap(), state).unwrap()
    }

    proptest! {
        #[test]
        fn points_are_those_of_the_definition_across_a_restore(
            delay in 1usize..5, dimension in 1usize..5, stride in 1usize..12, samples in 0usize..60, cut in 0usize..60,
        ) {
            let spec = Spec { delay, dimension, stride };
            let mut harness = open(spec, MemoryState::default());
            let mut found = Vec::new();
            for sample in 0..samples {
                if sample == cut {
                    harness.barrier(Epoch(1)).unwrap();
                    harness = open(spec, harness.state);
                }
                let mut keys = Keys::default();
                keys.push(b"s");
                let payload = Payload::Points(Points { dim: 1, coords: vec![sample as f64] });
                harness.process(Batch { event_time: vec![Timestamp(sample as i64)], keys, payload }).unwrap();
                for batch in harness.take_main() {
                    batch.assert_consistent();
                    let Payload::Points(points) = &batch.payload else { panic!("points") };
                    prop_assert_eq!(batch.event_time[0].0, sample as i64);
                    found.push(points.coords.clone());
                }
            }
            let starts = (0..samples).step_by(stride).take_while(|start| start + (dimension - 1) * delay < samples);
            let expected: Vec<Vec<f64>> =
                starts.map(|start| (0..dimension).map(|lag| (start + lag * delay) as f64).collect()).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
