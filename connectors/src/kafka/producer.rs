//! The sink `kafka` that publishes at once: at least once, or without any promise.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _, ProducerContext};
use streaming::batch::Batch;
use streaming::connector::kafka::{Delivery, SinkOptions};
use streaming::connector::{ConnectorPlace, Sink};
use streaming::{Epoch, Error, Result};
use tracing::{debug, warn};

use super::client;
use crate::rows::documents;

/// How long a write waits for room in the queue, and a seal for the broker.
const PATIENCE: Duration = Duration::from_secs(30);
/// One wait for the broker's word. It always lasts this long, for the client polls to the end of its time.
const STEP: Duration = Duration::from_millis(1);

/// Writes documents to a topic.
pub struct DirectSink {
    options: SinkOptions,
    place: ConnectorPlace,
    producer: BaseProducer<Deliveries>,
}

/// Receives the broker's word on every record.
#[derive(Default)]
struct Deliveries(Mutex<Failures>);

#[derive(Default)]
struct Failures {
    first: Option<String>,
    count: u64,
}

impl ClientContext for Deliveries {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        client::log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        debug!(%error, reason, "event of librdkafka");
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if let Err((error, _)) = result {
            let mut failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            failures.first.get_or_insert_with(|| error.to_string());
            failures.count += 1;
        }
    }
}

impl Deliveries {
    fn take(&self) -> Failures {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl DirectSink {
    /// Creates the client, which fails for properties it does not take. It connects by itself.
    pub fn new(options: SinkOptions, place: ConnectorPlace) -> Result<Self> {
        let linger = options.linger.as_secs_f64() * 1000.0;
        let (linger, queue) = (linger.to_string(), (options.queue_bytes / 1024).to_string());
        let promise = match options.delivery {
            Delivery::AtLeastOnce => [("acks", "all"), ("enable.idempotence", "true")],
            Delivery::None => [("acks", "0"), ("enable.idempotence", "false")],
        };
        let mut owned = vec![
            ("compression.type", options.compression),
            ("linger.ms", linger.as_str()),
            ("queue.buffering.max.kbytes", queue.as_str()),
            // The bound is in bytes.
            ("queue.buffering.max.messages", "0"),
        ];
        owned.extend(promise);
        let config = client::config(&options.bootstrap_servers, &place, &[], &options.properties, &owned);
        let producer = config
            .create_with_context(Deliveries::default())
            .map_err(|error| client::creation(format!("sink {}", place.id), &error))?;
        Ok(Self {
            options,
            place,
            producer,
        })
    }

    fn error(&self, reason: impl std::fmt::Display) -> Error {
        let subject = format!("sink {}", self.place.id);
        Error::external(subject, format_args!("topic {}: {reason}", self.options.topic))
    }

    /// Raises what the broker refused since the last look.
    fn check_deliveries(&self) -> Result<()> {
        let failures = self.producer.context().take();
        let Some(first) = failures.first else { return Ok(()) };
        if self.options.delivery == Delivery::None {
            warn!(
                sink = self.place.id,
                count = failures.count,
                first,
                "records not delivered, and not promised"
            );
            return Ok(());
        }
        Err(self.error(format_args!(
            "{} records not delivered; the first: {first}",
            failures.count
        )))
    }

    /// Hands one record to the client, waiting for room in its queue.
    fn send(&self, key: &[u8], document: &[u8]) -> Result<()> {
        let mut record = BaseRecord::<[u8], [u8]>::to(&self.options.topic).payload(document);
        if !key.is_empty() {
            record = record.key(key);
        }
        let mut waiting_since = None;
        loop {
            let Err((error, refused)) = self.producer.send(record) else {
                return Ok(());
            };
            match error.rdkafka_error_code() {
                Some(RDKafkaErrorCode::QueueFull) => record = refused,
                Some(RDKafkaErrorCode::MessageSizeTooLarge) => return Err(self.too_large(document.len())),
                _ => return Err(self.error(error)),
            }
            let since = *waiting_since.get_or_insert_with(Instant::now);
            if since.elapsed() > PATIENCE {
                let waited = PATIENCE.as_secs();
                return Err(self.error(format_args!(
                    "the queue has been full for {waited} s; the broker takes nothing"
                )));
            }
            self.producer.poll(STEP);
            self.check_deliveries()?;
        }
    }

    fn too_large(&self, length: usize) -> Error {
        Error::user(
            format!("sink {}", self.place.id),
            format_args!(
                "topic {}: a document of {length} bytes is too large; raise \"message.max.bytes\" in properties, and the \
                 limits of broker and topic",
                self.options.topic
            ),
        )
    }

    /// Waits until the broker has answered for everything written so far.
    fn flush(&self) -> Result<()> {
        let until = Instant::now() + PATIENCE;
        while self.producer.in_flight_count() > 0 {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let (count, waited) = (self.producer.in_flight_count(), PATIENCE.as_secs());
                return Err(self.error(format_args!("{count} records not acknowledged within {waited} s")));
            }
            // It ends the linger and returns at once: waiting in it would last a tenth of a second at least.
            let _ = self.producer.flush(Duration::ZERO);
            self.producer.poll(STEP);
            self.check_deliveries()?;
        }
        self.check_deliveries()
    }
}

impl Sink for DirectSink {
    fn open(&mut self, _restored: &[Vec<u8>]) -> Result<()> {
        Ok(())
    }

    fn write(&mut self, batch: &Batch) -> Result<()> {
        let documents = documents(batch, &self.place.id)?;
        for (row, document) in documents.bytes.iter().enumerate() {
            self.send(batch.keys.row(row), document)?;
        }
        self.producer.poll(Duration::ZERO);
        self.check_deliveries()
    }

    fn seal(&mut self, _epoch: Epoch) -> Result<Vec<u8>> {
        match self.options.delivery {
            Delivery::AtLeastOnce => self.flush()?,
            Delivery::None => self.producer.poll(Duration::ZERO),
        }
        Ok(Vec::new())
    }

    fn finish(&mut self) -> Result<()> {
        match (self.flush(), self.options.delivery) {
            (Err(error), Delivery::None) => {
                warn!(%error, "records lost at the end, and not promised");
                Ok(())
            }
            (flushed, _) => flushed,
        }
    }
}
