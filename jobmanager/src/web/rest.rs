//! The paths of REST. Each handler takes a view, makes the answer, and lets go of it.

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use serde::Deserialize;
use serde_json::{Value, json};
use streaming::{Epoch, JobId};
use tower_http::compression::CompressionLayer;

use super::view::{checkpoint, cluster, job, metric, vertex};
use super::{assets, triggers};
use crate::clock::now_ms;
use crate::dispatch::{Dispatcher, Refusal};
use crate::job::handle::JobHandle;

/// What REST needs to answer.
#[derive(Debug, Clone)]
pub struct Rest {
    pub dispatcher: Dispatcher,
    /// The configuration as it may be shown.
    pub configuration: Vec<(String, String)>,
    pub refresh_ms: u64,
    pub may_cancel: bool,
    /// `security.rest.token`.
    pub token: Option<String>,
    pub triggers: triggers::Triggers,
}

/// An answer that is not 200: Flink's shape, `{"errors": [text]}`.
#[derive(Debug)]
pub struct Error(pub StatusCode, pub String);

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        (self.0, Json(json!({"errors": [self.1]}))).into_response()
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        let status = match refusal {
            Refusal::Unknown(_) => StatusCode::NOT_FOUND,
            Refusal::Ambiguous(_) | Refusal::Invalid(_) => StatusCode::BAD_REQUEST,
            Refusal::Ended { .. } => StatusCode::CONFLICT,
            Refusal::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self(status, refusal.to_string())
    }
}

type Answer = Result<Json<Value>, Error>;

/// All paths, below `/` and below `/v1/`.
pub fn router(rest: Rest) -> Router {
    let paths = Router::new()
        .route("/overview", get(overview))
        .route("/config", get(config))
        .route("/jobs", get(jobs))
        .route("/jobs/overview", get(jobs_overview))
        .route("/jobs/{id}", get(job_details).patch(cancel))
        .route("/jobs/{id}/status", get(job_status))
        .route("/jobs/{id}/plan", get(job_plan))
        .route("/jobs/{id}/config", get(job_config))
        .route("/jobs/{id}/metrics", get(job_metrics))
        .route("/jobs/{id}/exceptions", get(exceptions))
        .route("/jobs/{id}/diagrams", get(diagrams))
        .route("/jobs/{id}/checkpoints", get(checkpoints).post(triggers::trigger))
        .route("/jobs/{id}/checkpoints/config", get(checkpoints_config))
        .route("/jobs/{id}/checkpoints/{trigger}", get(triggers::triggered))
        .route("/jobs/{id}/checkpoints/details/{cid}", get(checkpoint_details))
        .route(
            "/jobs/{id}/checkpoints/details/{cid}/subtasks/{vid}",
            get(checkpoint_subtasks),
        )
        .route("/jobs/{id}/vertices/{vid}", get(vertex_details))
        .route("/jobs/{id}/vertices/{vid}/watermarks", get(watermarks))
        .route("/jobs/{id}/vertices/{vid}/backpressure", get(backpressure))
        .route("/jobs/{id}/vertices/{vid}/subtasktimes", get(subtask_times))
        .route("/jobs/{id}/vertices/{vid}/taskmanagers", get(vertex_taskmanagers))
        .route("/jobs/{id}/vertices/{vid}/metrics", get(vertex_metrics))
        .route("/jobs/{id}/vertices/{vid}/subtasks/metrics", get(subtasks_metrics))
        .route("/taskmanagers", get(taskmanagers))
        .route("/taskmanagers/{id}", get(taskmanager))
        .route("/taskmanagers/{id}/metrics", get(taskmanager_metrics))
        .route("/jobmanager/config", get(jobmanager_config))
        .route("/jobs/{id}/jobmanager/config", get(jobmanager_config))
        .route("/metrics", get(prometheus))
        .method_not_allowed_fallback(not_found);
    let guarded = paths.layer(axum::middleware::from_fn_with_state(rest.clone(), guard));
    Router::new()
        .merge(guarded.clone())
        .nest("/v1", guarded)
        .route("/health", get(|| async { "ok\n" }))
        .route("/ready", get(|| async { "ready\n" }))
        .fallback(page_or_not_found)
        .layer(CompressionLayer::new())
        .with_state(rest)
}

