//! Lists of plans by any of what people know of them, newest first.

use jiff::{Timestamp, civil::Date};
use serde_json::json;
use tokio_postgres::{Row, types::Type};

use crate::{
    LIST_LIMIT_MAX, PlanSummary, Store, StoreError,
    connection::{
        conditions::{Conditions, contains_pattern},
        row_reader::RowReader,
        session::{Param, Sql},
    },
};
use model::{Currency, EventType, PlanId, PlanState, name_key};

/// Which plans to list, newest first.
#[derive(Clone, Debug, Default)]
pub struct PlanFilter {
    pub state: Option<PlanState>,
    pub requested_by: Option<u32>,
    /// A part of the client's name, in any case.
    pub client: Option<String>,
    /// Local date of the event.
    pub date: Option<Date>,
    /// Of the event, in any case.
    pub city: Option<String>,
    pub event_type: Option<EventType>,
    pub currency: Option<Currency>,
    /// Only those after this one in the list: the last of the page before.
    pub after: Option<(Timestamp, PlanId)>,
    /// 1–[`LIST_LIMIT_MAX`]; 0 stands for the most.
    pub limit: u32,
}

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
           created_at, updated_at, selected, error, successor
    FROM plan, LATERAL (SELECT
        result->'options'->(coalesce(selected::int, 1) - 1) AS shown) option";

impl Store {
    /// A page of plans, newest first.
    pub async fn plans(&self, filter: &PlanFilter) -> Result<Vec<PlanSummary>, StoreError> {
        let session = self.pool.session("listing plans").await?;
        let f = filter;
        let state = f.state.map(PlanState::as_str);
        let user = f.requested_by.map(i64::from);
        let client = f.client.as_deref().map(contains_pattern);
        let date = f.date.map(|date| date.to_string());
        let city = f.city.as_deref().map(name_key);
        let event_type = f.event_type.map(|event_type| json!({"event_type": event_type}));
        let currency = f.currency.map(|currency| json!({"budget": {"currency": currency}}));
        let after = f.after.map(|(at, id)| (at, id.0));
        let limit = if f.limit == 0 { LIST_LIMIT_MAX } else { f.limit };
        let limit = i64::from(limit.min(LIST_LIMIT_MAX));

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
        let limit = all.value(&limit, Type::INT8);
        let (conditions, params) = all.finish();
        let order = "ORDER BY created_at DESC, id DESC LIMIT";
        let sql = format!("{SUMMARY} {conditions} {order} {limit}");
        session.query_once(&sql, &params).await?.iter().map(read).collect()
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
        selected: c.take::<Option<i16>>()?.map(|number| number.unsigned_abs().into()),
        error: c.take()?,
        successor: c.take::<Option<uuid::Uuid>>()?.map(PlanId),
    })
}
