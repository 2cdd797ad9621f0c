//! What `submit-job` and other clients ask.

use proto::client_server::Client;
use proto::{
    CancelJobRequest, CancelJobResponse, JobStatusRequest, JobStatusResponse, JobSummary, ListJobsRequest,
    ListJobsResponse, SubmitJobRequest, SubmitJobResponse, VertexSummary,
};
use tonic::{Request, Response, Status};

use crate::dispatch::{Dispatcher, Refusal};
use crate::job::machine::TaskState;
use crate::job::view::{JobView, TaskView};
use crate::web::view::job::tasks_of;

#[derive(Debug, Clone)]
pub struct Clients {
    pub dispatcher: Dispatcher,
}

#[tonic::async_trait]
impl Client for Clients {
    async fn submit_job(&self, request: Request<SubmitJobRequest>) -> Result<Response<SubmitJobResponse>, Status> {
        let request = request.into_inner();
        let submitted = self
            .dispatcher
            .submit(request.job, request.source_text, request.secrets)
            .await;
        let job_id = submitted.map_err(|refusal| status(&refusal))?.to_string();
        Ok(Response::new(SubmitJobResponse { job_id }))
    }

    async fn list_jobs(&self, request: Request<ListJobsRequest>) -> Result<Response<ListJobsResponse>, Status> {
        let all = request.into_inner().all;
        let jobs = self.dispatcher.jobs();
        let summaries = jobs.iter().map(|job| summary(&job.view()));
        let jobs = summaries.filter(|job| all || job.end_time_ms == 0).collect();
        Ok(Response::new(ListJobsResponse { jobs }))
    }

    async fn job_status(&self, request: Request<JobStatusRequest>) -> Result<Response<JobStatusResponse>, Status> {
        let job = self
            .dispatcher
            .find(&request.into_inner().job_id)
            .map_err(|refusal| status(&refusal))?;
        let view = job.view();
        let vertices = view.graph.vertices.iter();
        let vertices = vertices.map(|vertex| vertex_summary(&view, vertex)).collect();
        let job = Some(summary(&view));
        Ok(Response::new(JobStatusResponse { job, vertices }))
    }

    async fn cancel_job(&self, request: Request<CancelJobRequest>) -> Result<Response<CancelJobResponse>, Status> {
        let job = self
            .dispatcher
            .find(&request.into_inner().job_id)
            .map_err(|refusal| status(&refusal))?;
        self.dispatcher.cancel(&job).await.map_err(|refusal| status(&refusal))?;
        Ok(Response::new(CancelJobResponse {}))
    }
}

fn status(refusal: &Refusal) -> Status {
    match refusal {
        Refusal::Unknown(_) => Status::not_found(refusal.to_string()),
        Refusal::Ambiguous(_) | Refusal::Invalid(_) => Status::invalid_argument(refusal.to_string()),
        Refusal::Ended { .. } => Status::failed_precondition(refusal.to_string()),
        Refusal::Unavailable(_) => Status::unavailable(refusal.to_string()),
    }
}

fn is_running(task: &TaskView) -> bool {
    matches!(task.state, Some(TaskState::Running | TaskState::Exhausted))
}

fn summary(job: &JobView) -> JobSummary {
    let (last_checkpoint, last_checkpoint_time_ms) = job.last_checkpoint().map_or((0, 0), |(epoch, at)| (epoch.0, at));
    let of_vertices = |want_source: bool, of: fn(&TaskView) -> u64| -> u64 {
        let is_end = |id| !job.graph.edges.iter().any(|edge| edge.from == id);
        let wanted = job.graph.vertices.iter().filter(|vertex| match want_source {
            true => vertex.is_source(),
            false => is_end(vertex.id),
        });
        wanted
            .flat_map(|vertex| tasks_of(job, vertex))
            .map(|(_, task)| of(task))
            .sum()
    };
    JobSummary {
        job_id: job.id.to_string(),
        name: job.name.clone(),
        state: job.flink_state().to_owned(),
        start_time_ms: job.submitted_ms,
        end_time_ms: job.ended_ms().unwrap_or(0),
        tasks_total: job
            .graph
            .vertices
            .iter()
            .map(|vertex| u32::from(vertex.parallelism))
            .sum(),
        tasks_running: job.tasks.values().filter(|task| is_running(task)).count() as u32,
        restarts: job.restarts,
        last_checkpoint,
        last_checkpoint_time_ms,
        records_in: of_vertices(true, |task| task.report.records_in.max(task.report.records_out)),
        records_out: of_vertices(false, |task| task.report.records_out.max(task.report.records_in)),
        last_failure: last_failure(job),
    }
}

/// What the job waits for now, else its last failure.
fn last_failure(job: &JobView) -> String {
    let waiting = job.waiting.as_ref().filter(|_| !job.state.is_end());
    let failure = job.failures.front().map(|view| &view.failure.message);
    waiting.or(failure).cloned().unwrap_or_default()
}

fn vertex_summary(job: &JobView, vertex: &streaming::graph::Vertex) -> VertexSummary {
    let tasks = tasks_of(job, vertex).map(|(_, task)| task);
    let sum = |of: fn(&TaskView) -> u64| tasks.clone().map(of).sum();
    let mean = |of: fn(&TaskView) -> f64| {
        let total: f64 = tasks.clone().map(of).sum();
        (total / f64::from(vertex.parallelism.max(1)) / 1000.0).min(1.0)
    };
    VertexSummary {
        name: vertex.name.clone(),
        parallelism: vertex.parallelism.into(),
        running: tasks.clone().filter(|task| is_running(task)).count() as u32,
        records_in: sum(|task| task.report.records_in),
        records_out: sum(|task| task.report.records_out),
        busy_ratio: mean(|task| task.rates.busy_ms),
        backpressured_ratio: mean(|task| task.rates.backpressured_ms),
    }
}
