//! The table of options, in the order of the documentation.

use std::time::Duration;

use crate::option::{Entry, Opt};
use crate::value::{CheckpointingMode, MemorySize, RestartStrategy, StateBackend};

const NO_LIMIT: f64 = f64::INFINITY;
const LEAST_TIME: f64 = 0.001;
const MIB: f64 = 1_048_576.0;

/// Declares the options of every section, and the table of all of them.
macro_rules! options {
    ($($title:literal { $($name:ident: $type:ty = ($key:literal, $default:literal, $doc:literal) $(.$with:ident($($argument:expr),*))*;)* })*) => {
        $($(
            #[doc = $doc]
            pub const $name: Opt<$type> = Opt::new($key, $default, $doc)$(.$with($($argument),*))*;
        )*)*

        /// Title and options of every section of the documentation.
        pub static SECTIONS: &[(&str, &[&Entry])] = &[$(($title, &[$(&$name.entry,)*]),)*];

        /// Every option.
        pub static OPTIONS: &[&Entry] = &[$($(&$name.entry,)*)*];
    };
}

options! {
    "Cluster" {
        CLUSTER_ID: String = ("cluster.id", "default", "Name of the cluster: its folder in the checkpoint directory. Clusters may share a directory, not a name.").or(&["high-availability.cluster-id"]);
        PARALLELISM: u16 = ("parallelism.default", "1", "Parallelism of operators for which neither the job nor the submission says one.").between(1.0, 4096.0);
        OPERATOR_CHAINING: bool = ("pipeline.operator-chaining.enabled", "true", "Run operators that are joined one to one in the same task.").or(&["pipeline.operator-chaining"]);
        AUTO_WATERMARK_INTERVAL: Duration = ("pipeline.auto-watermark-interval", "20 ms", "How often a source says how far event time has come.").between(LEAST_TIME, NO_LIMIT);
        IO_TMP_DIRS: Vec<String> = ("io.tmp.dirs", "", "Directories for working state and other temporary files; the system's temporary directory where unset.");
    }

    "JobManager" {
        JOBMANAGER_RPC_ADDRESS: String = ("jobmanager.rpc.address", "localhost", "Host under which TaskManagers and clients reach the JobManager.");
        JOBMANAGER_RPC_PORT: u16 = ("jobmanager.rpc.port", "6123", "Port of its gRPC service.");
        JOBMANAGER_BIND_HOST: String = ("jobmanager.bind-host", "127.0.0.1", "Address on which the gRPC service listens. Whoever reaches it can run jobs: beyond loopback, close the network to others.");
        JOB_HISTORY: u32 = ("jobstore.max-capacity", "50", "How many ended jobs the JobManager remembers.");
        EXCEPTION_HISTORY: u32 = ("web.exception-history-size", "16", "How many failures of a job are remembered.").between(1.0, 1024.0);
    }

    "TaskManager" {
        TASKMANAGER_HOST: Option<String> = ("taskmanager.host", "", "Host under which the other TaskManagers reach this one; the bind host where unset.");
        TASKMANAGER_BIND_HOST: String = ("taskmanager.bind-host", "127.0.0.1", "Address on which it listens.");
        TASKMANAGER_DATA_PORT: u16 = ("taskmanager.data.port", "0", "Port for records from other TaskManagers; 0 takes a free one.");
        TASKMANAGER_ID: Option<String> = ("taskmanager.resource-id", "", "Name of the TaskManager; host and a random number where unset.");
        TASK_SLOTS: u16 = ("taskmanager.numberOfTaskSlots", "1", "How many slots it offers: how many parallel copies of a whole job it can run.").between(1.0, 4096.0);
        REGISTRATION_TIMEOUT: Duration = ("taskmanager.registration.timeout", "5 min", "How long it looks for a JobManager at start before it exits.").between(LEAST_TIME, NO_LIMIT);
    }

    "Memory and network" {
        PROCESS_MEMORY: MemorySize = ("taskmanager.memory.process.size", "1g", "Memory of a TaskManager, divided into network, state, compute and overhead.").between(64.0 * MIB, NO_LIMIT);
        STATE_FRACTION: f64 = ("taskmanager.memory.managed.fraction", "0.4", "Share of the process memory for state, divided among the slots.").between(0.0, 0.9);
        COMPUTE_FRACTION: f64 = ("taskmanager.memory.compute.fraction", "0.3", "Share of the process memory for persistent homology, divided among the slots.").between(0.0, 0.9);
        COMPUTE_THREADS: u16 = ("taskmanager.compute.threads", "0", "Threads for persistent homology; 0 takes the number of cores.").between(0.0, 4096.0);
        SEGMENT_SIZE: MemorySize = ("taskmanager.memory.segment-size", "64 kb", "Bytes at which a batch of records is sent.").between(1024.0, 16.0 * MIB);
        BUFFER_TIMEOUT: Duration = ("execution.buffer-timeout.interval", "20 ms", "Time after which a batch is sent however small it is.").or(&["execution.buffer-timeout"]);
        BUFFERS_PER_CHANNEL: u16 = ("taskmanager.network.memory.buffers-per-channel", "2", "Batches of credit that every channel owns.").between(1.0, 1024.0);
        CONNECT_TIMEOUT: Duration = ("taskmanager.network.connect-timeout", "10 s", "How long a connection between TaskManagers may take to open.").between(LEAST_TIME, NO_LIMIT);
        KEEP_IDLE_SECONDS: u16 = ("taskmanager.network.netty.client.tcp.keepIdleSec", "5", "Seconds of silence after which a connection between TaskManagers asks whether the other host is still there.").between(1.0, 32767.0);
        KEEP_INTERVAL_SECONDS: u16 = ("taskmanager.network.netty.client.tcp.keepIntervalSec", "1", "Seconds between two such questions.").between(1.0, 32767.0);
        KEEP_COUNT: u16 = ("taskmanager.network.netty.client.tcp.keepCount", "5", "How many of them may stay without an answer before the connection counts as lost.").between(1.0, 127.0);
    }

    "State and checkpoints" {
        STATE_BACKEND: StateBackend = ("state.backend.type", "hashmap", "Where working state lives: in memory, or on local disk (`sled`; `rocksdb` is taken as that).").or(&["state.backend"]);
        STATE_MAX_DELTAS: u32 = ("state.max-deltas", "8", "How many delta segments a checkpoint may stand on before state is written whole.").between(0.0, 1000.0);
        CHECKPOINT_DIRECTORY: String = ("execution.checkpointing.dir", "file://.bettiflow/checkpoints", "Where checkpoints, job logs and leadership are kept: `file:///path` or `s3://bucket/prefix`. All processes of a cluster must see the same.").or(&["state.checkpoints.dir"]);
        NUM_RETAINED: u32 = ("execution.checkpointing.num-retained", "1", "How many completed checkpoints are kept.").or(&["state.checkpoints.num-retained"]).between(1.0, 10000.0);
        CHECKPOINT_INTERVAL: Duration = ("execution.checkpointing.interval", "1 min", "Time from one checkpoint to the next, and so the time after which exactly-once output appears; 0 for none.");
        CHECKPOINT_TIMEOUT: Duration = ("execution.checkpointing.timeout", "10 min", "A checkpoint that takes longer is given up.").between(LEAST_TIME, NO_LIMIT);
        CHECKPOINT_MIN_PAUSE: Duration = ("execution.checkpointing.min-pause", "0 ms", "Least time between the end of a checkpoint and the start of the next.");
        CHECKPOINT_MODE: CheckpointingMode = ("execution.checkpointing.mode", "exactly-once", "Whether barriers are aligned so that state counts every record once.");
        CHECKPOINT_UNALIGNED: bool = ("execution.checkpointing.unaligned.enabled", "false", "Let barriers overtake records, which become part of the checkpoint.").or(&["execution.checkpointing.unaligned"]);
        ALIGNED_TIMEOUT: Duration = ("execution.checkpointing.aligned-checkpoint-timeout", "0 ms", "With unaligned checkpoints: how long a barrier waits for alignment before it overtakes.");
        TOLERABLE_FAILED_CHECKPOINTS: u32 = ("execution.checkpointing.tolerable-failed-checkpoints", "10", "How many checkpoints in a row may fail before the job does.");
    }

    "Failures" {
        HEARTBEAT_INTERVAL: Duration = ("heartbeat.interval", "200 ms", "Time between two signs of life.").between(LEAST_TIME, NO_LIMIT);
        HEARTBEAT_TIMEOUT: Duration = ("heartbeat.timeout", "2 s", "Silence after which a TaskManager or JobManager counts as lost.").between(LEAST_TIME, NO_LIMIT);
        RESTART_STRATEGY: RestartStrategy = ("restart-strategy.type", "exponential-delay", "When a failed job starts again.").or(&["restart-strategy"]);
        FIXED_DELAY: Duration = ("restart-strategy.fixed-delay.delay", "1 s", "`fixed-delay`: time before a restart.");
        FIXED_DELAY_ATTEMPTS: u32 = ("restart-strategy.fixed-delay.attempts", "1", "`fixed-delay`: how many restarts before the job fails for good.");
        FAILURE_RATE_DELAY: Duration = ("restart-strategy.failure-rate.delay", "1 s", "`failure-rate`: time before a restart.");
        FAILURE_RATE_INTERVAL: Duration = ("restart-strategy.failure-rate.failure-rate-interval", "1 min", "`failure-rate`: the time over which failures are counted.").between(LEAST_TIME, NO_LIMIT);
        FAILURE_RATE_FAILURES: u32 = ("restart-strategy.failure-rate.max-failures-per-interval", "1", "`failure-rate`: how many failures within that time are forgiven.");
        INITIAL_BACKOFF: Duration = ("restart-strategy.exponential-delay.initial-backoff", "100 ms", "`exponential-delay`: time before the first restart.").between(LEAST_TIME, NO_LIMIT);
        MAX_BACKOFF: Duration = ("restart-strategy.exponential-delay.max-backoff", "1 min", "`exponential-delay`: the longest time before a restart.").between(LEAST_TIME, NO_LIMIT);
        BACKOFF_MULTIPLIER: f64 = ("restart-strategy.exponential-delay.backoff-multiplier", "1.5", "`exponential-delay`: each time is the one before multiplied by this.").between(1.0, 100.0);
        RESET_BACKOFF_THRESHOLD: Duration = ("restart-strategy.exponential-delay.reset-backoff-threshold", "1 h", "`exponential-delay`: running this long without failure makes the next time the first again.").between(LEAST_TIME, NO_LIMIT);
        JITTER_FACTOR: f64 = ("restart-strategy.exponential-delay.jitter-factor", "0.1", "`exponential-delay`: each time is varied at random by this share.").between(0.0, 1.0);
        BACKOFF_ATTEMPTS: Option<u32> = ("restart-strategy.exponential-delay.attempts-before-reset-backoff", "", "`exponential-delay`: how many restarts before the job fails for good; no limit where unset.");
        LEASE_TIMEOUT: Duration = ("high-availability.lease-timeout", "3 s", "Silence of the leader after which a standby JobManager takes over.").between(0.1, NO_LIMIT);
    }

    "Object store" {
        S3_ENDPOINT: Option<String> = ("s3.endpoint", "", "URL of an S3 service that is not Amazon's.").or(&["fs.s3a.endpoint"]);
        S3_REGION: Option<String> = ("s3.region", "", "Region of the bucket; `us-east-1` where unset.").or(&["s3.endpoint.region"]);
        S3_ACCESS_KEY: Option<String> = ("s3.access-key", "", "Access key; from the environment or the machine's role where unset.").or(&["s3.access.key"]).secret();
        S3_SECRET_KEY: Option<String> = ("s3.secret-key", "", "Secret key.").or(&["s3.secret.key"]).secret();
        S3_PATH_STYLE: bool = ("s3.path-style-access", "false", "Name the bucket in the path instead of in the host, as most services that are not Amazon's want.").or(&["s3.path.style.access"]);
        STORE_TIMEOUT: Duration = ("s3.request-timeout", "30 s", "How long one request to the object store may take.").between(0.01, NO_LIMIT);
        STORE_CONNECT_TIMEOUT: Duration = ("s3.connection.timeout", "5 s", "How long a connection to it may take to open.").between(0.01, NO_LIMIT);
        STORE_RETRIES: u32 = ("s3.max-retries", "5", "How often a request that failed is tried again.").between(0.0, 100.0);
    }

    "Web" {
        REST_PORT: u16 = ("rest.port", "8082", "Port of REST and web UI; 0 takes a free one.");
        REST_BIND_ADDRESS: String = ("rest.bind-address", "127.0.0.1", "Address on which they listen. Beyond loopback, set `security.rest.token` too.");
        WEB_CANCEL: bool = ("web.cancel.enable", "true", "Whether jobs can be cancelled over REST and in the web UI.");
        WEB_REFRESH_INTERVAL: Duration = ("web.refresh-interval", "3 s", "How often the web UI asks again.").between(0.1, NO_LIMIT);
        WEB_CHECKPOINT_HISTORY: u32 = ("web.checkpoints.history", "10", "How many checkpoints of a job are listed.").between(1.0, 10000.0);
    }

    "Security" {
        SSL_INTERNAL: bool = ("security.ssl.internal.enabled", "false", "Mutual TLS between JobManager, TaskManagers and clients: not in this version, so `true` is refused.").unavailable();
        SSL_REST: bool = ("security.ssl.rest.enabled", "false", "TLS on REST and web UI: not in this version, so `true` is refused.").unavailable();
        REST_TOKEN: Option<String> = ("security.rest.token", "", "Bearer token that every REST call but health and static pages must carry.").secret();
    }

    "Metrics and logs" {
        METRICS_INTERVAL: Duration = ("metrics.fetcher.update-interval", "1 s", "How often TaskManagers report to the JobManager.").between(LEAST_TIME, NO_LIMIT);
        LOG_LEVEL: String = ("log.level", "info", "`error`, `warn`, `info`, `debug` or `trace`, also for single modules: `info,checkpoint=debug`.").or(&["rootLogger.level"]);
        LOG_FORMAT: String = ("log.format", "text", "`text`, or `json` with one object a line.");
    }
}
