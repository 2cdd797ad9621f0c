//! What the attempt to create a log record means.

use streaming::Term;

use super::Nonce;

/// What is known about a position after a try to create a record there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// The store says that it has created the record.
    Created,
    /// This record is there.
    Record { term: Term, nonce: Nonce },
    /// The outcome is not known, or something is there that cannot be read yet.
    Unknown,
}

/// What the writer does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// The record is ours.
    GoOn,
    /// Another leader has taken over: stop.
    Stop { by: Term },
    /// The last word of a predecessor: take it in and append behind it.
    TakeIn,
    /// Read, then try the same position again.
    TryAgain,
}

/// The table of the design: a writer of `term` tried to create its record `nonce`.
pub fn decide(term: Term, nonce: Nonce, found: Found) -> Action {
    match found {
        Found::Created => Action::GoOn,
        Found::Record {
            nonce: theirs,
            term: by,
        } if theirs == nonce && by == term => Action::GoOn,
        Found::Record { term: by, .. } if by < term => Action::TakeIn,
        // An equal term with another nonce is a second writer that claims our term; it was first.
        Found::Record { term: by, .. } => Action::Stop { by },
        Found::Unknown => Action::TryAgain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_answer_of_the_store_has_its_action() {
        let record = |term, nonce| Found::Record {
            term: Term(term),
            nonce: Nonce(nonce),
        };
        let cases = [
            (Found::Created, Action::GoOn),
            (record(5, 1), Action::GoOn),
            (record(6, 2), Action::Stop { by: Term(6) }),
            (record(6, 1), Action::Stop { by: Term(6) }),
            (record(5, 2), Action::Stop { by: Term(5) }),
            (record(4, 2), Action::TakeIn),
            (record(4, 1), Action::TakeIn),
            (Found::Unknown, Action::TryAgain),
        ];
        for (found, action) in cases {
            assert_eq!(decide(Term(5), Nonce(1), found), action, "{found:?}");
        }
    }
}
