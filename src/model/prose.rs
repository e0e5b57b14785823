//! The connecting text of a blueprint.

use serde::{Deserialize, Serialize};

/// Plain sentences without markup, prices or contacts, and without any number or name that isn't
/// among the event's facts. Whoever tells it escapes it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Prose {
    /// What the event will be, in two to four sentences; at most 700 characters.
    pub summary: String,
    /// How it will feel; at most 500 characters.
    pub atmosphere: String,
    /// A welcome for the guests; at most 400 characters.
    pub arrival_note: String,
    /// A last sentence; at most 300 characters.
    pub closing: String,
}
