//! Event time and processing time.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Microseconds since the Unix epoch.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    Serialize,
    Deserialize,
    bytemuck::Pod,
    bytemuck::Zeroable,
)]
#[repr(transparent)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Before every record: the watermark of an input that has said nothing yet.
    pub const MIN: Self = Self(i64::MIN);
    /// After every record: the watermark of an input that has ended.
    pub const MAX: Self = Self(i64::MAX);

    /// Saturates outside the range of microseconds.
    pub fn from_millis(millis: i64) -> Self {
        Self(millis.saturating_mul(1000))
    }

    /// Rounds towards the past.
    pub fn as_millis(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// Reads an RFC 3339 date-time, such as `2024-01-01T12:00:00Z`.
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        let time = OffsetDateTime::parse(text, &Rfc3339).ok()?;
        i64::try_from(time.unix_timestamp_nanos().div_euclid(1000))
            .ok()
            .map(Self)
    }

    pub fn saturating_add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(micros(duration)))
    }

    pub fn saturating_sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(micros(duration)))
    }
}

/// A duration in microseconds, saturating.
pub fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

impl fmt::Display for Timestamp {
    /// RFC 3339 where the year has four digits, else microseconds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1000)
            .ok()
            .and_then(|time| time.format(&Rfc3339).ok());
        match text {
            Some(text) => f.write_str(&text),
            None => write!(f, "{} µs", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc3339_round_trips_with_microseconds() {
        let time = Timestamp::parse_rfc3339("2024-01-01T12:00:00.000250Z").unwrap();
        assert_eq!(time.0, 1_704_110_400_000_250);
        assert_eq!(time.to_string(), "2024-01-01T12:00:00.00025Z");
        assert_eq!(
            Timestamp::parse_rfc3339("2024-01-01T13:00:00+01:00"),
            Timestamp::parse_rfc3339("2024-01-01T12:00:00Z")
        );
        assert_eq!(Timestamp::parse_rfc3339("yesterday"), None);
    }
}
