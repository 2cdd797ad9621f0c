//! Operators: the steps of a dataflow. They compute; they never block, await, or look at a clock of their own.

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::batch::Batch;
use crate::connector::{DeadLetter, Decoder, Encoder};
use crate::element::Element;
use crate::job::Options;
use crate::key::KeyGroupRange;
use crate::state::KeyedState;
use crate::{Epoch, OperatorId, Result, SubtaskIndex, Timestamp};

/// Which input of an operator; 0 unless it has several.
pub type Port = u8;

/// Which output: 0 is the main one, `n` the `n`-th of [`Descriptor::side_outputs`], counted from 1.
pub type Output = u8;

/// The main output.
pub const MAIN: Output = 0;

/// One step of a dataflow. Runs on its task's thread: it may compute, it may not block or await.
pub trait Operator: Send {
    /// Called once, with the restored state, before anything else. Rebuilds what is kept outside the state.
    fn open(&mut self, _cx: &mut OperatorContext<'_>) -> Result<()> {
        Ok(())
    }

    fn process(&mut self, port: Port, batch: Batch, cx: &mut OperatorContext<'_>) -> Result<()>;

    /// The combined watermark of all inputs has risen to `watermark`. Whoever overrides this forwards it in the end.
    fn on_watermark(&mut self, watermark: Timestamp, cx: &mut OperatorContext<'_>) -> Result<()> {
        cx.forward_watermark(watermark);
        Ok(())
    }

    /// The processing time asked for by [`OperatorContext::wake_at`] has come.
    fn on_timer(&mut self, _timer: Timer, _cx: &mut OperatorContext<'_>) -> Result<()> {
        Ok(())
    }

    /// Result of work handed to [`OperatorContext::offload`]; arrives in the order of submission.
    fn on_completion(&mut self, _done: Completion, _cx: &mut OperatorContext<'_>) -> Result<()> {
        Ok(())
    }

    /// Last chance to move cached values into state before `epoch` is cut.
    fn on_barrier(&mut self, _epoch: Epoch, _cx: &mut OperatorContext<'_>) -> Result<()> {
        Ok(())
    }

    /// All inputs have ended (the watermark has already gone to [`Timestamp::MAX`]). Called again after each completion
    /// until it answers [`Finished::Yes`].
    fn on_end(&mut self, _cx: &mut OperatorContext<'_>) -> Result<Finished> {
        Ok(Finished::Yes)
    }
}

/// Whether an operator has emitted everything that it will ever emit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finished {
    Yes,
    /// Offloaded work is still to come back.
    NotYet,
}

/// A processing-time alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timer {
    pub at: Timestamp,
    /// The operator's own mark.
    pub token: u64,
}

/// What offloaded work returns; the operator knows its type.
pub type Outcome = Box<dyn Any + Send>;

/// Heavy work for the compute pool.
pub struct Work {
    /// The operator's own mark; comes back in the [`Completion`].
    pub token: u64,
    /// Upper bound of the memory it will take; admission waits until that much is free.
    pub memory_bytes: u64,
    /// Is given the flag of this piece of work and of no other.
    pub run: Box<dyn FnOnce(&Cancel) -> Outcome + Send>,
}

/// The end of offloaded work.
#[derive(Debug)]
pub struct Completion {
    pub token: u64,
    /// The outcome, or the text of a panic.
    pub outcome: std::result::Result<Outcome, String>,
}

/// A flag that asks running work to stop; cheap to clone and to look at.
#[derive(Debug, Clone, Default)]
pub struct Cancel(pub Arc<AtomicBool>);

