//! The subcommands: each reads, computes, and tells.

pub mod alpha;
pub mod distance;
pub mod rips;
pub mod window;
pub mod witness;

use serde::Serialize;

use crate::answer::{self, Cycles, Diagrams, Estimate};
use crate::arguments::Common;
use crate::failure::{Failure, Result};
use crate::measure::{Measured, measured};
use crate::plot;
use crate::progress::Progress;

/// `{"dgms": ..., "representatives": ...}`.
#[derive(Debug, Serialize)]
struct DiagramsAnswer {
    dgms: Diagrams,
    #[serde(skip_serializing_if = "Option::is_none")]
    representatives: Option<Cycles>,
}

/// Refuses targets that cannot be written, before anything is computed.
fn check_targets(common: &Common) -> Result<()> {
    answer::check_target(&common.output)?;
    common.plot.as_deref().map_or(Ok(()), answer::check_target)
}

/// Runs of a computation shorter than this together are repeated.
const REPEAT_SECONDS: f64 = 0.5;

/// Computes once, or as often as `--measure` allows, and returns the last answer.
fn compute<T>(common: &Common, doing: &str, compute: impl Fn(&Progress) -> Result<T>) -> Result<(T, Vec<Measured>)> {
    let progress = Progress::new(doing);
    let Some(runs) = common.measure else {
        return compute(&progress).map(|answer| (answer, Vec::new()));
    };
    let (answer, first) = measured(|| compute(&progress));
    let (mut answer, mut all) = (answer?, vec![first]);
    while all.len() < runs as usize && all.iter().map(|run| run.wall_seconds).sum::<f64>() < REPEAT_SECONDS {
        drop(answer);
        let (next, took) = measured(|| compute(&progress));
        answer = next?;
        all.push(took);
    }
    Ok((answer, all))
}

/// What is said where the library cannot estimate.
fn refuse_estimate(common: &Common, what: &str) -> Result<()> {
    if common.estimate {
        let sentence = format!("nothing is known beforehand about {what}; leave it out, and set --memory-limit");
        return Err(Failure::input("--estimate", sentence));
    }
    Ok(())
}

fn tell_estimate(common: &Common, cost: homology::Cost) -> Result<()> {
    answer::write(&Estimate::from(cost), &[], &common.output)
}

/// Writes the answer, and draws its diagrams.
fn tell_diagrams(
    common: &Common,
    title: &str,
    answer: &impl Serialize,
    dgms: &Diagrams,
    measured: &[Measured],
) -> Result<()> {
    answer::write(answer, measured, &common.output)?;
    match &common.plot {
        Some(target) => plot::write(target, &plot::diagrams(title, dgms)),
        None => Ok(()),
    }
}
