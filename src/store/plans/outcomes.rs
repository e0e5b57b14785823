//! What searches found: plans that end their search at the same time share a transaction, and
//! with it a commit. Each is judged by itself: one that was claimed by somebody else is left out.

use std::collections::HashMap;

use tokio_postgres::types::Type;

use super::{
    PlanResult,
    batching::{Batched, Batches, Limits},
    change::Locked,
    proofs::{self, ProofRow},
};
use crate::{
    Store, StoreError,
    connection::{
        pool::Pool,
        row_reader::RowReader,
        session::{Param, Sql, Transaction},
    },
    fleet::notify::Notifications,
    records::{
        agent_runs::{self, AgentRun},
        audit::{self, AuditEvent, AuditRow},
    },
};
use model::{Infeasibility, PlanId, PlanState, Requirements, Shares};

const TASK: &str = "storing what a search found";

/// In the order of the ids, as everywhere where several plans are locked: nobody waits in a
/// circle.
const LOCK: &str = "
    SELECT id, state, run_number, clock_timestamp(), audit_seq, audit_hash
    FROM plan WHERE id = ANY ($1) ORDER BY id FOR NO KEY UPDATE";

/// A step that succeeded: nobody works on the plan any more, and nothing is held against it.
const UPDATE: &str = "
    UPDATE plan SET
        state = n.state, updated_at = $9, state_since = $9,
        lease_owner = NULL, lease_until = NULL, run_after = clock_timestamp(),
        attempts = 0, failures = 0, crashes = 0,
        requirements = n.requirements::jsonb, shares = n.shares::jsonb, result = n.result::jsonb,
        infeasibility = coalesce(n.infeasibility::jsonb, plan.infeasibility),
        audit_seq = n.seq, audit_hash = n.hash
    FROM unnest($1, $2, $3, $4, $5, $6, $7, $8)
        AS n (id, state, requirements, shares, result, infeasibility, seq, hash)
    WHERE plan.id = n.id";

/// What became of a running plan's search.
pub struct SearchOutcome<'a> {
    pub plan: PlanId,
    /// As claimed; refused where somebody claimed the plan since.
    pub run_number: i64,
    /// `awaiting_selection` or `infeasible`.
    pub to: PlanState,
    pub requirements: &'a Requirements,
    pub shares: &'a [Shares],
    pub result: &'a PlanResult,
    pub infeasibility: Option<&'a Infeasibility>,
    /// Put on record after the change of state.
    pub events: Vec<AuditEvent>,
    /// What its agents did.
    pub agent_runs: &'a [AgentRun],
    /// In place of an earlier run's.
    pub proof: Option<ProofRow>,
}

/// An outcome on its way: its documents are written out already, outside the transaction.
pub(crate) struct PendingOutcome {
    plan: PlanId,
    run_number: i64,
    to: PlanState,
    requirements: String,
    shares: String,
    result: String,
    infeasibility: Option<String>,
    events: Vec<AuditEvent>,
    agent_runs: Vec<AgentRun>,
    proof: Option<ProofRow>,
}

/// Where outcomes wait for their batch.
pub(crate) type Outcomes = Batches<PendingOutcome>;

impl Batched for PendingOutcome {
    type Answer = ();

    const TASK: &'static str = TASK;
    /// Two at once, so that one plan's row that somebody holds does not stop the others. A daemon
    /// has no more outcomes than plans in flight; the bound is far above what waits for a commit.
    const LIMITS: Limits = Limits { batch: 64, at_once: 2, waiting: 4_096 };
    /// A run that was interrupted has its own way to end its plan.
    const OUTLIVES_CALLER: bool = false;

    async fn store(pool: &Pool, batch: &[Self]) -> Result<Vec<Result<(), StoreError>>, StoreError> {
        store(pool, batch).await
    }

    fn may_be_one_entrys(error: &StoreError) -> bool {
        matches!(
            error,
            StoreError::Unstorable { .. }
                | StoreError::Query { .. }
                | StoreError::Conflict { .. }
                | StoreError::TimedOut { .. }
                | StoreError::Corrupt { .. }
        )
    }

    fn announce(&self, notifications: &Notifications, (): &()) {
        notifications.changed([self.plan]);
    }
}

impl Store {
    /// Stores what a search found, with its audit rows, its agents' runs and its proof. Once it
    /// returns, all of it is on disk.
    ///
    /// # Errors
    /// `Fenced` where somebody claimed the plan since; `WrongState` where it does not run;
    /// nothing is changed then. `Crowded` where too many wait to be stored.
    pub async fn conclude(&self, outcome: SearchOutcome<'_>) -> Result<(), StoreError> {
        self.outcomes.store(PendingOutcome::new(outcome)?).await
    }
}

impl PendingOutcome {
    fn new(outcome: SearchOutcome<'_>) -> Result<Self, StoreError> {
        let SearchOutcome { plan, run_number, to, requirements, shares, result, .. } = outcome;
        let from = PlanState::Running;
        if !matches!(to, PlanState::AwaitingSelection | PlanState::Infeasible) {
            return Err(StoreError::NoSuchTransition { plan, from, to });
        }
        let detail = serde_json::json!({
            "from": from.as_str(),
            "to": to.as_str(),
            "run_number": run_number,
            "digest": result.digest.as_str(),
        });
        let mut events = vec![AuditEvent::new("state", detail)];
        events.extend(outcome.events);
        let unstorable = |error: serde_json::Error| StoreError::Unstorable {
            task: TASK,
            cause: error.to_string(),
        };
        let infeasibility = outcome.infeasibility.map(serde_json::to_string).transpose();
        Ok(Self {
            plan,
            run_number,
            to,
            requirements: serde_json::to_string(requirements).map_err(unstorable)?,
            shares: serde_json::to_string(shares).map_err(unstorable)?,
            result: serde_json::to_string(result).map_err(unstorable)?,
            infeasibility: infeasibility.map_err(unstorable)?,
            events,
            agent_runs: outcome.agent_runs.to_vec(),
            proof: outcome.proof,
        })
    }
}

