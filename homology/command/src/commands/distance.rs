//! `persistence distance`.

use homology::Pair;
use homology::matching::{Bottleneck, Matching, Wasserstein};
use serde::Serialize;

use super::{check_targets, compute, refuse_estimate};
use crate::answer;
use crate::arguments::{DiagramMetric, Distance};
use crate::failure::{Failure, Result};
use crate::input::{Classes, Document, read_classes};
use crate::plot;

/// JSON has no infinity: serde_json writes `null`.
#[derive(Debug, Serialize)]
struct Answer {
    value: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    matchings: Option<Vec<Vec<[Option<usize>; 2]>>>,
}

/// The diagrams of one dimension.
type Compared = [Vec<Pair>; 2];

pub fn run(arguments: &Distance) -> Result<()> {
    let common = &arguments.common;
    check_targets(common)?;
    refuse_estimate(common, "distances")?;
    let documents = [Document::read(&arguments.a)?, Document::read(&arguments.b)?];
    let [a, b] = documents.each_ref().map(|document| document.name.clone());
    let [first, second] = documents;
    let classes = [read_classes(first)?, read_classes(second)?];
    let compared = by_dimension(classes, arguments.dimension, [&a, &b])?;
    let names = format!("{a} and {b}");
    let (matchings, measured) = compute(common, &format!("distance of {names}"), |_| {
        let matchings = compared.iter().map(|[a, b]| matching(arguments, a, b));
        matchings
            .collect::<homology::Result<Vec<_>>>()
            .map_err(|error| Failure::computation(&names, error))
    })?;
    answer::write(&answer_of(arguments, &matchings), &measured, &common.output)?;
    match &common.plot {
        Some(target) => {
            let sides = [0, 1].map(|side| points(compared.iter().flat_map(|diagrams| &diagrams[side])));
            plot::write(
                target,
                &plot::comparison(&names, ["A", "B"], sides.each_ref().map(Vec::as_slice)),
            )
        }
        None => Ok(()),
    }
}

/// Puts each dimension of one file beside that of the other.
fn by_dimension(classes: [Classes; 2], dimension: Option<usize>, names: [&str; 2]) -> Result<Vec<Compared>> {
    match (classes, dimension) {
        ([Classes::Single(a), Classes::Single(b)], _) => Ok(vec![[a, b]]),
        ([Classes::ByDimension(mut a), Classes::ByDimension(mut b)], None) => {
            let dimensions = a.len().max(b.len());
            a.resize(dimensions, Vec::new());
            b.resize(dimensions, Vec::new());
            Ok(a.into_iter().zip(b).map(|(a, b)| [a, b]).collect())
        }
        ([a, b], Some(dimension)) => Ok(vec![[choose(a, dimension, names[0])?, choose(b, dimension, names[1])?]]),
        ([Classes::Single(_), Classes::ByDimension(_)], None) => Err(unclear(names[1])),
        ([Classes::ByDimension(_), Classes::Single(_)], None) => Err(unclear(names[0])),
    }
}

fn unclear(name: &str) -> Failure {
    Failure::input(
        name,
        "holds several dimensions, but the other file one diagram; say which with --dimension",
    )
}

fn choose(classes: Classes, dimension: usize, name: &str) -> Result<Vec<Pair>> {
    match classes {
        Classes::Single(pairs) => Ok(pairs),
        Classes::ByDimension(mut all) if dimension < all.len() => Ok(all.swap_remove(dimension)),
        Classes::ByDimension(all) => {
            let what = format!(
                "holds {} dimensions, but --dimension says {dimension}, counted from 0",
                all.len()
            );
            Err(Failure::input(name, what))
        }
    }
}

fn matching(arguments: &Distance, a: &[Pair], b: &[Pair]) -> homology::Result<Matching> {
    let limits = arguments.common.limits();
    match arguments.metric {
        DiagramMetric::Bottleneck => Bottleneck.matching(a, b, &limits),
        DiagramMetric::Wasserstein => {
            let metric = Wasserstein {
                order: arguments.order,
                ground: arguments.ground,
                tolerance: arguments.tolerance,
            };
            metric.matching(a, b, &limits)
        }
    }
}

fn answer_of(arguments: &Distance, matchings: &[Matching]) -> Answer {
    let distances = matchings.iter().map(|matching| matching.distance);
    let matches = |matching: &Matching| matching.matches.iter().map(|pair| [pair.a, pair.b]).collect();
    Answer {
        value: match (arguments.metric, matchings) {
            (_, [one]) => one.distance,
            (DiagramMetric::Bottleneck, _) => distances.fold(0.0, f64::max),
            (DiagramMetric::Wasserstein, _) => together(&distances.collect::<Vec<_>>(), arguments.order),
        },
        matchings: arguments.matching.then(|| matchings.iter().map(matches).collect()),
    }
}

/// The `order`-norm, scaled first so that powers neither overflow nor vanish.
fn together(distances: &[f64], order: f64) -> f64 {
    let largest = distances.iter().copied().fold(0.0, f64::max);
    if largest == 0.0 || largest.is_infinite() {
        return largest;
    }
    let sum: f64 = distances.iter().map(|distance| (distance / largest).powf(order)).sum();
    largest * sum.powf(order.recip())
}

fn points<'a>(pairs: impl Iterator<Item = &'a Pair>) -> Vec<[f64; 2]> {
    pairs.map(|pair| [pair.birth, pair.death]).collect()
}
