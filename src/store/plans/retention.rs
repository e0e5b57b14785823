//! Forgetting: plans past their time, and personal data on request.

use jiff::Timestamp;
use tokio_postgres::types::{Json, Type};

use super::PlanResult;
use crate::{
    Store, StoreError,
    connection::{
        row_reader::RowReader,
        session::{Param, Sql},
    },
    records::{
        audit::{self, AuditEvent, Head},
        bookings,
    },
};
use model::{Erasure, Infeasibility, PlanId, PlanState, Request};

/// Plans deleted in one go: a bounded transaction.
const DELETE_MAX: i64 = 200;

/// A plan that ended, without what tells who it was for: the client and their words, what was
/// read out of them, their key, the documents. Figures, options and digest stay.
const ERASE: &str = "
    UPDATE plan SET
        request = $6, infeasibility = $7, result = $8, error = $9,
        requirements = CASE WHEN requirements ? 'keywords'
                            THEN requirements || '{\"keywords\": []}'::jsonb
                            ELSE requirements END,
        idempotency_key = NULL, fingerprint = $2, requested_by = NULL,
        state = $10, state_since = CASE WHEN state = $10 THEN state_since ELSE $3 END,
        updated_at = $3, audit_seq = $4, audit_hash = $5
    WHERE id = $1";

impl Store {
    /// Deletes plans that ended more than `keep_days` days ago, with all that belongs to them, a
    /// bounded number per call; returns how many. One whose vendors are still booked for its event
    /// stays, so that it can be called off; past bookings stay without their plan.
    pub async fn delete_ended_plans(&self, keep_days: u32) -> Result<u64, StoreError> {
        let session = self.pool.session("deleting plans past their time").await?;
        let sql = "
            DELETE FROM plan WHERE id IN (
                SELECT id FROM plan
                WHERE state IN ('completed', 'failed', 'infeasible', 'cancelled', 'superseded')
                  AND state_since < now() - make_interval(days => $1)
                  AND NOT EXISTS (SELECT FROM booking b
                                  WHERE b.plan_id = plan.id AND b.state IN ('held', 'confirmed')
                                    AND upper(b.during) > now())
                ORDER BY state_since LIMIT $2 FOR UPDATE SKIP LOCKED)";
        let days = i32::try_from(keep_days).unwrap_or(i32::MAX);
        let params: [Param<'_>; 2] = [(&days, Type::INT4), (&DELETE_MAX, Type::INT8)];
        session.execute(sql, &params).await
    }

    /// Erases the personal data of a plan that has ended. Erasing twice changes nothing more. A
    /// plan whose event is still to come is called off by it: nobody could say any more for whom
    /// its vendors are booked.
    ///
    /// # Errors
    /// `NoSuchPlan`; `NotEnded` where it is still under way.
    pub async fn erase(&self, plan: PlanId, by: Option<u32>) -> Result<(), StoreError> {
        let mut session = self.pool.session("erasing a plan's personal data").await?;
        let transaction = session.begin().await?;
        let sql = "SELECT state, clock_timestamp(), audit_seq, audit_hash, request, infeasibility, \
                   result, error FROM plan WHERE id = $1 FOR UPDATE";
        let row = transaction.query_opt(sql, &[(&plan.0, Type::UUID)]).await?;
        let row = row.ok_or(StoreError::NoSuchPlan { plan })?;
        let mut c = RowReader::of(&row, "a plan");
        let state: PlanState = c.parsed()?;
        if !state.is_final() {
            return Err(StoreError::NotEnded { plan, state });
        }
        let now: Timestamp = c.take()?;
        let mut head = Head::read(&mut c)?;
        let mut request: Request = c.json()?;
        let mut infeasibility: Option<Infeasibility> = c.json_opt()?;
        let mut result: Option<PlanResult> = c.json_opt()?;
        let mut error: Option<String> = c.take()?;
        let erasure = Erasure::of(&mut request);
        infeasibility.iter_mut().for_each(|told| erasure.infeasibility(told));
        result.iter_mut().for_each(|result| erasure.notes(&mut result.notes));
        error.iter_mut().for_each(|text| erasure.sentence(text));
        let is_coming = request.time.window().end > now;
        let to = match state {
            PlanState::Completed if is_coming => PlanState::Cancelled,
            state => state,
        };
        let mut events = Vec::new();
        if to != state {
            let detail = serde_json::json!({ "from": state.as_str(), "to": to.as_str() });
            events.push(AuditEvent::new("state", detail));
        }
        let released = match is_coming {
            true => bookings::release(&transaction, plan).await?,
            false => None,
        };
        let touched_bookings = released.is_some();
        events.extend(released);
        events.push(AuditEvent::new("erased", serde_json::json!({ "requested_by": by })));
        let rows: Vec<_> =
            events.iter().map(|event| (plan, head.append(plan, now, event))).collect();
        for sql in
            ["DELETE FROM document WHERE plan_id = $1", "DELETE FROM checkpoint WHERE plan_id = $1"]
        {
            transaction.execute(sql, &[(&plan.0, Type::UUID)]).await?;
        }
        let (request, infeasibility) = (Json(request), infeasibility.map(Json));
        let result = result.map(Json);
        let to = to.as_str();
        let params: [Param<'_>; 10] = [
            (&plan.0, Type::UUID),
            (&[0_u8; 32].as_slice(), Type::BYTEA),
            (&now, Type::TIMESTAMPTZ),
            (&head.seq, Type::INT8),
            (&head.hash.as_slice(), Type::BYTEA),
            (&request, Type::JSONB),
            (&infeasibility, Type::JSONB),
            (&result, Type::JSONB),
            (&error, Type::TEXT),
            (&to, Type::TEXT),
        ];
        transaction.execute(ERASE, &params).await?;
        audit::insert(&transaction, &rows).await?;
        transaction.commit().await?;
        if touched_bookings {
            self.notifications.catalogue();
        }
        self.notifications.changed([plan]);
        Ok(())
    }
}
