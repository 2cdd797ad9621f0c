//! What windows should be, written for reading and not for speed.

/// A row of a test.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub time: i64,
    pub key: String,
    pub id: usize,
}

pub struct Model {
    windows: Windows,
    watermark: i64,
}

enum Windows {
    Aligned {
        size: i64,
        slide: i64,
        offset: i64,
        lateness: i64,
        rows: Vec<Row>,
    },
    /// Each session is its rows, in the order they came to it.
    Session {
        gap: i64,
        lateness: i64,
        sessions: Vec<Vec<Row>>,
    },
    /// Each key has its rows and how many of them came since its last window.
    Count {
        size: Option<u64>,
        slide: u64,
        keys: Vec<(String, Vec<Row>, u64)>,
    },
}

fn line(start: i64, end: i64, rows: &[&Row]) -> String {
    let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
    format!("[{start}, {end}) {}: {} {ids:?}", rows[0].key, rows.len())
}

impl Model {
    pub fn aligned(size: i64, slide: i64, offset: i64, lateness: i64) -> Self {
        Self {
            windows: Windows::Aligned {
                size,
                slide,
                offset,
                lateness,
                rows: vec![],
            },
            watermark: i64::MIN,
        }
    }

    pub fn session(gap: i64, lateness: i64) -> Self {
        Self {
            windows: Windows::Session {
                gap,
                lateness,
                sessions: vec![],
            },
            watermark: i64::MIN,
        }
    }

    pub fn count(size: Option<u64>, slide: u64) -> Self {
        Self {
            windows: Windows::Count {
                size,
                slide,
                keys: vec![],
            },
            watermark: i64::MIN,
        }
    }

    pub fn rows(&mut self, new: &[Row]) -> Vec<String> {
        let watermark = self.watermark;
        match &mut self.windows {
            Windows::Aligned {
                size,
                slide,
                offset,
                lateness,
                rows,
            } => {
                let (mut late, mut again) = (vec![], vec![]);
                for row in new {
                    let ends = ends(*size, *slide, *offset, row.time);
                    if ends.iter().all(|end| end - 1 + *lateness <= watermark) {
                        late.push(format!("late {}", row.key));
                        continue;
                    }
                    rows.push(row.clone());
                    again.extend(
                        ends.into_iter()
                            .filter(|end| end - 1 <= watermark && end - 1 + *lateness > watermark)
                            .map(|end| (end, row.key.clone())),
                    );
                }
                again.sort();
                again.dedup();
                let again = again
                    .into_iter()
                    .map(|(end, key)| contents(*size, *slide, *offset, rows, end, &key));
                again.chain(late).collect()
            }
            Windows::Session {
                gap,
                lateness,
                sessions,
            } => {
                let (mut late, mut again) = (vec![], vec![]);
                for row in new {
                    let touches = |session: &Vec<Row>| {
                        session[0].key == row.key && session.iter().any(|other| (other.time - row.time).abs() < *gap)
                    };
                    let (mut touching, rest): (Vec<_>, Vec<_>) = sessions.drain(..).partition(touches);
                    *sessions = rest;
                    if touching.is_empty() && row.time + *gap - 1 + *lateness <= watermark {
                        late.push(format!("late {}", row.key));
                        continue;
                    }
                    touching.sort_by_key(|session| session.iter().map(|row| row.time).min());
                    let mut merged: Vec<_> = touching.into_iter().flatten().collect();
                    merged.push(row.clone());
                    if span(&merged, *gap).1 - 1 <= watermark {
                        again.push(row.clone());
                    }
                    sessions.push(merged);
                }
                let mut fired: Vec<_> = sessions
                    .iter()
                    .filter(|session| {
                        again.iter().any(|row| session.contains(row)) && span(session, *gap).1 - 1 <= watermark
                    })
                    .collect();
                let mut lines = sessions_shown(&mut fired, *gap);
                lines.extend(late);
                lines
            }
            Windows::Count { size, slide, keys } => {
                let mut lines = vec![];
                for row in new {
                    let at = keys.iter().position(|(key, ..)| *key == row.key).unwrap_or_else(|| {
                        keys.push((row.key.clone(), vec![], 0));
                        keys.len() - 1
                    });
                    let (_, rows, unfired) = &mut keys[at];
                    rows.push(row.clone());
                    *unfired += 1;
                    if *unfired == *slide {
                        *unfired = 0;
                        lines.push(last(rows, *size));
                    }
                }
                lines
            }
        }
    }

