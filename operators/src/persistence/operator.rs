//! The operator: windows go to the compute pool, diagrams come back and are emitted in the order of the windows.

use std::sync::Arc;

use homology::PointCloud;
use streaming::batch::{Batch, Diagrams, List, Pair, Payload};
use streaming::connector::{DeadLetter, DeadLetterKind};
use streaming::operator::{Completion, Finished, Operator, OperatorContext, Output, Timer, Work};
use streaming::{Epoch, Error, Result, Timestamp};

use super::algorithm::Algorithm;
use super::compute::{Computation, Computed, points};
use super::lanes::Lanes;
use super::options::Spec;
use super::plan::{Decision, Plan, again, decide};
use super::show::shown_diagram;
use crate::format::window_json;
use crate::pending::{Done, HeldWatermark, Pending, Queue, Stored};

/// The side output of windows without a diagram.
pub const FAILED: Output = 1;

/// How much of a window's points goes into its dead letter.
const PAYLOAD_BYTES: usize = 256 * 1024;

/// Windows of the incremental algorithm may keep a part of 1 in so many of what a computation may ever use.
const KEPT_SHARE: u64 = 4;

/// What is remembered of a window in work.
struct Memo {
    plan: Plan,
    timed_out: bool,
}

/// Computes persistence diagrams of windows.
pub struct PersistenceOperator {
    spec: Arc<Spec>,
    queue: Queue<Memo>,
    watermark: HeldWatermark,
    /// Used by the incremental algorithm only.
    lanes: Lanes,
}

impl PersistenceOperator {
    pub fn new(spec: Spec) -> Self {
        Self {
            spec: Arc::new(spec),
            queue: Queue::default(),
            watermark: HeldWatermark::default(),
            lanes: Lanes::default(),
        }
    }

    /// Hands a window to the compute pool, or settles at once that it cannot be computed.
    fn submit(&mut self, window: Batch, stored: Option<Stored>, cx: &mut OperatorContext<'_>) -> Result<()> {
        let (plan, refused) = match self.decide(&window, cx.place.compute_limit_bytes) {
            Ok(Decision::Compute(plan)) => (Some(plan), None),
            Ok(Decision::DeadLetter(reason)) => (None, Some((DeadLetterKind::Oversize, reason))),
            Ok(Decision::Fail(reason)) => return Err(Error::user(&cx.place.operator, reason)),
            Err(reason) => (None, Some((DeadLetterKind::Failed, reason))),
        };
        let nothing = Plan {
            max_dimension: 0,
            landmarks: None,
            memory_bytes: 0,
        };
        let memo = Memo {
            plan: plan.unwrap_or(nothing),
            timed_out: false,
        };
        let mut pending = Pending::new(window, memo);
        pending.done = refused.map(|(kind, reason)| Done::DeadLetter(letter(&pending.row, kind, reason)));
        let number = match stored {
            Some(stored) => self.queue.push_restored(pending, stored),
            None => self.queue.push(pending),
        };
        if plan.is_some() {
            self.offload(number, cx);
        }
        Ok(())
    }

    fn decide(&self, window: &Batch, limit: u64) -> Result<Decision, String> {
        let (coords, dim) = points(window);
        if coords.is_empty() {
            return Err("the window has no points; is it counted only (aggregate = \"count\")?".to_owned());
        }
        let cloud = PointCloud::new(coords, dim).map_err(|error| error.to_string())?;
        Ok(decide(&self.spec, cloud, limit))
    }

    fn offload(&mut self, number: u64, cx: &mut OperatorContext<'_>) {
        let Some(pending) = self.queue.get_mut(number) else {
            return;
        };
        let kept = match self.spec.algorithm {
            Algorithm::Incremental(_) => match self.lanes.enter(&pending.row, number) {
                Some(kept) => kept,
                None => return,
            },
            _ => None,
        };
        pending.started = Arc::default();
        let computation = Computation {
            window: pending.row.clone(),
            spec: self.spec.clone(),
            plan: pending.memo.plan,
            started: pending.started.clone(),
            kept,
        };
        cx.offload(Work {
            token: number,
            memory_bytes: pending.memo.plan.memory_bytes,
            run: Box::new(move |cancel| Box::new(computation.run(cancel))),
        });
        let at = cx.now().saturating_add(self.spec.time_limit);
        cx.wake_at(Timer { at, token: number });
    }

