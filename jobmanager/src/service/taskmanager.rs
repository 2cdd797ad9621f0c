//! The stream of each TaskManager: what it says goes to jobs, what jobs say goes to it. The end of the stream is the loss
//! of the TaskManager.

use std::pin::Pin;
use std::time::{Duration, Instant};

use futures::{Stream, StreamExt};
use proto::job_manager_message::Message as ToTaskManager;
use proto::job_manager_server::JobManager;
use proto::task_manager_message::Message as FromTaskManager;
use proto::{Cancel, Heartbeat, JobManagerMessage, Probe, Register, Registered, Shown, TaskManagerMessage, TaskReport};
use streaming::Term;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use crate::clock::now_ms;
use crate::job::handle::Message;
use crate::schedule::attached::{OUTGOING, Seat, TaskManagers};
use crate::web::view::vertex_id;

/// How long a new stream may take to say who it is.
const INTRODUCTION: Duration = Duration::from_secs(10);

#[derive(Debug, Clone)]
pub struct Attachments {
    pub term: Term,
    pub cluster_id: String,
    pub taskmanagers: TaskManagers,
    /// `heartbeat.interval` and `heartbeat.timeout`.
    pub probe_every: Duration,
    pub lost_after: Duration,
}

type Outgoing = Pin<Box<dyn Stream<Item = Result<JobManagerMessage, Status>> + Send>>;

#[tonic::async_trait]
impl JobManager for Attachments {
    type AttachStream = Outgoing;

    async fn attach(&self, request: Request<Streaming<TaskManagerMessage>>) -> Result<Response<Outgoing>, Status> {
        let mut incoming = request.into_inner();
        let register = introduction(&mut incoming).await?;
        if register.term > self.term.0 {
            return Err(Status::failed_precondition(format!(
                "TaskManager {} has obeyed term {}, this JobManager leads term {} and is deposed",
                register.taskmanager_id, register.term, self.term
            )));
        }
        let (outgoing, messages) = mpsc::channel(OUTGOING);
        let registered = ToTaskManager::Registered(Registered {
            term: self.term.0,
            cluster_id: self.cluster_id.clone(),
        });
        // The queue is empty: the first message fits, and goes out before any other.
        let _ = outgoing.try_send(JobManagerMessage {
            message: Some(registered),
        });
        let id = register.taskmanager_id.clone();
        tracing::info!(taskmanager = %id, host = %register.host, slots = register.slots, "TaskManager attached");
        let session = self.taskmanagers.attach(register, outgoing);
        // Ends with the stream, or when nothing is heard.
        tokio::spawn(self.clone().listen((id, session), incoming));
        Ok(Response::new(Box::pin(ReceiverStream::new(messages).map(Ok))))
    }
}

async fn introduction(incoming: &mut Streaming<TaskManagerMessage>) -> Result<Register, Status> {
    let first = tokio::time::timeout(INTRODUCTION, incoming.message()).await;
    let first = first.map_err(|_| Status::deadline_exceeded("a TaskManager has to register first"))??;
    match first.and_then(|message| message.message) {
        Some(FromTaskManager::Register(register)) if !register.taskmanager_id.is_empty() => Ok(register),
        _ => Err(Status::invalid_argument(
            "a TaskManager's first message has to be Register, with an id",
        )),
    }
}

impl Attachments {
    async fn listen(self, seat: Seat, mut incoming: Streaming<TaskManagerMessage>) {
        let mut heard = Instant::now();
        let mut probe = tokio::time::interval(self.probe_every);
        let why = loop {
            tokio::select! {
                message = incoming.message() => match message {
                    Ok(Some(TaskManagerMessage { message: Some(message) })) => {
                        heard = Instant::now();
                        self.on_message(&seat, message).await;
                    }
                    Ok(Some(_)) => heard = Instant::now(),
                    Ok(None) => break "it ended its connection".to_owned(),
                    Err(status) => break format!("its connection broke ({})", status.message()),
                },
                _ = probe.tick() => {
                    if heard.elapsed() > self.lost_after {
                        break format!("nothing heard of it for {:.1} s", heard.elapsed().as_secs_f64());
                    }
                    self.taskmanagers.send(&seat, ToTaskManager::Probe(Probe {}));
                }
            }
            if self.taskmanagers.loss_of(&seat).is_some() {
                // Cut off, or replaced by a newer stream.
                break "it was cut off".to_owned();
            }
        };
        self.taskmanagers.detach(seat.1, why);
    }

    async fn on_message(&self, seat: &Seat, message: FromTaskManager) {
        let (deployment, message) = match message {
            FromTaskManager::Register(_) => return,
            FromTaskManager::Heartbeat(heartbeat) => return self.on_heartbeat(seat, heartbeat),
            FromTaskManager::TaskChanged(message) => (message.deployment, Message::Task(message)),
            FromTaskManager::CheckpointAcknowledged(message) => (message.deployment, Message::Acknowledged(message)),
            FromTaskManager::CheckpointDeclined(message) => (message.deployment, Message::Declined(message)),
        };
        // Of a deployment that is over, nobody needs to hear.
        if let Some(job) = self.taskmanagers.job_of(deployment) {
            job.tell(message).await;
        }
    }

    fn on_heartbeat(&self, seat: &Seat, mut heartbeat: Heartbeat) {
        for report in std::mem::take(&mut heartbeat.tasks) {
            self.on_report(seat, report);
        }
        for shown in std::mem::take(&mut heartbeat.shown) {
            self.on_shown(&shown);
        }
        self.taskmanagers.beat(&seat.0, heartbeat);
    }

    fn on_report(&self, seat: &Seat, report: TaskReport) {
        let deployment = report.deployment;
        let Some(job) = self.taskmanagers.job_of(deployment) else {
            // Tasks of an attempt that nobody waits for: of a lost connection, or of a JobManager before this one.
            return self
                .taskmanagers
                .send(seat, ToTaskManager::Cancel(Cancel { deployment }));
        };
        if let Some(task) = proto::convert::task_id(report.vertex, report.subtask) {
            job.view().report(task, report, now_ms());
        }
    }

    fn on_shown(&self, shown: &Shown) {
        if shown.topic != "diagram" {
            return;
        }
        if let Some(job) = self.taskmanagers.job_of(shown.deployment) {
            let mut view = job.view();
            let id = view.graph.vertices.get(shown.vertex as usize).map(vertex_id);
            if let Some(id) = id {
                view.show_diagram(&id, &shown.document);
            }
        }
    }
}
