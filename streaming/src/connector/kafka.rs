//! Options of the connector `kafka`.

use std::collections::BTreeMap;
use std::time::Duration;

use super::read::{bytes, texts};
use crate::Timestamp;
use crate::job::Options;

/// `[source.x]` with `connector = "kafka"`.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceOptions {
    /// `host:port`, comma-separated.
    pub bootstrap_servers: String,
    pub topics: Topics,
    pub start: Start,
    /// `None`: derived from the names of the job and the source, see [`SourceOptions::group_id`].
    pub group_id: Option<String>,
    /// How often new partitions and topics are looked for; zero for never.
    pub partition_discovery_interval: Duration,
    /// Bytes that the client may hold per subtask before they are polled.
    pub prefetch_bytes: u64,
    /// Whether reading ends at the end offsets that were found at the start.
    pub bounded: bool,
    /// Further properties of librdkafka.
    pub properties: BTreeMap<String, String>,
}

/// Which topics are read.
#[derive(Debug, Clone, PartialEq)]
pub enum Topics {
    Named(Vec<String>),
    /// A regular expression that the whole name must match.
    Pattern(String),
}

/// Where reading starts when there is no checkpoint.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Start {
    /// At the offsets committed by the group; at the beginning where there are none.
    Committed,
    Earliest,
    Latest,
    /// At the first record that is not older.
    Timestamp(Timestamp),
}

/// `[sink.x]` with `connector = "kafka"`.
#[derive(Debug, Clone, PartialEq)]
pub struct SinkOptions {
    pub bootstrap_servers: String,
    pub topic: String,
    pub delivery: Delivery,
    /// librdkafka's name of a codec.
    pub compression: &'static str,
    /// How long a record waits for others to share its request.
    pub linger: Duration,
    /// Bytes that may wait for the broker before a write waits.
    pub queue_bytes: u64,
    pub properties: BTreeMap<String, String>,
}

/// What a sink promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// Every row that a checkpoint covers has been acknowledged by the broker.
    AtLeastOnce,
    /// Rows may be lost: nobody waits for the broker.
    None,
}

const DEFAULT_PREFETCH_BYTES: u64 = 16 << 20;
const DEFAULT_QUEUE_BYTES: u64 = 32 << 20;
const DEFAULT_LINGER: Duration = Duration::from_millis(5);
const DEFAULT_DISCOVERY_INTERVAL: Duration = Duration::from_secs(60);
const COMPRESSIONS: &[&str] = &["none", "gzip", "snappy", "lz4", "zstd"];

/// Properties that are not the user's to set, and why.
const OWNED: &[(&str, &str)] = &[
    ("bootstrap.servers", "use the option bootstrap-servers"),
    ("metadata.broker.list", "use the option bootstrap-servers"),
    (
        "plugin.library.paths",
        "a job cannot load libraries into the TaskManager",
    ),
    (
        "ssl.engine.location",
        "a job cannot load libraries into the TaskManager",
    ),
    ("ssl.providers", "a job cannot load libraries into the TaskManager"),
    (
        "sasl.kerberos.kinit.cmd",
        "a job cannot run commands on the TaskManager",
    ),
];
const OWNED_BY_SOURCE: &[(&str, &str)] = &[
    ("group.id", "use the option group-id"),
    (
        "group.instance.id",
        "partitions are assigned by the job, not by the group",
    ),
    ("group.protocol", "partitions are assigned by the job, not by the group"),
    (
        "partition.assignment.strategy",
        "partitions are assigned by the job, not by the group",
    ),
    ("auto.offset.reset", "use the option start"),
    ("topic.auto.offset.reset", "use the option start"),
    ("enable.auto.commit", "offsets are committed with each checkpoint"),
    ("auto.commit.enable", "offsets are committed with each checkpoint"),
    ("auto.commit.interval.ms", "offsets are committed with each checkpoint"),
    ("enable.auto.offset.store", "offsets are committed with each checkpoint"),
    (
        "enable.partition.eof",
        "the source needs it to find the end of a bounded read",
    ),
    ("queued.max.messages.kbytes", "use the option prefetch"),
    ("queued.min.messages", "use the option prefetch"),
    ("fetch.max.bytes", "use the option prefetch"),
    ("fetch.message.max.bytes", "use the option prefetch"),
    ("max.partition.fetch.bytes", "use the option prefetch"),
];
const OWNED_BY_SINK: &[(&str, &str)] = &[
    ("acks", "use the option delivery"),
    ("request.required.acks", "use the option delivery"),
    ("enable.idempotence", "use the option delivery"),
    ("transactional.id", "use the option delivery"),
    ("enable.gapless.guarantee", "use the option delivery"),
    ("compression.type", "use the option compression"),
    ("compression.codec", "use the option compression"),
    ("linger.ms", "use the option linger"),
    ("queue.buffering.max.ms", "use the option linger"),
    ("queue.buffering.max.kbytes", "use the option queue"),
    ("queue.buffering.max.messages", "use the option queue"),
    ("delivery.report.only.error", "the sink counts every delivery"),
];