/// Lets a call through that carries the token, or any where there is none.
async fn guard(State(rest): State<Rest>, headers: HeaderMap, request: Request<Body>, next: Next) -> Response {
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let given = given.and_then(|text| text.strip_prefix("Bearer ")).unwrap_or_default();
    let is_welcome = rest
        .token
        .as_deref()
        .is_none_or(|token| equal_in_constant_time(token.as_bytes(), given.as_bytes()));
    if is_welcome {
        return next.run(request).await;
    }
    let message = "this cluster asks for a token: send the header Authorization: Bearer TOKEN".to_owned();
    Error(StatusCode::UNAUTHORIZED, message).into_response()
}

/// Takes as long for a wrong token as for the right one, whatever they have in common.
fn equal_in_constant_time(left: &[u8], right: &[u8]) -> bool {
    let differing = left.iter().zip(right).fold(0, |differing, (a, b)| differing | (a ^ b));
    left.len() == right.len() && std::hint::black_box(differing) == 0
}

async fn page_or_not_found(uri: Uri) -> Response {
    let page = assets::page(&uri);
    page.unwrap_or_else(|| Error(StatusCode::NOT_FOUND, format!("there is nothing at {}", uri.path())).into_response())
}

async fn not_found(uri: Uri) -> Error {
    Error(
        StatusCode::NOT_FOUND,
        format!("{} does not take this method", uri.path()),
    )
}

/// The job of an id in a path.
pub fn find(rest: &Rest, id: &str) -> Result<JobHandle, Error> {
    let id: JobId = id.parse().map_err(|reason| Error(StatusCode::BAD_REQUEST, reason))?;
    Ok(rest.dispatcher.find_id(id)?)
}

/// An answer made of the view of a job.
fn of_job(rest: &Rest, id: &str, answer: impl FnOnce(&crate::job::view::JobView) -> Value) -> Answer {
    let found = find(rest, id)?;
    let view = found.view();
    Ok(Json(answer(&view)))
}

/// An answer made of one vertex of a job.
fn of_vertex(
    rest: &Rest,
    (id, vid): &(String, String),
    answer: impl FnOnce(&crate::job::view::JobView, &streaming::graph::Vertex) -> Value,
) -> Answer {
    let found = find(rest, id)?;
    let view = found.view();
    let vertex = vertex::find(&view, vid);
    let vertex = vertex.ok_or_else(|| Error(StatusCode::NOT_FOUND, format!("job {id} has no vertex {vid}")))?;
    Ok(Json(answer(&view, vertex)))
}

async fn overview(State(rest): State<Rest>) -> Json<Value> {
    let states: Vec<_> = rest.dispatcher.jobs().iter().map(|job| job.view().state).collect();
    Json(cluster::overview(&rest.dispatcher.taskmanagers().views(), &states))
}

async fn config(State(rest): State<Rest>) -> Json<Value> {
    Json(cluster::config(rest.refresh_ms, rest.may_cancel))
}

async fn jobs(State(rest): State<Rest>) -> Json<Value> {
    let jobs = rest.dispatcher.jobs();
    let list: Vec<Value> = jobs
        .iter()
        .map(|job| json!({"id": job.id, "status": job.view().flink_state()}))
        .collect();
    Json(json!({"jobs": list}))
}

async fn jobs_overview(State(rest): State<Rest>) -> Json<Value> {
    let now = now_ms();
    let list: Vec<Value> = rest
        .dispatcher
        .jobs()
        .iter()
        .map(|one| job::row(&one.view(), now))
        .collect();
    Json(json!({"jobs": list}))
}

async fn job_details(State(rest): State<Rest>, Path(id): Path<String>) -> Answer {
    of_job(&rest, &id, |view| job::details(view, now_ms()))
}

async fn job_status(State(rest): State<Rest>, Path(id): Path<String>) -> Answer {
    of_job(&rest, &id, |view| json!({"status": view.flink_state()}))
}

async fn job_plan(State(rest): State<Rest>, Path(id): Path<String>) -> Answer {
    of_job(&rest, &id, |view| json!({"plan": job::plan(view)}))
}

async fn job_config(State(rest): State<Rest>, Path(id): Path<String>) -> Answer {
    of_job(&rest, &id, job::config)
}

async fn diagrams(State(rest): State<Rest>, Path(id): Path<String>) -> Answer {
    of_job(&rest, &id, job::diagrams)
}

#[derive(Debug, Deserialize)]
struct Get {
    get: Option<String>,
}

