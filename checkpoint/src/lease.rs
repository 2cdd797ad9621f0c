//! Leadership by terms: each term is an object that exactly one JobManager creates, and a beat that it overwrites.
//!
//! Terms decide who may write a job's log, and that is what safety rests on; the beat and the clocks that watch it only
//! decide when somebody tries to be next.

use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use streaming::{Term, Timestamp};

use crate::error::{Error, Result};
use crate::log::Nonce;
use crate::path::{Cluster, Object, ObjectPath};
use crate::store::{Created, Nonces, Store};

/// How many terms a JobManager that must lead tries to win in a row.
const ROUNDS: u32 = 16;

/// Who leads, or wants to: the content of `leader/{term}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leader {
    /// Tells candidates apart.
    pub nonce: Nonce,
    /// Where TaskManagers and clients reach it: `host:port` of gRPC.
    pub rpc_address: String,
    /// Where people reach it: URL of REST and web UI.
    pub rest_address: String,
    /// By its own clock; for people.
    pub since: Timestamp,
}

/// The content of `leader/{term}.beat`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beat {
    pub count: u64,
    /// The leader has gone of its own accord.
    pub resigned: bool,
}

/// The highest term and its last beat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    pub term: Term,
    pub leader: Leader,
    /// `None` before the first.
    pub beat: Option<Beat>,
}

/// What a standby makes of what it sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nobody has ever led.
    Vacant,
    Leads(Term),
    /// The leader of this term has been silent for the lease time-out, or has resigned: the next term may be taken.
    Silent(Term),
}

/// A standby's view of the leader, on its own monotonic clock. Pure.
#[derive(Debug, Clone)]
pub struct Watch {
    timeout: Duration,
    /// What was seen last, and when it was new.
    seen: Option<(Term, Option<Beat>, Instant)>,
}

impl Watch {
    /// `timeout` is `high-availability.lease-timeout`.
    pub fn new(timeout: Duration) -> Self {
        Self { timeout, seen: None }
    }

    pub fn observe(&mut self, sighting: Option<&Sighting>, now: Instant) -> Verdict {
        let Some(&Sighting { term, beat, .. }) = sighting else {
            return Verdict::Vacant;
        };
        if beat.is_some_and(|beat| beat.resigned) {
            return Verdict::Silent(term);
        }
        match self.seen {
            Some((seen_term, seen_beat, since)) if (seen_term, seen_beat) == (term, beat) => {
                match now.saturating_duration_since(since) >= self.timeout {
                    true => Verdict::Silent(term),
                    false => Verdict::Leads(term),
                }
            }
            _ => {
                self.seen = Some((term, beat, now));
                Verdict::Leads(term)
            }
        }
    }
}

/// Whether a leader whose last refresh succeeded at `refreshed` must step down by itself: after half the time-out, so that
/// it is gone before a standby starts. This serves liveness; safety is in the logs.
pub fn must_step_down(timeout: Duration, refreshed: Instant, now: Instant) -> bool {
    now.saturating_duration_since(refreshed) >= timeout / 2
}

/// The highest term there is.
pub async fn look(store: &Store, cluster: &Cluster) -> Result<Option<Sighting>> {
    let Some(term) = highest_term(store, cluster).await? else {
        return Ok(None);
    };
    let leader = read_json(store, &cluster.path(&Object::Leader(term))).await?;
    let beat = match read_json(store, &cluster.path(&Object::Beat(term))).await {
        Ok(beat) => Some(beat),
        Err(Error::NotFound { .. }) => None,
        Err(error) => return Err(error),
    };
    Ok(Some(Sighting { term, leader, beat }))
}

async fn highest_term(store: &Store, cluster: &Cluster) -> Result<Option<Term>> {
    let listed = store.list(&cluster.leaders()).await?;
    let terms = listed.iter().filter_map(|one| match cluster.parse(&one.path) {
        Some(Object::Leader(term)) => Some(term),
        _ => None,
    });
    Ok(terms.max())
}

async fn read_json<T: DeserializeOwned>(store: &Store, path: &ObjectPath) -> Result<T> {
    let bytes = store.read(path).await?;
    serde_json::from_slice(&bytes).map_err(|error| Error::damaged(path, error))
}

/// Leadership of one term.
#[derive(Debug)]
pub struct Lease {
    store: Store,
    cluster: Cluster,
    term: Term,
    leader: Leader,
    beats: u64,
}

/// Whether a leader still leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    Leads,
    /// There is a higher term: stop everything.
    Superseded {
        by: Term,
    },
}

impl Lease {
    /// Tries to win `term`, which must be one more than the highest seen. `None` if another candidate was first.
    pub async fn try_take(store: &Store, cluster: &Cluster, term: Term, leader: Leader) -> Result<Option<Self>> {
        let path = cluster.path(&Object::Leader(term));
        let bytes = serde_json::to_vec(&leader).map_err(|error| Error::internal(path.as_str(), error))?;
        let ours = match store.create_if_absent(&path, bytes.into()).await {
            Ok(Created::New) => true,
            Ok(Created::Exists) | Err(Error::MaybeApplied { .. }) => {
                // Perhaps an earlier try of the client, or this one, has got there.
                let winner: Leader = read_json(store, &path).await?;
                winner.nonce == leader.nonce
            }
            Err(error) => return Err(error),
        };
        Ok(ours.then(|| Self {
            store: store.clone(),
            cluster: cluster.clone(),
            term,
            leader,
            beats: 0,
        }))
    }

