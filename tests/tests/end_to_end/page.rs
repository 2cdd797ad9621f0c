//! The page of the JobManager, in a headless Chromium where there is one.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tests::cluster::{Cluster, ClusterSpec, with_cluster};
use tests::stream::Stream;
use tests::wait::{wait_for, wait_until};

use crate::kafka;

const WITHIN: Duration = Duration::from_secs(60);

#[test]
fn the_page_shows_the_job_and_its_diagram() {
    let Some(chromium) = chromium() else {
        println!("skipped: no chromium on this machine");
        return;
    };
    with_cluster(ClusterSpec::new(1, 1), |cluster| {
        let page = cluster.rest.call("GET", "/")?;
        let text = String::from_utf8_lossy(&page.body);
        if !text.contains("/assets/") && !text.contains("assets/") {
            println!("skipped: the page was not built into the jobmanager binary");
            return Ok(());
        }
        show(cluster, &chromium)
    });
}

fn chromium() -> Option<String> {
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let is_there = |name: &&str| {
        Command::new(name)
            .arg("--version")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok()
    };
    names.into_iter().find(is_there).map(str::to_owned)
}

fn show(cluster: &mut Cluster, chromium: &str) -> Result<()> {
    let mut job = kafka::start(
        cluster,
        1,
        &[("parallelism", "1"), ("window_size", "1s"), ("slide_interval", "1s")],
    )?;
    let stream = Stream {
        seed: 3,
        keys: 2,
        partitions: 1,
        step_us: 10_000,
    };
    stream.write(&job.writer, &job.input, 0, 1000, f64::INFINITY)?;
    stream.write_flush(&job.writer, &job.input, 1000)?;
    wait_until("windows", WITHIN, || {
        job.output.take_in()?;
        Ok(job.output.windows.len() >= 20)
    })?;
    wait_until("diagrams", WITHIN, || {
        let answer = cluster.rest.get(&format!("/jobs/{}/diagrams", job.id))?;
        Ok(answer["diagrams"]
            .as_array()
            .is_some_and(|diagrams| !diagrams.is_empty()))
    })?;

    let overview = dom(cluster, chromium, "/", "windows")?;
    ensure!(
        overview.contains("RUNNING") || overview.contains("Running") || overview.contains("running"),
        "{overview}"
    );
    let shown = dom(cluster, chromium, &format!("/#/jobs/{}", job.id), "<svg")?;
    ensure!(
        shown.contains("persistence") && shown.contains("<circle"),
        "no diagram in: {shown}"
    );
    screenshot(cluster, chromium, &format!("/#/jobs/{}", job.id))
}

fn browser(cluster: &Cluster, chromium: &str) -> Command {
    let mut command = Command::new(chromium);
    let profile = cluster.dir().join("chromium");
    command
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--window-size=1400,1000",
        ])
        .args(["--virtual-time-budget=5000", "--timeout=20000"])
        .arg(format!("--user-data-dir={}", profile.display()))
        .stdin(Stdio::null())
        .stderr(Stdio::null());
    command
}

/// The document after the page's scripts have run, once it contains `expected`.
fn dom(cluster: &Cluster, chromium: &str, path: &str, expected: &str) -> Result<String> {
    wait_for(&format!("{expected} on the page {path}"), WITHIN, || {
        let output = browser(cluster, chromium)
            .arg("--dump-dom")
            .arg(cluster.rest.url(path))
            .output()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        Ok(text.contains(expected).then_some(text))
    })
}

fn screenshot(cluster: &Cluster, chromium: &str, path: &str) -> Result<()> {
    let file = cluster.dir().join("page.png");
    let output = browser(cluster, chromium)
        .arg(format!("--screenshot={}", file.display()))
        .arg(cluster.rest.url(path))
        .output()?;
    ensure!(output.status.success(), "chromium: {}", output.status);
    let bytes = std::fs::read(&file).context("no screenshot was written")?;
    // An empty page of this size compresses to a few kilobytes.
    ensure!(
        bytes.starts_with(b"\x89PNG") && bytes.len() > 20_000,
        "the screenshot has {} bytes",
        bytes.len()
    );
    keep(&file)
}

/// Leaves the picture where `BETTIFLOW_SCREENSHOTS` says, for those who want to look at it.
fn keep(file: &Path) -> Result<()> {
    if let Some(dir) = std::env::var_os("BETTIFLOW_SCREENSHOTS") {
        std::fs::copy(file, Path::new(&dir).join("job.png"))?;
    }
    Ok(())
}
