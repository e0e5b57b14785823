//! What changes when settings are read anew, and what of it holds without a restart.

use crate::{settings::Settings, table::keys::keys};

/// A setting whose value changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Dotted: `workflow.lease`.
    pub key: String,
    /// As TOML; the password of a connection URL is masked.
    pub from: String,
    pub to: String,
    /// Whether it holds without a restart.
    pub is_live: bool,
}

impl Settings {
    /// What differs in `new`, in the order of the annotated file.
    pub fn differences(&self, new: &Self) -> Vec<Difference> {
        let mut found: Vec<Difference> = keys()
            .filter(|key| key.value(self) != key.value(new))
            .map(|key| Difference {
                key: key.name.to_owned(),
                from: key.toml_value(self),
                to: key.toml_value(new),
                is_live: key.is_live(),
            })
            .collect();
        if self.llm.endpoints != new.llm.endpoints {
            let count = |settings: &Self| format!("{} sections", settings.llm.endpoints.len());
            let (key, from, to) = ("llm.endpoints".to_owned(), count(self), count(new));
            found.push(Difference { key, from, to, is_live: false });
        }
        found
    }

    /// These settings with what `new` changes without a restart.
    pub fn with_live(&self, new: &Self) -> Self {
        let mut merged = self.clone();
        for key in keys().filter(|key| key.is_live()) {
            // A value that was in one place fits into the other.
            key.set(&mut merged, key.value(new));
        }
        merged
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_named_and_only_live_ones_are_taken_over() {
        let old = Settings::default();
        let mut new = old.clone();
        new.workflow.max_plans_in_flight = 20;
        new.workflow.nice = 19;
        new.alerts.cpu.warning = Some(60.0);
        new.database.pool_size = 30;
        new.database.url = "postgresql://u:secret@h/d".into();
        let found = old.differences(&new);
        let seen: Vec<_> = found.iter().map(|d| (d.key.as_str(), d.is_live)).collect();
        let expected = [
            ("database.url", false),
            ("database.pool_size", false),
            ("workflow.max_plans_in_flight", true),
            ("workflow.nice", false),
            ("alerts.cpu.warning", true),
        ];
        assert_eq!(seen, expected);
        assert!(!found[0].to.contains("secret"), "{}", found[0].to);
        let merged = old.with_live(&new);
        assert_eq!(merged.workflow.max_plans_in_flight, 20);
        assert_eq!(merged.database, old.database);
        assert_eq!(merged.differences(&new).len(), 3);
    }
}
