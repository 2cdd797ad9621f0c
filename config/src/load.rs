//! A configuration: the values of a file and of `-D` overrides, over the defaults.

use std::collections::BTreeMap;
use std::path::Path;

use crate::option::{Entry, Opt};
use crate::options::OPTIONS;
use crate::value::Value;
use crate::yaml::{self, Line};
use crate::{Error, Problem, Result, Warning};

/// What stands in the place of a secret.
pub const MASK: &str = "******";

/// The value of every option. Checked when it was made: reading it cannot fail.
#[derive(Debug, Clone, Default)]
pub struct Config {
    values: BTreeMap<&'static str, String>,
    warnings: Vec<Warning>,
}

impl Config {
    /// Reads a file. A file that is not there is an error; [`Config::default`] is what to use without one.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path).map_err(|source| Error::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        Self::from_yaml_str(&text, &path.display().to_string())
    }

    /// Reads the text of a file; `origin` names it in messages.
    pub fn from_yaml_str(text: &str, origin: &str) -> Result<Self> {
        let mut config = Self::default();
        let mut problems = Vec::new();
        let mut names = BTreeMap::new();
        for Line { key, value, line } in yaml::read(text, origin)? {
            let place = format!("{origin}:{line}");
            // The newer name wins over an alias, wherever it stands.
            if let Some(entry) = find(&key)
                && let Some(other) = names.insert(entry.key, key.clone())
            {
                let message = format!("and {other} name the same option; {} counts", entry.key);
                config.warn(&place, &key, message);
                if key != entry.key {
                    continue;
                }
            }
            config.set(&key, &value, &place, &mut problems);
        }
        match problems.is_empty() {
            true => Ok(config),
            false => Err(Error::Invalid(problems)),
        }
    }

    /// Applies the text behind a `-D`: `rest.port=9000`. Overrides the file and earlier overrides.
    pub fn apply_override(&mut self, text: &str) -> Result<()> {
        let Some((key, value)) = text.split_once('=') else {
            return Err(Error::Override { found: text.into() });
        };
        let mut problems = Vec::new();
        self.set(key.trim(), value.trim(), "-D", &mut problems);
        match problems.is_empty() {
            true => Ok(()),
            false => Err(Error::Invalid(problems)),
        }
    }

    fn set(&mut self, key: &str, value: &str, place: &str, problems: &mut Vec<Problem>) {
        let Some(entry) = find(key) else {
            self.warn(place, key, unknown(key));
            return;
        };
        if let Err(allowed) = entry.check(value) {
            let found = if entry.secret { MASK } else { value };
            problems.push(Problem {
                place: place.into(),
                key: key.into(),
                found: found.into(),
                allowed,
            });
            return;
        }
        if let Some(remark) = entry.remark(value) {
            self.warn(place, key, remark);
        }
        self.values.insert(entry.key, value.to_owned());
    }

    fn warn(&mut self, place: &str, key: &str, message: String) {
        self.warnings.push(Warning {
            place: place.into(),
            key: key.into(),
            message,
        });
    }

    /// The value of an option, or its default.
    pub fn get<T: Value>(&self, option: Opt<T>) -> T {
        T::parse(self.text(&option.entry)).expect("values are checked when they are set, defaults by a test")
    }

    /// Whether the file or an override sets the option.
    pub fn is_set<T>(&self, option: Opt<T>) -> bool {
        self.values.contains_key(option.entry.key)
    }

    fn text(&self, entry: &Entry) -> &str {
        self.values.get(entry.key).map_or(entry.default, String::as_str)
    }

    /// What was odd, in the order of the file. To be logged by whoever loads the configuration.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// The options that are set, by name, fit to be shown: secrets are [`MASK`].
    pub fn shown(&self) -> Vec<(&'static str, String)> {
        let shown = |entry: &&Entry| {
            let value = self.values.get(entry.key)?;
            let masked = entry.secret && !value.is_empty();
            Some((entry.key, if masked { MASK.into() } else { value.clone() }))
        };
        let mut shown: Vec<_> = OPTIONS.iter().filter_map(shown).collect();
        shown.sort_unstable();
        shown
    }
}

fn find(key: &str) -> Option<&'static Entry> {
    OPTIONS
        .iter()
        .copied()
        .find(|entry| entry.names().any(|name| name == key))
}

/// Flink's options, by the beginning of their names, that mean something there and nothing here, or nothing here yet.
const WITHOUT_EFFECT: &[&str] = &[
    "akka.",
    "blob.",
    "classloader.",
    "env.",
    "high-availability.",
    "jobmanager.memory.",
    "jobmanager.scheduler",
    "kubernetes.",
    "latency-",
    "metrics.reporter",
    "pekko.",
    "process.",
    "python.",
    "rest.address",
    "scheduler-mode",
    "security.kerberos",
    "slot.request.timeout",
    "state.savepoints.dir",
    "task.cancellation",
    "taskmanager.memory.",
    "taskmanager.network.",
    "taskmanager.rpc.port",
    "web.",
    "yarn.",
];

