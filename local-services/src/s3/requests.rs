//! From HTTP requests to the store and back.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use time::OffsetDateTime;
use time::format_description::well_known::{Rfc2822, Rfc3339};

use super::body;
use super::conditions::{self, Conditions};
use super::error::{Error, Result};
use super::list::{self, Position, Query};
use super::object::Meta;
use super::store::{Object, Store, now_ms};
use super::xml::{self, DECLARATION, NAMESPACE, escape};

const MAX_KEYS: usize = 1000;
/// Of a list of objects to delete or of parts to put together: ten thousand entries and more.
const MAX_XML_BYTES: usize = 4 << 20;
/// Headers that are kept with an object, beside `x-amz-meta-*`.
const KEPT_HEADERS: [HeaderName; 5] = [
    header::CONTENT_TYPE,
    header::CACHE_CONTROL,
    header::CONTENT_DISPOSITION,
    header::CONTENT_ENCODING,
    header::CONTENT_LANGUAGE,
];

type Parameters = BTreeMap<String, String>;

/// Answers one request.
pub async fn answer(store: &Arc<Store>, request: Request) -> Result<Response> {
    let (parts, body) = request.into_parts();
    let path = decode(parts.uri.path(), false).ok_or(Error::InvalidArgument("the path is not UTF-8"))?;
    let parameters = parse_query(parts.uri.query().unwrap_or_default())?;
    let path = path.trim_start_matches('/');
    let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
    match (bucket, key) {
        ("", _) => list_buckets(store, &parts.method),
        (bucket, "") => on_bucket(store, &parts.method, bucket, &parameters, body).await,
        (bucket, key) if key.len() <= 1024 => {
            let object = Target {
                store,
                bucket,
                key,
                headers: &parts.headers,
                parameters: &parameters,
            };
            object.answer(&parts.method, body).await
        }
        _ => Err(Error::KeyTooLongError),
    }
}

fn list_buckets(store: &Store, method: &Method) -> Result<Response> {
    if method != Method::GET {
        return Err(Error::NotImplemented(format!("{method} on the service")));
    }
    let mut document = format!("{DECLARATION}<ListAllMyBucketsResult {NAMESPACE}><Buckets>");
    for name in store.state().buckets.keys() {
        let _ = write!(
            document,
            "<Bucket><Name>{name}</Name><CreationDate>{}</CreationDate></Bucket>",
            iso(0)
        );
    }
    document.push_str("</Buckets></ListAllMyBucketsResult>");
    Ok(xml_response(document))
}

async fn on_bucket(
    store: &Store,
    method: &Method,
    bucket: &str,
    parameters: &Parameters,
    body: Body,
) -> Result<Response> {
    match method.as_str() {
        "PUT" => store.create_bucket(bucket).map(|()| StatusCode::OK.into_response()),
        "DELETE" => store
            .delete_bucket(bucket)
            .map(|()| StatusCode::NO_CONTENT.into_response()),
        "HEAD" => store.state().bucket(bucket).map(|_| StatusCode::OK.into_response()),
        "POST" if parameters.contains_key("delete") => delete_objects(store, bucket, body).await,
        "GET" if parameters.contains_key("location") => {
            store.state().bucket(bucket)?;
            Ok(xml_response(format!("{DECLARATION}<LocationConstraint {NAMESPACE}/>")))
        }
        "GET" if parameters.get("list-type").is_some_and(|version| version == "2") => {
            list_objects(store, bucket, parameters)
        }
        _ => Err(Error::NotImplemented(format!(
            "{method} on a bucket with these parameters"
        ))),
    }
}

