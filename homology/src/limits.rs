//! Bounds on a computation, and the meter that enforces them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::{Error, Result};

/// A flag that stops computations. Clones share the flag; it cannot be lowered again.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks every computation that was given this flag to stop with [`Error::Cancelled`].
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl From<Arc<AtomicBool>> for Cancel {
    /// Listens to a flag that somebody else owns.
    fn from(flag: Arc<AtomicBool>) -> Self {
        Self(flag)
    }
}

/// What a computation may use. The default is unlimited.
#[derive(Debug, Clone, Default)]
pub struct Limits {
    /// Most bytes of working memory at one time, not counting the input; `None` is unlimited.
    pub memory_bytes: Option<usize>,
    /// Most units of work, in the unit of [`crate::cost::Cost::work`]; `None` is unlimited.
    pub work: Option<u64>,
    /// Stops the computation within milliseconds.
    pub cancel: Cancel,
}

/// What a computation has used, in the units of [`crate::cost::Cost`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// The most bytes of working memory held at one time.
    pub memory_bytes: usize,
    /// Distances computed and cofacets visited.
    pub work: u64,
}

/// Counts what a computation uses and fails before it uses more than its limits.
#[derive(Debug)]
pub(crate) struct Meter {
    memory_limit: usize,
    memory: usize,
    memory_peak: usize,
    work_limit: u64,
    work: u64,
    cancel: Cancel,
}

impl Meter {
    pub fn new(limits: &Limits) -> Self {
        Self {
            memory_limit: limits.memory_bytes.unwrap_or(usize::MAX),
            memory: 0,
            memory_peak: 0,
            work_limit: limits.work.unwrap_or(u64::MAX),
            work: 0,
            cancel: limits.cancel.clone(),
        }
    }

    pub fn usage(&self) -> Usage {
        Usage {
            memory_bytes: self.memory_peak,
            work: self.work,
        }
    }

    /// A meter for each of `count` threads that work side by side: an equal share of the memory that is left, and all of
    /// the work. What they have used is added by [`Self::join`].
    pub fn parts(&self, count: usize) -> Vec<Self> {
        let part = || Self {
            memory_limit: (self.memory_limit - self.memory) / count.max(1),
            memory: 0,
            memory_peak: 0,
            work_limit: self.work_limit - self.work,
            work: 0,
            cancel: self.cancel.clone(),
        };
        (0..count).map(|_| part()).collect()
    }

    /// Accounts for what threads have used side by side; what they still hold is held by this meter now.
    pub fn join(&mut self, parts: Vec<Self>) -> Result<()> {
        let peak: usize = parts.iter().map(|part| part.memory_peak).sum();
        self.memory_peak = self.memory_peak.max(self.memory + peak);
        self.memory += parts.iter().map(|part| part.memory).sum::<usize>();
        parts.iter().try_for_each(|part| self.work(part.work as usize))
    }

    /// Accounts for `units` of work. Called often enough that a raised flag is seen within milliseconds.
    #[inline]
    pub fn work(&mut self, units: usize) -> Result<()> {
        self.work = self.work.saturating_add(units as u64);
        if self.work > self.work_limit {
            return Err(Error::WorkLimit { limit: self.work_limit });
        }
        if self.cancel.is_cancelled() {
            return Err(Error::Cancelled);
        }
        Ok(())
    }

    /// Accounts for `bytes` that are about to be allocated.
    pub fn charge(&mut self, bytes: usize) -> Result<()> {
        let needed = self.memory.saturating_add(bytes);
        if needed > self.memory_limit {
            return Err(Error::MemoryLimit {
                needed,
                limit: self.memory_limit,
            });
        }
        self.memory = needed;
        self.memory_peak = self.memory_peak.max(needed);
        Ok(())
    }

    pub fn release(&mut self, bytes: usize) {
        self.memory = self.memory.saturating_sub(bytes);
    }

