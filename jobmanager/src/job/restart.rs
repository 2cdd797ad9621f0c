//! Whether a failed job runs again, and after how long. Pure: the clock and the dice are arguments.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use streaming::job::Restart as Strategy;

/// What follows from a failure.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    RestartAfter(Duration),
    /// Why no further restart is allowed.
    GiveUp(String),
}

/// The failures of one job so far.
#[derive(Debug, Clone)]
pub struct Restarts {
    strategy: Strategy,
    granted: u32,
    recent: VecDeque<Instant>,
    last_failure: Option<Instant>,
    delay: Option<Duration>,
}

impl Restarts {
    pub fn new(strategy: Strategy) -> Self {
        Self {
            strategy,
            granted: 0,
            recent: VecDeque::new(),
            last_failure: None,
            delay: None,
        }
    }

    pub fn strategy(&self) -> &Strategy {
        &self.strategy
    }

    /// The job failed at `now`; `dice` is uniform in `[0, 1)`.
    pub fn on_failure(&mut self, now: Instant, dice: f64) -> Decision {
        let decision = match self.strategy.clone() {
            Strategy::None => Decision::GiveUp("the restart strategy is none".into()),
            Strategy::FixedDelay { attempts, .. } if self.granted >= attempts => Decision::GiveUp(format!(
                "all {attempts} restarts of the fixed-delay strategy are used up"
            )),
            Strategy::FixedDelay { delay, .. } => Decision::RestartAfter(delay),
            Strategy::FailureRate {
                max_failures,
                interval,
                delay,
            } => self.by_rate(now, max_failures, interval, delay),
            Strategy::ExponentialDelay {
                attempts: Some(attempts),
                reset_threshold,
                ..
            } if self.granted >= attempts && !self.was_calm(now, reset_threshold) => Decision::GiveUp(format!(
                "all {attempts} restarts of the exponential-delay strategy are used up"
            )),
            Strategy::ExponentialDelay {
                initial_backoff,
                max_backoff,
                multiplier,
                reset_threshold,
                jitter,
                ..
            } => {
                let calm = self.was_calm(now, reset_threshold);
                if calm {
                    self.granted = 0;
                }
                let base = match self.delay {
                    Some(delay) if !calm => delay.mul_f64(multiplier.max(1.0)).min(max_backoff),
                    _ => initial_backoff.min(max_backoff),
                };
                self.delay = Some(base);
                let stretch = 1.0 + jitter.clamp(0.0, 1.0) * (2.0 * dice - 1.0);
                Decision::RestartAfter(base.mul_f64(stretch))
            }
        };
        if matches!(decision, Decision::RestartAfter(_)) {
            self.granted = self.granted.saturating_add(1);
        }
        self.last_failure = Some(now);
        decision
    }

    /// The attempt has committed a checkpoint: what it did is not lost, so the next failure is a first one again. (Flink waits
    /// for an hour without failures, and a job whose machines die one after the other waits longer each time.)
    pub fn on_progress(&mut self) {
        if matches!(self.strategy, Strategy::ExponentialDelay { .. }) {
            self.delay = None;
            self.granted = 0;
        }
    }

    fn by_rate(&mut self, now: Instant, max_failures: u32, interval: Duration, delay: Duration) -> Decision {
        self.recent.push_back(now);
        while self.recent.front().is_some_and(|&at| now.duration_since(at) > interval) {
            self.recent.pop_front();
        }
        if self.recent.len() > max_failures as usize {
            return Decision::GiveUp(format!(
                "{} failures within {} s are more than the {max_failures} that the failure-rate strategy allows",
                self.recent.len(),
                interval.as_secs_f64()
            ));
        }
        Decision::RestartAfter(delay)
    }

    /// Whether the job has run for `threshold` without a failure, or never failed.
    fn was_calm(&self, now: Instant, threshold: Duration) -> bool {
        let since = |at| now.duration_since(at) > threshold + self.delay.unwrap_or_default();
        self.last_failure.is_none_or(since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_committed_checkpoint_makes_the_next_failure_a_first_one() {
        let mut restarts = Restarts::new(Strategy::ExponentialDelay {
            initial_backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(60),
            multiplier: 2.0,
            reset_threshold: Duration::from_secs(3600),
            jitter: 0.0,
            attempts: Some(2),
        });
        let now = Instant::now();
        let delays = |restarts: &mut Restarts| [(); 3].map(|()| restarts.on_failure(now, 0.5));
        let millis = |millis| Decision::RestartAfter(Duration::from_millis(millis));
        let [first, second, third] = delays(&mut restarts);
        assert_eq!([first, second], [millis(100), millis(200)]);
        assert!(matches!(third, Decision::GiveUp(_)));
        restarts.on_progress();
        assert_eq!(delays(&mut restarts)[..2], [millis(100), millis(200)]);
    }

    /// The delays in milliseconds after failures at these times (ms); -1 is giving up.
    fn check(strategy: Strategy, failures_at: &[u64], expected: &[i64]) {
        let start = Instant::now();
        let mut restarts = Restarts::new(strategy);
        let found: Vec<i64> = failures_at
            .iter()
            .map(
                |&at| match restarts.on_failure(start + Duration::from_millis(at), 0.5) {
                    Decision::RestartAfter(delay) => delay.as_millis() as i64,
                    Decision::GiveUp(_) => -1,
                },
            )
            .collect();
        assert_eq!(found, expected);
    }

    fn backoff(attempts: Option<u32>) -> Strategy {
        Strategy::ExponentialDelay {
            initial_backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(60),
            multiplier: 1.5,
            reset_threshold: Duration::from_secs(60),
            jitter: 0.1,
            attempts,
        }
    }

    #[test]
    fn none_never_restarts() {
        check(Strategy::None, &[0], &[-1]);
    }

    #[test]
    fn fixed_delay_counts_its_attempts() {
        let delay = Duration::from_millis(70);
        check(
            Strategy::FixedDelay { attempts: 2, delay },
            &[0, 100, 200],
            &[70, 70, -1],
        );
    }

    #[test]
    fn failure_rate_forgets_what_is_older_than_its_interval() {
        let strategy = Strategy::FailureRate {
            max_failures: 2,
            interval: Duration::from_secs(1),
            delay: Duration::from_millis(5),
        };
        check(strategy, &[0, 500, 1600, 1700, 1800], &[5, 5, 5, 5, -1]);
    }

    #[test]
    fn exponential_delay_grows_to_its_maximum_and_starts_over_after_a_calm_time() {
        let strategy = Strategy::ExponentialDelay {
            initial_backoff: Duration::from_millis(100),
            max_backoff: Duration::from_millis(300),
            multiplier: 2.0,
            reset_threshold: Duration::from_secs(10),
            jitter: 0.1,
            attempts: None,
        };
        check(strategy, &[0, 200, 500, 900, 20_000], &[100, 200, 300, 300, 100]);
    }

    #[test]
    fn exponential_delay_may_be_bounded() {
        check(backoff(Some(2)), &[0, 1, 2], &[100, 150, -1]);
    }

    #[test]
    fn jitter_stays_within_its_share() {
        let mut restarts = Restarts::new(backoff(None));
        let Decision::RestartAfter(least) = restarts.on_failure(Instant::now(), 0.0) else {
            panic!("exponential delay restarts");
        };
        assert_eq!(least, Duration::from_millis(90));
    }
}
