use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use object_store::ObjectStore;
use object_store::memory::InMemory;
use proptest::prelude::*;
use rand::{Rng, SeedableRng, rngs::StdRng};
use streaming::JobId;

use super::*;
use crate::Error;
use crate::path::{Cluster, Object, Position};
use crate::store::{Nonces, Store, StoreOptions};
use crate::testing::{Fault, Faulty, Operation};

const JOB: JobId = JobId(7);

fn at(micros: i64) -> Timestamp {
    Timestamp(micros)
}

fn submitted() -> Event {
    Event::Submitted {
        name: "job".into(),
        spec: 1,
    }
}

fn committed(epoch: u64) -> Event {
    Event::Committed {
        epoch: Epoch(epoch),
        attempt: Attempt(1),
        manifest: ObjectPath::new(format!("manifest/{epoch}")),
    }
}

fn started(attempt: u32) -> Event {
    Event::AttemptStarted {
        attempt: Attempt(attempt),
        from: None,
    }
}

fn ended() -> Event {
    Event::Ended {
        end: EndState::Cancelled,
        reason: "asked to".into(),
    }
}

fn memory() -> (Store, Cluster) {
    (
        Store::open("memory:", &StoreOptions::default()).unwrap(),
        Cluster::new("c"),
    )
}

async fn create(store: &Store, cluster: &Cluster) -> JobLog {
    let mut log = JobLog::create(store, cluster, JOB, Term(1), Nonces::seeded(1), 2, submitted(), at(1))
        .await
        .unwrap();
    log.append(started(1), at(2)).await.unwrap();
    log
}

async fn take_over(store: &Store, cluster: &Cluster, term: u64) -> crate::Result<JobLog> {
    JobLog::take_over(store, cluster, JOB, Term(term), Nonces::seeded(term), 2, at(0)).await
}

#[test]
fn events_that_cannot_follow_are_refused() {
    let run = |events: &[Event]| {
        let mut state = JobState::default();
        for event in events {
            state = state.after(event, at(0), 2)?;
        }
        Ok::<_, String>(state)
    };
    let wrong: [&[Event]; 7] = [
        &[submitted(), submitted()],
        &[submitted(), committed(1)],
        &[submitted(), started(1), started(1)],
        &[submitted(), started(1), committed(2), committed(2)],
        &[submitted(), started(1), started(2), committed(1)],
        &[submitted(), Event::Changed { spec: 1 }],
        &[submitted(), ended(), started(1)],
    ];
    for events in wrong {
        assert!(run(events).is_err(), "{events:?}");
    }
    let state = run(&[
        submitted(),
        started(1),
        committed(1),
        committed(2),
        committed(4),
        ended(),
    ])
    .unwrap();
    let epochs: Vec<_> = state.commits.iter().map(|commit| commit.epoch.0).collect();
    assert_eq!(epochs, [2, 4]);
    assert_eq!(state.ended.unwrap().end, EndState::Cancelled);
}

#[tokio::test]
async fn a_log_is_read_back_and_taken_over_by_a_higher_term() {
    let (store, cluster) = memory();
    let mut first = create(&store, &cluster).await;
    first.append(committed(1), at(3)).await.unwrap();
    let latest = read_latest(&store, &cluster, JOB).await.unwrap().unwrap();
    assert_eq!((latest.position, &latest.record.state), (Position(2), first.state()));
    assert_eq!(list_jobs(&store, &cluster).await.unwrap(), [JOB]);

    let mut second = take_over(&store, &cluster, 2).await.unwrap();
    assert_eq!(second.state().latest().unwrap().epoch, Epoch(1));
    let error = first.append(committed(2), at(4)).await.unwrap_err();
    assert!(matches!(error, Error::Deposed { by: Term(2), .. }), "{error}");
    assert!(
        first.append(committed(2), at(4)).await.is_err(),
        "once deposed, always deposed"
    );
    second.append(committed(2), at(5)).await.unwrap();
    assert!(matches!(
        take_over(&store, &cluster, 1).await,
        Err(Error::Deposed { .. })
    ));
    let again = JobLog::create(&store, &cluster, JOB, Term(3), Nonces::seeded(3), 2, submitted(), at(1)).await;
    assert!(matches!(again, Err(Error::JobExists { .. })));
}

#[tokio::test]
async fn the_last_word_of_a_predecessor_is_taken_in() {
    let (store, cluster) = memory();
    let mut first = create(&store, &cluster).await;
    // The successor has read the log up to here when the predecessor writes once more.
    let (gate, word) = (Arc::new(Mutex::new(Some(()))), Position(2));
    let mut late = first_record(&mut first, committed(1));
    late.nonce = Nonce(99);
    let path = cluster.path(&Object::Log {
        job: JOB,
        position: word,
    });
    let bytes = serde_json::to_vec(&late).unwrap();
    let inner: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    copy(&store, &inner, &cluster).await;
    let (target, location) = (inner.clone(), object_store::path::Path::parse(path.as_str()).unwrap());
    let faulty = Faulty::new(inner, move |operation, at| {
        if operation == Operation::Put && at == location.as_ref() && gate.lock().unwrap().take().is_some() {
            let put = target.put_opts(&location, bytes.clone().into(), object_store::PutOptions::default());
            futures::executor::block_on(put).unwrap();
        }
        Fault::None
    });
    let store = Store::new(Arc::new(faulty), "", &StoreOptions::default());
    let second = take_over(&store, &cluster, 2).await.unwrap();
    assert_eq!(second.next_position(), Position(4));
    assert_eq!(second.state().latest().unwrap().epoch, Epoch(1));
}

