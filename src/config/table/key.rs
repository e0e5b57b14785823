//! One setting: its name, what it takes, and where it lives.

use super::value::{Kind, Value};

/// A key of section type `T`: the one place that knows its name, unit, range and meaning. Its
/// default is that of `T`.
#[derive(Clone, Copy, Debug)]
pub struct Key<T: 'static> {
    /// Dotted: `database.pool_size`.
    pub name: &'static str,
    pub kind: Kind,
    /// Of a number, e.g. `connections`; empty where the kind says it.
    pub unit: &'static str,
    /// One sentence without a full stop.
    pub what: &'static str,
    pub(crate) get: fn(&T) -> Value,
    pub(crate) set: fn(&mut T, Value) -> bool,
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

    /// Whether it says something about one machine, such as a path or an address, and so has no
    /// place in a profile.
    pub fn is_site(&self) -> bool {
        self.name.starts_with("paths.")
            || self.name.starts_with("control.")
            || self.name == "llm.gpu_memory_mib"
            || matches!(self.kind, Kind::Path | Kind::SecretUrl)
    }

    /// As TOML; the password of a connection URL is masked.
    pub(crate) fn toml_value(&self, settings: &T) -> String {
        let value = match (self.get)(settings) {
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
