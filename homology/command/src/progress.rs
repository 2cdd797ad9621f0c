//! A line on the terminal that says what is being done, and since when.

use std::io::{IsTerminal as _, Write as _};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// What is done in less time is not worth a line.
const QUIET: Duration = Duration::from_millis(300);
const PERIOD: Duration = Duration::from_millis(200);

/// Shows a line on standard error, if that is a terminal, until it is dropped.
pub struct Progress {
    shared: Arc<(Mutex<State>, Condvar)>,
    painter: Option<JoinHandle<()>>,
}

struct State {
    doing: String,
    done: bool,
}

impl Progress {
    pub fn new(doing: impl Into<String>) -> Self {
        let state = State {
            doing: doing.into(),
            done: false,
        };
        let shared = Arc::new((Mutex::new(state), Condvar::new()));
        let painter = std::io::stderr().is_terminal().then(|| {
            let shared = Arc::clone(&shared);
            std::thread::spawn(move || paint(&shared))
        });
        Self { shared, painter }
    }

    /// Says what is being done now.
    pub fn now(&self, doing: impl Into<String>) {
        lock(&self.shared.0).doing = doing.into();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        lock(&self.shared.0).done = true;
        self.shared.1.notify_all();
        if let Some(painter) = self.painter.take() {
            // A painter that panicked has painted its last; nothing else depends on it.
            let _ = painter.join();
        }
    }
}

fn paint(shared: &(Mutex<State>, Condvar)) {
    let (state, ended) = shared;
    let (start, mut painted, mut pause) = (Instant::now(), false, QUIET);
    let mut state = lock(state);
    while !state.done {
        state = ended
            .wait_timeout(state, pause)
            .unwrap_or_else(PoisonError::into_inner)
            .0;
        if !state.done && start.elapsed() >= QUIET {
            // A terminal that cannot be written to is no reason to stop.
            let _ = write!(
                std::io::stderr(),
                "\r\x1b[K{}, {:.0} s",
                state.doing,
                start.elapsed().as_secs_f64()
            );
            (painted, pause) = (true, PERIOD);
        }
    }
    if painted {
        let _ = write!(std::io::stderr(), "\r\x1b[K");
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
