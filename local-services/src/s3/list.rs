//! Listing a bucket in pages, with common prefixes. Pure.

use std::collections::BTreeMap;
use std::ops::Bound;

/// What to list.
#[derive(Clone, Debug, Default)]
pub struct Query {
    pub prefix: String,
    pub delimiter: String,
    pub after: Position,
    pub max: usize,
}

/// Where a page ended, and so where the next begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Position {
    #[default]
    Start,
    /// After this key.
    Key(String),
    /// After all keys with this prefix.
    Prefix(String),
}

/// One page.
#[derive(Debug)]
pub struct Page<'a, T> {
    pub objects: Vec<(&'a String, &'a T)>,
    pub prefixes: Vec<String>,
    /// Where to go on, if there is more.
    pub next: Option<Position>,
}

impl Position {
    /// An opaque form for clients.
    pub fn to_token(&self) -> String {
        let text = match self {
            Position::Start => String::new(),
            Position::Key(key) => format!("k{key}"),
            Position::Prefix(prefix) => format!("p{prefix}"),
        };
        text.bytes().map(|byte| format!("{byte:02x}")).collect()
    }

    pub fn from_token(token: &str) -> Option<Position> {
        let byte = |at: usize| token.get(at..at + 2).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        let bytes: Option<Vec<u8>> = (0..token.len()).step_by(2).map(byte).collect();
        let mut text = String::from_utf8(bytes?).ok()?;
        let rest = if text.is_empty() {
            String::new()
        } else {
            text.split_off(1)
        };
        match text.as_str() {
            "k" => Some(Position::Key(rest)),
            "p" => Some(Position::Prefix(rest)),
            _ => None,
        }
    }

    fn lower_bound(&self) -> Bound<String> {
        match self {
            Position::Start => Bound::Unbounded,
            Position::Key(key) => Bound::Excluded(key.clone()),
            // No key that starts with the prefix is greater than this.
            Position::Prefix(prefix) => Bound::Excluded(format!("{prefix}{}", char::MAX)),
        }
    }
}

/// The page of `objects` that the query asks for. Cost: one look-up per entry of the page.
pub fn list<'a, T>(objects: &'a BTreeMap<String, T>, query: &Query) -> Page<'a, T> {
    let mut page = Page {
        objects: Vec::new(),
        prefixes: Vec::new(),
        next: None,
    };
    let mut position = query.after.clone();
    loop {
        let from = later(position.lower_bound(), &query.prefix);
        let Some((key, object)) = objects.range((from, Bound::Unbounded)).next() else {
            return page;
        };
        let Some(rest) = key.strip_prefix(query.prefix.as_str()) else {
            return page;
        };
        if page.objects.len() + page.prefixes.len() == query.max {
            page.next = Some(position);
            return page;
        }
        let common = if query.delimiter.is_empty() {
            None
        } else {
            rest.find(query.delimiter.as_str())
        };
        position = match common {
            Some(at) => {
                let prefix = key[..query.prefix.len() + at + query.delimiter.len()].to_string();
                page.prefixes.push(prefix.clone());
                Position::Prefix(prefix)
            }
            None => {
                page.objects.push((key, object));
                Position::Key(key.clone())
            }
        };
    }
}

fn later(bound: Bound<String>, prefix: &str) -> Bound<String> {
    match bound {
        Bound::Excluded(key) if key.as_str() >= prefix => Bound::Excluded(key),
        _ => Bound::Included(prefix.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all_pages(keys: &[&str], prefix: &str, delimiter: &str, max: usize) -> (Vec<String>, Vec<String>) {
        let objects: BTreeMap<String, ()> = keys.iter().map(|key| (key.to_string(), ())).collect();
        let mut query = Query {
            prefix: prefix.into(),
            delimiter: delimiter.into(),
            after: Position::Start,
            max,
        };
        let (mut found, mut prefixes) = (Vec::new(), Vec::new());
        loop {
            let page = list(&objects, &query);
            assert!(page.objects.len() + page.prefixes.len() <= max);
            found.extend(page.objects.iter().map(|(key, _)| key.to_string()));
            prefixes.extend(page.prefixes);
            match page.next {
                Some(next) => query.after = Position::from_token(&next.to_token()).unwrap(),
                None => return (found, prefixes),
            }
        }
    }

    #[test]
    fn pages_of_every_size_hold_every_entry_once() {
        let keys = ["a", "a-b", "a/1", "a/2/x", "a/2/y", "a/3", "b", "b/ü", "c/d/e"];
        for max in 1..12 {
            assert_eq!(all_pages(&keys, "", "", max).0, keys);
            let (objects, prefixes) = all_pages(&keys, "", "/", max);
            assert_eq!(
                (objects, prefixes),
                (owned(&["a", "a-b", "b"]), owned(&["a/", "b/", "c/"])),
                "{max} a page"
            );
            let (objects, prefixes) = all_pages(&keys, "a/", "/", max);
            assert_eq!(
                (objects, prefixes),
                (owned(&["a/1", "a/3"]), owned(&["a/2/"])),
                "{max} a page"
            );
        }
    }

    fn owned(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| text.to_string()).collect()
    }
}
