//! Options of the connector `filesystem`: lines in objects of a directory or of an S3 bucket.

use std::fmt;
use std::time::Duration;

use super::read::bytes;
use crate::job::Options;

/// `[source.x]` with `connector = "filesystem"`.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceOptions {
    pub location: Location,
    /// How often new objects are looked for; `None` to read what is there once.
    pub monitor_interval: Option<Duration>,
    /// A longer line fails the job.
    pub max_line_bytes: u64,
}

/// `[sink.x]` with `connector = "filesystem"`.
#[derive(Debug, Clone, PartialEq)]
pub struct SinkOptions {
    pub location: Location,
    /// Rows of so many bytes make an object before their checkpoint does; they are held in memory until then.
    pub roll_bytes: u64,
}

/// Where objects lie, and how their store is reached.
#[derive(Debug, Clone, PartialEq)]
pub struct Location {
    /// `file:///directory` or `s3://bucket/prefix`.
    pub url: String,
    pub s3: S3,
}

/// What is not given here is taken from the environment (`AWS_ENDPOINT_URL`, `AWS_ACCESS_KEY_ID`, …).
#[derive(Clone, PartialEq, Default)]
pub struct S3 {
    pub endpoint: Option<String>,
    pub access_key: Option<String>,
    pub secret_key: Option<String>,
    pub region: Option<String>,
}

/// Without the secret.
impl fmt::Debug for S3 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3")
            .field("endpoint", &self.endpoint)
            .field("access_key", &self.access_key)
            .field("region", &self.region)
            .finish_non_exhaustive()
    }
}

const DEFAULT_MAX_LINE_BYTES: u64 = 16 << 20;
const DEFAULT_ROLL_BYTES: u64 = 16 << 20;

impl SourceOptions {
    /// Reads the options; mistakes become problems of `options`.
    pub fn read(options: &mut Options) -> Self {
        Self {
            location: Location::read(options),
            monitor_interval: options
                .duration("monitor-interval")
                .filter(|interval| !interval.is_zero()),
            max_line_bytes: bytes(options, "max-line", 1..=256 << 20).unwrap_or(DEFAULT_MAX_LINE_BYTES),
        }
    }
}

impl SinkOptions {
    /// Reads the options; mistakes become problems of `options`.
    pub fn read(options: &mut Options) -> Self {
        Self {
            location: Location::read(options),
            roll_bytes: bytes(options, "roll-size", 1..=1 << 30).unwrap_or(DEFAULT_ROLL_BYTES),
        }
    }
}

impl Location {
    fn read(options: &mut Options) -> Self {
        let url = options.required_string("path");
        if !url.is_empty() && !is_url(&url) {
            options.problem(
                "path",
                format_args!("{url:?} is neither file:///absolute/path nor s3://bucket/prefix"),
            );
        }
        let s3 = options.table("s3").map(S3::read).unwrap_or_default();
        Self { url, s3 }
    }
}

fn is_url(url: &str) -> bool {
    let bucket = |rest: &str| !rest.is_empty() && !rest.starts_with('/');
    url.starts_with("file:///") || url.strip_prefix("s3://").is_some_and(bucket)
}

impl S3 {
    fn read(mut options: Options) -> Self {
        let s3 = Self {
            endpoint: options.string("endpoint"),
            access_key: options.string("access-key"),
            secret_key: options.string("secret-key"),
            region: options.string("region"),
        };
        if s3.access_key.is_some() != s3.secret_key.is_some() {
            options.problem(
                "access-key",
                "access-key and secret-key go together; give both or neither",
            );
        }
        if let Some(endpoint) = &s3.endpoint
            && !endpoint.starts_with("http://")
            && !endpoint.starts_with("https://")
        {
            options.problem(
                "endpoint",
                format_args!("{endpoint:?} is neither http://host:port nor https://host"),
            );
        }
        options.finish();
        s3
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connector::tests::{messages, options};

    #[test]
    fn dotted_s3_options_are_read_and_misspelt_ones_named() {
        let mut options = options(
            "path = \"s3://bucket/prefix\"\ns3.endpoint = \"localhost:9000\"\ns3.access-key = \"a\"\ns3.secret-kye = \"b\"",
        );
        SourceOptions::read(&mut options);
        let problems = messages(options);
        assert_eq!(problems.len(), 3, "{problems:?}");
        assert!(problems[0].contains("neither http://"));
        assert!(problems[1].contains("give both or neither"));
        assert!(
            problems[2].contains("unknown option \"secret-kye\"; did you mean \"secret-key\"?"),
            "{problems:?}"
        );
    }

    #[test]
    fn a_path_is_a_url() {
        for (path, good) in [
            ("file:///data", true),
            ("s3://b", true),
            ("/data", false),
            ("s3:///x", false),
        ] {
            let mut options = options(&format!("path = \"{path}\""));
            SinkOptions::read(&mut options);
            assert_eq!(messages(options).is_empty(), good, "{path}");
        }
    }

    #[test]
    fn a_secret_is_never_shown() {
        let s3 = S3 {
            secret_key: Some("hidden".into()),
            ..S3::default()
        };
        assert!(!format!("{s3:?}").contains("hidden"));
    }
}
