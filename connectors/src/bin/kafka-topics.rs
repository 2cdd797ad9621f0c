//! `kafka-topics`: creates and lists topics, for scripts on machines without Kafka's own tools.

use std::time::Duration;

use anyhow::{Context, bail};
use clap::{Parser, Subcommand};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::types::RDKafkaErrorCode;

/// Creates and lists Kafka topics.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// HOST:PORT of the brokers, separated by commas
    #[arg(long, default_value = "localhost:9092", env = "KAFKA_BOOTSTRAP")]
    bootstrap: String,
    /// Seconds to wait for the brokers
    #[arg(long, default_value_t = 30)]
    timeout: u64,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Creates topics; those that are there already are left as they are
    Create {
        /// NAME or NAME:PARTITIONS
        #[arg(required = true)]
        topics: Vec<String>,
        /// Copies of each partition; the brokers' default where not given
        #[arg(long)]
        replication: Option<i32>,
    },
    /// Lists topics and their partitions
    List,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let timeout = Duration::from_secs(arguments.timeout);
    let admin: AdminClient<DefaultClientContext> = ClientConfig::new()
        .set("bootstrap.servers", &arguments.bootstrap)
        .create()
        .context("cannot set up a Kafka client")?;
    let topics = admin
        .inner()
        .fetch_metadata(None, timeout)
        .with_context(|| format!("no broker answers at {}", arguments.bootstrap))?;
    match arguments.command {
        Command::List => {
            for topic in topics.topics() {
                println!("{}:{}", topic.name(), topic.partitions().len());
            }
            Ok(())
        }
        Command::Create { topics, replication } => create(&admin, &topics, replication.unwrap_or(-1), timeout).await,
    }
}

async fn create(
    admin: &AdminClient<DefaultClientContext>,
    topics: &[String],
    replication: i32,
    timeout: Duration,
) -> anyhow::Result<()> {
    let wanted = topics
        .iter()
        .map(|text| name_and_partitions(text))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let new: Vec<_> = wanted
        .iter()
        .map(|(name, partitions)| NewTopic::new(name, *partitions, TopicReplication::Fixed(replication)))
        .collect();
    let options = AdminOptions::new()
        .operation_timeout(Some(timeout))
        .request_timeout(Some(timeout));
    let mut failed = 0;
    for outcome in admin
        .create_topics(&new, &options)
        .await
        .context("the brokers did not take the request")?
    {
        match outcome {
            Ok(name) => println!("created {name}"),
            Err((name, RDKafkaErrorCode::TopicAlreadyExists)) => println!("{name} is there already"),
            Err((name, code)) => {
                eprintln!("{name} was not created: {code}");
                failed += 1;
            }
        }
    }
    if failed > 0 {
        bail!("{failed} of {} topics were not created", new.len());
    }
    Ok(())
}

/// `NAME` or `NAME:PARTITIONS`; one partition where no number is given.
fn name_and_partitions(text: &str) -> anyhow::Result<(&str, i32)> {
    let Some((name, partitions)) = text.split_once(':') else {
        return Ok((text, 1));
    };
    match partitions.parse() {
        Ok(partitions) if partitions > 0 => Ok((name, partitions)),
        _ => bail!("{text:?} is not NAME:PARTITIONS with 1 or more partitions"),
    }
}

#[cfg(test)]
mod tests {
    use super::name_and_partitions;

    #[test]
    fn a_topic_has_one_partition_unless_told_otherwise() {
        assert_eq!(name_and_partitions("points").unwrap(), ("points", 1));
        assert_eq!(name_and_partitions("points:4").unwrap(), ("points", 4));
        for wrong in ["points:0", "points:", "points:-1", "points:many"] {
            assert!(name_and_partitions(wrong).is_err(), "{wrong}");
        }
    }
}
