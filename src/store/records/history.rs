//! What happened: events and agents' runs over all plans, by time.

use jiff::Timestamp;
use serde::Serialize;
use tokio_postgres::types::Type;

use super::agent_runs::run_of;
use crate::{
    AgentRun, Store, StoreError,
    connection::{
        conditions::Conditions,
        row_reader::RowReader,
        session::{Param, Sql},
    },
};
use model::PlanId;

/// Rows that one page holds at most.
pub const HISTORY_LIMIT_MAX: u32 = 1_000;

/// Which events or runs: all of it must hold.
#[derive(Clone, Debug, Default)]
pub struct HistoryFilter {
    /// Kind of an event, e.g. `state`.
    pub kind: Option<String>,
    /// Name of an agent.
    pub agent: Option<String>,
    /// Runs that failed or took too long.
    pub failed: bool,
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
    /// 1–[`HISTORY_LIMIT_MAX`]; 0 stands for the most.
    pub limit: u32,
}

/// One row of some plan's audit chain.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PlanEventRow {
    pub plan: PlanId,
    pub seq: i64,
    pub at: Timestamp,
    pub kind: String,
    pub detail: serde_json::Value,
}

/// How one agent did.
#[derive(Clone, Debug, PartialEq)]
pub struct AgentSummary {
    pub agent: String,
    pub runs: u64,
    pub failed: u64,
    pub mean_seconds: f64,
}

impl Store {
    /// Events of all plans, the newest first.
    pub async fn events(&self, filter: &HistoryFilter) -> Result<Vec<PlanEventRow>, StoreError> {
        let session = self.pool.session("reading the history").await?;
        let limit = page(filter);
        let mut all = Conditions::default();
        if let Some(kind) = &filter.kind {
            all.and("kind = ?", kind, Type::TEXT);
        }
        within(&mut all, "at", filter);
        let limit = all.value(&limit, Type::INT8);
        let (conditions, params) = all.finish();
        let sql = format!(
            "SELECT plan_id, seq, at, kind, detail FROM plan_event {conditions}
             ORDER BY at DESC, plan_id, seq DESC LIMIT {limit}"
        );
        let read = |row| {
            let mut c = RowReader::of(row, "an event");
            Ok(PlanEventRow {
                plan: PlanId(c.take()?),
                seq: c.take()?,
                at: c.take()?,
                kind: c.take()?,
                detail: c.take()?,
            })
        };
        session.query_once(&sql, &params).await?.iter().map(read).collect()
    }

    /// Runs of agents for all plans, the newest first.
    pub async fn runs(&self, filter: &HistoryFilter) -> Result<Vec<AgentRun>, StoreError> {
        let session = self.pool.session("reading the history").await?;
        let limit = page(filter);
        let mut all = Conditions::default();
        if let Some(agent) = &filter.agent {
            all.and("agent = ?", agent, Type::TEXT);
        }
        if filter.failed {
            all.also("outcome IN ('failed', 'timed_out')");
        }
        within(&mut all, "started_at", filter);
        let limit = all.value(&limit, Type::INT8);
        let (conditions, params) = all.finish();
        let sql = format!(
            "SELECT plan_id, agent, started_at, ended_at, outcome, server, model, detail
             FROM agent_run {conditions} ORDER BY started_at DESC, id DESC LIMIT {limit}"
        );
        session.query_once(&sql, &params).await?.iter().map(run_of).collect()
    }

    /// How the agents did since a time, by name.
    pub async fn agents_since(&self, since: Timestamp) -> Result<Vec<AgentSummary>, StoreError> {
        let session = self.pool.session("reading the history").await?;
        let sql = "SELECT agent, count(*),
                          count(*) FILTER (WHERE outcome IN ('failed', 'timed_out')),
                          avg(extract(epoch FROM ended_at - started_at))::float8
                   FROM agent_run WHERE started_at >= $1 GROUP BY agent ORDER BY agent";
        let read = |row| {
            let mut c = RowReader::of(row, "an agent's runs");
            let agent = c.take()?;
            let (runs, failed): (i64, i64) = (c.take()?, c.take()?);
            let (runs, failed) = (runs.unsigned_abs(), failed.unsigned_abs());
            Ok(AgentSummary { agent, runs, failed, mean_seconds: c.take()? })
        };
        let params: [Param<'_>; 1] = [(&since, Type::TIMESTAMPTZ)];
        session.query(sql, &params).await?.iter().map(read).collect()
    }
}

fn within<'a>(all: &mut Conditions<'a>, column: &str, filter: &'a HistoryFilter) {
    if let Some(since) = &filter.since {
        all.and(&format!("{column} >= ?"), since, Type::TIMESTAMPTZ);
    }
    if let Some(until) = &filter.until {
        all.and(&format!("{column} < ?"), until, Type::TIMESTAMPTZ);
    }
}

fn page(filter: &HistoryFilter) -> i64 {
    let limit = if filter.limit == 0 { HISTORY_LIMIT_MAX } else { filter.limit };
    i64::from(limit.min(HISTORY_LIMIT_MAX))
}
