//! One outgoing edge of a task: which subtask a row goes to, and when a batch is full.

use std::time::Duration;

use streaming::batch::Batch;
use streaming::element::Element;
use streaming::graph::Shipping;
use streaming::key::KeyGroup;
use streaming::operator::Cancel;
use streaming::{Error, Result};

use super::channel::Outlet;

/// An outgoing edge: a channel per target subtask and what is collected for it.
#[derive(Debug)]
pub struct OutputEdge {
    shipping: Shipping,
    targets: Vec<Target>,
    /// Per key group: its target.
    owners: Vec<u16>,
    batch_bytes: usize,
    next: usize,
    /// Rows per target of the batch at hand; kept to save allocations.
    rows: Vec<Vec<u32>>,
    cancel: Cancel,
    backpressured: Duration,
}

#[derive(Debug)]
struct Target {
    outlet: Outlet,
    pending: Option<Batch>,
}

impl OutputEdge {
    /// `batch_bytes` is the size at which a collected batch is sent.
    pub fn new(shipping: Shipping, outlets: Vec<Outlet>, key_groups: u16, batch_bytes: usize, cancel: Cancel) -> Self {
        let parallelism = outlets.len() as u16;
        let owners = (0..key_groups)
            .map(|group| KeyGroup(group).owner(key_groups, parallelism))
            .collect();
        let rows = vec![Vec::new(); outlets.len()];
        let targets = outlets
            .into_iter()
            .map(|outlet| Target { outlet, pending: None })
            .collect();
        Self {
            shipping,
            targets,
            owners,
            batch_bytes,
            next: 0,
            rows,
            cancel,
            backpressured: Duration::ZERO,
        }
    }

    pub fn send(&mut self, batch: Batch) -> Result<()> {
        if self.targets.len() == 1 {
            return self.collect(0, batch);
        }
        match self.shipping {
            Shipping::Hash => self.send_by_key(&batch),
            Shipping::Broadcast => {
                (1..self.targets.len()).try_for_each(|target| self.collect(target, batch.clone()))?;
                self.collect(0, batch)
            }
            Shipping::Rebalance | Shipping::Forward => {
                self.next = (self.next + 1) % self.targets.len();
                self.collect(self.next, batch)
            }
        }
    }

    /// Two passes: the rows of each target by key group, then one gather per target and column.
    fn send_by_key(&mut self, batch: &Batch) -> Result<()> {
        if batch.keys.hashes.len() != batch.rows() {
            let (keys, rows) = (batch.keys.hashes.len(), batch.rows());
            return Err(Error::internal(
                "exchange by key",
                format_args!("a batch of {rows} rows with {keys} keys"),
            ));
        }
        partition(&batch.keys.hashes, &self.owners, &mut self.rows);
        for target in 0..self.targets.len() {
            if !self.rows[target].is_empty() {
                let part = batch.gather(&self.rows[target]);
                self.collect(target, part)?;
            }
        }
        Ok(())
    }

    fn collect(&mut self, target: usize, batch: Batch) -> Result<()> {
        match &mut self.targets[target].pending {
            Some(pending) if pending.is_like(&batch) => pending.append(&batch),
            Some(_) => {
                self.flush_target(target)?;
                self.targets[target].pending = Some(batch);
            }
            empty => *empty = Some(batch),
        }
        let full = self.targets[target]
            .pending
            .as_ref()
            .is_some_and(|pending| pending.size_bytes() >= self.batch_bytes);
        if full { self.flush_target(target) } else { Ok(()) }
    }

    fn flush_target(&mut self, target: usize) -> Result<()> {
        let target = &mut self.targets[target];
        if let Some(batch) = target.pending.take() {
            self.backpressured += target.outlet.send_batch(batch, &self.cancel)?;
        }
        Ok(())
    }

    /// Sends what has been collected.
    pub fn flush(&mut self) -> Result<()> {
        (0..self.targets.len()).try_for_each(|target| self.flush_target(target))
    }

    /// Sends a watermark, barrier, idleness or end to every target, behind all rows before it.
    pub fn broadcast(&mut self, element: &Element) -> Result<()> {
        self.flush()?;
        self.targets
            .iter()
            .try_for_each(|target| target.outlet.send_control(element))
    }

    /// Time spent waiting for credit since the last call.
    pub fn take_backpressured(&mut self) -> Duration {
        std::mem::take(&mut self.backpressured)
    }
}

/// Sorts row numbers by the owner of their key group.
fn partition(hashes: &[u64], owners: &[u16], rows: &mut [Vec<u32>]) {
    rows.iter_mut().for_each(Vec::clear);
    let groups = owners.len() as u64;
    for (row, hash) in hashes.iter().enumerate() {
        let owner = owners[(hash % groups) as usize];
        rows[usize::from(owner)].push(row as u32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::channel::Item;
    use crate::exchange::credit::Credit;
    use proptest::prelude::*;
    use streaming::Timestamp;
    use streaming::batch::{Keys, Payload, Points};

    fn batch(keys: &[u8]) -> Batch {
        let mut column = Keys::default();
        keys.iter().for_each(|&key| column.push(&[key]));
        let coords = keys.iter().map(|&key| f64::from(key)).collect();
        let event_time = (0..keys.len() as i64).map(Timestamp).collect();
        Batch {
            event_time,
            keys: column,
            payload: Payload::Points(Points { dim: 1, coords }),
        }
    }

    proptest! {
        #[test]
        fn every_row_reaches_the_owner_of_its_key_group_in_order(keys in prop::collection::vec(any::<u8>(), 0..300), parallelism in 1u16..5, size in 1usize..2000) {
            let (outlets, inboxes): (Vec<_>, Vec<_>) = (0..parallelism)
                .map(|_| {
                    let (inbox, receiver) = crossbeam_channel::unbounded();
                    (Outlet::Local { inbox, channel: 0, credit: Credit::new(1 << 30) }, receiver)
                })
                .unzip();
            let mut edge = OutputEdge::new(Shipping::Hash, outlets, 128, size, Cancel::default());
            for chunk in keys.chunks(50) {
                edge.send(batch(chunk)).unwrap();
            }
            edge.flush().unwrap();
            let mut received = 0;
            for (subtask, inbox) in inboxes.iter().enumerate() {
                let mut last: Vec<Option<usize>> = vec![None; 256];
                let mut seen: Vec<u8> = Vec::new();
                for input in inbox.try_iter() {
                    let Item::Element(Element::Batch(batch)) = input.item else { panic!("a batch") };
                    seen.extend((0..batch.rows()).map(|row| batch.keys.row(row)[0]));
                }
                for (position, key) in seen.iter().enumerate() {
                    let group = KeyGroup::of(streaming::key::hash(&[*key]), 128);
                    prop_assert_eq!(usize::from(group.owner(128, parallelism)), subtask);
                    prop_assert!(last[usize::from(*key)] < Some(position));
                    last[usize::from(*key)] = Some(position);
                }
                received += seen.len();
            }
            prop_assert_eq!(received, keys.len());
        }
    }
}
