//! Everything a task is told, apart from its input.

use crossbeam_channel::Sender;
use streaming::Epoch;

use crate::memory::compute::Done;

/// A message to a task.
pub enum Event {
    /// All tasks of the attempt are ready.
    Start,
    /// Begin checkpoint `epoch` (sources only).
    Trigger(Epoch),
    /// The buffers of `epoch` are stored and in the table.
    Flushed(Epoch),
    /// Checkpoint `epoch` is durable as a whole.
    Committed(Epoch),
    /// End the output (sources that have read everything).
    Finish,
    /// Offloaded work has come to its end.
    Completed {
        node: usize,
        sequence: u64,
        token: u64,
        done: Done,
    },
    /// Wakes a task so that it sees its cancel flag.
    Cancel,
}

/// The address of a task.
pub type Mailbox = Sender<Event>;
