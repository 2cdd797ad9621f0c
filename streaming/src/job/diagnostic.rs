//! Mistakes as the user reads them: file, line, key, what was found and what is allowed.

use std::fmt;

use serde::Serialize;

use super::options::Problem;
use super::value::Span;

/// One mistake of a job, at its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// The job file, the configuration file, or `command line`.
    pub file: String,
    /// `None` for what stands in no line, such as a flag.
    pub place: Option<Place>,
    /// `operator.windows.window.size`; empty for the whole file.
    pub key: String,
    pub message: String,
}

/// Where in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Place {
    /// Counted from 1.
    pub line: usize,
    /// In characters, counted from 1.
    pub column: usize,
    /// How many characters of the line are meant.
    pub width: usize,
    /// The text of the line.
    pub source: String,
}

/// Everything that is wrong with a job, in the order of its files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{}", join_lines(.diagnostics))]
pub struct JobErrors {
    pub diagnostics: Vec<Diagnostic>,
}

impl Diagnostic {
    /// A problem of `file`, whose text is `text`.
    pub(super) fn of_file(file: &str, text: &str, problem: Problem) -> Self {
        Self {
            file: file.to_owned(),
            place: Place::locate(text, &problem.span),
            key: problem.path,
            message: problem.message,
        }
    }

    /// A mistake that stands in no line of a file.
    pub(super) fn elsewhere(origin: &str, key: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            file: origin.to_owned(),
            place: None,
            key: key.into(),
            message: message.into(),
        }
    }

    /// The line of the file with the place underlined, for a terminal; empty where there is no line.
    pub fn excerpt(&self) -> String {
        let Some(place) = &self.place else {
            return String::new();
        };
        let number = place.line.to_string();
        let margin = " ".repeat(number.len());
        let indent = " ".repeat(place.column - 1);
        let mark = "^".repeat(place.width.max(1));
        format!(
            " {number} | {}\n {margin} | {indent}{mark}",
            place.source.replace('\t', " ")
        )
    }
}

impl fmt::Display for Diagnostic {
    /// `tda.toml:12:8: operator.windows.window.kind: ...`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(place) = &self.place {
            write!(f, ":{}:{}", place.line, place.column)?;
        }
        if !self.key.is_empty() {
            write!(f, ": {}", self.key)?;
        }
        write!(f, ": {}", self.message)
    }
}

impl Place {
    /// The place of a span; what spans several lines is marked to the end of the first.
    pub(super) fn locate(text: &str, span: &Span) -> Option<Self> {
        let span = span.as_ref()?;
        let start = floor_char_boundary(text, span.start);
        let line_start = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |length| start + length);
        let end = floor_char_boundary(text, span.end).clamp(start, line_end);
        Some(Self {
            line: text[..start].matches('\n').count() + 1,
            column: text[line_start..start].chars().count() + 1,
            width: text[start..end].trim_end().chars().count(),
            source: text[line_start..line_end].trim_end().to_owned(),
        })
    }
}

fn floor_char_boundary(text: &str, index: usize) -> usize {
    let mut index = index.min(text.len());
    while !text.is_char_boundary(index) {
        index -= 1;
    }
    index
}

fn join_lines(diagnostics: &[Diagnostic]) -> String {
    let lines: Vec<_> = diagnostics.iter().map(Diagnostic::to_string).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_counts_lines_and_characters_and_shows_the_line() {
        let text = "a = 1\nkönig = \"sesion\"\n";
        let start = text.find("\"sesion").unwrap();
        let problem = Problem {
            span: Some(start..start + 8),
            path: "operator.w.kind".into(),
            message: "no".into(),
        };
        let diagnostic = Diagnostic::of_file("tda.toml", text, problem);
        assert_eq!(diagnostic.to_string(), "tda.toml:2:9: operator.w.kind: no");
        assert_eq!(diagnostic.excerpt(), " 2 | könig = \"sesion\"\n   |         ^^^^^^^^");
    }

    #[test]
    fn a_place_at_the_end_of_the_text_is_a_place() {
        assert_eq!(Place::locate("a", &Some(1..9)).unwrap().column, 2);
        assert_eq!(Place::locate("", &Some(0..0)).unwrap().line, 1);
    }
}
