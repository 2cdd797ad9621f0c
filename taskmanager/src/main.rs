//! The `taskmanager` process.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use clap::Parser;
use config::{Config, options};
use taskmanager::deploy::Deployments;
use taskmanager::environment::Environment;
use taskmanager::leader::{self, Introduction};
use tokio::net::TcpListener;
use tracing::{info, warn};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Runs tasks for the JobManager.
#[derive(Debug, Parser)]
#[command(name = "taskmanager", version)]
struct Arguments {
    /// Configuration file.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Overrides an option of the file.
    #[arg(short = 'D', value_name = "KEY=VALUE")]
    overrides: Vec<String>,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let mut config = match &arguments.config {
        Some(path) => Config::load(path)?,
        None => Config::default(),
    };
    for text in &arguments.overrides {
        config.apply_override(text)?;
    }
    let level = config.get(options::LOG_LEVEL);
    let filter = tracing_subscriber::EnvFilter::try_new(&level).with_context(|| format!("log.level {level:?}"))?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .init();
    for warning in config.warnings() {
        warn!("{warning}");
    }
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(run(config))
}

async fn run(config: Config) -> anyhow::Result<()> {
    let bind = config.get(options::TASKMANAGER_BIND_HOST);
    let port = config.get(options::TASKMANAGER_DATA_PORT);
    let listener = TcpListener::bind((bind.as_str(), port))
        .await
        .with_context(|| format!("cannot listen on {bind}:{port}"))?;
    let data_port = listener.local_addr()?.port();
    let host = config.get(options::TASKMANAGER_HOST).unwrap_or_else(|| bind.clone());
    let id = config
        .get(options::TASKMANAGER_ID)
        .unwrap_or_else(|| format!("{host}:{data_port}-{:06x}", random()));
    let environment = Environment::new(&config, id.clone())?;
    tokio::spawn(Arc::clone(&environment.exchange).serve(listener));
    let introduction = Introduction {
        jobmanager: format!(
            "{}:{}",
            config.get(options::JOBMANAGER_RPC_ADDRESS),
            config.get(options::JOBMANAGER_RPC_PORT)
        ),
        host,
        data_port,
        slots: config.get(options::TASK_SLOTS),
        memory_bytes: config.get(options::PROCESS_MEMORY).0,
        heartbeat: config.get(options::METRICS_INTERVAL),
        timeout: config.get(options::HEARTBEAT_TIMEOUT),
    };
    info!(
        id,
        data_port,
        slots = introduction.slots,
        jobmanager = introduction.jobmanager,
        "TaskManager started"
    );
    let deployments = Deployments::new(environment.clone());
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        () = leader::follow(environment.clone(), deployments.clone(), introduction) => {}
        _ = terminate.recv() => info!("terminated"),
        _ = tokio::signal::ctrl_c() => info!("interrupted"),
    }
    deployments.cancel_all();
    environment.clean_up();
    // Tasks may be in the middle of a blocking call; their state is a cache and their output is at least once.
    std::process::exit(0)
}

/// Tells two processes apart that use the same port one after the other.
fn random() -> u32 {
    use std::hash::{BuildHasher as _, Hasher as _};
    let hash = std::collections::hash_map::RandomState::new().build_hasher().finish();
    hash as u32 & 0xff_ffff
}