impl SourceOptions {
    /// Reads the options; mistakes become problems of `options`.
    pub fn read(options: &mut Options) -> Self {
        Self {
            bootstrap_servers: bootstrap_servers(options),
            topics: Topics::read(options),
            start: Start::read(options),
            group_id: options.string("group-id"),
            partition_discovery_interval: options
                .duration("partition-discovery-interval")
                .unwrap_or(DEFAULT_DISCOVERY_INTERVAL),
            prefetch_bytes: bytes(options, "prefetch", 1 << 20..=1 << 30).unwrap_or(DEFAULT_PREFETCH_BYTES),
            bounded: options.one_of("stop", &["latest"]).is_some(),
            properties: properties(options, OWNED_BY_SOURCE),
        }
    }

    /// The group under which offsets are committed: `{job name}.{source}`, so that a job that is submitted again goes on.
    pub fn group_id(&self, job_name: &str, source: &str) -> String {
        self.group_id.clone().unwrap_or_else(|| format!("{job_name}.{source}"))
    }
}

impl Topics {
    fn read(options: &mut Options) -> Self {
        let (named, pattern) = (options.strings("topics"), options.string("topic-pattern"));
        let both = options.has("topics") && options.has("topic-pattern");
        if both {
            options.problem("topic-pattern", "topics is given too; give exactly one of the two");
        } else if !options.has("topics") && !options.has("topic-pattern") {
            options.problem("topics", "topics is missing; give a list of topics, or topic-pattern");
        }
        match (named, pattern) {
            (None, Some(pattern)) => {
                if let Err(error) = whole_name(&pattern) {
                    options.problem(
                        "topic-pattern",
                        format_args!("{pattern:?} is no regular expression: {error}"),
                    );
                }
                Self::Pattern(pattern)
            }
            (named, _) => {
                let mut named = named.unwrap_or_default();
                if named.is_empty() && options.has("topics") && !both {
                    options.problem("topics", "the list is empty; name at least one topic");
                }
                for topic in &named {
                    check_topic(options, "topics", topic);
                }
                named.sort();
                named.dedup();
                Self::Named(named)
            }
        }
    }
}

/// The expression that matches names which `pattern` matches from end to end.
pub fn whole_name(pattern: &str) -> Result<regex_lite::Regex, regex_lite::Error> {
    regex_lite::Regex::new(&format!("^(?:{pattern})$"))
}

impl Start {
    fn read(options: &mut Options) -> Self {
        let start = options.one_of("start", &["committed", "earliest", "latest", "timestamp"]);
        let time = options.string("start-timestamp");
        if start != Some("timestamp") && options.has("start-timestamp") {
            options.problem("start-timestamp", "it has a meaning only with start = \"timestamp\"");
        }
        match start {
            Some("earliest") => Self::Earliest,
            Some("latest") => Self::Latest,
            Some("timestamp") => Self::Timestamp(start_timestamp(options, time)),
            _ => Self::Committed,
        }
    }
}

fn start_timestamp(options: &mut Options, time: Option<String>) -> Timestamp {
    let Some(time) = time else {
        if !options.has("start-timestamp") {
            options.problem(
                "start-timestamp",
                "start-timestamp is missing; it must be a date-time such as \"2024-01-01T00:00:00Z\"",
            );
        }
        return Timestamp(0);
    };
    Timestamp::parse_rfc3339(&time).unwrap_or_else(|| {
        options.problem(
            "start-timestamp",
            format_args!("expected a date-time such as \"2024-01-01T00:00:00Z\", found {time:?}"),
        );
        Timestamp(0)
    })
}

impl SinkOptions {
    /// Reads the options; mistakes become problems of `options`.
    pub fn read(options: &mut Options) -> Self {
        let topic = options.required_string("topic");
        if !topic.is_empty() {
            check_topic(options, "topic", &topic);
        }
        Self {
            bootstrap_servers: bootstrap_servers(options),
            topic,
            delivery: Delivery::read(options),
            compression: options.one_of("compression", COMPRESSIONS).unwrap_or("none"),
            linger: options.duration("linger").unwrap_or(DEFAULT_LINGER),
            queue_bytes: bytes(options, "queue", 1 << 20..=1 << 30).unwrap_or(DEFAULT_QUEUE_BYTES),
            properties: properties(options, OWNED_BY_SINK),
        }
    }
}

impl Delivery {
    fn read(options: &mut Options) -> Self {
        match options.one_of("delivery", &["at-least-once", "exactly-once", "none"]) {
            Some("none") => Self::None,
            Some("exactly-once") => {
                options.problem(
                    "delivery",
                    "exactly-once is not available yet; use delivery = \"at-least-once\"",
                );
                Self::AtLeastOnce
            }
            _ => Self::AtLeastOnce,
        }
    }
}

