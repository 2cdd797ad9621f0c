//! The options of the persistence operator.

use std::time::Duration;

use homology::{AlphaComplex, LandmarkChoice, Metric, VietorisRips, WitnessComplex, WitnessKind};
use streaming::job::{Options, nearest};

use super::algorithm::Algorithm;

/// A persistence operator, as the job file describes it.
#[derive(Debug, Clone, PartialEq)]
pub struct Spec {
    pub algorithm: Algorithm,
    /// The highest dimension of homology.
    pub max_dimension: usize,
    /// Pairs that live shorter are left out.
    pub min_persistence: f64,
    pub on_oversize: OnOversize,
    pub time_limit: Duration,
}

/// What to do with a window whose computation does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnOversize {
    /// Compute on so many max-min landmarks, and say how far off the diagram may be.
    Landmarks(usize),
    /// Compute only the dimensions that fit.
    LowerDimension,
    DeadLetter,
    Fail,
}

const DEFAULT_TIME_LIMIT: Duration = Duration::from_secs(600);

impl Spec {
    pub fn read(options: &mut Options) -> Self {
        let max_dimension = options.integer("max-dimension", 0..=10).unwrap_or(1) as usize;
        let coefficients = read_coefficients(options);
        let algorithm = match read_name(options) {
            "alpha" => Algorithm::Alpha(AlphaComplex {
                max_dimension,
                coefficients,
            }),
            "witness" => Algorithm::Witness(read_witness(options, max_dimension, coefficients)),
            "incremental" => Algorithm::Incremental(read_rips(options, max_dimension, coefficients)),
            _ => Algorithm::VietorisRips(read_rips(options, max_dimension, coefficients)),
        };
        let time_limit = options.duration("time-limit").unwrap_or(DEFAULT_TIME_LIMIT);
        if time_limit.is_zero() {
            options.problem("time-limit", "no computation ends in no time");
        }
        Self {
            max_dimension,
            min_persistence: options.non_negative("min-persistence").unwrap_or(0.0),
            on_oversize: read_on_oversize(options, &algorithm),
            algorithm,
            time_limit,
        }
    }
}

fn read_name(options: &mut Options) -> &'static str {
    let Some(name) = options.string("algorithm") else {
        return Algorithm::NAMES[0];
    };
    if let Some(found) = Algorithm::NAMES.into_iter().find(|known| **known == name) {
        return found;
    }
    let available = Algorithm::NAMES.join(", ");
    if name.starts_with("python:") {
        let message = format!("{name:?} is not available yet in this version; available: {available}");
        options.problem("algorithm", message);
    } else {
        let hint = nearest(&name, Algorithm::NAMES)
            .map(|name| format!("; did you mean {name:?}?"))
            .unwrap_or_default();
        options.problem(
            "algorithm",
            format_args!("{name:?} is no algorithm; available: {available}{hint}"),
        );
    }
    Algorithm::NAMES[0]
}

fn read_coefficients(options: &mut Options) -> u16 {
    let coefficients = options.integer("coefficient-field", 2..=65_521).unwrap_or(2) as u16;
    if !is_prime(coefficients) {
        options.problem(
            "coefficient-field",
            format_args!("{coefficients} is not a prime number"),
        );
    }
    coefficients
}

fn read_rips(options: &mut Options, max_dimension: usize, coefficients: u16) -> VietorisRips {
    let metric = match options.one_of("metric", &["euclidean", "manhattan", "chebyshev", "cosine"]) {
        Some("manhattan") => Metric::Manhattan,
        Some("chebyshev") => Metric::Chebyshev,
        Some("cosine") => Metric::Cosine,
        _ => Metric::Euclidean,
    };
    VietorisRips {
        threshold: read_threshold(options),
        coefficients,
        metric,
        ..VietorisRips::to_dimension(max_dimension)
    }
}

fn read_witness(options: &mut Options, max_dimension: usize, coefficients: u16) -> WitnessComplex {
    let count = options.integer("landmarks", 1..=1_000_000).unwrap_or(100) as usize;
    let selection = options.one_of("landmark-selection", &["max-min", "random"]);
    let seed = options.integer("landmark-seed", 0..=i64::MAX);
    if seed.is_some() && selection != Some("random") {
        options.problem("landmark-seed", "only landmark-selection = \"random\" has a seed");
    }
    let seed = seed.unwrap_or(0) as u64;
    let kind = options.one_of("witness-kind", &["weak", "strong"]);
    let relaxation = options.non_negative("relaxation").unwrap_or(0.0);
    WitnessComplex {
        kind: match kind {
            Some("strong") => WitnessKind::Strong,
            _ => WitnessKind::Weak,
        },
        landmarks: match selection {
            Some("random") => LandmarkChoice::Random { count, seed },
            _ => LandmarkChoice::MaxMin { count },
        },
        coefficients,
        ..WitnessComplex::new(relaxation, max_dimension + 1)
    }
}

/// `max-edge-length`, or its other name `max-persistence`.
fn read_threshold(options: &mut Options) -> Option<f64> {
    let length = options.non_negative("max-edge-length");
    let persistence = options.non_negative("max-persistence");
    if let (Some(length), Some(persistence)) = (length, persistence)
        && length != persistence
    {
        options.problem(
            "max-persistence",
            format_args!("{persistence} is not the max-edge-length of {length}; both bound the filtration, give one"),
        );
    }
    length.or(persistence).filter(|threshold| threshold.is_finite())
}

fn read_on_oversize(options: &mut Options, algorithm: &Algorithm) -> OnOversize {
    let action = options.one_of("on-oversize", &["landmarks", "lower-dimension", "dead-letter", "fail"]);
    if action == Some("landmarks") && !algorithm.takes_landmarks_when_oversize() {
        let name = algorithm.name();
        options.problem(
            "on-oversize",
            format_args!("landmarks do not stand for a window with algorithm = {name:?}"),
        );
        return OnOversize::DeadLetter;
    }
    // The landmarks of a witness complex are its own.
    let landmarks = match algorithm {
        Algorithm::Witness(_) => None,
        _ => options.integer("landmarks", 2..=1_000_000),
    };
    if landmarks.is_some() && action != Some("landmarks") {
        options.problem("landmarks", "landmarks are used only with on-oversize = \"landmarks\"");
    }
    match (action, landmarks) {
        (Some("landmarks"), Some(count)) => OnOversize::Landmarks(count as usize),
        (Some("landmarks"), None) => {
            options.problem(
                "on-oversize",
                "landmarks is missing: how many points may stand for a window that is too large",
            );
            OnOversize::DeadLetter
        }
        (Some("lower-dimension"), _) => OnOversize::LowerDimension,
        (Some("fail"), _) => OnOversize::Fail,
        _ => OnOversize::DeadLetter,
    }
}

fn is_prime(number: u16) -> bool {
    number >= 2
        && (2..)
            .take_while(|factor| factor * factor <= u32::from(number))
            .all(|factor| !u32::from(number).is_multiple_of(factor))
}
