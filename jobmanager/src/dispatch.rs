//! All jobs of the cluster: submitting, finding, cancelling, and taking over those of an earlier leader.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use checkpoint::log::{EndState, Event, JobState, list_jobs, read_latest};
use checkpoint::{Cluster, JobLog, Nonces, Store};
use config::{Config, options};
use streaming::operator::Registry;
use streaming::{JobId, Term, Timestamp};
use tokio::task::JoinSet;

use crate::clock::now_ms;
use crate::job::driver;
use crate::job::handle::{JobHandle, Message};
use crate::job::journal::{Committed, Journal, spec_path};
use crate::job::machine::{Failure, Machine, State};
use crate::job::restart::Restarts;
use crate::job::spec::{Document, Spec};
use crate::job::view::JobView;
use crate::schedule::attached::TaskManagers;

/// The longest job that is read, bytes.
const JOB_BYTES: usize = 16 << 20;

/// Why a client's wish is not granted.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    #[error("job {0} is not known here; list the jobs, ended ones too, to see those that are")]
    Unknown(String),
    #[error("{0}")]
    Ambiguous(String),
    #[error("{0}")]
    Invalid(String),
    #[error("job {id} has ended already: it is {state}")]
    Ended { id: JobId, state: &'static str },
    #[error("{0}")]
    Unavailable(String),
}

/// A handle to all jobs; clones share.
#[derive(Clone)]
pub struct Dispatcher {
    inner: Arc<Inner>,
}

struct Inner {
    registry: &'static dyn Registry,
    config: Config,
    store: Store,
    cluster: Cluster,
    term: Term,
    taskmanagers: TaskManagers,
    jobs: Mutex<BTreeMap<JobId, JobHandle>>,
    drivers: Mutex<JoinSet<()>>,
}

impl std::fmt::Debug for Dispatcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dispatcher")
            .field("term", &self.inner.term)
            .finish_non_exhaustive()
    }
}

