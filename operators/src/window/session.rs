//! Session windows: the points of a key that follow each other by less than a gap.
//!
//! A point at `t` opens the session `[t, t + gap)`; sessions of a key that overlap become one. A session fires when time
//! passes its last instant and stays for `allowed-lateness` more. A row that reaches a session in that time joins it: the
//! session fires again at once, or, where its end has moved ahead of time, when that has come.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

use streaming::batch::{Keys, Points, WindowKind};
use streaming::key::{self, KeyGroup};
use streaming::operator::OperatorContext;
use streaming::state::RowKey;
use streaming::{Result, Timestamp};

use super::chunk::{Place, Reader};
use super::clock::Clock;
use super::cloud::Cloud;
use super::key_map::{CloudKey, KeyMap};
use super::output::{Dropped, DroppedPoint, Fired, FiredWindows, Letters};
use super::over_time::{TimeWindows, WINDOWS};
use super::pane::{read_scope, scope};

/// Start and end of a session, in front of the points of each of its chunks.
const HEADER_BYTES: usize = 16;

/// Windows that end after a time without points.
pub struct SessionWindows {
    gap: i64,
    lateness: i64,
    keeps_points: bool,
    max_points: u64,
    /// The sessions of a key, disjoint, in order of time.
    sessions: KeyMap<Vec<Session>>,
    /// When to look at a session next; what is no longer there, or has moved on, is found out then.
    due: BinaryHeap<Reverse<Due>>,
    /// Sessions that have fired and got a row since.
    again: BTreeSet<(i64, i64, CloudKey)>,
}

#[derive(Debug, Default)]
struct Session {
    /// The time of the point that opened it: no other session of the key can ever contain it.
    id: i64,
    start: i64,
    /// First instant that is not in the session.
    end: i64,
    cloud: Cloud,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Due {
    at: i64,
    key: CloudKey,
    id: i64,
}

impl Session {
    fn last(&self) -> i64 {
        self.end.saturating_sub(1)
    }

    fn scope(&self, dim: u16) -> [u8; 10] {
        scope(self.id, dim)
    }
}

impl SessionWindows {
    pub fn new(gap: i64, lateness: i64, keeps_points: bool, max_points: u64) -> Self {
        Self {
            gap,
            lateness,
            keeps_points,
            max_points,
            sessions: KeyMap::default(),
            due: BinaryHeap::new(),
            again: BTreeSet::new(),
        }
    }

    /// `clock` is how far time has come for the key.
    fn add_row(
        &mut self,
        hash: u64,
        row: DroppedPoint<'_>,
        clock: i64,
        cx: &mut OperatorContext<'_>,
    ) -> Result<Option<Dropped>> {
        let dim = row.point.len() as u16;
        let (start, end) = (row.event_time.0, row.event_time.0.saturating_add(self.gap));
        let (key, sessions) = self.sessions.get_or_default(hash, row.key, dim);
        // Sessions are disjoint and sorted, so those that overlap stand together.
        let first = sessions.partition_point(|session| session.end <= start);
        let behind = first + sessions[first..].partition_point(|session| session.start < end);
        if first == behind {
            if end.saturating_sub(1).saturating_add(self.lateness) <= clock {
                let is_empty = sessions.is_empty();
                let key = key.clone();
                if is_empty {
                    self.sessions.remove(&key);
                }
                return Ok(Some(Dropped::Late { watermark: clock }));
            }
            sessions.insert(
                first,
                Session {
                    id: start,
                    start,
                    end,
                    cloud: Cloud::default(),
                },
            );
            self.due.push(Reverse(Due {
                at: end.saturating_sub(1),
                key: key.clone(),
                id: start,
            }));
        }
        let was_over = sessions[first].last() <= clock;
        let group = KeyGroup::of(hash, cx.place.key_groups);
        for absorbed in sessions.drain((first + 1).min(behind)..behind).collect::<Vec<_>>() {
            let scope = absorbed.scope(dim);
            absorbed.cloud.forget(
                Place {
                    table: WINDOWS,
                    group,
                    key: &key.bytes,
                    scope: &scope,
                },
                cx.state,
            )?;
            let session = &mut sessions[first];
            session.cloud.absorb(&absorbed.cloud);
            session.end = session.end.max(absorbed.end);
        }
        let session = &mut sessions[first];
        if session.cloud.count >= self.max_points && self.keeps_points {
            return Ok(Some(Dropped::Overflow {
                max_points: self.max_points,
            }));
        }
        session.start = session.start.min(start);
        session.end = session.end.max(end);
        session.cloud.push(if self.keeps_points { row.point } else { &[] });
        if session.last() <= clock {
            self.again.insert((session.end, session.start, key.clone()));
        } else if was_over {
            // It is waiting to be forgotten; now it has to fire before that.
            self.due.push(Reverse(Due {
                at: session.last(),
                key: key.clone(),
                id: session.id,
            }));
        }
        Ok(None)
    }

