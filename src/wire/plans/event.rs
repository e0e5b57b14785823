//! What happens to a plan, as it happens: the events of `plan watch`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use model::PlanState;

/// One step of a plan. Sent as a server-sent event: `id` = `seq`, `event` = `kind`, `data` = this.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlanEvent {
    /// Ascending within the plan, from 1; 0 for a step that is told as it happens and not stored.
    pub seq: u64,
    pub at: Timestamp,
    /// What happened, in the past tense: `submitted`, `state_changed`, `agent_finished`,
    /// `round_finished`, `options_found` …; readers ignore what they don't know.
    pub kind: String,
    /// The plan's new state, where it changed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub state: Option<PlanState>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub round: Option<u32>,
    /// Fitness of the best combination so far.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub best: Option<f64>,
    /// Upper bound so far.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub bound: Option<f64>,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub message: Option<String>,
}
