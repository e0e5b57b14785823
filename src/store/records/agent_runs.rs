//! What agents did: one row per run of an agent.

use jiff::Timestamp;
use serde::Serialize;
use tokio_postgres::{Row, types::Type};

use crate::{
    Store, StoreError,
    connection::{
        row_reader::RowReader,
        session::{Param, Sql},
    },
};
use model::PlanId;

/// How an agent's run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AgentOutcome {
    Ok,
    /// The built-in rules stood in for an LLM server.
    Fallback,
    Failed,
    TimedOut,
    Cancelled,
}

impl AgentOutcome {
    const ALL: [Self; 5] =
        [Self::Ok, Self::Fallback, Self::Failed, Self::TimedOut, Self::Cancelled];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Fallback => "fallback",
            Self::Failed => "failed",
            Self::TimedOut => "timed_out",
            Self::Cancelled => "cancelled",
        }
    }
}

impl std::str::FromStr for AgentOutcome {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|outcome| outcome.as_str() == text);
        found.ok_or_else(|| format!("`{}` is no outcome", text.escape_debug()))
    }
}

/// A run of an agent.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AgentRun {
    pub plan: PlanId,
    pub agent: String,
    pub started_at: Timestamp,
    pub ended_at: Timestamp,
    pub outcome: AgentOutcome,
    /// The LLM server and model that the reply came from, where one was asked.
    pub server: Option<String>,
    pub model: Option<String>,
    /// What else is worth knowing; no prompt, no personal data.
    pub detail: Option<serde_json::Value>,
}

/// Writes runs, of any number of plans, inside the caller's transaction.
pub(crate) async fn insert(sql: &impl Sql, runs: &[AgentRun]) -> Result<(), StoreError> {
    if runs.is_empty() {
        return Ok(());
    }
    let plans: Vec<_> = runs.iter().map(|run| run.plan.0).collect();
    let agents: Vec<&str> = runs.iter().map(|run| run.agent.as_str()).collect();
    let starts: Vec<Timestamp> = runs.iter().map(|run| run.started_at).collect();
    let ends: Vec<Timestamp> = runs.iter().map(|run| run.ended_at).collect();
    let outcomes: Vec<&str> = runs.iter().map(|run| run.outcome.as_str()).collect();
    let servers: Vec<Option<&str>> = runs.iter().map(|run| run.server.as_deref()).collect();
    let models: Vec<Option<&str>> = runs.iter().map(|run| run.model.as_deref()).collect();
    let details: Vec<Option<&serde_json::Value>> =
        runs.iter().map(|run| run.detail.as_ref()).collect();
    let statement = "
        INSERT INTO agent_run
            (plan_id, agent, started_at, ended_at, outcome, server, model, detail)
        SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8)";
    let params: [Param<'_>; 8] = [
        (&plans, Type::UUID_ARRAY),
        (&agents, Type::TEXT_ARRAY),
        (&starts, Type::TIMESTAMPTZ_ARRAY),
        (&ends, Type::TIMESTAMPTZ_ARRAY),
        (&outcomes, Type::TEXT_ARRAY),
        (&servers, Type::TEXT_ARRAY),
        (&models, Type::TEXT_ARRAY),
        (&details, Type::JSONB_ARRAY),
    ];
    sql.execute(statement, &params).await.map(drop)
}

impl Store {
    /// The runs of a plan's agents, in order of their start.
    pub async fn agent_runs(&self, plan: PlanId) -> Result<Vec<AgentRun>, StoreError> {
        let session = self.pool.session("reading the agents' runs").await?;
        let sql = "SELECT plan_id, agent, started_at, ended_at, outcome, server, model, detail \
                   FROM agent_run WHERE plan_id = $1 ORDER BY started_at, id";
        let rows = session.query(sql, &[(&plan.0, Type::UUID)]).await?;
        rows.iter().map(run_of).collect()
    }
}

/// A row of plan_id, agent, started_at, ended_at, outcome, server, model, detail.
pub(crate) fn run_of(row: &Row) -> Result<AgentRun, StoreError> {
    let mut c = RowReader::of(row, "an agent's run");
    Ok(AgentRun {
        plan: PlanId(c.take()?),
        agent: c.take()?,
        started_at: c.take()?,
        ended_at: c.take()?,
        outcome: c.parsed()?,
        server: c.take()?,
        model: c.take()?,
        detail: c.take()?,
    })
}
