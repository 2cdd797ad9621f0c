//! A chain of nodes: what one pushes, the next processes, on one thread and without a queue in between that could wait.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use streaming::batch::{Batch, Payload};
use streaming::connector::{Encoder, Sink};
use streaming::element::Element;
use streaming::graph::{Route, Target};
use streaming::operator::{Finished, MAIN, Operator, OperatorContext, Output, Place, Port, Timer};
use streaming::watermark::{Change, Combiner};
use streaming::{Epoch, OperatorId, Result, Timestamp};

use super::services::{NodeServices, Offloaded, TaskServices};
use crate::exchange::OutputEdge;
use crate::memory::compute::Done;
use crate::metrics::add;
use crate::state::StateBuffer;

/// More windows than this in the compute pool and a task reads no more input: back-pressure reaches the source.
const OUTSTANDING_LIMIT: u64 = 256;

/// The nodes of a task and where their outputs go.
pub struct Chain {
    nodes: Vec<ChainNode>,
    /// Per node: its routes, with the input number they have at their target.
    routes: Vec<Vec<Route>>,
    edges: Vec<(usize, OutputEdge)>,
    queue: VecDeque<Pushed>,
    outputs: Vec<(Output, Element)>,
    services: TaskServices,
}

struct Pushed {
    node: usize,
    /// Which of the node's incoming routes; its watermarks are combined over them.
    input: usize,
    port: Port,
    element: Element,
}

/// A node at work.
pub struct ChainNode {
    pub body: Body,
    pub place: Place,
    pub state: StateBuffer,
    pub combiner: Combiner,
    offloaded: Offloaded,
    /// All its inputs are idle, and nothing has come since.
    idle: bool,
}

pub enum Body {
    /// The source itself is driven by its task; the node passes on what it reads.
    Source,
    Operator(Box<dyn Operator>),
    Sink {
        encoder: Option<Box<dyn Encoder>>,
        sink: Box<dyn Sink>,
    },
}

/// What a checkpoint holds of a node, besides its frozen buffer.
pub struct NodeCut {
    pub operator: OperatorId,
    pub changes: Arc<crate::state::Changes>,
    /// What a sink asked to keep.
    pub sealed: Option<Vec<u8>>,
    pub watermark: Timestamp,
}

impl ChainNode {
    pub fn new(body: Body, place: Place, state: StateBuffer, combiner: Combiner) -> Self {
        Self {
            body,
            place,
            state,
            combiner,
            offloaded: Offloaded::default(),
            idle: false,
        }
    }
}

impl Chain {
    /// `routes` as in the physical graph; `edges` pairs the graph's edge numbers with their outputs.
    pub fn new(
        nodes: Vec<ChainNode>,
        routes: &[Route],
        edges: Vec<(usize, OutputEdge)>,
        services: TaskServices,
    ) -> Self {
        let routes = (0..nodes.len())
            .map(|node| routes.iter().filter(|route| route.from == node).copied().collect())
            .collect();
        Self {
            nodes,
            routes,
            edges,
            queue: VecDeque::new(),
            outputs: Vec::new(),
            services,
        }
    }

    /// How many routes of the graph lead to `node`; at least 1, since the head is fed by the task.
    pub fn inputs_of(routes: &[Route], node: usize) -> usize {
        routes
            .iter()
            .filter(|route| matches!(route.to, Target::Node(to, _) if to == node))
            .count()
            .max(1)
    }

    pub fn services(&mut self) -> &mut TaskServices {
        &mut self.services
    }

    pub fn head(&self) -> &ChainNode {
        &self.nodes[0]
    }

    /// Opens every operator over its restored state.
    pub fn open(&mut self) -> Result<()> {
        for node in 0..self.nodes.len() {
            self.call(node, |operator, cx| operator.open(cx))?;
            self.drain()?;
        }
        Ok(())
    }

    /// Processes an element that arrived for the head.
    pub fn feed(&mut self, port: Port, element: Element) -> Result<()> {
        self.queue.push_back(Pushed {
            node: 0,
            input: 0,
            port,
            element,
        });
        self.drain()
    }

    /// Passes on what the source read, or the bad records it met, as outputs of node 0.
    pub fn feed_output(&mut self, output: Output, element: Element) -> Result<()> {
        self.route(0, output, element)?;
        self.drain()
    }

    fn drain(&mut self) -> Result<()> {
        while let Some(pushed) = self.queue.pop_front() {
            self.step(pushed)?;
        }
        Ok(())
    }

