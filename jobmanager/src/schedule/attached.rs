//! The TaskManagers that are attached, their slots, and the ways to jobs and to them. Locks are held for moments and never
//! across an await.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use proto::{Heartbeat, JobManagerMessage, Register, job_manager_message};
use streaming::JobId;
use tokio::sync::{mpsc, watch};

use super::assign::Shortage;
use super::pool::Pool;
use super::{Slots, TaskManagerId};
use crate::clock::now_ms;
use crate::job::handle::JobHandle;
use crate::web::view::cluster::TaskManagerView;

/// Messages that may wait for a TaskManager. One that does not take so many is as good as lost.
pub const OUTGOING: usize = 1024;
/// How many reasons of losses are remembered.
const LOSSES: usize = 64;

/// One stream of one TaskManager; another stream of the same process has another number.
pub type Session = u64;

/// A slot's TaskManager and the stream it was attached by when the slot was taken.
pub type Seat = (TaskManagerId, Session);

/// A handle to all TaskManagers; clones share.
#[derive(Debug, Clone)]
pub struct TaskManagers {
    inner: Arc<Mutex<Inner>>,
    changed: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Inner {
    pool: Pool,
    attached: BTreeMap<TaskManagerId, Attached>,
    /// Why sessions ended, newest last.
    losses: Vec<(Session, String)>,
    routes: HashMap<u64, JobHandle>,
    last_session: Session,
}

#[derive(Debug)]
struct Attached {
    session: Session,
    register: Register,
    outgoing: mpsc::Sender<JobManagerMessage>,
    heartbeat: Heartbeat,
    heard_ms: i64,
    cpu_load: f64,
    beat_at: Option<Instant>,
}

impl Default for TaskManagers {
    fn default() -> Self {
        Self {
            inner: Arc::default(),
            changed: watch::Sender::new(0),
        }
    }
}

impl TaskManagers {
    /// A TaskManager has opened a stream. An older stream of it is thereby lost.
    pub fn attach(&self, register: Register, outgoing: mpsc::Sender<JobManagerMessage>) -> Session {
        let mut inner = self.lock();
        let id = register.taskmanager_id.clone();
        if let Some(old) = inner.attached.get(&id).map(|old| old.session) {
            inner.lose(old, "it has opened a new stream".into());
        }
        inner.last_session += 1;
        let session = inner.last_session;
        inner.pool.offer(id.clone(), register.slots as usize);
        let attached = Attached {
            session,
            register,
            outgoing,
            heartbeat: Heartbeat::default(),
            heard_ms: now_ms(),
            cpu_load: 0.0,
            beat_at: None,
        };
        inner.attached.insert(id, attached);
        drop(inner);
        self.notify();
        session
    }

    /// A stream has ended. Does nothing if a newer one of the same TaskManager is there.
    pub fn detach(&self, session: Session, why: String) {
        self.lock().lose(session, why);
        self.notify();
    }

    /// Ends all streams: this JobManager goes.
    pub fn cut_all(&self) {
        let sessions: Vec<Session> = self.lock().attached.values().map(|one| one.session).collect();
        for session in sessions {
            self.detach(session, "this JobManager stops".into());
        }
    }

    /// Changes whenever TaskManagers or slots come or go.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    fn notify(&self) {
        self.changed.send_modify(|version| *version += 1);
    }

    /// Takes slots for a job, in place of those it holds.
    pub fn take(&self, job: JobId, needed: usize, previous: &[TaskManagerId]) -> Result<Vec<Seat>, Shortage> {
        let mut inner = self.lock();
        let slots: Slots = inner.pool.take(job, needed, previous)?;
        let session = |id: &TaskManagerId| inner.attached.get(id).map_or(0, |one| one.session);
        Ok(slots.into_iter().map(|id| (id.clone(), session(&id))).collect())
    }

    /// Gives the slots of a job back, and forgets its deployment.
    pub fn release(&self, job: JobId, deployment: u64) {
        let mut inner = self.lock();
        inner.pool.release(job);
        inner.routes.remove(&deployment);
        drop(inner);
        self.notify();
    }

