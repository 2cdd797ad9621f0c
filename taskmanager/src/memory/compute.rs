//! The threads that do heavy work, one piece each, within the memory budget and in the order of submission.

use std::any::Any;
use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use streaming::operator::{Cancel, Outcome, Work};

use super::budget::{MemoryBudget, Permit};

/// What a piece of work came to: its outcome, or the text of a panic.
pub type Done = Result<Outcome, String>;

/// A fixed number of threads; work that does not fit the free memory waits at the head of the queue.
#[derive(Clone)]
pub struct ComputePool(Arc<Shared>);

struct Shared {
    queue: Mutex<VecDeque<Job>>,
    /// Work was queued or memory was freed.
    changed: Condvar,
    budget: MemoryBudget,
    /// What runs now: the flag of whoever submitted it, and its own.
    running: Mutex<Vec<(Cancel, Cancel)>>,
}

struct Job {
    work: Work,
    /// The flag of whoever submitted it, shared by all their work.
    owner: Cancel,
    report: Box<dyn FnOnce(u64, Done) + Send>,
}

impl ComputePool {
    /// Starts `threads` threads that live as long as the process.
    pub fn start(threads: usize, budget: MemoryBudget) -> std::io::Result<Self> {
        let (queue, running) = (Mutex::default(), Mutex::default());
        let pool = Self(Arc::new(Shared {
            queue,
            changed: Condvar::new(),
            budget,
            running,
        }));
        for index in 0..threads {
            let shared = Arc::clone(&pool.0);
            std::thread::Builder::new()
                .name(format!("compute-{index}"))
                .spawn(move || run(&shared))?;
        }
        Ok(pool)
    }

    /// The most memory that one piece of work can be admitted with.
    pub fn limit_bytes(&self) -> u64 {
        self.0.budget.total_bytes()
    }

    /// Queues `work`. `report` gets its token and outcome on a thread of the pool, unless `owner` is cancelled before it
    /// starts.
    pub fn submit(&self, work: Work, owner: Cancel, report: Box<dyn FnOnce(u64, Done) + Send>) {
        self.0
            .queue
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push_back(Job { work, owner, report });
        self.0.changed.notify_one();
    }

    /// Cancels everything that was submitted with this flag.
    pub fn cancel(&self, owner: &Cancel) {
        owner.cancel();
        for (submitter, work) in self.0.running.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            if Arc::ptr_eq(&submitter.0, &owner.0) {
                work.cancel();
            }
        }
        self.0.changed.notify_all();
    }

    pub fn queued(&self) -> usize {
        self.0.queue.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

fn run(shared: &Shared) {
    loop {
        let (job, permit) = next(shared);
        let token = job.work.token;
        if job.owner.is_cancelled() {
            continue;
        }
        let Some(permit) = permit else {
            let reason = format!(
                "the work wants {} bytes, the compute memory is {} bytes in all",
                job.work.memory_bytes,
                shared.budget.total_bytes()
            );
            (job.report)(token, Err(reason));
            continue;
        };
        let run = job.work.run;
        let cancel = Cancel::default();
        shared
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push((job.owner.clone(), cancel.clone()));
        // Whoever cancels sets the flag and then looks through the list: it has found this work there, or the flag is seen
        // here.
        if job.owner.is_cancelled() {
            cancel.cancel();
        }
        let outcome =
            std::panic::catch_unwind(AssertUnwindSafe(|| run(&cancel))).map_err(|panic| panic_text(panic.as_ref()));
        let is_other = |(_, running): &(Cancel, Cancel)| !Arc::ptr_eq(&running.0, &cancel.0);
        shared
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(is_other);
        {
            // Under the lock, so that nobody is between finding too little memory and beginning to wait.
            let _queue = shared.queue.lock().unwrap_or_else(PoisonError::into_inner);
            drop(permit);
        }
        shared.changed.notify_all();
        (job.report)(token, outcome);
    }
}

/// Waits for the head of the queue and for its memory. No permit for what is cancelled or can never fit.
fn next(shared: &Shared) -> (Job, Option<Permit>) {
    let mut queue = shared.queue.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        if let Some(head) = queue.front() {
            let hopeless = head.owner.is_cancelled() || head.work.memory_bytes > shared.budget.total_bytes();
            let permit = if hopeless {
                None
            } else {
                shared.budget.reserve(head.work.memory_bytes)
            };
            if (hopeless || permit.is_some())
                && let Some(job) = queue.pop_front()
            {
                return (job, permit);
            }
        }
        queue = shared.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
    }
}

/// The text of a panic, as far as it has one.
pub fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .unwrap_or_else(|| "a panic without text".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn work(token: u64, memory_bytes: u64, run: impl FnOnce() -> u64 + Send + 'static) -> Work {
        Work {
            token,
            memory_bytes,
            run: Box::new(move |_| Box::new(run())),
        }
    }

    #[test]
    fn work_waits_for_memory_and_panics_are_reported() {
        let pool = ComputePool::start(2, MemoryBudget::new(100)).unwrap();
        let (sender, results) = crossbeam_channel::unbounded();
        let report = || {
            let sender = sender.clone();
            Box::new(move |token, done: Done| {
                let done = done.map(|outcome| *outcome.downcast::<u64>().unwrap());
                sender.send((token, done)).unwrap();
            })
        };
        let cancel = Cancel::default();
        pool.submit(work(1, 80, || 10), cancel.clone(), report());
        pool.submit(work(2, 80, || panic!("oh no")), cancel.clone(), report());
        pool.submit(work(3, 101, || 30), cancel.clone(), report());
        pool.submit(work(4, 10, || 40), cancel, report());
        let mut all: Vec<_> = results.iter().take(4).collect();
        all.sort();
        assert_eq!(all[0], (1, Ok(10)));
        assert_eq!(all[1], (2, Err("oh no".to_owned())));
        assert!(all[2].1.as_ref().unwrap_err().contains("101 bytes"), "{all:?}");
        assert_eq!(all[3], (4, Ok(40)));
    }
}
