//! The names of all objects.
//!
//! ```text
//! {cluster}/leader/{term:020}                     created by the winner of that term
//!          /leader/{term:020}.beat                overwritten by that winner only
//!          /jobs/{job}/spec/{version:010}.toml
//!          /jobs/{job}/log/{position:020}         the job log: the only commit point
//!          /jobs/{job}/manifest/{epoch:020}-{attempt:010}
//!          /jobs/{job}/state/{attempt:010}/{epoch:020}/{operator}/{subtask}-{kind}-{nonce}
//!          /jobs/{job}/savepoint/{name}/…         self-contained, never collected
//! ```
//! Numbers have leading zeros so that the order of names is the order of numbers. Names of people's choosing (cluster,
//! operator, savepoint) are escaped: `!` and two hexadecimal digits stand for a byte that is no letter, digit, `-`, `_` or
//! inner dot.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use streaming::{Attempt, Epoch, JobId, OperatorId, SubtaskIndex, Term};

/// Where an object is, below the root of the store.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ObjectPath(String);

impl ObjectPath {
    pub(crate) fn new(path: impl Into<String>) -> Self {
        Self(path.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ObjectPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A place in a job's log, counted from 0 without gaps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Position(pub u64);

impl Position {
    pub const FIRST: Self = Self(0);

    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// What a state object holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SegmentKind {
    /// All rows of a subtask.
    Base,
    /// The rows that one epoch changed.
    Delta,
    /// Records in flight of an unaligned checkpoint.
    Channel,
    /// Sealed output that may not have been published.
    Sink,
    /// A list: the splits of a source, the seals of a sink.
    List,
}

impl SegmentKind {
    pub const ALL: [Self; 5] = [Self::Base, Self::Delta, Self::Channel, Self::Sink, Self::List];
}

impl fmt::Display for SegmentKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Base => "base",
            Self::Delta => "delta",
            Self::Channel => "channel",
            Self::Sink => "sink",
            Self::List => "list",
        })
    }
}

impl FromStr for SegmentKind {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|kind| kind.to_string() == text).ok_or(())
    }
}

/// Everything that has a name, by what it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Object {
    Leader(Term),
    Beat(Term),
    Spec {
        job: JobId,
        version: u32,
    },
    Log {
        job: JobId,
        position: Position,
    },
    Manifest {
        job: JobId,
        epoch: Epoch,
        attempt: Attempt,
    },
    State(StateObject),
    /// `rest` is the path below the savepoint's folder.
    Savepoint {
        job: JobId,
        name: String,
        rest: String,
    },
}

/// A piece of one subtask's state.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StateObject {
    pub job: JobId,
    pub attempt: Attempt,
    pub epoch: Epoch,
    pub operator: OperatorId,
    pub subtask: SubtaskIndex,
    pub kind: SegmentKind,
    /// Tells apart what several writers, or several tries, write for the same epoch.
    pub nonce: u64,
}

/// The folder of one cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    folder: String,
}

impl Cluster {
    /// `id` is the option `cluster.id`.
    pub fn new(id: &str) -> Self {
        Self { folder: escape(id) }
    }

    pub fn path(&self, object: &Object) -> ObjectPath {
        let folder = &self.folder;
        ObjectPath(match object {
            Object::Leader(term) => format!("{folder}/leader/{:020}", term.0),
            Object::Beat(term) => format!("{folder}/leader/{:020}.beat", term.0),
            Object::Spec { job, version } => format!("{folder}/jobs/{job}/spec/{version:010}.toml"),
            Object::Log { job, position } => format!("{folder}/jobs/{job}/log/{:020}", position.0),
            Object::Manifest { job, epoch, attempt } => {
                format!("{folder}/jobs/{job}/manifest/{:020}-{:010}", epoch.0, attempt.0)
            }
            Object::State(state) => {
                let StateObject {
                    job,
                    subtask,
                    kind,
                    nonce,
                    ..
                } = state;
                let (attempt, epoch, operator) = (state.attempt.0, state.epoch.0, escape(&state.operator));
                format!("{folder}/jobs/{job}/state/{attempt:010}/{epoch:020}/{operator}/{subtask}-{kind}-{nonce:016x}")
            }
            Object::Savepoint { job, name, rest } => format!("{folder}/jobs/{job}/savepoint/{}/{rest}", escape(name)),
        })
    }

    /// The folder of leadership.
    pub fn leaders(&self) -> ObjectPath {
        ObjectPath(format!("{}/leader", self.folder))
    }

    /// The folder of all jobs.
    pub fn jobs(&self) -> ObjectPath {
        ObjectPath(format!("{}/jobs", self.folder))
    }

    /// The folder of a job's log.
    pub fn log(&self, job: JobId) -> ObjectPath {
        ObjectPath(format!("{}/jobs/{job}/log", self.folder))
    }

    /// The folder of a job's manifests.
    pub fn manifests(&self, job: JobId) -> ObjectPath {
        ObjectPath(format!("{}/jobs/{job}/manifest", self.folder))
    }

    /// The folder of a job's state objects.
    pub fn state(&self, job: JobId) -> ObjectPath {
        ObjectPath(format!("{}/jobs/{job}/state", self.folder))
    }

