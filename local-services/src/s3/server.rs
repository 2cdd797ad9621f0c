//! The service's socket.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::error::{Error, StartError};
use super::requests;
use super::store::Store;

/// Requests served at a time; more wait, for so long.
const MAX_REQUESTS: usize = 256;
const MAX_WAIT: Duration = Duration::from_secs(30);
/// Requests under way at a stop get this long.
const STOP_PATIENCE: Duration = Duration::from_secs(10);

/// How the service behaves.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where everything is kept; created if it is not there.
    pub data_dir: PathBuf,
    pub host: String,
    /// 0: any free port.
    pub port: u16,
    /// Buckets that are there from the start.
    pub buckets: Vec<String>,
}

impl Options {
    /// Defaults for a service in `data_dir` on any free port of the loopback interface.
    pub fn new(data_dir: impl Into<PathBuf>) -> Options {
        Options {
            data_dir: data_dir.into(),
            host: "127.0.0.1".into(),
            port: 0,
            buckets: vec!["bettiflow".into()],
        }
    }
}

/// A service that is listening. Dropping it stops it as a kill would.
pub struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Server {
    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What clients take as endpoint.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Stops listening and lets requests under way end.
    pub async fn shutdown(mut self) {
        drop(self.stop.take());
        // Idle keep-alive connections close at once; a slow request is cut off by the abort on drop.
        let _ = timeout(STOP_PATIENCE, &mut self.task).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Service {
    store: Arc<Store>,
    permits: Semaphore,
}

/// Opens the data directory and listens; returns when clients can connect.
pub async fn serve(options: Options) -> Result<Server, StartError> {
    let asked = format!("{}:{}", options.host, options.port);
    let failed = |source| StartError::Listen {
        address: asked.clone(),
        source,
    };
    let listener = TcpListener::bind(&asked).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let store = Store::open(&options.data_dir)?;
    for bucket in &options.buckets {
        match store.create_bucket(bucket) {
            Ok(()) | Err(Error::BucketAlreadyOwnedByYou) => {}
            Err(source) => {
                return Err(StartError::Bucket {
                    bucket: bucket.clone(),
                    source,
                });
            }
        }
    }
    let service = Arc::new(Service {
        store: Arc::new(store),
        permits: Semaphore::new(MAX_REQUESTS),
    });
    let router = Router::new().fallback(answer).with_state(service);
    let (stop, stopped) = oneshot::channel::<()>();
    let task = tokio::spawn(async move {
        let until = async move {
            // Dropping the sender is the signal.
            let _ = stopped.await;
        };
        if let Err(error) = axum::serve(listener, router).with_graceful_shutdown(until).await {
            tracing::error!(%error, "the S3 service ended");
        }
    });
    Ok(Server {
        address,
        stop: Some(stop),
        task,
    })
}

async fn answer(State(service): State<Arc<Service>>, request: Request) -> Response {
    let Ok(Ok(_permit)) = timeout(MAX_WAIT, service.permits.acquire()).await else {
        return Error::SlowDown.into_response();
    };
    requests::answer(&service.store, request)
        .await
        .unwrap_or_else(IntoResponse::into_response)
}
