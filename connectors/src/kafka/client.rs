//! What consumer and producer have in common: configuration, log, and the meaning of errors.

use std::collections::BTreeMap;

use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use streaming::connector::ConnectorPlace;
use streaming::{Error, Result};
use tracing::{debug, error, info, warn};

/// Defaults that make a client find its way back soon, then the user's properties, then what is ours.
pub fn config(
    bootstrap_servers: &str,
    place: &ConnectorPlace,
    defaults: &[(&str, &str)],
    properties: &BTreeMap<String, String>,
    owned: &[(&str, &str)],
) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set(
        "client.id",
        format!("{}.{}.{}", place.job_name, place.id, place.subtask),
    );
    config.set("reconnect.backoff.max.ms", "1000");
    config.set("socket.keepalive.enable", "true");
    for (name, value) in defaults {
        config.set(*name, *value);
    }
    for (name, value) in properties {
        config.set(name, value);
    }
    config.set("bootstrap.servers", bootstrap_servers);
    for (name, value) in owned {
        config.set(*name, *value);
    }
    config
}

/// The error of a client that could not be created: always the options' fault.
pub fn creation(subject: String, error: &KafkaError) -> Error {
    match error {
        KafkaError::ClientConfig(_, reason, name, value) => Error::user(
            subject,
            format_args!("librdkafka does not take {name} = {value:?}: {reason}"),
        ),
        other => Error::user(subject, format_args!("the client could not be created: {other}")),
    }
}

/// Whether the client heals this by itself, by reconnecting or asking again.
pub fn is_transient(error: &KafkaError) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(
        error.rdkafka_error_code(),
        Some(
            Code::BrokerTransportFailure
                | Code::AllBrokersDown
                | Code::Resolve
                | Code::OperationTimedOut
                | Code::MessageTimedOut
                | Code::RequestTimedOut
                | Code::NetworkException
                | Code::BrokerNotAvailable
                | Code::ReplicaNotAvailable
                | Code::LeaderNotAvailable
                | Code::NotLeaderForPartition
                | Code::FencedLeaderEpoch
                | Code::UnknownLeaderEpoch
                | Code::OffsetNotAvailable
                | Code::CoordinatorLoadInProgress
                | Code::CoordinatorNotAvailable
                | Code::NotCoordinator
                | Code::KafkaStorageError
                | Code::PollExceeded
                | Code::Retry
                | Code::WaitingForCoordinator
        )
    )
}

pub fn is_offset_out_of_range(error: &KafkaError) -> bool {
    let code = error.rdkafka_error_code();
    matches!(
        code,
        Some(RDKafkaErrorCode::OffsetOutOfRange | RDKafkaErrorCode::AutoOffsetReset)
    )
}

/// Asks again until it succeeds, up to `attempts` times while the error is transient.
pub fn patiently<T>(attempts: u32, mut ask: impl FnMut() -> Result<T, KafkaError>) -> Result<T, KafkaError> {
    let mut left = attempts;
    loop {
        left -= 1;
        match ask() {
            Err(error) if left > 0 && is_transient(&error) => warn!(%error, "the broker does not answer; asking again"),
            answer => return answer,
        }
    }
}

/// Forwards a line of librdkafka's log.
pub fn log(level: RDKafkaLogLevel, facility: &str, message: &str) {
    // Lost connections come as error events too; the connector reports those once per change, not once per attempt.
    if matches!(facility, "FAIL" | "ERROR") {
        debug!(target: "librdkafka", facility, "{message}");
        return;
    }
    match level {
        RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical => {
            error!(target: "librdkafka", facility, "{message}");
        }
        RDKafkaLogLevel::Error | RDKafkaLogLevel::Warning => warn!(target: "librdkafka", facility, "{message}"),
        RDKafkaLogLevel::Notice => info!(target: "librdkafka", facility, "{message}"),
        RDKafkaLogLevel::Info | RDKafkaLogLevel::Debug => debug!(target: "librdkafka", facility, "{message}"),
    }
}
