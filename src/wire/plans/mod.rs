//! Plans on the wire.

pub(crate) mod audit;
pub(crate) mod event;
pub(crate) mod history;
pub(crate) mod proof;

use std::str::FromStr;

use jiff::{Timestamp, civil};
use serde::{Deserialize, Serialize};

use crate::ApiError;
use model::{
    Amount, Budget, Category, Currency, EventType, Function, Infeasibility, Note, Percent, PlanId,
    PlanOption, PlanState, Request, Requirements, SearchSummary, Shares, StopReason,
};

/// A plan as `plan show --json` prints it. Facts that don't exist yet are `null` or empty;
/// no field is ever absent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlanView {
    pub id: PlanId,
    pub state: PlanState,
    /// BLAKE3, hex, over everything that the request and the vendors decide: equal for equal
    /// input, whatever the id and the time of day.
    pub plan_digest: Option<String>,
    pub rounds: Option<u32>,
    pub combinations_scored: Option<u64>,
    /// Upper bound of the fitness over all vendors that meet the hard constraints.
    pub best_possible: Option<f64>,
    /// `best_possible` − fitness of option 1.
    pub proven_gap: Option<f64>,
    pub stopped_because: Option<StopReason>,
    /// The clock ended the proof: another run may prove more.
    pub cut_short: Option<bool>,
    pub options: Vec<PlanOption>,
    /// Number of the selected option, 1-based.
    pub selected: Option<u32>,
    pub currency: Currency,
    pub event: EventFacts,
    /// The strategies' shares of the budget, as used.
    pub shares: Vec<Shares>,
    /// What was read out of the vision.
    pub requirements: Option<Requirements>,
    /// In the order in which the agents finished their (last) work.
    pub agents: Vec<AgentRun>,
    pub notes: Vec<Note>,
    pub infeasibility: Option<Infeasibility>,
    /// Why the plan failed.
    pub error: Option<String>,
    /// Names for `/v1/plans/{id}/documents/{name}`.
    pub documents: Vec<String>,
    /// The earlier plan that this one replans.
    #[serde(default)]
    pub replans: Option<PlanId>,
    /// The plan that was selected in place of this one.
    #[serde(default)]
    pub successor: Option<PlanId>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl PlanView {
    /// A plan that has just been queued.
    pub fn queued(id: PlanId, request: &Request, now: Timestamp) -> Self {
        Self {
            id,
            state: PlanState::Queued,
            plan_digest: None,
            rounds: None,
            combinations_scored: None,
            best_possible: None,
            proven_gap: None,
            stopped_because: None,
            cut_short: None,
            options: Vec::new(),
            selected: None,
            currency: request.budget.currency,
            event: request.into(),
            shares: Vec::new(),
            requirements: None,
            agents: Vec::new(),
            notes: Vec::new(),
            infeasibility: None,
            error: None,
            documents: Vec::new(),
            replans: None,
            successor: None,
            created_at: now,
            updated_at: now,
        }
    }

    pub fn set_summary(&mut self, summary: &SearchSummary) {
        self.rounds = Some(summary.rounds);
        self.combinations_scored = Some(summary.combinations_scored);
        self.best_possible = Some(summary.best_possible);
        self.proven_gap = Some(summary.proven_gap);
        self.stopped_because = Some(summary.stopped_because);
        self.cut_short = Some(summary.cut_short);
    }
}

/// Nothing happens to a plan in this state until somebody asks for it.
pub const fn is_settled(state: PlanState) -> bool {
    state.is_final() || matches!(state, PlanState::AwaitingSelection)
}

/// What is planned, without the client's name, contact or vision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EventFacts {
    pub event_type: EventType,
    pub date: civil::Date,
    pub start: civil::Time,
    pub time_zone: String,
    pub hours: f64,
    pub city: String,
    pub guests: u32,
    pub budget: Budget,
    pub contingency_percent: Percent,
    /// Names of the requested categories, sorted.
    pub services: Vec<Category>,
    /// The event's parts, by start; none where it has only one.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub functions: Vec<Function>,
    pub seed: u64,
}

