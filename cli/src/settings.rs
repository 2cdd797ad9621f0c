//! What `flink-conf.yaml` says to a client: where the cluster is, and what holds for jobs that say nothing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use config::{Config, OPTIONS, options};

use crate::arguments::Arguments;
use crate::failure::{Failure, Result};
use crate::show::Printer;

pub struct Settings {
    /// `host:port`.
    pub jobmanager: String,
    /// Options of jobs, for [`streaming::job::Overrides`].
    pub defaults: BTreeMap<String, String>,
}

/// Options that a job may take over.
const OF_JOBS: &[&str] = &[
    "parallelism.default",
    "pipeline.",
    "execution.checkpointing.",
    "restart-strategy.",
];

impl Settings {
    pub fn load(arguments: &Arguments, printer: &Printer) -> Result<Self> {
        let here = PathBuf::from("flink-conf.yaml");
        let path = match &arguments.flink_conf {
            Some(path) => Some(path.clone()),
            None => here.exists().then_some(here),
        };
        let config = read(path.as_deref(), &arguments.overrides)?;
        if let Some(path) = &path {
            printer.detail(&format!("configuration of {}", path.display()));
        }
        for warning in config.warnings() {
            printer.detail(&format!("warning: {warning}"));
        }
        let jobmanager = arguments.jobmanager.clone().unwrap_or_else(|| {
            let host = config.get(options::JOBMANAGER_RPC_ADDRESS);
            format!("{host}:{}", config.get(options::JOBMANAGER_RPC_PORT))
        });
        Ok(Self {
            jobmanager,
            defaults: job_defaults(&config),
        })
    }
}

fn read(path: Option<&Path>, overrides: &[String]) -> Result<Config> {
    let refused = |error: config::Error| Failure::Refused(error.to_string());
    let mut config = match path {
        Some(path) => Config::load(path).map_err(refused)?,
        None => Config::default(),
    };
    for text in overrides {
        config.apply_override(text).map_err(refused)?;
    }
    Ok(config)
}

/// The options of jobs as they are set, over their defaults. The restart strategy has none here: it depends on whether
/// the job takes checkpoints.
fn job_defaults(config: &Config) -> BTreeMap<String, String> {
    let is_of_jobs = |key: &str| OF_JOBS.iter().any(|prefix| key.starts_with(prefix));
    let by_default = OPTIONS
        .iter()
        .filter(|entry| !entry.default.is_empty() && entry.key != options::RESTART_STRATEGY.entry.key)
        .map(|entry| (entry.key, entry.default.to_owned()));
    by_default
        .chain(config.shown())
        .filter(|(key, _)| is_of_jobs(key))
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
}
