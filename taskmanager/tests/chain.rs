//! What a chain says of event time to those behind it.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::sync::Arc;

use crossbeam_channel::{Receiver, unbounded};
use streaming::batch::{Batch, Keys, Payload, Points};
use streaming::element::Element;
use streaming::graph::{Route, Shipping, Target};
use streaming::id::TaskId;
use streaming::key::KeyGroupRange;
use streaming::operator::{Cancel, Completion, MAIN, Operator, OperatorContext, Place, Port, Timer, Work};
use streaming::watermark::Combiner;
use streaming::{Result, Timestamp, VertexId};
use taskmanager::exchange::{Credit, Input, Item, Outlet, OutputEdge};
use taskmanager::memory::budget::MemoryBudget;
use taskmanager::memory::compute::ComputePool;
use taskmanager::slot::chain::{Body, Chain, ChainNode};
use taskmanager::slot::services::TaskServices;
use taskmanager::state::{MemoryTable, StateBuffer};

/// Passes rows on when their offloaded work is done, or at a timer.
#[derive(Default)]
struct Later(Vec<Batch>);

impl Operator for Later {
    fn process(&mut self, port: Port, batch: Batch, cx: &mut OperatorContext<'_>) -> Result<()> {
        self.0.push(batch);
        if port == 1 {
            cx.wake_at(Timer {
                at: Timestamp(0),
                token: 0,
            });
            return Ok(());
        }
        cx.offload(Work {
            token: 0,
            memory_bytes: 0,
            run: Box::new(|_| Box::new(())),
        });
        Ok(())
    }

    fn on_completion(&mut self, _done: Completion, cx: &mut OperatorContext<'_>) -> Result<()> {
        cx.emit(self.0.remove(0));
        Ok(())
    }

    fn on_timer(&mut self, _timer: Timer, cx: &mut OperatorContext<'_>) -> Result<()> {
        cx.emit(self.0.remove(0));
        Ok(())
    }
}

fn row() -> Element {
    let mut keys = Keys::default();
    keys.push(b"k");
    Element::Batch(Batch {
        event_time: vec![Timestamp(1)],
        keys,
        payload: Payload::Points(Points {
            dim: 1,
            coords: vec![0.0],
        }),
    })
}

/// Nodes one behind the other, restored at `watermark`, and what comes out at the end.
fn chain(bodies: Vec<Body>, watermark: Timestamp) -> (Chain, Receiver<Input>) {
    let (inbox, out) = unbounded();
    let outlet = Outlet::Local {
        inbox,
        channel: 0,
        credit: Credit::new(1 << 30),
    };
    let edge = OutputEdge::new(Shipping::Forward, vec![outlet], 8, 1, Cancel::default());
    let last = bodies.len() - 1;
    let route = |from| Route {
        from,
        output: MAIN,
        to: if from == last {
            Target::Edge(0)
        } else {
            Target::Node(from + 1, 0)
        },
    };
    let routes: Vec<_> = (0..=last).map(route).collect();
    let node = |body| {
        let place = Place {
            job_name: "job".into(),
            operator: "later".into(),
            subtask: 0,
            parallelism: 1,
            key_groups: 8,
            owned: KeyGroupRange::of_subtask(8, 1, 0),
            compute_limit_bytes: 0,
        };
        let state = StateBuffer::new(Arc::new(MemoryTable::default()), true);
        ChainNode::new(body, place, state, Combiner::new(1, watermark))
    };
    let services = TaskServices {
        clock: Arc::new(|| Timestamp(0)),
        // Without threads: tests say themselves when work is done.
        compute: ComputePool::start(0, MemoryBudget::new(0)).unwrap(),
        cancel: Cancel::default(),
        mailbox: unbounded().0,
        metrics: Arc::default(),
        showcase: Default::default(),
        deployment: 1,
        task: TaskId {
            vertex: VertexId(0),
            subtask: 0,
        },
        timers: Default::default(),
    };
    let nodes = bodies.into_iter().map(node).collect();
    (Chain::new(nodes, &routes, vec![(0, edge)], services), out)
}

fn later() -> Body {
    Body::Operator(Box::new(Later::default()))
}

/// `row`, `idle` or the watermark, in the order in which they came.
fn said(out: &Receiver<Input>) -> String {
    let word = |input: Input| match input.item {
        Item::Element(Element::Batch(_)) => "row".to_owned(),
        Item::Element(Element::Watermark(Timestamp::MAX)) => "end of time".to_owned(),
        Item::Element(Element::Watermark(watermark)) => watermark.0.to_string(),
        Item::Element(Element::Idle) => "idle".to_owned(),
        other => format!("{other:?}"),
    };
    out.try_iter().map(word).collect::<Vec<_>>().join(", ")
}

#[test]
fn a_restored_chain_says_again_how_far_it_had_come() {
    let (mut chain, out) = chain(vec![Body::Source, later(), later()], Timestamp::MAX);
    chain.feed_output(MAIN, Element::Watermark(Timestamp::MAX)).unwrap();
    assert_eq!(said(&out), "end of time");
}

#[test]
fn idleness_waits_for_work_in_progress() {
    let (mut chain, out) = chain(vec![later()], Timestamp::MIN);
    chain.feed(0, row()).unwrap();
    chain.feed(0, row()).unwrap();
    chain.feed(0, Element::Idle).unwrap();
    assert_eq!(said(&out), "");
    chain.completed(0, 0, 0, Ok(Box::new(()))).unwrap();
    assert_eq!(said(&out), "row");
    chain.completed(0, 1, 0, Ok(Box::new(()))).unwrap();
    assert_eq!(said(&out), "row, idle");
    chain.feed(0, Element::Watermark(Timestamp(5))).unwrap();
    assert_eq!(said(&out), "5");
}

#[test]
fn rows_of_a_timer_do_not_leave_those_behind_waiting_for_an_idle_input() {
    let (mut chain, out) = chain(vec![later()], Timestamp::MIN);
    chain.feed(1, row()).unwrap();
    chain.feed(0, Element::Idle).unwrap();
    assert_eq!(said(&out), "idle");
    chain.fire_timers().unwrap();
    assert_eq!(said(&out), "row, idle");
}