fn first_record(log: &mut JobLog, event: Event) -> Record {
    Record {
        version: VERSION,
        term: log.term(),
        nonce: Nonce(0),
        at: at(3),
        state: log.state().after(&event, at(3), 2).unwrap(),
        event,
    }
}

async fn copy(from: &Store, to: &Arc<dyn ObjectStore>, cluster: &Cluster) {
    for listed in from.list(&cluster.jobs()).await.unwrap() {
        let bytes = from.read(&listed.path).await.unwrap();
        let path = object_store::path::Path::parse(listed.path.as_str()).unwrap();
        to.put_opts(&path, bytes.into(), object_store::PutOptions::default())
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn a_leader_that_slept_while_its_position_was_dropped_is_deposed() {
    let (store, cluster) = memory();
    let mut sleeper = create(&store, &cluster).await;
    let mut leader = take_over(&store, &cluster, 2).await.unwrap();
    for epoch in 1..10 {
        leader.append(committed(epoch), at(9)).await.unwrap();
    }
    assert_eq!(leader.prune(3).await.unwrap(), 9);
    let error = sleeper.append(committed(1), at(4)).await.unwrap_err();
    assert!(matches!(error, Error::Deposed { by: Term(2), .. }), "{error}");
    let third = take_over(&store, &cluster, 3).await.unwrap();
    assert_eq!(third.state().latest().unwrap().epoch, Epoch(9));
}

/// A store shared by all, in which every put may fail before, after, or take effect later.
fn hostile(inner: Arc<dyn ObjectStore>, seed: u64, share: f64) -> Store {
    let mut random = StdRng::seed_from_u64(seed);
    let plan = move |operation, _: &str| {
        if !random.random_bool(share) {
            return Fault::None;
        }
        match (operation, random.random_range(0..3)) {
            (Operation::Put, 0) => Fault::After,
            (Operation::Put, 1) => Fault::Late,
            _ => Fault::Before,
        }
    };
    Store::new(Arc::new(Faulty::new(inner, plan)), "", &StoreOptions::default())
}

/// Of a commit.
type TermAndEpoch = (u64, u64);

/// One leader: takes the log over and commits as often as it can; returns what it believes to have committed.
async fn reign(store: Store, cluster: Cluster, term: u64, seed: u64) -> Vec<(Position, TermAndEpoch)> {
    let mut believed = Vec::new();
    let log = loop {
        let taken = JobLog::take_over(&store, &cluster, JOB, Term(term), Nonces::seeded(seed), 2, at(0)).await;
        match taken {
            Ok(log) => break Some(log),
            Err(Error::Deposed { .. }) => break None,
            Err(_) => tokio::task::yield_now().await,
        }
    };
    let Some(mut log) = log else { return believed };
    for _ in 0..6 {
        let next = log.state().latest().map_or(1, |commit| commit.epoch.0 + 1);
        let mut appended = log.append(committed(next), at(term as i64)).await;
        loop {
            match appended {
                Ok(position) => {
                    believed.push((position, (term, next)));
                    break;
                }
                Err(Error::Deposed { .. }) => return believed,
                Err(_) => {
                    tokio::task::yield_now().await;
                    appended = log.settle().await;
                }
            }
        }
    }
    believed
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn racing_leaders_on_a_failing_store_never_disagree(seed: u64, share in 0.0..0.5f64) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let inner: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
            let calm = Store::new(inner.clone(), "", &StoreOptions::default());
            let cluster = Cluster::new("c");
            create(&calm, &cluster).await;
            let reigns = (2..6).map(|term| {
                let store = hostile(inner.clone(), seed ^ term, share);
                tokio::spawn(reign(store, cluster.clone(), term, seed.wrapping_add(term)))
            });
            let believed: Vec<_> = futures::future::join_all(reigns).await.into_iter().flat_map(Result::unwrap).collect();

            // What is in the log, position by position.
            let listed = calm.list(&cluster.log(JOB)).await.unwrap();
            let mut commits = BTreeMap::new();
            let mut terms = Vec::new();
            for (index, one) in listed.iter().enumerate() {
                let position = Position(index as u64);
                assert_eq!(one.path, cluster.path(&Object::Log { job: JOB, position }), "positions are dense");
                let record: Record = serde_json::from_slice(&calm.read(&one.path).await.unwrap()).unwrap();
                terms.push(record.term);
                if let Event::Committed { epoch, .. } = record.event {
                    commits.insert(position, (record.term.0, epoch.0));
                }
            }
            let epochs: Vec<_> = commits.values().map(|&(_, epoch)| epoch).collect();
            assert!(epochs.is_sorted_by(|a, b| a < b), "epochs increase: {epochs:?}");
            assert!(terms.is_sorted(), "terms never go back: {terms:?}");
            for (position, commit) in believed {
                assert_eq!(commits.get(&position), Some(&commit), "what a leader believes is in the log");
            }
        });
    }
}
