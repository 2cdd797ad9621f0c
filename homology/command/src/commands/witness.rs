//! `persistence witness`.

use homology::{Diagram, LandmarkChoice, WitnessComplex, WitnessKind};

use super::{DiagramsAnswer, check_targets, compute, refuse_estimate, tell_diagrams};
use crate::answer::diagrams;
use crate::arguments::{Landmarks, Witness};
use crate::failure::{Failure, Result};
use crate::input::{Document, Points, read_points};

pub fn run(arguments: &Witness) -> Result<()> {
    let common = &arguments.common;
    check_targets(common)?;
    refuse_estimate(common, "witness complexes")?;
    let complex = parameters(arguments)?;
    let document = Document::read(&arguments.witnesses)?;
    let name = document.name.clone();
    let witnesses = read_points(document)?;
    let landmarks = match &arguments.landmarks {
        Landmarks::File(path) => Some(read_points(Document::read(path)?)?),
        Landmarks::Count(_) => None,
    };
    let doing = format!("witness complex of {name} to dimension {}", complex.limit_dimension);
    let (diagram, measured) = compute(common, &doing, |_| {
        diagram(&complex, &witnesses, landmarks.as_ref(), arguments).map_err(|error| Failure::computation(&name, error))
    })?;
    let answer = DiagramsAnswer::<()> {
        dgms: diagrams(&diagram, complex.limit_dimension),
        representatives: None,
    };
    tell_diagrams(
        common,
        &format!("Witness complex of {name}, squared"),
        &answer,
        &measured,
    )
}

fn parameters(arguments: &Witness) -> Result<WitnessComplex> {
    let choice = match (&arguments.landmarks, arguments.random) {
        (Landmarks::File(_), Some(_)) => {
            let what = "is for a number of landmarks, but --landmarks names a file; leave it out";
            return Err(Failure::input("--random", what));
        }
        // The choice is not looked at where landmarks are given.
        (Landmarks::File(_), None) => LandmarkChoice::MaxMin { count: 0 },
        (Landmarks::Count(count), None) => LandmarkChoice::MaxMin { count: *count },
        (Landmarks::Count(count), Some(seed)) => LandmarkChoice::Random { count: *count, seed },
    };
    let kind = if arguments.strong {
        WitnessKind::Strong
    } else {
        WitnessKind::Weak
    };
    Ok(WitnessComplex {
        kind,
        landmarks: choice,
        coefficients: arguments.field,
        threads: arguments.common.threads(),
        ..WitnessComplex::new(arguments.max_alpha_square, usize::from(arguments.limit_dimension))
    })
}

fn diagram(
    complex: &WitnessComplex,
    witnesses: &Points,
    landmarks: Option<&Points>,
    arguments: &Witness,
) -> homology::Result<Diagram> {
    let limits = arguments.common.limits();
    let answer = match landmarks {
        Some(landmarks) => complex.of_landmarks(witnesses.cloud(), landmarks.cloud(), &limits),
        None => complex.of_cloud(witnesses.cloud(), &limits),
    };
    answer.map(|(diagram, _)| diagram)
}
