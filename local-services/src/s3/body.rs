//! Bodies: received into a file while they are hashed, sent from a file in pieces.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::http::HeaderMap;
use bytes::{Buf, Bytes, BytesMut};
use futures::{StreamExt, stream};
use tokio::time::timeout;
use xxhash_rust::xxh3::Xxh3;

use super::error::{Error, Result};

/// Largest body of one request, as S3 has it.
const MAX_BODY_BYTES: u64 = 5 << 30;
/// A client that sends nothing for this long has given up.
const RECEIVE_TIMEOUT: Duration = Duration::from_secs(60);
const PIECE_BYTES: u64 = 256 << 10;
/// Longest line between the chunks of a chunked upload.
const MAX_LINE_BYTES: usize = 16 << 10;

/// A body that was received.
#[derive(Debug)]
pub struct Received {
    pub bytes: u64,
    /// With quotes; the same for the same bytes. S3's is an MD5, which is not worth a dependency here.
    pub etag: String,
}

/// Writes the body to a new file at `path`.
pub async fn receive(headers: &HeaderMap, body: Body, path: &Path) -> Result<(Received, File)> {
    let file = File::options().read(true).write(true).create_new(true).open(path)?;
    let mut decoder = Chunks::for_request(headers);
    let mut hash = Xxh3::new();
    let mut bytes = 0;
    let mut stream = body.into_data_stream();
    while let Some(piece) = next_piece(&mut stream).await? {
        for data in decoder.decode(piece)? {
            if bytes + data.len() as u64 > MAX_BODY_BYTES {
                return Err(Error::EntityTooLarge);
            }
            hash.update(&data);
            file.write_all_at(&data, bytes)?;
            bytes += data.len() as u64;
        }
    }
    decoder.finish()?;
    Ok((
        Received {
            bytes,
            etag: format!("\"{:032x}\"", hash.digest128()),
        },
        file,
    ))
}

/// The whole of a small body.
pub async fn receive_text(body: Body, max_bytes: usize) -> Result<String> {
    let mut stream = body.into_data_stream();
    let mut bytes = Vec::new();
    while let Some(piece) = next_piece(&mut stream).await? {
        bytes.extend_from_slice(&piece);
        if bytes.len() > max_bytes {
            return Err(Error::EntityTooLarge);
        }
    }
    String::from_utf8(bytes).map_err(|_| Error::MalformedXML)
}

async fn next_piece(stream: &mut BodyDataStream) -> Result<Option<Bytes>> {
    match timeout(RECEIVE_TIMEOUT, stream.next()).await {
        Ok(None) => Ok(None),
        Ok(Some(Ok(piece))) => Ok(Some(piece)),
        Ok(Some(Err(_))) | Err(_) => Err(Error::IncompleteBody),
    }
}

/// Bytes of the file as a body.
pub fn send(file: File, range: std::ops::Range<u64>) -> Body {
    let pieces = stream::try_unfold((file, range), |(file, range)| async move {
        if range.is_empty() {
            return Ok::<_, io::Error>(None);
        }
        let mut piece = vec![0; PIECE_BYTES.min(range.end - range.start) as usize];
        file.read_exact_at(&mut piece, range.start)?;
        let rest = range.start + piece.len() as u64..range.end;
        Ok(Some((Bytes::from(piece), (file, rest))))
    });
    Body::from_stream(pieces)
}

/// Takes AWS's own chunking (`aws-chunked`) off, if the request uses it. Signatures and trailers are skipped.
enum Chunks {
    Plain,
    Size(BytesMut),
    Data {
        left: u64,
        rest: BytesMut,
    },
    /// After the last chunk.
    Trailer,
}

impl Chunks {
    fn for_request(headers: &HeaderMap) -> Chunks {
        let has = |name: &str, part: &str| {
            headers
                .get(name)
                .and_then(|value| value.to_str().ok())
                .is_some_and(|value| value.contains(part))
        };
        // object_store signs a stream as STREAMING without chunking it; only the encoding header tells.
        if has("content-encoding", "aws-chunked") || headers.contains_key("x-amz-decoded-content-length") {
            Chunks::Size(BytesMut::new())
        } else {
            Chunks::Plain
        }
    }

    fn decode(&mut self, piece: Bytes) -> Result<Vec<Bytes>> {
        let mut decoded = Vec::new();
        match self {
            Chunks::Plain => return Ok(vec![piece]),
            Chunks::Size(rest) | Chunks::Data { rest, .. } => rest.extend_from_slice(&piece),
            Chunks::Trailer => return Ok(decoded),
        }
        while self.step(&mut decoded)? {}
        Ok(decoded)
    }

    /// Goes on by one line or one piece of data; false if more bytes are needed.
    fn step(&mut self, decoded: &mut Vec<Bytes>) -> Result<bool> {
        match self {
            Chunks::Plain | Chunks::Trailer => Ok(false),
            Chunks::Size(rest) => {
                let Some(end) = rest.windows(2).position(|pair| pair == b"\r\n") else {
                    return if rest.len() > MAX_LINE_BYTES {
                        Err(Error::IncompleteBody)
                    } else {
                        Ok(false)
                    };
                };
                let line = rest.split_to(end);
                rest.advance(2);
                let size = std::str::from_utf8(&line).ok().and_then(|line| line.split(';').next());
                let left = size.and_then(|size| u64::from_str_radix(size.trim(), 16).ok());
                let left = left.ok_or(Error::IncompleteBody)?;
                let rest = std::mem::take(rest);
                *self = if left == 0 {
                    Chunks::Trailer
                } else {
                    Chunks::Data { left, rest }
                };
                Ok(true)
            }
            Chunks::Data { left: 0, rest } => {
                if rest.len() < 2 {
                    return Ok(false);
                }
                rest.advance(2);
                *self = Chunks::Size(std::mem::take(rest));
                Ok(true)
            }
            Chunks::Data { left, rest } => {
                let take = (*left).min(rest.len() as u64) as usize;
                if take == 0 {
                    return Ok(false);
                }
                *left -= take as u64;
                decoded.push(rest.split_to(take).freeze());
                Ok(true)
            }
        }
    }

    fn finish(&self) -> Result<()> {
        match self {
            Chunks::Plain | Chunks::Trailer => Ok(()),
            Chunks::Size(_) | Chunks::Data { .. } => Err(Error::IncompleteBody),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunked_bodies_are_put_together_however_they_are_cut() {
        let body = b"5;chunk-signature=abc\r\nhello\r\nb\r\n wonderful \r\n5\r\nworld\r\n0\r\nx-amz-checksum-crc32:abc\r\n\r\n";
        for size in 1..body.len() {
            let mut chunks = Chunks::Size(BytesMut::new());
            let mut all = Vec::new();
            for piece in body.chunks(size) {
                all.extend(chunks.decode(Bytes::copy_from_slice(piece)).unwrap());
            }
            chunks.finish().unwrap();
            assert_eq!(all.concat(), b"hello wonderful world", "pieces of {size}");
        }
    }

    #[test]
    fn a_chunked_body_that_ends_early_is_not_taken() {
        let mut chunks = Chunks::Size(BytesMut::new());
        chunks.decode(Bytes::from_static(b"5\r\nhel")).unwrap();
        assert!(matches!(chunks.finish(), Err(Error::IncompleteBody)));
    }
}
