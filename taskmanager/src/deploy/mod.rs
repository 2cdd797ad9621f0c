//! Deployments: the part of a job's attempt that runs in this process.

mod build;
mod wiring;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use proto::{Deploy, Failure, TaskChanged, TaskManagerMessage, TaskReport, task_changed, task_manager_message};
use streaming::id::TaskId;
use streaming::operator::Cancel;
use streaming::{Epoch, Error, Result};
use tokio::sync::mpsc;
use tracing::{info, warn};

use crate::environment::Environment;
use crate::exchange::Peer;
use crate::metrics::TaskMetrics;
use crate::slot::mailbox::{Event, Mailbox};
use wiring::Plan;

/// Reports to the JobManager, over the stream on which the deployment came.
pub type Reports = mpsc::Sender<TaskManagerMessage>;

/// A task of this process, as others reach it.
#[derive(Clone)]
pub struct Running {
    pub mailbox: Mailbox,
    pub metrics: Arc<TaskMetrics>,
    pub is_source: bool,
}

/// All deployments of this process.
#[derive(Clone)]
pub struct Deployments {
    environment: Environment,
    active: Arc<Mutex<HashMap<u64, Arc<Deployment>>>>,
}

/// One attempt's tasks here.
struct Deployment {
    id: u64,
    cancel: Cancel,
    /// Filled once the tasks have been built.
    tasks: Mutex<HashMap<TaskId, Running>>,
}

impl Deployments {
    pub fn new(environment: Environment) -> Self {
        Self {
            environment,
            active: Arc::default(),
        }
    }

    fn active(&self) -> std::sync::MutexGuard<'_, HashMap<u64, Arc<Deployment>>> {
        self.active.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Builds and runs the tasks of `message` that are placed here; every task reports for itself.
    pub fn deploy(&self, message: Deploy, reports: Reports) {
        let deployment = Arc::new(Deployment {
            id: message.deployment,
            cancel: Cancel::default(),
            tasks: Mutex::default(),
        });
        if self.active().insert(deployment.id, Arc::clone(&deployment)).is_some() {
            warn!(deployment = %format_args!("{:x}", deployment.id), "deployed twice; the first one is forgotten");
        }
        let deployments = self.clone();
        tokio::spawn(async move {
            deployments.run(message, &deployment, reports).await;
            deployments.active().retain(|_, other| !Arc::ptr_eq(other, &deployment));
        });
    }

    async fn run(&self, message: Deploy, deployment: &Arc<Deployment>, reports: Reports) {
        let mine = wiring::tasks_here(&message, &self.environment.id);
        let result = match Plan::read(message, &self.environment.id) {
            Ok(plan) => self.run_plan(plan, deployment, reports.clone()).await,
            Err(error) => Err(error),
        };
        self.environment.exchange.forget(deployment.id);
        if let Err(error) = result {
            warn!(deployment = %format_args!("{:x}", deployment.id), %error, "the deployment failed");
            self.environment.compute.cancel(&deployment.cancel);
            for task in mine {
                report(&reports, deployment.id, task, task_changed::State::Failed, Some(&error)).await;
            }
        }
    }