impl From<&Request> for EventFacts {
    fn from(request: &Request) -> Self {
        Self {
            event_type: request.event_type,
            date: request.time.date,
            start: request.time.start,
            time_zone: request.time.time_zone.clone(),
            hours: f64::from(request.time.minutes) / 60.0,
            city: request.city.clone(),
            guests: request.guests,
            budget: request.budget,
            contingency_percent: request.contingency,
            services: request.services.keys().cloned().collect(),
            functions: request.functions.clone(),
            seed: request.seed,
        }
    }
}

/// Who did an agent's work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentRun {
    /// `requirements`, `budgeting`, `sourcing`, `timeline`, `blueprint`.
    pub agent: String,
    /// Name of the LLM endpoint that answered; `rules` for the built-in one.
    pub server: String,
    /// The wished-for server failed and `rules` stood in.
    pub fallback: bool,
    /// Why, where it did.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
}

/// A line of `plan list`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlanSummary {
    pub id: PlanId,
    pub state: PlanState,
    pub event_type: EventType,
    pub date: civil::Date,
    pub city: String,
    pub guests: u32,
    pub budget: Budget,
    /// Of the selected option, else of the best one.
    pub total: Option<Amount>,
    pub fitness: Option<f64>,
    /// The plan that was selected in place of this one.
    #[serde(default)]
    pub successor: Option<PlanId>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// Query of `GET /v1/plans`. Everything is optional and all of it must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanQuery {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub state: Option<PlanState>,
    /// User id of whoever submitted it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub user: Option<u32>,
    /// A part of the client's name, in any case.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub client: Option<String>,
    /// Local date of the event.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub date: Option<civil::Date>,
    /// Of the event, in any case.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub city: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub event_type: Option<EventType>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub currency: Option<Currency>,
    /// 1–1,000; 20 where absent.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub limit: Option<u32>,
    /// Only plans older than this one: `next` of the page before.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub before: Option<PlanId>,
}

/// Reply of `GET /v1/plans`: newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlanList {
    pub plans: Vec<PlanSummary>,
    /// What to pass as `before` for the next page; `null` on the last one.
    pub next: Option<PlanId>,
}

/// The header `Idempotency-Key`: the same key with the same document is the same plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    const MAX_BYTES: usize = 200;

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for IdempotencyKey {
    type Err = ApiError;

    fn from_str(text: &str) -> Result<Self, ApiError> {
        let is_visible = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
        if text.is_empty() || text.len() > Self::MAX_BYTES || !is_visible {
            let hint = format!("write 1 to {} visible ASCII characters", Self::MAX_BYTES);
            return Err(ApiError::invalid("idempotency-key", "cannot be used", hint));
        }
        Ok(Self(text.to_owned()))
    }
}

/// Body of `POST /v1/plans/{id}/select`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SelectOption {
    /// 1-based number of the option.
    pub option: u32,
    /// Book it at the present quotes where its vendors' records have changed.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub accept_changes: bool,
}

/// One document of a plan, as it was rendered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// File name without folders: letters, digits, `.`, `_` and `-`, 1–128 of them; e.g.
    /// `blueprint.md`.
    pub name: String,
    /// E.g. `text/markdown; charset=utf-8`.
    pub media_type: String,
    pub body: Vec<u8>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_short_and_visible() {
        let longest = "k".repeat(200);
        for good in ["k", "a key with spaces ~!", &longest] {
            assert_eq!(good.parse::<IdempotencyKey>().unwrap().as_str(), good);
        }
        for bad in ["", "tab\there", "nul\0", "Zoë", &format!("{longest}k")] {
            let error = bad.parse::<IdempotencyKey>().unwrap_err();
            assert_eq!(error.field.as_deref(), Some("idempotency-key"), "{bad:?}");
        }
    }
}
