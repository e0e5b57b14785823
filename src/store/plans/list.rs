//! Lists of plans by any of what people know of them, newest first.

use jiff::Timestamp;
use serde_json::json;
use tokio_postgres::{Row, types::Type};

use crate::{
    LIST_LIMIT_MAX, Store, StoreError,
    connection::{
        conditions::{Conditions, contains_pattern},
        row_reader::RowReader,
        session::{Param, Sql},
    },
};
use model::{PlanId, PlanState, name_key};
use wire::{PlanList, PlanQuery, PlanSummary};

/// Plans of a page whose caller names no limit.
const LIST_LIMIT_DEFAULT: u32 = 20;

/// A plan that came to nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    pub plan: PlanId,
    pub state: PlanState,
    pub since: Timestamp,
    /// Absent for an infeasible one: `plan show` tells why.
    pub error: Option<String>,
}

const SUMMARY: &str = "
    SELECT id, state, request->'event_type', request->'date', request->>'city',
           (request->>'guests')::int, request->'budget', shown->'total', shown->'fitness',
           created_at, updated_at, successor
    FROM plan, LATERAL (SELECT
        result->'options'->(coalesce(selected::int, 1) - 1) AS shown) option";

impl Store {
    /// A page of plans, newest first; of no more than [`LIST_LIMIT_MAX`].
    ///
    /// # Errors
    /// `NoSuchPlan` where there is none that the page is to end `before`.
    pub async fn plans(&self, query: &PlanQuery) -> Result<PlanList, StoreError> {
        let session = self.pool.session("listing plans").await?;
        let f = query;
        let state = f.state.map(PlanState::as_str);
        let user = f.user.map(i64::from);
        let client = f.client.as_deref().map(contains_pattern);
        let date = f.date.map(|date| date.to_string());
        let city = f.city.as_deref().map(name_key);
        let event_type = f.event_type.map(|event_type| json!({"event_type": event_type}));
        let currency = f.currency.map(|currency| json!({"budget": {"currency": currency}}));
        let after = match f.before {
            Some(plan) => Some((created_at(&session, plan).await?, plan.0)),
            None => None,
        };
        let limit = f.limit.unwrap_or(LIST_LIMIT_DEFAULT).min(LIST_LIMIT_MAX);
        let limit = i64::from(limit);

        let mut all = Conditions::default();
        if let Some(state) = &state {
            all.and("state = ?", state, Type::TEXT);
        }
        if let Some(user) = &user {
            all.and("requested_by = ?", user, Type::INT8);
        }
        if let Some(client) = &client {
            all.and("request#>>'{client,name}' ILIKE ?", client, Type::TEXT);
        }
        if let Some(date) = &date {
            all.and("request->>'date' = ?", date, Type::TEXT);
        }
        if let Some(city) = &city {
            all.and("coalesce(city_key, lower(request->>'city')) = ?", city, Type::TEXT);
        }
        for part in [&event_type, &currency].into_iter().flatten() {
            all.and("request @> ?", part, Type::JSONB);
        }
        if let Some((at, id)) = &after {
            let (at, id) = (all.value(at, Type::TIMESTAMPTZ), all.value(id, Type::UUID));
            all.also(&format!("(created_at, id) < ({at}, {id})"));
        }
        let limit_value = all.value(&limit, Type::INT8);
        let (conditions, params) = all.finish();
        let order = "ORDER BY created_at DESC, id DESC LIMIT";
        let sql = format!("{SUMMARY} {conditions} {order} {limit_value}");
        let rows = session.query_once(&sql, &params).await?;
        let plans = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let is_full = plans.len() as u64 == limit.unsigned_abs();
        let next = plans.last().map(|plan| plan.id).filter(|_| is_full);
        Ok(PlanList { plans, next })
    }

    /// Plans that failed or proved infeasible since a time, the latest first.
    pub async fn failures_since(
        &self,
        since: Timestamp,
        limit: u32,
    ) -> Result<Vec<Failure>, StoreError> {
        let session = self.pool.session("listing failures").await?;
        let sql = "SELECT id, state, state_since, error FROM plan
                   WHERE state IN ('failed', 'infeasible') AND state_since >= $1
                   ORDER BY state_since DESC LIMIT $2";
        let limit = i64::from(limit.min(LIST_LIMIT_MAX));
        let params: [Param<'_>; 2] = [(&since, Type::TIMESTAMPTZ), (&limit, Type::INT8)];
        let read = |row| {
            let mut c = RowReader::of(row, "a plan");
            Ok(Failure {
                plan: PlanId(c.take()?),
                state: c.parsed()?,
                since: c.take()?,
                error: c.take()?,
            })
        };
        session.query(sql, &params).await?.iter().map(read).collect()
    }
}

async fn created_at(sql: &impl Sql, plan: PlanId) -> Result<Timestamp, StoreError> {
    let statement = "SELECT created_at FROM plan WHERE id = $1";
    let row = sql.query_opt(statement, &[(&plan.0, Type::UUID)]).await?;
    RowReader::of(&row.ok_or(StoreError::NoSuchPlan { plan })?, "a plan").take()
}

fn read(row: &Row) -> Result<PlanSummary, StoreError> {
    let mut c = RowReader::of(row, "a plan");
    Ok(PlanSummary {
        id: PlanId(c.take()?),
        state: c.parsed()?,
        event_type: c.json()?,
        date: c.json()?,
        city: c.take()?,
        guests: c.take::<i32>()?.unsigned_abs(),
        budget: c.json()?,
        total: c.json_opt()?,
        fitness: c.json_opt()?,
        created_at: c.take()?,
        updated_at: c.take()?,
        successor: c.take::<Option<uuid::Uuid>>()?.map(PlanId),
    })
}
