//! From a node of the graph to running code: connectors, formats, operators, restored state.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use proto::{Heartbeat, TaskManagerMessage, task_changed, task_manager_message};
use streaming::connector::ConnectorPlace;
use streaming::graph::{Node, Role, Vertex};
use streaming::id::TaskId;
use streaming::job::Options;
use streaming::key::KeyGroupRange;
use streaming::operator::{Cancel, Place, Registry as _};
use streaming::watermark::{Combiner, Strategy};
use streaming::{Epoch, Error, Result, Timestamp};
use tokio::sync::mpsc;
use tracing::{error, info, warn};

use super::wiring::{Inputs, Plan, Wired};
use super::{Reports, changed};
use crate::environment::Environment;
use crate::memory::compute::panic_text;
use crate::slot::chain::{Body, Chain, ChainNode};
use crate::slot::gate::Gate;
use crate::slot::services::TaskServices;
use crate::slot::source::{OnBadRecord, SourceHead};
use crate::slot::task::{Head, Task};
use crate::state::StateBuffer;
use crate::state::flusher::{Destination, Flusher, Lineage};
use crate::state::restore::{self, Restored};

/// Runs a task on a thread of its own; it reports its states, and at last that it has ended.
pub fn spawn(
    environment: &Environment,
    plan: Arc<Plan>,
    wired: Wired,
    cancel: Cancel,
    reports: Reports,
    ended: mpsc::UnboundedSender<()>,
) -> Result<()> {
    let id = wired.id;
    let name = format!("task-{id}");
    let environment = environment.clone();
    let metrics = Arc::clone(&wired.metrics);
    let run = move || {
        let say = |state, error: Option<&Error>| {
            // Without a stream there is no JobManager to tell; it has noticed by itself.
            let _ = reports.blocking_send(changed(plan.deployment, id, state, error));
        };
        let result = std::panic::catch_unwind(AssertUnwindSafe(|| {
            live(&environment, &plan, wired, &cancel, &reports, &say)
        }));
        let result = result.unwrap_or_else(|panic| Err(Error::internal("panic", panic_text(panic.as_ref()))));
        // The last counts, which no regular heartbeat will see.
        let heartbeat = Heartbeat {
            tasks: vec![metrics.report(plan.deployment, id)],
            ..crate::process::heartbeat()
        };
        let message = Some(task_manager_message::Message::Heartbeat(heartbeat));
        let _ = reports.blocking_send(TaskManagerMessage { message });
        match result {
            Ok(()) => say(task_changed::State::Finished, None),
            Err(_) if cancel.is_cancelled() => say(task_changed::State::Canceled, None),
            Err(failure) => {
                match failure.kind() {
                    streaming::Kind::Internal => error!(job = %plan.job, task = %id, error = %failure, "task failed"),
                    _ => warn!(job = %plan.job, task = %id, error = %failure, "task failed"),
                }
                say(task_changed::State::Failed, Some(&failure));
            }
        }
        let _ = ended.send(());
    };
    let spawned = std::thread::Builder::new().name(name).spawn(run);
    spawned
        .map(drop)
        .map_err(|error| Error::external("thread of a task", error))
}

/// The life of a task from restoring to its end.
fn live(
    environment: &Environment,
    plan: &Arc<Plan>,
    wired: Wired,
    cancel: &Cancel,
    reports: &mpsc::Sender<TaskManagerMessage>,
    say: &dyn Fn(task_changed::State, Option<&Error>),
) -> Result<()> {
    let id = wired.id;
    let exhausted = {
        let (reports, deployment) = (reports.clone(), plan.deployment);
        Box::new(move || {
            let _ = reports.blocking_send(changed(deployment, id, task_changed::State::Exhausted, None));
        })
    };
    let mut task = assemble(environment, plan, wired, cancel, reports, exhausted)?;
    say(task_changed::State::Ready, None);
    task.wait_for_start()?;
    task.open()?;
    say(task_changed::State::Running, None);
    let name = &plan.graph.vertex(id.vertex).name;
    info!(job = %plan.job, attempt = %plan.attempt, task = %id, name, "running");
    task.run()
}

