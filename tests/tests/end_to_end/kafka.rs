//! The job `tests/jobs/windows.toml` on topics of its own.

use anyhow::Result;
use tests::cluster::Cluster;
use tests::results::Collector;
use tests::submit::job_file;
use tests::topics::{self, Writer};

/// Topics of one test, with a writer of the input and a collector of the output.
pub struct Job {
    pub id: String,
    pub input: String,
    pub errors: String,
    pub writer: Writer,
    pub output: Collector,
}

/// Creates the topics, `partitions` each, and submits the job with further `parameters`.
pub fn start(cluster: &Cluster, partitions: i32, parameters: &[(&str, &str)]) -> Result<Job> {
    let bootstrap = &cluster.services.bootstrap;
    let [input, output, errors] = ["input", "output", "errors"].map(topics::unique);
    let wanted = [&input, &output, &errors].map(|topic| format!("{topic}:{partitions}"));
    topics::create(bootstrap, &wanted.each_ref().map(String::as_str))?;
    let mut all = vec![
        ("kafka", bootstrap.as_str()),
        ("input_topic", &input),
        ("output_topic", &output),
        ("error_topic", &errors),
    ];
    all.extend_from_slice(parameters);
    let id = cluster.submit(&job_file("windows.toml"), &all)?;
    let writer = Writer::new(bootstrap)?;
    let output = Collector::start(bootstrap, &output)?;
    Ok(Job {
        id,
        input,
        errors,
        writer,
        output,
    })
}
