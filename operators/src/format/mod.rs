//! Formats that write: rows become JSON documents.
//!
//! `result-json`, which is also the format of a sink that names none (`json`): diagrams become answers of schema
//! `tda_window_result_v1`, windows are described, points are written as `point-json` reads them, documents stay as they are.

mod annotation;
mod json;
mod point;
mod result;

use streaming::Result;
use streaming::connector::Encoder;
use streaming::job::Options;
use streaming::operator::{EncoderFactory, Rows};

pub use annotation::Annotation;
pub use point::{point_json, window_json};
use result::ResultEncoder;

/// Makes encoders of `result-json`, under one of its names.
pub struct ResultJson(pub &'static str);

impl EncoderFactory for ResultJson {
    fn name(&self) -> &'static str {
        self.0
    }

    fn accepts(&self) -> &'static [Rows] {
        &[Rows::Points, Rows::Windows, Rows::Diagrams, Rows::Documents]
    }

    fn describe(&self, _options: &mut Options) {}

    fn build(&self, _options: &mut Options, job_name: &str) -> Result<Box<dyn Encoder>> {
        Ok(Box::new(ResultEncoder::new(job_name)))
    }
}

#[cfg(test)]
mod tests;
