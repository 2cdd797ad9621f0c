//! `persistence window`.

use homology::incremental::RipsWindow;
use homology::{AlphaComplex, Diagram, Limits, Metric, Persistence as _, PointCloud, VietorisRips};
use serde::Serialize;

use super::{check_targets, compute, refuse_estimate, tell_estimate};
use crate::answer::{self, Diagrams, diagrams};
use crate::arguments::{Complex, Window};
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
    if arguments.complex == Complex::Alpha {
        check_alpha(arguments)?;
    } else if common.estimate {
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

fn check_alpha(arguments: &Window) -> Result<()> {
    refuse_estimate(&arguments.common, "alpha complexes")?;
    let unused = [
        ("--threshold", arguments.threshold.is_some()),
        ("--metric", arguments.metric.is_some()),
    ];
    match unused.iter().find(|(_, given)| *given) {
        Some((option, _)) => Err(Failure::input(option, "is for --complex rips; leave it out")),
        None => Ok(()),
    }
}

fn parameters(arguments: &Window) -> VietorisRips {
    VietorisRips {
        max_dimension: usize::from(arguments.max_dimension),
        threshold: arguments.threshold,
        coefficients: arguments.field,
        metric: arguments.metric.map_or_else(Metric::default, Into::into),
        threads: arguments.common.threads(),
        ..VietorisRips::to_dimension(0)
    }
}

fn slide(arguments: &Window, cloud: PointCloud<'_>, progress: &Progress) -> homology::Result<Vec<WindowAnswer>> {
    let (size, step) = (arguments.size as usize, arguments.slide as usize);
    let dimensions = usize::from(arguments.max_dimension) + 1;
    let count = (cloud.len() + 1).saturating_sub(size).div_ceil(step);
    let mut series = Series::new(arguments, cloud)?;
    let mut windows = Vec::with_capacity(count);
    for number in 0..count {
        progress.now(format!("window {} of {count}", number + 1));
        let (start, end) = (number * step, number * step + size);
        windows.push(WindowAnswer {
            start,
            end,
            dgms: diagrams(&series.diagram(start, end)?, dimensions),
        });
    }
    Ok(windows)
}

/// A series of points, seen through a window that only moves forwards.
struct Series<'a> {
    cloud: PointCloud<'a>,
    limits: Limits,
    complex: Sliding,
}

enum Sliding {
    /// The rows `start..end` are in the window now: each diagram costs what changed since the one before.
    Rips {
        window: Box<RipsWindow>,
        start: usize,
        end: usize,
    },
    Alpha(AlphaComplex),
}

impl<'a> Series<'a> {
    fn new(arguments: &Window, cloud: PointCloud<'a>) -> homology::Result<Self> {
        let complex = match arguments.complex {
            Complex::Rips => Sliding::Rips {
                window: Box::new(RipsWindow::new(parameters(arguments), cloud.dimension())?),
                start: 0,
                end: 0,
            },
            Complex::Alpha => Sliding::Alpha(AlphaComplex {
                max_dimension: usize::from(arguments.max_dimension),
                coefficients: arguments.field,
            }),
        };
        Ok(Self {
            cloud,
            limits: arguments.common.limits(),
            complex,
        })
    }

    /// Of the rows `first..last`, neither of which is before those of the call before.
    fn diagram(&mut self, first: usize, last: usize) -> homology::Result<Diagram> {
        match &mut self.complex {
            Sliding::Rips { window, start, end } => {
                window.remove_oldest(first - *start);
                window.extend(rows(self.cloud, first.max(*end), last)?.coordinates())?;
                (*start, *end) = (first, last);
                window.diagram(&self.limits)
            }
            Sliding::Alpha(alpha) => alpha.diagram(rows(self.cloud, first, last)?, &self.limits),
        }
    }
}

fn rows(cloud: PointCloud<'_>, start: usize, end: usize) -> homology::Result<PointCloud<'_>> {
    let dimension = cloud.dimension();
    PointCloud::new(&cloud.coordinates()[start * dimension..end * dimension], dimension)
}
