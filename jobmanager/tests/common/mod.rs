//! A TaskManager without tasks, speaking the real gRPC: it answers as a well-behaved one would, at once.

#![allow(dead_code)]

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use config::Config;
use jobmanager::leader::Leader;
use operators::REGISTRY;
use proto::client_client::ClientClient;
use proto::job_manager_client::JobManagerClient;
use proto::job_manager_message::Message as Command;
use proto::task_changed::State;
use proto::task_manager_message::Message as Report;
use proto::{CheckpointAcknowledged, Deploy, Heartbeat, Register, Shown, TaskChanged, TaskManagerMessage, TaskReport};
use streaming::graph::PhysicalGraph;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;

/// What a fake has been told.
#[derive(Debug, Default)]
pub struct Seen {
    pub deploys: Vec<Deploy>,
    pub commits: Vec<u64>,
    pub cancels: Vec<u64>,
    pub finishes: usize,
    pub terms: Vec<u64>,
}

/// How a fake behaves beyond answering.
#[derive(Debug, Clone, Copy, Default)]
pub struct Behaviour {
    /// Sources have read all there is once they run.
    pub bounded: bool,
    /// Never acknowledges a checkpoint.
    pub silent: bool,
}

/// A fake TaskManager. Dropping it cuts its connection, as `kill -9` does.
#[derive(Debug)]
pub struct Fake {
    pub seen: Arc<Mutex<Seen>>,
    task: JoinHandle<()>,
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Fake {
    /// Attaches to `jobmanager`, again and again until it is dropped.
    pub fn attach(id: &str, slots: u32, jobmanager: SocketAddr, behaviour: Behaviour) -> Self {
        let seen = Arc::new(Mutex::new(Seen::default()));
        let (id, shared) = (id.to_owned(), seen.clone());
        let task = tokio::spawn(async move {
            loop {
                let _ = attend(&id, slots, jobmanager, behaviour, &shared).await;
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        });
        Self { seen, task }
    }

    pub fn seen<T>(&self, of: impl FnOnce(&Seen) -> T) -> T {
        of(&self.seen.lock().unwrap())
    }
}

async fn attend(
    id: &str,
    slots: u32,
    jobmanager: SocketAddr,
    behaviour: Behaviour,
    seen: &Mutex<Seen>,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let mut client = JobManagerClient::connect(format!("http://{jobmanager}")).await?;
    let (reports, queue) = mpsc::channel(1024);
    let say = |message| reports.try_send(TaskManagerMessage { message: Some(message) });
    say(Report::Register(Register {
        taskmanager_id: id.to_owned(),
        host: "127.0.0.1".into(),
        data_port: 4000,
        slots,
        cpu_cores: 2,
        memory_bytes: 1 << 30,
        pid: 1,
        term: 0,
    }))?;
    let mut commands = client.attach(ReceiverStream::new(queue)).await?.into_inner();
    let mut running: BTreeMap<u64, Tasks> = BTreeMap::new();
    let mut beat = tokio::time::interval(Duration::from_millis(100));
    loop {
        tokio::select! {
            command = commands.next() => {
                let Some(command) = command else { return Ok(()) };
                match command?.message {
                    Some(Command::Registered(registered)) => seen.lock().unwrap().terms.push(registered.term),
                    Some(Command::Deploy(deploy)) => {
                        let tasks = Tasks::of(id, &deploy);
                        seen.lock().unwrap().deploys.push(deploy);
                        tasks.all(State::Ready, &say)?;
                        running.insert(tasks.deployment, tasks);
                    }
                    Some(Command::Start(start)) => {
                        if let Some(tasks) = running.get(&start.deployment) {
                            tasks.all(State::Running, &say)?;
                            if behaviour.bounded {
                                tasks.sources(State::Exhausted, &say)?;
                            }
                        }
                    }
                    Some(Command::TriggerCheckpoint(trigger)) if !behaviour.silent => {
                        if let Some(tasks) = running.get(&trigger.deployment) {
                            tasks.acknowledge(trigger.epoch, &say)?;
                        }
                    }
                    Some(Command::Committed(committed)) => seen.lock().unwrap().commits.push(committed.epoch),
                    Some(Command::Cancel(cancel)) => {
                        seen.lock().unwrap().cancels.push(cancel.deployment);
                        if let Some(tasks) = running.remove(&cancel.deployment) {
                            tasks.all(State::Canceled, &say)?;
                        }
                    }
                    Some(Command::Finish(finish)) => {
                        seen.lock().unwrap().finishes += 1;
                        if let Some(tasks) = running.remove(&finish.deployment) {
                            tasks.all(State::Finished, &say)?;
                        }
                    }
                    _ => {}
                }
            }
            _ = beat.tick() => {
                let mut heartbeat = Heartbeat::default();
                for beat in running.values_mut().map(Tasks::beat) {
                    heartbeat.tasks.extend(beat.tasks);
                    heartbeat.shown.extend(beat.shown);
                }
                say(Report::Heartbeat(heartbeat))?;
            }
        }
    }
}

/// The tasks of one deployment that a fake pretends to run.
struct Tasks {
    deployment: u64,
    graph: PhysicalGraph,
    tasks: Vec<(u32, u32)>,
    beats: u64,
}

type Say<'a> = &'a dyn Fn(Report) -> Result<(), mpsc::error::TrySendError<TaskManagerMessage>>;

impl Tasks {
    fn of(id: &str, deploy: &Deploy) -> Self {
        let mine = deploy.placements.iter().filter(|place| place.taskmanager_id == id);
        Self {
            deployment: deploy.deployment,
            graph: serde_json::from_str(&deploy.graph).unwrap(),
            tasks: mine.map(|place| (place.vertex, place.subtask)).collect(),
            beats: 0,
        }
    }

    fn all(&self, state: State, say: Say<'_>) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        self.tasks
            .iter()
            .try_for_each(|task| Ok(say(self.changed(*task, state))?))
    }

    fn sources(&self, state: State, say: Say<'_>) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let is_source = |(vertex, _): &&(u32, u32)| self.graph.vertices[*vertex as usize].is_source();
        self.tasks
            .iter()
            .filter(is_source)
            .try_for_each(|task| Ok(say(self.changed(*task, state))?))
    }

    fn changed(&self, (vertex, subtask): (u32, u32), state: State) -> Report {
        Report::TaskChanged(TaskChanged {
            deployment: self.deployment,
            vertex,
            subtask,
            state: state.into(),
            failure: None,
        })
    }

    fn acknowledge(&self, epoch: u64, say: Say<'_>) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        for &(vertex, subtask) in &self.tasks {
            let node = &self.graph.vertices[vertex as usize].nodes[0].id;
            let state = checkpoint::TaskState {
                operators: [(node.clone(), checkpoint::SubtaskState::default())].into(),
            };
            say(Report::CheckpointAcknowledged(CheckpointAcknowledged {
                deployment: self.deployment,
                vertex,
                subtask,
                epoch,
                state: serde_json::to_string(&state)?,
                alignment_us: 1000,
                sync_us: 1000,
                async_us: 2000,
            }))?;
        }
        Ok(())
    }

    fn beat(&mut self) -> Heartbeat {
        self.beats += 1;
        let beats = self.beats;
        let report = |&(vertex, subtask): &(u32, u32)| TaskReport {
            deployment: self.deployment,
            vertex,
            subtask,
            records_in: 10 * beats,
            records_out: 10 * beats,
            busy_ms: 50 * beats,
            idle_ms: 50 * beats,
            watermark_us: 1_000_000 * beats as i64,
            pending_records: -1,
            counters: [("points.numLateRecordsDropped".to_owned(), 3)].into(),
            ..TaskReport::default()
        };
        let document = r#"{"operator":"persistence","key":"a","start":0,"end":10,"kind":"sliding","count":3,"pairs":[[0,0.0,null]]}"#;
        let shown = Shown {
            deployment: self.deployment,
            vertex: 0,
            topic: "diagram".into(),
            document: document.into(),
        };
        Heartbeat {
            resident_bytes: 1 << 20,
            cpu_seconds: beats as f64 / 20.0,
            tasks: self.tasks.iter().map(report).collect(),
            shown: vec![shown],
        }
    }
}

/// A JobManager on free ports with its state in `directory`.
pub async fn start(directory: &std::path::Path, more: &[&str]) -> Leader {
    let mut config = Config::default();
    let directory = format!("execution.checkpointing.dir=file://{}", directory.display());
    let fixed = ["jobmanager.rpc.port=0", "rest.port=0", directory.as_str()];
    for text in fixed.iter().chain(more) {
        config.apply_override(text).unwrap();
    }
    Leader::start(config, &REGISTRY).await.unwrap()
}

pub async fn client(leader: &Leader) -> ClientClient<Channel> {
    ClientClient::connect(format!("http://{}", leader.rpc_address))
        .await
        .unwrap()
}

/// A job of a source and a keyed window, two vertices of parallelism 2.
pub fn job(name: &str) -> String {
    serde_json::json!({
        "name": name,
        "parallelism": 2,
        "checkpointing": {"interval": "100 ms"},
        "source": {"points": {"connector": "generator", "keys": 4}},
        "operator": {
            "windows": {
                "type": "window", "input": "points", "key-by": "key",
                "window": {"kind": "tumbling", "size": "10s"},
            },
            "persistence": {"type": "persistence", "input": "windows", "max-dimension": 1},
        },
        "sink": {"out": {"connector": "print", "input": "persistence", "format": "json"}},
    })
    .to_string()
}

/// Waits until `condition` holds, ten seconds at most.
pub async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let all = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    assert!(
        tokio::time::timeout(Duration::from_secs(10), all).await.is_ok(),
        "{what} did not happen"
    );
}
