//! Points and windows of points as JSON.

use streaming::Timestamp;
use streaming::batch::{Batch, Payload};

use super::json::{push_numbers, push_text};

/// A point as `point-json` reads it.
pub fn point_json(key: &[u8], event_time: Timestamp, point: &[f64]) -> Vec<u8> {
    let mut text = String::with_capacity(64 + point.len() * 20);
    text.push_str("{\"key\":");
    push_text(&mut text, &String::from_utf8_lossy(key));
    text.push_str(",\"timestamp\":");
    push_millis(&mut text, event_time);
    text.push_str(",\"point\":");
    push_numbers(&mut text, point);
    text.push('}');
    text.into_bytes()
}

/// The points of a batch of one window, as `point-json` reads them; as many whole points as `max_bytes` hold.
pub fn window_json(window: &Batch, max_bytes: usize) -> Vec<u8> {
    let Payload::Windows(windows) = &window.payload else {
        return Vec::new();
    };
    let mut text = String::from("{\"key\":");
    push_text(&mut text, &String::from_utf8_lossy(window.keys.row(0)));
    text.push_str(",\"timestamp\":");
    push_millis(&mut text, window.event_time[0]);
    text.push_str(",\"points\":");
    let truncated = push_points(&mut text, windows.coords.row(0), windows.dim[0], max_bytes);
    if truncated {
        text.push_str(",\"truncated\":true");
    }
    text.push('}');
    text.into_bytes()
}

/// Appends `[[…],[…]]` and says whether points were left out to stay below `max_bytes`.
pub fn push_points(text: &mut String, coords: &[f64], dim: u16, max_bytes: usize) -> bool {
    text.push('[');
    for (row, point) in coords.chunks_exact(usize::from(dim).max(1)).enumerate() {
        let before = text.len();
        if row > 0 {
            text.push(',');
        }
        push_numbers(text, point);
        if text.len() > max_bytes {
            text.truncate(before);
            text.push(']');
            return true;
        }
    }
    text.push(']');
    false
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
