//! Administration on the wire: reload, drain.

use serde::{Deserialize, Serialize};

/// Reply of `POST /v1/admin/reload`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reloaded {
    /// In force from now on.
    pub changed: Vec<ChangedSetting>,
    /// In force after the next start.
    pub needs_restart: Vec<ChangedSetting>,
}

/// A setting whose value changed. Values are as in TOML; passwords are masked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangedSetting {
    pub key: String,
    pub from: String,
    pub to: String,
}

/// Body of `POST /v1/admin/drain`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DrainDaemon {
    /// Claim plans again.
    #[serde(default)]
    pub undo: bool,
}
