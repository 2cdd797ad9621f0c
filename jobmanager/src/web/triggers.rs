//! Checkpoints taken on demand: a request starts one, and its id is polled for the result, as Flink does it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};
use serde_json::{Value, json};
use streaming::{Epoch, JobId};

use super::rest::{Error, Rest, find};

/// Results that are remembered.
const REMEMBERED: usize = 256;
/// How long a checkpoint on demand is waited for.
const PATIENCE: Duration = Duration::from_secs(3600);

/// The last requests and what came of them. Clones share.
#[derive(Debug, Clone, Default)]
pub struct Triggers {
    asked: Arc<Mutex<VecDeque<Asked>>>,
}

#[derive(Debug)]
struct Asked {
    id: String,
    job: JobId,
    /// `None` while in progress.
    outcome: Option<Result<Epoch, String>>,
}

impl Triggers {
    fn begin(&self, job: JobId) -> String {
        let id = format!("{:032x}", rand::random::<u128>());
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.push_front(Asked {
            id: id.clone(),
            job,
            outcome: None,
        });
        asked.truncate(REMEMBERED);
        id
    }

    fn end(&self, id: &str, outcome: Result<Epoch, String>) {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(one) = asked.iter_mut().find(|one| one.id == id) {
            one.outcome = Some(outcome);
        }
    }

    fn outcome(&self, job: JobId, id: &str) -> Option<Option<Result<Epoch, String>>> {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let one = asked.iter().find(|one| one.id == id && one.job == job)?;
        Some(one.outcome.clone())
    }
}

/// `POST /jobs/:id/checkpoints`. The body is not read: every checkpoint is complete and incremental at once.
pub async fn trigger(State(rest): State<Rest>, Path(id): Path<String>) -> Result<Response, Error> {
    let job = find(&rest, &id)?;
    let request = rest.triggers.begin(job.id);
    let (triggers, asked) = (rest.triggers.clone(), request.clone());
    // Ends by itself: with the checkpoint, with the job, or after an hour.
    tokio::spawn(async move {
        let outcome = tokio::time::timeout(PATIENCE, job.checkpoint()).await;
        triggers.end(
            &asked,
            outcome.unwrap_or_else(|_| Err("no checkpoint within an hour".into())),
        );
    });
    Ok((StatusCode::ACCEPTED, Json(json!({"request-id": request}))).into_response())
}

/// `GET /jobs/:id/checkpoints/:trigger`.
pub async fn triggered(
    State(rest): State<Rest>,
    Path((id, trigger)): Path<(String, String)>,
) -> Result<Json<Value>, Error> {
    let job = find(&rest, &id)?;
    let unknown = || {
        Error(
            StatusCode::NOT_FOUND,
            format!("job {id} was asked for no checkpoint by {trigger}"),
        )
    };
    let outcome = rest.triggers.outcome(job.id, &trigger).ok_or_else(unknown)?;
    Ok(Json(match outcome {
        None => json!({"status": {"id": "IN_PROGRESS"}, "operation": null}),
        Some(Ok(epoch)) => json!({"status": {"id": "COMPLETED"}, "operation": {"checkpointId": epoch}}),
        Some(Err(why)) => json!({
            "status": {"id": "COMPLETED"},
            "operation": {"failure-cause": {"class": "checkpoint failed", "stack-trace": why, "serialized-throwable": ""}},
        }),
    }))
}
