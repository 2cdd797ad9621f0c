//! A cluster: services, a JobManager and TaskManagers, each a process of its own.

use std::fmt::Write as _;
use std::net::TcpListener;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tempfile::TempDir;

use crate::process::{Process, binary};
use crate::rest::Rest;
use crate::services::{BUCKET, Services};
use crate::wait::wait_until;

/// Size and options of a cluster.
#[derive(Debug, Clone)]
pub struct ClusterSpec {
    pub taskmanagers: usize,
    pub slots: usize,
    /// Checkpoints in S3 instead of a directory.
    pub s3: bool,
    /// Further lines of `flink-conf.yaml`.
    pub options: Vec<(&'static str, String)>,
}

impl ClusterSpec {
    pub fn new(taskmanagers: usize, slots: usize) -> Self {
        Self {
            taskmanagers,
            slots,
            s3: false,
            options: vec![],
        }
    }

    pub fn with(mut self, option: &'static str, value: impl Into<String>) -> Self {
        self.options.push((option, value.into()));
        self
    }

    pub fn on_s3(mut self) -> Self {
        self.s3 = true;
        self
    }
}

pub struct Cluster {
    spec: ClusterSpec,
    pub services: Services,
    pub rest: Rest,
    rpc_port: u16,
    jobmanager: Option<Process>,
    taskmanagers: Vec<Process>,
    // Last, so that it is removed after the processes that write to it are gone.
    dir: TempDir,
    _turn: MutexGuard<'static, ()>,
}

/// Clusters take turns: several at once on a small machine would only time each other.
static TURN: Mutex<()> = Mutex::new(());
const START: Duration = Duration::from_secs(30);
const LOG_LINES: usize = 60;

/// Runs `test` on a new cluster, and prints the ends of all logs if it fails.
pub fn with_cluster(spec: ClusterSpec, test: impl FnOnce(&mut Cluster) -> Result<()>) {
    let mut cluster = Cluster::start(spec).expect("a cluster must start before it can be tested");
    let outcome = catch_unwind(AssertUnwindSafe(|| test(&mut cluster)));
    if !matches!(outcome, Ok(Ok(()))) {
        eprintln!("{}", cluster.logs());
    }
    match outcome {
        Ok(Ok(())) => {}
        Ok(Err(error)) => panic!("{error:#}"),
        Err(panic) => resume_unwind(panic),
    }
}

impl Cluster {
    /// Starts all processes and waits until all slots are there.
    pub fn start(spec: ClusterSpec) -> Result<Self> {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let dir = TempDir::with_prefix("bettiflow-")?;
        let services = Services::start(dir.path())?;
        let [rpc_port, rest_port] = free_ports()?;
        let mut cluster = Self {
            spec,
            services,
            rest: Rest::new(rest_port),
            rpc_port,
            jobmanager: None,
            taskmanagers: vec![],
            dir,
            _turn: turn,
        };
        cluster.write_config(rest_port)?;
        cluster.start_jobmanager()?;
        for index in 0..cluster.spec.taskmanagers {
            let process = cluster.start_taskmanager(index)?;
            cluster.taskmanagers.push(process);
        }
        if let Err(error) = cluster.wait_for_slots(START) {
            bail!("{error:#}\n{}", cluster.logs());
        }
        Ok(cluster)
    }

    /// A folder of the test, removed at its end.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    fn config(&self) -> PathBuf {
        self.dir().join("flink-conf.yaml")
    }

    fn write_config(&self, rest_port: u16) -> Result<()> {
        let folder = self.dir().display();
        let checkpoints = if self.spec.s3 {
            let cluster = self
                .dir()
                .file_name()
                .and_then(|name| name.to_str())
                .context("the folder has no name")?;
            format!("s3://{BUCKET}/{cluster}")
        } else {
            format!("file://{folder}/checkpoints")
        };
        let mut text = format!(
            "cluster.id: test\njobmanager.rpc.port: {}\nrest.port: {rest_port}\n\
             taskmanager.numberOfTaskSlots: {}\ntaskmanager.memory.process.size: 512m\nio.tmp.dirs: {folder}/tmp\n\
             execution.checkpointing.dir: {checkpoints}\nexecution.checkpointing.interval: 1 s\n",
            self.rpc_port, self.spec.slots
        );
        if self.spec.s3 {
            let endpoint = &self.services.s3_endpoint;
            write!(text, "s3.endpoint: {endpoint}\ns3.path-style-access: true\n")?;
        }
        for (option, value) in &self.spec.options {
            writeln!(text, "{option}: {value}")?;
        }
        std::fs::create_dir_all(self.dir().join("tmp"))?;
        std::fs::write(self.config(), text)?;
        Ok(())
    }

