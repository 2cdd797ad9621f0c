//! Alignment of checkpoint barriers over several inputs (Carbone et al., "Lightweight Asynchronous Snapshots for
//! Distributed Dataflows", 2015).

use crate::Epoch;

/// What a task does after a barrier or the end of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Read nothing more from this channel until the cut.
    Block,
    /// Go on as before.
    Continue,
    /// Every channel has delivered the barrier or has ended: take the state of this epoch now, then unblock all channels.
    Cut(Epoch),
    /// A barrier of an epoch that was given up: forget it and go on.
    Ignore,
}

/// Which channels have delivered the barrier of the epoch in flight. One epoch at a time is in flight per channel.
#[derive(Debug, Clone)]
pub struct Alignment {
    /// Per channel: has delivered the barrier of `pending`.
    arrived: Vec<bool>,
    ended: Vec<bool>,
    pending: Option<Epoch>,
    last: Epoch,
}

impl Alignment {
    /// For `channels` inputs, at least one, after a restore at `last` (0 at a first start).
    pub fn new(channels: usize, last: Epoch) -> Self {
        assert!(channels > 0, "a task without inputs aligns nothing");
        Self {
            arrived: vec![false; channels],
            ended: vec![false; channels],
            pending: None,
            last,
        }
    }

    /// Whether nothing may be read from `channel` now.
    pub fn is_blocked(&self, channel: usize) -> bool {
        self.arrived[channel]
    }

    /// The epoch being aligned.
    pub fn pending(&self) -> Option<Epoch> {
        self.pending
    }

    /// A barrier has been read from `channel`.
    pub fn on_barrier(&mut self, channel: usize, epoch: Epoch) -> Action {
        assert!(
            !self.arrived[channel],
            "barrier {epoch} on channel {channel}, which is blocked by {:?}",
            self.pending
        );
        if epoch <= self.last || self.pending.is_some_and(|pending| epoch < pending) {
            return Action::Ignore;
        }
        if self.pending.is_some_and(|pending| epoch > pending) {
            // The coordinator gave up the older epoch; its barriers on the other channels may still come.
            self.arrived.fill(false);
        }
        self.pending = Some(epoch);
        self.arrived[channel] = true;
        self.cut_or(Action::Block)
    }

    /// `channel` has ended: it counts as having delivered every barrier.
    pub fn on_end(&mut self, channel: usize) -> Action {
        self.ended[channel] = true;
        match self.pending {
            Some(_) => self.cut_or(Action::Continue),
            None => Action::Continue,
        }
    }

    fn cut_or(&mut self, otherwise: Action) -> Action {
        let complete = self
            .arrived
            .iter()
            .zip(&self.ended)
            .all(|(&arrived, &ended)| arrived || ended);
        match self.pending {
            Some(epoch) if complete => {
                self.arrived.fill(false);
                self.pending = None;
                self.last = epoch;
                Action::Cut(epoch)
            }
            _ => otherwise,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_channel_cuts_at_once() {
        let mut alignment = Alignment::new(1, Epoch(0));
        assert_eq!(alignment.on_barrier(0, Epoch(1)), Action::Cut(Epoch(1)));
        assert_eq!(alignment.on_barrier(0, Epoch(2)), Action::Cut(Epoch(2)));
    }

    #[test]
    fn an_ended_channel_holds_nobody_back() {
        let mut alignment = Alignment::new(2, Epoch(0));
        assert_eq!(alignment.on_barrier(0, Epoch(1)), Action::Block);
        assert_eq!(alignment.on_end(1), Action::Cut(Epoch(1)));
        assert_eq!(alignment.on_barrier(0, Epoch(2)), Action::Cut(Epoch(2)));
    }

    #[test]
    fn a_newer_epoch_replaces_one_that_was_given_up() {
        let mut alignment = Alignment::new(2, Epoch(0));
        assert_eq!(alignment.on_barrier(0, Epoch(1)), Action::Block);
        assert_eq!(alignment.on_barrier(1, Epoch(2)), Action::Block);
        assert!(!alignment.is_blocked(0), "the old barrier no longer blocks");
        assert_eq!(alignment.on_barrier(0, Epoch(2)), Action::Cut(Epoch(2)));
    }

    #[test]
    fn barriers_of_the_past_are_ignored() {
        let mut alignment = Alignment::new(1, Epoch(5));
        assert_eq!(alignment.on_barrier(0, Epoch(5)), Action::Ignore);
    }

    proptest! {
        /// Channels deliver the barriers of epochs 1..=n in order, interleaved at random; some end in between.
        #[test]
        fn every_epoch_is_cut_once_in_order_and_only_when_complete(
            channels in 1usize..5,
            epochs in 1u64..5,
            picks in prop::collection::vec(any::<prop::sample::Index>(), 0..200),
            ends in prop::collection::vec(prop::option::of(0u64..5), 5),
        ) {
            let mut alignment = Alignment::new(channels, Epoch(0));
            let mut delivered = vec![0u64; channels];
            let mut ended = vec![false; channels];
            let mut cuts = Vec::new();
            for pick in picks {
                let ready: Vec<_> = (0..channels)
                    .filter(|&channel| !ended[channel] && !alignment.is_blocked(channel) && delivered[channel] < epochs)
                    .collect();
                if ready.is_empty() {
                    break;
                }
                let channel = ready[pick.index(ready.len())];
                let action = if ends[channel] == Some(delivered[channel]) {
                    ended[channel] = true;
                    alignment.on_end(channel)
                } else {
                    delivered[channel] += 1;
                    alignment.on_barrier(channel, Epoch(delivered[channel]))
                };
                if let Action::Cut(epoch) = action {
                    for channel in 0..channels {
                        prop_assert!(ended[channel] || delivered[channel] == epoch.0);
                    }
                    cuts.push(epoch.0);
                }
            }
            prop_assert_eq!(&cuts, &(1..=cuts.len() as u64).collect::<Vec<_>>());
        }
    }
}
