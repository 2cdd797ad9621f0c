//! The options of the persistence operator.

use std::time::Duration;

use homology::{Metric, VietorisRips};
use streaming::job::{Options, nearest};

/// A persistence operator, as the job file describes it.
#[derive(Debug, Clone, PartialEq)]
pub struct Spec {
    pub rips: VietorisRips,
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

/// The only one there is; written into every answer.
pub const ALGORITHM: &str = "vietoris_rips";
const DEFAULT_TIME_LIMIT: Duration = Duration::from_secs(600);
const PLANNED: [&str; 3] = ["alpha", "witness", "incremental"];

impl Spec {
    pub fn read(options: &mut Options) -> Self {
        read_algorithm(options);
        let max_dimension = options.integer("max-dimension", 0..=10).unwrap_or(1) as usize;
        let threshold = read_threshold(options);
        let metric = match options.one_of("metric", &["euclidean", "manhattan", "chebyshev", "cosine"]) {
            Some("manhattan") => Metric::Manhattan,
            Some("chebyshev") => Metric::Chebyshev,
            Some("cosine") => Metric::Cosine,
            _ => Metric::Euclidean,
        };
        let coefficients = options.integer("coefficient-field", 2..=65_521).unwrap_or(2) as u16;
        if !is_prime(coefficients) {
            options.problem(
                "coefficient-field",
                format_args!("{coefficients} is not a prime number"),
            );
        }
        let time_limit = options.duration("time-limit").unwrap_or(DEFAULT_TIME_LIMIT);
        if time_limit.is_zero() {
            options.problem("time-limit", "no computation ends in no time");
        }
        Self {
            rips: VietorisRips {
                max_dimension,
                threshold,
                coefficients,
                metric,
                ..VietorisRips::to_dimension(max_dimension)
            },
            min_persistence: options.non_negative("min-persistence").unwrap_or(0.0),
            on_oversize: read_on_oversize(options),
            time_limit,
        }
    }
}

fn read_algorithm(options: &mut Options) {
    let Some(name) = options.string("algorithm") else {
        return;
    };
    if name == ALGORITHM {
        return;
    }
    if PLANNED.contains(&name.as_str()) || name.starts_with("python:") {
        let message = format!("{name:?} is not available yet in this version; available: {ALGORITHM}");
        options.problem("algorithm", message);
        return;
    }
    let hint = nearest(&name, [ALGORITHM])
        .map(|name| format!("; did you mean {name:?}?"))
        .unwrap_or_default();
    options.problem(
        "algorithm",
        format_args!("{name:?} is no algorithm; available: {ALGORITHM}{hint}"),
    );
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

fn read_on_oversize(options: &mut Options) -> OnOversize {
    let landmarks = options.integer("landmarks", 2..=1_000_000);
    let action = options.one_of("on-oversize", &["landmarks", "lower-dimension", "dead-letter", "fail"]);
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
