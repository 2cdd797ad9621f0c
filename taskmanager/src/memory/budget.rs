//! Memory that is promised before it is used.

use std::sync::{Arc, Mutex, PoisonError};

/// A number of bytes that is given out in permits.
#[derive(Debug, Clone)]
pub struct MemoryBudget(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    total: u64,
    free: Mutex<u64>,
}

/// A share of the budget; gives it back on drop.
#[derive(Debug)]
pub struct Permit {
    budget: MemoryBudget,
    bytes: u64,
}

impl MemoryBudget {
    pub fn new(total_bytes: u64) -> Self {
        Self(Arc::new(Inner {
            total: total_bytes,
            free: Mutex::new(total_bytes),
        }))
    }

    pub fn total_bytes(&self) -> u64 {
        self.0.total
    }

    /// `None` when so much is not free now. More than the total is never free.
    pub fn reserve(&self, bytes: u64) -> Option<Permit> {
        let mut free = self.0.free.lock().unwrap_or_else(PoisonError::into_inner);
        *free = free.checked_sub(bytes)?;
        Some(Permit {
            budget: self.clone(),
            bytes,
        })
    }

    pub fn used_bytes(&self) -> u64 {
        self.0.total - *self.0.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        *self.budget.0.free.lock().unwrap_or_else(PoisonError::into_inner) += self.bytes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_permit_gives_back() {
        let budget = MemoryBudget::new(10);
        let permit = budget.reserve(7).unwrap();
        assert!(budget.reserve(4).is_none());
        assert_eq!(budget.used_bytes(), 7);
        drop(permit);
        assert!(budget.reserve(10).is_some());
        assert!(budget.reserve(11).is_none());
    }
}
