//! How a job takes checkpoints and how it restarts: Flink's options under their short names.

use std::collections::BTreeMap;
use std::time::Duration;

use super::options::{Options, join, parse_duration};
use super::value::{Key, Value, ValueKind};

/// When and how checkpoints are taken. A job without an interval takes none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpointing {
    pub interval: Duration,
    pub timeout: Duration,
    /// At least so long between the end of one checkpoint and the start of the next.
    pub min_pause: Duration,
    pub mode: Mode,
    /// Whether barriers may overtake data.
    pub unaligned: bool,
    /// How long an alignment may last before barriers overtake data.
    pub aligned_timeout: Duration,
    /// How many checkpoints in a row may fail before the job does.
    pub tolerable_failed: u32,
    /// How many completed checkpoints are kept.
    pub num_retained: u32,
    /// Whether checkpoints stay when the job is cancelled.
    pub retain_on_cancel: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    ExactlyOnce,
    AtLeastOnce,
}

/// What happens after a failure that running again may cure.
#[derive(Debug, Clone, PartialEq)]
pub enum Restart {
    /// The job fails.
    None,
    FixedDelay {
        attempts: u32,
        delay: Duration,
    },
    FailureRate {
        /// One more than this within `interval` fails the job.
        max_failures: u32,
        interval: Duration,
        delay: Duration,
    },
    ExponentialDelay {
        initial_backoff: Duration,
        max_backoff: Duration,
        multiplier: f64,
        /// Running so long without a failure starts again at the initial back-off.
        reset_threshold: Duration,
        /// Share of the back-off by which it is spread at random, `0..=1`.
        jitter: f64,
        /// `None`: without end.
        attempts: Option<u32>,
    },
}

/// Short names of `[checkpointing]`, each `execution.checkpointing.NAME` of Flink.
const CHECKPOINTING: &[&str] = &[
    "interval",
    "timeout",
    "min-pause",
    "mode",
    "unaligned",
    "aligned-checkpoint-timeout",
    "tolerable-failed-checkpoints",
    "max-concurrent-checkpoints",
    "num-retained",
    "externalized-checkpoint-retention",
];

const STRATEGIES: &[&str] = &["none", "fixed-delay", "failure-rate", "exponential-delay"];

impl Checkpointing {
    /// Reads the table `[checkpointing]`; `None` without an interval or with one of 0.
    pub(super) fn read(options: &mut Options) -> Option<Self> {
        let interval = options.duration("interval").filter(|interval| !interval.is_zero());
        let at_most = |options: &mut Options, name, range, default| {
            options.integer(name, range).map_or(default, |number| number as u32)
        };
        let result = Self {
            interval: interval.unwrap_or_default(),
            timeout: positive_duration(options, "timeout").unwrap_or(Duration::from_secs(600)),
            min_pause: options.duration("min-pause").unwrap_or_default(),
            mode: match word(options, "mode", &["exactly-once", "at-least-once"]) {
                Some("at-least-once") => Mode::AtLeastOnce,
                _ => Mode::ExactlyOnce,
            },
            unaligned: options.boolean("unaligned").unwrap_or(false),
            aligned_timeout: options.duration("aligned-checkpoint-timeout").unwrap_or_default(),
            tolerable_failed: at_most(options, "tolerable-failed-checkpoints", 0..=1_000_000, 10),
            num_retained: at_most(options, "num-retained", 1..=10_000, 1),
            retain_on_cancel: read_retention(options),
        };
        if let Some(concurrent) = options.integer("max-concurrent-checkpoints", 1..=i64::MAX)
            && concurrent != 1
        {
            options.problem(
                "max-concurrent-checkpoints",
                format_args!("{concurrent} is not possible: one checkpoint is taken at a time; leave it out or set 1"),
            );
        }
        interval.map(|_| result)
    }
}

fn read_retention(options: &mut Options) -> bool {
    let retain = options.boolean("retain-on-cancel");
    let words = [
        "retain-on-cancellation",
        "delete-on-cancellation",
        "no-externalized-checkpoints",
    ];
    let retention = word(options, "externalized-checkpoint-retention", &words);
    if retain.is_some() && retention.is_some() {
        options.problem(
            "retain-on-cancel",
            "says the same as externalized-checkpoint-retention; give one of them",
        );
    }
    retain.unwrap_or(retention == Some(words[0]))
}

