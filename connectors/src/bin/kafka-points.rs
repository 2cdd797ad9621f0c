//! `kafka-points`: writes a stream of points to Kafka in real time, to have something to look at.

use std::f64::consts::TAU;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, bail};
use clap::Parser;
use rdkafka::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

/// Writes points of noisy circles to Kafka, one sensor a key, each with the time at which it was made.
///
/// The circles of the sensors differ in radius, and their noise comes and goes: at times the loop is plain to see in the
/// persistence diagram, at times it drowns.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// HOST:PORT of the brokers, separated by commas
    #[arg(long, default_value = "localhost:9092", env = "KAFKA_BOOTSTRAP")]
    bootstrap: String,
    #[arg(long, default_value = "tda_stream_input")]
    topic: String,
    /// Points per second over all keys
    #[arg(long, default_value_t = 100.0)]
    rate: f64,
    /// How long to go on; until interrupted where not given
    #[arg(long)]
    seconds: Option<f64>,
    /// Number of keys: sensor-0, sensor-1, ...
    #[arg(long, default_value_t = 4)]
    keys: u32,
    /// The same seed gives the same points (their timestamps are the clock's)
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Seconds in which the noise of a sensor comes and goes; each further sensor takes a little longer.
const NOISE_PERIOD_S: f64 = 40.0;
const TICK: Duration = Duration::from_millis(20);
const BROKER_TIMEOUT: Duration = Duration::from_secs(30);

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    if !(arguments.rate > 0.0 && arguments.rate.is_finite()) {
        bail!("--rate is {}; it must be a number above 0", arguments.rate);
    }
    if arguments.keys == 0 {
        bail!("--keys is 0; it must be 1 or more");
    }
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", &arguments.bootstrap)
        .set("linger.ms", "10")
        .set("message.timeout.ms", "30000")
        .create()
        .context("cannot set up a Kafka client")?;
    let metadata = producer
        .client()
        .fetch_metadata(Some(&arguments.topic), BROKER_TIMEOUT)
        .with_context(|| format!("no broker answers at {}", arguments.bootstrap))?;
    let partitions = metadata
        .topics()
        .first()
        .map_or(0, |topic| topic.partitions().len() as u32);
    if partitions == 0 {
        bail!("there is no topic {}", arguments.topic);
    }
    let written = write(&producer, &arguments, partitions)?;
    producer
        .flush(BROKER_TIMEOUT)
        .context("the brokers did not acknowledge the last points")?;
    println!("{written} points written to {}", arguments.topic);
    Ok(())
}

fn write(producer: &BaseProducer, arguments: &Arguments, partitions: u32) -> anyhow::Result<u64> {
    let start = Instant::now();
    let mut random = Random(arguments.seed);
    let mut written: u64 = 0;
    loop {
        let elapsed = start.elapsed().as_secs_f64();
        let end = arguments.seconds.unwrap_or(f64::INFINITY);
        let due = (elapsed.min(end) * arguments.rate) as u64;
        while written < due {
            let sensor = (written % u64::from(arguments.keys)) as u32;
            // The shape depends on the number of the point and not on the clock, so that a seed says it all.
            let point = point(sensor, written as f64 / arguments.rate, &mut random);
            // In turn, so that no partition stays empty: an empty one holds event time back until it counts as idle.
            let partition = (sensor % partitions) as i32;
            send(
                producer,
                &arguments.topic,
                partition,
                &format!("sensor-{sensor}"),
                point,
            )?;
            written += 1;
        }
        if elapsed >= end {
            return Ok(written);
        }
        producer.poll(TICK);
    }
}

/// A point of the circle of `sensor`, `at` seconds after the start.
fn point(sensor: u32, at: f64, random: &mut Random) -> [f64; 2] {
    let radius = 0.35 + 0.05 * f64::from(sensor % 4);
    let period = NOISE_PERIOD_S + 7.0 * f64::from(sensor);
    let noise = radius * (0.03 + 0.3 * (0.5 - 0.5 * (TAU * at / period).cos()));
    let angle = TAU * random.uniform();
    let [x, y] = random.gaussian_pair();
    [radius * angle.cos() + noise * x, radius * angle.sin() + noise * y]
}

fn send(producer: &BaseProducer, topic: &str, partition: i32, key: &str, [x, y]: [f64; 2]) -> anyhow::Result<()> {
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .context("the clock stands before 1970")?;
    let message = format!(
        "{{\"key\":\"{key}\",\"timestamp\":{},\"point\":[{x},{y}]}}",
        now.as_millis()
    );
    let deadline = Instant::now() + BROKER_TIMEOUT;
    let mut record = BaseRecord::to(topic).partition(partition).key(key).payload(&message);
    loop {
        match producer.send(record) {
            Ok(()) => return Ok(()),
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) if Instant::now() < deadline => {
                record = back;
                producer.poll(TICK);
            }
            Err((error, _)) => return Err(error).context("a point could not be written"),
        }
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014): enough for pictures, and the same on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// In [0, 1).
    fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Two independent standard normal numbers (Box and Muller).
    fn gaussian_pair(&mut self) -> [f64; 2] {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        let angle = TAU * self.uniform();
        [radius * angle.cos(), radius * angle.sin()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_without_noise_to_speak_of_lie_on_the_circle_of_their_sensor() {
        let mut random = Random(7);
        for sensor in 0..4 {
            let mean = (0..1000)
                .map(|_| point(sensor, 0.0, &mut random))
                .map(|[x, y]| x.hypot(y))
                .sum::<f64>()
                / 1000.0;
            let radius = 0.35 + 0.05 * f64::from(sensor);
            assert!((mean - radius).abs() < 0.01, "sensor {sensor}: {mean}");
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_points() {
        let points = |seed| {
            let mut random = Random(seed);
            [0.0, 1.0, 2.0].map(|at| point(1, at, &mut random))
        };
        assert_eq!(points(1), points(1));
        assert_ne!(points(1), points(2));
    }
}