    /// An error means that not all tasks could be started; those that were are cancelled by the caller.
    async fn run_plan(&self, plan: Plan, deployment: &Arc<Deployment>, reports: Reports) -> Result<()> {
        let (failures, mut broken) = mpsc::unbounded_channel();
        let wired = wiring::wire(&plan, &self.environment, &deployment.cancel, failures).await?;
        info!(job = %plan.job, attempt = %plan.attempt, tasks = wired.tasks.len(), "deploying");
        let (ended, mut ends) = mpsc::unbounded_channel();
        let plan = Arc::new(plan);
        let mut left = wired.tasks.len();
        let first = wired.tasks.first().map(|task| task.id);
        for task in wired.tasks {
            let running = Running {
                mailbox: task.mailbox.clone(),
                metrics: Arc::clone(&task.metrics),
                is_source: task.inputs.is_none(),
            };
            deployment
                .tasks
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(task.id, running);
            build::spawn(
                &self.environment,
                Arc::clone(&plan),
                task,
                deployment.cancel.clone(),
                reports.clone(),
                ended.clone(),
            )?;
        }
        drop(ended);
        while left > 0 {
            tokio::select! {
                end = ends.recv() => match end {
                    Some(()) => left -= 1,
                    None => break,
                },
                Some(reason) = broken.recv(), if !deployment.cancel.is_cancelled() => {
                    warn!(job = %plan.job, attempt = %plan.attempt, reason, "the deployment is cancelled");
                    if let Some(task) = first {
                        let error = Error::external("exchange", reason);
                        report(&reports, deployment.id, task, task_changed::State::Failed, Some(&error)).await;
                    }
                    deployment.cancel(&self.environment);
                }
            }
        }
        if deployment.cancel.is_cancelled() {
            wired.peers.into_iter().for_each(Peer::abandon);
        } else {
            // Dropped here, behind the last task: what is queued is still sent.
            drop(wired.peers);
        }
        Ok(())
    }

    pub fn cancel(&self, id: u64) {
        let found = self.active().get(&id).cloned();
        if let Some(deployment) = found {
            deployment.cancel(&self.environment);
        }
    }

    /// Stops everything: the JobManager that knew of it is gone.
    pub fn cancel_all(&self) {
        let all: Vec<_> = self.active().values().cloned().collect();
        all.iter().for_each(|deployment| deployment.cancel(&self.environment));
    }

    pub fn start(&self, id: u64) {
        self.tell(id, |_| Some(Event::Start));
    }

    pub fn trigger(&self, id: u64, epoch: Epoch) {
        self.tell(id, |task| task.is_source.then_some(Event::Trigger(epoch)));
    }

    pub fn committed(&self, id: u64, epoch: Epoch) {
        self.tell(id, |_| Some(Event::Committed(epoch)));
    }

    pub fn finish(&self, id: u64) {
        self.tell(id, |task| task.is_source.then_some(Event::Finish));
    }

    fn tell(&self, id: u64, event: impl Fn(&Running) -> Option<Event>) {
        let found = self.active().get(&id).cloned();
        if let Some(deployment) = found {
            for task in deployment.tasks.lock().unwrap_or_else(PoisonError::into_inner).values() {
                if let Some(event) = event(task) {
                    // A task that has ended needs to be told nothing.
                    let _ = task.mailbox.send(event);
                }
            }
        }
    }

    /// What every task has counted so far.
    pub fn report(&self) -> Vec<TaskReport> {
        let all: Vec<_> = self.active().values().cloned().collect();
        all.iter().flat_map(|deployment| deployment.report()).collect()
    }

    pub fn is_idle(&self) -> bool {
        self.active().is_empty()
    }
}

impl Deployment {
    fn report(&self) -> Vec<TaskReport> {
        let tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        tasks
            .iter()
            .map(|(id, task)| task.metrics.report(self.id, *id))
            .collect()
    }

    fn cancel(&self, environment: &Environment) {
        environment.compute.cancel(&self.cancel);
        for task in self.tasks.lock().unwrap_or_else(PoisonError::into_inner).values() {
            let _ = task.mailbox.send(Event::Cancel);
        }
    }
}

/// The report of a task's new state.
fn changed(deployment: u64, task: TaskId, state: task_changed::State, error: Option<&Error>) -> TaskManagerMessage {
    let failure = error.map(|error| Failure::new(task.to_string(), error));
    let (vertex, subtask) = (task.vertex.0.into(), task.subtask.into());
    let change = TaskChanged {
        deployment,
        vertex,
        subtask,
        state: state.into(),
        failure,
    };
    TaskManagerMessage {
        message: Some(task_manager_message::Message::TaskChanged(change)),
    }
}

async fn report(reports: &Reports, deployment: u64, task: TaskId, state: task_changed::State, error: Option<&Error>) {
    // Without a stream there is no JobManager to tell; it has noticed by itself.
    let _ = reports.send(changed(deployment, task, state, error)).await;
}
