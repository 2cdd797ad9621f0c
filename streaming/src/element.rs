//! What flows along an edge.

use crate::batch::Batch;
use crate::{Epoch, Timestamp};

/// One item of a channel, in order.
#[derive(Debug, Clone, PartialEq)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all elements are batches; a box would cost an allocation for each"
)]
pub enum Element {
    Batch(Batch),
    /// No row with an event time at or before this one will follow on the channel.
    Watermark(Timestamp),
    /// Everything before it belongs to checkpoint `epoch`, everything behind it does not.
    Barrier(Epoch),
    /// The channel is idle: its watermark does not hold others back until something else arrives on it.
    Idle,
    /// Nothing follows.
    End,
}
