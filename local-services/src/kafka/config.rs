//! Topic configuration: Kafka's names, the few that have an effect here, and their defaults.

use std::collections::BTreeMap;

use kafka_protocol::ResponseError;

use super::log::Limits;

/// Used where a topic does not say otherwise.
///
/// Sizes are smaller than Kafka's: a quick start must not fill a disk. Age alone deletes nothing, unlike Kafka's seven
/// days: replayed history bears old timestamps and would be gone before it is read.
pub const DEFAULTS: Limits = Limits {
    segment_bytes: 64 << 20,
    retention_bytes: 1 << 30,
    retention_ms: i64::MAX,
    max_message_bytes: 1_048_588,
};

/// Taken and kept, without effect on a single node that never compacts.
const WITHOUT_EFFECT: [&str; 12] = [
    "cleanup.policy",
    "compression.type",
    "delete.retention.ms",
    "file.delete.delay.ms",
    "flush.messages",
    "flush.ms",
    "max.compaction.lag.ms",
    "message.timestamp.type",
    "min.cleanable.dirty.ratio",
    "min.compaction.lag.ms",
    "min.insync.replicas",
    "segment.ms",
];

/// The limits of a topic with this configuration; names and values are checked as Kafka does.
pub fn limits(config: &BTreeMap<String, String>) -> Result<Limits, ResponseError> {
    let mut limits = DEFAULTS;
    for (name, value) in config {
        match name.as_str() {
            "segment.bytes" => limits.segment_bytes = number(value, 14)? as u64,
            "retention.bytes" => limits.retention_bytes = u64::try_from(number(value, -1)?).unwrap_or(u64::MAX),
            "retention.ms" => limits.retention_ms = unlimited_if_negative(number(value, -1)?),
            "max.message.bytes" => limits.max_message_bytes = number(value, 0)? as usize,
            known if WITHOUT_EFFECT.contains(&known) => {}
            _ => return Err(ResponseError::InvalidConfig),
        }
    }
    if config
        .get("cleanup.policy")
        .is_some_and(|policy| !policy.contains("delete"))
    {
        // Compaction may come late, so keeping everything is a correct form of it; deleting by age or size is not.
        (limits.retention_bytes, limits.retention_ms) = (u64::MAX, i64::MAX);
    }
    Ok(limits)
}

/// Every value that has an effect, by name.
pub fn describe(config: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let defaults = [
        ("segment.bytes", DEFAULTS.segment_bytes.to_string()),
        ("retention.bytes", DEFAULTS.retention_bytes.to_string()),
        ("retention.ms", "-1".to_string()),
        ("max.message.bytes", DEFAULTS.max_message_bytes.to_string()),
        ("cleanup.policy", "delete".to_string()),
        ("min.insync.replicas", "1".to_string()),
    ];
    let mut all: BTreeMap<String, String> = defaults.map(|(name, value)| (name.to_string(), value)).into();
    all.extend(config.clone());
    all
}

/// Kafka's rule for a topic's name, which here is also a directory's name.
pub fn is_topic_name(name: &str) -> bool {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    (1..=249).contains(&name.len()) && name != "." && name != ".." && name.chars().all(legal)
}

fn number(value: &str, min: i64) -> Result<i64, ResponseError> {
    value
        .trim()
        .parse()
        .ok()
        .filter(|number| *number >= min)
        .ok_or(ResponseError::InvalidConfig)
}

fn unlimited_if_negative(value: i64) -> i64 {
    if value < 0 { i64::MAX } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(name: &str, value: &str) -> Result<Limits, ResponseError> {
        limits(&BTreeMap::from([(name.to_string(), value.to_string())]))
    }

    #[test]
    fn unknown_names_and_bad_values_are_refused() {
        assert_eq!(parse("retention.byte", "1"), Err(ResponseError::InvalidConfig));
        assert_eq!(parse("retention.bytes", "many"), Err(ResponseError::InvalidConfig));
        assert_eq!(parse("segment.bytes", "1"), Err(ResponseError::InvalidConfig));
        assert_eq!(parse("retention.bytes", "-1").unwrap().retention_bytes, u64::MAX);
        assert_eq!(parse("cleanup.policy", "compact").unwrap().retention_ms, i64::MAX);
        assert_eq!(parse("min.insync.replicas", "1"), Ok(DEFAULTS));
    }
}
