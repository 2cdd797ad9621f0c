//! Numbers and texts as JSON.

use std::fmt::Write as _;

/// Appends a finite number so that reading it gives the same `f64`; infinity is written as a text, since JSON has none.
pub fn push_number(json: &mut String, number: f64) {
    let written = if number == f64::INFINITY {
        json.push_str("\"inf\"");
        Ok(())
    } else if number.fract() == 0.0 && number.abs() < 1e15 {
        // `1.0`, not `1`: readers that tell integers and floats apart see a float.
        write!(json, "{number:.1}")
    } else if (1e-5..1e16).contains(&number.abs()) {
        write!(json, "{number}")
    } else {
        write!(json, "{number:e}")
    };
    written.expect("writing to a String cannot fail");
}

/// Appends a text with its quotes.
pub fn push_text(json: &mut String, text: &str) {
    json.push('"');
    for letter in text.chars() {
        match letter {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            '\n' => json.push_str("\\n"),
            '\r' => json.push_str("\\r"),
            '\t' => json.push_str("\\t"),
            control if u32::from(control) < 0x20 => {
                write!(json, "\\u{:04x}", u32::from(control)).expect("writing to a String cannot fail");
            }
            letter => json.push(letter),
        }
    }
    json.push('"');
}

/// Appends `[a,b,…]`.
pub fn push_numbers(json: &mut String, numbers: &[f64]) {
    json.push('[');
    for (index, number) in numbers.iter().enumerate() {
        if index > 0 {
            json.push(',');
        }
        push_number(json, *number);
    }
    json.push(']');
}