    fn manager(&self, name: &str) -> Result<Command> {
        let mut command = binary(name)?;
        command.arg("--config").arg(self.config()).current_dir(self.dir());
        for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
            if std::env::var_os(name).is_none() {
                command.env(name, "tests");
            }
        }
        Ok(command)
    }

    /// Also after [`Cluster::kill_jobmanager`]: on the same ports and the same directory.
    pub fn start_jobmanager(&mut self) -> Result<()> {
        let process = Process::start("jobmanager", self.dir(), &mut self.manager("jobmanager")?)?;
        self.jobmanager = Some(process);
        let rest = self.rest.clone();
        wait_until("an answer of the JobManager", START, || {
            self.check_alive()?;
            Ok(rest.get("/overview").is_ok())
        })
    }

    fn start_taskmanager(&self, index: usize) -> Result<Process> {
        Process::start(
            &format!("taskmanager-{index}"),
            self.dir(),
            &mut self.manager("taskmanager")?,
        )
    }

    pub fn kill_jobmanager(&mut self) -> Result<()> {
        let mut process = self.jobmanager.take().context("the JobManager is not running")?;
        process.kill()
    }

    /// SIGKILL; the TaskManager stays away until [`Cluster::restart_taskmanager`].
    pub fn kill_taskmanager(&mut self, index: usize) -> Result<()> {
        self.taskmanagers[index].kill()
    }

    pub fn restart_taskmanager(&mut self, index: usize) -> Result<()> {
        self.taskmanagers[index] = self.start_taskmanager(index)?;
        Ok(())
    }

    /// Waits until every slot of every TaskManager is known to the JobManager.
    pub fn wait_for_slots(&mut self, within: Duration) -> Result<()> {
        let slots = (self.spec.taskmanagers * self.spec.slots) as u64;
        let rest = self.rest.clone();
        wait_until("all TaskManagers", within, || {
            self.check_alive()?;
            let overview = rest.get("/overview").unwrap_or_default();
            Ok(overview["slots-total"] == slots && overview["taskmanagers"] == self.spec.taskmanagers as u64)
        })
    }

    /// Fails when a process that should run has ended.
    pub fn check_alive(&mut self) -> Result<()> {
        if let Some(jobmanager) = &mut self.jobmanager {
            jobmanager.check_alive()?;
        }
        self.taskmanagers.iter_mut().try_for_each(Process::check_alive)
    }

    /// `HOST:PORT` of the gRPC service.
    pub fn jobmanager_address(&self) -> String {
        format!("127.0.0.1:{}", self.rpc_port)
    }

    /// The state of a job, in Flink's word.
    pub fn job_state(&self, id: &str) -> Result<String> {
        let job = self.rest.get(&format!("/jobs/{id}"))?;
        Ok(job["state"].as_str().context("a job has a state")?.to_owned())
    }

    /// Waits until the job is in `state`; fails at once when it is in another state that it can never leave.
    pub fn wait_for_state(&self, id: &str, state: &str, within: Duration) -> Result<()> {
        wait_until(&format!("job {id} to be {state}"), within, || {
            // A JobManager that has just started may not know the job yet.
            let Ok(now) = self.job_state(id) else { return Ok(false) };
            if now != state && ["FAILED", "FINISHED", "CANCELED"].contains(&now.as_str()) {
                bail!(
                    "job {id} is {now}: {}",
                    self.rest.get(&format!("/jobs/{id}/exceptions"))?
                );
            }
            Ok(now == state)
        })
    }

    /// Waits until `count` checkpoints of the job have been completed.
    pub fn wait_for_checkpoints(&self, id: &str, count: u64, within: Duration) -> Result<()> {
        wait_until(&format!("{count} checkpoints of {id}"), within, || {
            let checkpoints = self.rest.get(&format!("/jobs/{id}/checkpoints")).unwrap_or(Value::Null);
            Ok(checkpoints["counts"]["completed"]
                .as_u64()
                .is_some_and(|completed| completed >= count))
        })
    }

    /// The ends of the logs of all processes.
    pub fn logs(&self) -> String {
        let processes = self
            .services
            .local()
            .into_iter()
            .chain(&self.jobmanager)
            .chain(&self.taskmanagers);
        processes.fold(String::new(), |mut text, process| {
            let _ = write!(text, "--- {}\n{}\n", process.name(), process.log_tail(LOG_LINES));
            text
        })
    }
}

/// Ports that were free a moment ago. They must be known beforehand, since a restarted JobManager takes them again.
fn free_ports<const N: usize>() -> Result<[u16; N]> {
    let listeners = (0..N)
        .map(|_| TcpListener::bind("127.0.0.1:0"))
        .collect::<Result<Vec<_>, _>>()?;
    let mut ports = [0; N];
    for (port, listener) in ports.iter_mut().zip(&listeners) {
        *port = listener.local_addr()?.port();
    }
    Ok(ports)
}