fn assemble(
    environment: &Environment,
    plan: &Arc<Plan>,
    wired: Wired,
    cancel: &Cancel,
    reports: &Reports,
    on_exhausted: Box<dyn Fn() + Send>,
) -> Result<Task> {
    let id = wired.id;
    let vertex = plan.graph.vertex(id.vertex);
    let mut nodes = Vec::with_capacity(vertex.nodes.len());
    let mut lineages = Vec::with_capacity(vertex.nodes.len());
    let mut source = None;
    let mut restored_splits = Vec::new();
    let mut watermark = Timestamp::MIN;
    for (index, node) in vertex.nodes.iter().enumerate() {
        if cancel.is_cancelled() {
            return Err(Error::Cancelled);
        }
        let place = place(environment, plan, vertex, id, node);
        let table = environment
            .backend
            .table(&format!("{:x}-{}-{}-{index}", plan.deployment, id.vertex, id.subtask))?;
        let restore = restore::operator(&environment.store, plan.manifest.as_ref(), &place, table.as_ref());
        let Restored {
            list,
            lineage,
            watermark: node_watermark,
        } = environment.runtime.block_on(restore)?;
        if index == 0 {
            watermark = node_watermark;
        }
        let body = match node.role {
            Role::Operator => Body::Operator(operator(node)?),
            Role::Sink => sink(environment, plan, vertex, id, node, &list)?,
            Role::Source => {
                source = Some(Box::new(source_head(environment, plan, vertex, id, node)?));
                restored_splits = list;
                Body::Source
            }
        };
        let inputs = Chain::inputs_of(&vertex.routes, index);
        let state = StateBuffer::new(table, plan.checkpointing);
        lineages.push(Lineage::new(
            node.id.clone(),
            place.owned,
            lineage,
            state.table().clone(),
        ));
        nodes.push(ChainNode::new(
            body,
            place,
            state,
            Combiner::new(inputs, node_watermark),
        ));
    }
    let services = TaskServices {
        clock: environment.clock.clone(),
        compute: environment.compute.clone(),
        cancel: cancel.clone(),
        mailbox: wired.mailbox.clone(),
        metrics: Arc::clone(&wired.metrics),
        showcase: environment.showcase.clone(),
        deployment: plan.deployment,
        task: id,
        timers: Default::default(),
    };
    let chain = Chain::new(nodes, &vertex.routes, wired.outputs, services);
    let epoch = plan.manifest.as_ref().map_or(Epoch(0), |manifest| manifest.epoch);
    let head = head(source, wired.inputs, epoch, watermark)?;
    let destination = Destination {
        store: environment.store.clone(),
        cluster: environment.cluster.clone(),
        job: plan.job,
        attempt: plan.attempt,
        deployment: plan.deployment,
        task: id,
        max_deltas: environment.max_deltas,
        mailbox: wired.mailbox,
        reports: reports.clone(),
    };
    let flusher = Flusher::start(&environment.runtime, destination, lineages);
    Ok(Task::new(
        chain,
        head,
        wired.events,
        flusher,
        wired.metrics,
        cancel.clone(),
        environment.pace,
        restored_splits,
        on_exhausted,
    ))
}

fn head(source: Option<Box<SourceHead>>, inputs: Option<Inputs>, epoch: Epoch, watermark: Timestamp) -> Result<Head> {
    match (source, inputs) {
        (Some(source), _) => Ok(Head::Source(source)),
        (None, Some(Inputs { queue, ports })) => Ok(Head::Gate {
            gate: Gate::new(ports, epoch, watermark),
            inputs: queue,
        }),
        (None, None) => Err(Error::internal(
            "deployment",
            "a task without source and without inputs",
        )),
    }
}

