//! Waiting for a job, and showing how it goes.

use std::time::{Duration, Instant};

use proto::{JobStatusResponse, JobSummary};

use crate::cluster::{Cluster, has_ended};
use crate::failure::{Failure, Result};
use crate::show::{Printer, Progress};

const POLL_INTERVAL: Duration = Duration::from_millis(500);
/// A JobManager may be replaced by a standby in the meantime.
const MAX_SILENCE: Duration = Duration::from_secs(60);
const CANCEL_TIMEOUT: Duration = Duration::from_secs(120);

/// How the waiting ended.
pub enum Ending {
    Job(JobStatusResponse),
    /// The user does not want to wait any longer; the job goes on.
    Interrupted,
}

/// Waits until the job has ended, or until the user interrupts.
pub async fn until_end(cluster: &mut Cluster, id: &str, printer: &Printer) -> Result<Ending> {
    let mut progress = printer.progress();
    tokio::select! {
        ended = watch(cluster, id, &mut progress) => {
            progress.finish();
            ended.map(Ending::Job)
        }
        _ = tokio::signal::ctrl_c() => {
            progress.finish();
            Ok(Ending::Interrupted)
        }
    }
}

/// Waits until a job that was told to stop has ended.
pub async fn until_cancelled(cluster: &mut Cluster, id: &str, printer: &Printer) -> Result<JobStatusResponse> {
    let mut progress = printer.progress();
    let ended = tokio::time::timeout(CANCEL_TIMEOUT, watch(cluster, id, &mut progress)).await;
    progress.finish();
    ended.unwrap_or_else(|_| {
        let seconds = CANCEL_TIMEOUT.as_secs();
        Err(Failure::Refused(format!("job {id} has not stopped within {seconds} s")))
    })
}

async fn watch(cluster: &mut Cluster, id: &str, progress: &mut Progress) -> Result<JobStatusResponse> {
    let mut last_answer = Instant::now();
    loop {
        match cluster.status(id).await {
            Ok(status) => {
                last_answer = Instant::now();
                let job = summary(&status)?;
                progress.show(job);
                if has_ended(&job.state) {
                    return Ok(status);
                }
            }
            Err(Failure::Unreachable(reason)) if last_answer.elapsed() < MAX_SILENCE => progress.silence(&reason),
            Err(failure) => return Err(failure),
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

/// What the exit code says of a job that was waited for.
pub fn verdict(ending: Ending, printer: &Printer) -> Result<()> {
    let status = match ending {
        Ending::Job(status) => status,
        Ending::Interrupted => {
            printer.note("no longer waiting; the job goes on");
            return Ok(());
        }
    };
    let job = summary(&status)?;
    if job.state == "FINISHED" {
        printer.ended(&status);
        return Ok(());
    }
    let reason = match job.last_failure.as_str() {
        "" => String::new(),
        failure => format!(": {failure}"),
    };
    Err(Failure::Refused(format!("job {} is {}{reason}", job.name, job.state)))
}

fn summary(status: &JobStatusResponse) -> Result<&JobSummary> {
    status
        .job
        .as_ref()
        .ok_or_else(|| Failure::Refused("the JobManager answered without a job".to_owned()))
}