fn bootstrap_servers(options: &mut Options) -> String {
    let servers = options.required_string("bootstrap-servers");
    for server in servers.split(',').filter(|_| !servers.is_empty()) {
        let port = server.trim().rsplit_once(':').and_then(|(host, port)| {
            let port: u16 = port.parse().ok()?;
            (!host.is_empty() && port != 0).then_some(port)
        });
        if port.is_none() {
            options.problem(
                "bootstrap-servers",
                format_args!("{server:?} is not host:port; give one or more, separated by commas"),
            );
        }
    }
    servers
}

fn check_topic(options: &Options, name: &str, topic: &str) {
    let legal = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '_' | '-');
    if topic.is_empty() || topic.len() > 249 || topic == "." || topic == ".." || !topic.chars().all(legal) {
        options.problem(
            name,
            format_args!("{topic:?} is no name of a topic: 1 to 249 of the letters a-z, A-Z, 0-9, '.', '_', '-'"),
        );
    }
}

fn properties(options: &mut Options, owned_by_side: &[(&str, &str)]) -> BTreeMap<String, String> {
    let properties = texts(options, "properties");
    for name in properties.keys() {
        let owned = OWNED.iter().chain(owned_by_side).find(|(owned, _)| owned == name);
        if let Some((_, why)) = owned {
            options.problem("properties", format_args!("{name} cannot be set here: {why}"));
        }
    }
    properties
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connector::tests::{messages, options};

    fn source(text: &str) -> (SourceOptions, Vec<String>) {
        let mut options = options(text);
        let read = SourceOptions::read(&mut options);
        (read, messages(options))
    }

    #[test]
    fn a_source_has_defaults_and_a_group_that_survives_resubmission() {
        let (read, problems) = source("bootstrap-servers = \"a:9092, b:9092\"\ntopics = \"points\"");
        assert_eq!(problems, [""; 0]);
        assert_eq!(read.topics, Topics::Named(vec!["points".into()]));
        assert_eq!(read.start, Start::Committed);
        assert_eq!(read.group_id("tda", "points"), "tda.points");
        assert_eq!(read.prefetch_bytes, 16 << 20);
        assert!(!read.bounded);
    }

    #[test]
    fn exactly_one_of_topics_and_pattern_is_given() {
        let (_, problems) = source("bootstrap-servers = \"a:1\"");
        assert_eq!(problems, ["topics is missing; give a list of topics, or topic-pattern"]);
        let (_, problems) = source("bootstrap-servers = \"a:1\"\ntopics = [\"t\"]\ntopic-pattern = \"t.*\"");
        assert_eq!(problems, ["topics is given too; give exactly one of the two"]);
        let (_, problems) = source("bootstrap-servers = \"a:1\"\ntopic-pattern = \"t(\"");
        assert!(problems[0].contains("is no regular expression"), "{problems:?}");
    }

    #[test]
    fn a_pattern_matches_the_whole_name() {
        let pattern = whole_name("tda_.*|x").unwrap();
        assert!(pattern.is_match("tda_jobs") && pattern.is_match("x"));
        assert!(!pattern.is_match("my_tda_jobs") && !pattern.is_match("xy"));
    }

    #[test]
    fn properties_that_we_own_are_refused_with_the_reason() {
        let (read, problems) = source(
            "bootstrap-servers = \"a:1\"\ntopics = [\"t\"]\nproperties = { group.id = \"g\", client.id = \"c\" }",
        );
        assert_eq!(problems, ["group.id cannot be set here: use the option group-id"]);
        assert_eq!(read.properties["client.id"], "c");
    }

    #[test]
    fn a_start_by_time_needs_its_time() {
        let base = "bootstrap-servers = \"a:1\"\ntopics = [\"t\"]\n";
        let (read, problems) = source(&format!(
            "{base}start = \"timestamp\"\nstart-timestamp = 2024-01-01T12:00:00Z"
        ));
        assert_eq!(problems, [""; 0]);
        assert_eq!(read.start, Start::Timestamp(Timestamp(1_704_110_400_000_000)));
        assert_eq!(source(&format!("{base}start = \"timestamp\"")).1.len(), 1);
        assert_eq!(
            source(&format!("{base}start-timestamp = \"2024-01-01T12:00:00Z\""))
                .1
                .len(),
            1
        );
    }

    #[test]
    fn a_sink_names_its_topic_and_promises_what_it_can_keep() {
        let mut options = options("bootstrap-servers = \"nowhere\"\ntopic = \"a b\"\ndelivery = \"exactly-once\"");
        SinkOptions::read(&mut options);
        let problems = messages(options);
        assert_eq!(problems.len(), 3, "{problems:?}");
        assert!(problems[0].contains("is not host:port"));
        assert!(problems[1].contains("is no name of a topic"));
        assert!(problems[2].contains("exactly-once is not available yet"));
    }
}
