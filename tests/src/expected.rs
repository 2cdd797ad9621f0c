//! What must come out, computed from the definition: the points of each window, and their Vietoris–Rips diagram.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use homology::{Limits, Persistence as _, PointCloud, VietorisRips};

use crate::results::{Diagram, Window};
use crate::stream::{FLUSH_KEY, Row};

/// Windows of event time and what is computed on them.
#[derive(Debug, Clone, Copy)]
pub struct Windows {
    pub size_ms: i64,
    pub slide_ms: i64,
    pub max_dimension: usize,
    pub max_edge_length: f64,
}

impl Windows {
    /// The diagram of every window that holds a point.
    pub fn of(&self, rows: impl IntoIterator<Item = Row>) -> Result<BTreeMap<Window, Diagram>> {
        let mut clouds: BTreeMap<Window, Vec<f64>> = BTreeMap::new();
        for row in rows {
            // The window holds its start and not its end.
            let last = row.event_time.div_euclid(self.slide_ms * 1000) * self.slide_ms;
            let mut start = last;
            while start + self.size_ms > row.event_time.div_euclid(1000) {
                let window = (row.key.clone(), start, start + self.size_ms);
                clouds.entry(window).or_default().extend(row.point);
                start -= self.slide_ms;
            }
        }
        clouds
            .into_iter()
            .map(|(window, cloud)| Ok((window, self.diagram(&cloud)?)))
            .collect()
    }

    fn diagram(&self, cloud: &[f64]) -> Result<Diagram> {
        let algorithm = VietorisRips {
            threshold: Some(self.max_edge_length),
            ..VietorisRips::to_dimension(self.max_dimension)
        };
        let cloud = PointCloud::new(cloud, 2)?;
        let diagram = algorithm.diagram(cloud, &Limits::default())?;
        let pairs = diagram
            .pairs()
            .iter()
            .map(|pair| (pair.dimension, pair.birth, pair.death));
        Ok(Diagram::new(cloud.len() as u64, pairs.collect()))
    }
}

/// Fails unless `found` holds exactly the windows of `expected`, with the same diagrams up to `tolerance`.
pub fn compare(
    expected: &BTreeMap<Window, Diagram>,
    found: impl Fn(&Window) -> Option<Diagram>,
    found_windows: impl Iterator<Item = Window>,
    tolerance: f64,
) -> Result<()> {
    let mut problems = vec![];
    for (window, diagram) in expected {
        match found(window) {
            None => problems.push(format!("{window:?} is missing")),
            Some(found) if !found.is_close(diagram, tolerance) => {
                problems.push(format!("{window:?}: {}", found.difference(diagram, tolerance)));
            }
            Some(_) => {}
        }
    }
    for window in found_windows.filter(|window| window.0 != FLUSH_KEY && !expected.contains_key(window)) {
        problems.push(format!("{window:?} should not be there"));
    }
    if !problems.is_empty() {
        let shown = problems.iter().take(5).cloned().collect::<Vec<_>>().join("\n");
        bail!("{} of {} windows are wrong:\n{shown}", problems.len(), expected.len());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_lies_in_every_window_that_covers_it() {
        let windows = Windows {
            size_ms: 10,
            slide_ms: 5,
            max_dimension: 1,
            max_edge_length: 1.0,
        };
        let row = |ms: i64| Row {
            key: "k".into(),
            event_time: ms * 1000,
            point: [0.0, 0.0],
        };
        let starts = |ms| {
            windows
                .of([row(ms)])
                .unwrap()
                .into_keys()
                .map(|(_, start, _)| start)
                .collect::<Vec<_>>()
        };
        assert_eq!(starts(12), [5, 10]);
        assert_eq!(starts(15), [10, 15]);
        let windows = windows.of([row(10), row(12)]).unwrap();
        assert_eq!(windows[&("k".to_owned(), 5, 15)].points, 2);
    }
}
