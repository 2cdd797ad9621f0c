//! REST in Flink's paths and shapes, Prometheus metrics, and the web page.

mod assets;
pub mod rest;
pub mod triggers;
pub mod view;
