//! What a plan's row holds beyond its request, and how it is shown.

use serde::{Deserialize, Serialize};

use super::digest::{PlanContent, plan_digest};
use crate::{
    control::AgentRun,
    model::{Infeasibility, Note, PlanOption, Request, Requirements, Shares, Tally},
};

/// The result column of a plan: written once, when its search ends.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PlanResult {
    pub plan_digest: String,
    pub options: Vec<PlanOption>,
    /// Absent for an infeasible plan that no round was needed for.
    #[serde(default)]
    pub tally: Option<Tally>,
    #[serde(default)]
    pub notes: Vec<Note>,
    /// Figures of the last rounds, oldest first.
    #[serde(default)]
    pub history: Vec<RoundFigures>,
    #[serde(default)]
    pub agents: Vec<AgentRun>,
}

/// One round of the search.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RoundFigures {
    pub round: u32,
    pub best: Option<f64>,
    pub bound: Option<f64>,
    pub scored: u64,
}

impl PlanResult {
    /// Fills in the digest, which covers the content and not the agents or the history.
    pub fn sealed(
        mut self,
        request: &Request,
        requirements: &Requirements,
        shares: &[Shares],
        infeasibility: Option<&Infeasibility>,
    ) -> Self {
        let content = PlanContent {
            requirements,
            shares,
            options: &self.options,
            tally: self.tally.as_ref(),
            infeasibility,
            notes: &self.notes,
        };
        self.plan_digest = plan_digest(request, &content);
        self
    }
}
