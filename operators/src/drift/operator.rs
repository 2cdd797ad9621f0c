//! The operator: distances are computed in the compute pool and judged in the order of the diagrams.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use streaming::batch::{Batch, List, Payload, decode, encode};
use streaming::key::KeyGroup;
use streaming::operator::{Completion, Finished, Operator, OperatorContext, Work};
use streaming::state::{RowKey, Table};
use streaming::{Epoch, Error, Result, Timestamp};

use super::distance::{Comparison, Distances};
use super::options::{Reference, Spec};
use super::rule::{MOMENTS_BYTES, Moments};
use crate::format::Annotation;
use crate::pending::{Done, HeldWatermark, Pending, Queue, Stored};

/// Per key: the moments, then the encoded diagram that the next one is compared with.
const SERIES: Table = 1;

/// Annotates diagrams with their distance from an earlier one.
pub struct DriftOperator {
    spec: Arc<Spec>,
    queue: Queue<Memo>,
    watermark: HeldWatermark,
    series: FxHashMap<Box<[u8]>, Series>,
}

/// What is remembered of a diagram in work.
struct Memo {
    reference: Option<Arc<Batch>>,
    distances: Option<Distances>,
}

/// What is known of one key.
#[derive(Default)]
struct Series {
    /// What the next diagram to come is compared with.
    newest: Option<Arc<Batch>>,
    /// The same, were there none in work.
    emitted: Option<Arc<Batch>>,
    moments: Moments,
    is_changed: bool,
}

impl DriftOperator {
    pub fn new(spec: Spec) -> Self {
        Self {
            spec: Arc::new(spec),
            queue: Queue::default(),
            watermark: HeldWatermark::default(),
            series: FxHashMap::default(),
        }
    }

    fn submit(&mut self, row: Batch, stored: Option<Stored>, cx: &mut OperatorContext<'_>) {
        let series = self.series.entry(row.keys.row(0).into()).or_default();
        let mut pending = Pending::new(
            row,
            Memo {
                reference: series.newest.clone(),
                distances: None,
            },
        );
        let reference = pending.memo.reference.clone();
        if reference.is_none() || self.spec.reference == Reference::Previous {
            series.newest = Some(pending.row.clone());
        }
        if reference.is_none() {
            pending.done = Some(Done::Row(Box::new((*pending.row).clone())));
        }
        let (row, started) = (pending.row.clone(), pending.started.clone());
        let token = match stored {
            Some(stored) => self.queue.push_restored(pending, stored),
            None => self.queue.push(pending),
        };
        if let Some(reference) = reference {
            let comparison = Comparison {
                spec: self.spec.clone(),
                reference,
                row,
                memory_limit_bytes: cx.place.compute_limit_bytes,
                started,
            };
            cx.offload(Work {
                token,
                memory_bytes: comparison.memory_bytes(),
                run: Box::new(move |cancel| Box::new(comparison.run(cancel))),
            });
        }
    }

    /// Emits the diagrams that are done, up to the first that is not, and the watermark that this allows.
    fn flush(&mut self, cx: &mut OperatorContext<'_>) -> Result<()> {
        while let Some((pending, done)) = self.queue.pop_done(cx.place.key_groups, cx.state)? {
            match done {
                Done::Row(row) => {
                    let row = self.judge(*row, &pending, cx);
                    cx.emit(row);
                }
                Done::DeadLetter(_) => {
                    return Err(Error::internal(
                        &cx.place.operator,
                        "a diagram without a distance is passed on all the same",
                    ));
                }
            }
        }
        if let Some(watermark) = self.watermark.pass(&self.queue) {
            cx.forward_watermark(watermark);
        }
        Ok(())
    }

    /// Says in the row whether it has drifted, and takes it into account for those that follow.
    fn judge(&mut self, mut row: Batch, pending: &Pending<Memo>, cx: &mut OperatorContext<'_>) -> Batch {
        let series = self.series.entry(row.keys.row(0).into()).or_default();
        series.is_changed = true;
        if pending.memo.reference.is_none() || self.spec.reference == Reference::Previous {
            series.emitted = Some(pending.row.clone());
        }
        let threshold = self.spec.rule.threshold(&series.moments);
        let value = pending.memo.distances.as_ref().and_then(Distances::greatest);
        let exceeded = matches!((value, threshold), (Some(value), Some(threshold)) if value > threshold);
        if exceeded {
            cx.count("numDrifts", 1);
        }
        if let Some(value) = value {
            series.moments.add(value);
        }
        let mut annotation = Annotation::new("drift");
        annotation.text("distance", self.spec.distance.name());
        annotation.number("value", value);
        annotation.number("threshold", threshold);
        annotation.boolean("exceeded", exceeded);
        if let Some(distances) = &pending.memo.distances {
            distances.describe(&mut annotation);
        }
        if let Some(reference) = pending.memo.reference.as_deref()
            && let Payload::Diagrams(of) = &reference.payload
        {
            annotation.text("reference_end", &of.end[0].to_string());
        }
        if let Payload::Diagrams(diagrams) = &mut row.payload {
            diagrams.annotations = List::from_iter([annotation.append_to(diagrams.annotations.row(0)).as_slice()]);
        }
        row
    }