    pub fn watermark(&mut self, to: i64) -> Vec<String> {
        let from = self.watermark;
        self.watermark = from.max(to);
        match &mut self.windows {
            Windows::Aligned {
                size,
                slide,
                offset,
                rows,
                ..
            } => {
                let mut over: Vec<_> = rows
                    .iter()
                    .flat_map(|row| {
                        ends(*size, *slide, *offset, row.time)
                            .into_iter()
                            .map(|end| (end, row.key.clone()))
                    })
                    .filter(|(end, _)| from < end - 1 && end - 1 <= to)
                    .collect();
                over.sort();
                over.dedup();
                over.into_iter()
                    .map(|(end, key)| contents(*size, *slide, *offset, rows, end, &key))
                    .collect()
            }
            Windows::Session {
                gap,
                lateness,
                sessions,
            } => {
                let end = |session: &Vec<Row>| span(session, *gap).1;
                let mut over: Vec<_> = sessions
                    .iter()
                    .filter(|session| from < end(session) - 1 && end(session) - 1 <= to)
                    .collect();
                let lines = sessions_shown(&mut over, *gap);
                sessions.retain(|session| end(session) - 1 + *lateness > to);
                lines
            }
            Windows::Count { size, slide, keys } if to == i64::MAX => {
                keys.sort();
                // What the next window would have had.
                let left = |unfired: u64| size.map(|size| size - *slide + unfired);
                let unfired = keys.iter().filter(|(.., unfired)| *unfired > 0);
                unfired.map(|(_, rows, unfired)| last(rows, left(*unfired))).collect()
            }
            Windows::Count { .. } => vec![],
        }
    }
}

impl Eq for Row {}

impl PartialOrd for Row {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Row {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (&self.key, self.id).cmp(&(&other.key, other.id))
    }
}

/// The ends of all windows that hold `time`.
fn ends(size: i64, slide: i64, offset: i64, time: i64) -> Vec<i64> {
    (-100..400)
        .map(|k| offset + k * slide + size)
        .filter(|end| end - size <= time && time < *end)
        .collect()
}

/// Panes in order of time, rows of a pane as they came.
fn contents(size: i64, slide: i64, offset: i64, rows: &[Row], end: i64, key: &str) -> String {
    let width = (1..=slide)
        .rev()
        .find(|width| size % width == 0 && slide % width == 0)
        .unwrap();
    let mut held: Vec<_> = rows
        .iter()
        .filter(|row| row.key == key && end - size <= row.time && row.time < end)
        .collect();
    held.sort_by_key(|row| (row.time - offset).div_euclid(width));
    line(end - size, end, &held)
}

fn span(session: &[Row], gap: i64) -> (i64, i64) {
    let times = session.iter().map(|row| row.time);
    (times.clone().min().unwrap(), times.max().unwrap() + gap)
}

fn sessions_shown(sessions: &mut [&Vec<Row>], gap: i64) -> Vec<String> {
    sessions.sort_by_key(|session| {
        let (start, end) = span(session, gap);
        (end, start, session[0].key.clone())
    });
    let shown = sessions.iter().map(|session| {
        let (start, end) = span(session, gap);
        line(start, end, &session.iter().collect::<Vec<_>>())
    });
    shown.collect()
}

fn last(rows: &[Row], size: Option<u64>) -> String {
    let skipped = rows.len() - size.map_or(rows.len(), |size| rows.len().min(size as usize));
    let held: Vec<_> = rows[skipped..].iter().collect();
    let times = held.iter().map(|row| row.time);
    line(times.clone().min().unwrap(), times.max().unwrap(), &held)
}
