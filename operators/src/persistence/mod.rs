//! `persistence`: the persistence diagram of every window.
//!
//! ```toml
//! algorithm = "vietoris_rips"     # or alpha, witness, incremental: the same diagrams as vietoris_rips, each window from
//!                                 # what the one before has left, which is much less work where windows slide
//! max-dimension = 1               # 0 to 10; the highest dimension of homology
//! max-edge-length = 1.0           # bounds the filtration; also called max-persistence; none by default
//! metric = "euclidean"            # or manhattan, chebyshev, cosine; of Vietoris-Rips complexes
//! coefficient-field = 2           # a prime below 65536
//! min-persistence = 0.0           # pairs that live shorter are left out
//! on-oversize = "dead-letter"     # or landmarks (with landmarks = 500), lower-dimension, fail
//! time-limit = "10min"            # of one window, not counting the time it waits for memory
//! ```
//! An alpha complex takes points of one to three coordinates and no threshold; births and deaths are radii.
//! A witness complex takes, instead of `max-edge-length` and `metric`:
//! ```toml
//! landmarks = 100                 # points of the window that become vertices; all are witnesses
//! landmark-selection = "max-min"  # or random, with a landmark-seed
//! relaxation = 0.0                # the largest value of a simplex, a squared distance
//! witness-kind = "weak"           # or strong
//! ```
//!
//! The computation runs in the compute pool, under a memory limit and a cancel flag. A window stays in state until its
//! diagram has been emitted, so a barrier never waits, and a restored operator computes it again. The watermark is held
//! back to the oldest window in work. What cannot be computed goes to the side output `failed`; a window that is too large
//! does so by default, since a lesser computation is something to ask for.

mod algorithm;
mod compute;
mod lanes;
mod operator;
mod options;
mod plan;
mod show;

use streaming::Result;
use streaming::job::Options;
use streaming::operator::{Descriptor, Keyed, Operator, OperatorFactory, Rows};

use operator::PersistenceOperator;
use options::Spec;

/// Makes persistence operators.
pub struct Persistence;

impl OperatorFactory for Persistence {
    fn name(&self) -> &'static str {
        "persistence"
    }

    fn describe(&self, options: &mut Options) -> Descriptor {
        Spec::read(options);
        Descriptor {
            inputs: Rows::Windows,
            outputs: Rows::Diagrams,
            side_outputs: &["failed"],
            keyed: Keyed::Yes,
        }
    }

    fn build(&self, options: &mut Options) -> Result<Box<dyn Operator>> {
        Ok(Box::new(PersistenceOperator::new(Spec::read(options))))
    }
}

#[cfg(test)]
mod tests;
