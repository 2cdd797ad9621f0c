//! The loop of a task's thread.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, select};
use streaming::connector::DeadLetter;
use streaming::element::Element;
use streaming::operator::{Cancel, Finished, MAIN};
use streaming::{Epoch, Error, Result, Timestamp};

use super::chain::Chain;
use super::gate::{Gate, Step};
use super::mailbox::Event;
use super::source::SourceHead;
use crate::exchange::Input;
use crate::metrics::{TaskMetrics, add, add_time};
use crate::state::flusher::{Flush, Flusher};

/// The longest a source waits for records before it looks at its mailbox.
const POLL: Duration = Duration::from_millis(5);
/// The longest any task waits before it looks at its timers and collected output.
const TICK: Duration = Duration::from_millis(50);
/// Side output of a source for records that it cannot read.
const BAD: u8 = 1;

/// Where the rows of a task come from.
#[expect(clippy::large_enum_variant, reason = "one a task")]
pub enum Head {
    Source(Box<SourceHead>),
    Gate { gate: Gate, inputs: Receiver<Input> },
}

/// Durations that shape the loop.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// How long a row may wait in a batch that is being collected (`execution.buffer-timeout`).
    pub buffer_timeout: Duration,
    /// How often a source says how far event time has come (`pipeline.auto-watermark-interval`).
    pub watermark_interval: Duration,
}

/// A task that has been built and not yet run.
pub struct Task {
    pub chain: Chain,
    pub head: Head,
    pub events: Receiver<Event>,
    pub flusher: Flusher,
    pub metrics: Arc<TaskMetrics>,
    pub cancel: Cancel,
    pub pace: Pace,
    /// Entries of all subtasks of the source at the restored checkpoint.
    pub restored_splits: Vec<Vec<u8>>,
    /// Called when a source has read everything.
    pub on_exhausted: Box<dyn Fn() + Send>,
    flushed_at: Instant,
    watermark_at: Instant,
    aligning_since: Option<Instant>,
    finishing: bool,
}