    fn step(&mut self, pushed: Pushed) -> Result<()> {
        let Pushed {
            node,
            input,
            port,
            element,
        } = pushed;
        match element {
            Element::Batch(batch) => {
                self.nodes[node].combiner.on_batch(input);
                self.nodes[node].idle = false;
                self.process(node, port, batch)
            }
            Element::Watermark(watermark) => match self.nodes[node].combiner.on_watermark(input, watermark) {
                Some(change) => self.progress(node, change),
                None => Ok(()),
            },
            Element::Idle => match self.nodes[node].combiner.on_idle(input) {
                Some(change) => self.progress(node, change),
                None => Ok(()),
            },
            // Barriers and ends are dealt with for the whole task, by `cut` and `end`.
            Element::Barrier(_) | Element::End => Ok(()),
        }
    }

    fn process(&mut self, node: usize, port: Port, batch: Batch) -> Result<()> {
        match &mut self.nodes[node].body {
            Body::Source => self.route(node, MAIN, Element::Batch(batch)),
            Body::Operator(_) => self.call(node, |operator, cx| operator.process(port, batch, cx)),
            Body::Sink { encoder, sink } => {
                let rows = batch.rows() as u64;
                let batch = match encoder {
                    Some(encoder) => encode(encoder.as_mut(), batch, (self.services.clock)())?,
                    None => batch,
                };
                sink.write(&batch)?;
                add(&self.services.metrics.records_out, rows);
                Ok(())
            }
        }
    }

    fn progress(&mut self, node: usize, change: Change) -> Result<()> {
        self.nodes[node].idle = change == Change::Idle;
        match (change, &self.nodes[node].body) {
            (Change::Watermark(watermark), Body::Operator(_)) => {
                self.call(node, |operator, cx| operator.on_watermark(watermark, cx))
            }
            (Change::Watermark(watermark), Body::Source) => self.route(node, MAIN, Element::Watermark(watermark)),
            (Change::Idle, Body::Operator(_) | Body::Source) => self.pass_idleness(node),
            (_, Body::Sink { .. }) => Ok(()),
        }
    }

    /// Says that nothing follows from an idle node for now. Not while it computes: rows with times that its watermark is
    /// held back for are still to come. Again after each result or timer: rows wake those behind, whom nobody else would
    /// tell that they wait for nothing.
    fn pass_idleness(&mut self, node: usize) -> Result<()> {
        let ChainNode { idle, offloaded, .. } = &self.nodes[node];
        if *idle && offloaded.outstanding() == 0 {
            self.route(node, MAIN, Element::Idle)?;
        }
        Ok(())
    }