async fn job_metrics(State(rest): State<Rest>, Path(id): Path<String>, Query(query): Query<Get>) -> Answer {
    of_job(&rest, &id, |view| {
        metric::pairs(metric::of_job(view, now_ms()), query.get.as_deref())
    })
}

#[derive(Debug, Deserialize)]
struct Most {
    #[serde(rename = "maxExceptions")]
    most: Option<usize>,
}

async fn exceptions(State(rest): State<Rest>, Path(id): Path<String>, Query(query): Query<Most>) -> Answer {
    of_job(&rest, &id, |view| {
        job::exceptions(view, query.most.unwrap_or(usize::MAX))
    })
}

async fn checkpoints(State(rest): State<Rest>, Path(id): Path<String>) -> Answer {
    of_job(&rest, &id, |view| checkpoint::overview(view, now_ms()))
}

async fn checkpoints_config(State(rest): State<Rest>, Path(id): Path<String>) -> Answer {
    of_job(&rest, &id, checkpoint::config)
}

fn find_checkpoint<'a>(
    view: &'a crate::job::view::JobView,
    cid: &str,
) -> Result<&'a crate::job::checkpoints::Checkpoint, Error> {
    let bad = |_| {
        Error(
            StatusCode::BAD_REQUEST,
            format!("checkpoint id {cid:?} is not a number"),
        )
    };
    let epoch = Epoch(cid.parse().map_err(bad)?);
    let unknown = || {
        Error(
            StatusCode::NOT_FOUND,
            format!("job {} remembers no checkpoint {cid}", view.id),
        )
    };
    view.checkpoints.find(epoch).ok_or_else(unknown)
}

async fn checkpoint_details(State(rest): State<Rest>, Path((id, cid)): Path<(String, String)>) -> Answer {
    let found = find(&rest, &id)?;
    let view = found.view();
    let one = find_checkpoint(&view, &cid)?;
    Ok(Json(checkpoint::details(&view, one, now_ms())))
}

async fn checkpoint_subtasks(State(rest): State<Rest>, Path((id, cid, vid)): Path<(String, String, String)>) -> Answer {
    let found = find(&rest, &id)?;
    let view = found.view();
    let one = find_checkpoint(&view, &cid)?;
    let unknown = || Error(StatusCode::NOT_FOUND, format!("job {id} has no vertex {vid}"));
    let vertex = vertex::find(&view, &vid).ok_or_else(unknown)?;
    Ok(Json(checkpoint::subtasks(one, vertex)))
}

async fn vertex_details(State(rest): State<Rest>, Path(path): Path<(String, String)>) -> Answer {
    of_vertex(&rest, &path, |view, one| vertex::details(view, one, now_ms()))
}

async fn watermarks(State(rest): State<Rest>, Path(path): Path<(String, String)>) -> Answer {
    of_vertex(&rest, &path, vertex::watermarks)
}

async fn backpressure(State(rest): State<Rest>, Path(path): Path<(String, String)>) -> Answer {
    of_vertex(&rest, &path, vertex::backpressure)
}

async fn subtask_times(State(rest): State<Rest>, Path(path): Path<(String, String)>) -> Answer {
    of_vertex(&rest, &path, |view, one| vertex::times(view, one, now_ms()))
}

async fn vertex_taskmanagers(State(rest): State<Rest>, Path(path): Path<(String, String)>) -> Answer {
    of_vertex(&rest, &path, |view, one| vertex::taskmanagers(view, one, now_ms()))
}

async fn vertex_metrics(
    State(rest): State<Rest>,
    Path(path): Path<(String, String)>,
    Query(query): Query<Get>,
) -> Answer {
    of_vertex(&rest, &path, |view, one| {
        metric::of_vertex(view, one, query.get.as_deref())
    })
}

async fn subtasks_metrics(
    State(rest): State<Rest>,
    Path(path): Path<(String, String)>,
    Query(query): Query<Get>,
) -> Answer {
    of_vertex(&rest, &path, |view, one| {
        metric::over_subtasks(view, one, query.get.as_deref())
    })
}