    /// Keeps what a computation has left for the next window of its key, and gives the number of that if it waits.
    fn leave_lane(&mut self, done: &mut Completion, limit: u64) -> Option<u64> {
        let Algorithm::Incremental(_) = self.spec.algorithm else {
            return None;
        };
        let computed = done
            .outcome
            .as_mut()
            .ok()
            .and_then(|outcome| outcome.downcast_mut::<Computed>());
        let kept = computed.and_then(|computed| computed.kept.take());
        let pending = self.queue.get_mut(done.token)?;
        self.lanes.leave(&pending.row, kept, limit / KEPT_SHARE)
    }

    /// Settles what becomes of a computed window; `None` if it is computed again in a lesser way.
    fn settle(&mut self, done: Completion, cx: &mut OperatorContext<'_>) -> Result<Option<Done>> {
        let Some(pending) = self.queue.get_mut(done.token) else {
            return Err(Error::internal(
                &cx.place.operator,
                format_args!("window {} is not in work", done.token),
            ));
        };
        let failed = |kind, reason: String| Ok(Some(Done::DeadLetter(letter(&pending.row, kind, reason))));
        let computed = match done.outcome {
            Ok(outcome) => outcome.downcast::<Computed>(),
            Err(panic) => return failed(DeadLetterKind::Failed, format!("the computation panicked: {panic}")),
        };
        let Ok(computed) = computed else {
            return Err(Error::internal(&cx.place.operator, "a completion of another operator"));
        };
        let error = match computed.diagram {
            Ok(ref diagram) => {
                let row = diagram_row(&pending.row, &self.spec, pending.memo.plan, diagram, &computed);
                return Ok(Some(Done::Row(Box::new(row))));
            }
            Err(error) => error,
        };
        match error {
            homology::Error::Cancelled if pending.memo.timed_out => {
                let limit = self.spec.time_limit;
                failed(
                    DeadLetterKind::Timeout,
                    format!("the computation took longer than the time limit of {limit:?}"),
                )
            }
            homology::Error::MemoryLimit { .. } => {
                let (coords, dim) = points(&pending.row);
                let Ok(cloud) = PointCloud::new(coords, dim) else {
                    return failed(DeadLetterKind::Failed, error.to_string());
                };
                match again(&self.spec, cloud, pending.memo.plan, cx.place.compute_limit_bytes) {
                    Decision::Compute(plan) => {
                        pending.memo.plan = plan;
                        self.offload(done.token, cx);
                        Ok(None)
                    }
                    Decision::DeadLetter(_) => failed(DeadLetterKind::Oversize, error.to_string()),
                    Decision::Fail(_) => Err(Error::user(&cx.place.operator, error)),
                }
            }
            error => failed(DeadLetterKind::Failed, error.to_string()),
        }
    }

    /// Emits the windows that are done, up to the first that is not, and the watermark that this allows.
    fn flush(&mut self, cx: &mut OperatorContext<'_>) -> Result<()> {
        while let Some((_, done)) = self.queue.pop_done(cx.place.key_groups, cx.state)? {
            match done {
                Done::Row(row) => {
                    let operator = &cx.place.operator;
                    cx.services.show("diagram", &mut || shown_diagram(operator, &row));
                    cx.emit(*row);
                }
                Done::DeadLetter(letter) => {
                    cx.count("numWindowsFailed", 1);
                    cx.dead_letter(FAILED, &letter);
                }
            }
        }
        self.forward_watermark(cx);
        Ok(())
    }

    fn forward_watermark(&mut self, cx: &mut OperatorContext<'_>) {
        if let Some(watermark) = self.watermark.pass(&self.queue) {
            cx.forward_watermark(watermark);
        }
    }
}

impl Operator for PersistenceOperator {
    fn open(&mut self, cx: &mut OperatorContext<'_>) -> Result<()> {
        for (window, stored) in self.queue.restore("windows", cx.state)? {
            self.submit(window, Some(stored), cx)?;
        }
        self.flush(cx)
    }

