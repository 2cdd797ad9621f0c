//! How the rest of the JobManager speaks to the driver of a job.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use proto::{CheckpointAcknowledged, CheckpointDeclined, TaskChanged};
use streaming::{Epoch, JobId};
use tokio::sync::{mpsc, oneshot};

use super::view::JobView;

/// Messages that may wait for a driver.
pub(super) const INBOX: usize = 1024;

/// To the driver of a job.
#[derive(Debug)]
pub enum Message {
    Task(TaskChanged),
    Acknowledged(CheckpointAcknowledged),
    Declined(CheckpointDeclined),
    Cancel,
    /// Take a checkpoint now; answers its epoch, or why there is none.
    Checkpoint(oneshot::Sender<Result<Epoch, String>>),
    Suspend,
}

/// A job: its name, what is known of it, and the way to its driver. Clones share.
#[derive(Debug, Clone)]
pub struct JobHandle {
    pub id: JobId,
    pub name: Arc<str>,
    view: Arc<Mutex<JobView>>,
    inbox: mpsc::Sender<Message>,
}

impl JobHandle {
    pub(crate) fn new(view: JobView) -> (Self, mpsc::Receiver<Message>) {
        let (inbox, messages) = mpsc::channel(INBOX);
        let handle = Self {
            id: view.id,
            name: view.name.as_str().into(),
            view: Arc::new(Mutex::new(view)),
            inbox,
        };
        (handle, messages)
    }

    /// Waits while the driver has a thousand messages before it. Nothing happens once the job has ended.
    pub async fn tell(&self, message: Message) {
        // An ended job hears nothing, and needs not.
        let _ = self.inbox.send(message).await;
    }

    /// Takes a checkpoint now.
    pub async fn checkpoint(&self) -> Result<Epoch, String> {
        let (answer, epoch) = oneshot::channel();
        self.tell(Message::Checkpoint(answer)).await;
        epoch
            .await
            .unwrap_or_else(|_| Err(format!("job {} has ended", self.id)))
    }

    /// What is known of the job. Held for moments, never across an await.
    pub fn view(&self) -> MutexGuard<'_, JobView> {
        // A view is for people: one left half-written by a panic is still worth showing.
        self.view.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
