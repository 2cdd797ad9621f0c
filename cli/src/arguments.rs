//! The words of the command line.

use std::path::PathBuf;

use clap::{ArgGroup, Parser, ValueEnum};

use crate::failure::{Failure, Result};

/// Submits jobs to a Bettiflow cluster, and lists, shows and cancels them.
#[derive(Debug, Parser)]
#[command(
    name = "submit-job",
    version,
    after_help = "Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 cluster not reachable",
    group = ArgGroup::new("action")
        .args(["job", "list", "status", "cancel", "stop", "savepoint", "rescale"])
        .required(true)
)]
pub struct Arguments {
    /// Submit the job of this file and wait until it ends
    #[arg(long, value_name = "FILE")]
    pub job: Option<PathBuf>,
    /// Values of the job's parameters: a flat JSON or TOML file
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Parallelism of the job
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=32767))]
    pub parallelism: Option<u16>,
    /// Same as --set window_size=V: a duration, or a number of points
    #[arg(long, value_name = "V")]
    pub window_size: Option<String>,
    /// Same as --set slide_interval=V: a duration, or a number of points
    #[arg(long, value_name = "V")]
    pub slide_interval: Option<String>,
    /// Set a parameter of the job
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = parse_assignment)]
    pub set: Vec<(String, String)>,
    /// Start from this savepoint
    #[arg(long, value_name = "PATH")]
    pub from_savepoint: Option<String>,
    /// Leave the state of this operator behind
    #[arg(long, value_name = "ID")]
    pub drop_state: Vec<String>,
    /// Plan the job and show both graphs, without submitting it
    #[arg(long, alias = "explain")]
    pub dry_run: bool,
    /// Do not wait
    #[arg(long)]
    pub detached: bool,

    /// List the jobs that have not ended
    #[arg(long)]
    pub list: bool,
    /// With --list: ended jobs too
    #[arg(long)]
    pub all: bool,
    /// Show one job: its id, the beginning of its id, or its name
    #[arg(long, value_name = "ID", num_args = 0..=1, default_missing_value = "")]
    pub status: Option<String>,
    /// Cancel a job and wait until it has stopped
    #[arg(long, value_name = "ID")]
    pub cancel: Option<String>,
    /// Stop a job with a savepoint
    #[arg(long, value_name = "ID")]
    pub stop: Option<String>,
    /// With --stop: where the savepoint goes
    #[arg(long, value_name = "DIR")]
    pub savepoint_dir: Option<String>,
    /// Take a savepoint of a job
    #[arg(long, value_name = "ID")]
    pub savepoint: Option<String>,
    /// Change the parallelism of a job
    #[arg(long, value_name = "ID", requires = "parallelism")]
    pub rescale: Option<String>,

    /// Address of the cluster; without it, that of flink-conf.yaml
    #[arg(long, value_name = "HOST:PORT", env = "BETTIFLOW_JOBMANAGER")]
    pub jobmanager: Option<String>,
    /// Configuration of the cluster; without it, flink-conf.yaml of this folder if there is one
    #[arg(long, value_name = "FILE", env = "BETTIFLOW_CONF")]
    pub flink_conf: Option<PathBuf>,
    /// Override an option of flink-conf.yaml
    #[arg(short = 'D', value_name = "KEY=VALUE")]
    pub overrides: Vec<String>,
    /// How answers are written
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    pub output: Output,
    /// Say more on the way
    #[arg(short, long)]
    pub verbose: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Output {
    Text,
    Json,
}

impl Arguments {
    /// Refuses words that do not go together, and those that promise what the cluster cannot do yet.
    pub fn check(&self) -> Result<()> {
        self.check_words()?;
        let asked = [
            (self.stop.is_some(), "--stop"),
            (self.savepoint.is_some(), "--savepoint"),
            (self.rescale.is_some(), "--rescale"),
            (self.from_savepoint.is_some(), "--from-savepoint"),
            (!self.drop_state.is_empty(), "--drop-state"),
        ];
        match asked.iter().find(|(asked, _)| *asked) {
            Some((_, flag)) => Err(Failure::Refused(format!(
                "{flag} is not available yet: this version takes no savepoints"
            ))),
            None => Ok(()),
        }
    }
}

impl Arguments {
    /// What only goes with --job. Clap does not ask for it where another action is given.
    fn check_words(&self) -> Result<()> {
        let of_jobs = [
            (self.config.is_some(), "--config"),
            (self.parallelism.is_some() && self.rescale.is_none(), "--parallelism"),
            (self.window_size.is_some(), "--window-size"),
            (self.slide_interval.is_some(), "--slide-interval"),
            (!self.set.is_empty(), "--set"),
            (self.from_savepoint.is_some(), "--from-savepoint"),
            (!self.drop_state.is_empty(), "--drop-state"),
            (self.dry_run, "--dry-run"),
        ];
        let misplaced = of_jobs.iter().find(|(given, _)| *given && self.job.is_none());
        let of_others = [
            (self.all && !self.list, "--all", "--list"),
            (
                self.savepoint_dir.is_some() && self.stop.is_none(),
                "--savepoint-dir",
                "--stop",
            ),
        ];
        let misplaced = misplaced.map(|(_, flag)| (*flag, "--job")).or_else(|| {
            of_others
                .iter()
                .find(|(given, ..)| *given)
                .map(|(_, flag, with)| (*flag, *with))
        });
        match misplaced {
            Some((flag, with)) => Err(Failure::Usage(format!(
                "{flag} only goes with {with}; see submit-job --help"
            ))),
            None => Ok(()),
        }
    }
}

fn parse_assignment(text: &str) -> std::result::Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => Ok((name.trim().to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}
