//! How a connection of the exchange notices that nobody is at its other end any more.

use std::io;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;

/// When a host that answers nothing counts as gone: it went down without a word, or the network between us did. A process
/// that died on a host that lives is told of at once, and needs none of this.
#[derive(Debug, Clone, Copy)]
pub struct KeepAlive {
    /// How long nothing is said before the other side is asked; whole seconds, at least one.
    pub idle: Duration,
    /// Time between two such questions; whole seconds, at least one.
    pub interval: Duration,
    /// How many of them may stay without an answer.
    pub probes: u32,
}

impl KeepAlive {
    /// Reads and writes of `stream` fail once the other host has been silent for `idle + probes * interval`.
    pub fn watch(&self, stream: &TcpStream) -> io::Result<()> {
        let socket = SockRef::from(stream);
        let questions = TcpKeepalive::new().with_time(self.idle).with_interval(self.interval);
        socket.set_tcp_keepalive(&questions.with_retries(self.probes))?;
        // Nothing is asked as long as something sent is unanswered; this is the same limit for that case.
        #[cfg(target_os = "linux")]
        socket.set_tcp_user_timeout(Some(self.idle + self.interval * self.probes))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    #[cfg(target_os = "linux")]
    async fn a_silent_host_is_given_up_as_soon_whether_something_was_sent_or_not() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let keep_alive = KeepAlive {
            idle: Duration::from_secs(5),
            interval: Duration::from_secs(2),
            probes: 3,
        };
        keep_alive.watch(&stream).unwrap();
        let socket = SockRef::from(&stream);
        assert!(socket.keepalive().unwrap());
        let idle = socket.tcp_keepalive_time().unwrap();
        let asking = socket.tcp_keepalive_interval().unwrap() * socket.tcp_keepalive_retries().unwrap();
        assert_eq!(idle + asking, Duration::from_secs(11));
        assert_eq!(socket.tcp_user_timeout().unwrap(), Some(Duration::from_secs(11)));
    }
}
