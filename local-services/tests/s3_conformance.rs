//! What Bettiflow relies on in an S3 API, asked of the small one through object_store, each test a sentence.

// Clippy's leave for tests does not reach the functions that tests share.
#![allow(clippy::unwrap_used)]

use std::sync::{Arc, Once};
use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use local_services::s3;
use object_store::aws::{AmazonS3, AmazonS3Builder, S3ConditionalPut};
use object_store::path::Path;
use object_store::{
    Attribute, Attributes, ClientOptions, Error, GetOptions, GetRange, MultipartUpload, ObjectStore, ObjectStoreExt,
    PutMode, PutOptions, PutPayload, RetryConfig, UpdateVersion,
};

/// A service of its own for each test.
struct Service {
    server: s3::Server,
    dir: tempfile::TempDir,
}

impl Service {
    async fn start() -> Service {
        let dir = tempfile::tempdir().unwrap();
        let server = s3::serve(s3::Options::new(dir.path())).await.unwrap();
        Service { server, dir }
    }

    /// A client with connections of its own.
    fn client(&self) -> AmazonS3 {
        static PROVIDER: Once = Once::new();
        PROVIDER.call_once(|| rustls::crypto::ring::default_provider().install_default().unwrap());
        AmazonS3Builder::new()
            .with_endpoint(self.server.url())
            .with_bucket_name("bettiflow")
            .with_region("local")
            .with_access_key_id("any")
            .with_secret_access_key("thing")
            .with_virtual_hosted_style_request(false)
            .with_conditional_put(S3ConditionalPut::ETagMatch)
            .with_client_options(
                ClientOptions::new()
                    .with_allow_http(true)
                    .with_timeout(Duration::from_secs(30)),
            )
            // A retry would hide what the service did.
            .with_retry(RetryConfig {
                max_retries: 0,
                ..RetryConfig::default()
            })
            .build()
            .unwrap()
    }

    async fn restart(self) -> Service {
        self.server.shutdown().await;
        let server = s3::serve(s3::Options::new(self.dir.path())).await.unwrap();
        Service { server, dir: self.dir }
    }
}

async fn read(client: &AmazonS3, key: &str) -> Result<Bytes, Error> {
    client.get(&Path::from(key)).await?.bytes().await
}

async fn keys(client: &AmazonS3, prefix: &str) -> Vec<String> {
    let prefix = Path::from(prefix);
    client
        .list(Some(&prefix))
        .map_ok(|meta| meta.location.to_string())
        .try_collect()
        .await
        .unwrap()
}