fn list_objects(store: &Store, bucket: &str, parameters: &Parameters) -> Result<Response> {
    let text = |name: &str| parameters.get(name).cloned().unwrap_or_default();
    let after = match (parameters.get("continuation-token"), parameters.get("start-after")) {
        (Some(token), _) => {
            Position::from_token(token).ok_or(Error::InvalidArgument("the continuation token is not valid"))?
        }
        (None, Some(key)) => Position::Key(key.clone()),
        (None, None) => Position::Start,
    };
    let max = match parameters.get("max-keys") {
        Some(max) => max
            .parse()
            .map_err(|_| Error::InvalidArgument("max-keys is not a number"))?,
        None => MAX_KEYS,
    };
    let query = Query {
        prefix: text("prefix"),
        delimiter: text("delimiter"),
        after,
        max: MAX_KEYS.min(max),
    };
    let as_url = parameters
        .get("encoding-type")
        .is_some_and(|encoding| encoding == "url");
    let name = |text: &str| if as_url { encode(text) } else { escape(text) };

    let state = store.state();
    let page = list::list(state.bucket(bucket)?, &query);
    let mut document = format!("{DECLARATION}<ListBucketResult {NAMESPACE}><Name>{bucket}</Name>");
    let _ = write!(
        document,
        "<Prefix>{}</Prefix><MaxKeys>{}</MaxKeys><KeyCount>{}</KeyCount><IsTruncated>{}</IsTruncated>",
        name(&query.prefix),
        query.max,
        page.objects.len() + page.prefixes.len(),
        page.next.is_some() && query.max > 0,
    );
    if as_url {
        document.push_str("<EncodingType>url</EncodingType>");
    }
    if !query.delimiter.is_empty() {
        let _ = write!(document, "<Delimiter>{}</Delimiter>", name(&query.delimiter));
    }
    for (key, Object { meta, .. }) in &page.objects {
        let _ = write!(
            document,
            "<Contents><Key>{}</Key><LastModified>{}</LastModified><ETag>{}</ETag><Size>{}</Size>\
             <StorageClass>STANDARD</StorageClass></Contents>",
            name(key),
            iso(meta.modified_ms),
            escape(&meta.etag),
            meta.bytes,
        );
    }
    for prefix in &page.prefixes {
        let _ = write!(
            document,
            "<CommonPrefixes><Prefix>{}</Prefix></CommonPrefixes>",
            name(prefix)
        );
    }
    if let Some(next) = page.next.filter(|_| query.max > 0) {
        let _ = write!(
            document,
            "<NextContinuationToken>{}</NextContinuationToken>",
            next.to_token()
        );
    }
    document.push_str("</ListBucketResult>");
    Ok(xml_response(document))
}

async fn delete_objects(store: &Store, bucket: &str, body: Body) -> Result<Response> {
    let request = body::receive_text(body, MAX_XML_BYTES).await?;
    let keys = xml::elements(&request, "Key").ok_or(Error::MalformedXML)?;
    let quiet = xml::elements(&request, "Quiet").is_some_and(|quiet| quiet == ["true"]);
    store.state().bucket(bucket)?;
    let mut document = format!("{DECLARATION}<DeleteResult {NAMESPACE}>");
    for key in keys {
        let deleted = xml::unescape(key)
            .ok_or(Error::MalformedXML)
            .and_then(|key| store.delete(bucket, &key));
        match deleted {
            Ok(()) if quiet => {}
            Ok(()) => {
                let _ = write!(document, "<Deleted><Key>{key}</Key></Deleted>");
            }
            Err(error) => {
                let (code, message) = (error.code(), escape(&error.to_string()));
                let _ = write!(
                    document,
                    "<Error><Key>{key}</Key><Code>{code}</Code><Message>{message}</Message></Error>"
                );
            }
        }
    }
    document.push_str("</DeleteResult>");
    Ok(xml_response(document))
}

/// A request about one object.
struct Target<'a> {
    store: &'a Arc<Store>,
    bucket: &'a str,
    key: &'a str,
    headers: &'a HeaderMap,
    parameters: &'a Parameters,
}

