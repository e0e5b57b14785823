//! What happened: events and agents' runs over all plans, by time.

use jiff::Timestamp;
use tokio_postgres::types::Type;

use crate::{
    Store, StoreError,
    connection::{
        conditions::Conditions,
        row_reader::RowReader,
        session::{Param, Sql},
    },
};
use model::PlanId;
use wire::{AgentFigures, HistoryEntry, HistoryQuery};

/// Rows that one page holds at most.
pub const HISTORY_LIMIT_MAX: u32 = 1_000;
/// Rows of a page whose caller names no limit.
const HISTORY_LIMIT_DEFAULT: u32 = 50;

impl Store {
    /// Events of all plans, or runs of their agents where the query asks for those; the newest
    /// first, no more than [`HISTORY_LIMIT_MAX`].
    pub async fn history(&self, query: &HistoryQuery) -> Result<Vec<HistoryEntry>, StoreError> {
        let session = self.pool.session("reading the history").await?;
        let mut all = Conditions::default();
        let of_runs = query.runs || query.failed || query.agent.is_some();
        let at = if of_runs { "started_at" } else { "at" };
        if let (false, Some(kind)) = (of_runs, &query.kind) {
            all.and("kind = ?", kind, Type::TEXT);
        }
        if let Some(agent) = &query.agent {
            all.and("agent = ?", agent, Type::TEXT);
        }
        if query.failed {
            all.also("outcome IN ('failed', 'timed_out')");
        }
        if let Some(since) = &query.since {
            all.and(&format!("{at} >= ?"), since, Type::TIMESTAMPTZ);
        }
        if let Some(until) = &query.until {
            all.and(&format!("{at} < ?"), until, Type::TIMESTAMPTZ);
        }
        let limit = query.limit.unwrap_or(HISTORY_LIMIT_DEFAULT).min(HISTORY_LIMIT_MAX);
        let limit = i64::from(limit);
        let limit = all.value(&limit, Type::INT8);
        let (conditions, params) = all.finish();
        let sql = match of_runs {
            true => format!(
                "SELECT started_at, plan_id, agent, outcome, detail
                 FROM agent_run {conditions} ORDER BY started_at DESC, id DESC LIMIT {limit}"
            ),
            false => format!(
                "SELECT at, plan_id, kind, NULL::text, detail
                 FROM plan_event {conditions} ORDER BY at DESC, plan_id, seq DESC LIMIT {limit}"
            ),
        };
        let read = |row| {
            let mut c = RowReader::of(row, "a row of the history");
            Ok(HistoryEntry {
                at: c.take()?,
                plan: PlanId(c.take()?),
                what: c.take()?,
                outcome: c.take()?,
                detail: c.take::<Option<serde_json::Value>>()?.unwrap_or_default(),
            })
        };
        session.query_once(&sql, &params).await?.iter().map(read).collect()
    }

    /// How the agents did since a time, by name.
    pub async fn agents_since(&self, since: Timestamp) -> Result<Vec<AgentFigures>, StoreError> {
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
            Ok(AgentFigures { agent, runs, failed, mean_seconds: c.take()? })
        };
        let params: [Param<'_>; 1] = [(&since, Type::TIMESTAMPTZ)];
        session.query(sql, &params).await?.iter().map(read).collect()
    }
}
