//! A stored plan as callers see it.

use store::{AgentOutcome, AgentRun, Plan};
use wire::PlanView;

/// Puts a plan and what belongs to it together.
pub(crate) fn view(plan: Plan, runs: Vec<AgentRun>, documents: Vec<String>) -> PlanView {
    let mut view = PlanView::queued(plan.id, &plan.request, plan.created_at);
    view.state = plan.state;
    view.updated_at = plan.updated_at;
    view.selected = plan.selected;
    view.shares = plan.shares.unwrap_or_default();
    view.requirements = plan.requirements;
    view.infeasibility = plan.infeasibility;
    view.error = plan.error;
    view.replans = plan.replans;
    view.successor = plan.successor;
    let did_its_work =
        |run: &AgentRun| matches!(run.outcome, AgentOutcome::Ok | AgentOutcome::Fallback);
    view.agents = runs.into_iter().filter(did_its_work).map(agent).collect();
    view.documents = documents;
    if let Some(result) = plan.result {
        view.plan_digest = Some(result.digest);
        view.options = result.options;
        view.notes = result.notes;
        if let Some(summary) = &result.tally {
            view.set_summary(summary);
        }
    }
    view
}

fn agent(run: AgentRun) -> wire::AgentRun {
    let reason = run.detail.as_ref().and_then(|detail| detail["reason"].as_str());
    wire::AgentRun {
        fallback: run.outcome == AgentOutcome::Fallback,
        reason: reason.map(str::to_owned),
        server: run.server.unwrap_or_else(|| "none".into()),
        agent: run.agent,
    }
}
