use streaming::batch::Payload;
use streaming::connector::{Decoded, RawBatch};
use streaming::job::{Options, Value};
use streaming::operator::DecoderFactory;
use streaming::{Timestamp, job::Problems};

use super::PointJson;

const NOW: Timestamp = Timestamp(1_704_110_400_000_000);

fn decode(options: &str, messages: &[&[u8]]) -> Decoded {
    let mut options = Options::new(
        "source.points",
        Value::parse_toml(options).unwrap(),
        Problems::default(),
    );
    let mut decoder = PointJson.build(&mut options).unwrap();
    let raw = RawBatch {
        split: 0,
        name: "points/3".into(),
        timestamp: vec![Timestamp(5_000_000); messages.len()],
        keys: messages.iter().map(|_| b"record".as_slice()).collect(),
        values: messages.iter().copied().collect(),
        positions: (40..).take(messages.len()).collect(),
    };
    let mut decoded = Decoded::default();
    decoder.decode(&raw, NOW, &mut decoded).unwrap();
    decoded.batches.iter().for_each(|batch| batch.assert_consistent());
    decoded
}

/// Rows as `time key coordinates`, times in milliseconds.
fn check(message: &str, expected: &str) {
    let decoded = decode("", &[message.as_bytes()]);
    assert_eq!(decoded.bad, [], "{message}");
    let mut rows = Vec::new();
    for batch in &decoded.batches {
        let Payload::Points(points) = &batch.payload else {
            panic!("points")
        };
        for row in 0..batch.rows() {
            let key = String::from_utf8_lossy(batch.keys.row(row));
            rows.push(format!(
                "{} {key} {:?}",
                batch.event_time[row].as_millis(),
                points.row(row)
            ));
        }
    }
    assert_eq!(rows.join(" | "), expected, "{message}");
}

fn check_bad(options: &str, message: &[u8], reason: &str) {
    let decoded = decode(options, &[message]);
    assert!(decoded.batches.is_empty(), "{message:?}");
    assert_eq!(decoded.bad.len(), 1, "{message:?}");
    assert!(
        decoded.bad[0].reason.contains(reason),
        "{reason:?} is not in {:?}",
        decoded.bad[0].reason
    );
}