    /// Why a seat is no longer there; nothing while it is.
    pub fn loss_of(&self, (id, session): &Seat) -> Option<String> {
        let inner = self.lock();
        if inner.attached.get(id).is_some_and(|one| one.session == *session) {
            return None;
        }
        let loss = inner.losses.iter().rev().find(|(lost, _)| lost == session);
        Some(loss.map_or_else(|| "it is not attached".to_owned(), |(_, why)| why.clone()))
    }

    /// Host and port of a TaskManager's exchange.
    pub fn address(&self, id: &str) -> Option<String> {
        let inner = self.lock();
        let register = &inner.attached.get(id)?.register;
        Some(format!("{}:{}", register.host, register.data_port))
    }

    /// Sends a message to a TaskManager by the stream the seat was taken on. One whose queue is full is cut off.
    pub fn send(&self, (id, session): &Seat, message: job_manager_message::Message) {
        let mut inner = self.lock();
        let Some(one) = inner.attached.get(id).filter(|one| one.session == *session) else {
            return;
        };
        let message = JobManagerMessage { message: Some(message) };
        if one.outgoing.try_send(message).is_err() {
            inner.lose(*session, format!("it has not taken the last {OUTGOING} messages"));
            drop(inner);
            self.notify();
        }
    }

    /// From now on, `job` hears what is said of `deployment`.
    pub fn route(&self, deployment: u64, job: JobHandle) {
        self.lock().routes.insert(deployment, job);
    }

    pub fn unroute(&self, deployment: u64) {
        self.lock().routes.remove(&deployment);
    }

    /// The job that a deployment is of.
    pub fn job_of(&self, deployment: u64) -> Option<JobHandle> {
        self.lock().routes.get(&deployment).cloned()
    }

    /// Takes in what a heartbeat says of the process.
    pub fn beat(&self, id: &str, heartbeat: Heartbeat) {
        let mut inner = self.lock();
        let Some(one) = inner.attached.get_mut(id) else { return };
        let now = Instant::now();
        let elapsed = one.beat_at.map_or(0.0, |at| now.duration_since(at).as_secs_f64());
        if elapsed > 0.1 {
            one.cpu_load = ((heartbeat.cpu_seconds - one.heartbeat.cpu_seconds) / elapsed).max(0.0);
        }
        one.beat_at = Some(now);
        one.heard_ms = now_ms();
        one.heartbeat = Heartbeat {
            tasks: vec![],
            shown: vec![],
            ..heartbeat
        };
    }

    pub fn views(&self) -> Vec<TaskManagerView> {
        let inner = self.lock();
        let free = inner.pool.free();
        let view = |(id, one): (&TaskManagerId, &Attached)| TaskManagerView {
            id: id.clone(),
            host: one.register.host.clone(),
            data_port: one.register.data_port,
            slots: one.register.slots as usize,
            free_slots: free.get(id).copied().unwrap_or(0),
            cpu_cores: one.register.cpu_cores,
            memory_bytes: one.register.memory_bytes,
            pid: one.register.pid,
            heard_ms: one.heard_ms,
            resident_bytes: one.heartbeat.resident_bytes,
            cpu_seconds: one.heartbeat.cpu_seconds,
            cpu_load: one.cpu_load,
            jobs: inner.pool.holders(id),
        };
        inner.attached.iter().map(view).collect()
    }

    /// A panic under the lock leaves counts that are still whole: each change is one insertion or removal.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn lose(&mut self, session: Session, why: String) {
        let found = self.attached.iter().find(|(_, one)| one.session == session);
        let Some(id) = found.map(|(id, _)| id.clone()) else {
            return;
        };
        tracing::warn!(taskmanager = %id, why, "TaskManager lost");
        self.attached.remove(&id);
        self.pool.withdraw(&id);
        self.losses.push((session, why));
        if self.losses.len() > LOSSES {
            self.losses.remove(0);
        }
    }
}
