//! The real `submit-job`.

use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::cluster::Cluster;
use crate::process::binary;
use crate::wait::wait_for;

const LISTED: Duration = Duration::from_secs(10);

/// A job file of `tests/jobs`.
pub fn job_file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("jobs").join(name)
}

/// A job file that comes with the platform.
pub fn shipped_job(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../jobs").join(name)
}

/// Runs `submit-job` and waits for its end.
pub fn submit_job(arguments: &[&str]) -> Result<Output> {
    binary("submit-job")?
        .args(arguments)
        .output()
        .context("submit-job does not start")
}

/// What a command printed, both streams.
pub fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

impl Cluster {
    /// Submits a job file with parameters and returns the id of the job.
    pub fn submit(&self, job: &Path, parameters: &[(&str, &str)]) -> Result<String> {
        let before = self.job_ids()?;
        let address = self.jobmanager_address();
        let path = job.to_str().context("the path of the job is not UTF-8")?;
        let set: Vec<_> = parameters
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let mut arguments = vec!["--jobmanager", &address, "--job", path, "--detached"];
        for parameter in &set {
            arguments.extend(["--set", parameter]);
        }
        let output = submit_job(&arguments)?;
        if !output.status.success() {
            bail!(
                "submit-job {}: {}\n{}",
                arguments.join(" "),
                output.status,
                text(&output)
            );
        }
        wait_for("the submitted job to be listed", LISTED, || {
            Ok(self.job_ids()?.into_iter().find(|id| !before.contains(id)))
        })
    }

    fn job_ids(&self) -> Result<Vec<String>> {
        let overview = self.rest.get("/jobs/overview")?;
        let jobs = overview["jobs"].as_array().context("the overview lists jobs")?;
        Ok(jobs
            .iter()
            .filter_map(|job| Some(job["jid"].as_str()?.to_owned()))
            .collect())
    }
}
