//! Plans as rows: what is stored of them, reading, listing.

pub(crate) mod batching;
pub(crate) mod change;
pub(crate) mod checkpoints;
pub(crate) mod list;
pub(crate) mod outcomes;
pub(crate) mod proofs;
pub(crate) mod queue;
pub(crate) mod retention;
pub(crate) mod submission;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio_postgres::{Row, types::Type};

use crate::{
    Store, StoreError,
    connection::{row_reader::RowReader, session::Sql},
};
use model::{
    Infeasibility, Note, PlanId, PlanOption, PlanState, Request, Requirements, SearchSummary,
    Shares, VendorBasis,
};

/// Plans that one page lists at most.
pub const LIST_LIMIT_MAX: u32 = 1_000;

/// What a search gave a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlanResult {
    /// Empty for an infeasible plan.
    pub options: Vec<PlanOption>,
    /// Absent for an infeasible plan: nothing is possible.
    pub tally: Option<SearchSummary>,
    pub notes: Vec<Note>,
    /// Equal for equal requests and seeds on equal data.
    pub digest: String,
    /// The search's last rounds, oldest first.
    #[serde(default)]
    pub history: Vec<RoundFigures>,
    /// What the options' vendors said when they were made of them; empty in plans of earlier
    /// versions.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub basis: Vec<VendorBasis>,
}

/// One round of a search.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RoundFigures {
    pub round: u32,
    /// Fitness of the best combination so far.
    pub best: Option<f64>,
    /// Upper bound of the fitness so far.
    pub bound: Option<f64>,
    /// Combinations scored so far.
    pub scored: u64,
}

/// A plan to be stored.
#[derive(Clone, Debug)]
pub struct NewPlan<'a> {
    pub id: PlanId,
    pub request: &'a Request,
    /// What must be equal for the same key to name the same plan: see [`fingerprint`].
    pub fingerprint: [u8; 32],
    pub idempotency_key: Option<&'a str>,
    /// User id of the client.
    pub requested_by: Option<u32>,
    /// Higher goes first; 0 for most.
    pub priority: i16,
    /// The plan that this one replans, and the option that it starts from.
    pub replans: Option<(PlanId, Option<&'a PlanOption>)>,
    pub created_at: Timestamp,
}

/// The fingerprint of a document as it was sent: a date such as `+180d` is another day
/// tomorrow, yet the same document.
pub fn fingerprint(document: &[u8]) -> [u8; 32] {
    *blake3::hash(document).as_bytes()
}

/// What became of a submission. Either way the plan is stored for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Submitted {
    Created(PlanId),
    /// The idempotency key had named it before.
    Known(PlanId),
}

impl Submitted {
    pub const fn plan(self) -> PlanId {
        match self {
            Self::Created(plan) | Self::Known(plan) => plan,
        }
    }
}

/// A stored plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    pub id: PlanId,
    pub state: PlanState,
    pub priority: i16,
    pub idempotency_key: Option<String>,
    pub request: Request,
    pub requested_by: Option<u32>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub(crate) state_since: Timestamp,
    /// The daemon that works on it, and until when its lease runs.
    pub lease: Option<(String, Timestamp)>,
    /// Names the last claim; every write by a worker must name the same.
    pub run_number: i64,
    /// Claims since the last step that succeeded, and how many of these runs failed, or ended
    /// with their daemon.
    pub attempts: u32,
    pub failures: u32,
    pub crashes: u32,
    pub requirements: Option<Requirements>,
    pub shares: Option<Vec<Shares>>,
    pub result: Option<PlanResult>,
    /// Number of the selected option.
    pub selected: Option<u32>,
    pub infeasibility: Option<Infeasibility>,
    pub error: Option<String>,
    pub cancel_requested: bool,
    /// The plan that this one replans.
    pub replans: Option<PlanId>,
    /// The option of that plan whose vendors are to be kept.
    pub previous: Option<PlanOption>,
    /// The plan that was selected in its place.
    pub successor: Option<PlanId>,
    /// Of a plan that replans: the one that holds the event's vendors now.
    pub holder: Option<PlanId>,
}

/// The select list that [`read`] reads; `concat!` needs it as a literal.
macro_rules! plan_columns {
    () => {
        "plan.id, plan.state, plan.priority, plan.idempotency_key, plan.request, \
         plan.requested_by, plan.created_at, plan.updated_at, plan.state_since, \
         plan.lease_owner, plan.lease_until, plan.run_number, plan.attempts, \
         plan.failures, plan.crashes, \
         plan.requirements, plan.shares, plan.result, plan.selected, plan.infeasibility, \
         plan.error, plan.cancel_requested, plan.replans, plan.previous, plan.successor, \
         (SELECT holder.id FROM plan holder \
          WHERE (holder.id = plan.family OR holder.family = plan.family) \
            AND holder.state IN ('writing', 'completed') AND holder.successor IS NULL \
          ORDER BY holder.id LIMIT 1)"
    };
}
pub(super) use plan_columns;

pub(super) fn read(row: &Row) -> Result<Plan, StoreError> {
    let mut c = RowReader::of(row, "a plan");
    Ok(Plan {
        id: PlanId(c.take()?),
        state: c.parsed()?,
        priority: c.take()?,
        idempotency_key: c.take()?,
        request: c.json()?,
        requested_by: user_id(&mut c)?,
        created_at: c.take()?,
        updated_at: c.take()?,
        state_since: c.take()?,
        lease: c.take::<Option<String>>()?.zip(c.take()?),
        run_number: c.take()?,
        attempts: c.take::<i32>()?.unsigned_abs(),
        failures: c.take::<i16>()?.unsigned_abs().into(),
        crashes: c.take::<i16>()?.unsigned_abs().into(),
        requirements: c.json_opt()?,
        shares: c.json_opt()?,
        result: c.json_opt()?,
        selected: c.take::<Option<i16>>()?.map(|number| number.unsigned_abs().into()),
        infeasibility: c.json_opt()?,
        error: c.take()?,
        cancel_requested: c.take()?,
        replans: c.take::<Option<uuid::Uuid>>()?.map(PlanId),
        previous: c.json_opt()?,
        successor: c.take::<Option<uuid::Uuid>>()?.map(PlanId),
        holder: c.take::<Option<uuid::Uuid>>()?.map(PlanId),
    })
}

fn user_id(c: &mut RowReader<'_>) -> Result<Option<u32>, StoreError> {
    let value: Option<i64> = c.take()?;
    value.map(u32::try_from).transpose().map_err(|error| c.corrupt(error))
}

impl Store {
    /// # Errors
    /// `NoSuchPlan`.
    pub async fn plan(&self, plan: PlanId) -> Result<Plan, StoreError> {
        let session = self.pool.session("reading a plan").await?;
        let sql = concat!("SELECT ", plan_columns!(), " FROM plan WHERE id = $1");
        let row = session.query_opt(sql, &[(&plan.0, Type::UUID)]).await?;
        read(&row.ok_or(StoreError::NoSuchPlan { plan })?)
    }

    /// How many plans stand in each state that any stands in.
    pub async fn plan_counts(&self) -> Result<Vec<(PlanState, u64)>, StoreError> {
        let session = self.pool.session("counting plans").await?;
        let sql = "SELECT state, count(*) FROM plan GROUP BY state ORDER BY state";
        let rows = session.query(sql, &[]).await?;
        let read = |row| {
            let mut c = RowReader::of(row, "a plan count");
            Ok((c.parsed()?, c.take::<i64>()?.unsigned_abs()))
        };
        rows.iter().map(read).collect()
    }
}
