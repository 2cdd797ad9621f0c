//! Producing and fetching.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use rdkafka::consumer::Consumer;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, Headers, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, DeliveryResult, Producer, ProducerContext};
use rdkafka::{ClientContext, Message, Offset, Timestamp, TopicPartitionList};

use crate::setup::*;

#[test]
fn a_record_comes_back_with_key_timestamp_and_headers() {
    let (topic, timestamp) = (new_topic("record", 1), an_hour_ago_ms());
    let producer = producer(&[]);
    let headers = OwnedHeaders::new()
        .insert(Header {
            key: "h",
            value: Some("v"),
        })
        .insert(Header::<&str> { key: "n", value: None });
    let record = BaseRecord::to(&topic)
        .partition(0)
        .key("k")
        .payload("p")
        .timestamp(timestamp)
        .headers(headers);
    producer.send(record).map_err(|(error, _)| error).unwrap();
    producer.flush(PATIENCE).unwrap();
    let consumer = consumer(&unique("g"), &[]);
    assign(&consumer, &topic, 1);
    let message = read(&consumer, 1).remove(0);
    assert_eq!(
        (message.key(), message.payload()),
        (Some(b"k".as_slice()), Some(b"p".as_slice()))
    );
    assert_eq!(
        (message.offset(), message.timestamp()),
        (0, Timestamp::CreateTime(timestamp))
    );
    let headers: Vec<(&str, Option<&[u8]>)> = message.headers().unwrap().iter().map(|h| (h.key, h.value)).collect();
    assert_eq!(headers, [("h", Some(b"v".as_slice())), ("n", None)]);
}

#[test]
fn every_codec_comes_back_as_it_went() {
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
        let topic = new_topic(codec, 1);
        let payloads: Vec<String> = (0..100).map(|i| format!("{codec} {i} {}", "x".repeat(100))).collect();
        let producer = producer(&[("compression.type", codec), ("linger.ms", "50")]);
        send(
            &producer,
            &topic,
            &payloads.iter().map(String::as_str).collect::<Vec<_>>(),
        );
        assert_eq!(read_to_end(&topic, "read_committed"), payloads);
    }
}

#[test]
fn offsets_are_found_by_time() {
    let (topic, start) = (new_topic("times", 1), an_hour_ago_ms());
    let producer = producer(&[("linger.ms", "20")]);
    for i in 0..100 {
        let record = BaseRecord::<(), str>::to(&topic)
            .partition(0)
            .payload("x")
            .timestamp(start + i * 10);
        producer.send(record).map_err(|(error, _)| error).unwrap();
        if i % 10 == 9 {
            producer.flush(PATIENCE).unwrap();
        }
    }
    let consumer = consumer(&unique("g"), &[]);
    for (ms, expected) in [
        (0, Offset::Offset(0)),
        (501, Offset::Offset(51)),
        (990, Offset::Offset(99)),
        (991, Offset::End),
    ] {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&topic, 0, Offset::Offset(start + ms))
            .unwrap();
        let found = consumer.offsets_for_times(list, PATIENCE).unwrap();
        assert_eq!(
            found.find_partition(&topic, 0).unwrap().offset(),
            expected,
            "at {ms} ms"
        );
    }
    assert_eq!(consumer.fetch_watermarks(&topic, 0, PATIENCE).unwrap(), (0, 100));
}

#[test]
fn an_idempotent_producer_writes_everything_once_and_in_order() {
    let topic = new_topic("idempotent", 1);
    let producer = producer(&[("enable.idempotence", "true"), ("batch.num.messages", "7")]);
    let payloads: Vec<String> = (0..2000).map(|i| i.to_string()).collect();
    send(
        &producer,
        &topic,
        &payloads.iter().map(String::as_str).collect::<Vec<_>>(),
    );
    assert_eq!(read_to_end(&topic, "read_committed"), payloads);
}

#[test]
fn every_acknowledgement_level_stores_the_record() {
    for acks in ["0", "1", "all"] {
        let topic = new_topic("acks", 1);
        send(&producer(&[("acks", acks)]), &topic, &["x"]);
        eventually("the record is there", || read_to_end(&topic, "read_committed") == ["x"]);
    }
}

