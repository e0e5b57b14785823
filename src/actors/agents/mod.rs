//! The agents: each knows one part of planning. The coordinator runs them; those that don't
//! depend on each other at the same time.
//!
//! An agent's knowledge is pure: what it asks the LLM (a task), and what it makes of the reply.
//! The reply is data; without an LLM the built-in rules answer, so that every agent always
//! comes to an end.

pub mod blueprint;
pub(crate) mod budgeting;
pub mod requirements;
pub mod sourcing;
pub mod timeline;

use std::time::Instant;

use jiff::Timestamp;

use llm::Answer;
use model::PlanId;
use store::{AgentOutcome, AgentRun};

/// When an agent started, on both clocks: one for the record, one for the length.
#[derive(Clone, Copy, Debug)]
pub struct Started {
    plan: PlanId,
    at: Timestamp,
    instant: Instant,
}

impl Started {
    pub fn now(plan: PlanId) -> Self {
        Self { plan, at: Timestamp::now(), instant: Instant::now() }
    }

    /// The record of an agent that ends now and asked no LLM server.
    pub fn ended(self, agent: &str, outcome: AgentOutcome) -> AgentRun {
        let ended_at = self.at.saturating_add(self.instant.elapsed()).unwrap_or(self.at);
        AgentRun {
            plan: self.plan,
            agent: agent.to_owned(),
            started_at: self.at,
            ended_at,
            outcome,
            server: None,
            model: None,
            detail: None,
        }
    }

    /// The record of an agent whose answer came from the LLM gateway.
    pub fn answered(self, agent: &str, answer: &Answer) -> AgentRun {
        let outcome = match answer.fallback {
            Some(_) => AgentOutcome::Fallback,
            None => AgentOutcome::Ok,
        };
        // The reply itself may hold a client's words; its hash proves which one was used.
        let reply = serde_json::to_vec(&answer.reply).unwrap_or_default();
        let mut detail = serde_json::json!({ "reply": blake3::hash(&reply).to_hex().as_str() });
        if let Some(reason) = &answer.fallback {
            detail["reason"] = reason.to_string().into();
        }
        AgentRun {
            server: Some(answer.server.clone()),
            model: answer.model.clone(),
            detail: Some(detail),
            ..self.ended(agent, outcome)
        }
    }
}