impl Dispatcher {
    pub fn new(
        registry: &'static dyn Registry,
        config: Config,
        store: Store,
        cluster: Cluster,
        term: Term,
        taskmanagers: TaskManagers,
    ) -> Self {
        let inner = Inner {
            registry,
            config,
            store,
            cluster,
            term,
            taskmanagers,
            jobs: Mutex::default(),
            drivers: Mutex::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    pub fn taskmanagers(&self) -> &TaskManagers {
        &self.inner.taskmanagers
    }

    /// Takes a job in, and starts it. It is durable when this returns.
    ///
    /// * `job` — JSON, all parameters resolved
    /// * `text` — what the user wrote
    /// * `secrets` — values that are never shown
    pub async fn submit(&self, job: String, text: String, secrets: Vec<String>) -> Result<JobId, Refusal> {
        let inner = &*self.inner;
        if job.len().max(text.len()) > JOB_BYTES {
            return Err(Refusal::Invalid(format!("the job is longer than {JOB_BYTES} bytes")));
        }
        let document = Document::new(&job, &text, &secrets, &inner.config).map_err(Refusal::Invalid)?;
        let spec = document.read(inner.registry, &inner.config).map_err(Refusal::Invalid)?;
        let id = JobId(rand::random());
        let toml = toml::to_string(&document).map_err(|error| Refusal::Invalid(error.to_string()))?;
        let unavailable = |error: checkpoint::Error| Refusal::Unavailable(format!("the job is not stored: {error}"));
        let path = spec_path(&inner.cluster, id);
        inner.store.write_own(&path, toml.into()).await.map_err(unavailable)?;
        let submitted = Event::Submitted {
            name: spec.name.clone(),
            spec: 1,
        };
        let (nonces, at) = (Nonces::random(), Timestamp::from_millis(now_ms()));
        let log = JobLog::create(
            &inner.store,
            &inner.cluster,
            id,
            inner.term,
            nonces,
            spec.retained(),
            submitted,
            at,
        );
        let log = log.await.map_err(unavailable)?;
        tracing::info!(job = %id, name = spec.name, "job submitted");
        self.start(id, spec, log, None);
        Ok(id)
    }

    /// Takes over every job that has not ended, and remembers those that have.
    pub async fn recover(&self) -> Result<(), checkpoint::Error> {
        let inner = &*self.inner;
        let mut ended = vec![];
        for id in list_jobs(&inner.store, &inner.cluster).await? {
            let Some(latest) = read_latest(&inner.store, &inner.cluster, id).await? else {
                continue;
            };
            let document = inner.store.read(&spec_path(&inner.cluster, id)).await?;
            match self.read_spec(&document) {
                Err(reason) => tracing::error!(job = %id, reason, "job cannot be taken up: its file is not understood"),
                Ok(spec) if latest.record.state.ended.is_some() => ended.push((id, spec, latest.record.state)),
                Ok(spec) => match self.open(id, &spec).await {
                    Ok((log, committed)) => self.start(id, spec, log, committed),
                    Err(error @ checkpoint::Error::Deposed { .. }) => return Err(error),
                    // One job must not keep the others from running.
                    Err(error) => self.remember_stuck(id, &spec, &latest.record.state, &error),
                },
            }
        }
        ended.sort_by_key(|(_, _, state)| std::cmp::Reverse(state.submitted));
        for (id, spec, state) in ended.into_iter().take(inner.config.get(options::JOB_HISTORY) as usize) {
            self.remember(id, &spec, &state);
        }
        Ok(())
    }

    fn read_spec(&self, bytes: &[u8]) -> Result<Spec, String> {
        let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
        let document: Document = toml::from_str(text).map_err(|error| error.to_string())?;
        document.read(self.inner.registry, &self.inner.config)
    }

    /// Takes over the log of a job, and reads what to restore from.
    async fn open(&self, id: JobId, spec: &Spec) -> Result<(JobLog, Option<Committed>), checkpoint::Error> {
        let inner = &*self.inner;
        let (nonces, at) = (Nonces::random(), Timestamp::from_millis(now_ms()));
        let log = JobLog::take_over(
            &inner.store,
            &inner.cluster,
            id,
            inner.term,
            nonces,
            spec.retained(),
            at,
        )
        .await?;
        let committed = match log.state().latest() {
            Some(commit) => Some(Committed::read(&inner.store, &commit.manifest).await?),
            None => None,
        };
        tracing::info!(job = %id, name = spec.name, epoch = committed.as_ref().map(|one| one.epoch.0), "job taken over");
        Ok((log, committed))
    }

    fn start(&self, id: JobId, spec: Spec, log: JobLog, committed: Option<Committed>) {
        let inner = &*self.inner;
        let machine = Machine::new(spec.shape(), Restarts::new(spec.restart.clone()), log.state().attempt);
        let (handle, messages) = JobHandle::new(view(id, &spec, log.state()));
        let (journal, written) = Journal::open(log, inner.store.clone(), inner.cluster.clone(), spec.retain_on_cancel);
        let start = driver::Start {
            machine,
            graph: spec.graph.clone(),
            term: inner.term,
            checkpoints: spec.checkpoints(),
            retained: spec.retained(),
            committed,
            taskmanagers: inner.taskmanagers.clone(),
            journal,
            written,
        };
        self.insert(handle.clone());
        let mut drivers = inner.drivers.lock().unwrap_or_else(PoisonError::into_inner);
        while drivers.try_join_next().is_some() {}
        drivers.spawn(driver::run(start, handle, messages));
    }

    /// An ended job, shown without a driver.
    fn remember(&self, id: JobId, spec: &Spec, state: &JobState) {
        let mut view = view(id, spec, state);
        if let Some(ended) = &state.ended {
            let end = match ended.end {
                EndState::Finished => State::Finished,
                EndState::Cancelled => State::Cancelled,
                EndState::Failed => State::Failed,
                EndState::Suspended => State::Suspended,
            };
            let at_ms = ended.at.0.div_euclid(1000);
            if !ended.reason.is_empty() {
                view.fail(Failure::external(ended.reason.clone()), at_ms);
            }
            view.enter(end, at_ms);
        }
        self.insert(JobHandle::new(view).0);
    }

    /// A job that cannot be taken up as long as its log or its last checkpoint cannot be read.
    fn remember_stuck(&self, id: JobId, spec: &Spec, state: &JobState, error: &checkpoint::Error) {
        tracing::error!(job = %id, name = spec.name, %error, "job cannot be taken up; it stays as it is until the next start");
        let mut view = view(id, spec, state);
        view.fail(
            Failure::external(format!("the job cannot be taken up: {error}")),
            now_ms(),
        );
        view.enter(State::Suspended, now_ms());
        self.insert(JobHandle::new(view).0);
    }

    /// Remembers a job, and forgets the oldest ended ones that are too many.
    fn insert(&self, handle: JobHandle) {
        let kept = self.inner.config.get(options::JOB_HISTORY) as usize;
        let mut jobs = self.lock();
        jobs.insert(handle.id, handle);
        let mut ended: Vec<(i64, JobId)> = jobs
            .values()
            .filter_map(|job| Some((job.view().ended_ms()?, job.id)))
            .collect();
        ended.sort_unstable();
        let surplus = ended.len().saturating_sub(kept);
        for (_, id) in &ended[..surplus] {
            jobs.remove(id);
        }
    }

    /// All jobs, the newest first.
    pub fn jobs(&self) -> Vec<JobHandle> {
        let mut jobs: Vec<JobHandle> = self.lock().values().cloned().collect();
        jobs.sort_by_cached_key(|job| std::cmp::Reverse(job.view().submitted_ms));
        jobs
    }

    pub fn find_id(&self, id: JobId) -> Result<JobHandle, Refusal> {
        let found = self.lock().get(&id).cloned();
        found.ok_or_else(|| Refusal::Unknown(id.to_string()))
    }

    /// A job by its id, by the unique beginning of one, or by a unique name. Of several of one name, the only one that has
    /// not ended is meant.
    pub fn find(&self, wanted: &str) -> Result<JobHandle, Refusal> {
        let wanted = wanted.trim();
        if let Ok(id) = wanted.parse() {
            return self.find_id(id);
        }
        let jobs = self.jobs();
        let named: Vec<_> = jobs.iter().filter(|job| *job.name == *wanted).collect();
        let active: Vec<_> = named.iter().copied().filter(|job| !job.view().state.is_end()).collect();
        let prefix = wanted.to_lowercase();
        let started: Vec<_> = jobs
            .iter()
            .filter(|job| !prefix.is_empty() && job.id.to_string().starts_with(&prefix))
            .collect();
        for found in [&active, &named, &started] {
            match found[..] {
                [] => {}
                [one] => return Ok(one.clone()),
                _ => {
                    let ids: Vec<String> = found.iter().map(|job| job.id.to_string()).collect();
                    let message = format!("{wanted} names {} jobs; say which: {}", found.len(), ids.join(", "));
                    return Err(Refusal::Ambiguous(message));
                }
            }
        }
        Err(Refusal::Unknown(wanted.to_owned()))
    }

    /// Tells a job to stop. A job that is cancelled already is left alone.
    pub async fn cancel(&self, job: &JobHandle) -> Result<(), Refusal> {
        let (state, word) = {
            let view = job.view();
            (view.state, view.flink_state())
        };
        match state {
            State::Cancelled => Ok(()),
            State::Finished | State::Failed | State::Suspended => Err(Refusal::Ended {
                id: job.id,
                state: word,
            }),
            _ => {
                tracing::info!(job = %job.id, "cancellation asked for");
                job.tell(Message::Cancel).await;
                Ok(())
            }
        }
    }

    /// Stops to drive all jobs; whoever leads next takes them up. Waits for drivers no longer than `patience`.
    pub async fn suspend(&self, patience: Duration) {
        for job in self.jobs() {
            if !job.view().state.is_end() {
                job.tell(Message::Suspend).await;
            }
        }
        let mut drivers = std::mem::take(&mut *self.inner.drivers.lock().unwrap_or_else(PoisonError::into_inner));
        let all = async { while drivers.join_next().await.is_some() {} };
        if tokio::time::timeout(patience, all).await.is_err() {
            tracing::warn!("not all jobs could be suspended in time; the next leader restores them all the same");
        }
    }

    /// A panic under the lock leaves the map whole: each change is one insertion or removal.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<JobId, JobHandle>> {
        self.inner.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a job's log tells of it, to be shown.
fn view(id: JobId, spec: &Spec, state: &JobState) -> JobView {
    let submitted_ms = state.submitted.0.div_euclid(1000);
    let (name, graph, settings) = (spec.name.clone(), spec.graph.clone(), spec.settings.clone());
    let mut view = JobView::new(id, name, graph, settings, submitted_ms);
    view.attempt = state.attempt;
    view
}