async fn taskmanagers(State(rest): State<Rest>) -> Json<Value> {
    let jobs = rest.dispatcher.jobs();
    let assigned = |id: &str| -> usize {
        let on_it = |job: &JobHandle| job.view().tasks.values().filter(|task| task.taskmanager == id).count();
        let active = jobs.iter().filter(|job| !job.view().state.is_end());
        active.map(on_it).sum()
    };
    let views = rest.dispatcher.taskmanagers().views();
    let list: Vec<Value> = views
        .iter()
        .map(|one| cluster::taskmanager(one, assigned(&one.id)))
        .collect();
    Json(json!({"taskmanagers": list}))
}

fn find_taskmanager(rest: &Rest, id: &str) -> Result<cluster::TaskManagerView, Error> {
    let mut views = rest.dispatcher.taskmanagers().views().into_iter();
    let unknown = || Error(StatusCode::NOT_FOUND, format!("TaskManager {id} is not attached"));
    views.find(|one| one.id == id).ok_or_else(unknown)
}

async fn taskmanager(State(rest): State<Rest>, Path(id): Path<String>) -> Answer {
    let one = find_taskmanager(&rest, &id)?;
    let holders = rest.dispatcher.jobs();
    let holders = holders
        .iter()
        .filter(|job| one.jobs.iter().any(|(id, _)| *id == job.id));
    let views: Vec<_> = holders.map(|job| job.view().clone()).collect();
    Ok(Json(cluster::taskmanager_details(
        &one,
        &views.iter().collect::<Vec<_>>(),
    )))
}

async fn taskmanager_metrics(State(rest): State<Rest>, Path(id): Path<String>, Query(query): Query<Get>) -> Answer {
    let one = find_taskmanager(&rest, &id)?;
    Ok(Json(metric::pairs(
        cluster::taskmanager_metrics(&one),
        query.get.as_deref(),
    )))
}

async fn jobmanager_config(State(rest): State<Rest>) -> Json<Value> {
    let pairs = rest.configuration.iter();
    Json(pairs.map(|(key, value)| json!({"key": key, "value": value})).collect())
}

async fn prometheus(State(rest): State<Rest>) -> Response {
    let mut exposition = metric::Exposition::default();
    let views = rest.dispatcher.taskmanagers().views();
    let jobs = rest.dispatcher.jobs();
    let running = jobs.iter().filter(|job| !job.view().state.is_end()).count();
    let slots = |of: fn(&cluster::TaskManagerView) -> usize| views.iter().map(of).sum::<usize>();
    exposition.add("flink_jobmanager_numRunningJobs", "gauge", "", running);
    exposition.add("flink_jobmanager_numRegisteredTaskManagers", "gauge", "", views.len());
    exposition.add("flink_jobmanager_taskSlotsTotal", "gauge", "", slots(|one| one.slots));
    exposition.add(
        "flink_jobmanager_taskSlotsAvailable",
        "gauge",
        "",
        slots(|one| one.free_slots),
    );
    for one in &views {
        let labels = format!(
            "tm_id=\"{}\",host=\"{}\"",
            metric::label(&one.id),
            metric::label(&one.host)
        );
        exposition.add(
            "flink_taskmanager_Status_Memory_Used",
            "gauge",
            &labels,
            one.resident_bytes,
        );
        exposition.add(
            "flink_taskmanager_Status_Memory_Max",
            "gauge",
            &labels,
            one.memory_bytes,
        );
        exposition.add(
            "flink_taskmanager_Status_Process_CpuSeconds",
            "counter",
            &labels,
            one.cpu_seconds,
        );
    }
    for one in jobs {
        exposition.add_job(&one.view(), now_ms());
    }
    let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    (kind, exposition.text()).into_response()
}

#[derive(Debug, Deserialize)]
struct Mode {
    mode: Option<String>,
}

async fn cancel(
    State(rest): State<Rest>,
    Path(id): Path<String>,
    Query(query): Query<Mode>,
) -> Result<Response, Error> {
    if !rest.may_cancel {
        let message = "web.cancel.enable is false: jobs cannot be cancelled over REST".to_owned();
        return Err(Error(StatusCode::FORBIDDEN, message));
    }
    if let Some(mode) = query
        .mode
        .as_deref()
        .filter(|mode| !mode.eq_ignore_ascii_case("cancel"))
    {
        return Err(Error(
            StatusCode::BAD_REQUEST,
            format!("mode {mode:?} is not known; the mode is cancel"),
        ));
    }
    let job = find(&rest, &id)?;
    rest.dispatcher.cancel(&job).await?;
    Ok((StatusCode::ACCEPTED, Json(json!({}))).into_response())
}
