//! `drift`: how far each window's diagram lies from an earlier one of the same key.
//!
//! ```toml
//! distance = "wasserstein"    # or bottleneck, sliced-wasserstein, landscape
//! order = 2                   # of the Wasserstein distance, or of the norm between landscapes
//! tolerance = 0.01            # relative error allowed to the Wasserstein distance; 0 computes it exactly
//! directions = 10             # of the sliced Wasserstein distance
//! dimensions = [0, 1]         # of homology; all that were computed by default
//! reference = "previous"      # or first: the first window of the key, for good
//! essential = "ignore"        # or match: classes that never die count, and the distance of unequally many is infinite
//! threshold = 0.5             # a larger distance is a drift; none by default
//! deviations = 3.0            # or: so many standard deviations above the mean of the distances before it,
//! warm-up = 10                # once there are so many
//! ```
//!
//! Every diagram is passed on, with `"drift": {…}` in its answer: the distance by dimension, the greatest of them as
//! `value`, and whether it is a drift (`exceeded`). The first diagram of a key has nothing to be compared with: its `value`
//! is null. Distances are computed in the compute pool, each diagram stays in state until it has been passed on, and the
//! watermark is held back to the oldest of them.

mod distance;
mod landscape;
mod operator;
mod options;
mod rule;

use streaming::Result;
use streaming::job::Options;
use streaming::operator::{Descriptor, Keyed, Operator, OperatorFactory, Rows};

use operator::DriftOperator;
use options::Spec;

/// Makes drift operators.
pub struct Drift;

impl OperatorFactory for Drift {
    fn name(&self) -> &'static str {
        "drift"
    }

    fn describe(&self, options: &mut Options) -> Descriptor {
        Spec::read(options);
        Descriptor {
            inputs: Rows::Diagrams,
            outputs: Rows::Diagrams,
            side_outputs: &[],
            keyed: Keyed::Yes,
        }
    }

    fn build(&self, options: &mut Options) -> Result<Box<dyn Operator>> {
        Ok(Box::new(DriftOperator::new(Spec::read(options))))
    }
}

#[cfg(test)]
mod tests;