fn place(environment: &Environment, plan: &Plan, vertex: &Vertex, id: TaskId, node: &Node) -> Place {
    Place {
        job_name: plan.job_name.clone(),
        operator: node.id.clone(),
        subtask: id.subtask,
        parallelism: vertex.parallelism,
        key_groups: plan.graph.key_groups,
        owned: KeyGroupRange::of_subtask(plan.graph.key_groups, vertex.parallelism, id.subtask),
        compute_limit_bytes: environment.compute.limit_bytes(),
    }
}

fn connector_place(plan: &Plan, vertex: &Vertex, id: TaskId, node: &Node) -> ConnectorPlace {
    ConnectorPlace {
        job_id: plan.job.to_string(),
        job_name: plan.job_name.clone(),
        id: node.id.clone(),
        subtask: id.subtask,
        parallelism: vertex.parallelism,
    }
}

fn options(node: &Node) -> Result<Options> {
    Options::from_json(&node.id, &node.options)
}

/// Options were checked when the job was submitted; a problem now means that JobManager and TaskManager differ in version.
fn checked<T>(node: &Node, options: &Options, built: Result<T>) -> Result<T> {
    match options.problems().take().first() {
        Some(problem) => Err(Error::user(&problem.path, &problem.message)),
        None => built.map_err(|error| match error {
            Error::User { subject, reason } => Error::User {
                subject: format!("{}: {subject}", node.id),
                reason,
            },
            other => other,
        }),
    }
}

fn operator(node: &Node) -> Result<Box<dyn streaming::operator::Operator>> {
    let factory = operators::REGISTRY.operator(&node.kind).ok_or_else(|| {
        Error::user(
            &node.id,
            format_args!("there is no operator type {:?} in this TaskManager", node.kind),
        )
    })?;
    let mut options = options(node)?;
    let built = factory.build(&mut options);
    checked(node, &options, built)
}

fn source_head(environment: &Environment, plan: &Plan, vertex: &Vertex, id: TaskId, node: &Node) -> Result<SourceHead> {
    let mut options = options(node)?;
    let strategy = options
        .table("watermark")
        .map_or_else(Strategy::default, |mut table| Strategy::read(&mut table));
    let on_bad = OnBadRecord::read(&mut options);
    let place = connector_place(plan, vertex, id, node);
    let source = connectors::registry::source(&node.kind, &mut options, place, &environment.runtime);
    let source = checked(node, &options, source)?;
    let decoder = match options.string("format") {
        Some(format) => {
            let factory = operators::REGISTRY.decoder(&format).ok_or_else(|| {
                Error::user(
                    &node.id,
                    format_args!("there is no format {format:?} in this TaskManager"),
                )
            })?;
            let built = factory.build(&mut options);
            Some(checked(node, &options, built)?)
        }
        None => None,
    };
    Ok(SourceHead::new(source, decoder, strategy, on_bad))
}

fn sink(
    environment: &Environment,
    plan: &Plan,
    vertex: &Vertex,
    id: TaskId,
    node: &Node,
    restored: &[Vec<u8>],
) -> Result<Body> {
    let mut options = options(node)?;
    let place = connector_place(plan, vertex, id, node);
    let sink = connectors::registry::sink(&node.kind, &mut options, place, &environment.runtime);
    let mut sink = checked(node, &options, sink)?;
    let encoder = match options.string("format") {
        Some(format) => {
            let factory = operators::REGISTRY.encoder(&format).ok_or_else(|| {
                Error::user(
                    &node.id,
                    format_args!("there is no format {format:?} in this TaskManager"),
                )
            })?;
            let built = factory.build(&mut options, &plan.job_name);
            Some(checked(node, &options, built)?)
        }
        None => None,
    };
    sink.open(restored)?;
    Ok(Body::Sink { encoder, sink })
}