    /// Takes the next term, whoever leads now: what a single JobManager does when it starts.
    pub async fn take_now(
        store: &Store,
        cluster: &Cluster,
        nonces: &mut Nonces,
        rpc_address: &str,
        rest_address: &str,
        since: Timestamp,
    ) -> Result<Self> {
        for _ in 0..ROUNDS {
            let leader = Leader {
                nonce: Nonce(nonces.draw()),
                rpc_address: rpc_address.to_owned(),
                rest_address: rest_address.to_owned(),
                since,
            };
            let term = highest_term(store, cluster).await?.unwrap_or_default().next();
            if let Some(mut lease) = Self::try_take(store, cluster, term, leader).await? {
                lease.refresh().await?;
                return Ok(lease);
            }
        }
        let reason = format!("other JobManagers won {ROUNDS} terms in a row");
        Err(Error::Leadership { reason })
    }

    pub fn term(&self) -> Term {
        self.term
    }

    pub fn leader(&self) -> &Leader {
        &self.leader
    }

    /// Shows that we are alive, and looks whether we still lead. To be called several times per lease time-out.
    pub async fn refresh(&mut self) -> Result<Standing> {
        match highest_term(&self.store, &self.cluster).await? {
            Some(by) if by > self.term => return Ok(Standing::Superseded { by }),
            _ => {}
        }
        self.beat(false).await?;
        Ok(Standing::Leads)
    }

    /// Says that we have gone, so that a standby need not wait for the time-out.
    pub async fn resign(mut self) -> Result<()> {
        self.beat(true).await
    }

    async fn beat(&mut self, resigned: bool) -> Result<()> {
        self.beats += 1;
        let path = self.cluster.path(&Object::Beat(self.term));
        let beat = Beat {
            count: self.beats,
            resigned,
        };
        let bytes = serde_json::to_vec(&beat).map_err(|error| Error::internal(path.as_str(), error))?;
        self.store.overwrite(&path, bytes.into()).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::StoreOptions;

    fn leader(nonce: u64) -> Leader {
        Leader {
            nonce: Nonce(nonce),
            rpc_address: "localhost:6123".into(),
            rest_address: "http://localhost:8082".into(),
            since: Timestamp(0),
        }
    }

    fn sighting(term: u64, count: u64, resigned: bool) -> Sighting {
        Sighting {
            term: Term(term),
            leader: leader(1),
            beat: Some(Beat { count, resigned }),
        }
    }

    #[test]
    fn a_leader_is_silent_when_its_beat_stands_still_for_the_timeout() {
        let start = Instant::now();
        let mut watch = Watch::new(Duration::from_secs(3));
        let mut at =
            |second, sighting: Option<Sighting>| watch.observe(sighting.as_ref(), start + Duration::from_secs(second));
        assert_eq!(at(0, None), Verdict::Vacant);
        assert_eq!(at(1, Some(sighting(1, 1, false))), Verdict::Leads(Term(1)));
        assert_eq!(at(3, Some(sighting(1, 1, false))), Verdict::Leads(Term(1)));
        assert_eq!(at(4, Some(sighting(1, 1, false))), Verdict::Silent(Term(1)));
        assert_eq!(at(5, Some(sighting(1, 2, false))), Verdict::Leads(Term(1)));
        assert_eq!(at(9, Some(sighting(2, 2, false))), Verdict::Leads(Term(2)));
        assert_eq!(at(9, Some(sighting(2, 3, true))), Verdict::Silent(Term(2)));
    }

    #[test]
    fn a_leader_steps_down_after_half_the_timeout() {
        let (start, timeout) = (Instant::now(), Duration::from_secs(3));
        assert!(!must_step_down(timeout, start, start + Duration::from_millis(1499)));
        assert!(must_step_down(timeout, start, start + Duration::from_millis(1500)));
    }

    #[tokio::test]
    async fn of_two_candidates_one_wins_and_a_restart_takes_the_next_term() {
        let store = Store::open("memory:", &StoreOptions::default()).unwrap();
        let cluster = Cluster::new("c");
        assert_eq!(look(&store, &cluster).await.unwrap(), None);
        let won = Lease::try_take(&store, &cluster, Term(1), leader(1)).await.unwrap();
        let lost = Lease::try_take(&store, &cluster, Term(1), leader(2)).await.unwrap();
        let mut first = won.unwrap();
        assert!(lost.is_none());
        assert_eq!(first.refresh().await.unwrap(), Standing::Leads);

        let mut nonces = Nonces::seeded(1);
        let second = Lease::take_now(&store, &cluster, &mut nonces, "rpc", "rest", Timestamp(0))
            .await
            .unwrap();
        assert_eq!(second.term(), Term(2));
        assert_eq!(first.refresh().await.unwrap(), Standing::Superseded { by: Term(2) });
        let seen = look(&store, &cluster).await.unwrap().unwrap();
        assert_eq!((seen.term, &seen.leader), (Term(2), second.leader()));
        second.resign().await.unwrap();
        let seen = look(&store, &cluster).await.unwrap().unwrap();
        let mut watch = Watch::new(Duration::from_secs(3));
        assert_eq!(watch.observe(Some(&seen), Instant::now()), Verdict::Silent(Term(2)));
    }
}
