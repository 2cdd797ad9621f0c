//! What all windows over time have in common: where time comes from, and what happens when it passes.

use streaming::batch::{Batch, Keys, Points};
use streaming::operator::{Operator, OperatorContext, Timer};
use streaming::state::{RowKey, Table};
use streaming::{Epoch, Result, Timestamp};

use super::clock::Clock;
use super::options::Time;
use super::output::points_of;
use super::wake::Wake;

/// Where windows lie in state.
pub const WINDOWS: Table = 0;
const CLOCK: Table = 1;

/// Windows that fire when time has passed their last instant. How far it has come is for [`OverTime`] to say.
pub trait TimeWindows: Send {
    /// Takes in one row of the table [`WINDOWS`].
    fn restore(&mut self, row: RowKey<'_>, value: &[u8]) -> Result<()>;

    /// Takes in points, each at its time in `times`. Windows that have fired already and got a point fire again.
    fn add(
        &mut self,
        times: &[Timestamp],
        keys: &Keys,
        points: &Points,
        clock: &Clock,
        cx: &mut OperatorContext<'_>,
    ) -> Result<()>;

    /// Advances `clock` to `to`: fires the windows that are over by then, and drops those that can get no more points.
    fn advance(&mut self, to: i64, clock: &mut Clock, cx: &mut OperatorContext<'_>) -> Result<()>;

    /// When the next window may be over.
    fn next_end(&self, clock: &Clock) -> Option<Timestamp>;

    /// Writes what is new since the last call; returns the bytes held.
    fn persist(&mut self, cx: &mut OperatorContext<'_>) -> Result<usize>;
}

/// The operator of windows over time: event time, as watermarks tell it, or processing time, as timers do.
pub struct OverTime<W> {
    time: Time,
    windows: W,
    clock: Clock,
    wake: Wake,
}

impl<W: TimeWindows> OverTime<W> {
    pub fn new(time: Time, windows: W) -> Self {
        Self {
            time,
            windows,
            clock: Clock::default(),
            wake: Wake::default(),
        }
    }

    fn set_wake(&mut self, cx: &mut OperatorContext<'_>) {
        if self.time == Time::Processing {
            self.wake.ask(self.windows.next_end(&self.clock), cx);
        }
    }
}

impl<W: TimeWindows> Operator for OverTime<W> {
    fn open(&mut self, cx: &mut OperatorContext<'_>) -> Result<()> {
        self.clock = Clock::open(CLOCK, cx)?;
        cx.state
            .scan(WINDOWS, &mut |row, value| self.windows.restore(row, value))?;
        self.set_wake(cx);
        Ok(())
    }

    fn process(&mut self, _port: u8, batch: Batch, cx: &mut OperatorContext<'_>) -> Result<()> {
        let points = points_of(&batch, cx)?;
        match self.time {
            Time::Event => self
                .windows
                .add(&batch.event_time, &batch.keys, points, &self.clock, cx)?,
            Time::Processing => {
                // A moment that is over already, as a clock that went back would tell, belongs to the present.
                let now = cx.now().0.max(self.clock.now().saturating_add(1));
                let times = vec![Timestamp(now); batch.rows()];
                self.windows.add(&times, &batch.keys, points, &self.clock, cx)?;
            }
        }
        self.set_wake(cx);
        Ok(())
    }

    fn on_watermark(&mut self, watermark: Timestamp, cx: &mut OperatorContext<'_>) -> Result<()> {
        // The last watermark says that the input has ended, which closes windows of processing time too.
        if self.time == Time::Event || watermark == Timestamp::MAX {
            self.windows.advance(watermark.0, &mut self.clock, cx)?;
        }
        cx.forward_watermark(watermark);
        Ok(())
    }

    fn on_timer(&mut self, _timer: Timer, cx: &mut OperatorContext<'_>) -> Result<()> {
        self.wake.rang();
        let now = cx.now().0;
        self.windows.advance(now.saturating_sub(1), &mut self.clock, cx)?;
        self.set_wake(cx);
        Ok(())
    }

    fn on_barrier(&mut self, _epoch: Epoch, cx: &mut OperatorContext<'_>) -> Result<()> {
        let retained = self.windows.persist(cx)?;
        cx.services.gauge("retainedBytes", retained as u64);
        self.clock.persist(CLOCK, cx)
    }
}