    /// What `path` names; `None` for what is not ours, such as temporary files of the store.
    pub fn parse(&self, path: &ObjectPath) -> Option<Object> {
        let rest = path.0.strip_prefix(&self.folder)?.strip_prefix('/')?;
        let parts: Vec<_> = rest.split('/').collect();
        let object = match parts.as_slice() {
            ["leader", name] => match name.strip_suffix(".beat") {
                Some(term) => Object::Beat(Term(term.parse().ok()?)),
                None => Object::Leader(Term(name.parse().ok()?)),
            },
            ["jobs", job, folder, rest @ ..] => parse_job(job.parse().ok()?, folder, rest)?,
            _ => return None,
        };
        // One name per object: what does not write back the same way was not written by us.
        (self.path(&object) == *path).then_some(object)
    }
}

fn parse_job(job: JobId, folder: &str, rest: &[&str]) -> Option<Object> {
    Some(match (folder, rest) {
        ("spec", [name]) => Object::Spec {
            job,
            version: name.strip_suffix(".toml")?.parse().ok()?,
        },
        ("log", [name]) => Object::Log {
            job,
            position: Position(name.parse().ok()?),
        },
        ("manifest", [name]) => {
            let (epoch, attempt) = name.split_once('-')?;
            Object::Manifest {
                job,
                epoch: Epoch(epoch.parse().ok()?),
                attempt: Attempt(attempt.parse().ok()?),
            }
        }
        ("state", [attempt, epoch, operator, name]) => {
            let mut parts = name.splitn(3, '-');
            Object::State(StateObject {
                job,
                attempt: Attempt(attempt.parse().ok()?),
                epoch: Epoch(epoch.parse().ok()?),
                operator: unescape(operator)?,
                subtask: parts.next()?.parse().ok()?,
                kind: parts.next()?.parse().ok()?,
                nonce: u64::from_str_radix(parts.next()?, 16).ok()?,
            })
        }
        ("savepoint", [name, rest @ ..]) if !rest.is_empty() => Object::Savepoint {
            job,
            name: unescape(name)?,
            rest: rest.join("/"),
        },
        _ => return None,
    })
}

fn escape(name: &str) -> String {
    let mut escaped = String::with_capacity(name.len());
    for (index, byte) in name.bytes().enumerate() {
        let inner_dot = byte == b'.' && index > 0 && index + 1 < name.len();
        if byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_' || inner_dot {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("!{byte:02x}"));
        }
    }
    escaped
}

fn unescape(name: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        if byte != b'!' {
            bytes.push(byte);
            rest = tail;
            continue;
        }
        let digits = std::str::from_utf8(tail.get(..2)?).ok()?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = &tail[2..];
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const JOB: JobId = JobId(0xabc);

    fn state(operator: &str) -> Object {
        Object::State(StateObject {
            job: JOB,
            attempt: Attempt(2),
            epoch: Epoch(7),
            operator: operator.into(),
            subtask: 3,
            kind: SegmentKind::Delta,
            nonce: 255,
        })
    }

    #[test]
    fn every_object_has_the_name_of_the_layout() {
        let job = "00000000000000000000000000000abc";
        let epoch = Epoch(7);
        let attempt = Attempt(2);
        let cases = [
            (Object::Leader(Term(3)), "c/leader/00000000000000000003".to_owned()),
            (Object::Beat(Term(3)), "c/leader/00000000000000000003.beat".into()),
            (
                Object::Spec { job: JOB, version: 1 },
                format!("c/jobs/{job}/spec/0000000001.toml"),
            ),
            (
                Object::Log {
                    job: JOB,
                    position: Position(9),
                },
                format!("c/jobs/{job}/log/00000000000000000009"),
            ),
            (
                Object::Manifest {
                    job: JOB,
                    epoch,
                    attempt,
                },
                format!("c/jobs/{job}/manifest/00000000000000000007-0000000002"),
            ),
            (
                state("my window"),
                format!("c/jobs/{job}/state/0000000002/00000000000000000007/my!20window/3-delta-00000000000000ff"),
            ),
            (
                Object::Savepoint {
                    job: JOB,
                    name: "before-2.0".into(),
                    rest: "manifest".into(),
                },
                format!("c/jobs/{job}/savepoint/before-2.0/manifest"),
            ),
        ];
        let cluster = Cluster::new("c");
        for (object, path) in cases {
            assert_eq!(cluster.path(&object).as_str(), path);
            assert_eq!(cluster.parse(&ObjectPath::new(path)), Some(object));
        }
    }

    #[test]
    fn what_is_not_ours_is_not_parsed() {
        for path in [
            "c/leader/3",
            "c/leader",
            "d/leader/00000000000000000003",
            "c/jobs/x/log/1",
            "",
            "c/jobs",
        ] {
            assert_eq!(Cluster::new("c").parse(&ObjectPath::new(path)), None, "{path}");
        }
    }

    proptest! {
        #[test]
        fn any_name_is_one_part_of_a_path_and_comes_back(operator in "\\PC{1,20}", cluster in "[./a!é -]{1,6}") {
            let cluster = Cluster::new(&cluster);
            let path = cluster.path(&state(&operator));
            prop_assert_eq!(path.as_str().split('/').count(), 8);
            prop_assert!(object_store::path::Path::parse(path.as_str()).is_ok());
            prop_assert_eq!(cluster.parse(&path), Some(state(&operator)));
        }
    }
}
