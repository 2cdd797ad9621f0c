//! `docs/configuration.md`, written from the table of options.

use std::fmt::Write as _;

use crate::load::Config;
use crate::option::Entry;
use crate::options::SECTIONS;

const HEAD: &str = "\
# Configuration

The options of `flink-conf.yaml` (or Flink 2's nested `config.yaml`); `-D key=value` on the command line overrides them.
Names are Flink's wherever the meaning is. An unknown option is a warning, a wrong value an error.

* A duration is a number and `ms`, `s`, `min`, `h` or `d`; a bare number counts milliseconds.
* A memory size is a number and `kb`, `mb`, `gb` or `tb`, powers of 1024; a bare number counts bytes.
* Lists are separated by commas.

This page is generated from `config/src/options.rs`: `UPDATE_DOCS=1 cargo test -p config`.
";

impl Config {
    /// All options as a page of Markdown.
    pub fn documentation() -> String {
        let mut page = HEAD.to_owned();
        for (title, entries) in SECTIONS {
            let _ = write!(
                page,
                "\n## {title}\n\n| option | type | default | meaning |\n|---|---|---|---|\n"
            );
            for entry in *entries {
                let _ = writeln!(page, "{}", row(entry));
            }
        }
        page
    }
}

fn row(entry: &Entry) -> String {
    let mut kind = entry.kind.trim().replace("` `", "`, `");
    if let Some(limits) = entry.limits_in_words() {
        let _ = write!(kind, ", {limits}");
    }
    let default = match entry.default {
        "" => "–".to_owned(),
        default => format!("`{default}`"),
    };
    let mut doc = entry.doc.to_owned();
    if !entry.aliases.is_empty() {
        let aliases: Vec<_> = entry.aliases.iter().map(|alias| format!("`{alias}`")).collect();
        let _ = write!(doc, " Also: {}.", aliases.join(", "));
    }
    if entry.secret {
        doc.push_str(" Never shown.");
    }
    format!("| `{}` | {kind} | {default} | {doc} |", entry.key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_in_docs_is_the_table_in_the_code() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/configuration.md");
        let documentation = Config::documentation();
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(path, &documentation).unwrap();
        }
        let page = std::fs::read_to_string(path).unwrap();
        assert!(page == documentation, "run UPDATE_DOCS=1 cargo test -p config");
    }

    #[test]
    fn the_shipped_files_are_read_without_a_warning() {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
        for place in ["", "deploy/dev/", "deploy/staging/", "deploy/prod/"] {
            let path = format!("{root}/{place}flink-conf.yaml");
            let config = Config::load(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
            assert_eq!(config.warnings(), [], "{path}");
        }
    }
}
