//! One setting: its name, what it takes, and where it lives.

use super::{
    sections::{Holds, Section, section_of},
    value::{Kind, Value},
};

/// A key of section type `T`: the one place that knows its name, unit, range and meaning, and when
/// a change of it holds. Its default is that of `T`.
#[derive(Clone, Copy, Debug)]
pub struct Key<T: 'static> {
    /// Dotted: `database.pool_size`.
    pub name: &'static str,
    pub kind: Kind,
    /// Of a number, e.g. `connections`; empty where the kind says it.
    pub unit: &'static str,
    /// One sentence without a full stop.
    pub what: &'static str,
    /// Which of several rows it belongs to: the alert's place in its table, else 0.
    pub(super) row: usize,
    pub(super) get: fn(&T, usize) -> Value,
    pub(super) set: fn(&mut T, usize, Value) -> bool,
    /// Where it differs from its section.
    pub(super) holds: Option<Holds>,
    /// Whether it is about one machine, though its section isn't.
    pub(super) is_site: bool,
}

impl<T> Key<T> {
    /// The section: everything before the last dot.
    pub fn section(&self) -> &'static str {
        self.name.rsplit_once('.').map_or("", |(section, _)| section)
    }

    /// The name inside its section.
    pub(crate) fn short_name(&self) -> &'static str {
        self.name.rsplit_once('.').map_or(self.name, |(_, name)| name)
    }

    /// A change of it holds at once, other than of its section's keys.
    pub(super) const fn live(mut self) -> Self {
        self.holds = Some(Holds::AtOnce);
        self
    }

    /// A change of it holds from the next start on, other than of its section's keys.
    pub(super) const fn at_the_start(mut self) -> Self {
        self.holds = Some(Holds::FromTheStart);
        self
    }

    /// It is about one machine.
    pub(super) const fn site(mut self) -> Self {
        self.is_site = true;
        self
    }

    pub(crate) fn value(&self, settings: &T) -> Value {
        (self.get)(settings, self.row)
    }

    /// False where the value is of another kind than the field, or too large for it.
    pub(crate) fn set(&self, settings: &mut T, value: Value) -> bool {
        (self.set)(settings, self.row, value)
    }

    /// Whether it says something about one machine, such as a path or an address, and so has no
    /// place in a profile.
    pub fn is_site(&self) -> bool {
        self.is_site
            || section_of(self.name).is_some_and(Section::is_site)
            || matches!(self.kind, Kind::Path | Kind::SecretUrl)
    }

    /// Whether a reload puts a change of it in force.
    pub(crate) fn is_live(&self) -> bool {
        let holds = self.holds.or_else(|| section_of(self.name).map(|section| section.holds));
        holds == Some(Holds::AtOnce)
    }

    /// As TOML; the password of a connection URL is masked.
    pub(crate) fn toml_value(&self, settings: &T) -> String {
        let value = match self.value(settings) {
            Value::Text(url) if self.kind == Kind::SecretUrl => {
                Value::Text(crate::sources::database_url::masked_url(&url))
            }
            value => value,
        };
        value.to_toml(&self.kind)
    }

    /// What a reader of a settings file wants to know: meaning, unit, default, range.
    pub(crate) fn annotation(&self, defaults: &T) -> String {
        let unit = if self.unit.is_empty() { String::new() } else { format!("{}; ", self.unit) };
        let default = self.toml_value(defaults);
        let range = match self.kind {
            // Their defaults say what they take.
            Kind::Switch | Kind::Text | Kind::Path => String::new(),
            _ => format!("; {}", self.kind.range()),
        };
        format!("{} ({unit}default {default}{range})", self.what)
    }
}
