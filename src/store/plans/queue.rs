//! The plans as a queue that any number of daemons share: claims, leases, giving up.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use tokio_postgres::types::Type;

use super::{Plan, plan_columns};
use crate::{
    Store, StoreError,
    connection::{
        row_reader::RowReader,
        session::{Param, Sql},
    },
    plans,
    records::audit::{self, AuditEvent, Head},
};
use model::{PlanId, PlanState};

/// Plans that one claim takes at most.
pub(crate) const CLAIM_MAX: u32 = 500;

/// A plan whose daemon died so many times since its last step may be what kills them: it is
/// claimed with no other suspect beside it, so that the innocent ones clear themselves. The index
/// `plan_suspect` knows the number too.
pub const SUSPECT_CRASHES: u32 = 2;

/// A plan whose lease goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Renewed {
    pub plan: PlanId,
    pub run_number: i64,
    /// Somebody wants it cancelled.
    pub cancel_requested: bool,
}

/// What a daemon can take on.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// The daemon's name.
    pub owner: &'a str,
    pub lease: Duration,
    /// Plans at most; at most [`CLAIM_MAX`].
    pub limit: u32,
    /// One of them may be a suspect, with so many crashes at most; below [`SUSPECT_CRASHES`]: none.
    pub suspect_crashes: u32,
}

/// Skips what another daemon is claiming at this moment. First what somebody began, then the
/// queue. A plan taken from another daemon whose lease ran out had a crash; one that was given
/// back has no owner.
const NEXT: &str = "
    WITH doubtful AS (
        SELECT id, state, run_number, lease_owner, audit_seq, audit_hash, priority, turn, created_at
        FROM plan
        WHERE crashes >= 2 AND crashes <= $2 AND state IN ('queued', 'running', 'writing')
          AND run_after <= clock_timestamp()
          AND (lease_until IS NULL OR lease_until < clock_timestamp())
        ORDER BY crashes, id
        LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
    ), begun AS (
        SELECT id, state, run_number, lease_owner, audit_seq, audit_hash, priority, turn, created_at
        FROM plan
        WHERE state IN ('running', 'writing') AND crashes < 2
          AND run_after <= clock_timestamp()
          AND (lease_until IS NULL OR lease_until < clock_timestamp())
        ORDER BY lease_until NULLS FIRST
        LIMIT $1 - (SELECT count(*) FROM doubtful) FOR NO KEY UPDATE SKIP LOCKED
    ), waiting AS (
        SELECT id, state, run_number, lease_owner, audit_seq, audit_hash, priority, turn, created_at
        FROM plan
        WHERE state = 'queued' AND crashes < 2 AND run_after <= clock_timestamp()
        ORDER BY priority DESC, turn, created_at, id
        LIMIT $1 - (SELECT count(*) FROM doubtful) - (SELECT count(*) FROM begun)
        FOR NO KEY UPDATE SKIP LOCKED
    )
    SELECT id, state, run_number, lease_owner, clock_timestamp(), audit_seq, audit_hash
    FROM (SELECT * FROM doubtful UNION ALL SELECT * FROM begun UNION ALL SELECT * FROM waiting) next
    ORDER BY state = 'queued', priority DESC, turn, created_at, id";

const CLAIM: &str = concat!(
    "UPDATE plan
     SET state = CASE state WHEN 'queued' THEN 'running' ELSE state END,
         state_since = CASE state WHEN 'queued' THEN $6 ELSE state_since END,
         updated_at = $6, run_number = run_number + 1, attempts = attempts + 1,
         crashes = crashes + CASE WHEN lease_owner <> $4 THEN 1 ELSE 0 END,
         lease_owner = $4, lease_until = clock_timestamp() + make_interval(secs => $5),
         audit_seq = claimed.seq, audit_hash = claimed.hash
     FROM unnest($1, $2, $3) AS claimed (id, seq, hash)
     WHERE plan.id = claimed.id
     RETURNING ",
    plan_columns!()
);

/// In the order of the ids: outcomes, which lock several plans too, never wait in a circle with
/// it.
const RENEW: &str = "
    WITH mine AS (
        SELECT plan.id FROM plan JOIN unnest($1, $2) AS run (id, run_number)
            ON plan.id = run.id AND plan.run_number = run.run_number
        WHERE plan.lease_owner = $3 AND plan.state IN ('running', 'writing')
        ORDER BY plan.id FOR NO KEY UPDATE OF plan
    )
    UPDATE plan SET lease_until = clock_timestamp() + make_interval(secs => $4)
    FROM mine WHERE plan.id = mine.id
    RETURNING plan.id, plan.run_number, plan.cancel_requested";

const RELEASE: &str = "
    WITH mine AS (
        SELECT id FROM plan
        WHERE lease_owner = $1 AND state IN ('running', 'writing')
          AND lease_until > clock_timestamp()
        ORDER BY id FOR NO KEY UPDATE
    )
    UPDATE plan SET lease_until = clock_timestamp() FROM mine WHERE plan.id = mine.id";