    /// Calls an operator and routes what it emitted. Sources and sinks have nothing to call.
    fn call(
        &mut self,
        node: usize,
        step: impl FnOnce(&mut dyn Operator, &mut OperatorContext<'_>) -> Result<()>,
    ) -> Result<()> {
        let ChainNode {
            body,
            place,
            state,
            combiner,
            offloaded,
            ..
        } = &mut self.nodes[node];
        let Body::Operator(operator) = body else { return Ok(()) };
        let mut services = NodeServices {
            task: &mut self.services,
            offloaded,
            node,
            operator: &place.operator,
        };
        let mut cx = OperatorContext {
            outputs: &mut self.outputs,
            state,
            services: &mut services,
            place,
            watermark: combiner.combined(),
        };
        step(operator.as_mut(), &mut cx)?;
        self.route_outputs(node)
    }

    fn route_outputs(&mut self, node: usize) -> Result<()> {
        let mut outputs = std::mem::take(&mut self.outputs);
        for (output, element) in outputs.drain(..) {
            self.route(node, output, element)?;
        }
        self.outputs = outputs;
        Ok(())
    }

    /// A batch follows the routes of its output; everything else follows all routes.
    fn route(&mut self, node: usize, output: Output, element: Element) -> Result<()> {
        let is_batch = matches!(element, Element::Batch(_));
        let chosen: Vec<Route> = self.routes[node]
            .iter()
            .filter(|route| !is_batch || route.output == output)
            .copied()
            .collect();
        let Some((last, others)) = chosen.split_last() else {
            return Ok(());
        };
        for route in others {
            self.deliver(*route, element.clone())?;
        }
        self.deliver(*last, element)
    }

    fn deliver(&mut self, route: Route, element: Element) -> Result<()> {
        match (route.to, element) {
            (Target::Node(node, port), element) => {
                let input = self.input_number(route, node);
                self.queue.push_back(Pushed {
                    node,
                    input,
                    port,
                    element,
                });
                Ok(())
            }
            (Target::Edge(edge), element) => {
                let Some((_, output)) = self.edges.iter_mut().find(|(number, _)| *number == edge) else {
                    return Ok(());
                };
                match element {
                    Element::Batch(batch) => {
                        add(&self.services.metrics.records_out, batch.rows() as u64);
                        add(&self.services.metrics.bytes_out, batch.size_bytes() as u64);
                        output.send(batch)
                    }
                    control => output.broadcast(&control),
                }
            }
        }
    }

    /// The number of a route among those that lead to its target.
    fn input_number(&self, route: Route, node: usize) -> usize {
        let leads_here = |other: &&Route| matches!(other.to, Target::Node(to, _) if to == node);
        self.routes
            .iter()
            .flatten()
            .filter(leads_here)
            .position(|other| *other == route)
            .unwrap_or(0)
    }

    /// Fires the timers that are due. Returns when the next one is.
    pub fn fire_timers(&mut self) -> Result<Option<Timestamp>> {
        loop {
            let Some(&std::cmp::Reverse((Timer { at, token }, node))) = self.services.timers.peek() else {
                return Ok(None);
            };
            if at > (self.services.clock)() {
                return Ok(Some(at));
            }
            self.services.timers.pop();
            self.call(node, |operator, cx| operator.on_timer(Timer { at, token }, cx))?;
            self.pass_idleness(node)?;
            self.drain()?;
        }
    }

    /// Takes the result of offloaded work; hands over all whose turn it is.
    pub fn completed(&mut self, node: usize, sequence: u64, token: u64, done: Done) -> Result<()> {
        self.nodes[node].offloaded.arrived(sequence, token, done);
        while let Some(completion) = self.nodes[node].offloaded.take_next() {
            self.call(node, |operator, cx| operator.on_completion(completion, cx))?;
            self.pass_idleness(node)?;
            self.drain()?;
        }
        Ok(())
    }

    /// Whether so much offloaded work is outstanding that no more input should be read.
    pub fn is_saturated(&self) -> bool {
        self.nodes
            .iter()
            .any(|node| node.offloaded.outstanding() >= OUTSTANDING_LIMIT)
    }

    /// Takes the state of every node for `epoch` and sends the barrier behind what they have emitted.
    pub fn cut(&mut self, epoch: Epoch) -> Result<Vec<NodeCut>> {
        let mut cuts = Vec::with_capacity(self.nodes.len());
        for node in 0..self.nodes.len() {
            self.call(node, |operator, cx| operator.on_barrier(epoch, cx))?;
            self.drain()?;
        }
        for node in &mut self.nodes {
            let sealed = match &mut node.body {
                Body::Sink { sink, .. } => Some(sink.seal(epoch)?),
                Body::Source | Body::Operator(_) => None,
            };
            let operator = node.place.operator.clone();
            cuts.push(NodeCut {
                operator,
                changes: node.state.freeze(epoch),
                sealed,
                watermark: node.combiner.combined(),
            });
        }
        self.broadcast(&Element::Barrier(epoch))?;
        Ok(cuts)
    }

    fn broadcast(&mut self, element: &Element) -> Result<()> {
        self.edges.iter_mut().try_for_each(|(_, edge)| edge.broadcast(element))
    }

    /// The buffers up to `epoch` are in the tables.
    pub fn applied(&mut self, epoch: Epoch) {
        self.nodes.iter_mut().for_each(|node| node.state.applied(epoch));
        let size = self.nodes.iter().map(|node| node.state.table().size_bytes()).sum();
        self.services.metrics.state_bytes.store(size, Ordering::Relaxed);
    }

    pub fn committed(&mut self, epoch: Epoch) -> Result<()> {
        for node in &mut self.nodes {
            if let Body::Sink { sink, .. } = &mut node.body {
                sink.on_committed(epoch)?;
            }
        }
        Ok(())
    }

    /// The input has ended. [`Finished::NotYet`] while offloaded work is outstanding: call again after it has come back.
    pub fn end(&mut self) -> Result<Finished> {
        for node in 0..self.nodes.len() {
            let mut finished = Finished::Yes;
            self.call(node, |operator, cx| {
                finished = operator.on_end(cx)?;
                Ok(())
            })?;
            self.drain()?;
            if finished == Finished::NotYet {
                return Ok(Finished::NotYet);
            }
        }
        for node in &mut self.nodes {
            if let Body::Sink { sink, .. } = &mut node.body {
                sink.finish()?;
            }
        }
        self.broadcast(&Element::End)?;
        Ok(Finished::Yes)
    }

    pub fn flush(&mut self) -> Result<()> {
        self.edges.iter_mut().try_for_each(|(_, edge)| edge.flush())
    }

    /// Time spent waiting for credit since the last call.
    pub fn take_backpressured(&mut self) -> Duration {
        self.edges.iter_mut().map(|(_, edge)| edge.take_backpressured()).sum()
    }
}

fn encode(encoder: &mut dyn Encoder, batch: Batch, now: Timestamp) -> Result<Batch> {
    let (event_time, keys) = (batch.event_time.clone(), batch.keys.clone());
    let documents = encoder.encode(batch, now)?;
    Ok(Batch {
        event_time,
        keys,
        payload: Payload::Documents(documents),
    })
}