fn unknown(key: &str) -> String {
    if WITHOUT_EFFECT.iter().any(|beginning| key.starts_with(beginning)) {
        return "is an option of Flink's that has no effect here".into();
    }
    let distance = |name: &&str| strsim::osa_distance(key, name);
    let names = OPTIONS.iter().flat_map(|entry| entry.names());
    match names.min_by_key(distance) {
        // A third of the name mistyped is still the same name.
        Some(name) if distance(&name) * 3 <= key.len() => {
            format!("is not an option and is ignored; did you mean {name}?")
        }
        _ => "is not an option and is ignored".into(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::options;
    use crate::value::{MemorySize, StateBackend};

    fn config(text: &str) -> Config {
        Config::from_yaml_str(text, "flink-conf.yaml").unwrap()
    }

    fn warnings(config: &Config) -> Vec<String> {
        config.warnings().iter().map(Warning::to_string).collect()
    }

    #[test]
    fn every_default_is_a_value_of_its_option() {
        for entry in OPTIONS {
            assert_eq!(entry.check(entry.default), Ok(()), "{}", entry.key);
        }
    }

    #[test]
    fn no_two_options_share_a_name() {
        let mut names: Vec<_> = OPTIONS.iter().flat_map(|entry| entry.names()).collect();
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn the_file_overrides_defaults_and_the_command_line_the_file() {
        let mut config = config("rest.port: 9000\ntaskmanager:\n  memory.process.size: 4g\n");
        assert_eq!(config.get(options::REST_PORT), 9000);
        assert_eq!(config.get(options::PROCESS_MEMORY), MemorySize(4 << 30));
        assert_eq!(config.get(options::HEARTBEAT_TIMEOUT), Duration::from_secs(2));
        config.apply_override("rest.port=9001").unwrap();
        assert_eq!(config.get(options::REST_PORT), 9001);
        assert!(config.apply_override("rest.port").is_err());
    }

    #[test]
    fn all_wrong_values_are_reported_at_once_with_line_key_and_what_is_allowed() {
        let text = "rest.port: web\nheartbeat.interval: soon\nstate.backend: heap\ntaskmanager.numberOfTaskSlots: 0\n";
        let error = Config::from_yaml_str(text, "flink-conf.yaml").unwrap_err();
        assert_eq!(
            error.to_string(),
            "flink-conf.yaml:1: rest.port is \"web\"; expected an integer from 0 to 65535\n\
             flink-conf.yaml:2: heartbeat.interval is \"soon\"; expected a duration such as \"10 s\", \"500 ms\" or \"5 min\"\n\
             flink-conf.yaml:3: state.backend is \"heap\"; expected one of hashmap, sled\n\
             flink-conf.yaml:4: taskmanager.numberOfTaskSlots is \"0\"; expected 1 to 4096"
        );
    }

    #[test]
    fn unknown_options_are_ignored_with_a_hint() {
        let config = config("rest.prot: 1\nenv.java.opts.all: -ea\nno.such.thing.at.all: 1\n");
        assert_eq!(
            warnings(&config),
            [
                "flink-conf.yaml:1: rest.prot is not an option and is ignored; did you mean rest.port?",
                "flink-conf.yaml:2: env.java.opts.all is an option of Flink's that has no effect here",
                "flink-conf.yaml:3: no.such.thing.at.all is not an option and is ignored"
            ]
        );
    }

    #[test]
    fn a_promise_of_safety_that_is_not_kept_is_refused() {
        let error = Config::from_yaml_str("security.ssl.internal.enabled: true\n", "flink-conf.yaml").unwrap_err();
        assert!(error.to_string().contains("this version cannot do it yet"), "{error}");
        assert!(Config::from_yaml_str("security.ssl.internal.enabled: false\n", "flink-conf.yaml").is_ok());
    }

    #[test]
    fn rocksdb_is_taken_as_sled_with_one_warning() {
        let config = config("state.backend.type: rocksdb\n");
        assert_eq!(config.get(options::STATE_BACKEND), StateBackend::Sled);
        assert_eq!(
            warnings(&config),
            ["flink-conf.yaml:1: state.backend.type is \"rocksdb\"; taken as \"sled\", the backend on local disk"]
        );
    }

    #[test]
    fn the_newer_name_of_an_option_counts_wherever_it_stands() {
        let newer = "execution.checkpointing.dir: file:///new\n";
        let older = "state.checkpoints.dir: file:///old\n";
        for text in [format!("{newer}{older}"), format!("{older}{newer}")] {
            let config = config(&text);
            assert_eq!(config.get(options::CHECKPOINT_DIRECTORY), "file:///new");
            assert_eq!(config.warnings().len(), 1);
        }
    }

    #[test]
    fn secrets_are_never_shown() {
        let config = config("s3.access-key: reader\ns3.secret-key: hunter2\nrest.port: 1\n");
        let shown = config.shown();
        assert_eq!(
            shown,
            [
                ("rest.port", "1".to_owned()),
                ("s3.access-key", MASK.to_owned()),
                ("s3.secret-key", MASK.to_owned()),
            ]
        );
        assert_eq!(config.get(options::S3_SECRET_KEY), Some("hunter2".to_owned()));
    }
}
