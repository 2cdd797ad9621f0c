//! Members that an operator adds to an answer.

use super::json::{push_number, push_numbers, push_text};

/// One named object of an answer, such as `"drift":{"value":0.5}`, that is being written.
pub struct Annotation {
    json: String,
}

impl Annotation {
    pub fn new(name: &str) -> Self {
        let mut json = String::new();
        push_text(&mut json, name);
        json.push_str(":{");
        Self { json }
    }

    fn name(&mut self, name: &str) -> &mut String {
        if !self.json.ends_with('{') {
            self.json.push(',');
        }
        push_text(&mut self.json, name);
        self.json.push(':');
        &mut self.json
    }

    pub fn text(&mut self, name: &str, text: &str) {
        push_text(self.name(name), text);
    }

    pub fn boolean(&mut self, name: &str, flag: bool) {
        self.name(name).push_str(if flag { "true" } else { "false" });
    }

    /// A number, or null; infinity is the text `inf`.
    pub fn number(&mut self, name: &str, number: Option<f64>) {
        let json = self.name(name);
        match number {
            Some(number) => push_number(json, number),
            None => json.push_str("null"),
        }
    }

    pub fn numbers(&mut self, name: &str, numbers: &[f64]) {
        push_numbers(self.name(name), numbers);
    }

    /// A matrix, row by row.
    pub fn matrix(&mut self, name: &str, numbers: &[f64], columns: usize) {
        let json = self.name(name);
        json.push('[');
        for (index, row) in numbers.chunks(columns.max(1)).enumerate() {
            if index > 0 {
                json.push(',');
            }
            push_numbers(json, row);
        }
        json.push(']');
    }

    /// Begins an object within the object.
    pub fn open(&mut self, name: &str) {
        self.name(name).push('{');
    }

    /// Ends what [`Annotation::open`] began.
    pub fn close(&mut self) {
        self.json.push('}');
    }

    /// `annotations` of a diagram with this one behind them.
    pub fn append_to(self, annotations: &[u8]) -> Vec<u8> {
        let mut bytes = annotations.to_vec();
        if !bytes.is_empty() {
            bytes.push(b',');
        }
        bytes.extend_from_slice(self.json.as_bytes());
        bytes.push(b'}');
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn annotations_are_members_of_an_object() {
        let mut annotation = Annotation::new("a");
        annotation.open("0");
        annotation.number("x", None);
        annotation.numbers("y", &[1.0, 2.5]);
        annotation.close();
        annotation.boolean("b", true);
        let first = annotation.append_to(b"");
        let mut annotation = Annotation::new("c");
        annotation.matrix("m", &[1.0, 2.0, 3.0, 4.0], 2);
        annotation.number("inf", Some(f64::INFINITY));
        let both = annotation.append_to(&first);
        let expected = r#""a":{"0":{"x":null,"y":[1.0,2.5]},"b":true},"c":{"m":[[1.0,2.0],[3.0,4.0]],"inf":"inf"}"#;
        assert_eq!(String::from_utf8(both).unwrap(), expected);
    }
}
