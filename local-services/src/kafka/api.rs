//! Which requests the broker understands, in which versions, and who answers them.

use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};
use kafka_protocol::ResponseError;
use kafka_protocol::messages::api_versions_response::ApiVersion;
use kafka_protocol::messages::{ApiKey, ApiVersionsResponse, ResponseHeader};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, decode_request_header_from_buffer};

use super::broker::Broker;
use super::handlers::{fetch, groups, offsets, produce, topics, transactions};

/// Request, lowest and highest version. Old and simple ones on purpose: what librdkafka needs, no more.
const SUPPORTED: [(ApiKey, i16, i16); 25] = [
    (ApiKey::Produce, 3, 9),
    (ApiKey::Fetch, 4, 11),
    (ApiKey::ListOffsets, 1, 5),
    (ApiKey::Metadata, 1, 9),
    (ApiKey::OffsetCommit, 2, 7),
    (ApiKey::OffsetFetch, 1, 7),
    (ApiKey::FindCoordinator, 0, 3),
    (ApiKey::JoinGroup, 0, 4),
    (ApiKey::Heartbeat, 0, 2),
    (ApiKey::LeaveGroup, 0, 2),
    (ApiKey::SyncGroup, 0, 2),
    (ApiKey::DescribeGroups, 0, 4),
    (ApiKey::ListGroups, 0, 2),
    (ApiKey::ApiVersions, 0, 3),
    (ApiKey::CreateTopics, 2, 5),
    (ApiKey::DeleteTopics, 1, 4),
    (ApiKey::InitProducerId, 0, 4),
    (ApiKey::OffsetForLeaderEpoch, 2, 3),
    (ApiKey::AddPartitionsToTxn, 0, 3),
    (ApiKey::AddOffsetsToTxn, 0, 3),
    (ApiKey::EndTxn, 0, 3),
    (ApiKey::TxnOffsetCommit, 0, 3),
    (ApiKey::DescribeConfigs, 1, 3),
    (ApiKey::CreatePartitions, 0, 2),
    (ApiKey::DeleteGroups, 0, 1),
];

/// Who asks, and how.
pub struct Caller {
    pub client: String,
    pub version: i16,
}

