//! Kafka: a source that assigns partitions by arithmetic, never by group membership, and a sink.

mod assignment;
mod client;
mod commit;
mod discovery;
mod producer;
mod reading;
mod source;

pub use source::KafkaSource;

use streaming::Result;
use streaming::connector::kafka::{Delivery, SinkOptions};
use streaming::connector::{ConnectorPlace, Sink};

/// The sink for what the job was promised.
pub fn sink(options: SinkOptions, place: ConnectorPlace) -> Result<Box<dyn Sink>> {
    // Exactly-once, when there is such a promise, is another sink: its output waits in a log for the commit of its epoch.
    match options.delivery {
        Delivery::AtLeastOnce | Delivery::None => Ok(Box::new(producer::DirectSink::new(options, place)?)),
    }
}
