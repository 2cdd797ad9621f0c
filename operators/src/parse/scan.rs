//! The short way through a message of the usual shape: one pass over its bytes.
//!
//! It accepts only what is JSON for certain, and gives the very fields that `serde_json` would; anything else, and anything
//! unusual (escapes, nested objects, a field twice), is left to `serde_json`.

use super::message::Message;

/// The fields of `text`, or `None` to have it read the long way.
pub fn scan(text: &str) -> Option<Message<'_>> {
    let bytes = text.as_bytes();
    let mut message = Message::default();
    let mut at = skip_space(bytes, 0);
    at = expect(bytes, at, b'{')?;
    loop {
        at = skip_space(bytes, at);
        let name_end = string_end(bytes, at)?;
        let name = &text[at + 1..name_end - 1];
        at = skip_space(bytes, name_end);
        at = skip_space(bytes, expect(bytes, at, b':')?);
        let end = value_end(bytes, at)?;
        let field = match name {
            "key" => Some(&mut message.key),
            "timestamp" => Some(&mut message.timestamp),
            "point" => Some(&mut message.point),
            "points" => Some(&mut message.points),
            "value" => Some(&mut message.value),
            _ => None,
        };
        if let Some(field) = field
            && field.replace(&text[at..end]).is_some()
        {
            return None;
        }
        at = skip_space(bytes, end);
        match bytes.get(at)? {
            b',' => at += 1,
            b'}' => break,
            _ => return None,
        }
    }
    (skip_space(bytes, at + 1) == bytes.len()).then_some(message)
}

fn skip_space(bytes: &[u8], mut at: usize) -> usize {
    while matches!(bytes.get(at), Some(b' ' | b'\n' | b'\r' | b'\t')) {
        at += 1;
    }
    at
}

fn expect(bytes: &[u8], at: usize, wanted: u8) -> Option<usize> {
    (*bytes.get(at)? == wanted).then_some(at + 1)
}

/// The end of a text without escapes, a number, or a list of numbers or of such lists.
fn value_end(bytes: &[u8], at: usize) -> Option<usize> {
    match bytes.get(at)? {
        b'"' => string_end(bytes, at),
        b'[' => list_end(bytes, at),
        _ => number_end(bytes, at),
    }
}

fn string_end(bytes: &[u8], at: usize) -> Option<usize> {
    let mut at = expect(bytes, at, b'"')?;
    loop {
        match bytes.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' | ..0x20 => return None,
            _ => at += 1,
        }
    }
}

fn list_end(bytes: &[u8], at: usize) -> Option<usize> {
    let mut depth = 1;
    let mut at = at + 1;
    loop {
        // A value.
        at = skip_space(bytes, at);
        if bytes.get(at) == Some(&b'[') && depth == 1 {
            depth += 1;
            at += 1;
            continue;
        }
        at = skip_space(bytes, number_end(bytes, at)?);
        // What follows a value.
        while bytes.get(at) == Some(&b']') {
            depth -= 1;
            at += 1;
            if depth == 0 {
                return Some(at);
            }
            at = skip_space(bytes, at);
        }
        at = expect(bytes, at, b',')?;
    }
}

/// The end of a number as JSON writes it: no plus sign, no leading zero, digits on both sides of the point.
fn number_end(bytes: &[u8], at: usize) -> Option<usize> {
    let start = at + usize::from(*bytes.get(at)? == b'-');
    let mut end = digits_end(bytes, start)?;
    if bytes[start] == b'0' && end > start + 1 {
        return None;
    }
    if bytes.get(end) == Some(&b'.') {
        end = digits_end(bytes, end + 1)?;
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let signed = matches!(bytes.get(end + 1), Some(b'+' | b'-'));
        end = digits_end(bytes, end + 1 + usize::from(signed))?;
    }
    Some(end)
}

/// The end of at least one digit.
fn digits_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut end = start;
    while bytes.get(end).is_some_and(u8::is_ascii_digit) {
        end += 1;
    }
    (end > start).then_some(end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_accepted_is_what_serde_json_reads(
            text in r#" ?\{("(point|points|value|key|timestamp|x)" ?: ?(-?[0-9]{1,2}(\.[0-9]*)?([eE][+-]?[0-9]*)?|"[a-z\\]{0,2}"|null|\[[0-9,\[\] ]{0,6}\])[,}]?){1,3}\}? ?"#,
        ) {
            if let Some(message) = scan(&text) {
                prop_assert_eq!(Ok(message), Message::parse_slowly(&text));
            }
        }
    }

    #[test]
    fn the_usual_messages_take_the_short_way() {
        for text in [
            r#"{"key":"a","timestamp":1700000000000,"point":[1.5,-2e-3,0]}"#,
            r#" { "key" : "é" , "points" : [ [ 1 , 2 ] , [ 3 , 4 ] ] , "timestamp" : "2024-01-01T00:00:00Z" } "#,
            r#"{"value":7,"unit":"mV"}"#,
        ] {
            assert_eq!(scan(text).map(Ok), Some(Message::parse_slowly(text)), "{text}");
        }
    }
}
