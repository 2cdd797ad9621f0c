//! `kafka-diagrams`: reads window results from Kafka and draws their persistence diagrams in the terminal.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use clap::Parser;
use rdkafka::ClientConfig;
use rdkafka::Message;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use serde_json::Value;

/// Draws the newest window results of a topic as barcodes.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// HOST:PORT of the brokers, separated by commas
    #[arg(long, default_value = "localhost:9092", env = "KAFKA_BOOTSTRAP")]
    bootstrap: String,
    #[arg(long, default_value = "tda_stream_output")]
    topic: String,
    /// Also what was written before now
    #[arg(long)]
    from_beginning: bool,
    /// Ends after so many windows; goes on until interrupted where not given
    #[arg(long)]
    count: Option<usize>,
    /// Fails when no window has come for so many seconds
    #[arg(long, default_value_t = 120)]
    timeout: u64,
    /// Windows of fewer points are passed over
    #[arg(long, default_value_t = 0)]
    min_points: u64,
    /// Bars drawn for each dimension
    #[arg(long, default_value_t = 3)]
    bars: usize,
}

const BROKER_TIMEOUT: Duration = Duration::from_secs(30);
/// Columns of a bar.
const WIDTH: usize = 44;

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let consumer = open(&arguments)?;
    let patience = Duration::from_secs(arguments.timeout);
    let mut drawn = 0;
    let mut deadline = Instant::now() + patience;
    while arguments.count.is_none_or(|count| drawn < count) {
        let Some(message) = consumer.poll(Duration::from_millis(200)) else {
            if Instant::now() > deadline {
                bail!("no window came to {} within {} s", arguments.topic, arguments.timeout);
            }
            continue;
        };
        let message = message.context("reading failed")?;
        let document = serde_json::from_slice(message.payload().unwrap_or_default());
        // A topic may hold other documents too.
        if let Some(result) = document.ok().as_ref().and_then(WindowResult::read)
            && result.points >= arguments.min_points
        {
            println!("{}", result.draw(arguments.bars));
            drawn += 1;
            deadline = Instant::now() + patience;
        }
    }
    Ok(())
}

/// All partitions of the topic, without a group: several readers see the same.
fn open(arguments: &Arguments) -> anyhow::Result<BaseConsumer> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", &arguments.bootstrap)
        .set("group.id", "kafka-diagrams")
        .set("enable.auto.commit", "false")
        .set("isolation.level", "read_committed")
        .create()
        .context("cannot set up a Kafka client")?;
    let metadata = consumer
        .fetch_metadata(Some(&arguments.topic), BROKER_TIMEOUT)
        .with_context(|| format!("no broker answers at {}", arguments.bootstrap))?;
    let topic = metadata.topics().first().context("the broker knows no such topic")?;
    if topic.partitions().is_empty() {
        bail!("there is no topic {}", arguments.topic);
    }
    let start = if arguments.from_beginning {
        Offset::Beginning
    } else {
        Offset::End
    };
    let mut partitions = TopicPartitionList::new();
    for partition in topic.partitions() {
        partitions.add_partition_offset(topic.name(), partition.id(), start)?;
    }
    consumer.assign(&partitions)?;
    Ok(consumer)
}

/// What is drawn of a window result (`tda_window_result_v1`).
struct WindowResult {
    key: String,
    start: String,
    end: String,
    points: u64,
    pairs: Vec<Pair>,
}

struct Pair {
    dimension: u64,
    birth: f64,
    death: f64,
}

impl WindowResult {
    fn read(document: &Value) -> Option<Self> {
        let window = document.get("window")?;
        let text = |name: &str| match window.get(name) {
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => String::new(),
        };
        let pairs = document.pointer("/tda_results/persistence_pairs")?.as_array()?;
        Some(Self {
            key: text("key"),
            start: text("start"),
            end: text("end"),
            points: window.get("count")?.as_u64()?,
            pairs: pairs.iter().map(Pair::read).collect::<Option<_>>()?,
        })
    }

