//! Formats that write: rows become JSON documents.

mod json;

use streaming::Timestamp;

/// A point as `point-json` reads it.
pub fn point_json(key: &[u8], event_time: Timestamp, point: &[f64]) -> Vec<u8> {
    let mut text = String::with_capacity(64 + point.len() * 20);
    text.push_str("{\"key\":");
    json::push_text(&mut text, &String::from_utf8_lossy(key));
    text.push_str(",\"timestamp\":");
    push_millis(&mut text, event_time);
    text.push_str(",\"point\":");
    json::push_numbers(&mut text, point);
    text.push('}');
    text.into_bytes()
}

/// Milliseconds since the epoch, with a fraction where there is one.
fn push_millis(text: &mut String, time: Timestamp) {
    let (millis, micros) = (time.0 / 1000, (time.0 % 1000).unsigned_abs());
    if millis == 0 && time.0 < 0 {
        text.push('-');
    }
    text.push_str(&millis.to_string());
    if micros > 0 {
        text.push_str(format!(".{micros:03}").trim_end_matches('0'));
    }
}
