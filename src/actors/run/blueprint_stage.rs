//! The writing stage of a run: timeline, text, documents, confirmed bookings.

use std::time::Instant;

use jiff::Timestamp;
use slog::{Logger, info};

use super::{
    agent_runs::{AgentError, AgentRuns},
    context::{RunContext, RunError, agent_event},
};
use crate::agents::{blueprint, timeline};
use documents::{Blueprint, Sources, render};
use llm::Priority;
use model::{PlanState, VendorId};
use store::{Bookings, Patch, Plan, Transition};
use telemetry::log::events;
use wire::{ApiError, ErrorCode};

/// Writes the documents of the selected option and completes the plan, in one transaction.
pub(crate) async fn write(
    context: &RunContext,
    plan: &Plan,
    log: &Logger,
    agents: &AgentRuns,
) -> Result<PlanState, RunError> {
    let began = Instant::now();
    let missing = |what: &str| RunError::Final(format!("the stored plan has no {what}"));
    let result = plan.result.as_ref().ok_or_else(|| missing("result"))?;
    let summary = result.tally.as_ref().ok_or_else(|| missing("figures of its search"))?;
    let selected = plan.selected.ok_or_else(|| missing("selected option"))?;
    let option = result.options.iter().find(|option| option.number == selected);
    let option = option.ok_or_else(|| missing("option of the selected number"))?;
    let request = &plan.request;

    let categories = context.peers.requested_categories(request).await?;
    let ids: Vec<VendorId> = option.vendors.iter().map(|chosen| chosen.id.clone()).collect();
    let vendors = context.store.vendors_by_ids(&ids).await?;
    let agent = agents.start(timeline::NAME);
    let laid_out = timeline::lay_out(request, &categories, option, &vendors);
    agent.finished();

    let agent = agents.start(blueprint::NAME);
    let requirements = plan.requirements.clone().unwrap_or_default();
    let tasks = vec![blueprint::task(request, &requirements, option)];
    let deadline = Instant::now() + context.settings.workflow.agent_timeout;
    // Somebody has just selected an option.
    let answer = match context.peers.ask_llm(tasks, Priority::Interactive, deadline).await {
        Ok(answers) => answers.into_iter().next(),
        Err(error) => {
            let error = AgentError::from(error);
            agent.failed(&error);
            return Err(error.into());
        }
    };
    let Some(answer) = answer else {
        let error = ApiError::new(ErrorCode::Unavailable, "the gateway gave no answer").into();
        agent.failed(&error);
        return Err(error.into());
    };
    agent.answered(&answer);

    let sources = Sources {
        plan: plan.id,
        request,
        options: &result.options,
        selected,
        vendors: &vendors,
        timeline: &laid_out,
        summary,
        notes: &result.notes,
        prose: &blueprint::conclude(answer.reply),
        generated_at: Timestamp::now(),
    };
    let documents = Blueprint::new(sources).and_then(|blueprint| render(&blueprint));
    let documents = documents.map_err(|error| RunError::Final(error.to_string()))?;
    let agent_runs = agents.ended();
    let patch = Patch {
        bookings: Bookings::Confirm,
        documents: &documents,
        events: agent_runs.iter().map(agent_event).collect(),
        agent_runs: &agent_runs,
        ..Patch::default()
    };
    let (from, to) = (PlanState::Writing, PlanState::Completed);
    let change = Transition::new(plan.id, plan.run_number, from, to).with(patch);
    context.store.transition(&change).await?;
    info!(log, "the blueprint is written"; events::PLAN_COMPLETED,
        "documents" => documents.len(), "ms" => began.elapsed().as_millis() as u64);
    Ok(to)
}
