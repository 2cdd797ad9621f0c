//! The features of one diagram. Pure.

use homology::vectorize::{self, BettiCurve, Grid, Landscape, PersistenceImage, Silhouette};
use homology::{Limits, Pair, Result};

use super::options::{Feature, Spec};
use crate::format::Annotation;

/// The features of a diagram with the dimensions 0 to `highest`, as its answer has them.
pub fn annotate(spec: &Spec, pairs: &[streaming::batch::Pair], highest: u64) -> Annotation {
    let mut annotation = Annotation::new("features");
    let dimensions = spec.dimensions.clone().unwrap_or_else(|| (0..=highest).collect());
    for dimension in dimensions.into_iter().filter(|dimension| *dimension <= highest) {
        let pairs: Vec<_> = pairs
            .iter()
            .filter(|pair| pair.dimension == dimension)
            .map(|pair| Pair {
                dimension: dimension as u8,
                birth: pair.birth,
                death: pair.death,
            })
            .collect();
        annotation.open(&dimension.to_string());
        // What fails is said in the place of what is missing: it is no reason to lose the diagram.
        if let Err(error) = describe(spec, &pairs, &mut annotation) {
            annotation.text("failure", &error.to_string());
        }
        annotation.close();
    }
    annotation
}

fn describe(spec: &Spec, pairs: &[Pair], annotation: &mut Annotation) -> Result<()> {
    let limits = Limits::default();
    let (low, high) = spec.range.unwrap_or_else(|| range_of(pairs));
    let grid = Grid::new(low, high, spec.resolution)?;
    if spec.range.is_none() && spec.features.iter().any(|feature| feature.is_sampled()) {
        annotation.numbers("range", &[low, high]);
    }
    for feature in &spec.features {
        match feature {
            Feature::Entropy => annotation.number("entropy", Some(vectorize::entropy(pairs, &limits)?)),
            Feature::Amplitude => {
                let value = spec.amplitude.to_homology().value(pairs, &limits)?;
                annotation.number("amplitude", Some(value));
            }
            Feature::BettiCurve => annotation.numbers("betti_curve", &BettiCurve { grid }.values(pairs, &limits)?),
            Feature::Landscape => {
                let landscape = Landscape {
                    grid,
                    layers: spec.landscapes,
                };
                annotation.matrix("landscape", &landscape.values(pairs, &limits)?, spec.resolution);
            }
            Feature::Silhouette => {
                let silhouette = Silhouette { grid, power: 1.0 };
                annotation.numbers("silhouette", &silhouette.values(pairs, &limits)?);
            }
            Feature::Image => {
                let image = PersistenceImage {
                    births: Grid::new(low, high, spec.image_resolution)?,
                    persistences: Grid::new(0.0, high - low, spec.image_resolution)?,
                    bandwidth: spec.bandwidth,
                    power: 1.0,
                };
                annotation.matrix("image", &image.values(pairs, &limits)?, spec.image_resolution);
            }
        }
    }
    Ok(())
}

/// From the first birth to the last death of the finite pairs; from 0 to 1 without any.
fn range_of(pairs: &[Pair]) -> (f64, f64) {
    let finite = pairs.iter().filter(|pair| !pair.is_essential());
    finite
        .map(|pair| (pair.birth, pair.death))
        .reduce(|(low, high), (birth, death)| (low.min(birth), high.max(death)))
        .unwrap_or((0.0, 1.0))
}
