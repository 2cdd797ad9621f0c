//! Deleting what no kept checkpoint needs.

use std::collections::HashSet;

use streaming::{Attempt, Epoch, JobId};
use tracing::{debug, warn};

use crate::error::{Error, Result};
use crate::log::JobState;
use crate::manifest::Manifest;
use crate::path::{Cluster, Object, ObjectPath};
use crate::store::Store;

/// What must stay, and from when on objects may belong to checkpoints that are still being made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reachable {
    /// The kept manifests and all that they name.
    paths: HashSet<ObjectPath>,
    /// The oldest kept checkpoint; nothing is collected by age while there is none.
    oldest: Option<Epoch>,
    /// The attempt that may be writing now. Earlier ones are dead.
    live: Attempt,
}

impl Reachable {
    /// `kept` are the manifests of all commits that `state` lists.
    pub fn new(cluster: &Cluster, kept: &[Manifest], live: Attempt) -> Self {
        let mut paths: HashSet<_> = kept.iter().flat_map(|manifest| manifest.objects().cloned()).collect();
        paths.extend(kept.iter().map(|manifest| manifest.path(cluster)));
        Self {
            paths,
            oldest: kept.iter().map(|manifest| manifest.epoch).min(),
            live,
        }
    }

    /// Whether `path` may be deleted: no kept manifest names it, and its epoch is older than the oldest kept one or its
    /// attempt is dead. Anything but state objects and manifests stays.
    pub fn may_go(&self, cluster: &Cluster, path: &ObjectPath) -> bool {
        if self.paths.contains(path) {
            return false;
        }
        let (epoch, attempt) = match cluster.parse(path) {
            Some(Object::State(state)) => (state.epoch, state.attempt),
            Some(Object::Manifest { epoch, attempt, .. }) => (epoch, attempt),
            _ => return false,
        };
        attempt < self.live || self.oldest.is_some_and(|oldest| epoch < oldest)
    }
}

/// What a collection did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Collected {
    pub objects: u64,
    pub bytes: u64,
    /// Could not be deleted now; the next collection tries again.
    pub failed: u64,
}

/// Deletes every object of a job that may go, given the state of its log.
///
/// To be called by the leader of the job after a commit, never twice at once. Reads the kept manifests first and deletes
/// nothing if one of them cannot be read. Objects that are gone already do not matter; the first object that cannot be
/// deleted ends the collection, so that an ailing store is left in peace.
pub async fn collect(store: &Store, cluster: &Cluster, job: JobId, state: &JobState) -> Result<Collected> {
    let mut kept = Vec::with_capacity(state.commits.len());
    for commit in &state.commits {
        kept.push(Manifest::read(store, &commit.manifest).await?);
    }
    let reachable = Reachable::new(cluster, &kept, state.attempt);
    let mut collected = Collected::default();
    for folder in [cluster.state(job), cluster.manifests(job)] {
        for object in store.list(&folder).await? {
            if !reachable.may_go(cluster, &object.path) {
                continue;
            }
            match store.delete(&object.path).await {
                Ok(()) => {
                    debug!(%job, path = %object.path, "object collected");
                    collected.objects += 1;
                    collected.bytes += object.bytes;
                }
                Err(error) => {
                    warn!(%job, %error, "collection of old checkpoints put off");
                    collected.failed += 1;
                    return Ok(collected);
                }
            }
        }
    }
    Ok(collected)
}

/// Deletes everything of an ended job but its log, its job file and its savepoints: what `delete on cancellation` means.
pub async fn delete_checkpoints(store: &Store, cluster: &Cluster, job: JobId, state: &JobState) -> Result<Collected> {
    if state.ended.is_none() {
        return Err(Error::internal(
            format!("job {job}"),
            "its checkpoints are deleted while it runs",
        ));
    }
    let mut collected = Collected::default();
    for folder in [cluster.manifests(job), cluster.state(job)] {
        for object in store.list(&folder).await? {
            store.delete(&object.path).await?;
            collected.objects += 1;
            collected.bytes += object.bytes;
        }
    }
    Ok(collected)
}
