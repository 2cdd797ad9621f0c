//! Kafka and S3 for a test: real ones where the environment names them, else `local-services`.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use crate::process::{Process, binary};
use crate::wait::wait_for;

/// Bucket of the tests; a service named by `BETTIFLOW_TEST_S3` must hold it.
pub const BUCKET: &str = "bettiflow-tests";
const START: Duration = Duration::from_secs(20);

/// Where both services are.
pub struct Services {
    pub bootstrap: String,
    pub s3_endpoint: String,
    local: Option<Process>,
}

impl Services {
    pub fn start(dir: &Path) -> Result<Self> {
        let kafka = variable("KAFKA_BOOTSTRAP");
        let s3 = variable("BETTIFLOW_TEST_S3");
        if let (Some(bootstrap), Some(s3_endpoint)) = (&kafka, &s3) {
            return Ok(Self {
                bootstrap: bootstrap.clone(),
                s3_endpoint: s3_endpoint.clone(),
                local: None,
            });
        }
        let data = dir.join("services");
        let mut command = binary("local-services")?;
        command
            .arg("--data-dir")
            .arg(&data)
            .args(["--kafka-port", "0", "--s3-port", "0", "--bucket", BUCKET]);
        if kafka.is_some() {
            command.arg("--no-kafka");
        }
        if s3.is_some() {
            command.arg("--no-s3");
        }
        let mut local = Process::start("local-services", dir, &mut command)?;
        let mut address = |name: &str| {
            let file = data.join(format!("{name}.address"));
            wait_for(&format!("the address of {name}"), START, || {
                local.check_alive()?;
                Ok(std::fs::read_to_string(&file).ok())
            })
        };
        Ok(Self {
            bootstrap: kafka.map_or_else(|| address("kafka"), Ok)?,
            s3_endpoint: s3.map_or_else(|| address("s3"), Ok)?,
            local: Some(local),
        })
    }

    /// The process that stands in, where one does.
    pub fn local(&self) -> Option<&Process> {
        self.local.as_ref()
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
