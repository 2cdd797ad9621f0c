//! Reading and appending to a job's log.

use std::time::Duration;

use bytes::Bytes;
use streaming::{JobId, Retry, Term, Timestamp};

use super::decide::{Action, Found, decide};
use super::{Event, JobState, Nonce, Record, VERSION};
use crate::error::{Error, Result};
use crate::path::{Cluster, Object, ObjectPath, Position};
use crate::store::{Created, Nonces, Store};

/// How often one call tries the same position before it hands the decision to wait back to its caller.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_millis(if cfg!(test) { 0 } else { 50 });

/// The last record of a log.
#[derive(Debug, Clone, PartialEq)]
pub struct Latest {
    pub position: Position,
    pub record: Record,
}

/// The jobs of a cluster that have a folder, in the order of their ids. A folder may still be without a log.
pub async fn list_jobs(store: &Store, cluster: &Cluster) -> Result<Vec<JobId>> {
    let folders = store.folders(&cluster.jobs()).await?;
    Ok(folders.iter().filter_map(|name| name.parse().ok()).collect())
}

/// The last record of a job's log; `None` if there is none.
pub async fn read_latest(store: &Store, cluster: &Cluster, job: JobId) -> Result<Option<Latest>> {
    let folder = cluster.log(job);
    for _ in 0..TRIES {
        let positions = store.list(&folder).await?;
        let Some(position) = positions
            .iter()
            .rev()
            .find_map(|listed| position_of(cluster, &listed.path))
        else {
            return Ok(None);
        };
        match read_record(store, cluster, job, position).await {
            Ok(record) => return Ok(Some(Latest { position, record })),
            // Dropped since it was listed: there are newer ones.
            Err(Error::NotFound { .. }) => tokio::time::sleep(PAUSE).await,
            Err(error) => return Err(error),
        }
    }
    Err(Error::damaged(&folder, "its records vanish while they are read"))
}

async fn read_record(store: &Store, cluster: &Cluster, job: JobId, position: Position) -> Result<Record> {
    let path = cluster.path(&Object::Log { job, position });
    let bytes = store.read(&path).await?;
    let record: Record = serde_json::from_slice(&bytes).map_err(|error| Error::damaged(&path, error))?;
    if record.version == 0 || record.version > VERSION {
        let reason = format!(
            "version {} is not known here; a newer Bettiflow wrote it",
            record.version
        );
        return Err(Error::damaged(&path, reason));
    }
    Ok(record)
}

fn position_of(cluster: &Cluster, path: &ObjectPath) -> Option<Position> {
    match cluster.parse(path) {
        Some(Object::Log { position, .. }) => Some(position),
        _ => None,
    }
}

/// A job's log in the hands of the leader of one term.
///
/// An append is either in the log or refused because we are deposed; it is never given up in between. When its outcome is
/// unknown, [`Error::Unsettled`] is returned and [`JobLog::settle`] goes on with it, as does the next append.
#[derive(Debug)]
pub struct JobLog {
    store: Store,
    cluster: Cluster,
    job: JobId,
    term: Term,
    nonces: Nonces,
    retained: usize,
    /// Where the next record goes.
    next: Position,
    state: JobState,
    /// Written at `next`, outcome unknown.
    pending: Option<Record>,
    deposed: Option<Term>,
}

impl JobLog {
    /// Starts the log of a new job: its first record is `Submitted`. The job file must be stored already. On
    /// [`Error::Unsettled`] the same call may be made again.
    ///
    /// * `retained` — how many commits are kept, at least 1
    #[allow(clippy::too_many_arguments)]
    pub async fn create(
        store: &Store,
        cluster: &Cluster,
        job: JobId,
        term: Term,
        nonces: Nonces,
        retained: usize,
        submitted: Event,
        at: Timestamp,
    ) -> Result<Self> {
        let mut log = Self::new(store, cluster, job, term, nonces, retained);
        match read_latest(store, cluster, job).await? {
            None => {
                log.append(submitted, at).await?;
            }
            // An earlier call of ours, whose outcome was unknown, has got there.
            Some(latest) if latest.record.term == term && latest.record.event == submitted => log.take_in(latest),
            Some(_) => return Err(Error::JobExists { job }),
        }
        Ok(log)
    }

