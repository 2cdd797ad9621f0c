//! One option: its name, type, default and meaning.

use std::marker::PhantomData;

use crate::value::Value;

/// An option whose value is a `T`. The constants of this type in [`crate::options`] are the only ones.
#[derive(Debug, Clone, Copy)]
pub struct Opt<T: 'static> {
    pub entry: Entry,
    value: PhantomData<fn() -> T>,
}

/// An option, whatever its type.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    pub key: &'static str,
    /// Older names of Flink's, accepted silently.
    pub aliases: &'static [&'static str],
    /// What kind of value it has, in the words of the documentation: `duration`.
    pub kind: &'static str,
    /// As it would be written in the file; empty where the option is unset by default.
    pub default: &'static str,
    pub doc: &'static str,
    /// Its value is never shown.
    pub secret: bool,
    /// Inclusive limits of numbers; of durations in seconds, of sizes in bytes.
    pub limits: Option<(f64, f64)>,
    /// Only the default is accepted: better a refusal than a promise of safety that is not kept.
    pub unavailable: bool,
    check: fn(&str) -> Result<Option<f64>, String>,
    remark: fn(&str) -> Option<String>,
}

impl<T: Value> Opt<T> {
    pub(crate) const fn new(key: &'static str, default: &'static str, doc: &'static str) -> Self {
        let entry = Entry {
            key,
            aliases: &[],
            kind: T::KIND,
            default,
            doc,
            secret: false,
            limits: None,
            unavailable: false,
            check: check::<T>,
            remark: T::remark,
        };
        Self {
            entry,
            value: PhantomData,
        }
    }

    pub(crate) const fn or(mut self, aliases: &'static [&'static str]) -> Self {
        self.entry.aliases = aliases;
        self
    }

    pub(crate) const fn secret(mut self) -> Self {
        self.entry.secret = true;
        self
    }

    pub(crate) const fn between(mut self, least: f64, most: f64) -> Self {
        self.entry.limits = Some((least, most));
        self
    }

    pub(crate) const fn unavailable(mut self) -> Self {
        self.entry.unavailable = true;
        self
    }
}

impl Entry {
    /// The canonical name, then the aliases.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.key).chain(self.aliases.iter().copied())
    }

    /// Whether `text` is a value of this option; if not, what would be.
    pub fn check(&self, text: &str) -> Result<(), String> {
        let number = (self.check)(text)?;
        if self.unavailable && text != self.default {
            return Err(format!("{}: this version cannot do it yet", self.default));
        }
        match (self.limits, number) {
            (Some((least, most)), Some(number)) if !(least..=most).contains(&number) => {
                Err(self.limits_in_words().unwrap_or_default())
            }
            _ => Ok(()),
        }
    }

    /// `at least 1`, `from 0 to 1`; in the unit of [`Entry::limits`].
    pub fn limits_in_words(&self) -> Option<String> {
        let unit = match self.kind {
            "duration" => " s",
            "memory size" => " bytes",
            _ => "",
        };
        let (least, most) = self.limits?;
        Some(if most == f64::INFINITY {
            format!("at least {least}{unit}")
        } else {
            format!("{least} to {most}{unit}")
        })
    }

    /// What to tell the user about a value that is allowed but not taken literally.
    pub fn remark(&self, text: &str) -> Option<String> {
        (self.remark)(text)
    }
}

fn check<T: Value>(text: &str) -> Result<Option<f64>, String> {
    match T::parse(text) {
        Some(value) => Ok(value.number()),
        None => Err(T::allowed()),
    }
}
