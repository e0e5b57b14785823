//! Proofs and replanning on the wire.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use model::PlanId;

/// Reply of `GET /v1/plans/{id}/proof`: what the bound rests on, checked anew for each reply from
/// the problem as it was searched, by code that shares nothing with the search.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProofView {
    pub plan: PlanId,
    /// Upper bound of the fitness.
    pub best_possible: f64,
    /// Of option 1.
    pub fitness: f64,
    pub proven_gap: f64,
    /// The bound on the abstract problem that was checked; equals `best_possible` up to rounding.
    pub bound_checked: f64,
    /// Of the problem; money first, in minor units.
    pub limits: Vec<f64>,
    pub strategies: Vec<ProofStrategy>,
    /// Combinations of the problem, feasible or not.
    pub combinations: Option<f64>,
    /// Those that the maxima, the limits or the rules exclude.
    pub excluded: Option<f64>,
    /// The others, evaluated one by one.
    pub examined: Option<u64>,
    /// Refusals of the timeline: of single combinations, and of all that have some vendors in
    /// common.
    pub refused: u64,
    /// Nothing is worth more than `bound_checked`: the check went through to the end.
    pub verified: bool,
    /// False: the check's steps were spent before; each strategy's own bound holds all the same.
    pub complete: bool,
    /// What is wrong with the evidence, where anything is.
    pub refuted: Option<String>,
}

/// One budget strategy's bound: multipliers · limits + Σ maxima.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProofStrategy {
    /// Fitness per unit of each limit.
    pub multipliers: Vec<f64>,
    pub bound: f64,
    pub categories: Vec<ProofCategory>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProofCategory {
    pub name: String,
    pub candidates: u64,
    /// The most of value − multipliers · use + this place's share of the pairs.
    pub maximum: f64,
    /// Candidates whose best is not below `bound_checked`.
    pub open: u64,
}

/// Body of `POST /v1/plans/{id}/replan`: what is different now. Anything left out stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Replan {
    /// Vendors that dropped out.
    pub without: Vec<String>,
    /// Of the event; each function's own number changes in the same proportion.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guests: Option<i64>,
    /// Of single functions, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub function_guests: BTreeMap<String, i64>,
    /// In the plan's currency, a decimal string.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget: Option<String>,
    /// `2027-02-14`, or `+180d` from today.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
}
