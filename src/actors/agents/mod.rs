//! The agents: each knows one part of planning. The coordinator runs them; those that don't
//! depend on each other at the same time.
//!
//! An agent's knowledge is pure: what it asks the LLM (a task), and what it makes of the reply.
//! The reply is data; without an LLM the built-in rules answer, so that every agent always
//! comes to an end.

pub mod blueprint;
pub mod budgeting;
pub mod requirements;
pub mod sourcing;

use std::time::Instant;

use jiff::Timestamp;

use crate::llm::task::Answer;

/// Who did an agent's work, how long it took, how it ended.
#[derive(Clone, Debug, PartialEq)]
pub struct AgentReport {
    pub agent: &'static str,
    pub started_at: Timestamp,
    pub ended_at: Timestamp,
    pub outcome: Outcome,
    /// The LLM endpoint that answered, `rules`, or `postgresql` for sourcing.
    pub server: String,
    pub model: Option<String>,
    /// Why the wished-for server did not answer.
    pub reason: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Ok,
    /// A server that stands earlier in the chain failed.
    Fallback,
    Failed,
    TimedOut,
}

impl Outcome {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Fallback => "fallback",
            Self::Failed => "failed",
            Self::TimedOut => "timed_out",
        }
    }
}

/// When an agent started, on both clocks: one for the record, one for the length.
#[derive(Clone, Copy, Debug)]
pub struct Started {
    at: Timestamp,
    instant: Instant,
}

impl Started {
    pub fn now() -> Self {
        Self { at: Timestamp::now(), instant: Instant::now() }
    }

    /// The report of an agent that ends now.
    pub fn report(self, agent: &'static str, outcome: Outcome, server: &str) -> AgentReport {
        let ended_at = self.at.saturating_add(self.instant.elapsed()).unwrap_or(self.at);
        AgentReport {
            agent,
            started_at: self.at,
            ended_at,
            outcome,
            server: server.to_owned(),
            model: None,
            reason: None,
        }
    }

    /// The report of an agent whose answer came from the LLM gateway.
    pub fn answered(self, agent: &'static str, answer: &Answer) -> AgentReport {
        let outcome = if answer.fallback.is_some() { Outcome::Fallback } else { Outcome::Ok };
        AgentReport {
            model: answer.model.clone(),
            reason: answer.fallback.clone(),
            ..self.report(agent, outcome, &answer.server)
        }
    }
}
