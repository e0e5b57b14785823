//! A stored plan as callers see it.

use store::{AgentOutcome, AgentRun, DocumentInfo, Plan};
use wire::{PlanSummary, PlanView};

/// Puts a plan and what belongs to it together.
pub(crate) fn view(plan: Plan, runs: Vec<AgentRun>, documents: Vec<DocumentInfo>) -> PlanView {
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
    view.documents = documents.into_iter().map(|document| document.name).collect();
    if let Some(result) = plan.result {
        view.plan_digest = Some(result.digest);
        view.options = result.options;
        view.notes = result.notes;
        if let Some(tally) = &result.tally {
            view.set_tally(tally);
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

/// A line of a list.
pub(crate) fn summary(plan: store::PlanSummary) -> PlanSummary {
    PlanSummary {
        id: plan.id,
        state: plan.state,
        event_type: plan.event_type,
        date: plan.date,
        city: plan.city,
        guests: plan.guests,
        budget: plan.budget,
        total: plan.total,
        fitness: plan.fitness,
        successor: plan.successor,
        created_at: plan.created_at,
        updated_at: plan.updated_at,
    }
}
