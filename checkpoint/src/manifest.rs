//! What one checkpoint consists of: everything that is needed to restore it, without a chain to follow.

use std::collections::{BTreeMap, HashSet};

use serde::{Deserialize, Serialize};
use streaming::key::KeyGroupRange;
use streaming::{Attempt, Epoch, JobId, OperatorId, SubtaskIndex, Timestamp};

use crate::error::{Error, Result};
use crate::list::ListRef;
use crate::path::{Cluster, Object, ObjectPath, SegmentKind};
use crate::store::Store;

/// The version of manifests that is written, and the newest that is read.
pub const VERSION: u32 = 1;

/// A checkpoint of a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    pub version: u32,
    pub job: JobId,
    pub epoch: Epoch,
    pub attempt: Attempt,
    /// The checkpoint before it; `None` for a job's first.
    pub parent: Option<Epoch>,
    pub key_groups: u16,
    /// Whether records in flight are part of it. Such a checkpoint restores at its own parallelism only.
    pub unaligned: bool,
    pub triggered: Timestamp,
    /// From the trigger to the last acknowledgement.
    pub duration_ms: u64,
    pub operators: BTreeMap<OperatorId, OperatorState>,
}

/// The state of one operator at the cut.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct OperatorState {
    /// One per subtask, in the order of their indices: its length is the parallelism at the cut.
    pub subtasks: Vec<SubtaskState>,
}

/// The state of one subtask at the cut: what it acknowledges.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SubtaskState {
    #[serde(default, skip_serializing_if = "KeyedChain::is_empty")]
    pub keyed: KeyedChain,
    /// The list of a source's splits, or what a sink has sealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list: Option<ListRef>,
    /// Further objects that the state refers to: sealed output that may not be published, records in flight.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub objects: Vec<SegmentRef>,
    pub watermark: Timestamp,
}

impl Default for SubtaskState {
    fn default() -> Self {
        Self {
            keyed: KeyedChain::default(),
            list: None,
            objects: Vec::new(),
            watermark: Timestamp::MIN,
        }
    }
}

/// What one task acknowledges: the state of every operator of its chain in its subtask.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TaskState {
    pub operators: BTreeMap<OperatorId, SubtaskState>,
}

/// A stored object and how to know that it is the right one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentRef {
    pub path: ObjectPath,
    pub kind: SegmentKind,
    pub bytes: u64,
    pub rows: u64,
    /// Of a base or delta: the trailer's checksum, which covers the whole. Of any other object: of all its bytes.
    pub crc32c: u32,
    /// The key groups of the subtask that wrote it.
    pub groups: KeyGroupRange,
}

impl SubtaskState {
    /// The paths of all objects that this state needs.
    pub fn objects(&self) -> impl Iterator<Item = &ObjectPath> {
        let keyed = self.keyed.segments().into_iter();
        let segments = keyed.chain(&self.objects).map(|segment| &segment.path);
        segments.chain(self.list.as_ref().and_then(ListRef::path))
    }

    pub fn bytes(&self) -> u64 {
        let keyed = self.keyed.segments().into_iter();
        let segments: u64 = keyed.chain(&self.objects).map(|segment| segment.bytes).sum();
        segments + self.list.as_ref().map_or(0, ListRef::bytes)
    }
}

/// The segments that make up the keyed rows of one subtask: what it restored from, and what it has written since.
///
/// After a rescale it has several parts, as a segment from before may be shared by subtasks whose later deltas differ:
/// read for the wrong groups, it would undo them. The next base makes it one part again.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyedChain {
    /// Disjoint in their key groups.
    parts: Vec<KeyedPart>,
}

/// The rows of `groups`, from segments that may hold others too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyedPart {
    pub groups: KeyGroupRange,
    /// In the order in which they are applied: a base, then deltas.
    pub segments: Vec<SegmentRef>,
}

impl KeyedChain {
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    pub fn parts(&self) -> &[KeyedPart] {
        &self.parts
    }

    /// Adds what one epoch changed. `groups` are those of the subtask.
    pub fn push_deltas(&mut self, groups: KeyGroupRange, deltas: &[SegmentRef]) {
        if deltas.is_empty() {
            return;
        }
        // Groups that had no rows so far have no part either.
        let mut covered = groups.start();
        let mut gaps = Vec::new();
        self.parts.sort_unstable_by_key(|part| part.groups.start());
        for part in &mut self.parts {
            gaps.extend(groups.between(covered, part.groups.start()));
            covered = part.groups.end();
            part.segments.extend_from_slice(deltas);
        }
        gaps.extend(groups.between(covered, groups.end()));
        let segments = deltas.to_vec();
        let part = |groups| KeyedPart {
            groups,
            segments: segments.clone(),
        };
        self.parts.extend(gaps.into_iter().map(part));
    }