fn create() -> PutOptions {
    PutMode::Create.into()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_who_create_the_same_object_exactly_one_wins() {
    const CLIENTS: usize = 32;
    const ROUNDS: usize = 20;
    let service = Service::start().await;
    let clients: Vec<Arc<AmazonS3>> = (0..CLIENTS).map(|_| Arc::new(service.client())).collect();
    for round in 0..ROUNDS {
        let key = Path::from(format!("log/{round:020}"));
        let tries = clients.iter().enumerate().map(|(number, client)| {
            let (client, key) = (client.clone(), key.clone());
            tokio::spawn(async move { client.put_opts(&key, number.to_string().into(), create()).await })
        });
        let mut winners = Vec::new();
        for (number, attempt) in tries.collect::<Vec<_>>().into_iter().enumerate() {
            match attempt.await.unwrap() {
                Ok(_) => winners.push(number),
                Err(Error::AlreadyExists { .. }) => {}
                Err(other) => panic!("client {number}: {other}"),
            }
        }
        assert_eq!(winners.len(), 1, "round {round}: {winners:?}");
        assert_eq!(read(&clients[0], key.as_ref()).await.unwrap(), winners[0].to_string());
    }
    assert_eq!(keys(&clients[0], "log").await.len(), ROUNDS);
}

#[tokio::test]
async fn an_object_is_read_whole_and_in_ranges() {
    let service = Service::start().await;
    let client = service.client();
    let key = Path::from("a/b c+d/ü&<>.bin");
    let bytes: Vec<u8> = (0..1_000_000u32).map(|i| (i * 7 % 251) as u8).collect();
    client.put(&key, bytes.clone().into()).await.unwrap();
    let whole = client.get(&key).await.unwrap();
    assert_eq!((whole.meta.size, whole.range.clone()), (1_000_000, 0..1_000_000));
    assert_eq!(whole.bytes().await.unwrap(), bytes);
    assert_eq!(client.get_range(&key, 10..20).await.unwrap(), bytes[10..20]);
    assert_eq!(
        client.get_range(&key, 999_990..2_000_000).await.unwrap(),
        bytes[999_990..]
    );
    let ranges = client.get_ranges(&key, &[0..5, 500_000..500_010]).await.unwrap();
    assert_eq!(
        ranges,
        [
            Bytes::copy_from_slice(&bytes[..5]),
            Bytes::copy_from_slice(&bytes[500_000..500_010])
        ]
    );
    let tail = GetOptions {
        range: Some(GetRange::Suffix(7)),
        ..GetOptions::default()
    };
    assert_eq!(
        client.get_opts(&key, tail).await.unwrap().bytes().await.unwrap(),
        bytes[999_993..]
    );
    assert!(client.get_range(&key, 1_000_000..1_000_001).await.is_err());
    assert_eq!(keys(&client, "a").await, [key.to_string()]);
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let service = Service::start().await;
    let client = service.client();
    let key = Path::from("nothing");
    assert!(matches!(client.get(&key).await, Err(Error::NotFound { .. })));
    assert!(matches!(client.head(&key).await, Err(Error::NotFound { .. })));
    assert!(
        client.delete(&key).await.is_ok(),
        "deleting nothing succeeds, as with S3"
    );
}

#[tokio::test]
async fn an_update_needs_the_etag_of_what_it_replaces() {
    let service = Service::start().await;
    let client = service.client();
    let key = Path::from("beat");
    let first = client.put(&key, "1".into()).await.unwrap();
    let update = |etag: &Option<String>| {
        PutOptions::from(PutMode::Update(UpdateVersion {
            e_tag: etag.clone(),
            version: None,
        }))
    };
    let second = client.put_opts(&key, "2".into(), update(&first.e_tag)).await.unwrap();
    assert_ne!(first.e_tag, second.e_tag);
    let late = client.put_opts(&key, "3".into(), update(&first.e_tag)).await;
    assert!(matches!(late, Err(Error::Precondition { .. })), "{late:?}");
    let nowhere = client
        .put_opts(&Path::from("absent"), "3".into(), update(&first.e_tag))
        .await;
    assert!(matches!(nowhere, Err(Error::Precondition { .. })), "{nowhere:?}");
    assert_eq!(read(&client, "beat").await.unwrap(), "2");

    let head = client.head(&key).await.unwrap();
    assert_eq!(head.e_tag, second.e_tag);
    let unless_same = GetOptions {
        if_none_match: second.e_tag.clone(),
        ..GetOptions::default()
    };
    assert!(matches!(
        client.get_opts(&key, unless_same).await,
        Err(Error::NotModified { .. })
    ));
    let if_old = GetOptions {
        if_match: first.e_tag,
        ..GetOptions::default()
    };
    assert!(matches!(
        client.get_opts(&key, if_old).await,
        Err(Error::Precondition { .. })
    ));
}

#[tokio::test]
async fn lists_are_complete_sorted_and_grouped_by_delimiter() {
    let service = Service::start().await;
    let client = service.client();
    // More than one page of a thousand.
    let numbers: Vec<u32> = (0..1205).collect();
    stream::iter(numbers)
        .for_each_concurrent(16, |i| {
            let client = &client;
            async move {
                client
                    .put(&Path::from(format!("jobs/{:02}/log/{i:05}", i % 3)), "x".into())
                    .await
                    .unwrap();
            }
        })
        .await;
    client.put(&Path::from("jobs/readme"), "x".into()).await.unwrap();
    let all = keys(&client, "jobs").await;
    assert_eq!(all.len(), 1206);
    assert!(all.is_sorted());
    assert_eq!(keys(&client, "jobs/01").await.len(), 402);
    assert_eq!(keys(&client, "job").await, [""; 0], "a prefix ends at a slash");
    let grouped = client.list_with_delimiter(Some(&Path::from("jobs"))).await.unwrap();
    let prefixes: Vec<&str> = grouped.common_prefixes.iter().map(Path::as_ref).collect();
    assert_eq!(prefixes, ["jobs/00", "jobs/01", "jobs/02"]);
    assert_eq!(
        grouped.objects.iter().map(|o| o.location.as_ref()).collect::<Vec<_>>(),
        ["jobs/readme"]
    );
    let after = Path::from("jobs/02/log/01190");
    let rest: Vec<_> = client
        .list_with_offset(Some(&Path::from("jobs")), &after)
        .try_collect()
        .await
        .unwrap();
    assert_eq!(rest.len(), 5, "{rest:?}");
}

#[tokio::test]
async fn a_multipart_upload_is_invisible_until_it_is_complete() {
    let service = Service::start().await;
    let client = service.client();
    let key = Path::from("big");
    let part = |byte: u8| PutPayload::from(vec![byte; 5 << 20]);
    let mut upload = client.put_multipart(&key).await.unwrap();
    let (first, second, third) = (
        upload.put_part(part(1)),
        upload.put_part(part(2)),
        upload.put_part("end".into()),
    );
    let (first, second, third) = tokio::join!(third, first, second);
    first.and(second).and(third).unwrap();
    assert!(matches!(client.head(&key).await, Err(Error::NotFound { .. })));
    upload.complete().await.unwrap();
    let bytes = read(&client, "big").await.unwrap();
    assert_eq!(bytes.len(), (10 << 20) + 3);
    assert_eq!(
        (bytes[0], bytes[(5 << 20) - 1], bytes[5 << 20], &bytes[10 << 20..]),
        (1, 1, 2, b"end".as_slice())
    );

    let mut aborted = client.put_multipart(&Path::from("aborted")).await.unwrap();
    aborted.put_part(part(1)).await.unwrap();
    aborted.abort().await.unwrap();
    assert!(aborted.complete().await.is_err());
    assert_eq!(keys(&client, "").await, ["big"]);
    assert_eq!(
        std::fs::read_dir(service.dir.path().join("incoming")).unwrap().count(),
        0,
        "parts were left behind"
    );
}

#[tokio::test]
async fn parts_that_s3_would_call_too_small_are_refused() {
    let service = Service::start().await;
    let client = service.client();
    let mut upload = client.put_multipart(&Path::from("small")).await.unwrap();
    upload.put_part("a".into()).await.unwrap();
    upload.put_part("b".into()).await.unwrap();
    let error = upload.complete().await.unwrap_err().to_string();
    assert!(error.contains("EntityTooSmall"), "{error}");
}

#[tokio::test]
async fn objects_are_deleted_one_by_one_and_in_bulk() {
    let service = Service::start().await;
    let client = service.client();
    let all: Vec<Path> = (0..1100).map(|i| Path::from(format!("d/{i} & <{i}>"))).collect();
    stream::iter(&all)
        .for_each_concurrent(16, |key| async {
            client.put(key, "x".into()).await.unwrap();
        })
        .await;
    client.delete(&all[0]).await.unwrap();
    assert_eq!(keys(&client, "d").await.len(), 1099);
    let doomed = stream::iter(all[1..].to_vec()).map(Ok).boxed();
    let deleted: Vec<Path> = client.delete_stream(doomed).try_collect().await.unwrap();
    assert_eq!(deleted.len(), 1099);
    assert_eq!(keys(&client, "d").await, [""; 0]);
}

#[tokio::test]
async fn attributes_and_copies_are_kept() {
    let service = Service::start().await;
    let client = service.client();
    let attributes = Attributes::from_iter([
        (Attribute::ContentType, "text/plain"),
        (Attribute::Metadata("job".into()), "seven"),
    ]);
    let options = PutOptions {
        attributes: attributes.clone(),
        ..PutOptions::default()
    };
    client
        .put_opts(&Path::from("from"), "text".into(), options)
        .await
        .unwrap();
    client.copy(&Path::from("from"), &Path::from("to")).await.unwrap();
    for key in ["from", "to"] {
        let found = client.get(&Path::from(key)).await.unwrap();
        assert_eq!(found.attributes, attributes, "{key}");
        assert_eq!(found.bytes().await.unwrap(), "text");
    }
}

#[tokio::test]
async fn a_restart_keeps_all_objects_and_their_etags() {
    let service = Service::start().await;
    let client = service.client();
    client.put(&Path::from("kept"), "old".into()).await.unwrap();
    let put = client.put(&Path::from("kept"), "new".into()).await.unwrap();
    client.put(&Path::from("deleted"), "x".into()).await.unwrap();
    client.delete(&Path::from("deleted")).await.unwrap();
    let service = service.restart().await;
    let client = service.client();
    assert_eq!(keys(&client, "").await, ["kept"]);
    assert_eq!(client.head(&Path::from("kept")).await.unwrap().e_tag, put.e_tag);
    assert_eq!(read(&client, "kept").await.unwrap(), "new");
    let again = client.put_opts(&Path::from("kept"), "x".into(), create()).await;
    assert!(matches!(again, Err(Error::AlreadyExists { .. })), "{again:?}");
}

#[tokio::test]
async fn a_directory_in_use_is_refused() {
    let service = Service::start().await;
    let second = s3::serve(s3::Options::new(service.dir.path())).await;
    assert!(matches!(second, Err(s3::StartError::InUse { .. })));
}

#[tokio::test]
async fn buckets_are_created_headed_listed_and_deleted() {
    let service = Service::start().await;
    let _ = service.client(); // installs the TLS provider that reqwest needs
    let http = reqwest::Client::new();
    let url = |path: &str| format!("{}/{path}", service.server.url());
    let status = |request: reqwest::RequestBuilder| async { request.send().await.unwrap().status().as_u16() };
    assert_eq!(status(http.head(url("other"))).await, 404);
    assert_eq!(
        status(http.put(url("no"))).await,
        400,
        "bucket names need three characters"
    );
    assert_eq!(status(http.put(url("other"))).await, 200);
    assert_eq!(status(http.put(url("other"))).await, 409);
    assert_eq!(status(http.head(url("other/"))).await, 200);
    let listed = http.get(url("")).send().await.unwrap().text().await.unwrap();
    assert!(
        listed.contains("<Name>bettiflow</Name>") && listed.contains("<Name>other</Name>"),
        "{listed}"
    );
    assert_eq!(status(http.put(url("other/key")).body("x")).await, 200);
    assert_eq!(status(http.delete(url("other"))).await, 409);
    assert_eq!(status(http.delete(url("other/key"))).await, 204);
    assert_eq!(status(http.delete(url("other"))).await, 204);
    assert_eq!(status(http.get(url("other/key"))).await, 404);
}

#[tokio::test]
async fn a_body_in_awss_own_chunks_is_stored_without_them() {
    let service = Service::start().await;
    let client = service.client();
    let url = format!("{}/bettiflow/chunked", service.server.url());
    let _ = &client; // installs the TLS provider that reqwest needs
    let request = reqwest::Client::new()
        .put(url)
        .header("content-encoding", "aws-chunked")
        .header("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER")
        .header("x-amz-decoded-content-length", "11")
        .body("6\r\nhello \r\n5\r\nworld\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n");
    assert_eq!(request.send().await.unwrap().status(), 200);
    assert_eq!(read(&client, "chunked").await.unwrap(), "hello world");
}
