//! The `jobmanager` process.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Parser;
use config::{Config, options};
use jobmanager::leader::Leader;
use operators::REGISTRY;
use tokio::signal::unix::{SignalKind, signal};
use tracing::{info, warn};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The file that `--config-dir` looks for.
const FILE: &str = "flink-conf.yaml";

/// Plans jobs, drives their checkpoints, and serves REST and the web page.
#[derive(Debug, Parser)]
#[command(name = "jobmanager", version)]
struct Arguments {
    /// Configuration file.
    #[arg(long, value_name = "FILE", conflicts_with = "config_dir")]
    config: Option<PathBuf>,
    /// Folder with flink-conf.yaml.
    #[arg(long, value_name = "DIR")]
    config_dir: Option<PathBuf>,
    /// Overrides an option of the file.
    #[arg(short = 'D', value_name = "KEY=VALUE")]
    overrides: Vec<String>,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let config = load(&arguments)?;
    start_log(&config)?;
    for warning in config.warnings() {
        warn!("{warning}");
    }
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(run(config))
}

fn load(arguments: &Arguments) -> anyhow::Result<Config> {
    let in_folder = arguments.config_dir.as_ref().map(|folder| folder.join(FILE));
    let mut config = match arguments.config.as_ref().or(in_folder.as_ref()) {
        Some(path) => Config::load(path)?,
        None => Config::default(),
    };
    for text in &arguments.overrides {
        config.apply_override(text)?;
    }
    Ok(config)
}

fn start_log(config: &Config) -> anyhow::Result<()> {
    let level = config.get(options::LOG_LEVEL);
    let filter = tracing_subscriber::EnvFilter::try_new(&level).with_context(|| format!("log.level {level:?}"))?;
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .with_writer(std::io::stderr);
    match config.get(options::LOG_FORMAT).as_str() {
        "json" => log.json().init(),
        _ => log.init(),
    }
    Ok(())
}

async fn run(config: Config) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut leader = Leader::start(config, &REGISTRY).await?;
    println!("web page and REST: http://{}", leader.rest_address);
    println!("TaskManagers and submit-job: {}", leader.rpc_address);
    info!(rest = %leader.rest_address, rpc = %leader.rpc_address, term = %leader.term, "JobManager started");
    tokio::select! {
        error = leader.failed() => return Err(error),
        _ = terminate.recv() => info!("terminated; jobs are suspended"),
        _ = tokio::signal::ctrl_c() => info!("interrupted; jobs are suspended"),
    }
    leader.stop().await;
    Ok(())
}
