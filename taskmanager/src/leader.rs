//! The stream to the JobManager: registration, commands, reports. Its end ends all tasks: the JobManager, or the next one,
//! starts them again from the last checkpoint.

use std::time::Duration;

use proto::job_manager_client::JobManagerClient;
use proto::job_manager_message::Message as Command;
use proto::task_manager_message::Message as Report;
use proto::{Heartbeat, JobManagerMessage, Register, TaskManagerMessage};
use streaming::Epoch;
use tokio::sync::mpsc;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Endpoint;
use tracing::{debug, info, warn};

use crate::deploy::Deployments;
use crate::environment::Environment;
use crate::process;

/// Between two attempts to reach the JobManager.
const RETRY: Duration = Duration::from_millis(200);
/// Reports that wait for the stream; tasks wait when it is full.
const REPORTS: usize = 4096;
/// No command comes near it; deployments carry the manifest.
const MESSAGE_BYTES: usize = 256 << 20;

/// How this process introduces itself and how often it reports.
#[derive(Debug, Clone)]
pub struct Introduction {
    pub jobmanager: String,
    pub host: String,
    pub data_port: u16,
    pub slots: u16,
    pub memory_bytes: u64,
    pub heartbeat: Duration,
    /// Silence after which the JobManager counts as lost.
    pub timeout: Duration,
}

/// Stays connected for as long as the process lives.
pub async fn follow(environment: Environment, deployments: Deployments, introduction: Introduction) {
    let mut term = 0;
    let mut told = false;
    loop {
        match attend(&environment, &deployments, &introduction, &mut term).await {
            Ok(()) => {
                warn!(
                    jobmanager = introduction.jobmanager,
                    "the JobManager ended the connection; all tasks are cancelled"
                );
                told = true;
            }
            Err(reason) if !told => {
                warn!(
                    jobmanager = introduction.jobmanager,
                    reason, "no connection to the JobManager; trying again"
                );
                told = true;
            }
            Err(reason) => debug!(reason, "still no connection to the JobManager"),
        }
        deployments.cancel_all();
        tokio::time::sleep(RETRY).await;
    }
}

/// One stream, from registration to its end.
async fn attend(
    environment: &Environment,
    deployments: &Deployments,
    introduction: &Introduction,
    term: &mut u64,
) -> Result<(), String> {
    let endpoint =
        Endpoint::from_shared(format!("http://{}", introduction.jobmanager)).map_err(|error| error.to_string())?;
    let channel = endpoint
        .connect_timeout(Duration::from_secs(5))
        .tcp_nodelay(true)
        .connect()
        .await
        .map_err(|error| error.to_string())?;
    let mut client = JobManagerClient::new(channel).max_decoding_message_size(MESSAGE_BYTES);
    let (reports, queue) = mpsc::channel(REPORTS);
    let register = Register {
        taskmanager_id: environment.id.clone(),
        host: introduction.host.clone(),
        data_port: introduction.data_port.into(),
        slots: introduction.slots.into(),
        cpu_cores: std::thread::available_parallelism().map_or(1, |cores| cores.get() as u32),
        memory_bytes: introduction.memory_bytes,
        pid: std::process::id(),
        term: *term,
    };
    // The queue was just made and is empty.
    let _ = reports.try_send(TaskManagerMessage {
        message: Some(Report::Register(register)),
    });
    let answer = client
        .attach(ReceiverStream::new(queue))
        .await
        .map_err(|status| status.to_string())?;
    let mut commands = answer.into_inner();
    let mut heartbeat = tokio::time::interval(introduction.heartbeat);
    heartbeat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            command = tokio::time::timeout(introduction.timeout, commands.next()) => match command {
                Err(_) => return Err(format!("the JobManager was silent for {:?}", introduction.timeout)),
                Ok(None) => return Ok(()),
                Ok(Some(Err(status))) => return Err(status.to_string()),
                Ok(Some(Ok(message))) => obey(message, deployments, &reports, term),
            },
            _ = heartbeat.tick() => {
                let message = Some(Report::Heartbeat(beat(environment, deployments)));
                // A full queue means that the stream is slow; the next heartbeat says it all again.
                let _ = reports.try_send(TaskManagerMessage { message });
            }
        }
    }
}

fn beat(environment: &Environment, deployments: &Deployments) -> Heartbeat {
    Heartbeat {
        tasks: deployments.report(),
        shown: environment.showcase.take(),
        ..process::heartbeat()
    }
}

fn obey(
    message: JobManagerMessage,
    deployments: &Deployments,
    reports: &mpsc::Sender<TaskManagerMessage>,
    term: &mut u64,
) {
    match message.message {
        Some(Command::Registered(registered)) => {
            info!(term = registered.term, cluster = registered.cluster_id, "registered");
            *term = registered.term;
        }
        Some(Command::Deploy(deploy)) if deploy.term < *term => {
            warn!(
                term = deploy.term,
                known = *term,
                "a deployment by a leader of the past is refused"
            );
        }
        Some(Command::Deploy(deploy)) => deployments.deploy(deploy, reports.clone()),
        Some(Command::Start(start)) => deployments.start(start.deployment),
        Some(Command::TriggerCheckpoint(trigger)) => deployments.trigger(trigger.deployment, Epoch(trigger.epoch)),
        Some(Command::Committed(committed)) => deployments.committed(committed.deployment, Epoch(committed.epoch)),
        Some(Command::Cancel(cancel)) => deployments.cancel(cancel.deployment),
        Some(Command::Finish(finish)) => deployments.finish(finish.deployment),
        Some(Command::Probe(_)) | None => {}
    }
}