impl Restart {
    /// Reads the table `[restart]`. Without a strategy, jobs with checkpoints back off and others do not restart.
    pub(super) fn read(options: &mut Options, checkpointing: bool) -> Self {
        let default = if checkpointing { "exponential-delay" } else { "none" };
        match word(options, "strategy", STRATEGIES).unwrap_or(default) {
            "fixed-delay" => Self::FixedDelay {
                attempts: read_count(options, "attempts").unwrap_or(1),
                delay: read_delay(options, "delay"),
            },
            "failure-rate" => Self::FailureRate {
                max_failures: read_count(options, "max-failures-per-interval").unwrap_or(1),
                interval: positive_duration(options, "failure-rate-interval").unwrap_or(Duration::from_secs(60)),
                delay: read_delay(options, "delay"),
            },
            "exponential-delay" => Self::read_exponential(options),
            _ => Self::None,
        }
    }

    fn read_exponential(options: &mut Options) -> Self {
        let second = Duration::from_secs(1);
        let initial_backoff = positive_duration(options, "initial-backoff").unwrap_or(second / 10);
        let max_backoff = positive_duration(options, "max-backoff").unwrap_or(second * 60);
        if max_backoff < initial_backoff {
            options.problem(
                "max-backoff",
                format_args!("{max_backoff:?} is shorter than the initial back-off of {initial_backoff:?}"),
            );
        }
        let multiplier = options.float("backoff-multiplier").unwrap_or(1.5);
        if !(1.0..=1e6).contains(&multiplier) {
            options.problem(
                "backoff-multiplier",
                format_args!("{multiplier} is not between 1 and 1000000"),
            );
        }
        let jitter = options.float("jitter-factor").unwrap_or(0.1);
        if !(0.0..=1.0).contains(&jitter) {
            options.problem("jitter-factor", format_args!("{jitter} is not between 0 and 1"));
        }
        Self::ExponentialDelay {
            initial_backoff,
            max_backoff,
            multiplier,
            reset_threshold: positive_duration(options, "reset-backoff-threshold").unwrap_or(second * 3600),
            jitter,
            attempts: read_count(options, "attempts-before-reset-backoff"),
        }
    }

    /// The strategy's word in the job file.
    pub fn name(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::FixedDelay { .. } => "fixed-delay",
            Self::FailureRate { .. } => "failure-rate",
            Self::ExponentialDelay { .. } => "exponential-delay",
        }
    }
}

impl Mode {
    /// The mode's word in the job file.
    pub fn name(self) -> &'static str {
        match self {
            Self::ExactlyOnce => "exactly-once",
            Self::AtLeastOnce => "at-least-once",
        }
    }
}

/// A resolved job in JSON, completed with what `defaults` (options of `flink-conf.yaml`, by name) say of jobs wherever it
/// says nothing. Keeps the order of the job, which the order of a plan follows.
pub fn with_defaults(json: &str, defaults: &BTreeMap<String, String>) -> Result<String, String> {
    let mut document = Value::parse_json(json)?;
    fill_in(&mut document, defaults);
    serde_json::to_string(&document).map_err(|error| error.to_string())
}

/// Puts what `flink-conf.yaml` says into the document wherever the job says nothing. Returns the path of each entry that
/// came from there, with its name in `flink-conf.yaml`.
pub(super) fn fill_in(document: &mut Value, defaults: &BTreeMap<String, String>) -> Vec<(String, String)> {
    let mut filled = Vec::new();
    let mut fill = |document: &mut Value, section: &str, name: &str, option: &str| {
        let Some(value) = defaults.get(option) else { return };
        if insert_missing(document, section, name, value) {
            filled.push((join(section, name), option.to_owned()));
        }
    };
    fill(document, "", "parallelism", "parallelism.default");
    fill(document, "", "max-parallelism", "pipeline.max-parallelism");
    fill(document, "", "operator-chaining", "pipeline.operator-chaining.enabled");
    fill(document, "", "operator-chaining", "pipeline.operator-chaining");
    for name in CHECKPOINTING {
        if *name == "externalized-checkpoint-retention" && has(document, "checkpointing", "retain-on-cancel") {
            continue;
        }
        fill(
            document,
            "checkpointing",
            name,
            &format!("execution.checkpointing.{name}"),
        );
    }
    fill(
        document,
        "checkpointing",
        "num-retained",
        "state.checkpoints.num-retained",
    );
    fill(document, "restart", "strategy", "restart-strategy.type");
    fill(document, "restart", "strategy", "restart-strategy");
    let strategy = strategy_of(document);
    insert_missing(document, "restart", "strategy", &strategy);
    let prefix = format!("restart-strategy.{strategy}.");
    for option in defaults.keys() {
        if let Some(name) = option.strip_prefix(&prefix) {
            fill(document, "restart", name, option);
        }
    }
    filled
}

