//! The client's side of the JobManager's service.

use std::time::Duration;

use proto::client_client::ClientClient;
use proto::{CancelJobRequest, JobStatusRequest, JobStatusResponse, JobSummary, ListJobsRequest, SubmitJobRequest};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};

use crate::failure::{Failure, Result};
use crate::job_file::Submission;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Of one call; submitting writes to the object store.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);

pub struct Cluster {
    address: String,
    client: ClientClient<Channel>,
}

impl Cluster {
    /// Connects to `host:port`.
    pub async fn connect(address: &str) -> Result<Self> {
        let endpoint = Endpoint::from_shared(format!("http://{address}"))
            .map_err(|_| Failure::Unreachable(format!("{address:?} is not an address; expected HOST:PORT")))?
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(CALL_TIMEOUT);
        let channel = endpoint
            .connect()
            .await
            .map_err(|error| unreachable(address, &root_cause(&error)))?;
        Ok(Self {
            address: address.to_owned(),
            client: ClientClient::new(channel),
        })
    }

    /// Submits a job; returns its id.
    pub async fn submit(&mut self, submission: Submission) -> Result<String> {
        let request = SubmitJobRequest {
            job: submission.job.to_json(),
            source_text: submission.source_text,
            secrets: submission.job.secrets,
        };
        let answer = self.client.submit_job(request).await;
        Ok(self.answer(answer)?.job_id)
    }

    pub async fn list(&mut self, all: bool) -> Result<Vec<JobSummary>> {
        let answer = self.client.list_jobs(ListJobsRequest { all }).await;
        Ok(self.answer(answer)?.jobs)
    }

    pub async fn status(&mut self, id: &str) -> Result<JobStatusResponse> {
        let job_id = id.to_owned();
        let answer = self.client.job_status(JobStatusRequest { job_id }).await;
        self.answer(answer)
    }

    pub async fn cancel(&mut self, id: &str) -> Result<()> {
        let job_id = id.to_owned();
        let answer = self.client.cancel_job(CancelJobRequest { job_id }).await;
        self.answer(answer).map(|_| ())
    }

    fn answer<T>(&self, answer: std::result::Result<tonic::Response<T>, Status>) -> Result<T> {
        match answer {
            Ok(answer) => Ok(answer.into_inner()),
            Err(status)
                if matches!(
                    status.code(),
                    Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled
                ) =>
            {
                Err(unreachable(&self.address, status.message()))
            }
            Err(status) => Err(Failure::Refused(status.message().to_owned())),
        }
    }
}

fn unreachable(address: &str, reason: &str) -> Failure {
    Failure::Unreachable(format!(
        "no JobManager answers at {address}: {reason}; start one with scripts/setup-cluster.sh, or name another with \
         --jobmanager HOST:PORT"
    ))
}

fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

/// Whether nothing more will happen to a job in this state.
pub fn has_ended(state: &str) -> bool {
    matches!(state, "FINISHED" | "FAILED" | "CANCELED" | "SUSPENDED")
}

/// The id of the job that `wanted` names: an id, the beginning of just one id, or a name that just one job has (just one
/// that runs, where ended ones have it too).
pub fn find_job(jobs: &[JobSummary], wanted: &str) -> Result<String> {
    let lower = wanted.to_lowercase();
    if let Some(job) = jobs.iter().find(|job| job.job_id == lower) {
        return Ok(job.job_id.clone());
    }
    let named: Vec<_> = jobs.iter().filter(|job| job.name == wanted).collect();
    let running: Vec<_> = named.iter().copied().filter(|job| !has_ended(&job.state)).collect();
    let prefixed: Vec<_> = jobs.iter().filter(|job| job.job_id.starts_with(&lower)).collect();
    for candidates in [&running, &named, &prefixed] {
        match candidates.as_slice() {
            [] => {}
            [job] => return Ok(job.job_id.clone()),
            several => return Err(ambiguous(wanted, several)),
        }
    }
    let near = streaming::job::nearest(wanted, jobs.iter().map(|job| job.name.as_str()));
    let hint = near.map_or_else(
        || "--list --all shows all there are".to_owned(),
        |near| format!("did you mean {near:?}?"),
    );
    Err(Failure::Refused(format!("there is no job {wanted:?}; {hint}")))
}

/// The one job that there is to speak of when none is named: the only one running, else the only one.
pub fn only_job(jobs: &[JobSummary]) -> Result<String> {
    let running: Vec<_> = jobs.iter().filter(|job| !has_ended(&job.state)).collect();
    let all: Vec<_> = jobs.iter().collect();
    match (running.as_slice(), all.as_slice()) {
        ([job], _) | ([], [job]) => Ok(job.job_id.clone()),
        (_, []) => Err(Failure::Refused("there are no jobs".to_owned())),
        ([], _) => Err(Failure::Refused(
            "no job is running; name one of --list --all".to_owned(),
        )),
        (several, _) => Err(ambiguous("", several)),
    }
}

fn ambiguous(wanted: &str, jobs: &[&JobSummary]) -> Failure {
    let jobs: Vec<_> = jobs
        .iter()
        .map(|job| format!("{} ({}, {})", job.job_id, job.name, job.state))
        .collect();
    let wanted = match wanted {
        "" => "there are".to_owned(),
        wanted => format!("{wanted:?} may be"),
    };
    Failure::Refused(format!(
        "{wanted} several jobs; name one by its id: {}",
        jobs.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(id: &str, name: &str, state: &str) -> JobSummary {
        JobSummary {
            job_id: id.into(),
            name: name.into(),
            state: state.into(),
            ..JobSummary::default()
        }
    }

    #[test]
    fn a_job_is_found_by_id_by_unique_prefix_and_by_unique_name() {
        let jobs = [
            job("aa11", "tda", "RUNNING"),
            job("aa22", "tda", "CANCELED"),
            job("bb33", "market", "FINISHED"),
            job("cc44", "twice", "FINISHED"),
            job("cc55", "twice", "FAILED"),
        ];
        let find = |wanted| find_job(&jobs, wanted).map_err(|failure| failure.to_string());
        assert_eq!(find("aa22").unwrap(), "aa22");
        assert_eq!(find("B").unwrap(), "bb33");
        assert_eq!(find("market").unwrap(), "bb33");
        assert_eq!(find("tda").unwrap(), "aa11", "the one that runs");
        assert!(find("twice").unwrap_err().contains("cc44 (twice, FINISHED), cc55"));
        assert!(find("aa").unwrap_err().contains("\"aa\" may be several jobs"));
        assert!(find("markte").unwrap_err().contains("did you mean \"market\"?"));
    }

    #[test]
    fn without_a_name_the_only_running_job_is_meant() {
        let running = job("a", "x", "RUNNING");
        let ended = job("b", "x", "FINISHED");
        assert_eq!(only_job(&[running.clone(), ended.clone()]).unwrap(), "a");
        assert_eq!(only_job(std::slice::from_ref(&ended)).unwrap(), "b");
        assert!(only_job(&[running.clone(), running]).is_err());
        assert!(only_job(&[]).is_err());
    }
}