impl Target<'_> {
    async fn answer(&self, method: &Method, body: Body) -> Result<Response> {
        let upload = self.parameters.get("uploadId");
        match (method.as_str(), upload) {
            ("GET", None) => self.get(true),
            ("HEAD", None) => self.get(false),
            ("PUT", None) if self.headers.contains_key("x-amz-copy-source") => self.copy().await,
            ("PUT", None) => self.put(body).await,
            ("PUT", Some(id)) if !self.headers.contains_key("x-amz-copy-source") => self.put_part(id, body).await,
            ("DELETE", None) => self
                .store
                .delete(self.bucket, self.key)
                .map(|()| StatusCode::NO_CONTENT.into_response()),
            ("DELETE", Some(id)) => self
                .store
                .abort_upload(id)
                .map(|()| StatusCode::NO_CONTENT.into_response()),
            ("POST", Some(id)) => self.complete(id, body).await,
            ("POST", None) if self.parameters.contains_key("uploads") => self.begin_upload(),
            _ => Err(Error::NotImplemented(format!(
                "{method} on an object with these parameters"
            ))),
        }
    }

    fn get(&self, with_body: bool) -> Result<Response> {
        let (object, file) = self.store.open_object(self.bucket, self.key)?;
        let meta = object.meta;
        Conditions::parse(self.headers).allow_read(&meta.etag)?;
        let wanted = self.headers.get(header::RANGE).and_then(|value| value.to_str().ok());
        let range = conditions::range(wanted, meta.bytes)?;
        let mut response = Response::builder()
            .header(header::ETAG, &meta.etag)
            .header(header::LAST_MODIFIED, http_date(meta.modified_ms))
            .header(header::ACCEPT_RANGES, "bytes");
        for (name, value) in &meta.headers {
            response = response.header(name, value);
        }
        if let Some(range) = &range {
            let content_range = format!("bytes {}-{}/{}", range.start, range.end - 1, meta.bytes);
            response = response
                .status(StatusCode::PARTIAL_CONTENT)
                .header(header::CONTENT_RANGE, content_range);
        }
        let range = range.unwrap_or(0..meta.bytes);
        response = response.header(header::CONTENT_LENGTH, range.end - range.start);
        let body = if with_body {
            body::send(file, range)
        } else {
            Body::empty()
        };
        response
            .body(body)
            .map_err(|_| Error::InvalidArgument("a stored header is not valid"))
    }

    async fn put(&self, body: Body) -> Result<Response> {
        self.store.state().bucket(self.bucket)?;
        let target = self.store.temp();
        let (received, file) = body::receive(self.headers, body, &target.path).await?;
        let meta = Meta {
            key: self.key.to_string(),
            bytes: received.bytes,
            etag: received.etag.clone(),
            modified_ms: now_ms(),
            headers: self.kept_headers(),
        };
        meta.write_to(&file)?;
        self.store
            .commit(self.bucket, meta, &target, &Conditions::parse(self.headers))?;
        Ok(with_etag(&received.etag))
    }

    async fn copy(&self) -> Result<Response> {
        let source = self
            .headers
            .get("x-amz-copy-source")
            .and_then(|value| value.to_str().ok());
        let source = source.and_then(|source| decode(source, false)).unwrap_or_default();
        let (bucket, key) = source
            .trim_start_matches('/')
            .split_once('/')
            .ok_or(Error::InvalidArgument("the copy source names no object"))?;
        let (object, file) = self.store.open_object(bucket, key)?;
        let target = self.store.temp();
        let body = body::send(file, 0..object.meta.bytes);
        let (received, file) = body::receive(&HeaderMap::new(), body, &target.path).await?;
        let meta = Meta {
            key: self.key.to_string(),
            etag: received.etag.clone(),
            modified_ms: now_ms(),
            ..object.meta
        };
        let modified = iso(meta.modified_ms);
        meta.write_to(&file)?;
        self.store
            .commit(self.bucket, meta, &target, &Conditions::parse(self.headers))?;
        let etag = escape(&received.etag);
        Ok(xml_response(format!(
            "{DECLARATION}<CopyObjectResult {NAMESPACE}><LastModified>{modified}</LastModified><ETag>{etag}</ETag></CopyObjectResult>"
        )))
    }

    fn begin_upload(&self) -> Result<Response> {
        let id = self.store.begin_upload(self.bucket, self.key, self.kept_headers())?;
        Ok(xml_response(format!(
            "{DECLARATION}<InitiateMultipartUploadResult {NAMESPACE}><Bucket>{}</Bucket><Key>{}</Key>\
             <UploadId>{id}</UploadId></InitiateMultipartUploadResult>",
            self.bucket,
            escape(self.key),
        )))
    }

    async fn put_part(&self, id: &str, body: Body) -> Result<Response> {
        let number = self.parameters.get("partNumber").and_then(|number| number.parse().ok());
        let number = number.ok_or(Error::InvalidArgument("partNumber is missing or not a number"))?;
        let target = self.store.temp();
        let (received, _file) = body::receive(self.headers, body, &target.path).await?;
        let etag = received.etag.clone();
        self.store
            .add_part(id, self.bucket, self.key, number, received, target)?;
        Ok(with_etag(&etag))
    }

    async fn complete(&self, id: &str, body: Body) -> Result<Response> {
        let request = body::receive_text(body, MAX_XML_BYTES).await?;
        let parts = parse_parts(&request).ok_or(Error::MalformedXML)?;
        let (store, conditions) = (self.store.clone(), Conditions::parse(self.headers));
        let (id, bucket, key) = (id.to_string(), self.bucket.to_string(), self.key.to_string());
        // Copies all parts: too long for a thread that serves others.
        let completed =
            tokio::task::spawn_blocking(move || store.complete_upload(&id, &bucket, &key, &parts, &conditions));
        let etag = completed
            .await
            .map_err(|error| Error::InternalError(std::io::Error::other(error)))??;
        Ok(xml_response(format!(
            "{DECLARATION}<CompleteMultipartUploadResult {NAMESPACE}><Bucket>{}</Bucket><Key>{}</Key><ETag>{}</ETag>\
             </CompleteMultipartUploadResult>",
            self.bucket,
            escape(self.key),
            escape(&etag),
        )))
    }

    fn kept_headers(&self) -> BTreeMap<String, String> {
        let kept = |name: &HeaderName| KEPT_HEADERS.contains(name) || name.as_str().starts_with("x-amz-meta-");
        let headers = self.headers.iter().filter(|(name, _)| kept(name));
        let text = headers.filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_string())));
        // The chunking was taken off; it is not how the object is encoded.
        text.filter(|(name, value)| name != "content-encoding" || !value.contains("aws-chunked"))
            .collect()
    }
}