    /// Emits sessions in the order of their end, start and key; those that were absorbed since are passed over.
    fn fire(&mut self, wanted: BTreeSet<(i64, i64, CloudKey)>, cx: &mut OperatorContext<'_>) {
        let mut fired = FiredWindows::new(WindowKind::Session);
        for (end, start, key) in wanted {
            let Some(sessions) = self.sessions.get_mut(&key) else {
                continue;
            };
            let Some(session) = sessions
                .iter()
                .find(|session| (session.start, session.end) == (start, end))
            else {
                continue;
            };
            let hash = key::hash(&key.bytes);
            let row = Fired::over_time(hash, &key.bytes, start, end, key.dim);
            fired.push(row, [(session.cloud.count, session.cloud.coords.as_slice())], cx);
        }
        fired.flush(cx);
    }

    fn forget(&mut self, key: &CloudKey, id: i64, cx: &mut OperatorContext<'_>) -> Result<()> {
        let Some(sessions) = self.sessions.get_mut(key) else {
            return Ok(());
        };
        let Some(at) = sessions.iter().position(|session| session.id == id) else {
            return Ok(());
        };
        let session = sessions.remove(at);
        if sessions.is_empty() {
            self.sessions.remove(key);
        }
        let group = KeyGroup::of(key::hash(&key.bytes), cx.place.key_groups);
        let scope = session.scope(key.dim);
        session.cloud.forget(
            Place {
                table: WINDOWS,
                group,
                key: &key.bytes,
                scope: &scope,
            },
            cx.state,
        )
    }
}

impl TimeWindows for SessionWindows {
    fn restore(&mut self, row: RowKey<'_>, value: &[u8]) -> Result<()> {
        let (id, dim) = read_scope(row.namespace)?;
        let (key, sessions) = self.sessions.get_or_default(key::hash(row.key), row.key, dim);
        let at = match sessions.iter().position(|session| session.id == id) {
            Some(at) => at,
            None => {
                sessions.push(Session {
                    id,
                    start: i64::MAX,
                    end: i64::MIN,
                    cloud: Cloud::default(),
                });
                self.due.push(Reverse(Due {
                    at: id,
                    key: key.clone(),
                    id,
                }));
                sessions.len() - 1
            }
        };
        let session = &mut sessions[at];
        let mut header = Reader(session.cloud.restore(dim, HEADER_BYTES, self.keeps_points, value)?);
        session.start = session.start.min(header.i64()?);
        session.end = session.end.max(header.i64()?);
        // Ids sort as sessions do: each lies in its own, and sessions are disjoint.
        sessions.sort_by_key(|session| session.id);
        Ok(())
    }

    fn add(
        &mut self,
        times: &[Timestamp],
        keys: &Keys,
        points: &Points,
        clock: &Clock,
        cx: &mut OperatorContext<'_>,
    ) -> Result<()> {
        let mut letters = Letters::default();
        for (row, &event_time) in times.iter().enumerate() {
            let (hash, key) = (keys.hashes[row], keys.row(row));
            let point = DroppedPoint {
                key,
                event_time,
                point: points.row(row),
            };
            if let Some(dropped) = self.add_row(hash, point, clock.of(hash), cx)? {
                letters.push(dropped, point, cx);
            }
        }
        letters.flush(cx);
        let again = std::mem::take(&mut self.again);
        self.fire(again, cx);
        Ok(())
    }

    fn advance(&mut self, to: i64, clock: &mut Clock, cx: &mut OperatorContext<'_>) -> Result<()> {
        let (mut over, mut gone) = (BTreeSet::new(), Vec::new());
        while self.due.peek().is_some_and(|due| due.0.at <= to) {
            let Some(Reverse(due)) = self.due.pop() else { break };
            let now = clock.of(key::hash(&due.key.bytes));
            let Some(sessions) = self.sessions.get_mut(&due.key) else {
                continue;
            };
            let Some(session) = sessions.iter().find(|session| session.id == due.id) else {
                continue;
            };
            let last = session.last();
            if last > to {
                self.due.push(Reverse(Due { at: last, ..due }));
                continue;
            }
            if last > now {
                over.insert((session.end, session.start, due.key.clone()));
            }
            let forget_at = last.saturating_add(self.lateness);
            if forget_at <= to {
                gone.push((due.key, due.id));
            } else {
                self.due.push(Reverse(Due { at: forget_at, ..due }));
            }
        }
        self.fire(over, cx);
        clock.advance(to);
        gone.into_iter().try_for_each(|(key, id)| self.forget(&key, id, cx))
    }

    fn next_end(&self, _clock: &Clock) -> Option<Timestamp> {
        self.due.peek().map(|due| Timestamp(due.0.at.saturating_add(1)))
    }

    fn persist(&mut self, cx: &mut OperatorContext<'_>) -> Result<usize> {
        let mut retained = 0;
        for (hash, key, sessions) in self.sessions.iter_mut() {
            let group = KeyGroup::of(hash, cx.place.key_groups);
            for session in sessions {
                let mut header = [0; HEADER_BYTES];
                header[..8].copy_from_slice(&session.start.to_le_bytes());
                header[8..].copy_from_slice(&session.end.to_le_bytes());
                let scope = scope(session.id, key.dim);
                let place = Place {
                    table: WINDOWS,
                    group,
                    key: &key.bytes,
                    scope: &scope,
                };
                session.cloud.persist(key.dim, &header, place, cx.state)?;
                retained += size_of::<Session>() + session.cloud.heap_bytes();
            }
        }
        Ok(retained)
    }
}
