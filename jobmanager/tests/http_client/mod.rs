//! The little of HTTP that the tests need, over a plain connection.

use axum::http::Method;
use jobmanager::leader::Leader;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The JSON answer to a GET that must succeed.
pub async fn get(leader: &Leader, path: &str) -> Value {
    let (status, body) = send(leader, Method::GET, path).await;
    assert_eq!(status, 200, "GET {path}: {body}");
    body
}

pub async fn send(leader: &Leader, method: Method, path: &str) -> (u16, Value) {
    let (status, body) = request(leader, &method, path).await;
    let json = serde_json::from_str(&body).unwrap_or_else(|error| panic!("{method} {path}: {error} in {body:?}"));
    (status, json)
}

pub async fn text(leader: &Leader, path: &str) -> (u16, String) {
    request(leader, &Method::GET, path).await
}

/// As Flink's command line does it: a body, even on GET, and `Connection: close`.
async fn request(leader: &Leader, method: &Method, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(leader.rest_address).await.unwrap();
    let head =
        format!("{method} {path} HTTP/1.0\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{{}}");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, body.to_owned())
}