    fn restore_series(&mut self, cx: &OperatorContext<'_>) -> Result<()> {
        let series = &mut self.series;
        cx.state.scan(SERIES, &mut |row, value| {
            let damaged = || Error::Damaged {
                subject: "drift of a key",
                reason: format!("{} bytes", value.len()),
            };
            let (moments, diagram) = value.split_first_chunk::<MOMENTS_BYTES>().ok_or_else(damaged)?;
            let diagram = Arc::new(decode(diagram)?);
            let restored = Series {
                newest: Some(diagram.clone()),
                emitted: Some(diagram),
                moments: Moments::decode(*moments),
                is_changed: false,
            };
            series.insert(row.key.into(), restored);
            Ok(())
        })
    }
}

impl Operator for DriftOperator {
    fn open(&mut self, cx: &mut OperatorContext<'_>) -> Result<()> {
        self.restore_series(cx)?;
        for (row, stored) in self.queue.restore("diagrams", cx.state)? {
            self.submit(row, Some(stored), cx);
        }
        self.flush(cx)
    }

    fn process(&mut self, _port: u8, batch: Batch, cx: &mut OperatorContext<'_>) -> Result<()> {
        if !matches!(batch.payload, Payload::Diagrams(_)) {
            return Err(Error::internal(
                &cx.place.operator,
                format_args!("drift of {}", batch.payload.name()),
            ));
        }
        if batch.rows() == 1 {
            self.submit(batch, None, cx);
        } else {
            for row in 0..batch.rows() {
                self.submit(batch.gather(&[row as u32]), None, cx);
            }
        }
        self.flush(cx)
    }

    fn on_watermark(&mut self, watermark: Timestamp, cx: &mut OperatorContext<'_>) -> Result<()> {
        self.watermark.rise(watermark);
        if let Some(watermark) = self.watermark.pass(&self.queue) {
            cx.forward_watermark(watermark);
        }
        Ok(())
    }

    fn on_completion(&mut self, done: Completion, cx: &mut OperatorContext<'_>) -> Result<()> {
        let outcome = done.outcome.map(|outcome| outcome.downcast::<Distances>());
        let distances = match outcome {
            Ok(Ok(distances)) => *distances,
            Ok(Err(_)) => return Err(Error::internal(&cx.place.operator, "a completion of another operator")),
            Err(panic) => Distances::failed(format!("the computation panicked: {panic}")),
        };
        if distances.has_failed() {
            cx.count("numDistancesFailed", 1);
        }
        let Some(pending) = self.queue.get_mut(done.token) else {
            return Err(Error::internal(
                &cx.place.operator,
                format_args!("diagram {} is not in work", done.token),
            ));
        };
        pending.memo.distances = Some(distances);
        pending.done = Some(Done::Row(Box::new((*pending.row).clone())));
        self.flush(cx)
    }

    fn on_barrier(&mut self, _epoch: Epoch, cx: &mut OperatorContext<'_>) -> Result<()> {
        self.queue.persist(cx.place.key_groups, cx.state)?;
        for (key, series) in &mut self.series {
            if !std::mem::take(&mut series.is_changed) {
                continue;
            }
            let Some(emitted) = &series.emitted else {
                continue;
            };
            let mut value = series.moments.encode().to_vec();
            value.extend_from_slice(&encode(emitted));
            let row = RowKey {
                table: SERIES,
                group: KeyGroup::of(emitted.keys.hashes[0], cx.place.key_groups),
                key,
                namespace: &[],
            };
            cx.state.put(row, &value)?;
        }
        cx.services.gauge("pendingDiagrams", self.queue.len() as u64);
        Ok(())
    }

    fn on_end(&mut self, _cx: &mut OperatorContext<'_>) -> Result<Finished> {
        Ok(self.queue.finished())
    }
}