/// The answer to one request without its length prefix; `None` where the client wants none. An error ends the connection.
pub async fn answer(broker: &Arc<Broker>, mut request: Bytes) -> anyhow::Result<Option<Bytes>> {
    anyhow::ensure!(
        request.remaining() >= 8,
        "request of {} bytes is too short",
        request.remaining()
    );
    let header = decode_request_header_from_buffer(&mut request)?;
    let (key, version) = (header.request_api_key, header.request_api_version);
    let client = header.client_id.map(|id| id.to_string()).unwrap_or_default();
    let call = Call {
        body: request,
        version,
        correlation: header.correlation_id,
    };
    let key = ApiKey::try_from(key).map_err(|()| anyhow::anyhow!("request kind {key} is not known"))?;
    let supported = SUPPORTED
        .iter()
        .any(|&(k, min, max)| k == key && (min..=max).contains(&version));
    if key == ApiKey::ApiVersions {
        // The one request that may come in a version of the future: it is answered in the first.
        return if supported {
            call.reply(&api_versions(0))
        } else {
            call.reply_as(0, &api_versions(ResponseError::UnsupportedVersion.code()))
        };
    }
    anyhow::ensure!(supported, "{key:?} version {version} is not supported");
    let caller = Caller { client, version };
    match key {
        ApiKey::Produce => {
            let request = call.decode()?;
            let response = produce::produce(broker, &request);
            // With acks 0 the client does not listen for an answer.
            if request.acks == 0 {
                Ok(None)
            } else {
                call.reply(&response)
            }
        }
        ApiKey::Fetch => call.reply(&fetch::fetch(broker, &call.decode()?).await),
        ApiKey::ListOffsets => call.reply(&fetch::list_offsets(broker, &caller, &call.decode()?)),
        ApiKey::OffsetForLeaderEpoch => call.reply(&fetch::offset_for_leader_epoch(broker, &call.decode()?)),
        ApiKey::Metadata => call.reply(&topics::metadata(broker, &caller, call.decode()?)),
        ApiKey::CreateTopics => call.reply(&topics::create_topics(broker, &caller, call.decode()?)),
        ApiKey::DeleteTopics => call.reply(&topics::delete_topics(broker, call.decode()?)),
        ApiKey::CreatePartitions => call.reply(&topics::create_partitions(broker, call.decode()?)),
        ApiKey::DescribeConfigs => call.reply(&topics::describe_configs(broker, call.decode()?)),
        ApiKey::OffsetCommit => call.reply(&offsets::offset_commit(broker, call.decode()?)),
        ApiKey::OffsetFetch => call.reply(&offsets::offset_fetch(broker, &caller, &call.decode()?)),
        ApiKey::TxnOffsetCommit => call.reply(&offsets::txn_offset_commit(broker, call.decode()?)),
        ApiKey::FindCoordinator => call.reply(&groups::find_coordinator(broker)),
        ApiKey::JoinGroup => call.reply(&groups::join_group(broker, &caller, call.decode()?).await),
        ApiKey::SyncGroup => call.reply(&groups::sync_group(broker, call.decode()?).await),
        ApiKey::Heartbeat => call.reply(&groups::heartbeat(broker, &call.decode()?)),
        ApiKey::LeaveGroup => call.reply(&groups::leave_group(broker, &call.decode()?)),
        ApiKey::DescribeGroups => call.reply(&groups::describe_groups(broker, call.decode()?)),
        ApiKey::ListGroups => call.reply(&groups::list_groups(broker)),
        ApiKey::DeleteGroups => call.reply(&groups::delete_groups(broker, call.decode()?)),
        ApiKey::InitProducerId => call.reply(&transactions::init_producer_id(broker, &caller, &call.decode()?)),
        ApiKey::AddPartitionsToTxn => call.reply(&transactions::add_partitions(broker, &caller, &call.decode()?)),
        ApiKey::AddOffsetsToTxn => call.reply(&transactions::add_offsets(broker, &caller, &call.decode()?)),
        ApiKey::EndTxn => call.reply(&transactions::end_txn(broker, &caller, &call.decode()?)),
        other => anyhow::bail!("{other:?} is supported but nobody answers it"),
    }
}

fn api_versions(error_code: i16) -> ApiVersionsResponse {
    let entry = |&(key, min, max): &(ApiKey, i16, i16)| {
        ApiVersion::default()
            .with_api_key(key as i16)
            .with_min_version(min)
            .with_max_version(max)
    };
    ApiVersionsResponse::default()
        .with_error_code(error_code)
        .with_api_keys(SUPPORTED.iter().map(entry).collect())
}

/// A request on its way to its answer.
struct Call {
    body: Bytes,
    version: i16,
    correlation: i32,
}

impl Call {
    fn decode<T: Decodable>(&self) -> anyhow::Result<T> {
        T::decode(&mut self.body.clone(), self.version)
    }

    fn reply<T: Encodable + HeaderVersion>(&self, response: &T) -> anyhow::Result<Option<Bytes>> {
        self.reply_as(self.version, response)
    }

    fn reply_as<T: Encodable + HeaderVersion>(&self, version: i16, response: &T) -> anyhow::Result<Option<Bytes>> {
        let mut bytes = BytesMut::with_capacity(8 + response.compute_size(version)?);
        let header = ResponseHeader::default().with_correlation_id(self.correlation);
        header.encode(&mut bytes, T::header_version(version))?;
        response.encode(&mut bytes, version)?;
        Ok(Some(bytes.freeze()))
    }
}

#[cfg(test)]
#[path = "api_tests.rs"]
mod tests;