    /// A headline, and for each dimension the longest bars on a common scale.
    fn draw(&self, bars: usize) -> String {
        let mut text = format!(
            "{}  {} .. {}  {} points\n",
            self.key,
            time(&self.start),
            time(&self.end),
            self.points
        );
        let finite = self
            .pairs
            .iter()
            .map(|pair| pair.death)
            .filter(|death| death.is_finite());
        let end = finite.fold(f64::MIN_POSITIVE, f64::max);
        for dimension in 0..=self.pairs.iter().map(|pair| pair.dimension).max().unwrap_or(0) {
            let mut pairs: Vec<_> = self.pairs.iter().filter(|pair| pair.dimension == dimension).collect();
            pairs.sort_by(|a, b| b.persistence().total_cmp(&a.persistence()));
            let _ = writeln!(text, "  H{dimension}  {} {}", pairs.len(), noun(dimension, pairs.len()));
            for pair in pairs.iter().take(bars) {
                let _ = writeln!(text, "      {}  {}", pair.bar(end), pair.interval());
            }
        }
        text
    }
}

impl Pair {
    fn read(pair: &Value) -> Option<Self> {
        let death = match pair.get("death")? {
            Value::Number(death) => death.as_f64()?,
            _ => f64::INFINITY,
        };
        Some(Self {
            dimension: pair.get("dimension")?.as_u64()?,
            birth: pair.get("birth")?.as_f64()?,
            death,
        })
    }

    fn persistence(&self) -> f64 {
        self.death - self.birth
    }

    /// From birth to death on a scale from 0 to `end`; an arrow where the class never dies.
    fn bar(&self, end: f64) -> String {
        let column = |value: f64| ((value / end).clamp(0.0, 1.0) * WIDTH as f64).round() as usize;
        let from = column(self.birth).min(WIDTH - 1);
        let to = column(self.death).clamp(from + 1, WIDTH);
        let tip = if self.death.is_finite() { ' ' } else { '>' };
        let bar = "#".repeat(to - from);
        format!("{}{bar}{}{tip}", " ".repeat(from), " ".repeat(WIDTH - to))
    }

    fn interval(&self) -> String {
        if self.death.is_finite() {
            format!("{:.3} .. {:.3}", self.birth, self.death)
        } else {
            format!("{:.3} .. for ever", self.birth)
        }
    }
}

fn noun(dimension: u64, count: usize) -> &'static str {
    match (dimension, count) {
        (0, 1) => "component",
        (0, _) => "components",
        (1, 1) => "loop",
        (1, _) => "loops",
        (2, 1) => "void",
        (2, _) => "voids",
        _ => "classes",
    }
}

/// The time of day of an RFC 3339 time; other texts as they are.
fn time(text: &str) -> &str {
    text.split_once('T')
        .map_or(text, |(_, time)| time.trim_end_matches('Z'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_drawn_with_its_longest_bars_first() {
        let document = serde_json::json!({
            "window": {"key": "k", "start": "2024-01-01T00:00:00Z", "end": "2024-01-01T00:00:10Z", "count": 3},
            "tda_results": {"persistence_pairs": [
                {"dimension": 0, "birth": 0.0, "death": 0.25},
                {"dimension": 0, "birth": 0.0, "death": "inf"},
                {"dimension": 1, "birth": 0.5, "death": 1.0},
            ]},
        });
        let text = WindowResult::read(&document).unwrap().draw(2);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[0], "k  00:00:00 .. 00:00:10  3 points");
        assert_eq!(lines[1], "  H0  2 components");
        assert!(lines[2].contains("> ") && lines[2].ends_with("for ever"));
        assert_eq!(lines[3].matches('#').count(), WIDTH / 4);
        assert_eq!(lines[4], "  H1  1 loop");
        assert_eq!(lines[5].matches('#').count(), WIDTH / 2);
        assert!(WindowResult::read(&serde_json::json!({"reason": "late"})).is_none());
    }
}
