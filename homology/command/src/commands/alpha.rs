//! `persistence alpha`.

use homology::{AlphaComplex, Diagram, PointCloud};

use super::{DiagramsAnswer, check_targets, compute, refuse_estimate, tell_diagrams};
use crate::answer::diagrams;
use crate::arguments::Alpha;
use crate::failure::{Failure, Result};
use crate::input::{Document, read_points};

pub fn run(arguments: &Alpha) -> Result<()> {
    let common = &arguments.common;
    check_targets(common)?;
    refuse_estimate(common, "alpha complexes")?;
    let document = Document::read(&arguments.input)?;
    let name = document.name.clone();
    let points = read_points(document)?;
    let weights = match &arguments.weights {
        Some(path) => Some(Document::read(path)?.into_list()?),
        None => None,
    };
    let all_dimensions = points.cloud().dimension() - 1;
    let alpha = AlphaComplex {
        max_dimension: arguments.max_dimension.map_or(all_dimensions, usize::from),
        coefficients: arguments.field,
    };
    let (diagram, measured) = compute(common, &format!("alpha complex of {name}"), |_| {
        diagram(&alpha, points.cloud(), weights.as_deref(), arguments)
            .map_err(|error| Failure::computation(&name, error))
    })?;
    let answer = DiagramsAnswer {
        dgms: diagrams(&diagram, alpha.max_dimension + 1),
        representatives: None,
    };
    let unit = if weights.is_some() { ", squared" } else { "" };
    tell_diagrams(
        common,
        &format!("Alpha complex of {name}{unit}"),
        &answer,
        &answer.dgms,
        &measured,
    )
}

fn diagram(
    alpha: &AlphaComplex,
    cloud: PointCloud<'_>,
    weights: Option<&[f64]>,
    arguments: &Alpha,
) -> homology::Result<Diagram> {
    let limits = arguments.common.limits();
    let answer = match weights {
        Some(weights) => alpha.of_weighted(cloud, weights, &limits),
        None => alpha.of_cloud(cloud, &limits),
    };
    answer.map(|(diagram, _)| diagram)
}
