//! `window`: points become windows of points.
//!
//! ```toml
//! window = { kind = "tumbling", size = "60s" }                  # a duration: event time
//! window = { kind = "tumbling", size = 500, timeout = "60s" }   # a whole number: that many points
//! window = { kind = "sliding", size = "60s", slide = "10s", offset = "5s", time = "processing" }
//! window = { kind = "session", gap = "30s" }
//! window = { kind = "global", size = 1000 }                     # all points so far, every 1000 points and at the end
//! allowed-lateness = "5s"                                       # 0 by default
//! aggregate = "points"                                          # or "count": windows without their points
//! max-points = 1000000                                          # per key, in one pane, session or global window
//! ```
//!
//! `timeout` closes a window that counts points when none came for so long (processing time); windows over time close by
//! themselves, so there it changes nothing, and one job file serves both meanings of `size`.
//!
//! A window fires when the watermark reaches its last instant. With `allowed-lateness` it is kept that much longer, and
//! fires again, with all it holds, for keys that get a row in that time. Rows that are later still go to the side output
//! `late`; points beyond `max-points` go to the side output `overflow`. Points of different dimension share no window.
//! Rows of one firing are sorted by end, start, key and dimension.

mod aligned;
mod assign;
mod chunk;
mod clock;
mod cloud;
mod count;
mod key_index;
mod key_map;
mod options;
mod output;
mod over_time;
mod pane;
mod session;
mod wake;

use streaming::job::Options;
use streaming::operator::{Descriptor, Keyed, Operator, OperatorFactory, Rows};
use streaming::{Error, Result};

use aligned::AlignedWindows;
use count::CountWindows;
pub use key_map::{CloudKey, KeyMap};
use options::{Spec, WindowSpec};
use over_time::OverTime;
use session::SessionWindows;

/// Makes window operators.
pub struct Window;

impl OperatorFactory for Window {
    fn name(&self) -> &'static str {
        "window"
    }

    fn describe(&self, options: &mut Options) -> Descriptor {
        Spec::read(options);
        Descriptor {
            inputs: Rows::Points,
            outputs: Rows::Windows,
            side_outputs: output::SIDE_OUTPUTS,
            keyed: Keyed::Yes,
        }
    }

    fn build(&self, options: &mut Options) -> Result<Box<dyn Operator>> {
        let spec = Spec::read(options)
            .ok_or_else(|| Error::user(options.path(), "the options of the window were not checked before"))?;
        Ok(build(spec))
    }
}

fn build(spec: Spec) -> Box<dyn Operator> {
    let Spec {
        windows,
        kind,
        keeps_points,
        max_points,
    } = spec;
    match windows {
        WindowSpec::Aligned {
            windows,
            time,
            lateness,
        } => {
            let windows = AlignedWindows::new(windows, kind, lateness, keeps_points, max_points);
            Box::new(OverTime::new(time, windows))
        }
        WindowSpec::Session { gap, time, lateness } => {
            let windows = SessionWindows::new(gap, lateness, keeps_points, max_points);
            Box::new(OverTime::new(time, windows))
        }
        WindowSpec::Count(count) => Box::new(CountWindows::new(count, kind, keeps_points, max_points)),
    }
}

#[cfg(test)]
mod tests;
