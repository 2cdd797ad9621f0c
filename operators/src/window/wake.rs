//! The timer of a window operator.

use streaming::Timestamp;
use streaming::operator::{OperatorContext, Timer};

/// When the operator has asked to be woken: it asks again only for an earlier time.
#[derive(Debug, Default)]
pub struct Wake(Option<Timestamp>);

impl Wake {
    pub fn ask(&mut self, next: Option<Timestamp>, cx: &mut OperatorContext<'_>) {
        if let Some(at) = next
            && self.0.is_none_or(|wake| at < wake)
        {
            self.0 = Some(at);
            cx.wake_at(Timer { at, token: 0 });
        }
    }

    /// A timer has come.
    pub fn rang(&mut self) {
        self.0 = None;
    }
}
