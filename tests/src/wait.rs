//! Waiting with a deadline.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

const PROBE_INTERVAL: Duration = Duration::from_millis(50);

/// Asks `probe` until it has an answer; fails after `within`, naming `what` was waited for. An error of `probe` ends the
/// wait at once.
pub fn wait_for<T>(what: &str, within: Duration, mut probe: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let deadline = Instant::now() + within;
    loop {
        if let Some(answer) = probe()? {
            return Ok(answer);
        }
        if Instant::now() >= deadline {
            bail!("waited {within:?} in vain for {what}");
        }
        thread::sleep(PROBE_INTERVAL);
    }
}

/// The same for a condition.
pub fn wait_until(what: &str, within: Duration, mut holds: impl FnMut() -> Result<bool>) -> Result<()> {
    wait_for(what, within, || Ok(holds()?.then_some(())))
}
