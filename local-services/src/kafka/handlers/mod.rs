//! From the protocol's messages to the broker's verbs and back.

pub mod fetch;
pub mod groups;
pub mod offsets;
pub mod produce;
pub mod topics;
pub mod transactions;

use kafka_protocol::ResponseError;

/// The one node's id.
pub const NODE: i32 = 0;

/// A result as an error code on the wire.
pub fn code<T>(result: Result<T, ResponseError>) -> i16 {
    result.err().map_or(0, |error| error.code())
}
