//! The options of the features operator.

use homology::matching::Wasserstein;
use homology::vectorize;
use streaming::job::Options;

/// A features operator, as the job file describes it.
#[derive(Debug, Clone, PartialEq)]
pub struct Spec {
    pub features: Vec<Feature>,
    /// Dimensions of homology; `None` is all that were computed.
    pub dimensions: Option<Vec<u64>>,
    /// Where curves are sampled and images lie; `None` is where the finite pairs do.
    pub range: Option<(f64, f64)>,
    /// Samples of a curve.
    pub resolution: usize,
    pub landscapes: usize,
    /// Pixels along each side.
    pub image_resolution: usize,
    pub bandwidth: f64,
    pub amplitude: Amplitude,
}

/// What is told of a diagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Feature {
    Entropy,
    Amplitude,
    BettiCurve,
    Landscape,
    Silhouette,
    Image,
}

/// The distance that an amplitude is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Amplitude {
    Bottleneck,
    Wasserstein { order: f64 },
}

impl Feature {
    const ALL: [(Self, &'static str); 6] = [
        (Self::Entropy, "entropy"),
        (Self::Amplitude, "amplitude"),
        (Self::BettiCurve, "betti-curve"),
        (Self::Landscape, "landscape"),
        (Self::Silhouette, "silhouette"),
        (Self::Image, "image"),
    ];
}

impl Feature {
    /// Whether it has values along the range.
    pub fn is_sampled(self) -> bool {
        !matches!(self, Self::Entropy | Self::Amplitude)
    }
}

impl Amplitude {
    pub fn to_homology(self) -> vectorize::Amplitude {
        match self {
            Self::Bottleneck => vectorize::Amplitude::Bottleneck,
            Self::Wasserstein { order } => vectorize::Amplitude::Wasserstein(Wasserstein {
                order,
                ..Wasserstein::default()
            }),
        }
    }
}

impl Spec {
    pub fn read(options: &mut Options) -> Self {
        let order = options.float("order");
        if order.is_some_and(|order| !(order >= 1.0 && order.is_finite())) {
            options.problem("order", "it is below 1 or infinite");
        }
        let amplitude = match options.one_of("amplitude", &["bottleneck", "wasserstein"]) {
            Some("wasserstein") => Amplitude::Wasserstein {
                order: order.unwrap_or(2.0),
            },
            _ => Amplitude::Bottleneck,
        };
        if order.is_some() && amplitude == Amplitude::Bottleneck {
            options.problem("order", "it belongs to amplitude = \"wasserstein\"");
        }
        let bandwidth = options.non_negative("bandwidth").unwrap_or(0.1);
        if bandwidth == 0.0 || bandwidth.is_infinite() {
            options.problem("bandwidth", "it must be a number above 0");
        }
        Self {
            features: read_features(options),
            dimensions: options.integers("dimensions", 0..=10),
            range: read_range(options),
            resolution: options.integer("resolution", 2..=10_000).unwrap_or(100) as usize,
            landscapes: options.integer("landscapes", 1..=100).unwrap_or(3) as usize,
            image_resolution: options.integer("image-resolution", 2..=200).unwrap_or(20) as usize,
            bandwidth,
            amplitude,
        }
    }
}

fn read_features(options: &mut Options) -> Vec<Feature> {
    let Some(names) = options.strings("features") else {
        return vec![Feature::Entropy, Feature::Amplitude];
    };
    if names.is_empty() {
        options.problem("features", "the list is empty; leave the operator out");
    }
    let mut features = Vec::new();
    for name in names {
        match Feature::ALL.iter().find(|(_, known)| *known == name) {
            Some((feature, _)) if features.contains(feature) => {
                options.problem("features", format_args!("{name:?} is there twice"));
            }
            Some((feature, _)) => features.push(*feature),
            None => options.none_of("features", &name, &Feature::ALL.map(|(_, known)| known)),
        }
    }
    features
}

fn read_range(options: &mut Options) -> Option<(f64, f64)> {
    match *options.floats("range")? {
        [low, high] if low < high => Some((low, high)),
        _ => {
            options.problem("range", "it must be two numbers, the lower first");
            None
        }
    }
}