    /// Replaces everything by all rows, written at once: none if there are no rows.
    pub fn replace_by_base(&mut self, groups: KeyGroupRange, base: Vec<SegmentRef>) {
        self.parts.clear();
        if !base.is_empty() {
            self.parts.push(KeyedPart { groups, segments: base });
        }
    }

    /// The longest way from a base to the latest row: when it exceeds `state.max-deltas`, it is time for a base.
    pub fn deltas(&self) -> usize {
        let deltas = |part: &KeyedPart| {
            part.segments
                .iter()
                .filter(|one| one.kind == SegmentKind::Delta)
                .count()
        };
        self.parts.iter().map(deltas).max().unwrap_or(0)
    }

    /// Every segment once.
    pub fn segments(&self) -> Vec<&SegmentRef> {
        let mut seen = HashSet::new();
        let all = self.parts.iter().flat_map(|part| &part.segments);
        all.filter(|segment| seen.insert(&segment.path)).collect()
    }

    /// What of it belongs to `groups`.
    fn restricted(&self, groups: KeyGroupRange) -> impl Iterator<Item = KeyedPart> {
        self.parts.iter().filter_map(move |part| {
            let groups = part.groups.intersect(groups);
            let segments = part.segments.clone();
            (!groups.is_empty()).then_some(KeyedPart { groups, segments })
        })
    }
}

impl OperatorState {
    pub fn parallelism(&self) -> u16 {
        self.subtasks.len() as u16
    }
}

/// What one subtask, of a new parallelism perhaps, takes from a checkpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Restore {
    /// What the subtask's own chain starts with.
    pub keyed: KeyedChain,
    /// The lists of *all* subtasks at the cut: a source or sink takes from them what it owns.
    pub lists: Vec<ListRef>,
    /// The same subtask's own objects if the parallelism is the same; else those of all subtasks.
    pub objects: Vec<SegmentRef>,
    /// No record before it is still to come.
    pub watermark: Timestamp,
}

impl Manifest {
    /// What subtask `subtask` of `parallelism` of an operator has to read; `None` if the checkpoint knows no such operator.
    pub fn restore_of(&self, operator: &str, parallelism: u16, subtask: SubtaskIndex) -> Option<Restore> {
        let state = self.operators.get(operator)?;
        let owned = KeyGroupRange::of_subtask(self.key_groups, parallelism, subtask);
        let same = state.parallelism() == parallelism;
        let mut restore = Restore {
            keyed: KeyedChain::default(),
            lists: Vec::new(),
            objects: Vec::new(),
            watermark: Timestamp::MAX,
        };
        for (index, old) in state.subtasks.iter().enumerate() {
            restore.keyed.parts.extend(old.keyed.restricted(owned));
            restore.lists.extend(old.list.clone());
            let mine = index == usize::from(subtask);
            if mine || !same {
                restore.objects.extend(old.objects.iter().cloned());
                restore.watermark = restore.watermark.min(old.watermark);
            }
        }
        if state.subtasks.is_empty() {
            restore.watermark = Timestamp::MIN;
        }
        Some(restore)
    }

    /// The paths of all objects that this checkpoint needs, without its own.
    pub fn objects(&self) -> impl Iterator<Item = &ObjectPath> {
        let subtasks = self.operators.values().flat_map(|operator| &operator.subtasks);
        subtasks.flat_map(SubtaskState::objects)
    }

    /// The size of the state, counting what several checkpoints share.
    pub fn bytes(&self) -> u64 {
        let subtasks = self.operators.values().flat_map(|operator| &operator.subtasks);
        subtasks.map(SubtaskState::bytes).sum()
    }

    /// The bytes that this checkpoint has written itself: objects of its own epoch.
    pub fn new_bytes(&self, cluster: &Cluster) -> u64 {
        let subtasks = self.operators.values().flat_map(|operator| &operator.subtasks);
        let segments = subtasks.flat_map(|subtask| subtask.keyed.segments().into_iter().chain(&subtask.objects));
        let own = |segment: &&SegmentRef| match cluster.parse(&segment.path) {
            Some(Object::State(state)) => state.epoch == self.epoch && state.attempt == self.attempt,
            _ => false,
        };
        segments.filter(own).map(|segment| segment.bytes).sum()
    }

