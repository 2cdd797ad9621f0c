//! A JobManager with real gRPC and HTTP, and fake TaskManagers.

// The lint spares test functions only, and helpers of tests are test code too.
#![allow(clippy::unwrap_used)]

mod common;

use std::time::{Duration, Instant};

use axum::http;
use common::{Behaviour, Fake, client, job, start, until};
use http_client::{get, send};
use jobmanager::leader::Leader;
use proto::{CancelJobRequest, JobStatusRequest, JobSummary, ListJobsRequest, SubmitJobRequest};
use serde_json::Value;

mod http_client;

async fn submit(leader: &Leader, job: String) -> String {
    let request = SubmitJobRequest {
        job,
        source_text: "password = \"hunter2\"".into(),
        secrets: vec!["hunter2".into()],
    };
    client(leader)
        .await
        .submit_job(request)
        .await
        .unwrap()
        .into_inner()
        .job_id
}

/// A TaskManager that does what it should.
fn attach(id: &str, slots: u32, leader: &Leader) -> Fake {
    Fake::attach(id, slots, leader.rpc_address, Behaviour::default())
}

async fn summary(leader: &Leader, job: &str) -> JobSummary {
    let request = JobStatusRequest { job_id: job.into() };
    let status = client(leader).await.job_status(request).await.unwrap();
    status.into_inner().job.unwrap()
}

async fn state(leader: &Leader, job: &str) -> String {
    summary(leader, job).await.state
}

async fn cancel(leader: &Leader, job: &str) {
    let request = CancelJobRequest { job_id: job.into() };
    client(leader).await.cancel_job(request).await.unwrap();
}

/// What the last failure of a job was.
async fn failure(leader: &Leader, job: &str) -> String {
    let failures = get(leader, &format!("/jobs/{job}/exceptions")).await;
    let last = &failures["exceptionHistory"]["entries"][0]["stacktrace"];
    last.as_str().unwrap().to_owned()
}

#[track_caller]
fn check_starts(text: &str, wanted: &str) {
    assert!(text.starts_with(wanted), "{text}");
}

async fn until_state(leader: &Leader, job: &str, wanted: &str) {
    until(wanted, async || state(leader, job).await == wanted).await;
}

