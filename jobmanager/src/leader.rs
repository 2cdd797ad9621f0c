//! A JobManager that leads: it wins a term, takes over the jobs of those before it, and serves TaskManagers, clients and
//! people until it is told to stop or another one wins.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use checkpoint::lease::{Lease, Standing, must_step_down};
use checkpoint::{Cluster, Nonces, Store, StoreOptions};
use config::{Config, options};
use proto::client_server::ClientServer;
use proto::job_manager_server::JobManagerServer;
use streaming::operator::Registry;
use streaming::{Term, Timestamp};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_stream::wrappers::TcpListenerStream;

use crate::clock::now_ms;
use crate::dispatch::Dispatcher;
use crate::schedule::attached::TaskManagers;
use crate::service::client::Clients;
use crate::service::taskmanager::Attachments;
use crate::web::rest::{self, Rest};

/// The longest gRPC message: acknowledgements list state, submissions hold jobs.
const MESSAGE_BYTES: usize = 64 << 20;
/// How long a stop waits for jobs.
const PATIENCE: Duration = Duration::from_secs(5);

/// A JobManager at work.
#[derive(Debug)]
pub struct Leader {
    pub term: Term,
    pub rpc_address: SocketAddr,
    pub rest_address: SocketAddr,
    pub dispatcher: Dispatcher,
    servers: JoinSet<anyhow::Result<()>>,
    stop: watch::Sender<bool>,
}

impl Leader {
    /// Binds, wins the next term, takes over all jobs, and serves. TaskManagers and clients are heard once all jobs are
    /// known, so that nobody is told that a job does not exist which does.
    pub async fn start(config: Config, registry: &'static dyn Registry) -> anyhow::Result<Self> {
        let rpc = listen(
            &config.get(options::JOBMANAGER_BIND_HOST),
            config.get(options::JOBMANAGER_RPC_PORT),
        )
        .await?;
        let rest = listen(&config.get(options::REST_BIND_ADDRESS), config.get(options::REST_PORT)).await?;
        let (rpc_address, rest_address) = (rpc.local_addr()?, rest.local_addr()?);
        warn_if_open(&config, rpc_address, rest_address);
        checkpoint::install_crypto_provider();
        let directory = config.get(options::CHECKPOINT_DIRECTORY);
        let store = Store::open(&directory, &store_options(&config))?;
        let cluster_id = config.get(options::CLUSTER_ID);
        let cluster = Cluster::new(&cluster_id);
        let mut nonces = Nonces::random();
        let (rpc_shown, rest_shown) = (rpc_address.to_string(), format!("http://{rest_address}"));
        let since = Timestamp::from_millis(now_ms());
        let lease = Lease::take_now(&store, &cluster, &mut nonces, &rpc_shown, &rest_shown, since).await;
        let lease = lease.with_context(|| format!("cannot lead cluster {cluster_id} in {directory}"))?;
        let term = lease.term();
        tracing::info!(%term, cluster = cluster_id, directory, "leading");
        let taskmanagers = TaskManagers::default();
        let dispatcher = Dispatcher::new(registry, config.clone(), store, cluster, term, taskmanagers.clone());
        dispatcher
            .recover()
            .await
            .context("cannot take over the jobs of this cluster")?;
        let (stop, stopped) = watch::channel(false);
        let mut servers = JoinSet::new();
        let attachments = Attachments {
            term,
            cluster_id,
            taskmanagers,
            probe_every: config.get(options::HEARTBEAT_INTERVAL),
            lost_after: config.get(options::HEARTBEAT_TIMEOUT),
        };
        servers.spawn(serve_rpc(rpc, attachments, dispatcher.clone(), stopped.clone()));
        servers.spawn(serve_rest(
            rest,
            rest_state(&config, dispatcher.clone()),
            stopped.clone(),
        ));
        servers.spawn(keep_lease(lease, config.get(options::LEASE_TIMEOUT), stopped));
        Ok(Self {
            term,
            rpc_address,
            rest_address,
            dispatcher,
            servers,
            stop,
        })
    }

    /// Ends when a server fails or another JobManager leads: with an error that says why.
    pub async fn failed(&mut self) -> anyhow::Error {
        match self.servers.join_next().await {
            Some(Ok(Err(error))) => error,
            Some(Err(error)) => error.into(),
            Some(Ok(Ok(()))) | None => anyhow::anyhow!("a server ended without being told to"),
        }
    }

