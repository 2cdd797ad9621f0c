//! `persistence rips`.

use homology::{Cost, VietorisRips};

use super::{DiagramsAnswer, check_targets, compute, tell_diagrams, tell_estimate};
use crate::answer::{cycles, diagrams};
use crate::arguments::Rips;
use crate::failure::{Failure, Result};
use crate::input::{Document, Vertices, read_vertices};

pub fn run(arguments: &Rips) -> Result<()> {
    let common = &arguments.common;
    check_targets(common)?;
    let document = Document::read(&arguments.input)?;
    let name = document.name.clone();
    let vertices = read_vertices(document, arguments.kind, arguments.vertices)?;
    let rips = VietorisRips {
        max_dimension: usize::from(arguments.max_dimension),
        threshold: arguments.threshold,
        coefficients: arguments.field,
        metric: arguments.metric.into(),
        threads: common.threads(),
        ..VietorisRips::to_dimension(0)
    };
    if common.estimate {
        let cost = estimate(&rips, &vertices, arguments).map_err(|error| Failure::computation(&name, error))?;
        return tell_estimate(common, cost);
    }
    let doing = format!("Vietoris-Rips of {name} to dimension {}", rips.max_dimension);
    let (answer, measured) = compute(common, &doing, |_| {
        answer(&rips, &vertices, arguments).map_err(|error| Failure::computation(&name, error))
    })?;
    tell_diagrams(
        common,
        &format!("Vietoris–Rips of {name}"),
        &answer,
        &answer.dgms,
        &measured,
    )
}

fn answer(rips: &VietorisRips, vertices: &Vertices, arguments: &Rips) -> homology::Result<DiagramsAnswer> {
    let (limits, dimensions) = (arguments.common.limits(), rips.max_dimension + 1);
    let (diagram, _) = match vertices {
        Vertices::Points(points) => rips.of_cloud(points.cloud(), &limits),
        Vertices::Matrix(matrix) => rips.of_matrix(matrix, &limits),
        Vertices::Edges(edges) => rips.of_edges(edges, &limits),
    }?;
    let representatives = if arguments.cycles.representatives {
        let least = arguments.cycles.min_persistence;
        let (found, _) = match vertices {
            Vertices::Points(points) => rips.representatives(points.cloud(), least, &limits),
            Vertices::Matrix(matrix) => rips.representatives_of_matrix(matrix, least, &limits),
            Vertices::Edges(edges) => rips.representatives_of_edges(edges, least, &limits),
        }?;
        Some(cycles(found, dimensions, rips.coefficients))
    } else {
        None
    };
    Ok(DiagramsAnswer {
        dgms: diagrams(&diagram, dimensions),
        representatives,
    })
}

fn estimate(rips: &VietorisRips, vertices: &Vertices, arguments: &Rips) -> homology::Result<Cost> {
    let limits = arguments.common.limits();
    match vertices {
        Vertices::Points(points) => rips.estimate(points.cloud(), &limits),
        Vertices::Matrix(matrix) => rips.estimate_matrix(matrix, &limits),
        Vertices::Edges(edges) => rips.estimate_edges(edges, &limits),
    }
}
