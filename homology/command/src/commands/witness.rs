//! `persistence witness`.

use homology::{LandmarkChoice, Metric, PointCloud, WitnessComplex, WitnessKind, WitnessMap, landmarks};
use serde::Serialize;

use super::{DiagramsAnswer, check_targets, compute, tell_diagrams, tell_estimate};
use crate::answer::{cycles, diagrams};
use crate::arguments::{self, Witness};
use crate::failure::{Failure, Result};
use crate::input::{Document, Points, read_points};

/// Where landmarks come from.
enum Landmarks {
    Given(Points),
    /// Far from each other.
    MaxMin(usize),
    Random {
        count: usize,
        seed: u64,
    },
}

#[derive(Debug, Serialize)]
struct Answer {
    #[serde(flatten)]
    diagrams: DiagramsAnswer,
    #[serde(flatten)]
    chosen: Option<Chosen>,
}

/// Landmarks that are rows of the witnesses.
#[derive(Debug, Serialize)]
struct Chosen {
    landmarks: Vec<usize>,
    covering_radius: f64,
}

pub fn run(arguments: &Witness) -> Result<()> {
    let common = &arguments.common;
    check_targets(common)?;
    let landmarks = read_landmarks(arguments)?;
    let document = Document::read(&arguments.witnesses)?;
    let name = document.name.clone();
    let witnesses = read_points(document)?;
    if common.estimate {
        let count = match &landmarks {
            Landmarks::Given(points) => points.cloud().len(),
            Landmarks::MaxMin(count) | Landmarks::Random { count, .. } => *count,
        };
        let complex = WitnessComplex {
            landmarks: LandmarkChoice::MaxMin { count },
            ..parameters(arguments)
        };
        // The estimate is for landmarks among the witnesses: at least as many witnesses as landmarks.
        return tell_estimate(common, complex.estimate(witnesses.cloud().len().max(count)));
    }
    let doing = format!("witness complex of {name} to dimension {}", arguments.limit_dimension);
    let (answer, measured) = compute(common, &doing, |_| {
        answer(arguments, witnesses.cloud(), &landmarks).map_err(|error| Failure::computation(&name, error))
    })?;
    let title = format!("Witness complex of {name}, squared");
    tell_diagrams(common, &title, &answer, &answer.diagrams.dgms, &measured)
}

fn read_landmarks(arguments: &Witness) -> Result<Landmarks> {
    match (&arguments.landmarks, arguments.random) {
        (arguments::Landmarks::File(path), None) => Ok(Landmarks::Given(read_points(Document::read(path)?)?)),
        (arguments::Landmarks::Count(count), None) => Ok(Landmarks::MaxMin(*count)),
        (arguments::Landmarks::Count(count), Some(seed)) => Ok(Landmarks::Random { count: *count, seed }),
        (arguments::Landmarks::File(_), Some(_)) => {
            let what = "is for a number of landmarks, but --landmarks names a file; leave it out";
            Err(Failure::input("--random", what))
        }
    }
}

fn answer(arguments: &Witness, witnesses: PointCloud<'_>, source: &Landmarks) -> homology::Result<Answer> {
    let limits = arguments.common.limits();
    let chosen = match source {
        Landmarks::Given(points) => {
            let diagrams = of_landmarks(arguments, witnesses, points.cloud())?;
            return Ok(Answer { diagrams, chosen: None });
        }
        Landmarks::MaxMin(count) => {
            landmarks::max_min(witnesses, Metric::Euclidean, *count, lowest_row(witnesses), &limits)?
        }
        Landmarks::Random { count, seed } => landmarks::random(witnesses, Metric::Euclidean, *count, *seed, &limits)?,
    };
    let coordinates = chosen.coordinates(witnesses);
    let diagrams = of_landmarks(
        arguments,
        witnesses,
        PointCloud::new(&coordinates, witnesses.dimension())?,
    )?;
    let chosen = Chosen {
        landmarks: chosen.indices,
        covering_radius: chosen.covering_radius,
    };
    Ok(Answer {
        diagrams,
        chosen: Some(chosen),
    })
}

/// The first point in lexicographical order, so that landmarks do not depend on the order of the rows.
fn lowest_row(cloud: PointCloud<'_>) -> usize {
    let rows = cloud.rows().enumerate();
    let lowest = rows.min_by(|(_, a), (_, b)| a.partial_cmp(b).expect("coordinates of a point cloud are finite"));
    lowest.map_or(0, |(row, _)| row)
}

fn of_landmarks(
    arguments: &Witness,
    witnesses: PointCloud<'_>,
    landmarks: PointCloud<'_>,
) -> homology::Result<DiagramsAnswer> {
    let (limits, dimensions) = (arguments.common.limits(), usize::from(arguments.limit_dimension));
    let complex = parameters(arguments);
    if !arguments.cycles.representatives || dimensions == 0 {
        let (diagram, _) = complex.of_landmarks(witnesses, landmarks, &limits)?;
        return Ok(DiagramsAnswer {
            dgms: diagrams(&diagram, dimensions),
            representatives: arguments.cycles.representatives.then(Vec::new),
        });
    }
    let mut map = WitnessMap::new(&complex, landmarks, &limits)?;
    map.add(witnesses, &limits)?;
    let simplices = map.complex(&limits)?;
    let (diagram, _) = simplices.diagram(dimensions - 1, complex.coefficients, &limits)?;
    let least = arguments.cycles.min_persistence;
    let (found, _) = simplices.representatives(dimensions - 1, complex.coefficients, least, &limits)?;
    Ok(DiagramsAnswer {
        dgms: diagrams(&diagram, dimensions),
        representatives: Some(cycles(found, dimensions, complex.coefficients)),
    })
}

fn parameters(arguments: &Witness) -> WitnessComplex {
    let kind = if arguments.strong {
        WitnessKind::Strong
    } else {
        WitnessKind::Weak
    };
    WitnessComplex {
        kind,
        coefficients: arguments.field,
        threads: arguments.common.threads(),
        ..WitnessComplex::new(arguments.max_alpha_square, usize::from(arguments.limit_dimension))
    }
}
