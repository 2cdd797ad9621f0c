//! `docs/operators.md` says what the operators' own comments say. `UPDATE_DOCS=1 cargo test -p operators` writes it anew.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// Modules whose leading comment is for people who write jobs, in the order of a job.
const PAGES: [&str; 7] = [
    "src/parse/mod.rs",
    "src/takens.rs",
    "src/union.rs",
    "src/window/mod.rs",
    "src/persistence/mod.rs",
    "src/features/mod.rs",
    "src/drift/mod.rs",
];

fn page() -> String {
    let mut page = String::from(
        "# Operators\n\nWhat the tables `[operator.NAME]` of a job file take, and the format `point-json` of a source. Generated from \
         the comments in\n`operators/src`; `UPDATE_DOCS=1 cargo test -p operators` writes it anew.\n",
    );
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for file in PAGES {
        let source = fs::read_to_string(root.join(file)).unwrap();
        let lines = source.lines().map_while(|line| line.strip_prefix("//!"));
        let text: Vec<_> = lines.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect();
        let (title, rest) = text.split_first().unwrap();
        let (name, said) = title.split_once(": ").unwrap_or((title, ""));
        write!(page, "\n## {name}\n\n").unwrap();
        let mut letters = said.chars();
        if let Some(first) = letters.next() {
            writeln!(page, "{}{}", first.to_uppercase(), letters.as_str()).unwrap();
        }
        rest.iter().for_each(|line| writeln!(page, "{line}").unwrap());
    }
    page
}

#[test]
fn the_page_of_operators_is_what_the_code_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/operators.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, page()).unwrap();
    }
    assert_eq!(
        fs::read_to_string(&path).unwrap_or_default(),
        page(),
        "run UPDATE_DOCS=1 cargo test -p operators"
    );
}
