//! Who reads which partition: arithmetic that every subtask does alone and with the same result.

use streaming::connector::kafka::{Topics, whole_name};
use streaming::{Error, Result};

/// A partition of a topic. Written `topic/partition`; a topic's name has no slash.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Partition {
    pub topic: String,
    pub number: i32,
}

impl Partition {
    pub fn new(topic: impl Into<String>, number: i32) -> Self {
        Self {
            topic: topic.into(),
            number,
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        let (topic, number) = text.rsplit_once('/')?;
        Some(Self::new(topic, number.parse().ok()?))
    }
}

impl std::fmt::Display for Partition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.topic, self.number)
    }
}

/// The partitions that one of `parallelism` subtasks reads.
#[derive(Debug, Clone)]
pub struct Assignment {
    selection: Selection,
    /// Whether topics start at different subtasks.
    spread: bool,
    subtask: u16,
    parallelism: u16,
}

#[derive(Debug, Clone)]
enum Selection {
    Named(Vec<String>),
    Pattern(regex_lite::Regex),
}

impl Assignment {
    pub fn new(topics: &Topics, subtask: u16, parallelism: u16) -> Result<Self> {
        let selection = match topics {
            Topics::Named(names) => Selection::Named(names.clone()),
            Topics::Pattern(pattern) => {
                Selection::Pattern(whole_name(pattern).map_err(|error| Error::user("topic-pattern", error))?)
            }
        };
        let spread = !matches!(&selection, Selection::Named(names) if names.len() == 1);
        Ok(Self {
            selection,
            spread,
            subtask,
            parallelism: parallelism.max(1),
        })
    }

    /// The topics that must be there; empty for a pattern.
    pub fn named(&self) -> &[String] {
        match &self.selection {
            Selection::Named(names) => names,
            Selection::Pattern(_) => &[],
        }
    }

    pub fn selects(&self, topic: &str) -> bool {
        match &self.selection {
            Selection::Named(names) => names.iter().any(|name| name == topic),
            // Kafka's own topics are never meant.
            Selection::Pattern(pattern) => !topic.starts_with("__") && pattern.is_match(topic),
        }
    }

    /// Whether a partition of a selected topic is this subtask's. Partition `k` belongs to subtask `(s + k) mod p`. A single
    /// topic has `s = 0`; among several, `s` is the hash of the topic's name, so that many small topics do not all begin at
    /// subtask 0. A topic that appears later moves nobody else's partitions.
    pub fn owns(&self, partition: &Partition) -> bool {
        let parallelism = u64::from(self.parallelism);
        let start = match self.spread {
            true => streaming::key::hash(partition.topic.as_bytes()) % parallelism,
            false => 0,
        };
        let number = u64::try_from(partition.number).unwrap_or(0);
        (start + number) % parallelism == u64::from(self.subtask)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn named(names: &[&str]) -> Topics {
        Topics::Named(names.iter().map(|name| (*name).to_owned()).collect())
    }

    proptest! {
        #[test]
        fn every_partition_has_one_owner_and_shares_are_even(topics in 1usize..6, partitions in 1i32..40, parallelism in 1u16..9) {
            let names: Vec<_> = (0..topics).map(|number| format!("topic-{number}")).collect();
            let selected = Topics::Named(names.clone());
            for topic in &names {
                let share = |subtask| {
                    let assignment = Assignment::new(&selected, subtask, parallelism).unwrap();
                    (0..partitions).filter(|&number| assignment.owns(&Partition::new(topic, number))).count()
                };
                let shares: Vec<_> = (0..parallelism).map(share).collect();
                prop_assert_eq!(shares.iter().sum::<usize>(), partitions as usize);
                prop_assert!(shares.iter().max().unwrap() - shares.iter().min().unwrap() <= 1);
            }
        }
    }

    #[test]
    fn partition_k_of_the_only_topic_belongs_to_subtask_k_mod_p() {
        let assignment = Assignment::new(&named(&["points"]), 1, 3).unwrap();
        let owned: Vec<_> = (0..8)
            .filter(|&number| assignment.owns(&Partition::new("points", number)))
            .collect();
        assert_eq!(owned, [1, 4, 7]);
    }

    #[test]
    fn a_pattern_never_selects_internal_topics() {
        let assignment = Assignment::new(&Topics::Pattern(".*".into()), 0, 1).unwrap();
        assert!(assignment.selects("points") && !assignment.selects("__consumer_offsets"));
    }

    #[test]
    fn a_partition_is_written_and_read() {
        let partition = Partition::new("a.b-c_d", 12);
        assert_eq!(Partition::parse(&partition.to_string()), Some(partition));
        assert_eq!(Partition::parse("points"), None);
    }
}
