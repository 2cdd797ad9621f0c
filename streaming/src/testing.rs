//! An operator's surroundings, in memory: every operator is testable with no runtime.

use std::collections::BTreeMap;

use crate::batch::Batch;
use crate::element::Element;
use crate::key::KeyGroupRange;
use crate::operator::{
    Cancel, Completion, Finished, MAIN, Operator, OperatorContext, Output, Place, Services, Timer, Work,
};
use crate::state::{KeyedState, RowKey, Table};
use crate::{Epoch, Result, Timestamp};

/// Keyed state in one ordered map.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MemoryState {
    pub rows: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl KeyedState for MemoryState {
    fn get(&self, key: RowKey<'_>) -> Result<Option<Vec<u8>>> {
        Ok(self.rows.get(&key.encode()).cloned())
    }

    fn put(&mut self, key: RowKey<'_>, value: &[u8]) -> Result<()> {
        self.rows.insert(key.encode(), value.to_vec());
        Ok(())
    }

    fn delete(&mut self, key: RowKey<'_>) -> Result<()> {
        self.rows.remove(&key.encode());
        Ok(())
    }

    fn scan(&self, table: Table, visit: &mut dyn FnMut(RowKey<'_>, &[u8]) -> Result<()>) -> Result<()> {
        for (key, value) in self.rows.range(vec![table]..) {
            let key = RowKey::decode(key)?;
            if key.table != table {
                break;
            }
            visit(key, value)?;
        }
        Ok(())
    }
}

/// Records what an operator asks for; the test decides when it happens.
#[derive(Default)]
pub struct RecordedServices {
    pub now: Timestamp,
    pub timers: Vec<Timer>,
    pub work: Vec<Work>,
    pub counts: BTreeMap<&'static str, u64>,
    pub shown: Vec<(&'static str, String)>,
}

impl Services for RecordedServices {
    fn now(&self) -> Timestamp {
        self.now
    }

    fn wake_at(&mut self, timer: Timer) {
        self.timers.push(timer);
    }

    fn offload(&mut self, work: Work) {
        self.work.push(work);
    }

    fn count(&mut self, metric: &'static str, amount: u64) {
        *self.counts.entry(metric).or_default() += amount;
    }

    fn show(&mut self, topic: &'static str, document: &mut dyn FnMut() -> String) {
        self.shown.push((topic, document()));
    }
}

/// Drives one operator by hand.
pub struct Harness {
    pub operator: Box<dyn Operator>,
    pub state: MemoryState,
    pub services: RecordedServices,
    pub place: Place,
    pub watermark: Timestamp,
    pub outputs: Vec<(Output, Element)>,
}

impl Harness {
    /// Opens `operator` over `state`, as subtask 0 of 1.
    pub fn open(operator: Box<dyn Operator>, state: MemoryState) -> Result<Self> {
        let place = Place {
            job_name: "test".into(),
            operator: "operator".into(),
            subtask: 0,
            parallelism: 1,
            key_groups: 128,
            owned: KeyGroupRange::of_subtask(128, 1, 0),
            compute_limit_bytes: 1 << 30,
        };
        let services = RecordedServices::default();
        let mut harness = Self {
            operator,
            state,
            services,
            place,
            watermark: Timestamp::MIN,
            outputs: Vec::new(),
        };
        harness.call(|operator, cx| operator.open(cx))?;
        Ok(harness)
    }

    fn call<T>(&mut self, step: impl FnOnce(&mut dyn Operator, &mut OperatorContext<'_>) -> Result<T>) -> Result<T> {
        let mut cx = OperatorContext {
            outputs: &mut self.outputs,
            state: &mut self.state,
            services: &mut self.services,
            place: &self.place,
            watermark: self.watermark,
        };
        step(self.operator.as_mut(), &mut cx)
    }

    pub fn process(&mut self, batch: Batch) -> Result<()> {
        self.call(|operator, cx| operator.process(0, batch, cx))
    }

    pub fn watermark(&mut self, watermark: Timestamp) -> Result<()> {
        self.watermark = watermark;
        self.call(|operator, cx| operator.on_watermark(watermark, cx))
    }

    pub fn barrier(&mut self, epoch: Epoch) -> Result<()> {
        self.call(|operator, cx| operator.on_barrier(epoch, cx))
    }

    pub fn end(&mut self) -> Result<Finished> {
        self.call(|operator, cx| operator.on_end(cx))
    }

    /// Moves the clock and fires the timers that have come due, in their order.
    pub fn advance_to(&mut self, now: Timestamp) -> Result<()> {
        self.services.now = now;
        let (mut due, later): (Vec<_>, Vec<_>) = self.services.timers.drain(..).partition(|timer| timer.at <= now);
        self.services.timers = later;
        due.sort();
        due.into_iter()
            .try_for_each(|timer| self.call(|operator, cx| operator.on_timer(timer, cx)))
    }

    /// Runs all offloaded work and hands its results back in order.
    pub fn complete_work(&mut self) -> Result<()> {
        for work in std::mem::take(&mut self.services.work) {
            let outcome = Ok((work.run)(&Cancel::default()));
            let done = Completion {
                token: work.token,
                outcome,
            };
            self.call(|operator, cx| operator.on_completion(done, cx))?;
        }
        Ok(())
    }

    /// Takes the batches emitted to the main output so far.
    pub fn take_main(&mut self) -> Vec<Batch> {
        self.take(MAIN)
    }

    /// Takes the batches emitted to one output so far; what went to the others stays.
    pub fn take(&mut self, wanted: Output) -> Vec<Batch> {
        let (mine, others): (Vec<_>, Vec<_>) = self
            .outputs
            .drain(..)
            .partition(|(output, element)| *output == wanted && matches!(element, Element::Batch(_)));
        self.outputs = others;
        mine.into_iter()
            .filter_map(|(_, element)| match element {
                Element::Batch(batch) => Some(batch),
                _ => None,
            })
            .collect()
    }
}
