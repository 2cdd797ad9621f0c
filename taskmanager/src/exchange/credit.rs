//! Byte credit of one channel: the sender waits here until the receiver has room.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use streaming::operator::Cancel;
use streaming::{Error, Result};

/// How often a waiting sender looks whether its task was cancelled.
const CANCEL_CHECK: Duration = Duration::from_millis(20);

/// Bytes that may still be sent. A batch may be sent while any credit is left, so a channel holds at most its window and
/// one batch.
#[derive(Debug, Clone)]
pub struct Credit(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    available: Mutex<i64>,
    released: Condvar,
}

impl Credit {
    pub fn new(window_bytes: u64) -> Self {
        let available = Mutex::new(i64::try_from(window_bytes).unwrap_or(i64::MAX));
        Self(Arc::new(Inner {
            available,
            released: Condvar::new(),
        }))
    }

    /// Takes `bytes`, waiting while there is no credit at all. Returns the time waited.
    pub fn acquire(&self, bytes: u64, cancel: &Cancel) -> Result<Duration> {
        // A panicking holder cannot leave a number half written.
        let mut available = self.0.available.lock().unwrap_or_else(PoisonError::into_inner);
        let mut waited = Duration::ZERO;
        if *available <= 0 {
            let start = Instant::now();
            while *available <= 0 {
                if cancel.is_cancelled() {
                    return Err(Error::Cancelled);
                }
                let result = self.0.released.wait_timeout(available, CANCEL_CHECK);
                available = result.unwrap_or_else(PoisonError::into_inner).0;
            }
            waited = start.elapsed();
        }
        *available -= bytes as i64;
        Ok(waited)
    }

    pub fn release(&self, bytes: u64) {
        let mut available = self.0.available.lock().unwrap_or_else(PoisonError::into_inner);
        // A number that no sender of ours would say must not turn into debt, nor end the thread that reads it.
        *available = available.saturating_add(i64::try_from(bytes).unwrap_or(i64::MAX));
        if *available > 0 {
            self.0.released.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sender_without_credit_waits_for_the_receiver() {
        let credit = Credit::new(10);
        let cancel = Cancel::default();
        assert_eq!(
            credit.acquire(30, &cancel).unwrap(),
            Duration::ZERO,
            "one batch may overdraw"
        );
        let receiver = credit.clone();
        let sender = std::thread::spawn(move || credit.acquire(1, &cancel));
        receiver.release(30);
        assert!(sender.join().unwrap().is_ok());
    }

    #[test]
    fn a_cancelled_sender_stops_waiting() {
        let credit = Credit::new(0);
        let cancel = Cancel::default();
        cancel.cancel();
        assert!(matches!(credit.acquire(1, &cancel), Err(Error::Cancelled)));
    }
}