    pub fn path(&self, cluster: &Cluster) -> ObjectPath {
        let Self {
            job, epoch, attempt, ..
        } = *self;
        cluster.path(&Object::Manifest { job, epoch, attempt })
    }

    /// Writes the manifest. The checkpoint exists only once the job's log says so. Each epoch of an attempt is cut once, so
    /// nobody writes another manifest of that name.
    pub async fn write(&self, store: &Store, cluster: &Cluster) -> Result<ObjectPath> {
        let path = self.path(cluster);
        let bytes = serde_json::to_vec(self).map_err(|error| Error::internal(path.as_str(), error))?;
        store.write_own(&path, bytes.into()).await?;
        Ok(path)
    }

    pub async fn read(store: &Store, path: &ObjectPath) -> Result<Self> {
        let bytes = store.read(path).await?;
        Self::parse(&bytes).map_err(|reason| Error::damaged(path, reason))
    }

    /// Reads JSON and checks that it makes sense.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let Versioned { version } = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        if version == 0 || version > VERSION {
            return Err(format!(
                "version {version} is not known here; a newer Bettiflow wrote it"
            ));
        }
        let manifest: Self = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        if manifest.key_groups == 0 {
            return Err("it has no key groups".into());
        }
        let parallelism = |operator: &OperatorState| operator.subtasks.len();
        match manifest
            .operators
            .iter()
            .find(|(_, state)| parallelism(state) > usize::from(u16::MAX))
        {
            Some((id, state)) => Err(format!("operator {id} has {} subtasks", parallelism(state))),
            None => Ok(manifest),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(name: &str) -> SegmentRef {
        SegmentRef {
            path: ObjectPath::new(name),
            kind: SegmentKind::Base,
            bytes: 10,
            rows: 1,
            crc32c: 7,
            groups: KeyGroupRange::of_subtask(8, 1, 0),
        }
    }

    fn manifest() -> Manifest {
        let subtask = |index, name: &str, watermark| {
            let mut keyed = KeyedChain::default();
            keyed.replace_by_base(KeyGroupRange::of_subtask(8, 2, index), vec![segment(name)]);
            SubtaskState {
                keyed,
                watermark: Timestamp(watermark),
                ..SubtaskState::default()
            }
        };
        let subtasks = vec![subtask(0, "a", 20), subtask(1, "b", 10)];
        Manifest {
            version: VERSION,
            job: JobId(1),
            epoch: Epoch(3),
            attempt: Attempt(1),
            parent: Some(Epoch(2)),
            key_groups: 8,
            unaligned: false,
            triggered: Timestamp(0),
            duration_ms: 5,
            operators: BTreeMap::from([("window".to_owned(), OperatorState { subtasks })]),
        }
    }

    /// `a0..4 b4..8`: which groups are read from whose segments.
    fn parts(parallelism: u16, subtask: u16) -> String {
        let restore = manifest().restore_of("window", parallelism, subtask).unwrap();
        let shown = |part: &KeyedPart| {
            format!(
                "{}{}..{}",
                part.segments[0].path,
                part.groups.start(),
                part.groups.end()
            )
        };
        restore.keyed.parts().iter().map(shown).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_subtask_reads_its_groups_from_those_who_owned_them() {
        assert_eq!(parts(1, 0), "a0..4 b4..8");
        assert_eq!(parts(2, 1), "b4..8");
        assert_eq!(parts(3, 1), "a3..4 b4..6");
        assert_eq!(parts(4, 3), "b6..8");
        assert_eq!(parts(20, 1), "");
    }

    #[test]
    fn a_rescaled_subtask_starts_at_the_lowest_watermark() {
        let watermark = |parallelism| manifest().restore_of("window", parallelism, 0).unwrap().watermark;
        assert_eq!((watermark(2), watermark(1)), (Timestamp(20), Timestamp(10)));
    }

    #[test]
    fn manifests_come_back_and_newer_ones_are_refused() {
        let bytes = serde_json::to_vec(&manifest()).unwrap();
        assert_eq!(Manifest::parse(&bytes).unwrap(), manifest());
        let newer = Manifest {
            version: 2,
            ..manifest()
        };
        let error = Manifest::parse(&serde_json::to_vec(&newer).unwrap()).unwrap_err();
        assert!(error.starts_with("version 2 is not known here"), "{error}");
        for length in 0..bytes.len() {
            assert!(Manifest::parse(&bytes[..length]).is_err());
        }
    }
}