async fn until_checkpoints(leader: &Leader, job: &str, least: u64) -> u64 {
    let mut last = 0;
    until("a checkpoint", async || {
        last = summary(leader, job).await.last_checkpoint;
        last >= least
    })
    .await;
    last
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_waits_for_slots_runs_and_is_cancelled() {
    let directory = tempfile::tempdir().unwrap();
    let leader = start(directory.path(), &[]).await;
    let id = submit(&leader, job("points")).await;
    let job = summary(&leader, &id).await;
    assert_eq!(job.state, "CREATED");
    check_starts(&job.last_failure, "the job needs 2 slots and 0 are free");
    let one = attach("one", 1, &leader);
    let two = attach("two", 1, &leader);
    until_state(&leader, &id, "RUNNING").await;
    until_checkpoints(&leader, &id, 2).await;
    until("the announcement", async || {
        one.seen(|seen| seen.commits.starts_with(&[1, 2]))
    })
    .await;
    assert_eq!(two.seen(|seen| seen.deploys.len()), 1);
    // By name, and by the beginning of the id.
    cancel(&leader, "points").await;
    until_state(&leader, &id[..6], "CANCELED").await;
    assert_eq!(one.seen(|seen| seen.cancels.len()), 1);
    // Cancelling again changes nothing.
    cancel(&leader, &id).await;
    leader.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_taskmanager_costs_less_than_a_second() {
    let directory = tempfile::tempdir().unwrap();
    let leader = start(directory.path(), &[]).await;
    let one = attach("one", 2, &leader);
    let two = attach("two", 2, &leader);
    let id = submit(&leader, job("points")).await;
    until_state(&leader, &id, "RUNNING").await;
    let committed = until_checkpoints(&leader, &id, 1).await;
    let killed = Instant::now();
    drop(two);
    until("the second attempt", async || one.seen(|seen| seen.deploys.len() == 2)).await;
    until_state(&leader, &id, "RUNNING").await;
    let outage = killed.elapsed();
    assert!(outage < Duration::from_secs(1), "{outage:?}");
    let deploy = one.seen(|seen| seen.deploys[1].clone());
    let manifest = checkpoint::Manifest::parse(deploy.manifest.as_bytes()).unwrap();
    assert!(manifest.epoch.0 >= committed, "restored from {}", manifest.epoch);
    assert_eq!(manifest.operators["points"].parallelism(), 2);
    assert_eq!(deploy.attempt, 2);
    assert!(deploy.placements.iter().all(|place| place.taskmanager_id == "one"));
    until_checkpoints(&leader, &id, manifest.epoch.0 + 1).await;
    // The checkpoint before the last is deleted in the background.
    let folder = directory.path().join(format!("default/jobs/{id}/manifest"));
    until("retention", async || std::fs::read_dir(&folder).unwrap().count() <= 2).await;
    check_starts(&failure(&leader, &id).await, "TaskManager two is lost: it");
    leader.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_jobmanager_takes_the_jobs_up_from_their_last_checkpoint() {
    let directory = tempfile::tempdir().unwrap();
    let leader = start(directory.path(), &[]).await;
    let fake = attach("one", 2, &leader);
    let id = submit(&leader, job("points")).await;
    let cancelled = submit(&leader, job("other")).await;
    until_state(&leader, &id, "RUNNING").await;
    let committed = until_checkpoints(&leader, &id, 2).await;
    cancel(&leader, "other").await;
    until_state(&leader, &cancelled, "CANCELED").await;
    let first_term = leader.term;
    // As if killed: nothing is suspended, nobody resigns.
    drop((leader, fake));
    let leader = start(directory.path(), &[]).await;
    assert_eq!(leader.term, first_term.next());
    let fake = attach("one", 2, &leader);
    until_state(&leader, &id, "RUNNING").await;
    let deploy = fake.seen(|seen| seen.deploys[0].clone());
    let manifest = checkpoint::Manifest::parse(deploy.manifest.as_bytes()).unwrap();
    assert!(manifest.epoch.0 >= committed);
    assert_eq!((deploy.attempt, deploy.term), (2, leader.term.0));
    assert_eq!(state(&leader, &cancelled).await, "CANCELED");
    let jobs = client(&leader)
        .await
        .list_jobs(ListJobsRequest { all: false })
        .await
        .unwrap()
        .into_inner()
        .jobs;
    assert_eq!(jobs.len(), 1);
    leader.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_cannot_be_taken_up_is_shown_and_does_not_hold_up_the_others() {
    let directory = tempfile::tempdir().unwrap();
    let leader = start(directory.path(), &[]).await;
    let _fake = attach("one", 4, &leader);
    let (broken, whole) = (
        submit(&leader, job("broken")).await,
        submit(&leader, job("whole")).await,
    );
    until_checkpoints(&leader, &broken, 1).await;
    until_checkpoints(&leader, &whole, 1).await;
    leader.stop().await;
    let manifests = directory.path().join(format!("default/jobs/{broken}/manifest"));
    for manifest in std::fs::read_dir(manifests).unwrap() {
        std::fs::write(manifest.unwrap().path(), "torn").unwrap();
    }
    let leader = start(directory.path(), &[]).await;
    let _fake = attach("one", 4, &leader);
    until_state(&leader, &whole, "RUNNING").await;
    assert_eq!(state(&leader, &broken).await, "SUSPENDED");
    let text = failure(&leader, &broken).await;
    check_starts(&text, "the job cannot be taken up:");
    assert!(text.contains("damaged"), "{text}");
    leader.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bounded_job_finishes_behind_its_last_checkpoint() {
    let directory = tempfile::tempdir().unwrap();
    let leader = start(directory.path(), &[]).await;
    let behaviour = Behaviour {
        bounded: true,
        ..Behaviour::default()
    };
    let fake = Fake::attach("one", 2, leader.rpc_address, behaviour);
    let id = submit(&leader, job("points")).await;
    until_state(&leader, &id, "FINISHED").await;
    assert!(fake.seen(|seen| seen.finishes == 1 && !seen.commits.is_empty()));
    let (status, body) = send(&leader, http::Method::PATCH, &format!("/jobs/{id}?mode=cancel")).await;
    assert_eq!(status, 409, "{body}");
    leader.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_that_nobody_answers_is_given_up_and_the_job_runs_on() {
    let directory = tempfile::tempdir().unwrap();
    let leader = start(directory.path(), &["execution.checkpointing.timeout=50 ms"]).await;
    let behaviour = Behaviour {
        silent: true,
        ..Behaviour::default()
    };
    let _fake = Fake::attach("one", 2, leader.rpc_address, behaviour);
    let id = submit(&leader, job("points")).await;
    let mut answer = Value::Null;
    until("two failed checkpoints", async || {
        answer = get(&leader, &format!("/jobs/{id}/checkpoints")).await;
        answer["counts"]["failed"].as_u64() >= Some(2)
    })
    .await;
    let why = answer["latest"]["failed"]["failure_message"].as_str().unwrap();
    check_starts(why, "4 of 4 tasks did not acknowledge within 0.05 s");
    assert_eq!(state(&leader, &id).await, "RUNNING");
    leader.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_job_is_refused_with_all_its_mistakes() {
    let directory = tempfile::tempdir().unwrap();
    let leader = start(directory.path(), &[]).await;
    let job = r#"{"name": "bad", "source": {"a": {"connector": "nosuch"}}, "sink": {"b": {"connector": "print", "input": "c"}}}"#;
    let request = SubmitJobRequest {
        job: job.into(),
        ..SubmitJobRequest::default()
    };
    let status = client(&leader).await.submit_job(request).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::InvalidArgument);
    assert!(
        status.message().contains("nosuch") && status.message().contains('c'),
        "{}",
        status.message()
    );
    let request = JobStatusRequest { job_id: "nope".into() };
    let status = client(&leader).await.job_status(request).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::NotFound);
    check_starts(status.message(), "job nope is not known here");
    leader.stop().await;
}

/// An answer without a checkpoint under way, of which Flink tells less.
async fn get_settled(leader: &Leader, path: &str) -> Value {
    let mut answer = Value::Null;
    until("no checkpoint under way", async || {
        answer = get(leader, path).await;
        answer["counts"]["in_progress"].as_u64().unwrap_or(0) == 0
    })
    .await;
    answer
}

/// Every key of `flink` must be in `ours`, at every level. Maps from ids to values have ids of their own.
fn check_shape(path: &str, flink: &Value, ours: &Value) {
    match (flink, ours) {
        (Value::Object(flink), Value::Object(ours)) => {
            for (key, value) in flink {
                if key.len() == 32 {
                    let (_, first) = ours.iter().next().unwrap_or_else(|| panic!("{path} is empty"));
                    check_shape(&format!("{path}.*"), value, first);
                    continue;
                }
                let found = ours.get(key).unwrap_or_else(|| panic!("{path} has no {key}"));
                check_shape(&format!("{path}.{key}"), value, found);
            }
        }
        (Value::Array(flink), Value::Array(ours)) => {
            if let (Some(flink), Some(ours)) = (flink.first(), ours.first()) {
                check_shape(&format!("{path}[0]"), flink, ours);
            }
        }
        (Value::Null, _) | (_, Value::Null) => {}
        (Value::Number(_), Value::String(text)) | (Value::String(text), Value::Number(_)) if text == "NaN" => {}
        (flink, ours) => assert_eq!(
            std::mem::discriminant(flink),
            std::mem::discriminant(ours),
            "{path}: {flink} there, {ours} here"
        ),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rest_answers_in_flinks_shapes() {
    let directory = tempfile::tempdir().unwrap();
    let leader = start(directory.path(), &[]).await;
    let one = attach("one", 2, &leader);
    let two = attach("two", 2, &leader);
    let id = submit(&leader, job("points")).await;
    until_state(&leader, &id, "RUNNING").await;
    until_checkpoints(&leader, &id, 1).await;
    drop(two);
    until("the second attempt", async || one.seen(|seen| seen.deploys.len() == 2)).await;
    until_state(&leader, &id, "RUNNING").await;
    let job = format!("/jobs/{id}");
    // Rates need two reports.
    until("rates", async || {
        let vertex = &get(&leader, &job).await["vertices"][0];
        vertex["metrics"]["records-in-per-second"].as_f64() > Some(0.0)
    })
    .await;
    let (status, answer) = send(&leader, http::Method::POST, &format!("{job}/checkpoints")).await;
    assert_eq!(status, 202);
    let trigger = format!("{job}/checkpoints/{}", answer["request-id"].as_str().unwrap());
    until("the demanded checkpoint", async || {
        get(&leader, &trigger).await["status"]["id"] == "COMPLETED"
    })
    .await;
    let details = get(&leader, &job).await;
    let vertex = format!("{job}/vertices/{}", details["vertices"][1]["id"].as_str().unwrap());
    let vid = details["vertices"][1]["id"].as_str().unwrap();
    let checkpoints = get(&leader, &format!("{job}/checkpoints")).await;
    let checkpoint = format!("{job}/checkpoints/details/{}", checkpoints["latest"]["completed"]["id"]);
    for (file, path) in [
        ("overview", "/overview".to_owned()),
        ("config", "/config".into()),
        ("jobs", "/jobs".into()),
        ("jobs_overview", "/jobs/overview".into()),
        ("jobs_id.running-with-metrics", job.clone()),
        ("jobs_id_status.running", format!("{job}/status")),
        ("jobs_id_plan", format!("{job}/plan")),
        ("jobs_id_config", format!("{job}/config")),
        ("jobs_id_checkpoints.running", format!("{job}/checkpoints")),
        (
            "jobs_id_checkpoints_config.running",
            format!("{job}/checkpoints/config"),
        ),
        ("jobs_id_checkpoints_details", checkpoint.clone()),
        (
            "jobs_id_checkpoints_details_subtasks",
            format!("{checkpoint}/subtasks/{vid}"),
        ),
        ("jobs_id_checkpoints_trigger.completed", trigger),
        (
            "jobs_id_exceptions.after-taskmanager-loss",
            format!("{job}/exceptions?maxExceptions=5"),
        ),
        ("vertex.window", vertex.clone()),
        ("vertex_watermarks.window", format!("{vertex}/watermarks")),
        ("vertex_backpressure.window", format!("{vertex}/backpressure")),
        ("vertex_subtasktimes.window", format!("{vertex}/subtasktimes")),
        ("vertex_taskmanagers.window", format!("{vertex}/taskmanagers")),
        (
            "vertex_subtasks_metrics_get.window",
            format!("{vertex}/subtasks/metrics?get=busyTimeMsPerSecond"),
        ),
        ("taskmanagers", "/taskmanagers".into()),
        ("taskmanagers_id", "/taskmanagers/one".into()),
    ] {
        let recorded = std::fs::read_to_string(format!("tests/flink-rest/{file}.json")).unwrap();
        let recorded: Value = serde_json::from_str(&recorded).unwrap();
        check_shape(&path, &recorded, &get_settled(&leader, &path).await);
        check_shape(&path, &recorded, &get_settled(&leader, &format!("/v1{path}")).await);
    }
    check_our_own(&leader, &job, &details).await;
    check_errors(&leader, &job).await;
    leader.stop().await;
}

async fn check_our_own(leader: &Leader, job: &str, details: &Value) {
    assert_eq!(details["vertices"][0]["metrics"]["records-late"], 6);
    assert_eq!(details["plan"]["nodes"][0]["inputs"][0]["ship_strategy"], "HASH");
    let config = get(leader, &format!("{job}/config")).await;
    assert_eq!(
        config["execution-config"]["user-config"]["job"],
        "password = \"******\""
    );
    let diagrams = get(leader, &format!("{job}/diagrams")).await;
    assert_eq!(diagrams["diagrams"][0]["vertex"], details["vertices"][0]["id"]);
    let (_, metrics) = http_client::text(leader, "/metrics").await;
    for line in [
        "flink_jobmanager_numRunningJobs 1",
        "flink_jobmanager_taskSlotsTotal 2",
        "# TYPE flink_taskmanager_job_task_numRecordsIn counter",
    ] {
        assert!(
            metrics.lines().any(|found| found == line),
            "{line} is not in\n{metrics}"
        );
    }
    assert!(metrics.contains("flink_taskmanager_job_task_busyTimeMsPerSecond{job_id="));
    assert_eq!(http_client::text(leader, "/health").await.0, 200);
    let (status, page) = http_client::text(leader, "/").await;
    assert!(status == 200 && page.contains("<title>"), "{page}");
}

async fn check_errors(leader: &Leader, job: &str) {
    let unknown = "00000000000000000000000000000000";
    for (method, path, wanted) in [
        ("GET", "/jobs/not-an-id".to_owned(), 400),
        ("GET", format!("/jobs/{unknown}"), 404),
        ("GET", format!("{job}/vertices/{unknown}"), 404),
        ("GET", format!("{job}/checkpoints/details/999999"), 404),
        ("GET", "/taskmanagers/nope".into(), 404),
        ("GET", "/nosuch".into(), 404),
        ("DELETE", "/overview".into(), 404),
        ("PATCH", format!("{job}?mode=bogus"), 400),
        ("PATCH", format!("/jobs/{unknown}?mode=cancel"), 404),
    ] {
        let (status, body) = send(leader, method.parse().unwrap(), &path).await;
        assert_eq!(status, wanted, "{method} {path}: {body}");
        assert!(body["errors"][0].is_string(), "{method} {path}: {body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_asked_for_where_one_is_set() {
    let directory = tempfile::tempdir().unwrap();
    let leader = start(directory.path(), &["security.rest.token=secret"]).await;
    assert_eq!(send(&leader, http::Method::GET, "/jobs").await.0, 401);
    assert_eq!(send(&leader, http::Method::GET, "/v1/jobs").await.0, 401);
    assert_eq!(http_client::text(&leader, "/health").await.0, 200);
    leader.stop().await;
}