#[test]
fn messages_of_every_shape_are_read() {
    check(r#"{"key":"a","timestamp":1000,"point":[1,2.5]}"#, "1000 a [1.0, 2.5]");
    check(
        r#"{"key":"a","timestamp":"1970-01-01T00:00:02Z","points":[[1,2],[3,-4e2]]}"#,
        "2000 a [1.0, 2.0] | 2000 a [3.0, -400.0]",
    );
    check(r#" { "value" : 7 , "key" : "s" } "#, "5000 s [7.0]");
    check(r#"{"point":[1]}"#, "5000 record [1.0]");
    check(
        r#"{"key":null,"timestamp":null,"point":[1],"extra":{"deep":[[[]]]}}"#,
        "5000 record [1.0]",
    );
    check(r#"{"key":"\u00e9\n","point":[ 1 , 2 ]}"#, "5000 é\n [1.0, 2.0]");
    check(
        r#"{"key":17,"points":[ [ 1 ] , [ 2 ] ]}"#,
        "5000 17 [1.0] | 5000 17 [2.0]",
    );
}

#[test]
fn bad_input_is_refused_with_its_reason() {
    let cases: &[(&str, &str)] = &[
        ("", "not JSON"),
        ("{", "not JSON"),
        ("points", "not JSON"),
        (r#"{"point":[1]} {"#, "not JSON"),
        ("[1,2]", "expected a JSON object, found a list"),
        ("{}", "none of the fields"),
        (r#"{"point":[1],"value":2}"#, "more than one of the fields"),
        (r#"{"point":[1],"point":[2]}"#, "duplicate field `point`"),
        (
            r#"{"point":"1,2"}"#,
            r#"field "point": expected a list of numbers, found the text "1,2""#,
        ),
        (
            r#"{"point":[1,"2"]}"#,
            r#"field "point": expected a finite number, found the text "2""#,
        ),
        (r#"{"point":[1,null]}"#, "found null"),
        (r#"{"point":[1,[2]]}"#, "found a list"),
        (r#"{"point":[1,NaN]}"#, "a coordinate is NaN"),
        (r#"{"point":[-Infinity]}"#, "a coordinate is Infinity"),
        (r#"{"point":[1e999]}"#, "1e999 is infinite"),
        (r#"{"value":"NaN"}"#, r#"field "value": expected a finite number"#),
        (r#"{"point":[]}"#, "a point without coordinates"),
        (r#"{"points":[]}"#, "an empty cloud"),
        (r#"{"points":[[1],[]]}"#, "a point without coordinates at row 1"),
        (
            r#"{"points":[[1,2],[3]]}"#,
            "ragged: row 1 has 1 coordinates, row 0 has 2",
        ),
        (
            r#"{"points":[1,2]}"#,
            "expected a list of lists of numbers, found the number",
        ),
        (r#"{"points":[[[1]]]}"#, "found a list at row 0"),
        (
            r#"{"key":[1],"point":[1]}"#,
            r#"field "key": expected a text, found a list"#,
        ),
        (
            r#"{"timestamp":"noon","point":[1]}"#,
            r#"field "timestamp": expected RFC 3339"#,
        ),
        (
            r#"{"timestamp":true,"point":[1]}"#,
            r#"field "timestamp": expected RFC 3339"#,
        ),
        (r#"{"timestamp":-1,"point":[1]}"#, "before 1970"),
        (
            r#"{"timestamp":1904110400000,"point":[1]}"#,
            "beyond the allowed future",
        ),
    ];
    for (message, reason) in cases {
        check_bad("", message.as_bytes(), reason);
    }
    check_bad("", b"{\"key\":\"\xff\",\"point\":[1]}", "not UTF-8");
}

#[test]
fn the_bounds_of_the_source_hold() {
    check_bad(
        "dimension = 2",
        br#"{"point":[1,2,3]}"#,
        "points of dimension 3, declared are 2",
    );
    check_bad(
        "max-point-dimension = 2",
        br#"{"point":[1,2,3]}"#,
        "dimension 3 are over the limit of 2",
    );
    check_bad(
        "max-points-per-message = 1",
        br#"{"points":[[1],[2]]}"#,
        "2 points in one message",
    );
    check_bad(
        "max-message-size = 16",
        br#"{"point":[1,2,3]}"#,
        "17 bytes is over the limit of 16",
    );
    check_bad(
        "max-future = \"1s\"",
        br#"{"timestamp":1704110402000,"point":[1]}"#,
        "beyond the allowed future",
    );
}

#[test]
fn a_bad_record_tells_where_it_came_from_and_does_not_stop_the_others() {
    let decoded = decode("", &[br#"{"point":[1,2]}"#, b"?", br#"{"point":[3,4]}"#]);
    assert_eq!(decoded.batches[0].rows(), 2);
    let origin = decoded.bad[0].origin.as_ref().unwrap();
    assert_eq!(
        (origin.topic.as_str(), origin.partition, origin.offset),
        ("points", 3, 41)
    );
    assert_eq!(decoded.bad[0].payload, b"?");
}

#[test]
fn rows_of_different_dimension_go_to_different_batches() {
    let decoded = decode("", &[br#"{"point":[1,2]}"#, br#"{"point":[1]}"#, br#"{"point":[3,4]}"#]);
    let shapes: Vec<_> = decoded.batches.iter().map(|batch| batch.rows()).collect();
    assert_eq!(shapes, [2, 1]);
}

#[test]
fn a_message_with_one_bad_point_is_refused_whole() {
    check_bad("", br#"{"points":[[1,2],[3,null]]}"#, "found null at row 1");
}

mod random {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn coordinates_are_read_exactly(coords in proptest::collection::vec(proptest::num::f64::NORMAL | proptest::num::f64::SUBNORMAL | proptest::num::f64::ZERO, 1..8)) {
            let text = serde_json::json!({ "point": coords }).to_string();
            let decoded = decode("", &[text.as_bytes()]);
            let Payload::Points(points) = &decoded.batches[0].payload else { panic!("points") };
            prop_assert_eq!(&points.coords, &coords);
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
            decode("", &[&bytes]);
        }

        #[test]
        fn almost_json_never_panics(text in r#"\{"(point|points|value|key|timestamp)":[\[\]0-9,"e\. NaN-]{0,12}\}?"#) {
            decode("", &[text.as_bytes()]);
        }
    }
}
