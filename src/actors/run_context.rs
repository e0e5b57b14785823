//! What every run of a plan works with, and how it can end without a result.

use std::sync::Arc;

use slog::{Logger, debug, warn};
use tokio::sync::Semaphore;

use super::{
    briefing::{BriefingLimits, Peers},
    plan_events::PlanEvents,
    work::Work,
};
use crate::{
    config::WorkflowSettings,
    control::{ApiError, ErrorCode},
    llm::Priority,
    model::PlanId,
    planning::settings::SearchSettings,
    store::{AgentOutcome, AgentRun, AuditEvent, Store, StoreError},
    telemetry::{Telemetry, events, metrics},
};

/// What a run needs of the settings.
#[derive(Clone, Debug)]
pub struct RunSettings {
    pub search: SearchSettings,
    pub workflow: WorkflowSettings,
}

/// What every run needs. Cheap to clone.
#[derive(Clone)]
pub struct RunContext {
    pub store: Store,
    pub work: Work,
    pub peers: Peers,
    pub events: PlanEvents,
    pub telemetry: Telemetry,
    pub settings: Arc<RunSettings>,
    /// This daemon's name in leases: the same after a restart, and nobody else's.
    pub owner: Arc<str>,
    /// Searches at the same time: one per core.
    pub cores: Arc<Semaphore>,
}

impl RunContext {
    /// A plan that somebody watches goes before those that wait for nobody.
    pub fn briefing_limits(&self, plan: PlanId) -> BriefingLimits {
        let workflow = &self.settings.workflow;
        let parallel = if workflow.parallel_agents { workflow.max_parallel_agents } else { 1 };
        let is_watched = self.events.is_watched(plan);
        let priority = if is_watched { Priority::Interactive } else { Priority::Background };
        BriefingLimits { parallel, agent_timeout: workflow.agent_timeout, priority }
    }
}

/// Why a run ended without what it was to bring about.
#[derive(Debug)]
pub enum RunError {
    Interrupted(Interrupt),
    /// Another daemon claimed the plan, or somebody changed its state: nothing more to do here.
    NotOurs,
    /// Worth another try.
    Passing(String),
    /// The same every time.
    Final(String),
}

impl From<ApiError> for RunError {
    fn from(error: ApiError) -> Self {
        match error.code {
            ErrorCode::Busy | ErrorCode::Unavailable | ErrorCode::Timeout | ErrorCode::Internal => {
                Self::Passing(error.to_string())
            }
            _ => Self::Final(error.to_string()),
        }
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

/// Puts the agents' runs on record. They are for people: a failure here costs the plan nothing.
pub async fn report_agents(context: &RunContext, log: &Logger, runs: &[AgentRun]) {
    for run in runs {
        let took = run.ended_at.duration_since(run.started_at).unsigned_abs();
        context.telemetry.observe(metrics::AGENT_SECONDS, &[&run.agent], took);
        context.telemetry.inc(metrics::AGENT_RUNS, &[&run.agent, run.outcome.as_str()]);
        note_fallback(log, run);
        debug!(log, "an agent ended"; events::AGENT_FINISHED, "agent" => &run.agent,
            "outcome" => run.outcome.as_str(), "ms" => took.as_millis() as u64);
        if let Err(error) = context.store.add_agent_run(run).await {
            warn!(log, "an agent's run was not recorded"; "error" => %error);
        }
    }
}

/// Logs that the built-in rules stood in for a model.
fn note_fallback(log: &Logger, run: &AgentRun) {
    let reason = run.detail.as_ref().and_then(|detail| detail["reason"].as_str());
    if let (AgentOutcome::Fallback, None, Some(reason)) = (run.outcome, &run.model, reason) {
        warn!(log, "the rules answered in place of a model"; events::LLM_FALLBACK,
            "agent" => &run.agent, "reason" => reason);
    }
}

/// What the audit says of an agent.
pub fn agent_event(run: &AgentRun) -> AuditEvent {
    AuditEvent::new(
        "agent",
        serde_json::json!({
            "agent": run.agent,
            "outcome": run.outcome,
            "server": run.server,
            "model": run.model,
        }),
    )
}
