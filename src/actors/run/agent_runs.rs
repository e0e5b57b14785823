//! What the agents of one run do, recorded as each of them ends, however it ends: counted, logged,
//! and kept for the row that is stored with what the run comes to.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use slog::{Logger, debug, warn};

use super::context::RunContext;
use crate::agents::Started;
use llm::Answer;
use model::PlanId;
use store::{AgentOutcome, AgentRun};
use telemetry::{Telemetry, figures::metrics, log::events};
use wire::{ApiError, ErrorCode};

/// Why an agent came to no result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AgentError {
    #[error("{agent} took longer than {} s", limit.as_secs())]
    Late { agent: &'static str, limit: Duration },
    #[error(transparent)]
    Failed(#[from] ApiError),
}

impl From<AgentError> for ApiError {
    fn from(error: AgentError) -> Self {
        match error {
            AgentError::Late { .. } => Self::new(ErrorCode::Unavailable, error.to_string()),
            AgentError::Failed(error) => error,
        }
    }
}

/// The ended agents of a run, in the order of their ends. A clone shares them.
#[derive(Clone)]
pub(crate) struct AgentRuns {
    plan: PlanId,
    log: Logger,
    telemetry: Telemetry,
    ended: Arc<Mutex<Vec<AgentRun>>>,
}

impl AgentRuns {
    pub(crate) fn new(context: &RunContext, plan: PlanId, log: &Logger) -> Self {
        Self { plan, log: log.clone(), telemetry: context.telemetry.clone(), ended: Arc::default() }
    }

    /// An agent begins.
    pub(crate) fn start(&self, agent: &'static str) -> AgentAtWork {
        AgentAtWork { runs: self.clone(), agent, started: Some(Started::now(self.plan)) }
    }

    /// Those that have ended.
    pub(crate) fn ended(&self) -> Vec<AgentRun> {
        self.lock().clone()
    }

    fn add(&self, run: AgentRun, error: Option<&str>) {
        let took = run.ended_at.duration_since(run.started_at).unsigned_abs();
        self.telemetry.observe(metrics::AGENT_SECONDS, &[&run.agent], took);
        self.telemetry.inc(metrics::AGENT_RUNS, &[&run.agent, run.outcome.as_str()]);
        self.note_fallback(&run);
        if let Some(error) = error {
            warn!(self.log, "an agent failed"; events::AGENT_FAILED, "agent" => &run.agent,
                "error" => error);
        }
        debug!(self.log, "an agent ended"; events::AGENT_FINISHED, "agent" => &run.agent,
            "outcome" => run.outcome.as_str(), "ms" => took.as_millis() as u64);
        self.lock().push(run);
    }

    /// Logs that the built-in rules stood in for a model.
    fn note_fallback(&self, run: &AgentRun) {
        let reason = run.detail.as_ref().and_then(|detail| detail["reason"].as_str());
        if let (AgentOutcome::Fallback, None, Some(reason)) = (run.outcome, &run.model, reason) {
            warn!(self.log, "the rules answered in place of a model"; events::LLM_FALLBACK,
                "agent" => &run.agent, "reason" => reason);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<AgentRun>> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An agent that has not ended yet. Dropped so, it was cancelled, with the run that it worked for.
pub(crate) struct AgentAtWork {
    runs: AgentRuns,
    agent: &'static str,
    /// None once it has ended.
    started: Option<Started>,
}

impl AgentAtWork {
    /// It did its work, without an LLM server.
    pub(crate) fn finished(mut self) {
        self.end(AgentOutcome::Ok, None);
    }

    /// Its answer came from the LLM gateway.
    pub(crate) fn answered(mut self, answer: &Answer) {
        if let Some(started) = self.started.take() {
            self.runs.add(started.answered(self.agent, answer), None);
        }
    }

    pub(crate) fn failed(mut self, error: &AgentError) {
        let outcome = match error {
            AgentError::Late { .. } => AgentOutcome::TimedOut,
            AgentError::Failed(_) => AgentOutcome::Failed,
        };
        self.end(outcome, Some(&error.to_string()));
    }

    fn end(&mut self, outcome: AgentOutcome, error: Option<&str>) {
        if let Some(started) = self.started.take() {
            self.runs.add(started.ended(self.agent, outcome), error);
        }
    }
}

impl Drop for AgentAtWork {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.end(AgentOutcome::Failed, Some("panicked"));
        } else {
            self.end(AgentOutcome::Cancelled, None);
        }
    }
}
