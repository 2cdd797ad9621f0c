//! The options of the drift operator.

use streaming::job::Options;

use super::rule::Rule;

/// A drift operator, as the job file describes it.
#[derive(Debug, Clone, PartialEq)]
pub struct Spec {
    pub distance: Distance,
    /// Dimensions of homology that are compared; `None` is all that were computed.
    pub dimensions: Option<Vec<u64>>,
    pub reference: Reference,
    /// Whether classes that never die count.
    pub match_essential: bool,
    pub rule: Rule,
}

/// How two diagrams are compared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Distance {
    Bottleneck,
    Wasserstein {
        order: f64,
        tolerance: f64,
    },
    SlicedWasserstein {
        directions: usize,
    },
    /// The norm of the difference of both landscapes.
    Landscape {
        order: f64,
    },
}

impl Distance {
    pub fn name(self) -> &'static str {
        match self {
            Self::Bottleneck => "bottleneck",
            Self::Wasserstein { .. } => "wasserstein",
            Self::SlicedWasserstein { .. } => "sliced-wasserstein",
            Self::Landscape { .. } => "landscape",
        }
    }
}

/// What a diagram is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reference {
    /// The diagram of the key before it.
    Previous,
    /// The first diagram of the key.
    First,
}

impl Spec {
    pub fn read(options: &mut Options) -> Self {
        let name = options.one_of(
            "distance",
            &["wasserstein", "bottleneck", "sliced-wasserstein", "landscape"],
        );
        let order = options.float("order").filter(|order| {
            let valid = *order >= 1.0 && order.is_finite();
            if !valid {
                options.problem("order", format_args!("{order} is below 1 or infinite"));
            }
            valid
        });
        let tolerance = options.non_negative("tolerance");
        let directions = options.integer("directions", 1..=10_000);
        let distance = match name {
            Some("bottleneck") => Distance::Bottleneck,
            Some("landscape") => Distance::Landscape {
                order: order.unwrap_or(2.0),
            },
            Some("sliced-wasserstein") => Distance::SlicedWasserstein {
                directions: directions.unwrap_or(10) as usize,
            },
            _ => Distance::Wasserstein {
                order: order.unwrap_or(2.0),
                tolerance: tolerance.unwrap_or(0.01),
            },
        };
        for (name, given, of) in [
            ("order", order.is_some(), ["wasserstein", "landscape"].as_slice()),
            ("tolerance", tolerance.is_some(), &["wasserstein"]),
            ("directions", directions.is_some(), &["sliced-wasserstein"]),
        ] {
            if given && !of.contains(&distance.name()) {
                let (found, of) = (distance.name(), of.join(" and "));
                options.problem(name, format_args!("the {found} distance has none; it belongs to {of}"));
            }
        }
        Self {
            distance,
            dimensions: options.integers("dimensions", 0..=10),
            reference: match options.one_of("reference", &["previous", "first"]) {
                Some("first") => Reference::First,
                _ => Reference::Previous,
            },
            match_essential: options.one_of("essential", &["ignore", "match"]) == Some("match"),
            rule: read_rule(options),
        }
    }
}

fn read_rule(options: &mut Options) -> Rule {
    let threshold = options.non_negative("threshold");
    let deviations = options.non_negative("deviations");
    let warm_up = options.integer("warm-up", 2..=1_000_000);
    if warm_up.is_some() && deviations.is_none() {
        options.problem("warm-up", "it belongs to deviations, which are not given");
    }
    match (threshold, deviations) {
        (Some(_), Some(_)) => {
            options.problem("deviations", "threshold and deviations are two rules; give one");
            Rule::None
        }
        (Some(threshold), None) => Rule::Above(threshold),
        (None, Some(deviations)) => Rule::Deviations {
            deviations,
            warm_up: warm_up.unwrap_or(10) as u64,
        },
        (None, None) => Rule::None,
    }
}
