//! The binary against the client service, spoken by a JobManager that only remembers.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::sync::{Arc, Mutex};

use proto::client_server::{Client, ClientServer};
use proto::{
    CancelJobRequest, CancelJobResponse, JobStatusRequest, JobStatusResponse, JobSummary, ListJobsRequest,
    ListJobsResponse, SubmitJobRequest, SubmitJobResponse, VertexSummary,
};
use streaming::job::Job;
use support::{check_contains, job, submit_job};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status};

/// A job, and the states that each further look at it gives.
type Remembered = (JobSummary, Vec<&'static str>);

#[derive(Clone, Default)]
struct Remembering {
    jobs: Arc<Mutex<Vec<Remembered>>>,
    submitted: Arc<Mutex<Vec<SubmitJobRequest>>>,
    /// The states that a submitted job goes through.
    course: Vec<&'static str>,
}

#[tonic::async_trait]
impl Client for Remembering {
    async fn submit_job(&self, request: Request<SubmitJobRequest>) -> Result<Response<SubmitJobResponse>, Status> {
        let request = request.into_inner();
        let job = Job::from_json(&request.job, &operators::REGISTRY)
            .map_err(|errors| Status::invalid_argument(errors.to_string()))?;
        let mut jobs = self.jobs.lock().unwrap();
        let job_id = format!("{:032x}", 0xabc0 + jobs.len());
        jobs.push((summary(&job_id, &job.name, "CREATED"), self.course.clone()));
        self.submitted.lock().unwrap().push(request);
        Ok(Response::new(SubmitJobResponse { job_id }))
    }

    async fn list_jobs(&self, request: Request<ListJobsRequest>) -> Result<Response<ListJobsResponse>, Status> {
        let all = request.into_inner().all;
        let jobs = self.jobs.lock().unwrap();
        let jobs = jobs.iter().map(|(job, _)| job.clone());
        let jobs = jobs.filter(|job| all || job.end_time_ms == 0).collect();
        Ok(Response::new(ListJobsResponse { jobs }))
    }

    async fn job_status(&self, request: Request<JobStatusRequest>) -> Result<Response<JobStatusResponse>, Status> {
        let id = request.into_inner().job_id;
        let mut jobs = self.jobs.lock().unwrap();
        let (job, course) = find(&mut jobs, id)?;
        if !course.is_empty() {
            job.state = course.remove(0).to_owned();
        }
        if job.state == "FAILED" {
            job.last_failure = "windows (1/2): disk full".to_owned();
        }
        let vertices = vec![VertexSummary {
            name: "Source: points".to_owned(),
            parallelism: 2,
            busy_ratio: 0.25,
            ..VertexSummary::default()
        }];
        Ok(Response::new(JobStatusResponse {
            job: Some(job.clone()),
            vertices,
        }))
    }

    async fn cancel_job(&self, request: Request<CancelJobRequest>) -> Result<Response<CancelJobResponse>, Status> {
        let id = request.into_inner().job_id;
        let mut jobs = self.jobs.lock().unwrap();
        let (job, course) = find(&mut jobs, id)?;
        if job.state == "FINISHED" {
            return Err(Status::failed_precondition(format!("job {} has ended", job.name)));
        }
        *course = vec!["CANCELLING", "CANCELED"];
        Ok(Response::new(CancelJobResponse {}))
    }
}

fn find(jobs: &mut [Remembered], id: String) -> Result<&mut Remembered, Status> {
    let found = jobs.iter_mut().find(|(job, _)| job.job_id == id);
    found.ok_or_else(|| Status::not_found(id))
}

fn summary(id: &str, name: &str, state: &str) -> JobSummary {
    JobSummary {
        job_id: id.to_owned(),
        name: name.to_owned(),
        state: state.to_owned(),
        tasks_total: 4,
        records_in: 20,
        last_checkpoint: 3,
        ..JobSummary::default()
    }
}

/// Serves until the test ends; returns the address.
fn serve(service: Remembering) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    listener.set_nonblocking(true).unwrap();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let incoming = TcpListenerStream::new(tokio::net::TcpListener::from_std(listener).unwrap());
            let server = tonic::transport::Server::builder().add_service(ClientServer::new(service));
            server.serve_with_incoming(incoming).await.unwrap();
        });
    });
    address
}

fn with_course(course: &[&'static str]) -> Remembering {
    Remembering {
        course: course.to_vec(),
        ..Remembering::default()
    }
}

#[test]
fn a_submitted_job_is_followed_to_its_end() {
    let service = with_course(&["RUNNING", "FINISHED"]);
    let address = serve(service.clone());
    let generator = job("generator.toml");
    let output = submit_job(&["--job", &generator, "--jobmanager", &address, "--set", "keys=9"]);
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    check_contains(&output.stdout, "job generator submitted: 0000");
    check_contains(&output.stdout, "job generator is FINISHED");
    check_contains(&output.stderr, "RUNNING, 0/4 tasks, 20 records in");
    let submitted = service.submitted.lock().unwrap();
    assert!(submitted[0].source_text.contains("[parameters]"));
    check_contains(&submitted[0].job, "\"keys\":9");
}

#[test]
fn a_job_that_fails_says_why_and_gives_1() {
    let address = serve(with_course(&["RUNNING", "FAILED"]));
    let output = submit_job(&["--job", &job("throughput.toml"), "--jobmanager", &address]);
    assert_eq!(output.code, Some(1));
    check_contains(
        &output.stderr,
        "error: job throughput is FAILED: windows (1/2): disk full",
    );
}

#[test]
fn detached_jobs_are_listed_shown_and_cancelled_by_name_and_by_prefix() {
    let service = with_course(&["RUNNING"]);
    let address = serve(service.clone());
    let ask = |arguments: &[&str]| submit_job(&[arguments, &["--jobmanager", &address, "-o", "json"]].concat());
    let json = |arguments: &[&str]| -> serde_json::Value {
        let output = ask(arguments);
        assert_eq!(output.code, Some(0), "{arguments:?}: {}", output.stdout);
        serde_json::from_str(&output.stdout).unwrap()
    };
    let submitted = json(&["--job", &job("throughput.toml"), "--detached"]);
    let id = submitted["job_id"].as_str().unwrap();
    assert_eq!(json(&["--status", "throughput"])["vertices"][0]["busy_ratio"], 0.25);
    assert_eq!(json(&["--list"])["jobs"][0]["state"], "RUNNING");
    assert_eq!(json(&["--status", &id[..31]])["job_id"], id);
    assert_eq!(json(&["--status"])["name"], "throughput");
    assert_eq!(json(&["--cancel", "throughput"])["state"], "CANCELED");
    let refused = ask(&["--cancel", "troughput"]);
    assert_eq!(refused.code, Some(1));
    check_contains(&refused.stdout, "did you mean \\\"throughput\\\"?");
}

#[test]
fn secrets_travel_apart_so_that_they_can_be_hidden() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret.toml");
    let text = std::fs::read_to_string(job("throughput.toml")).unwrap();
    // Cargo sets this for every test it runs.
    let text = text.replace("name = \"throughput\"", "name = \"${env:CARGO_PKG_NAME}-job\"");
    std::fs::write(&path, text).unwrap();
    let service = with_course(&["RUNNING"]);
    let address = serve(service.clone());
    let path = path.display().to_string();
    let output = submit_job(&["--job", &path, "--jobmanager", &address, "--detached", "--verbose"]);
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    check_contains(&output.stderr, "name = \"${env:CARGO_PKG_NAME}-job\"");
    assert_eq!(service.submitted.lock().unwrap()[0].secrets, ["cli"]);
}