impl Store {
    /// Lets go of what a former generation of this daemon's coordinator held, so that the next
    /// claim takes it at once; returns how many plans there were.
    pub async fn release_leases(&self, owner: &str) -> Result<u64, StoreError> {
        let session = self.pool.session("releasing the leases of an earlier run").await?;
        session.execute(RELEASE, &[(&owner, Type::TEXT)]).await
    }

    /// Takes plans that nobody works on: those whose lease ran out, which keep their state, then
    /// queued ones, which become `running`, by priority and in turn. Each gets a new run number.
    pub async fn claim(&self, claim: Claim<'_>) -> Result<Vec<Plan>, StoreError> {
        let Claim { owner, lease, .. } = claim;
        let mut session = self.pool.session("claiming plans").await?;
        let transaction = session.begin().await?;
        let limit = i64::from(claim.limit.min(CLAIM_MAX));
        let suspects = i32::try_from(claim.suspect_crashes).unwrap_or(i32::MAX);
        let params: [Param<'_>; 2] = [(&limit, Type::INT8), (&suspects, Type::INT4)];
        let rows = transaction.query(NEXT, &params).await?;
        if rows.is_empty() {
            transaction.commit().await?;
            return Ok(Vec::new());
        }
        let mut events = Vec::with_capacity(rows.len());
        let (mut ids, mut seqs, mut hashes) = (Vec::new(), Vec::new(), Vec::new());
        let mut now = Timestamp::UNIX_EPOCH;
        for row in &rows {
            let mut c = RowReader::of(row, "a plan");
            let (plan, state) = (PlanId(c.take()?), c.parsed::<PlanState>()?);
            let run_number = c.take::<i64>()? + 1;
            let former: Option<&str> = c.take()?;
            now = c.take()?;
            let mut head = Head::read(&mut c)?;
            let to = if state == PlanState::Queued { PlanState::Running } else { state };
            let detail = serde_json::json!({
                "from": state.as_str(),
                "to": to.as_str(),
                "run_number": run_number,
                "owner": owner,
                "taken_over_from": former,
            });
            events.push((plan, head.append(plan, now, &AuditEvent::new("claim", detail))));
            ids.push(plan.0);
            seqs.push(head.seq);
            hashes.push(head.hash.to_vec());
        }
        let seconds = lease.as_secs_f64();
        let params: [Param<'_>; 6] = [
            (&ids, Type::UUID_ARRAY),
            (&seqs, Type::INT8_ARRAY),
            (&hashes, Type::BYTEA_ARRAY),
            (&owner, Type::TEXT),
            (&seconds, Type::FLOAT8),
            (&now, Type::TIMESTAMPTZ),
        ];
        let updated = transaction.query(CLAIM, &params).await?;
        audit::insert(&transaction, &events).await?;
        transaction.commit().await?;
        self.notifications.changed(ids.iter().map(|id| PlanId(*id)));
        let read = updated.iter().map(|row| plans::read(row).map(|plan| (plan.id, plan)));
        let mut claimed = read.collect::<Result<BTreeMap<_, _>, _>>()?;
        Ok(ids.iter().filter_map(|id| claimed.remove(&PlanId(*id))).collect())
    }

    /// Prolongs the leases that are still this daemon's. A plan that is missing from the answer
    /// belongs to somebody else now: drop its work.
    pub async fn renew_leases(
        &self,
        owner: &str,
        lease: Duration,
        runs: &[(PlanId, i64)],
    ) -> Result<Vec<Renewed>, StoreError> {
        if runs.is_empty() {
            return Ok(Vec::new());
        }
        let session = self.pool.session("renewing leases").await?;
        let ids: Vec<_> = runs.iter().map(|run| run.0.0).collect();
        let numbers: Vec<i64> = runs.iter().map(|run| run.1).collect();
        let seconds = lease.as_secs_f64();
        let params: [Param<'_>; 4] = [
            (&ids, Type::UUID_ARRAY),
            (&numbers, Type::INT8_ARRAY),
            (&owner, Type::TEXT),
            (&seconds, Type::FLOAT8),
        ];
        let rows = session.query(RENEW, &params).await?;
        let read = |row| {
            let mut c = RowReader::of(row, "a lease");
            let (plan, run_number) = (PlanId(c.take()?), c.take()?);
            Ok(Renewed { plan, run_number, cancel_requested: c.take()? })
        };
        rows.iter().map(read).collect()
    }

    /// Queued plans of all clients, and of one.
    pub async fn queue_length(&self, client: Option<u32>) -> Result<QueueLength, StoreError> {
        let session = self.pool.session("counting the queue").await?;
        let sql = "SELECT count(*), count(*) FILTER (WHERE requested_by = $1) FROM plan
                   WHERE state = 'queued'";
        let client = client.map(i64::from);
        let row = session.query_one(sql, &[(&client, Type::INT8)]).await?;
        let mut c = RowReader::of(&row, "a plan count");
        let (all, of_client) = (c.take::<i64>()?, c.take::<i64>()?);
        Ok(QueueLength { all: all.unsigned_abs(), of_client: of_client.unsigned_abs() })
    }
}

/// How many plans wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueLength {
    pub all: u64,
    pub of_client: u64,
}
