//! What happened, on the wire: events of all plans and runs of agents, newest first.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use model::PlanId;

/// Query of `GET /v1/history`. Everything is optional and all of it must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HistoryQuery {
    /// Runs of agents in place of events.
    #[serde(default)]
    pub runs: bool,
    /// Kind of an event, e.g. `state`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub kind: Option<String>,
    /// Runs of this agent.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub agent: Option<String>,
    /// Runs that failed or took too long.
    #[serde(default)]
    pub failed: bool,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub since: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub until: Option<Timestamp>,
    /// 1–1,000; 50 where absent.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub limit: Option<u32>,
}

/// Reply of `GET /v1/history`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct History {
    pub entries: Vec<HistoryEntry>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HistoryEntry {
    pub at: Timestamp,
    pub plan: PlanId,
    /// Kind of the event, or name of the agent.
    pub what: String,
    /// How a run ended; absent for an event.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub outcome: Option<String>,
    pub detail: serde_json::Value,
}
