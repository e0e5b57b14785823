//! Round 0 of a plan: the agents that don't depend on each other, at the same time.
//!
//! Requirements and budgeting ask the LLM, both questions in one batch; sourcing asks the
//! database for every category at once. With `workflow.parallel_agents` off they go one by one,
//! and the result is the same.

use std::time::{Duration, Instant};

use jiff::civil::Date;
use tokio::time::timeout;

use super::agent_runs::{AgentError, AgentRuns};
use crate::{
    agents::{budgeting, requirements, sourcing},
    llm_gateway::{Ask, LlmGateway},
    supervision::Handle,
    vendor_search::{
        VendorSearch,
        messages::{GetAreas, GetCategories},
    },
};
use llm::{Answer, Priority, Task};
use model::{CategoryDef, Note, Request, Requirements, Shares};
use settings::WorkflowSettings;
use store::{Plan, Reach};
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
    pub supply: sourcing::SourcedVendors,
    pub notes: Vec<Note>,
}

/// The peers that round 0 needs.
#[derive(Clone)]
pub(crate) struct Peers {
    pub vendors: Handle<VendorSearch>,
    pub llm: Handle<LlmGateway>,
}

impl Peers {
    /// Runs the agents of round 0; each is recorded in `runs` when it ends.
    ///
    /// # Errors
    /// Only what keeps the database from answering, and a sourcing that takes too long: the LLM
    /// side always comes to an end.
    pub(crate) async fn run_round_zero(
        &self,
        plan: &Plan,
        today: Date,
        limits: AgentLimits,
        runs: &AgentRuns,
    ) -> Result<RoundZero, AgentError> {
        let request = &plan.request;
        let categories = self.requested_categories(request).await?;
        // Requirements and budgeting share one batch; with sourcing that makes three agents.
        let asking = self.ask_both(request, &categories, limits, runs);
        let sourcing = async {
            let agent = runs.start(sourcing::NAME);
            let supply = self.source(plan, &categories, today, Reach::Feasible, limits).await;
            match &supply {
                Ok(_) => agent.finished(),
                Err(error) => agent.failed(error),
            }
            supply
        };
        let (answers, supply) = match limits.parallel {
            0 | 1 => (asking.await?, sourcing.await?),
            _ => tokio::try_join!(asking, sourcing)?,
        };
        let [wishes, split] = answers;
        let mut notes = Vec::new();
        note_fallback(&mut notes, requirements::NAME, &wishes);
        note_fallback(&mut notes, budgeting::NAME, &split);
        let requirements = requirements::conclude(request, wishes.reply);
        let (shares, refused) = budgeting::conclude(request, split.reply);
        notes.extend(refused);
        Ok(RoundZero { requirements, shares, categories, supply, notes })
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
    ///
    /// # Errors
    /// What keeps the database from answering; `Late` after the limit of one agent.
    pub(crate) async fn source(
        &self,
        plan: &Plan,
        categories: &[CategoryDef],
        today: Date,
        reach: Reach,
        limits: AgentLimits,
    ) -> Result<sourcing::SourcedVendors, AgentError> {
        let request = &plan.request;
        let work = async {
            let queries = sourcing::queries(request, categories, today, reach, plan.holder);
            let found = VendorSearch::source(&self.vendors, queries).await?;
            let cities = sourcing::cities(request, &found);
            let areas = self.vendors.ask(GetAreas { cities }).await?;
            Ok::<_, ApiError>(sourcing::SourcedVendors { found, areas })
        };
        let limit = limits.agent_timeout;
        let late = |_| AgentError::Late { agent: sourcing::NAME, limit };
        Ok(timeout(limit, work).await.map_err(late)??)
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

    /// The answers to both questions.
    async fn ask_both(
        &self,
        request: &Request,
        categories: &[CategoryDef],
        limits: AgentLimits,
        runs: &AgentRuns,
    ) -> Result<[Answer; 2], AgentError> {
        let agents = [requirements::NAME, budgeting::NAME].map(|agent| runs.start(agent));
        let tasks = [requirements::task(request), budgeting::task(request, categories)];
        match self.ask_in_turn(tasks, limits).await {
            Ok(answers) => {
                agents.into_iter().zip(&answers).for_each(|(agent, answer)| agent.answered(answer));
                Ok(answers)
            }
            Err(error) => {
                let error = AgentError::from(error);
                agents.into_iter().for_each(|agent| agent.failed(&error));
                Err(error)
            }
        }
    }

    /// Two questions as one batch, or one after the other where agents go one by one.
    async fn ask_in_turn(
        &self,
        tasks: [Task; 2],
        limits: AgentLimits,
    ) -> Result<[Answer; 2], ApiError> {
        let deadline = Instant::now() + limits.agent_timeout;
        let ask = |tasks| self.ask_llm(tasks, limits.priority, deadline);
        let answers = if limits.parallel > 1 {
            ask(tasks.to_vec()).await?
        } else {
            let [first, second] = tasks;
            let mut answers = ask(vec![first]).await?;
            answers.extend(ask(vec![second]).await?);
            answers
        };
        answers
            .try_into()
            .map_err(|_| ApiError::new(ErrorCode::Internal, "the LLM gateway left a question open"))
    }
}

fn note_fallback(notes: &mut Vec<Note>, agent: &str, answer: &Answer) {
    if let Some(reason) = &answer.fallback {
        notes.push(Note {
            code: "llm_fallback".into(),
            message: format!("{agent}: {} answered, since {reason}", answer.server),
        });
    }
}