    /// Takes over the log of a job that exists, by appending `TookOver`. From then on no leader of a lower term can append.
    /// [`JobLog::state`] then holds all that any predecessor has committed. On [`Error::Unsettled`] the same call may be made
    /// again.
    pub async fn take_over(
        store: &Store,
        cluster: &Cluster,
        job: JobId,
        term: Term,
        nonces: Nonces,
        retained: usize,
        at: Timestamp,
    ) -> Result<Self> {
        let mut log = Self::new(store, cluster, job, term, nonces, retained);
        let Some(latest) = read_latest(store, cluster, job).await? else {
            return Err(Error::NoLog { job });
        };
        let by = latest.record.term;
        // An earlier call of ours, whose outcome was unknown, has got there.
        let ours_already = by == term && latest.record.event == Event::TookOver;
        if by >= term && !ours_already {
            let ours = term;
            return Err(Error::Deposed { job, ours, by });
        }
        log.take_in(latest);
        if !ours_already {
            log.append(Event::TookOver, at).await?;
        }
        Ok(log)
    }

    fn new(store: &Store, cluster: &Cluster, job: JobId, term: Term, nonces: Nonces, retained: usize) -> Self {
        Self {
            store: store.clone(),
            cluster: cluster.clone(),
            job,
            term,
            nonces,
            retained,
            next: Position::FIRST,
            state: JobState::default(),
            pending: None,
            deposed: None,
        }
    }

    fn take_in(&mut self, latest: Latest) {
        self.next = latest.position.next();
        self.state = latest.record.state;
    }

    pub fn job(&self) -> JobId {
        self.job
    }

    pub fn term(&self) -> Term {
        self.term
    }

    /// What the log says, without a record that is not settled.
    pub fn state(&self) -> &JobState {
        &self.state
    }

    /// Where the next record goes.
    pub fn next_position(&self) -> Position {
        self.next
    }

    /// Whether there is a record whose outcome is unknown.
    pub fn is_unsettled(&self) -> bool {
        self.pending.is_some()
    }

    /// Appends a record and returns its position. An unsettled record goes first.
    pub async fn append(&mut self, event: Event, at: Timestamp) -> Result<Position> {
        self.settle().await?;
        let record = self.record(event, at)?;
        self.pending = Some(record);
        self.settle().await
    }

    fn record(&mut self, event: Event, at: Timestamp) -> Result<Record> {
        let refused = |reason| Error::internal(format!("log of job {}", self.job), reason);
        let state = self.state.after(&event, at, self.retained).map_err(refused)?;
        Ok(Record {
            version: VERSION,
            term: self.term,
            nonce: Nonce(self.nonces.draw()),
            at,
            event,
            state,
        })
    }

    /// Brings an unsettled record to its end; returns the position of the last record. Free if there is none.
    pub async fn settle(&mut self) -> Result<Position> {
        if let Some(by) = self.deposed {
            return Err(self.deposed_by(by));
        }
        let mut tries = 0;
        while let Some(record) = self.pending.clone() {
            let (found, cause) = self.try_create(&record).await?;
            match decide(self.term, record.nonce, found.kind()) {
                Action::GoOn => {
                    self.refuse_dropped_position().await?;
                    self.next = self.next.next();
                    self.state = record.state;
                    self.pending = None;
                }
                Action::Stop { by } => return Err(self.deposed_by(by)),
                Action::TakeIn => self.take_in_and_renew(found, record)?,
                Action::TryAgain => {
                    tries += 1;
                    if tries == TRIES {
                        return Err(self.unsettled(cause));
                    }
                    tokio::time::sleep(PAUSE * tries).await;
                }
            }
        }
        Ok(Position(self.next.0.saturating_sub(1)))
    }