/// The strategy whose options `flink-conf.yaml` may add; the default one where the job names none.
fn strategy_of(document: &Value) -> String {
    match entry(document, "restart").and_then(|restart| entry(restart, "strategy")) {
        Some(Value {
            kind: ValueKind::String(text),
            ..
        }) => normalise(text),
        _ if takes_checkpoints(document) => "exponential-delay".to_owned(),
        _ => "none".to_owned(),
    }
}

fn takes_checkpoints(document: &Value) -> bool {
    let interval = entry(document, "checkpointing").and_then(|section| entry(section, "interval"));
    interval.is_some_and(|interval| match &interval.kind {
        ValueKind::Integer(millis) => *millis != 0,
        ValueKind::String(text) => parse_duration(text) != Some(Duration::ZERO),
        _ => true,
    })
}

fn entry<'a>(table: &'a Value, name: &str) -> Option<&'a Value> {
    match &table.kind {
        ValueKind::Table(entries) => entries.iter().find(|(key, _)| key.name == name).map(|(_, value)| value),
        _ => None,
    }
}

fn has(document: &Value, section: &str, name: &str) -> bool {
    entry(document, section).is_some_and(|section| entry(section, name).is_some())
}

/// Adds an entry to a section, and the section to the document, unless it is there. Whether it was added.
fn insert_missing(document: &mut Value, section: &str, name: &str, value: &str) -> bool {
    let ValueKind::Table(entries) = &mut document.kind else {
        return false;
    };
    let key = |name: &str| Key {
        name: name.to_owned(),
        span: None,
    };
    let entries = if section.is_empty() {
        entries
    } else {
        let index = entries.iter().position(|(key, _)| key.name == section);
        let index = index.unwrap_or_else(|| {
            entries.push((key(section), Value::new(ValueKind::Table(Vec::new()))));
            entries.len() - 1
        });
        let ValueKind::Table(entries) = &mut entries[index].1.kind else {
            return false;
        };
        entries
    };
    if entries.iter().any(|(key, _)| key.name == name) {
        return false;
    }
    entries.push((key(name), Value::new(ValueKind::String(value.to_owned()))));
    true
}

/// One of a few words, in Flink's spelling (`EXACTLY_ONCE`) or ours (`exactly-once`).
fn word(options: &mut Options, name: &'static str, allowed: &[&'static str]) -> Option<&'static str> {
    let text = options.string(name)?;
    let normal = normalise(&text);
    let found = allowed.iter().find(|word| **word == normal).copied();
    if found.is_none() {
        options.none_of(name, &normal, allowed);
    }
    found
}

fn normalise(text: &str) -> String {
    match text.to_lowercase().replace('_', "-").as_str() {
        "disable" | "off" => "none".to_owned(),
        "fixeddelay" => "fixed-delay".to_owned(),
        "failurerate" => "failure-rate".to_owned(),
        "exponentialdelay" => "exponential-delay".to_owned(),
        other => other.to_owned(),
    }
}

fn positive_duration(options: &mut Options, name: &'static str) -> Option<Duration> {
    let duration = options.duration(name)?;
    if duration.is_zero() {
        options.problem(name, "0 is too short; it must be longer than that");
        return None;
    }
    Some(duration)
}

fn read_delay(options: &mut Options, name: &'static str) -> Duration {
    options.duration(name).unwrap_or(Duration::from_secs(1))
}

fn read_count(options: &mut Options, name: &'static str) -> Option<u32> {
    let most = i64::from(i32::MAX);
    options.integer(name, 1..=most).map(|number| number as u32)
}
