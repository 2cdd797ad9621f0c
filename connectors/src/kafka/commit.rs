//! Telling the group how far the job is: for lag monitors, and for a later job that starts at `committed`.

use rdkafka::consumer::{CommitMode, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::{Offset, TopicPartitionList};
use tracing::warn;

use super::assignment::Partition;
use super::reading::Consumer;

/// Commits next offsets without waiting. The checkpoint is the truth; a failure here is only logged.
pub fn offsets(consumer: &Consumer, offsets: &[(Partition, i64)]) {
    if offsets.is_empty() {
        return;
    }
    let committed = list(offsets).and_then(|list| consumer.commit(&list, CommitMode::Async));
    if let Err(error) = committed {
        warn!(%error, "offsets not committed to the group; the checkpoint holds them all the same");
    }
}

/// A list of partitions and offsets as the client takes it.
pub fn list(offsets: &[(Partition, i64)]) -> Result<TopicPartitionList, KafkaError> {
    let mut list = TopicPartitionList::with_capacity(offsets.len());
    for (partition, offset) in offsets {
        list.add_partition_offset(&partition.topic, partition.number, Offset::Offset(*offset))?;
    }
    Ok(list)
}