impl Cancel {
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Where an operator runs.
#[derive(Debug, Clone)]
pub struct Place {
    pub job_name: String,
    pub operator: OperatorId,
    pub subtask: SubtaskIndex,
    pub parallelism: u16,
    /// Key groups of the job.
    pub key_groups: u16,
    /// The key groups this subtask owns.
    pub owned: KeyGroupRange,
    /// The most memory that one piece of offloaded work can ever be admitted with.
    pub compute_limit_bytes: u64,
}

/// What the task offers beyond outputs and state. The task implements it; tests use [`crate::testing`].
pub trait Services {
    /// Processing time.
    fn now(&self) -> Timestamp;
    fn wake_at(&mut self, timer: Timer);
    fn offload(&mut self, work: Work);
    /// Adds to a counter of this operator, such as `numLateRecordsDropped`.
    fn count(&mut self, metric: &'static str, amount: u64);
    /// Sets a measured value of this operator, such as `retainedBytes`.
    fn gauge(&mut self, _metric: &'static str, _value: u64) {}
    /// Shows a document (JSON) of this operator to people, under a topic such as `diagram`; the newest few per topic are kept.
    fn show(&mut self, topic: &'static str, document: &mut dyn FnMut() -> String);
}

/// What an operator may do while it is called.
pub struct OperatorContext<'a> {
    /// In the order of emission.
    pub outputs: &'a mut Vec<(Output, Element)>,
    pub state: &'a mut dyn KeyedState,
    pub services: &'a mut dyn Services,
    pub place: &'a Place,
    /// The last watermark handed to the operator; [`Timestamp::MIN`] before the first.
    pub watermark: Timestamp,
}

impl OperatorContext<'_> {
    pub fn emit(&mut self, batch: Batch) {
        self.side_output(MAIN, batch);
    }

    /// Emits to the main output or to a side output. Empty batches go nowhere.
    pub fn side_output(&mut self, output: Output, batch: Batch) {
        if !batch.is_empty() {
            self.outputs.push((output, Element::Batch(batch)));
        }
    }

    /// Passes a watermark on, to all outputs.
    pub fn forward_watermark(&mut self, watermark: Timestamp) {
        self.outputs.push((MAIN, Element::Watermark(watermark)));
    }

    /// Sends a record that could not be processed, with its cause, to a side output.
    pub fn dead_letter(&mut self, output: Output, letter: &DeadLetter) {
        let document = letter.to_batch(&self.place.job_name, &self.place.operator, self.services.now());
        self.side_output(output, document);
    }

    pub fn now(&self) -> Timestamp {
        self.services.now()
    }

    pub fn wake_at(&mut self, timer: Timer) {
        self.services.wake_at(timer);
    }

    pub fn offload(&mut self, work: Work) {
        self.services.offload(work);
    }

    pub fn count(&mut self, metric: &'static str, amount: u64) {
        self.services.count(metric, amount);
    }
}

/// What the planner needs to know of an operator type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Descriptor {
    pub inputs: Rows,
    pub outputs: Rows,
    /// Names of the side outputs `1..`, as `id.name` addresses them in the job file.
    pub side_outputs: &'static [&'static str],
    /// Whether it must have a `key-by`.
    pub keyed: Keyed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keyed {
    /// Keeps state by key: its input is exchanged by key unless it already is.
    Yes,
    /// Takes rows as they come, and leaves their distribution alone.
    No,
}

/// The kind of rows that an input takes or an output gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rows {
    Points,
    Windows,
    Diagrams,
    Documents,
    /// Whatever comes; as an output: what came in.
    Any,
}

impl fmt::Display for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Points => "points",
            Self::Windows => "windows",
            Self::Diagrams => "diagrams",
            Self::Documents => "documents",
            Self::Any => "rows",
        })
    }
}

/// How an operator type is validated and made.
pub trait OperatorFactory: Sync {
    /// The `type` in the job file.
    fn name(&self) -> &'static str;
    /// Reads and checks every option; problems are collected in `options`.
    fn describe(&self, options: &mut Options) -> Descriptor;
    /// Makes one instance. `options` are those that [`OperatorFactory::describe`] found no problem in.
    fn build(&self, options: &mut Options) -> Result<Box<dyn Operator>>;
}

/// How a format that reads records is validated and made. Its options stand in the table of its source.
pub trait DecoderFactory: Sync {
    /// The `format` in the job file.
    fn name(&self) -> &'static str;
    fn describe(&self, options: &mut Options);
    fn build(&self, options: &mut Options) -> Result<Box<dyn Decoder>>;
}

/// How a format that writes records is validated and made. Its options stand in the table of its sink.
pub trait EncoderFactory: Sync {
    /// The `format` in the job file.
    fn name(&self) -> &'static str;
    /// The kinds of rows it can write.
    fn accepts(&self) -> &'static [Rows];
    fn describe(&self, options: &mut Options);
    fn build(&self, options: &mut Options, job_name: &str) -> Result<Box<dyn Encoder>>;
}

/// All operators and formats there are; implemented where they are, so that the planner needs not know them.
pub trait Registry: Sync {
    fn operators(&self) -> &'static [&'static dyn OperatorFactory];
    fn decoders(&self) -> &'static [&'static dyn DecoderFactory];
    fn encoders(&self) -> &'static [&'static dyn EncoderFactory];

    fn operator(&self, kind: &str) -> Option<&'static dyn OperatorFactory> {
        self.operators().iter().copied().find(|factory| factory.name() == kind)
    }

    fn decoder(&self, format: &str) -> Option<&'static dyn DecoderFactory> {
        self.decoders().iter().copied().find(|factory| factory.name() == format)
    }

    fn encoder(&self, format: &str) -> Option<&'static dyn EncoderFactory> {
        self.encoders().iter().copied().find(|factory| factory.name() == format)
    }
}
