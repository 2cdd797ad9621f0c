//! The stream to the JobManager: registration, commands, reports. Its end ends all tasks: the JobManager, or the next one,
//! starts them again from the last checkpoint.

use std::time::Duration;

use proto::job_manager_client::JobManagerClient;
use proto::job_manager_message::Message as Command;
use proto::task_manager_message::Message as Report;
use proto::{Heartbeat, JobManagerMessage, Register, TaskManagerMessage};
use streaming::Epoch;
use tokio::sync::mpsc;
use tokio::time::Instant;
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
        match attend(&environment, &deployments, &introduction, &mut term, &mut told).await {
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

/// One stream, from registration to its end. `told` is reset once the stream is there: its end is worth a line again.
async fn attend(
    environment: &Environment,
    deployments: &Deployments,
    introduction: &Introduction,
    term: &mut u64,
    told: &mut bool,
) -> Result<(), String> {
    let silent = || format!("the JobManager was silent for {:?}", introduction.timeout);
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
    let answer = tokio::time::timeout(introduction.timeout, client.attach(ReceiverStream::new(queue)))
        .await
        .map_err(|_| silent())?
        .map_err(|status| status.to_string())?;
    let mut commands = answer.into_inner();
    *told = false;
    let mut heartbeat = tokio::time::interval(introduction.heartbeat);
    heartbeat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    // Kept outside of the loop: our own heartbeats, which are more frequent, must not put it off.
    let mut silent_at = Instant::now() + introduction.timeout;
    loop {
        tokio::select! {
            command = tokio::time::timeout_at(silent_at, commands.next()) => match command {
                Err(_) => return Err(silent()),
                Ok(None) => return Ok(()),
                Ok(Some(Err(status))) => return Err(status.to_string()),
                Ok(Some(Ok(message))) => {
                    silent_at = Instant::now() + introduction.timeout;
                    obey(message, deployments, &reports, term);
                }
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use config::Config;
    use proto::job_manager_server::{JobManager, JobManagerServer};
    use tokio_stream::wrappers::TcpListenerStream;
    use tonic::{Request, Response, Status, Streaming};

    use super::*;

    /// Accepts every stream and never says a word on it.
    struct Mute(Arc<AtomicUsize>);

    #[tonic::async_trait]
    impl JobManager for Mute {
        type AttachStream = tokio_stream::Pending<Result<JobManagerMessage, Status>>;

        async fn attach(
            &self,
            _: Request<Streaming<TaskManagerMessage>>,
        ) -> Result<Response<Self::AttachStream>, Status> {
            self.0.fetch_add(1, Ordering::Relaxed);
            Ok(Response::new(tokio_stream::pending()))
        }
    }

    #[tokio::test]
    async fn a_silent_jobmanager_is_given_up_although_heartbeats_go_out() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let attached = Arc::new(AtomicUsize::new(0));
        let service = JobManagerServer::new(Mute(Arc::clone(&attached)));
        let server = tonic::transport::Server::builder().add_service(service);
        tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
        let mut config = Config::default();
        config.apply_override("execution.checkpointing.dir=memory:").unwrap();
        let environment = Environment::new(&config, "test".into()).unwrap();
        let introduction = Introduction {
            jobmanager: format!("127.0.0.1:{port}"),
            host: "127.0.0.1".into(),
            data_port: 1,
            slots: 1,
            memory_bytes: 1,
            heartbeat: Duration::from_millis(10),
            timeout: Duration::from_millis(100),
        };
        let deployments = Deployments::new(environment.clone());
        let (mut term, mut told) = (0, true);
        let ended = attend(&environment, &deployments, &introduction, &mut term, &mut told);
        let ended = tokio::time::timeout(Duration::from_secs(20), ended).await;
        let reason = ended.expect("it is given up").unwrap_err();
        assert!(reason.contains("silent for 100ms"), "{reason}");
        assert_eq!(attached.load(Ordering::Relaxed), 1);
        assert!(!told, "a connection that was there is worth a line when it is lost");
    }
}
