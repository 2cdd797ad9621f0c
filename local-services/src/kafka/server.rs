//! The broker's sockets: frames in, frames out, one request of a connection at a time.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, oneshot};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{interval, timeout};

use super::api;
use super::broker::{Broker, Options, RETENTION_TICK, TICK};
use super::error::{Error, Result};

/// A connection without a request for this long is closed, as Kafka does.
const IDLE_TIMEOUT: Duration = Duration::from_secs(600);
/// A client that does not take its answer for this long is given up.
const WRITE_TIMEOUT: Duration = Duration::from_secs(60);
/// All that a stop waits for is the end of what is being computed.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);
/// Answers are collected up to this size while further requests are waiting already.
const COLLECT_BYTES: usize = 64 << 10;

/// A broker that is listening. Dropping it stops it as a kill would; nothing that was acknowledged is lost.
pub struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    accepting: JoinHandle<()>,
    ticking: [JoinHandle<()>; 2],
}

impl Server {
    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops listening, ends all connections and gives the data directory free.
    pub async fn shutdown(mut self) {
        // Dropping the sender is the signal.
        drop(self.stop.take());
        self.ticking.iter().for_each(JoinHandle::abort);
        let ended = async {
            let _ = (&mut self.accepting).await;
            for ticking in &mut self.ticking {
                let _ = ticking.await;
            }
        };
        if timeout(STOP_TIMEOUT, ended).await.is_err() {
            tracing::warn!("the broker did not stop in time");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
        self.ticking.iter().for_each(JoinHandle::abort);
    }
}

/// Opens the data directory and listens; returns when clients can connect.
pub async fn serve(options: Options) -> Result<Server> {
    let asked = format!("{}:{}", options.host, options.port);
    let listen_error = |source| Error::Listen {
        address: asked.clone(),
        source,
    };
    let listener = TcpListener::bind(&asked).await.map_err(listen_error)?;
    let address = listener.local_addr().map_err(listen_error)?;
    let broker = Arc::new(Broker::open(options, address.port())?);
    let (stop, stopped) = oneshot::channel();
    Ok(Server {
        address,
        stop: Some(stop),
        accepting: tokio::spawn(accept(listener, broker.clone(), stopped)),
        ticking: [
            tokio::spawn(every(TICK, broker.clone(), Broker::tick)),
            tokio::spawn(every(RETENTION_TICK, broker, Broker::retain)),
        ],
    })
}

async fn every(period: Duration, broker: Arc<Broker>, act: fn(&Broker)) {
    let mut ticks = interval(period);
    loop {
        ticks.tick().await;
        act(&broker);
    }
}

/// Owns all connections; they end with it.
async fn accept(listener: TcpListener, broker: Arc<Broker>, mut stopped: oneshot::Receiver<()>) {
    let permits = Arc::new(Semaphore::new(broker.options.max_connections));
    let mut connections = JoinSet::new();
    loop {
        let (stream, peer) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    // Most likely out of file descriptors, which only time mends.
                    tokio::time::sleep(TICK).await;
                    continue;
                }
            },
            Some(_) = connections.join_next() => continue,
            _ = &mut stopped => break,
        };
        let Ok(permit) = permits.clone().try_acquire_owned() else {
            tracing::warn!(%peer, limit = broker.options.max_connections, "too many connections, this one is closed");
            continue;
        };
        let broker = broker.clone();
        connections.spawn(async move {
            if let Err(error) = converse(&broker, stream).await {
                tracing::debug!(%peer, %error, "connection ended");
            }
            drop(permit);
        });
    }
    connections.shutdown().await;
}

/// Answers one client's requests in their order until it goes.
async fn converse(broker: &Arc<Broker>, mut stream: TcpStream) -> anyhow::Result<()> {
    stream.set_nodelay(true)?;
    let mut incoming = BytesMut::with_capacity(COLLECT_BYTES);
    let mut outgoing = BytesMut::new();
    loop {
        while let Some(request) = take_frame(&mut incoming, broker.options.max_request_bytes)? {
            if let Some(answer) = api::answer(broker, request).await? {
                outgoing.extend_from_slice(&(answer.len() as u32).to_be_bytes());
                outgoing.extend_from_slice(&answer);
            }
            if outgoing.len() >= COLLECT_BYTES {
                flush(&mut stream, &mut outgoing).await?;
            }
        }
        flush(&mut stream, &mut outgoing).await?;
        if timeout(IDLE_TIMEOUT, stream.read_buf(&mut incoming)).await?? == 0 {
            return Ok(());
        }
    }
}

async fn flush(stream: &mut TcpStream, outgoing: &mut BytesMut) -> anyhow::Result<()> {
    if !outgoing.is_empty() {
        timeout(WRITE_TIMEOUT, stream.write_all(outgoing)).await??;
        // A large answer's memory is not kept for the small ones that follow.
        *outgoing = BytesMut::new();
    }
    Ok(())
}

/// One whole request from the front of `incoming`; `None` if more bytes are needed.
fn take_frame(incoming: &mut BytesMut, max_bytes: usize) -> io::Result<Option<Bytes>> {
    let Some(length) = incoming
        .first_chunk()
        .map(|length| u32::from_be_bytes(*length) as usize)
    else {
        return Ok(None);
    };
    if length > max_bytes {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("request of {length} bytes is too large"),
        ));
    }
    if incoming.len() < 4 + length {
        incoming.reserve(4 + length - incoming.len());
        return Ok(None);
    }
    incoming.advance(4);
    Ok(Some(incoming.split_to(length).freeze()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends bytes on a new connection; true if the broker closes it without an answer.
    async fn is_closed_after(server: &Server, bytes: &[u8]) -> bool {
        let mut stream = TcpStream::connect(server.address()).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let read = timeout(Duration::from_secs(10), stream.read(&mut [0; 100]))
            .await
            .expect("neither closed nor answered");
        matches!(read, Ok(0) | Err(_))
    }

    /// ApiVersions, version 0, correlation 7, no client id.
    const API_VERSIONS: &[u8] = &[0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 7, 0xff, 0xff];

    #[tokio::test]
    async fn connections_and_requests_beyond_the_limits_are_ended() {
        let dir = tempfile::tempdir().unwrap();
        let options = Options {
            max_connections: 1,
            max_request_bytes: 1000,
            ..Options::new(dir.path())
        };
        let server = serve(options).await.unwrap();
        assert!(
            is_closed_after(&server, &[0, 0, 4, 0]).await,
            "a request of 1024 bytes was announced"
        );
        let mut only = loop {
            // The permit of the connection before comes back a moment after its end was seen.
            let mut stream = TcpStream::connect(server.address()).await.unwrap();
            stream.write_all(API_VERSIONS).await.unwrap();
            if matches!(stream.read(&mut [0; 1000]).await, Ok(read) if read > 0) {
                break stream;
            }
        };
        assert!(
            is_closed_after(&server, API_VERSIONS).await,
            "there is one connection already"
        );
        only.write_all(API_VERSIONS).await.unwrap();
        assert!(
            only.read(&mut [0; 1000]).await.unwrap() > 0,
            "the one connection goes on"
        );
        server.shutdown().await;
    }
}
