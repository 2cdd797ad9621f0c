//! A job file, read with everything that overrides it.

use std::path::Path;

use streaming::graph::PhysicalGraph;
use streaming::job::{Assignment, ConfigFile, Job, Overrides};

use crate::arguments::Arguments;
use crate::failure::{Failure, Result};
use crate::settings::Settings;
use crate::show::Printer;

/// A job that is right, its plan, and its text as the user wrote it.
pub struct Submission {
    pub job: Job,
    pub graph: PhysicalGraph,
    pub source_text: String,
}

/// Reads the file of `--job`; every mistake in it is in the failure.
pub fn read(arguments: &Arguments, settings: &Settings, printer: &Printer) -> Result<Submission> {
    let path = arguments.job.as_deref().unwrap_or(Path::new(""));
    let source_text = read_text(path)?;
    let overrides = overrides(arguments, settings)?;
    let environment = |name: &str| std::env::var(name).ok();
    let file_name = path.display().to_string();
    let job = Job::parse(&source_text, &file_name, &overrides, &operators::REGISTRY, &environment)
        .map_err(Failure::Invalid)?;
    for warning in &job.warnings {
        printer.warning(warning);
    }
    printer.detail(&format!("the job with its parameters:\n{}", job.to_toml()));
    let graph = job.plan();
    Ok(Submission {
        job,
        graph,
        source_text,
    })
}

fn overrides(arguments: &Arguments, settings: &Settings) -> Result<Overrides> {
    let flags = [
        ("window_size", &arguments.window_size, "--window-size"),
        ("slide_interval", &arguments.slide_interval, "--slide-interval"),
    ];
    let flags = flags.into_iter().filter_map(|(name, value, flag)| {
        let value = value.clone()?;
        Some((name.to_owned(), value, flag.to_owned()))
    });
    let set = arguments.set.iter().cloned();
    let all = flags.chain(set.map(|(name, value)| (name, value, "--set".to_owned())));
    let config = match &arguments.config {
        None => None,
        Some(path) => Some(ConfigFile {
            name: path.display().to_string(),
            text: read_text(path)?,
        }),
    };
    Ok(Overrides {
        command_line: all
            .map(|(name, value, flag)| Assignment { name, value, flag })
            .collect(),
        parallelism: arguments.parallelism,
        config,
        defaults: settings.defaults.clone(),
    })
}

fn read_text(path: &Path) -> Result<String> {
    std::fs::read_to_string(path)
        .map_err(|error| Failure::Refused(format!("{} cannot be read: {error}", path.display())))
}
