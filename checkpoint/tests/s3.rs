//! The store over the wire.

#![allow(clippy::unwrap_used)]

use checkpoint::{Cluster, Created, Error, Object, Position, Store, StoreOptions};
use streaming::{JobId, Term};

/// Needs an S3 service with a bucket: `S3_TEST_ENDPOINT=http://127.0.0.1:9000 S3_TEST_BUCKET=bettiflow
/// AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=… cargo test -p checkpoint --test s3 -- --ignored`
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs an S3 service"]
async fn of_many_writers_of_one_object_exactly_one_wins() {
    let options = StoreOptions {
        s3_endpoint: Some(std::env::var("S3_TEST_ENDPOINT").unwrap()),
        s3_path_style: true,
        ..StoreOptions::default()
    };
    let bucket = std::env::var("S3_TEST_BUCKET").unwrap();
    let folder: u64 = rand::random();
    let store = Store::open(&format!("s3://{bucket}/{folder:x}"), &options).unwrap();
    let cluster = Cluster::new("test");
    let job = JobId(1);
    for position in 0..20 {
        let position = Position(position);
        let path = cluster.path(&Object::Log { job, position });
        let writers = (0..16u32).map(|writer| {
            let (store, path) = (store.clone(), path.clone());
            tokio::spawn(async move { store.create_if_absent(&path, writer.to_string().into()).await.unwrap() })
        });
        let outcomes = futures::future::join_all(writers).await;
        let winners: Vec<_> = (0..16)
            .filter(|&i| *outcomes[i].as_ref().unwrap() == Created::New)
            .collect();
        assert_eq!(winners.len(), 1, "position {position}");
        assert_eq!(store.read(&path).await.unwrap(), winners[0].to_string());
    }
    let listed = store.list(&cluster.log(job)).await.unwrap();
    assert_eq!(listed.len(), 20);
    let after = store.list_after(&cluster.log(job), &listed[17].path).await.unwrap();
    assert_eq!(after, &listed[18..]);
    assert_eq!(store.folders(&cluster.jobs()).await.unwrap(), [job.to_string()]);
    store.delete(&listed[0].path).await.unwrap();
    store.delete(&listed[0].path).await.unwrap();
    let missing = store.read(&cluster.path(&Object::Leader(Term(9)))).await;
    assert!(matches!(missing, Err(Error::NotFound { .. })));
}
