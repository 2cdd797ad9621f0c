//! The object store, as the configuration describes it.

use checkpoint::{Store, StoreOptions};
use config::{Config, options};
use streaming::{Error, Result};

/// Opens the store of checkpoints.
pub fn open(config: &Config) -> Result<Store> {
    let url = config.get(options::CHECKPOINT_DIRECTORY);
    let store_options = StoreOptions {
        s3_endpoint: config.get(options::S3_ENDPOINT),
        s3_region: config.get(options::S3_REGION),
        s3_access_key: config.get(options::S3_ACCESS_KEY),
        s3_secret_key: config.get(options::S3_SECRET_KEY),
        s3_path_style: config.get(options::S3_PATH_STYLE),
        request_timeout: config.get(options::STORE_TIMEOUT),
        connect_timeout: config.get(options::STORE_CONNECT_TIMEOUT),
        retries: config.get(options::STORE_RETRIES),
    };
    Store::open(&url, &store_options).map_err(|error| Error::external("execution.checkpointing.dir", error))
}
