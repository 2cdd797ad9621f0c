//! A small HTTP client for the REST paths of the JobManager.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

const TIMEOUT: Duration = Duration::from_secs(10);

/// The REST service at one address.
#[derive(Debug, Clone)]
pub struct Rest {
    address: SocketAddr,
}

/// What was answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub content_type: String,
    pub body: Vec<u8>,
}

impl Rest {
    pub fn new(port: u16) -> Self {
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], port)),
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The JSON at `path`; fails unless the status is 2xx.
    pub fn get(&self, path: &str) -> Result<Value> {
        let answer = self.call("GET", path)?;
        if !(200..300).contains(&answer.status) {
            bail!(
                "GET {path}: status {}: {}",
                answer.status,
                String::from_utf8_lossy(&answer.body)
            );
        }
        serde_json::from_slice(&answer.body).with_context(|| format!("GET {path}: the answer is not JSON"))
    }

    /// Any call without a body. HTTP/1.0, so that the answer ends with the connection.
    pub fn call(&self, method: &str, path: &str) -> Result<Answer> {
        let mut stream = TcpStream::connect_timeout(&self.address, TIMEOUT).context("no JobManager answers")?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        let request = format!(
            "{method} {path} HTTP/1.0\r\nHost: {}\r\nAccept: */*\r\n\r\n",
            self.address
        );
        stream.write_all(request.as_bytes())?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        parse(&answer).with_context(|| format!("{method} {path}: not an HTTP answer"))
    }
}

fn parse(answer: &[u8]) -> Option<Answer> {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&answer[..end]).ok()?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let header = |line: &str| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-type")
            .then(|| value.trim().to_owned())
    };
    let content_type = lines.find_map(header).unwrap_or_default();
    Some(Answer {
        status,
        content_type,
        body: answer[end + 4..].to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_cut_into_status_type_and_body() {
        let answer = parse(b"HTTP/1.0 404 Not Found\r\ncontent-type: application/json\r\n\r\n{}").unwrap();
        assert_eq!(
            (answer.status, answer.content_type.as_str(), &answer.body[..]),
            (404, "application/json", &b"{}"[..])
        );
        assert!(parse(b"HTTP/1.0").is_none());
    }
}
