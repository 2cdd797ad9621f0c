//! Names of things. `Epoch` counts checkpoints, `Term` leaders, `Attempt` restarts: never bare integers.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The name of a source, operator or sink in the job file; state is kept under it.
pub type OperatorId = String;

/// Which of a vertex's parallel copies: `0..parallelism`.
pub type SubtaskIndex = u16;

macro_rules! counter {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl $name {
            pub fn next(self) -> Self {
                Self(self.0 + 1)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)
            }
        }
    };
}

counter! {
    /// A checkpoint of one job, counted from 1; 0 stands for "none yet".
    Epoch(u64)
}
counter! {
    /// A reign of one JobManager.
    Term(u64)
}
counter! {
    /// A start of one job, counted from 1.
    Attempt(u32)
}
counter! {
    /// A vertex of the physical graph: its index in `PhysicalGraph::vertices`.
    VertexId(u16)
}

/// A submitted job: 128 random bits, written as 32 hexadecimal digits as Flink does.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(pub u128);

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JobId({self})")
    }
}

impl FromStr for JobId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.len() != 32 {
            return Err(format!(
                "job id {text:?} has {} characters; a job id has 32 hexadecimal digits",
                text.len()
            ));
        }
        u128::from_str_radix(text, 16)
            .map(Self)
            .map_err(|_| format!("job id {text:?} is not made of hexadecimal digits"))
    }
}

impl Serialize for JobId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for JobId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// One parallel copy of a vertex.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TaskId {
    pub vertex: VertexId,
    pub subtask: SubtaskIndex,
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.vertex, self.subtask)
    }
}
