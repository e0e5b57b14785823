//! What every run of a plan works with, and how it can end without a result.

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::{
    agent_runs::AgentError,
    event_hub::PlanEvents,
    round_zero::{AgentLimits, Peers},
};
use crate::task_spawner::TaskSpawner;
use llm::Priority;
use model::PlanId;
use settings::Settings;
use store::{AgentRun, AuditEvent, Store, StoreError};
use telemetry::Telemetry;
use wire::{ApiError, ErrorCode};

/// What every run needs. Cheap to clone.
#[derive(Clone)]
pub struct RunContext {
    pub store: Store,
    pub work: TaskSpawner,
    pub(crate) peers: Peers,
    pub events: PlanEvents,
    pub telemetry: Telemetry,
    /// As they were when the run began.
    pub settings: Arc<Settings>,
    /// This process's name in leases; nobody else has ever had it.
    pub owner: Arc<str>,
    /// Searches at the same time: one per core.
    pub(crate) cores: Arc<Semaphore>,
}

impl RunContext {
    /// A plan that somebody watches goes before those that wait for nobody.
    pub(crate) fn agent_limits(&self, plan: PlanId) -> AgentLimits {
        let is_watched = self.events.is_watched(plan);
        let priority = if is_watched { Priority::Interactive } else { Priority::Background };
        AgentLimits::of(&self.settings.workflow, priority)
    }
}

/// Why a run ended without what it was to bring about.
#[derive(Debug)]
pub(crate) enum RunError {
    Interrupted(Interrupt),
    /// Another daemon claimed the plan, or somebody changed its state: nothing more to do here.
    NotOurs,
    /// Something that the plan needs was away or busy: worth another try.
    Passing(String),
    /// The plan, or a bug that it brings out: worth few more tries.
    Failed(String),
    /// The same every time.
    Final(String),
}

impl From<ApiError> for RunError {
    fn from(error: ApiError) -> Self {
        match error.code {
            ErrorCode::Busy | ErrorCode::Unavailable | ErrorCode::Timeout => {
                Self::Passing(error.to_string())
            }
            ErrorCode::Internal => Self::Failed(error.to_string()),
            _ => Self::Final(error.to_string()),
        }
    }
}

impl From<AgentError> for RunError {
    fn from(error: AgentError) -> Self {
        ApiError::from(error).into()
    }
}

impl From<StoreError> for RunError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Fenced { .. } | StoreError::WrongState { .. } => Self::NotOurs,
            StoreError::NoSuchPlan { .. } => Self::NotOurs,
            error if error.is_transient() || error.is_outage() => Self::Passing(error.to_string()),
            error => Self::Final(error.to_string()),
        }
    }
}

/// Why a run is to end early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interrupt {
    /// Somebody cancelled the plan.
    Cancelled,
    /// The daemon stops: give the plan back.
    Drained,
    /// Another daemon has the plan now: drop the work.
    Fenced,
}

/// What the audit says of an agent, and of the reply that it used.
pub(crate) fn agent_event(run: &AgentRun) -> AuditEvent {
    AuditEvent::new(
        "agent",
        serde_json::json!({
            "agent": run.agent,
            "outcome": run.outcome,
            "server": run.server,
            "model": run.model,
            "detail": run.detail,
        }),
    )
}
