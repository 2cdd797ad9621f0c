//! Conditional headers and ranges. Pure.

use std::ops::Range;

use axum::http::{HeaderMap, HeaderName, header};

use super::error::{Error, Result};

/// `If-Match` and `If-None-Match` of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conditions {
    if_match: Option<String>,
    if_none_match: Option<String>,
}

impl Conditions {
    pub fn parse(headers: &HeaderMap) -> Conditions {
        let text = |name: HeaderName| {
            headers
                .get(name)
                .and_then(|value| value.to_str().ok())
                .map(str::to_string)
        };
        Conditions {
            if_match: text(header::IF_MATCH),
            if_none_match: text(header::IF_NONE_MATCH),
        }
    }

    /// Whether an object with this ETag, or none, may be replaced.
    pub fn allow_write(&self, current: Option<&str>) -> Result<()> {
        match (&self.if_match, current) {
            (Some(_), None) => return Err(Error::NoSuchKey),
            (Some(wanted), Some(etag)) if !names(wanted, etag) => return Err(Error::PreconditionFailed),
            _ => {}
        }
        match (&self.if_none_match, current) {
            (Some(unwanted), Some(etag)) if names(unwanted, etag) => Err(Error::PreconditionFailed),
            _ => Ok(()),
        }
    }

    /// Whether an object with this ETag is to be sent.
    pub fn allow_read(&self, etag: &str) -> Result<()> {
        if self.if_match.as_ref().is_some_and(|wanted| !names(wanted, etag)) {
            return Err(Error::PreconditionFailed);
        }
        if self
            .if_none_match
            .as_ref()
            .is_some_and(|unwanted| names(unwanted, etag))
        {
            return Err(Error::NotModified);
        }
        Ok(())
    }
}

/// Whether a list of ETags, or `*`, includes this one.
fn names(list: &str, etag: &str) -> bool {
    let bare = |tag: &str| tag.trim().trim_start_matches("W/").trim_matches('"').to_string();
    list.split(',').any(|tag| tag.trim() == "*" || bare(tag) == bare(etag))
}

/// The bytes a `Range` header asks for; `None`: the whole object, which is also the answer to a header not understood.
pub fn range(header: Option<&str>, bytes: u64) -> Result<Option<Range<u64>>> {
    let Some((first, last)) = header.and_then(|value| value.strip_prefix("bytes=")?.split_once('-')) else {
        return Ok(None);
    };
    let number = |text: &str| text.trim().parse::<u64>().ok();
    let range = match (number(first), number(last)) {
        (Some(first), Some(last)) if first <= last => first..last.saturating_add(1).min(bytes),
        (Some(first), None) if last.trim().is_empty() => first..bytes,
        (None, Some(length)) if first.trim().is_empty() => bytes - length.min(bytes)..bytes,
        _ => return Ok(None),
    };
    if range.start >= range.end {
        Err(Error::InvalidRange)
    } else {
        Ok(Some(range))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conditions(if_match: Option<&str>, if_none_match: Option<&str>) -> Conditions {
        Conditions {
            if_match: if_match.map(str::to_string),
            if_none_match: if_none_match.map(str::to_string),
        }
    }

    #[test]
    fn writes_are_allowed_as_their_conditions_say() {
        let create = conditions(None, Some("*"));
        assert!(create.allow_write(None).is_ok());
        assert!(matches!(
            create.allow_write(Some("\"a\"")),
            Err(Error::PreconditionFailed)
        ));
        let update = conditions(Some("\"a\""), None);
        assert!(update.allow_write(Some("\"a\"")).is_ok());
        assert!(matches!(
            update.allow_write(Some("\"b\"")),
            Err(Error::PreconditionFailed)
        ));
        assert!(matches!(update.allow_write(None), Err(Error::NoSuchKey)));
    }

    #[test]
    fn an_unchanged_object_is_not_sent_again() {
        assert!(matches!(
            conditions(None, Some("\"x\", \"a\"")).allow_read("\"a\""),
            Err(Error::NotModified)
        ));
        assert!(matches!(
            conditions(Some("b"), None).allow_read("\"a\""),
            Err(Error::PreconditionFailed)
        ));
    }

    #[test]
    fn ranges_are_cut_to_the_object() {
        let of_ten = |header| range(Some(header), 10).ok().map(|range| range.unwrap_or(0..10));
        assert_eq!(of_ten("bytes=2-4"), Some(2..5));
        assert_eq!(of_ten("bytes=2-400"), Some(2..10));
        assert_eq!(of_ten("bytes=7-"), Some(7..10));
        assert_eq!(of_ten("bytes=-3"), Some(7..10));
        assert_eq!(of_ten("bytes=-30"), Some(0..10));
        assert_eq!(of_ten("bytes=10-"), None);
        assert_eq!(of_ten("lines=1-2"), Some(0..10));
    }
}