    /// Suspends all jobs, for whoever leads next, and resigns.
    pub async fn stop(mut self) {
        self.dispatcher.suspend(PATIENCE).await;
        self.dispatcher.taskmanagers().cut_all();
        // The servers may have ended already.
        let _ = self.stop.send(true);
        let all = async { while self.servers.join_next().await.is_some() {} };
        if tokio::time::timeout(Duration::from_secs(2), all).await.is_err() {
            // Somebody keeps a connection open and says nothing.
            self.servers.abort_all();
        }
    }
}

async fn listen(host: &str, port: u16) -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind((host, port)).await;
    listener.with_context(|| format!("cannot listen on {host}:{port}; is another JobManager running?"))
}

fn warn_if_open(config: &Config, rpc: SocketAddr, rest: SocketAddr) {
    if !rpc.ip().is_loopback() {
        tracing::warn!(address = %rpc, "gRPC listens beyond this machine and asks nobody who they are: jobmanager.bind-host");
    }
    if !rest.ip().is_loopback() && config.get(options::REST_TOKEN).is_none() {
        tracing::warn!(address = %rest, "REST listens beyond this machine without security.rest.token: anybody may cancel jobs");
    }
}

fn store_options(config: &Config) -> StoreOptions {
    StoreOptions {
        s3_endpoint: config.get(options::S3_ENDPOINT),
        s3_region: config.get(options::S3_REGION),
        s3_access_key: config.get(options::S3_ACCESS_KEY),
        s3_secret_key: config.get(options::S3_SECRET_KEY),
        s3_path_style: config.get(options::S3_PATH_STYLE),
        request_timeout: config.get(options::STORE_TIMEOUT),
        connect_timeout: config.get(options::STORE_CONNECT_TIMEOUT),
        ..StoreOptions::default()
    }
}

fn rest_state(config: &Config, dispatcher: Dispatcher) -> Rest {
    let shown = config.shown().into_iter();
    Rest {
        dispatcher,
        configuration: shown.map(|(key, value)| (key.to_owned(), value)).collect(),
        refresh_ms: config.get(options::WEB_REFRESH_INTERVAL).as_millis() as u64,
        may_cancel: config.get(options::WEB_CANCEL),
        token: config.get(options::REST_TOKEN),
        triggers: Default::default(),
    }
}

async fn until_stopped(mut stopped: watch::Receiver<bool>) {
    // An error says that the leader is gone altogether.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

async fn serve_rpc(
    listener: TcpListener,
    attachments: Attachments,
    dispatcher: Dispatcher,
    stopped: watch::Receiver<bool>,
) -> anyhow::Result<()> {
    let jobmanager = JobManagerServer::new(attachments).max_decoding_message_size(MESSAGE_BYTES);
    let clients = ClientServer::new(Clients { dispatcher }).max_decoding_message_size(MESSAGE_BYTES);
    let server = tonic::transport::Server::builder()
        .tcp_nodelay(true)
        .http2_keepalive_interval(Some(Duration::from_secs(10)))
        .add_service(jobmanager)
        .add_service(clients);
    let incoming = TcpListenerStream::new(listener);
    server
        .serve_with_incoming_shutdown(incoming, until_stopped(stopped))
        .await
        .context("gRPC")
}

async fn serve_rest(listener: TcpListener, rest: Rest, stopped: watch::Receiver<bool>) -> anyhow::Result<()> {
    let server = axum::serve(listener, rest::router(rest));
    server
        .with_graceful_shutdown(until_stopped(stopped))
        .await
        .context("REST")
}

/// Shows that we are alive, several times per `timeout`. Ends with an error when we lead no more, or cannot tell.
async fn keep_lease(mut lease: Lease, timeout: Duration, stopped: watch::Receiver<bool>) -> anyhow::Result<()> {
    let mut refreshed = Instant::now();
    let mut tick = tokio::time::interval(timeout / 6);
    let stopped = until_stopped(stopped);
    tokio::pin!(stopped);
    loop {
        tokio::select! {
            () = &mut stopped => return lease.resign().await.context("cannot resign"),
            _ = tick.tick() => {}
        }
        match lease.refresh().await {
            Ok(Standing::Leads) => refreshed = Instant::now(),
            Ok(Standing::Superseded { by }) => {
                anyhow::bail!("term {} is over: another JobManager leads term {by}", lease.term());
            }
            Err(error) if must_step_down(timeout, refreshed, Instant::now()) => {
                // Alone in the cluster, stepping down would help nobody: logs decide who may commit, not the beat.
                tracing::warn!(%error, "leadership not refreshed; a standby may take over");
            }
            Err(error) => tracing::warn!(%error, "leadership not refreshed, trying again"),
        }
    }
}
