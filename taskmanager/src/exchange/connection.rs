//! TCP connections of the exchange: they move bytes and never look into a batch.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use streaming::element::Element;
use streaming::{Error, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader, BufWriter};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::channel::{Input, Item, Refund};
use super::credit::Credit;
use super::frame::{Frame, HEADER_BYTES};
use super::{Exchange, Inboxes, KeepAlive};

const HELLO_TIMEOUT: Duration = Duration::from_secs(5);
const BUFFER_BYTES: usize = 256 << 10;

/// A connection to another TaskManager for one deployment. Dropping it sends what is queued and then closes.
pub struct Peer {
    pub frames: mpsc::UnboundedSender<Vec<u8>>,
    reader: JoinHandle<()>,
    writer: JoinHandle<()>,
}

impl Peer {
    /// Closes without sending what is queued: nobody waits for it, and the other side may not be there to take it.
    pub fn abandon(self) {
        self.writer.abort();
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

/// Connects to the exchange at `address`, within `timeout`. `credits` are those of the channels that will use the connection; `failures` takes
/// the reason if it breaks.
pub async fn connect(
    address: &str,
    deployment: u64,
    timeout: Duration,
    keep_alive: KeepAlive,
    credits: HashMap<u32, Credit>,
    failures: mpsc::UnboundedSender<String>,
) -> Result<Peer> {
    let subject = || format!("exchange of the TaskManager at {address}");
    let stream = tokio::time::timeout(timeout, TcpStream::connect(address))
        .await
        .map_err(|_| Error::external(subject(), format_args!("no connection within {timeout:?}")))?
        .map_err(|error| Error::external(subject(), error))?;
    prepare(&stream, keep_alive).map_err(|error| Error::external(subject(), error))?;
    let (read, write) = stream.into_split();
    let (frames, queue) = mpsc::unbounded_channel();
    // The queue was just made, so its receiver is there.
    let _ = frames.send(Frame::Hello { deployment }.encode().to_vec());
    let address = address.to_owned();
    let lost = {
        let failures = failures.clone();
        move |address: &str, error: std::io::Error| {
            let _ = failures.send(format!("lost the connection to the TaskManager at {address}: {error}"));
        }
    };
    let writer = tokio::spawn({
        let (address, lost) = (address.clone(), lost.clone());
        async move {
            if let Err(error) = write_frames(write, queue).await {
                lost(&address, error);
            }
        }
    });
    let reader = tokio::spawn(async move {
        if let Err(error) = read_credit(read, &credits).await {
            lost(&address, error);
        }
    });
    Ok(Peer { frames, reader, writer })
}

/// Both ends of every connection: small frames leave at once, and a silent host is noticed.
fn prepare(stream: &TcpStream, keep_alive: KeepAlive) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    keep_alive.watch(stream)
}

/// Writes frames until all senders are gone, then closes in order.
async fn write_frames(write: OwnedWriteHalf, mut queue: mpsc::UnboundedReceiver<Vec<u8>>) -> std::io::Result<()> {
    let mut write = BufWriter::with_capacity(BUFFER_BYTES, write);
    while let Some(frame) = queue.recv().await {
        write.write_all(&frame).await?;
        while let Ok(frame) = queue.try_recv() {
            write.write_all(&frame).await?;
        }
        write.flush().await?;
    }
    write.shutdown().await
}

/// The sender's reading side: credit, and nothing else.
async fn read_credit(read: OwnedReadHalf, credits: &HashMap<u32, Credit>) -> std::io::Result<()> {
    let mut read = BufReader::new(read);
    loop {
        let mut header = [0; HEADER_BYTES];
        read.read_exact(&mut header).await?;
        let frame = Frame::decode(&header).map_err(std::io::Error::other)?;
        match frame {
            Frame::Credit { channel, bytes } => {
                if let Some(credit) = credits.get(&channel) {
                    credit.release(bytes);
                }
            }
            other => return Err(std::io::Error::other(format!("{other:?} instead of credit"))),
        }
    }
}

/// Serves an accepted connection to its end. An error means that it never belonged to a deployment here.
pub(super) async fn receive(exchange: &Exchange, stream: TcpStream) -> Result<(), String> {
    prepare(&stream, exchange.keep_alive).map_err(|error| error.to_string())?;
    let (read, write) = stream.into_split();
    let mut read = BufReader::with_capacity(BUFFER_BYTES, read);
    let mut header = [0; HEADER_BYTES];
    tokio::time::timeout(HELLO_TIMEOUT, read.read_exact(&mut header))
        .await
        .map_err(|_| "no greeting in time".to_owned())?
        .map_err(|error| error.to_string())?;
    let Ok(Frame::Hello { deployment }) = Frame::decode(&header) else {
        return Err("it does not speak our protocol".to_owned());
    };
    let Some(inboxes) = exchange.wait_for(deployment).await else {
        return Err(format!("deployment {deployment:x} is not here"));
    };
    let (frames, queue) = mpsc::unbounded_channel();
    tokio::spawn(write_frames(write, queue));
    let mut open = HashSet::new();
    let result = tokio::select! {
        result = read_frames(&mut read, &inboxes, &frames, &mut open) => result,
        () = abandoned(&inboxes) => Ok(()),
    };
    if let Err(error) = result
        && exchange.is_registered(deployment)
        && (!open.is_empty() || error.kind() != std::io::ErrorKind::UnexpectedEof)
    {
        let _ = inboxes
            .failures
            .send(format!("lost the connection from another TaskManager: {error}"));
    }
    Ok(())
}

/// Waits until a cancelled deployment is over: a sender that hangs, or has vanished, must not keep its connection. One that
/// has come to its end leaves the closing to the sender, who may have other tasks at work.
async fn abandoned(inboxes: &Inboxes) {
    inboxes.failures.closed().await;
    if !inboxes.cancel.is_cancelled() {
        std::future::pending().await
    }
}

/// Delivers frames until the connection ends, which is always an error; `open` tells which channels had not ended by then.
async fn read_frames(
    read: &mut BufReader<OwnedReadHalf>,
    inboxes: &Inboxes,
    frames: &mpsc::UnboundedSender<Vec<u8>>,
    open: &mut HashSet<u32>,
) -> std::io::Result<()> {
    loop {
        let mut header = [0; HEADER_BYTES];
        read.read_exact(&mut header).await?;
        let frame = Frame::decode(&header).map_err(std::io::Error::other)?;
        let (channel, item) = match frame {
            Frame::Batch { channel, bytes } => {
                let mut encoded = vec![0; bytes as usize];
                read.read_exact(&mut encoded).await?;
                (channel, Item::Encoded(encoded))
            }
            Frame::Watermark { channel, watermark } => (channel, Item::Element(Element::Watermark(watermark))),
            Frame::Barrier { channel, epoch } => (channel, Item::Element(Element::Barrier(epoch))),
            Frame::Idle { channel } => (channel, Item::Element(Element::Idle)),
            Frame::End { channel } => (channel, Item::Element(Element::End)),
            Frame::Hello { .. } | Frame::Credit { .. } => {
                return Err(std::io::Error::other(format!(
                    "{frame:?} in the middle of a connection"
                )));
            }
        };
        if matches!(item, Item::Element(Element::End)) {
            open.remove(&channel);
        } else {
            open.insert(channel);
        }
        let Some(inbox) = inboxes.channels.get(&channel) else {
            return Err(std::io::Error::other(format!(
                "channel {channel} is not of this deployment"
            )));
        };
        let refund = Refund::Remote {
            frames: frames.clone(),
            channel,
        };
        if inbox
            .sender
            .send(Input {
                channel: inbox.channel,
                item,
                refund,
            })
            .is_err()
        {
            // The task has ended; its failure or cancellation is on its way by itself.
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use streaming::operator::Cancel;
    use tokio::net::TcpListener;

    use super::*;
    use crate::exchange::Inbox;

    const PATIENCE: Duration = Duration::from_secs(20);
    const KEEP_ALIVE: KeepAlive = KeepAlive {
        idle: PATIENCE,
        interval: PATIENCE,
        probes: 1,
    };

    #[tokio::test]
    async fn a_cancelled_deployment_closes_the_connections_of_senders_that_hang() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let exchange = Arc::new(Exchange::new(KEEP_ALIVE));
        let (sender, inputs) = crossbeam_channel::unbounded();
        let (failures, broken) = mpsc::unbounded_channel();
        let cancel = Cancel::default();
        let channels = HashMap::from([(3, Inbox { sender, channel: 0 })]);
        exchange.register(
            7,
            Inboxes {
                channels,
                failures,
                cancel: cancel.clone(),
            },
        );
        tokio::spawn(Arc::clone(&exchange).serve(listener));
        let mut stream = TcpStream::connect(address).await.unwrap();
        for frame in [Frame::Hello { deployment: 7 }, Frame::Idle { channel: 3 }] {
            stream.write_all(&frame.encode()).await.unwrap();
        }
        let received = tokio::task::spawn_blocking(move || (inputs.recv_timeout(PATIENCE), inputs));
        let (received, inputs) = received.await.unwrap();
        assert!(matches!(received.unwrap().item, Item::Element(Element::Idle)));
        cancel.cancel();
        exchange.forget(7);
        drop((inputs, broken));
        let end = tokio::time::timeout(PATIENCE, stream.read_u8()).await.unwrap();
        assert_eq!(end.unwrap_err().kind(), std::io::ErrorKind::UnexpectedEof);
    }

    #[tokio::test]
    async fn an_abandoned_connection_closes_although_the_other_side_takes_nothing() {
        const QUEUED: usize = 64 << 20;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (failures, mut broken) = mpsc::unbounded_channel();
        let peer = connect(&address, 7, PATIENCE, KEEP_ALIVE, HashMap::new(), failures)
            .await
            .unwrap();
        let (mut stream, _) = listener.accept().await.unwrap();
        peer.frames.send(vec![0; QUEUED]).unwrap();
        stream.read_exact(&mut [0; HEADER_BYTES]).await.unwrap();
        peer.abandon();
        let mut read = Vec::new();
        // Whether it ends in order or by a reset, it ends.
        let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut read))
            .await
            .unwrap();
        assert!(read.len() < QUEUED, "everything was sent all the same");
        assert_eq!(broken.recv().await, None, "nobody is told of an end that was asked for");
    }
}
