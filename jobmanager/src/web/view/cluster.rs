//! Answers about the cluster and its TaskManagers.

use serde_json::{Value, json};
use streaming::JobId;

use crate::job::machine::State;
use crate::job::view::JobView;

/// What `flink-version` says: the version of Flink's REST that is answered.
pub const FLINK_VERSION: &str = "2.3.0";
const COMMIT: &str = concat!("bettiflow-", env!("CARGO_PKG_VERSION"));

/// A TaskManager as it is shown.
#[derive(Debug, Clone, Default)]
pub struct TaskManagerView {
    pub id: String,
    pub host: String,
    pub data_port: u32,
    pub slots: usize,
    pub free_slots: usize,
    pub cpu_cores: u32,
    pub memory_bytes: u64,
    pub pid: u32,
    pub heard_ms: i64,
    pub resident_bytes: u64,
    pub cpu_seconds: f64,
    /// Cores in use, over the last second or so.
    pub cpu_load: f64,
    /// Jobs and how many slots each holds.
    pub jobs: Vec<(JobId, usize)>,
}

/// `/overview`.
pub fn overview(taskmanagers: &[TaskManagerView], jobs: &[State]) -> Value {
    let count = |wanted: &[State]| jobs.iter().filter(|state| wanted.contains(state)).count();
    let ended = count(&[State::Finished]) + count(&[State::Cancelled]) + count(&[State::Failed]);
    json!({
        "taskmanagers": taskmanagers.len(),
        "slots-total": taskmanagers.iter().map(|one| one.slots).sum::<usize>(),
        "slots-available": taskmanagers.iter().map(|one| one.free_slots).sum::<usize>(),
        "jobs-running": jobs.len() - ended,
        "jobs-finished": count(&[State::Finished]),
        "jobs-cancelled": count(&[State::Cancelled]),
        "jobs-failed": count(&[State::Failed]),
        "flink-version": FLINK_VERSION,
        "flink-commit": COMMIT,
    })
}

/// `/config`.
pub fn config(refresh_ms: u64, may_cancel: bool) -> Value {
    json!({
        "refresh-interval": refresh_ms,
        "timezone-name": "Coordinated Universal Time",
        "timezone-offset": 0,
        "flink-version": FLINK_VERSION,
        "flink-revision": COMMIT,
        "features": {"web-submit": false, "web-cancel": may_cancel, "web-rescale": false, "web-history": false},
    })
}

/// `/taskmanagers`, one entry.
pub fn taskmanager(one: &TaskManagerView, assigned_tasks: usize) -> Value {
    let free = one.free_slots as f64 / one.slots.max(1) as f64;
    json!({
        "id": one.id,
        "path": format!("http://{}:{}", one.host, one.data_port),
        "dataPort": one.data_port,
        "jmxPort": -1,
        "timeSinceLastHeartbeat": one.heard_ms,
        "slotsNumber": one.slots,
        "freeSlots": one.free_slots,
        "assignedTasks": assigned_tasks,
        "totalResource": resource(one, 1.0),
        "freeResource": resource(one, free),
        "hardware": {
            "cpuCores": one.cpu_cores,
            "physicalMemory": one.memory_bytes,
            "freeMemory": one.memory_bytes.saturating_sub(one.resident_bytes),
            "managedMemory": one.memory_bytes,
        },
        "memoryConfiguration": {
            "frameworkHeap": 0, "taskHeap": 0, "frameworkOffHeap": 0, "taskOffHeap": 0, "networkMemory": 0,
            "managedMemory": one.memory_bytes, "jvmMetaspace": 0, "jvmOverhead": 0,
            "totalFlinkMemory": one.memory_bytes, "totalProcessMemory": one.memory_bytes,
        },
        "pid": one.pid,
    })
}

fn resource(one: &TaskManagerView, share: f64) -> Value {
    json!({
        "cpuCores": f64::from(one.cpu_cores) * share,
        "taskHeapMemory": 0,
        "taskOffHeapMemory": 0,
        "managedMemory": (one.memory_bytes as f64 * share) as u64 >> 20,
        "networkMemory": 0,
        "extendedResources": {},
    })
}

/// `/taskmanagers/:id`. `jobs` are those that hold slots of it.
pub fn taskmanager_details(one: &TaskManagerView, jobs: &[&JobView]) -> Value {
    let on_it = |job: &JobView| job.tasks.values().filter(|task| task.taskmanager == one.id).count();
    let assigned = jobs.iter().map(|job| on_it(job)).sum();
    let mut slots = vec![];
    for (id, count) in &one.jobs {
        let tasks = jobs.iter().find(|job| job.id == *id).map_or(0, |job| on_it(job));
        for _ in 0..*count {
            let resource = resource(one, 1.0 / one.slots.max(1) as f64);
            slots.push(json!({"jobId": id, "resource": resource, "assignedTasks": tasks.div_ceil((*count).max(1))}));
        }
    }
    let state: u64 = jobs
        .iter()
        .flat_map(|job| job.tasks.values())
        .filter(|task| task.taskmanager == one.id)
        .map(|task| task.report.state_bytes)
        .sum();
    let mut answer = taskmanager(one, assigned);
    answer["allocatedSlots"] = Value::Array(slots);
    // Of Flink's names those that mean something here are filled; there is no heap and no garbage.
    answer["metrics"] = json!({
        "heapUsed": one.resident_bytes, "heapCommitted": one.resident_bytes, "heapMax": one.memory_bytes,
        "nonHeapUsed": 0, "nonHeapCommitted": 0, "nonHeapMax": 0,
        "directCount": 0, "directUsed": 0, "directMax": 0, "mappedCount": 0, "mappedUsed": 0, "mappedMax": 0,
        "nettyShuffleMemorySegmentsAvailable": 0, "nettyShuffleMemorySegmentsUsed": 0, "nettyShuffleMemorySegmentsTotal": 0,
        "nettyShuffleMemoryAvailable": 0, "nettyShuffleMemoryUsed": 0, "nettyShuffleMemoryTotal": 0,
        "garbageCollectors": [],
        "memoryUsed": one.resident_bytes,
        "memoryMax": one.memory_bytes,
        "stateBytes": state,
    });
    answer
}

/// Gauges of a TaskManager: name and value.
pub fn taskmanager_metrics(one: &TaskManagerView) -> Vec<(&'static str, String)> {
    vec![
        ("Status.Memory.Used", one.resident_bytes.to_string()),
        ("Status.Memory.Max", one.memory_bytes.to_string()),
        ("Status.Process.CpuLoad", format!("{:.3}", one.cpu_load)),
        ("Status.Process.CpuSeconds", format!("{:.1}", one.cpu_seconds)),
    ]
}
