//! The `local-services` binary: both services on one data directory until it is told to stop.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use local_services::{kafka, s3};

const NOTICE: &str = "for quick start, development and tests only: one node, no replication, no authentication, \
no encryption, no fsync; use Apache Kafka and a real object store for anything you would miss";

/// A one-node Kafka-protocol broker and a one-node S3 API for quick start, development and tests ONLY.
///
/// There is one node and no replication, no authentication (any S3 access key is accepted, signatures are not checked),
/// no encryption, and what was acknowledged survives a kill of the process but not a loss of power. Use Apache Kafka and
/// a real object store for anything you would miss.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Where everything is kept; created if it is not there
    #[arg(long)]
    data_dir: PathBuf,
    /// Address to listen on; there is no authentication, so think before leaving the loopback interface
    #[arg(long, default_value = "127.0.0.1")]
    host: String,
    /// Port of the Kafka protocol; 0 for any free one
    #[arg(long, default_value_t = 9092)]
    kafka_port: u16,
    /// Port of the S3 API; 0 for any free one
    #[arg(long, default_value_t = 9000)]
    s3_port: u16,
    /// Bucket that is there from the start; may be given several times
    #[arg(long, default_value = "bettiflow")]
    bucket: Vec<String>,
    /// Partitions of topics that come into being without being asked how many
    #[arg(long, default_value_t = 1)]
    default_partitions: i32,
    /// Do not create topics that clients merely mention
    #[arg(long)]
    no_auto_create_topics: bool,
    /// Leave the Kafka-protocol broker out
    #[arg(long)]
    no_kafka: bool,
    /// Leave the S3 API out
    #[arg(long)]
    no_s3: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("local-services: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> anyhow::Result<()> {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .init();
    let arguments = Arguments::parse();
    std::fs::create_dir_all(&arguments.data_dir)
        .with_context(|| format!("cannot create {}", arguments.data_dir.display()))?;
    println!("local-services is {NOTICE}");

    let kafka = if arguments.no_kafka {
        None
    } else {
        Some(serve_kafka(&arguments).await?)
    };
    let s3 = if arguments.no_s3 {
        None
    } else {
        Some(serve_s3(&arguments).await?)
    };
    wait_for_stop().await?;
    if let Some(kafka) = kafka {
        kafka.shutdown().await;
    }
    if let Some(s3) = s3 {
        s3.shutdown().await;
    }
    println!("local-services stopped");
    Ok(())
}

async fn serve_kafka(arguments: &Arguments) -> anyhow::Result<kafka::Server> {
    let options = kafka::Options {
        host: arguments.host.clone(),
        port: arguments.kafka_port,
        auto_create_topics: !arguments.no_auto_create_topics,
        default_partitions: arguments.default_partitions,
        ..kafka::Options::new(arguments.data_dir.join("kafka"))
    };
    let server = kafka::serve(options).await?;
    announce(&arguments.data_dir, "kafka", &server.address().to_string())?;
    println!("kafka listening on {}", server.address());
    Ok(server)
}

async fn serve_s3(arguments: &Arguments) -> anyhow::Result<s3::Server> {
    let options = s3::Options {
        host: arguments.host.clone(),
        port: arguments.s3_port,
        buckets: arguments.bucket.clone(),
        ..s3::Options::new(arguments.data_dir.join("s3"))
    };
    let server = s3::serve(options).await?;
    announce(&arguments.data_dir, "s3", &server.url())?;
    println!("s3 listening on {}", server.url());
    Ok(server)
}

/// Writes the address where scripts wait for it; renamed into place, so that it is never read half written.
fn announce(dir: &Path, service: &str, address: &str) -> anyhow::Result<()> {
    let path = dir.join(format!("{service}.address"));
    let next = dir.join(format!("{service}.address.next"));
    std::fs::write(&next, address)
        .and_then(|()| std::fs::rename(&next, &path))
        .with_context(|| format!("cannot write {}", path.display()))
}

/// SIGTERM or Ctrl-C.
async fn wait_for_stop() -> anyhow::Result<()> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        _ = terminate.recv() => {}
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    Ok(())
}
