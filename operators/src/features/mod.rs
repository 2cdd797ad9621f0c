//! `features`: numbers and vectors that describe each window's diagram.
//!
//! ```toml
//! features = ["entropy", "amplitude"]   # also betti-curve, landscape, silhouette, image
//! dimensions = [0, 1]                   # of homology; all that were computed by default
//! range = [0.0, 1.0]                    # where curves are sampled and images lie; by default where the finite pairs do
//! resolution = 100                      # samples of a curve, 2 to 10 000
//! landscapes = 3                        # functions of a landscape
//! image-resolution = 20                 # pixels along each side, 2 to 200
//! bandwidth = 0.1                       # of the image's kernel
//! amplitude = "bottleneck"              # or wasserstein: the distance from the empty diagram
//! order = 2                             # of the Wasserstein amplitude
//! ```
//!
//! Curves, landscapes and silhouettes are sampled at `resolution` values from one end of the range to the other, both
//! included; an image has births along its rows and persistences up its columns. Values agree with GUDHI's representations.
//!
//! Every diagram is passed on, with `"features": {"0": {…}, "1": {…}}` in its answer, by dimension. Classes that never die
//! are left out, as everywhere in this field. A `range` of its own for every diagram is given with it; only with a fixed
//! one can vectors of several windows be compared.

mod compute;
mod options;

use std::sync::Arc;

use streaming::batch::{Batch, List, Payload};
use streaming::job::Options;
use streaming::operator::{Descriptor, Keyed, Operator, OperatorContext, OperatorFactory, Rows};
use streaming::{Error, Result};

use options::Spec;

/// Makes features operators.
pub struct Features;

/// Annotates diagrams with features.
struct FeaturesOperator {
    spec: Arc<Spec>,
}

impl Operator for FeaturesOperator {
    fn process(&mut self, _port: u8, mut batch: Batch, cx: &mut OperatorContext<'_>) -> Result<()> {
        let Payload::Diagrams(diagrams) = &mut batch.payload else {
            let found = batch.payload.name();
            return Err(Error::internal(&cx.place.operator, format_args!("features of {found}")));
        };
        let mut annotations = List::default();
        for (row, highest) in diagrams.max_dimension.iter().enumerate() {
            let annotation = compute::annotate(&self.spec, diagrams.pairs.row(row), u64::from(*highest));
            annotations.push(&annotation.append_to(diagrams.annotations.row(row)));
        }
        diagrams.annotations = annotations;
        cx.emit(batch);
        Ok(())
    }
}

impl OperatorFactory for Features {
    fn name(&self) -> &'static str {
        "features"
    }

    fn describe(&self, options: &mut Options) -> Descriptor {
        Spec::read(options);
        Descriptor {
            inputs: Rows::Diagrams,
            outputs: Rows::Diagrams,
            side_outputs: &[],
            keyed: Keyed::No,
        }
    }

    fn build(&self, options: &mut Options) -> Result<Box<dyn Operator>> {
        Ok(Box::new(FeaturesOperator {
            spec: Arc::new(Spec::read(options)),
        }))
    }
}

#[cfg(test)]
mod tests;