#[test]
fn a_waiting_reader_gets_a_record_when_it_comes() {
    let topic = new_topic("waiting", 1);
    let consumer = consumer(&unique("g"), &[("fetch.wait.max.ms", "20000")]);
    assign(&consumer, &topic, 1);
    assert!(consumer.poll(Duration::from_millis(1500)).is_none());
    let producer = producer(&[]);
    let sent = Instant::now();
    send(&producer, &topic, &["now"]);
    assert_eq!(text(&read(&consumer, 1)[0]), "now");
    assert!(
        sent.elapsed() < Duration::from_secs(10),
        "the reader was not woken: {:?}",
        sent.elapsed()
    );
}

#[test]
fn many_partitions_are_read_through_small_fetches() {
    let topic = new_topic("many", 8);
    let producer = producer(&[("batch.num.messages", "10")]);
    for i in 0..800 {
        let payload = format!("{i} {}", "y".repeat(500));
        producer
            .send(BaseRecord::<(), _>::to(&topic).partition(i % 8).payload(&payload))
            .map_err(|(e, _)| e)
            .unwrap();
    }
    producer.flush(PATIENCE).unwrap();
    let small = [
        ("fetch.max.bytes", "20000"),
        ("message.max.bytes", "10000"),
        ("max.partition.fetch.bytes", "3000"),
    ];
    let consumer = consumer(&unique("g"), &small);
    assign(&consumer, &topic, 8);
    let messages = read(&consumer, 800);
    let distinct: HashSet<String> = messages.iter().map(text).collect();
    assert_eq!(distinct.len(), 800);
    for partition in 0..8 {
        let offsets: Vec<i64> = messages
            .iter()
            .filter(|m| m.partition() == partition)
            .map(Message::offset)
            .collect();
        assert_eq!(offsets, (0..100).collect::<Vec<_>>(), "partition {partition}");
    }
}

#[test]
fn reading_beyond_the_end_is_out_of_range() {
    let topic = new_topic("range", 1);
    send(&producer(&[]), &topic, &["x"]);
    let consumer = consumer(&unique("g"), &[("auto.offset.reset", "error")]);
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(&topic, 0, Offset::Offset(1000)).unwrap();
    consumer.assign(&list).unwrap();
    let deadline = Instant::now() + PATIENCE;
    let error = loop {
        assert!(Instant::now() < deadline, "no error came");
        if let Some(Err(error)) = consumer.poll(Duration::from_millis(100)) {
            break error;
        }
    };
    assert_eq!(error.rdkafka_error_code(), Some(RDKafkaErrorCode::AutoOffsetReset));
}

/// Keeps what became of the last record.
#[derive(Default)]
struct Outcome(std::sync::Mutex<Option<Result<i64, KafkaError>>>);

impl ClientContext for Outcome {}

impl ProducerContext for Outcome {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, _: ()) {
        *self.0.lock().unwrap() = Some(result.as_ref().map(Message::offset).map_err(|(error, _)| error.clone()));
    }
}

#[test]
fn a_record_larger_than_the_topic_allows_is_refused_and_the_next_is_stored() {
    let topic = new_topic("large", 1);
    let mut config = client(&bootstrap());
    let producer: BaseProducer<Outcome> = config
        .set("message.max.bytes", "3000000")
        .create_with_context(Outcome::default())
        .unwrap();
    let mut outcomes = Vec::new();
    for payload in ["z".repeat(2_000_000), "fits".into()] {
        producer
            .send(BaseRecord::<(), _>::to(&topic).partition(0).payload(&payload))
            .map_err(|(e, _)| e)
            .unwrap();
        producer.flush(PATIENCE).unwrap();
        outcomes.push(producer.context().0.lock().unwrap().take().unwrap());
    }
    let too_large = KafkaError::MessageProduction(RDKafkaErrorCode::MessageSizeTooLarge);
    assert_eq!(outcomes, [Err(too_large), Ok(0)]);
}
