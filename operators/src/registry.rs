//! Every operator and format there is. A new one is one line here.

use streaming::operator::{DecoderFactory, EncoderFactory, OperatorFactory, Registry};

use crate::{Drift, Features, Persistence, PointJson, ResultJson, TakensEmbedding, Union, Window};

/// The operators and formats of the platform.
pub struct Operators;

/// What the planner and the tasks look operators and formats up in.
pub static REGISTRY: Operators = Operators;

impl Registry for Operators {
    fn operators(&self) -> &'static [&'static dyn OperatorFactory] {
        &[&Union, &TakensEmbedding, &Window, &Persistence, &Features, &Drift]
    }

    fn decoders(&self) -> &'static [&'static dyn DecoderFactory] {
        &[&PointJson]
    }

    fn encoders(&self) -> &'static [&'static dyn EncoderFactory] {
        &[&ResultJson("result-json"), &ResultJson("json")]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_found_by_its_name() {
        for name in [
            "union",
            "takens-embedding",
            "window",
            "persistence",
            "features",
            "drift",
        ] {
            assert_eq!(REGISTRY.operator(name).unwrap().name(), name);
        }
        assert!(
            REGISTRY.operator("scale").is_none(),
            "what is not there is not registered"
        );
        assert!(REGISTRY.decoder("point-json").is_some());
        assert!(REGISTRY.encoder("json").is_some() && REGISTRY.encoder("result-json").is_some());
    }
}
