//! `persistence rips`.

use homology::{Cost, Diagram, VietorisRips};

use super::{DiagramsAnswer, check_targets, compute, tell_diagrams, tell_estimate};
use crate::answer::diagrams;
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
    let (diagram, measured) = compute(common, &doing, |_| {
        diagram(&rips, &vertices, arguments).map_err(|error| Failure::computation(&name, error))
    })?;
    let answer = DiagramsAnswer::<()> {
        dgms: diagrams(&diagram, rips.max_dimension + 1),
        representatives: None,
    };
    tell_diagrams(common, &format!("Vietoris–Rips of {name}"), &answer, &measured)
}

fn diagram(rips: &VietorisRips, vertices: &Vertices, arguments: &Rips) -> homology::Result<Diagram> {
    let limits = arguments.common.limits();
    let answer = match vertices {
        Vertices::Points(points) => rips.of_cloud(points.cloud(), &limits),
        Vertices::Matrix(matrix) => rips.of_matrix(matrix, &limits),
        Vertices::Edges(edges) => rips.of_edges(edges, &limits),
    };
    answer.map(|(diagram, _)| diagram)
}

fn estimate(rips: &VietorisRips, vertices: &Vertices, arguments: &Rips) -> homology::Result<Cost> {
    match vertices {
        Vertices::Points(points) => rips.estimate(points.cloud(), &arguments.common.limits()),
        Vertices::Matrix(matrix) => Ok(homology::cost::estimate(
            matrix.len(),
            0,
            rips.max_dimension,
            rips.threshold,
        )),
        Vertices::Edges(edges) => Ok(homology::cost::estimate(
            edges.vertices(),
            0,
            rips.max_dimension,
            rips.threshold,
        )),
    }
}
