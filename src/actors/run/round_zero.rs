//! Round 0 of a plan: the agents that don't depend on each other, at the same time.
//!
//! Requirements and budgeting ask the LLM, both questions in one batch; sourcing asks the
//! database for every category at once. With `workflow.parallel_agents` off they go one by one,
//! and the result is the same.

use std::time::{Duration, Instant};

use jiff::civil::Date;
use tokio::time::timeout;

use crate::{
    agents::{Started, budgeting, requirements, sourcing},
    llm_gateway::{Ask, LlmGateway},
    supervision::Handle,
    vendor_search::{
        VendorSearch,
        messages::{GetAreas, GetCategories},
    },
};
use llm::{Answer, Priority, Task};
use model::{CategoryDef, Note, PlanId, Request, Requirements, Shares};
use settings::WorkflowSettings;
use store::{AgentOutcome, AgentRun, Plan, Reach};
use wire::{ApiError, ErrorCode};

/// How the agents may run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AgentLimits {
    /// Agents at the same time; 1 where parallel agents are switched off.
    pub parallel: usize,
    /// One run of one agent.
    pub agent_timeout: Duration,
    /// Before or behind other plans in the line of an LLM server.
    pub priority: Priority,
}

impl AgentLimits {
    pub(crate) fn of(workflow: &WorkflowSettings, priority: Priority) -> Self {
        let parallel = if workflow.parallel_agents { workflow.max_parallel_agents } else { 1 };
        Self { parallel, agent_timeout: workflow.agent_timeout, priority }
    }
}

/// What the agents of round 0 found.
pub(crate) struct RoundZero {
    pub requirements: Requirements,
    pub shares: Vec<Shares>,
    pub categories: Vec<CategoryDef>,
    pub(crate) supply: sourcing::SourcedVendors,
    pub notes: Vec<Note>,
    pub runs: Vec<AgentRun>,
}

/// The peers that round 0 needs.
#[derive(Clone)]
pub(crate) struct Peers {
    pub vendors: Handle<VendorSearch>,
    pub llm: Handle<LlmGateway>,
}

impl Peers {
    /// Runs the agents of round 0.
    ///
    /// # Errors
    /// Only what keeps the database from answering, and a sourcing that takes too long: the LLM
    /// side always comes to an end.
    pub(crate) async fn run_round_zero(
        &self,
        plan: &Plan,
        today: Date,
        limits: AgentLimits,
    ) -> Result<RoundZero, ApiError> {
        let request = &plan.request;
        let categories = self.requested_categories(request).await?;
        // Requirements and budgeting share one batch; with sourcing that makes three agents.
        let asking = self.ask_both(plan.id, request, &categories, limits);
        let sourcing = self.source(plan, &categories, today, Reach::Feasible, limits);
        let (answers, sourced) = match limits.parallel {
            0 | 1 => (asking.await?, sourcing.await?),
            _ => tokio::try_join!(asking, sourcing)?,
        };
        let (supply, sourcing_run) = sourced;
        let [first, second] = answers;
        let mut notes = Vec::new();
        let mut runs = Vec::new();
        let (answer, run) = first;
        note_fallback(&mut notes, &answer, &run);
        runs.push(run);
        let requirements = requirements::conclude(request, answer.reply);
        let (answer, run) = second;
        note_fallback(&mut notes, &answer, &run);
        runs.push(run);
        let (shares, refused) = budgeting::conclude(request, answer.reply);
        notes.extend(refused);
        runs.push(sourcing_run);
        Ok(RoundZero { requirements, shares, categories, supply, notes, runs })
    }

    /// The definitions of the requested categories, in order.
    pub(crate) async fn requested_categories(
        &self,
        request: &Request,
    ) -> Result<Vec<CategoryDef>, ApiError> {
        let mut categories = self.vendors.ask(GetCategories).await?;
        categories.retain(|definition| request.services.contains_key(&definition.name));
        Ok(categories)
    }

    /// All vendors within `reach`, and the areas they lie in.
    pub(crate) async fn source(
        &self,
        plan: &Plan,
        categories: &[CategoryDef],
        today: Date,
        reach: Reach,
        limits: AgentLimits,
    ) -> Result<(sourcing::SourcedVendors, AgentRun), ApiError> {
        let (started, request) = (Started::now(plan.id), &plan.request);
        let work = async {
            let queries = sourcing::queries(request, categories, today, reach, plan.holder);
            let found = VendorSearch::source(&self.vendors, queries).await?;
            let cities = sourcing::cities(request, &found);
            let areas = self.vendors.ask(GetAreas { cities }).await?;
            Ok::<_, ApiError>(sourcing::SourcedVendors { found, areas })
        };
        let late = |_| {
            let seconds = limits.agent_timeout.as_secs();
            ApiError::new(ErrorCode::Unavailable, format!("sourcing took longer than {seconds} s"))
        };
        let supply = timeout(limits.agent_timeout, work).await.map_err(late)??;
        Ok((supply, started.ended(sourcing::NAME, AgentOutcome::Ok)))
    }

    /// Sends questions to the LLM gateway, as one batch. Dropping the future cancels the calls.
    ///
    /// # Errors
    /// Only what keeps the gateway's actor from answering.
    pub(crate) async fn ask_llm(
        &self,
        tasks: Vec<Task>,
        priority: Priority,
        deadline: Instant,
    ) -> Result<Vec<Answer>, ApiError> {
        let (ask, _caller) = Ask::new(tasks, priority, deadline);
        self.llm.ask(ask).await
    }

    /// The answers to both questions, with the agents' runs.
    async fn ask_both(
        &self,
        plan: PlanId,
        request: &Request,
        categories: &[CategoryDef],
        limits: AgentLimits,
    ) -> Result<[(Answer, AgentRun); 2], ApiError> {
        let started = Started::now(plan);
        let deadline = Instant::now() + limits.agent_timeout;
        let tasks = [requirements::task(request), budgeting::task(request, categories)];
        let ask = |tasks| self.ask_llm(tasks, limits.priority, deadline);
        let mut answers = if limits.parallel > 1 {
            ask(tasks.to_vec()).await?
        } else {
            let [first, second] = tasks;
            let mut answers = ask(vec![first]).await?;
            answers.extend(ask(vec![second]).await?);
            answers
        }
        .into_iter();
        match (answers.next(), answers.next()) {
            (Some(first), Some(second)) => {
                let runs = [
                    started.answered(requirements::NAME, &first),
                    started.answered(budgeting::NAME, &second),
                ];
                let [one, two] = runs;
                Ok([(first, one), (second, two)])
            }
            _ => Err(ApiError::new(ErrorCode::Internal, "the LLM gateway left a question open")),
        }
    }
}

fn note_fallback(notes: &mut Vec<Note>, answer: &Answer, run: &AgentRun) {
    if let Some(reason) = &answer.fallback {
        notes.push(Note {
            code: "llm_fallback".into(),
            message: format!("{}: {} answered, since {reason}", run.agent, answer.server),
        });
    }
}