    /// The limits of each of `parts` computations side by side: an equal part of the memory that is left, and all the
    /// work that is left.
    pub fn share(&self, parts: usize) -> Limits {
        let memory = (self.memory_limit - self.memory) / parts;
        Limits {
            memory_bytes: (self.memory_limit < usize::MAX).then_some(memory),
            work: (self.work_limit < u64::MAX).then(|| self.work_limit - self.work),
            cancel: self.cancel.clone(),
        }
    }

    /// Accounts for what one of the parts has used. Its memory stays accounted for until it is released.
    pub fn absorb(&mut self, part: Usage) -> Result<()> {
        self.charge(part.memory_bytes)?;
        self.work(part.work as usize)
    }

    /// An empty vector with room for `capacity` items.
    pub fn vec<T>(&mut self, capacity: usize) -> Result<Vec<T>> {
        let mut items = Vec::new();
        self.reserve_exact(&mut items, capacity)?;
        Ok(items)
    }

    /// Makes room for `additional` more items, at least doubling the capacity when it has to grow.
    #[inline]
    pub fn reserve<T>(&mut self, items: &mut Vec<T>, additional: usize) -> Result<()> {
        if items.capacity() - items.len() >= additional {
            return Ok(());
        }
        self.reserve_exact(items, additional.max(items.len()))
    }

    /// Makes room for exactly `additional` more items.
    pub fn reserve_exact<T>(&mut self, items: &mut Vec<T>, additional: usize) -> Result<()> {
        let old = size_of::<T>().saturating_mul(items.capacity());
        let new = size_of::<T>().saturating_mul(items.len().saturating_add(additional));
        // Old and new live side by side while the items move.
        self.charge(new)?;
        if items.try_reserve_exact(additional).is_err() {
            return Err(Error::MemoryLimit {
                needed: self.memory,
                limit: self.memory_limit.min(self.memory - new),
            });
        }
        self.release(old);
        Ok(())
    }

    /// Adds one item.
    #[inline]
    pub fn push<T>(&mut self, items: &mut Vec<T>, item: T) -> Result<()> {
        self.reserve(items, 1)?;
        items.push(item);
        Ok(())
    }

    /// Frees a vector that was made by this meter.
    pub fn free<T>(&mut self, items: Vec<T>) {
        self.release(size_of::<T>() * items.capacity());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_beyond_the_limit_is_refused_before_it_is_allocated() {
        let mut meter = Meter::new(&Limits {
            memory_bytes: Some(100),
            ..Limits::default()
        });
        let items: Vec<u64> = meter.vec(12).unwrap();
        assert_eq!(
            meter.charge(5),
            Err(Error::MemoryLimit {
                needed: 101,
                limit: 100
            })
        );
        meter.free(items);
        assert_eq!(meter.charge(100), Ok(()));
    }

    #[test]
    fn threads_share_what_is_left_and_hand_back_what_they_hold() {
        let mut meter = Meter::new(&Limits {
            memory_bytes: Some(100),
            work: Some(10),
            ..Limits::default()
        });
        meter.charge(20).unwrap();
        let mut parts = meter.parts(2);
        let held: Vec<u8> = parts[0].vec(40).unwrap();
        assert!(parts[1].charge(41).is_err());
        parts[1].work(7).unwrap();
        meter.join(parts).unwrap();
        assert_eq!(
            meter.usage(),
            Usage {
                memory_bytes: 60,
                work: 7
            }
        );
        assert!(meter.charge(41).is_err());
        meter.free(held);
        assert_eq!(meter.charge(80), Ok(()));
        let mut parts = meter.parts(2);
        parts.iter_mut().for_each(|part| part.work(2).unwrap());
        assert_eq!(meter.join(parts), Err(Error::WorkLimit { limit: 10 }));
    }

    #[test]
    fn growth_that_no_machine_can_serve_is_an_error() {
        let mut meter = Meter::new(&Limits::default());
        assert!(matches!(
            meter.vec::<u64>(usize::MAX / 16),
            Err(Error::MemoryLimit { .. })
        ));
    }
}