    fn process(&mut self, _port: u8, batch: Batch, cx: &mut OperatorContext<'_>) -> Result<()> {
        if !matches!(batch.payload, Payload::Windows(_)) {
            return Err(Error::internal(
                &cx.place.operator,
                format_args!("diagrams of {}", batch.payload.name()),
            ));
        }
        if batch.rows() == 1 {
            self.submit(batch, None, cx)?;
        } else {
            for row in 0..batch.rows() {
                self.submit(batch.gather(&[row as u32]), None, cx)?;
            }
        }
        self.flush(cx)
    }

    fn on_watermark(&mut self, watermark: Timestamp, cx: &mut OperatorContext<'_>) -> Result<()> {
        self.watermark.rise(watermark);
        self.forward_watermark(cx);
        Ok(())
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut OperatorContext<'_>) -> Result<()> {
        let limit = self.spec.time_limit;
        let Some(pending) = self.queue.get_mut(timer.token) else {
            return Ok(());
        };
        if pending.done.is_some() || pending.memo.timed_out {
            return Ok(());
        }
        // Time spent waiting for memory does not count.
        let left = pending
            .started
            .get()
            .map_or(limit, |started| limit.saturating_sub(started.at.elapsed()));
        if left.is_zero() {
            pending.memo.timed_out = true;
            if let Some(started) = pending.started.get() {
                started.cancel.cancel();
            }
        } else {
            let at = cx.now().saturating_add(left);
            cx.wake_at(Timer { at, ..timer });
        }
        Ok(())
    }

    fn on_completion(&mut self, mut done: Completion, cx: &mut OperatorContext<'_>) -> Result<()> {
        let number = done.token;
        let next = self.leave_lane(&mut done, cx.place.compute_limit_bytes);
        if let Some(done) = self.settle(done, cx)?
            && let Some(pending) = self.queue.get_mut(number)
        {
            pending.done = Some(done);
        }
        if let Some(next) = next {
            self.offload(next, cx);
        }
        self.flush(cx)
    }

    fn on_barrier(&mut self, _epoch: Epoch, cx: &mut OperatorContext<'_>) -> Result<()> {
        self.queue.persist(cx.place.key_groups, cx.state)?;
        cx.services.gauge("pendingWindows", self.queue.len() as u64);
        let retained = self.queue.size_bytes() + self.lanes.kept_bytes();
        cx.services.gauge("retainedBytes", retained as u64);
        Ok(())
    }

    fn on_end(&mut self, _cx: &mut OperatorContext<'_>) -> Result<Finished> {
        Ok(self.queue.finished())
    }
}

fn diagram_row(window: &Batch, spec: &Spec, plan: Plan, diagram: &homology::Diagram, computed: &Computed) -> Batch {
    let Payload::Windows(of) = &window.payload else {
        panic!("a window in work is {}", window.payload.name());
    };
    let kept = diagram
        .pairs()
        .iter()
        .filter(|pair| pair.persistence() >= spec.min_persistence);
    let pairs: Vec<_> = kept
        .map(|pair| Pair {
            birth: pair.birth,
            death: pair.death,
            dimension: u64::from(pair.dimension),
        })
        .collect();
    let diagrams = Diagrams {
        start: of.start.clone(),
        end: of.end.clone(),
        kind: of.kind.clone(),
        count: of.count.clone(),
        dim: of.dim.clone(),
        max_dimension: vec![plan.max_dimension as u16],
        algorithm: List::from_iter([spec.algorithm.name().as_bytes()]),
        pairs: List::from_iter([pairs.as_slice()]),
        error_bound: vec![computed.error_bound],
        seconds: vec![computed.seconds],
        memory_bytes: vec![plan.memory_bytes],
        annotations: List::from_iter([[].as_slice()]),
    };
    Batch {
        event_time: window.event_time.clone(),
        keys: window.keys.clone(),
        payload: Payload::Diagrams(diagrams),
    }
}

fn letter(window: &Batch, kind: DeadLetterKind, reason: String) -> DeadLetter {
    let key = window.keys.row(0);
    let end = match &window.payload {
        Payload::Windows(windows) => windows.end[0],
        _ => window.event_time[0],
    };
    let mut identity = key.to_vec();
    identity.extend_from_slice(&end.0.to_le_bytes());
    DeadLetter {
        kind,
        reason,
        origin: None,
        identity,
        key: key.to_vec(),
        event_time: window.event_time[0],
        payload: window_json(window, PAYLOAD_BYTES),
    }
}
