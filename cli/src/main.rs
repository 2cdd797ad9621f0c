//! `submit-job`: the command line of the cluster.

mod arguments;
mod cluster;
mod failure;
mod follow;
mod job_file;
mod out;
mod settings;
mod show;

use std::process::ExitCode;

use clap::Parser as _;

use arguments::{Arguments, Output};
use cluster::Cluster;
use failure::{Failure, Result};
use settings::Settings;
use show::Printer;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let printer = Printer::new(&arguments);
    match run(&arguments, &printer) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            printer.failure(&failure);
            failure.exit_code()
        }
    }
}

fn run(arguments: &Arguments, printer: &Printer) -> Result<()> {
    arguments.check()?;
    let settings = Settings::load(arguments, printer)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Refused(format!("the runtime does not start: {error}")))?;
    if arguments.job.is_some() {
        let submission = job_file::read(arguments, &settings, printer)?;
        if arguments.dry_run {
            printer.explain(&submission);
            return Ok(());
        }
        return runtime.block_on(submit(arguments, &settings, submission, printer));
    }
    runtime.block_on(ask(arguments, &settings, printer))
}

async fn submit(
    arguments: &Arguments,
    settings: &Settings,
    submission: job_file::Submission,
    printer: &Printer,
) -> Result<()> {
    let mut cluster = Cluster::connect(&settings.jobmanager).await?;
    let name = submission.job.name.clone();
    let id = cluster.submit(submission).await?;
    printer.submitted(&id, &name, arguments.detached);
    if arguments.detached {
        return Ok(());
    }
    let ended = follow::until_end(&mut cluster, &id, printer).await?;
    follow::verdict(ended, printer)
}

/// Everything that is about jobs already there.
async fn ask(arguments: &Arguments, settings: &Settings, printer: &Printer) -> Result<()> {
    let mut cluster = Cluster::connect(&settings.jobmanager).await?;
    if arguments.list {
        printer.jobs(&cluster.list(arguments.all).await?);
        return Ok(());
    }
    if let Some(wanted) = &arguments.status {
        let jobs = cluster.list(true).await?;
        let id = match wanted.as_str() {
            "" => cluster::only_job(&jobs)?,
            wanted => cluster::find_job(&jobs, wanted)?,
        };
        printer.status(&cluster.status(&id).await?);
        return Ok(());
    }
    if let Some(wanted) = &arguments.cancel {
        let id = cluster::find_job(&cluster.list(true).await?, wanted)?;
        cluster.cancel(&id).await?;
        let end = match arguments.detached {
            true => cluster.status(&id).await?,
            false => follow::until_cancelled(&mut cluster, &id, printer).await?,
        };
        printer.cancelled(&end);
    }
    Ok(())
}

impl Output {
    fn is_json(self) -> bool {
        self == Self::Json
    }
}
