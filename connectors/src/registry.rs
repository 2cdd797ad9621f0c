//! Connectors by their names in the job file.

use streaming::connector::{ConnectorPlace, Sink, Source, filesystem, generator, kafka, print};
use streaming::job::Options;
use streaming::{Error, Result};
use tokio::runtime::Handle;

/// Builds a source; nothing is connected before `open`.
///
/// * `kind` — the `connector` of the job file
/// * `options` — the whole `[source.x]` table; what others read there is left alone
/// * `runtime` — moves the bytes of connectors whose client library is asynchronous; must not be the caller's own runtime thread
/// * fails with a `User` error for an unknown kind and for options with problems
pub fn source(kind: &str, options: &mut Options, place: ConnectorPlace, runtime: &Handle) -> Result<Box<dyn Source>> {
    match kind {
        "kafka" => {
            let read = kafka::SourceOptions::read(options);
            check(options)?;
            Ok(Box::new(crate::kafka::KafkaSource::new(read, place)?))
        }
        "filesystem" => {
            let read = filesystem::SourceOptions::read(options);
            check(options)?;
            Ok(Box::new(crate::filesystem::FilesystemSource::new(
                read, place, runtime,
            )?))
        }
        "generator" => {
            let read = generator::SourceOptions::read(options);
            check(options)?;
            Ok(Box::new(crate::generator::Generator::new(read, place)))
        }
        _ => Err(unknown("source", kind, options)),
    }
}

/// Builds a sink, as [`source`] does a source.
pub fn sink(kind: &str, options: &mut Options, place: ConnectorPlace, runtime: &Handle) -> Result<Box<dyn Sink>> {
    match kind {
        "kafka" => {
            let read = kafka::SinkOptions::read(options);
            check(options)?;
            crate::kafka::sink(read, place)
        }
        "filesystem" => {
            let read = filesystem::SinkOptions::read(options);
            check(options)?;
            Ok(Box::new(crate::filesystem::FilesystemSink::new(read, place, runtime)?))
        }
        "print" => {
            let read = print::SinkOptions::read(options);
            check(options)?;
            Ok(Box::new(crate::print::Print::new(read, place)))
        }
        "discard" => Ok(Box::new(crate::discard::Discard::default())),
        _ => Err(unknown("sink", kind, options)),
    }
}

fn check(options: &Options) -> Result<()> {
    let problems = options.problems().take();
    let reasons: Vec<_> = problems
        .iter()
        .map(|problem| format!("{}: {}", problem.path, problem.message))
        .collect();
    match reasons.is_empty() {
        true => Ok(()),
        false => Err(Error::user(options.path(), reasons.join("; "))),
    }
}

fn unknown(role: &str, kind: &str, options: &Options) -> Error {
    Error::user(
        options.path(),
        format_args!("there is no {role} connector {kind:?} in this program"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use streaming::connector::catalog::{SINKS, SOURCES};

    fn place() -> ConnectorPlace {
        ConnectorPlace {
            job_id: "0".repeat(32),
            job_name: "job".into(),
            id: "points".into(),
            subtask: 0,
            parallelism: 1,
        }
    }

    /// Options that are right for every connector.
    const OPTIONS: &str = r#"{"connector": "x", "bootstrap-servers": "127.0.0.1:9", "topics": ["t"], "topic": "t",
        "path": "file:///nowhere"}"#;

    #[test]
    fn every_connector_of_the_catalog_is_built() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for entry in SOURCES {
            let mut options = Options::from_json("source.points", OPTIONS).unwrap();
            let built = source(entry.name, &mut options, place(), runtime.handle());
            assert!(built.is_ok(), "{}: {:?}", entry.name, built.err());
        }
        for entry in SINKS {
            let mut options = Options::from_json("sink.results", OPTIONS).unwrap();
            let built = sink(entry.name, &mut options, place(), runtime.handle());
            assert!(built.is_ok(), "{}: {:?}", entry.name, built.err());
        }
    }

    #[test]
    fn all_problems_are_in_the_error() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut options = Options::from_json("source.points", "{\"prefetch\": \"much\"}").unwrap();
        let error = source("kafka", &mut options, place(), runtime.handle()).err().unwrap();
        assert_eq!(error.kind(), streaming::Kind::User);
        let text = error.to_string();
        for part in [
            "bootstrap-servers is missing",
            "topics is missing",
            "source.points.prefetch",
        ] {
            assert!(text.contains(part), "{text}");
        }
    }
}