/// What came of each entry, in their order.
async fn store(
    pool: &Pool,
    batch: &[PendingOutcome],
) -> Result<Vec<Result<(), StoreError>>, StoreError> {
    if batch.is_empty() {
        return Ok(Vec::new());
    }
    let mut session = pool.session(TASK).await?;
    let transaction = session.begin().await?;
    let mut locked = lock(&transaction, batch).await?;
    let mut answers = Vec::with_capacity(batch.len());
    let mut ours = Vec::with_capacity(batch.len());
    for entry in batch {
        let judged = judge(entry, locked.remove(&entry.plan));
        answers.push(judged.map(|row| ours.push((entry, row))));
    }
    write(&transaction, ours).await?;
    transaction.commit().await?;
    Ok(answers)
}

async fn lock(
    transaction: &Transaction<'_>,
    batch: &[PendingOutcome],
) -> Result<HashMap<PlanId, Locked>, StoreError> {
    let ids: Vec<_> = batch.iter().map(|entry| entry.plan.0).collect();
    let rows = transaction.query(LOCK, &[(&ids, Type::UUID_ARRAY)]).await?;
    let read = |row| {
        let mut c = RowReader::of(row, "a plan");
        Ok((PlanId(c.take()?), Locked::read(&mut c)?))
    };
    rows.iter().map(read).collect()
}

/// Whether the entry's run may still speak for its plan. A plan that stands in a batch twice has
/// its second entry refused.
fn judge(entry: &PendingOutcome, locked: Option<Locked>) -> Result<Locked, StoreError> {
    let (plan, run_number) = (entry.plan, entry.run_number);
    let locked = locked.ok_or(StoreError::NoSuchPlan { plan })?;
    if locked.run_number != run_number {
        return Err(StoreError::Fenced { plan, run_number });
    }
    if locked.state != PlanState::Running {
        let (found, expected) = (locked.state, PlanState::Running);
        return Err(StoreError::WrongState { plan, found, expected });
    }
    Ok(locked)
}

/// Writes outcomes whose preconditions hold: four statements that travel together.
async fn write(
    transaction: &Transaction<'_>,
    ours: Vec<(&PendingOutcome, Locked)>,
) -> Result<(), StoreError> {
    let Some(now) = ours.iter().map(|(_, locked)| locked.now).max() else { return Ok(()) };
    let mut heads = Vec::with_capacity(ours.len());
    let mut rows: Vec<(PlanId, AuditRow)> = Vec::new();
    for (entry, locked) in &ours {
        let mut head = locked.head;
        let row = |event| (entry.plan, head.append(entry.plan, now, event));
        rows.extend(entry.events.iter().map(row));
        heads.push(head);
    }
    let entries = || ours.iter().map(|(entry, _)| *entry);
    let ids: Vec<_> = entries().map(|entry| entry.plan.0).collect();
    let states: Vec<&str> = entries().map(|entry| entry.to.as_str()).collect();
    let requirements: Vec<&str> = entries().map(|entry| entry.requirements.as_str()).collect();
    let shares: Vec<&str> = entries().map(|entry| entry.shares.as_str()).collect();
    let results: Vec<&str> = entries().map(|entry| entry.result.as_str()).collect();
    let reasons: Vec<Option<&str>> =
        entries().map(|entry| entry.infeasibility.as_deref()).collect();
    let seqs: Vec<i64> = heads.iter().map(|head| head.seq).collect();
    let hashes: Vec<&[u8]> = heads.iter().map(|head| head.hash.as_slice()).collect();
    let params: [Param<'_>; 9] = [
        (&ids, Type::UUID_ARRAY),
        (&states, Type::TEXT_ARRAY),
        (&requirements, Type::TEXT_ARRAY),
        (&shares, Type::TEXT_ARRAY),
        (&results, Type::TEXT_ARRAY),
        (&reasons, Type::TEXT_ARRAY),
        (&seqs, Type::INT8_ARRAY),
        (&hashes, Type::BYTEA_ARRAY),
        (&now, Type::TIMESTAMPTZ),
    ];
    let runs: Vec<AgentRun> = entries().flat_map(|entry| entry.agent_runs.clone()).collect();
    let proofs: Vec<(PlanId, &ProofRow)> =
        entries().filter_map(|entry| Some((entry.plan, entry.proof.as_ref()?))).collect();
    // All are waited for: an answer that is left would cost the connection.
    let (updated, recorded, ran, proven) = tokio::join!(
        transaction.execute(UPDATE, &params),
        audit::insert(transaction, &rows),
        agent_runs::insert(transaction, &runs),
        proofs::insert(transaction, &proofs),
    );
    let all = updated.map(drop).and(recorded).and(ran).and(proven);
    all.map_err(|error| transaction.cause_of(error))
}