impl Task {
    #[expect(
        clippy::too_many_arguments,
        reason = "the parts of a task, put together in one place"
    )]
    pub fn new(
        chain: Chain,
        head: Head,
        events: Receiver<Event>,
        flusher: Flusher,
        metrics: Arc<TaskMetrics>,
        cancel: Cancel,
        pace: Pace,
        restored_splits: Vec<Vec<u8>>,
        on_exhausted: Box<dyn Fn() + Send>,
    ) -> Self {
        let now = Instant::now();
        Self {
            chain,
            head,
            events,
            flusher,
            metrics,
            cancel,
            pace,
            restored_splits,
            on_exhausted,
            flushed_at: now,
            watermark_at: now,
            aligning_since: None,
            finishing: false,
        }
    }

    /// Waits until all tasks of the attempt are ready. Nothing else that is said before concerns the task.
    pub fn wait_for_start(&mut self) -> Result<()> {
        loop {
            self.check_cancel()?;
            match self.events.recv_timeout(TICK) {
                Ok(Event::Start) => return Ok(()),
                Ok(_) | Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Err(Error::Cancelled),
            }
        }
    }

    /// Rebuilds what the operators keep outside their state. They may emit as they do: not before those behind read.
    pub fn open(&mut self) -> Result<()> {
        self.chain.open()
    }

    /// Runs to the end of the input, or until an error or cancellation.
    pub fn run(&mut self) -> Result<()> {
        match &self.head {
            Head::Source(_) => self.run_source(),
            Head::Gate { inputs, .. } => {
                let inputs = inputs.clone();
                self.run_operator(&inputs)
            }
        }
    }

    fn check_cancel(&self) -> Result<()> {
        if self.cancel.is_cancelled() {
            Err(Error::Cancelled)
        } else {
            Ok(())
        }
    }

    fn run_source(&mut self) -> Result<()> {
        let now = self.now();
        let restored = std::mem::take(&mut self.restored_splits);
        self.source()?.open(&restored, now)?;
        let mut told = false;
        loop {
            self.check_cancel()?;
            let begin = Instant::now();
            while let Ok(event) = self.events.try_recv() {
                self.on_event(event)?;
            }
            if self.finishing {
                return self.finish();
            }
            let records = self.read_source()?;
            let waited = begin.elapsed();
            self.housekeeping()?;
            let idle = if records == 0 { waited } else { Duration::ZERO };
            self.account(begin, idle);
            if !told && self.source()?.is_exhausted() {
                told = true;
                (self.on_exhausted)();
            }
        }
    }

    fn source(&mut self) -> Result<&mut SourceHead> {
        match &mut self.head {
            Head::Source(source) => Ok(source),
            Head::Gate { .. } => Err(Error::internal("task", "a source step in a task that is not a source")),
        }
    }

    /// Polls the source once and pushes what it brought through the chain. Returns the number of records.
    fn read_source(&mut self) -> Result<u64> {
        let records = if self.chain.is_saturated() || self.source()?.is_exhausted() {
            std::thread::sleep(POLL);
            0
        } else {
            self.poll_source()?
        };
        if self.watermark_at.elapsed() >= self.pace.watermark_interval {
            self.watermark_at = Instant::now();
            self.say_progress()?;
        }
        Ok(records)
    }

    fn poll_source(&mut self) -> Result<u64> {
        let clock = Arc::clone(&self.chain.services().clock);
        let read = self.source()?.poll(POLL, || clock())?;
        add(&self.metrics.records_in, read.records);
        add(&self.metrics.bytes_in, read.bytes);
        if read.skipped > 0 || !read.bad.is_empty() {
            let operator = self.chain.head().place.operator.clone();
            self.metrics
                .count(&operator, "numRecordsBad", read.skipped + read.bad.len() as u64);
        }
        for letter in &read.bad {
            self.emit_bad(letter)?;
        }
        for batch in read.batches {
            self.chain.feed_output(MAIN, Element::Batch(batch))?;
        }
        Ok(read.records)
    }

    fn emit_bad(&mut self, letter: &DeadLetter) -> Result<()> {
        let now = self.now();
        let place = &self.chain.head().place;
        let batch = letter.to_batch(&place.job_name, &place.operator, now);
        self.chain.feed_output(BAD, Element::Batch(batch))
    }

    fn say_progress(&mut self) -> Result<()> {
        let now = self.now();
        if let Some(element) = self.source()?.progress(now)? {
            self.note_watermark(&element);
            self.chain.feed_output(MAIN, element)?;
        }
        if let Some(pending) = self.source()?.pending_records() {
            self.metrics
                .pending_records
                .store(i64::try_from(pending).unwrap_or(i64::MAX), Ordering::Relaxed);
        }
        Ok(())
    }

    fn note_watermark(&self, element: &Element) {
        if let Element::Watermark(watermark) = element {
            self.metrics.watermark_us.store(watermark.0, Ordering::Relaxed);
        }
    }

    fn run_operator(&mut self, inputs: &Receiver<Input>) -> Result<()> {
        let closed = crossbeam_channel::never();
        let events = self.events.clone();
        let mut ended = false;
        loop {
            self.check_cancel()?;
            let begin = Instant::now();
            let mut idle = Duration::ZERO;
            let readable = !self.chain.is_saturated() && !ended;
            let ready = if readable { self.gate()?.next_ready() } else { None };
            if let Some(input) = ready {
                self.on_input(input)?;
                while let Ok(event) = events.try_recv() {
                    self.on_event(event)?;
                }
            } else {
                let source = if readable { inputs } else { &closed };
                select! {
                    recv(events) -> event => {
                        idle = begin.elapsed();
                        self.on_event(event.map_err(|_| Error::Cancelled)?)?;
                    }
                    recv(source) -> input => {
                        idle = begin.elapsed();
                        self.on_input(input.map_err(|_| Error::Cancelled)?)?;
                    }
                    default(self.patience()) => idle = begin.elapsed(),
                }
            }
            self.housekeeping()?;
            ended = ended || (self.gate()?.is_ended() && !self.gate()?.has_ready());
            if ended && self.chain.end()? == Finished::Yes {
                return Ok(());
            }
            self.account(begin, idle);
        }
    }

    /// How long to wait for something to happen: rows that are being collected must not wait longer than they may.
    fn patience(&self) -> Duration {
        self.pace.buffer_timeout.clamp(Duration::from_millis(1), TICK)
    }

    fn gate(&mut self) -> Result<&mut Gate> {
        match &mut self.head {
            Head::Gate { gate, .. } => Ok(gate),
            Head::Source(_) => Err(Error::internal("task", "an input step in a source task")),
        }
    }

    fn on_input(&mut self, input: Input) -> Result<()> {
        let (step, refund) = self.gate()?.step(input)?;
        let mut processed = 0;
        match step {
            Step::Rows { port, batch, bytes } => {
                processed = bytes;
                add(&self.metrics.records_in, batch.rows() as u64);
                add(&self.metrics.bytes_in, bytes);
                self.chain.feed(port, Element::Batch(batch))?;
            }
            Step::Progress(element) => {
                self.note_watermark(&element);
                self.chain.feed(0, element)?;
            }
            Step::Cut(epoch) => self.cut(epoch)?,
            Step::Nothing => {}
        }
        if let Some(refund) = refund {
            refund.give(processed);
        }
        if self.aligning_since.is_none() && self.gate()?.is_aligning() {
            self.aligning_since = Some(Instant::now());
        }
        Ok(())
    }

    fn on_event(&mut self, event: Event) -> Result<()> {
        match event {
            Event::Start | Event::Cancel => Ok(()),
            Event::Trigger(epoch) => {
                // The watermark of the cut itself: a restored task starts from it.
                self.say_progress()?;
                self.cut(epoch)
            }
            Event::Flushed(epoch) => {
                self.chain.applied(epoch);
                Ok(())
            }
            Event::Committed(epoch) => {
                if let Head::Source(source) = &mut self.head {
                    source.committed(epoch);
                }
                self.chain.committed(epoch)
            }
            Event::Finish => {
                self.finishing = true;
                Ok(())
            }
            Event::Completed {
                node,
                sequence,
                token,
                done,
            } => self.chain.completed(node, sequence, token, done),
        }
    }

    fn cut(&mut self, epoch: Epoch) -> Result<()> {
        let begin = Instant::now();
        let alignment = self.aligning_since.take().map_or(Duration::ZERO, |since| begin - since);
        let now = self.now();
        let splits = match &mut self.head {
            Head::Source(source) => Some(source.snapshot(epoch, now)?),
            Head::Gate { .. } => None,
        };
        let nodes = self.chain.cut(epoch)?;
        self.flusher.submit(Flush {
            epoch,
            nodes,
            splits,
            alignment,
            sync: begin.elapsed(),
        })
    }

    fn housekeeping(&mut self) -> Result<()> {
        self.chain.fire_timers()?;
        if self.flushed_at.elapsed() >= self.pace.buffer_timeout {
            self.chain.flush()?;
            self.flushed_at = Instant::now();
        }
        Ok(())
    }

    fn account(&mut self, begin: Instant, idle: Duration) {
        let backpressured = self.chain.take_backpressured();
        let busy = begin.elapsed().saturating_sub(idle).saturating_sub(backpressured);
        add_time(&self.metrics.idle_us, idle);
        add_time(&self.metrics.backpressured_us, backpressured);
        add_time(&self.metrics.busy_us, busy);
    }

    fn finish(&mut self) -> Result<()> {
        // Those that follow in the chain see no end of a channel, only the last watermark.
        self.say_progress()?;
        while self.chain.end()? == Finished::NotYet {
            self.check_cancel()?;
            if let Ok(event) = self.events.recv_timeout(TICK) {
                self.on_event(event)?;
            }
        }
        Ok(())
    }

    fn now(&mut self) -> Timestamp {
        (self.chain.services().clock)()
    }
}
