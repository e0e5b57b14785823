//! Changes of a plan: the new state, what was found out, its bookings and the audit rows, all in
//! one transaction that only the plan's present run may make.

use std::time::Duration;

use jiff::Timestamp;
use tokio_postgres::types::{Json, Type};

use super::PlanResult;
use crate::{
    Store, StoreError,
    connection::{
        row_reader::RowReader,
        session::{Param, Sql, Transaction},
    },
    records::{
        agent_runs::{self, AgentRun},
        audit::{self, AuditEvent, Head},
        bookings::{self, Bookings},
        documents,
    },
};
use model::{PlanId, PlanState};
use wire::Document;

/// What changes beside the state; what stays empty stays as it is.
#[derive(Clone, Debug, Default)]
pub struct Patch<'a> {
    pub result: Option<&'a PlanResult>,
    /// Number of the selected option.
    pub selected: Option<u32>,
    /// The plan that takes this one's place.
    pub successor: Option<PlanId>,
    pub error: Option<&'a str>,
    pub bookings: Bookings<'a>,
    /// What its agents did.
    pub agent_runs: &'a [AgentRun],
    /// Each in place of one of the same name.
    pub documents: &'a [Document],
    /// Put on record after the change of state.
    pub events: Vec<AuditEvent>,
}

/// A change of state.
#[derive(Clone, Debug)]
pub struct Transition<'a> {
    pub plan: PlanId,
    /// As claimed or read; refused where somebody claimed the plan since.
    pub run_number: i64,
    pub from: PlanState,
    pub to: PlanState,
    pub patch: Patch<'a>,
    /// Given up by the daemon that worked on it: the next claim may have it.
    given_up: Option<GivenUp>,
}

/// How a plan is given up.
#[derive(Clone, Copy, Debug)]
struct GivenUp {
    /// Not claimed before this has passed.
    delay: Duration,
    /// The run failed through the plan's own doing: counted until a step succeeds.
    failed: bool,
}

impl<'a> Transition<'a> {
    pub fn new(plan: PlanId, run_number: i64, from: PlanState, to: PlanState) -> Self {
        Self { plan, run_number, from, to, patch: Patch::default(), given_up: None }
    }

    pub fn with(self, patch: Patch<'a>) -> Self {
        Self { patch, ..self }
    }
}

/// Why a plan goes back unfinished.
#[derive(Clone, Copy, Debug)]
pub struct GiveBack<'a> {
    /// Not claimed before this has passed.
    pub delay: Duration,
    pub reason: &'a str,
    /// The plan's own doing: counted.
    pub failed: bool,
    /// What its agents did.
    pub agent_runs: &'a [AgentRun],
}

/// A plan's row, locked until the transaction ends.
pub(crate) struct Locked {
    pub state: PlanState,
    pub run_number: i64,
    pub now: Timestamp,
    pub head: Head,
}

impl Locked {
    /// Of state, run_number, clock_timestamp(), audit_seq, audit_hash.
    pub(crate) fn read(c: &mut RowReader<'_>) -> Result<Self, StoreError> {
        let (state, run_number, now) = (c.parsed()?, c.take()?, c.take()?);
        Ok(Self { state, run_number, now, head: Head::read(c)? })
    }
}

const LOCK: &str = "
    SELECT state, run_number, clock_timestamp(), audit_seq, audit_hash
    FROM plan WHERE id = $1 FOR NO KEY UPDATE";

const UPDATE: &str = "
    UPDATE plan SET
        state = $2, updated_at = $3,
        state_since = CASE WHEN state = $2 THEN state_since ELSE $3 END,
        lease_owner = CASE WHEN $4 THEN lease_owner END,
        lease_until = CASE WHEN $4 THEN lease_until END,
        run_after = CASE WHEN $2 = 'queued' OR NOT $4
                         THEN clock_timestamp() + make_interval(secs => $5) ELSE run_after END,
        attempts = CASE WHEN $6 THEN 0 ELSE attempts END,
        failures = CASE WHEN $6 THEN 0 ELSE failures + $7 END,
        crashes = CASE WHEN $6 THEN 0 ELSE crashes END,
        result = coalesce($8, result), selected = coalesce($9, selected),
        error = coalesce($10, error), successor = coalesce($11, successor),
        audit_seq = $12, audit_hash = $13
    WHERE id = $1";

impl Store {
    /// Moves a plan on, but for what its search found: that is [`Store::conclude`]'s. Its holds end
    /// with a failed, cancelled or superseded plan.
    ///
    /// # Errors
    /// `NoSuchTransition` for a way that the state table doesn't know, or that is a search's;
    /// `Fenced` where somebody claimed the plan since; `WrongState` where it is not in `from`;
    /// `Taken`, `HoldLost`, `NoSuchVendor` from its bookings. Nothing is changed then.
    pub async fn transition(&self, change: &Transition<'_>) -> Result<(), StoreError> {
        let plan = change.plan;
        let is_of_search =
            matches!(change.to, PlanState::AwaitingSelection | PlanState::Infeasible);
        if is_of_search || !change.from.successors().contains(&change.to) {
            let (from, to) = (change.from, change.to);
            return Err(StoreError::NoSuchTransition { plan, from, to });
        }
        let mut session = self.pool.session("changing a plan's state").await?;
        let transaction = session.begin().await?;
        let locked = lock(&transaction, plan).await?;
        check_run_number(plan, &locked, change.run_number)?;
        if locked.state != change.from {
            let (found, expected) = (locked.state, change.from);
            return Err(StoreError::WrongState { plan, found, expected });
        }
        let touched_bookings = write(&transaction, locked, change).await?;
        transaction.commit().await?;
        if touched_bookings {
            self.notifications.catalogue();
        }
        self.notifications.changed([plan]);
        Ok(())
    }

