//! Rows between tasks. Channels of one process hand over batches; channels between processes share one TCP connection per
//! pair of TaskManagers and deployment, so that a connection never carries a stray of another attempt. A sender never
//! sends what it has no credit for, so the reader of a connection never blocks.

pub mod channel;
mod connection;
pub mod credit;
mod frame;
mod keep_alive;
pub mod output;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crossbeam_channel::Sender;
use streaming::operator::Cancel;
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc};
use tracing::{debug, warn};

pub use channel::{Input, Item, Outlet, Refund};
pub use connection::{Peer, connect};
pub use credit::Credit;
pub use keep_alive::KeepAlive;
pub use output::OutputEdge;

/// How long an accepted connection waits for its deployment to arrive here.
const REGISTRATION_TIMEOUT: Duration = Duration::from_secs(10);

/// The inboxes of one deployment's tasks, by channel.
pub struct Inboxes {
    pub channels: HashMap<u32, Inbox>,
    /// Takes the reason when a connection breaks.
    pub failures: mpsc::UnboundedSender<String>,
    /// Whether the deployment was cancelled.
    pub cancel: Cancel,
}

/// Where the frames of one channel go.
#[derive(Clone)]
pub struct Inbox {
    pub sender: Sender<Input>,
    /// Index of the channel among the inputs of its task.
    pub channel: usize,
}

/// The receiving side of the exchange: which deployments take part.
pub struct Exchange {
    pub keep_alive: KeepAlive,
    deployments: Mutex<HashMap<u64, Arc<Inboxes>>>,
    registered: Notify,
}

impl Exchange {
    pub fn new(keep_alive: KeepAlive) -> Self {
        Self {
            keep_alive,
            deployments: Mutex::default(),
            registered: Notify::default(),
        }
    }

    pub fn register(&self, deployment: u64, inboxes: Inboxes) {
        self.lock().insert(deployment, Arc::new(inboxes));
        self.registered.notify_waiters();
    }

    pub fn forget(&self, deployment: u64) {
        self.lock().remove(&deployment);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<u64, Arc<Inboxes>>> {
        // The map is whole between any two statements that hold the lock.
        self.deployments.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_registered(&self, deployment: u64) -> bool {
        self.lock().contains_key(&deployment)
    }

    async fn wait_for(&self, deployment: u64) -> Option<Arc<Inboxes>> {
        let found = async {
            loop {
                let registered = self.registered.notified();
                if let Some(inboxes) = self.lock().get(&deployment).cloned() {
                    return inboxes;
                }
                registered.await;
            }
        };
        tokio::time::timeout(REGISTRATION_TIMEOUT, found).await.ok()
    }

    /// Accepts connections until the process ends.
    pub async fn serve(self: Arc<Self>, listener: TcpListener) {
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => {
                    let exchange = Arc::clone(&self);
                    tokio::spawn(async move {
                        if let Err(reason) = connection::receive(&exchange, stream).await {
                            debug!(%peer, reason, "exchange connection refused");
                        }
                    });
                }
                Err(error) => {
                    warn!(%error, "cannot accept an exchange connection");
                    // Out of file descriptors, usually: give others time to close some.
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }
}