/// Number and ETag of each part in a `CompleteMultipartUpload` document.
fn parse_parts(document: &str) -> Option<Vec<(u32, String)>> {
    let parse = |part: &str| {
        let number = xml::elements(part, "PartNumber")?.first()?.trim().parse().ok()?;
        let etag = xml::unescape(xml::elements(part, "ETag")?.first()?.trim())?;
        Some((number, etag))
    };
    xml::elements(document, "Part")?.into_iter().map(parse).collect()
}

fn with_etag(etag: &str) -> Response {
    let value = HeaderValue::from_str(etag).expect("an ETag of ours is hexadecimal digits in quotes");
    ([(header::ETAG, value)], ()).into_response()
}

fn xml_response(document: String) -> Response {
    ([(header::CONTENT_TYPE, "application/xml")], document).into_response()
}

fn parse_query(query: &str) -> Result<Parameters> {
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        Some((decode(name, true)?, decode(value, true)?))
    };
    let pairs: Option<Parameters> = query.split('&').filter(|part| !part.is_empty()).map(pair).collect();
    pairs.ok_or(Error::InvalidArgument("the query is not UTF-8"))
}

/// Takes percent-encoding off; `None` if the result is not UTF-8.
fn decode(text: &str, plus_is_space: bool) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        let hex = tail
            .get(..2)
            .and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        match (first, hex) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            (b'+', _) if plus_is_space => bytes.push(b' '),
            _ => bytes.push(*first),
        }
    }
    String::from_utf8(bytes).ok()
}

/// Puts percent-encoding on everything but unreserved characters and slashes.
fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~/".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

fn date(ms: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

fn iso(ms: i64) -> String {
    date(ms).format(&Rfc3339).unwrap_or_default()
}

fn http_date(ms: i64) -> String {
    date(ms).format(&Rfc2822).unwrap_or_default().replace("+0000", "GMT")
}
