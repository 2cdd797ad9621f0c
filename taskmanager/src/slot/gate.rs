//! The input of a task: alignment of barriers, combination of watermarks, and the order in which channels are read.

use std::collections::VecDeque;

use streaming::barrier::{Action, Alignment};
use streaming::batch::Batch;
use streaming::element::Element;
use streaming::operator::Port;
use streaming::watermark::{Change, Combiner};
use streaming::{Epoch, Result, Timestamp};

use crate::exchange::Input;

/// What an input means for the task.
#[derive(Debug, PartialEq)]
pub enum Step {
    Rows {
        port: Port,
        batch: Batch,
        bytes: u64,
    },
    Progress(Element),
    /// Every input has delivered the barrier.
    Cut(Epoch),
    Nothing,
}

/// The input channels of a task.
pub struct Gate {
    /// Per channel: the input of the head that it feeds.
    ports: Vec<Port>,
    alignment: Alignment,
    combiner: Combiner,
    /// Per channel: what arrived behind its barrier.
    held: Vec<VecDeque<Input>>,
    /// What was held and may be read now, before anything new.
    ready: VecDeque<Input>,
    open: usize,
}

impl Gate {
    /// `last` and `watermark` are those of the restored checkpoint.
    pub fn new(ports: Vec<Port>, last: Epoch, watermark: Timestamp) -> Self {
        let channels = ports.len();
        Self {
            alignment: Alignment::new(channels, last),
            combiner: Combiner::new(channels, watermark),
            held: (0..channels).map(|_| VecDeque::new()).collect(),
            ready: VecDeque::new(),
            open: channels,
            ports,
        }
    }

    /// The next input that was held back and is free now.
    pub fn next_ready(&mut self) -> Option<Input> {
        self.ready.pop_front()
    }

    pub fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    pub fn is_ended(&self) -> bool {
        self.open == 0
    }

    /// Whether a barrier has arrived and others are awaited.
    pub fn is_aligning(&self) -> bool {
        self.alignment.pending().is_some()
    }

    /// Takes an input. Credit of rows is given back by the caller when they have been processed.
    pub fn step(&mut self, input: Input) -> Result<(Step, Option<crate::exchange::Refund>)> {
        let channel = input.channel;
        if self.alignment.is_blocked(channel) {
            self.held[channel].push_back(input);
            return Ok((Step::Nothing, None));
        }
        let bytes = input.item.credit_bytes();
        let refund = input.refund;
        let step = match input.item.into_element()? {
            Element::Batch(batch) => {
                self.combiner.on_batch(channel);
                Step::Rows {
                    port: self.ports[channel],
                    batch,
                    bytes,
                }
            }
            Element::Watermark(watermark) => progress(self.combiner.on_watermark(channel, watermark)),
            Element::Idle => progress(self.combiner.on_idle(channel)),
            Element::Barrier(epoch) => {
                let action = self.alignment.on_barrier(channel, epoch);
                self.release_unblocked();
                cut(action)
            }
            Element::End => return Ok((self.end(channel), None)),
        };
        Ok((step, Some(refund)))
    }

    /// A channel that ends has delivered every barrier and the last watermark.
    fn end(&mut self, channel: usize) -> Step {
        self.open -= 1;
        let action = self.alignment.on_end(channel);
        self.release_unblocked();
        match (action, self.combiner.on_end(channel)) {
            // Sources end only behind a committed checkpoint with none in flight, so a cut here has no watermark to lose.
            (Action::Cut(epoch), _) => Step::Cut(epoch),
            (_, change) => progress(change),
        }
    }

    /// Moves what was held on channels that are no longer blocked to where it is read next.
    fn release_unblocked(&mut self) {
        for channel in 0..self.held.len() {
            if !self.alignment.is_blocked(channel) {
                self.ready.append(&mut self.held[channel]);
            }
        }
    }
}

fn progress(change: Option<Change>) -> Step {
    match change {
        Some(Change::Watermark(watermark)) => Step::Progress(Element::Watermark(watermark)),
        Some(Change::Idle) => Step::Progress(Element::Idle),
        None => Step::Nothing,
    }
}

fn cut(action: Action) -> Step {
    match action {
        Action::Cut(epoch) => Step::Cut(epoch),
        Action::Block | Action::Continue | Action::Ignore => Step::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::{Credit, Item, Refund};

    fn input(channel: usize, element: Element) -> Input {
        Input {
            channel,
            item: Item::Element(element),
            refund: Refund::Local(Credit::new(0)),
        }
    }

    #[test]
    fn what_comes_behind_a_barrier_waits_for_the_cut_and_keeps_its_order() {
        let mut gate = Gate::new(vec![0, 0], Epoch(0), Timestamp::MIN);
        let step = |gate: &mut Gate, channel, element| gate.step(input(channel, element)).unwrap().0;
        assert_eq!(step(&mut gate, 0, Element::Barrier(Epoch(1))), Step::Nothing);
        assert_eq!(step(&mut gate, 0, Element::Watermark(Timestamp(5))), Step::Nothing);
        assert_eq!(step(&mut gate, 0, Element::Watermark(Timestamp(6))), Step::Nothing);
        assert_eq!(step(&mut gate, 1, Element::Watermark(Timestamp(9))), Step::Nothing);
        assert!(gate.is_aligning());
        assert_eq!(step(&mut gate, 1, Element::Barrier(Epoch(1))), Step::Cut(Epoch(1)));
        let first = gate.next_ready().unwrap();
        assert_eq!(
            gate.step(first).unwrap().0,
            Step::Progress(Element::Watermark(Timestamp(5)))
        );
        let second = gate.next_ready().unwrap();
        assert_eq!(
            gate.step(second).unwrap().0,
            Step::Progress(Element::Watermark(Timestamp(6)))
        );
        assert!(!gate.has_ready());
    }

    #[test]
    fn the_end_of_all_channels_is_the_last_watermark() {
        let mut gate = Gate::new(vec![0, 1], Epoch(0), Timestamp::MIN);
        assert_eq!(gate.step(input(0, Element::End)).unwrap().0, Step::Nothing);
        assert!(!gate.is_ended());
        assert_eq!(
            gate.step(input(1, Element::End)).unwrap().0,
            Step::Progress(Element::Watermark(Timestamp::MAX))
        );
        assert!(gate.is_ended());
    }
}
