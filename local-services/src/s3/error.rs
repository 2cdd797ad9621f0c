//! What S3 answers when it cannot do as asked, and what keeps the service from starting.

use std::io;
use std::path::PathBuf;

use axum::body::Body;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::xml;

/// An error of S3; its variants are named by S3's codes.
#[allow(clippy::enum_variant_names)]
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the bucket does not exist")]
    NoSuchBucket,
    #[error("the key does not exist")]
    NoSuchKey,
    #[error("the multipart upload does not exist; a restart ends all uploads")]
    NoSuchUpload,
    #[error("the bucket exists already")]
    BucketAlreadyOwnedByYou,
    #[error("the bucket still holds objects")]
    BucketNotEmpty,
    #[error("bucket names have 3 to 63 lower-case letters, digits, dots and hyphens")]
    InvalidBucketName,
    #[error("keys have 1 to 1024 bytes")]
    KeyTooLongError,
    #[error("a precondition does not hold")]
    PreconditionFailed,
    #[error("the object is unchanged")]
    NotModified,
    #[error("the range lies outside of the object")]
    InvalidRange,
    #[error("a part is missing or has another ETag")]
    InvalidPart,
    #[error("parts are not in ascending order")]
    InvalidPartOrder,
    #[error("a part that is not the last is smaller than 5 MiB")]
    EntityTooSmall,
    #[error("the body is larger than 5 GiB")]
    EntityTooLarge,
    #[error("the body ended early")]
    IncompleteBody,
    #[error("the XML is not understood")]
    MalformedXML,
    #[error("{0}")]
    InvalidArgument(&'static str),
    #[error("{0} is not offered by local-services")]
    NotImplemented(String),
    #[error("too many requests at a time")]
    SlowDown,
    #[error("the file system failed: {0}")]
    InternalError(#[from] io::Error),
}

pub type Result<T> = std::result::Result<T, Error>;

/// Why the service does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("cannot prepare {path}")]
    Directory { path: PathBuf, source: io::Error },
    #[error("data directory {path} is in use by another process; stop it or choose another directory")]
    InUse { path: PathBuf },
    #[error("cannot listen on {address}")]
    Listen { address: String, source: io::Error },
    #[error("cannot create bucket {bucket}")]
    Bucket { bucket: String, source: Error },
}

impl Error {
    fn status(&self) -> StatusCode {
        match self {
            Error::NoSuchBucket | Error::NoSuchKey | Error::NoSuchUpload => StatusCode::NOT_FOUND,
            Error::BucketAlreadyOwnedByYou | Error::BucketNotEmpty => StatusCode::CONFLICT,
            Error::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
            Error::NotModified => StatusCode::NOT_MODIFIED,
            Error::InvalidRange => StatusCode::RANGE_NOT_SATISFIABLE,
            Error::NotImplemented(_) => StatusCode::NOT_IMPLEMENTED,
            Error::SlowDown => StatusCode::SERVICE_UNAVAILABLE,
            Error::InternalError(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Error::InvalidBucketName
            | Error::KeyTooLongError
            | Error::InvalidPart
            | Error::InvalidPartOrder
            | Error::EntityTooSmall
            | Error::EntityTooLarge
            | Error::IncompleteBody
            | Error::MalformedXML
            | Error::InvalidArgument(_) => StatusCode::BAD_REQUEST,
        }
    }

    /// The code is the variant's name, as S3 spells it.
    pub fn code(&self) -> String {
        let debug = format!("{self:?}");
        debug.split(['(', ' ']).next().unwrap_or_default().to_string()
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let status = self.status();
        if let Error::InternalError(error) = &self {
            tracing::error!(%error, "an S3 request failed");
        }
        if status == StatusCode::NOT_MODIFIED {
            return status.into_response();
        }
        let body = format!(
            "{}<Error><Code>{}</Code><Message>{}</Message></Error>",
            xml::DECLARATION,
            self.code(),
            xml::escape(&self.to_string())
        );
        (status, [(header::CONTENT_TYPE, "application/xml")], Body::from(body)).into_response()
    }
}