    /// Stores what a run found out, with its audit rows, in the state that the plan is in.
    ///
    /// # Errors
    /// As [`Store::transition`].
    pub async fn record(
        &self,
        plan: PlanId,
        run_number: i64,
        patch: Patch<'_>,
    ) -> Result<(), StoreError> {
        let mut session = self.pool.session("recording a plan's progress").await?;
        let transaction = session.begin().await?;
        let locked = lock(&transaction, plan).await?;
        check_run_number(plan, &locked, run_number)?;
        let change = Transition::new(plan, run_number, locked.state, locked.state).with(patch);
        write(&transaction, locked, &change).await?;
        transaction.commit().await?;
        self.notifications.changed([plan]);
        Ok(())
    }

    /// Lets a plan go that this daemon won't finish: the next claim takes it, once the delay has
    /// passed.
    ///
    /// # Errors
    /// `Fenced` where it was no longer this daemon's.
    pub async fn release(
        &self,
        plan: PlanId,
        run_number: i64,
        back: GiveBack<'_>,
    ) -> Result<(), StoreError> {
        let mut session = self.pool.session("giving up a plan").await?;
        let transaction = session.begin().await?;
        let locked = lock(&transaction, plan).await?;
        check_run_number(plan, &locked, run_number)?;
        let to = match locked.state {
            PlanState::Running => PlanState::Queued,
            PlanState::Writing => PlanState::Writing,
            // Its outcome was stored after all.
            _ => return Ok(()),
        };
        let detail = serde_json::json!({ "reason": back.reason, "failed": back.failed });
        let events = vec![AuditEvent::new("released", detail)];
        let patch = Patch { events, agent_runs: back.agent_runs, ..Patch::default() };
        let mut change = Transition::new(plan, run_number, locked.state, to).with(patch);
        change.given_up = Some(GivenUp { delay: back.delay, failed: back.failed });
        write(&transaction, locked, &change).await?;
        transaction.commit().await?;
        self.notifications.ready([plan]);
        Ok(())
    }
}

pub(crate) async fn lock(
    transaction: &Transaction<'_>,
    plan: PlanId,
) -> Result<Locked, StoreError> {
    let row = transaction.query_opt(LOCK, &[(&plan.0, Type::UUID)]).await?;
    let row = row.ok_or(StoreError::NoSuchPlan { plan })?;
    let mut c = RowReader::of(&row, "a plan");
    Locked::read(&mut c)
}

fn check_run_number(plan: PlanId, locked: &Locked, run_number: i64) -> Result<(), StoreError> {
    if locked.run_number == run_number {
        return Ok(());
    }
    Err(StoreError::Fenced { plan, run_number })
}

/// Writes a change of a locked plan whose preconditions hold; whether vendors were held, confirmed
/// or released with it.
pub(crate) async fn write(
    transaction: &Transaction<'_>,
    locked: Locked,
    change: &Transition<'_>,
) -> Result<bool, StoreError> {
    let plan = change.plan;
    let patch = &change.patch;
    let mut head = locked.head;
    let mut events = Vec::with_capacity(patch.events.len() + 2);
    if change.from != change.to {
        let mut detail = serde_json::json!({
            "from": change.from.as_str(),
            "to": change.to.as_str(),
            "run_number": locked.run_number,
            "owner": null,
            "selected": patch.selected,
            "error": patch.error,
            "digest": patch.result.map(|result| result.digest.as_str()),
        });
        if let Some(successor) = patch.successor {
            detail["successor"] = serde_json::json!(successor);
        }
        events.push(head.append(plan, locked.now, &AuditEvent::new("state", detail)));
    }
    if let Some(successor) = patch.successor.filter(|_| change.from == change.to) {
        let event = AuditEvent::new("superseded", serde_json::json!({ "successor": successor }));
        events.push(head.append(plan, locked.now, &event));
    }
    let booked = bookings::apply(transaction, plan, change.to, patch.bookings).await?;
    if let Some(event) = &booked {
        events.push(head.append(plan, locked.now, event));
    }
    for event in &patch.events {
        events.push(head.append(plan, locked.now, event));
    }

    let to = change.to.as_str();
    let worked_on =
        matches!(change.to, PlanState::Running | PlanState::Writing) && change.given_up.is_none();
    let delay = change.given_up.map_or(0.0, |given_up| given_up.delay.as_secs_f64());
    let failed = i16::from(change.given_up.is_some_and(|given_up| given_up.failed));
    let stepped = change.to.is_final();
    let selected = patch.selected.map(|number| i16::try_from(number).unwrap_or(i16::MAX));
    let result = patch.result.map(Json);
    let successor = patch.successor.map(|plan| plan.0);
    let params: [Param<'_>; 13] = [
        (&plan.0, Type::UUID),
        (&to, Type::TEXT),
        (&locked.now, Type::TIMESTAMPTZ),
        (&worked_on, Type::BOOL),
        (&delay, Type::FLOAT8),
        (&stepped, Type::BOOL),
        (&failed, Type::INT2),
        (&result, Type::JSONB),
        (&selected, Type::INT2),
        (&patch.error, Type::TEXT),
        (&successor, Type::UUID),
        (&head.seq, Type::INT8),
        (&head.hash.as_slice(), Type::BYTEA),
    ];
    transaction.execute(UPDATE, &params).await?;
    let rows: Vec<_> = events.into_iter().map(|row| (plan, row)).collect();
    audit::insert(transaction, &rows).await?;
    agent_runs::insert(transaction, patch.agent_runs).await?;
    documents::insert(transaction, plan, patch.documents).await?;
    Ok(booked.is_some())
}
