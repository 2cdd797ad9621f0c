//! `persistence window`.

use homology::incremental::RipsWindow;
use homology::{PointCloud, VietorisRips};
use serde::Serialize;

use super::{check_targets, compute, tell_estimate};
use crate::answer::{self, Diagrams, diagrams};
use crate::arguments::Window;
use crate::failure::{Failure, Result};
use crate::input::{Document, read_points};
use crate::plot;
use crate::progress::Progress;

#[derive(Debug, Serialize)]
struct Answer {
    windows: Vec<WindowAnswer>,
}

/// The rows `start..end` and their diagram.
#[derive(Debug, Serialize)]
struct WindowAnswer {
    start: usize,
    end: usize,
    dgms: Diagrams,
}

pub fn run(arguments: &Window) -> Result<()> {
    let common = &arguments.common;
    check_targets(common)?;
    let document = Document::read(&arguments.input)?;
    let name = document.name.clone();
    let points = read_points(document)?;
    let fail = |error| Failure::computation(&name, error);
    if common.estimate {
        // One window is in work at a time.
        let first = rows(points.cloud(), 0, (arguments.size as usize).min(points.cloud().len()));
        let cost = first.and_then(|window| parameters(arguments).estimate(window, &common.limits()));
        return tell_estimate(common, cost.map_err(fail)?);
    }
    let (windows, measured) = compute(common, &format!("windows of {name}"), |progress| {
        slide(arguments, points.cloud(), progress).map_err(fail)
    })?;
    let answer = Answer { windows };
    answer::write(&answer, &measured, &common.output)?;
    match &common.plot {
        Some(target) => {
            let windows: Vec<_> = answer
                .windows
                .iter()
                .map(|window| (window.start, &window.dgms))
                .collect();
            plot::write(
                target,
                &plot::windows(&format!("Lifetimes in the windows of {name}"), &windows),
            )
        }
        None => Ok(()),
    }
}

fn parameters(arguments: &Window) -> VietorisRips {
    VietorisRips {
        max_dimension: usize::from(arguments.max_dimension),
        threshold: arguments.threshold,
        coefficients: arguments.field,
        metric: arguments.metric.into(),
        threads: arguments.common.threads(),
        ..VietorisRips::to_dimension(0)
    }
}

/// Slides one window along the series, so that each diagram costs what changed since the one before.
fn slide(arguments: &Window, cloud: PointCloud<'_>, progress: &Progress) -> homology::Result<Vec<WindowAnswer>> {
    let (size, step) = (arguments.size as usize, arguments.slide as usize);
    let (limits, dimensions) = (arguments.common.limits(), usize::from(arguments.max_dimension) + 1);
    let count = (cloud.len() + 1).saturating_sub(size).div_ceil(step);
    let mut window = RipsWindow::new(parameters(arguments), cloud.dimension())?;
    let mut windows = Vec::with_capacity(count);
    let mut inserted = 0;
    for number in 0..count {
        progress.now(format!("window {} of {count}", number + 1));
        let start = number * step;
        window.remove_oldest(step);
        window.extend(rows(cloud, inserted.max(start), start + size)?.coordinates())?;
        inserted = start + size;
        windows.push(WindowAnswer {
            start,
            end: start + size,
            dgms: diagrams(&window.diagram(&limits)?, dimensions),
        });
    }
    Ok(windows)
}

fn rows(cloud: PointCloud<'_>, start: usize, end: usize) -> homology::Result<PointCloud<'_>> {
    let dimension = cloud.dimension();
    PointCloud::new(&cloud.coordinates()[start * dimension..end * dimension], dimension)
}