    /// One try at `next`: create, and read where the store does not say that the record is ours. Errors that retrying
    /// cannot help are returned; the record stays unsettled all the same, since an earlier try may have got there.
    async fn try_create(&mut self, record: &Record) -> Result<(Seen, Option<Error>)> {
        let (job, position) = (self.job, self.next);
        let path = self.cluster.path(&Object::Log { job, position });
        let bytes: Bytes = serde_json::to_vec(record)
            .map_err(|error| Error::internal(path.as_str(), error))?
            .into();
        let cause = match self.store.create_if_absent(&path, bytes).await {
            Ok(Created::New) => return Ok((Seen::Created, None)),
            Ok(Created::Exists) => None,
            Err(error) => Some(error),
        };
        match read_record(&self.store, &self.cluster, job, position).await {
            Ok(record) => Ok((Seen::Record(Box::new(record)), None)),
            Err(error @ Error::Damaged { .. }) => Err(error),
            // Not there (yet), or the store is ailing.
            Err(error) => match cause {
                Some(cause) if cause.retry() == Retry::Never => Err(cause),
                cause => Ok((Seen::Unknown, cause.or(Some(error)))),
            },
        }
    }

    /// A position far behind may be free again because its record was dropped. Creating there proves nothing: whoever drops
    /// records has written later ones, and these are looked for.
    async fn refuse_dropped_position(&mut self) -> Result<()> {
        let (job, position) = (self.job, self.next);
        let path = self.cluster.path(&Object::Log { job, position });
        let later = match self.store.list_after(&self.cluster.log(job), &path).await {
            Ok(later) => later,
            Err(error) => return Err(self.unsettled(Some(error))),
        };
        let Some(last) = later
            .iter()
            .rev()
            .find_map(|listed| position_of(&self.cluster, &listed.path))
        else {
            return Ok(());
        };
        let by = match read_record(&self.store, &self.cluster, job, last).await {
            Ok(record) => record.term,
            Err(error) => return Err(self.unsettled(Some(error))),
        };
        Err(self.deposed_by(by))
    }

    fn take_in_and_renew(&mut self, seen: Seen, ours: Record) -> Result<()> {
        let Seen::Record(record) = seen else {
            return Err(Error::internal("job log", "took in a record that was not read"));
        };
        let position = self.next;
        self.take_in(Latest {
            position,
            record: *record,
        });
        self.pending = None;
        let renewed = self.record(ours.event, ours.at)?;
        self.pending = Some(renewed);
        Ok(())
    }

    fn deposed_by(&mut self, by: Term) -> Error {
        self.deposed = Some(by);
        let (job, ours) = (self.job, self.term);
        Error::Deposed { job, ours, by }
    }

    fn unsettled(&self, cause: Option<Error>) -> Error {
        let (job, position) = (self.job, self.next);
        let path = self.cluster.path(&Object::Log { job, position });
        let missing = || Error::NotFound { path: path.clone() };
        Error::Unsettled {
            job,
            source: Box::new(cause.unwrap_or_else(missing)),
            path,
        }
    }

    /// Drops all but the last `keep` records (at least one stays). Oldest first, so that positions stay dense.
    pub async fn prune(&self, keep: usize) -> Result<u64> {
        let listed = self.store.list(&self.cluster.log(self.job)).await?;
        let positions = listed
            .iter()
            .filter(|one| position_of(&self.cluster, &one.path).is_some());
        let paths: Vec<_> = positions.map(|one| &one.path).collect();
        let old = paths.len().saturating_sub(keep.max(1));
        for path in &paths[..old] {
            self.store.delete(path).await?;
        }
        Ok(old as u64)
    }
}

/// What a try at a position has shown.
enum Seen {
    Created,
    Record(Box<Record>),
    Unknown,
}

impl Seen {
    fn kind(&self) -> Found {
        match self {
            Self::Created => Found::Created,
            Self::Record(record) => Found::Record {
                term: record.term,
                nonce: record.nonce,
            },
            Self::Unknown => Found::Unknown,
        }
    }
}
