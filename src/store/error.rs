//! What can go wrong in the store, by what a caller can do about it.

use std::{path::PathBuf, time::Duration};

use crate::sqlstate::{ErrorKind, kind};
use model::{FieldError, PlanId, PlanState, VendorId};

/// A refused row of a vendor file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowError {
    /// As the importer numbered it.
    pub row: usize,
    pub error: FieldError,
}

impl std::fmt::Display for RowError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "row {}: {}", self.row, self.error)
    }
}

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Nobody answers at the database's address. Worth another try later.
    #[error("{task}: the database can't be reached: {cause}")]
    Unreachable { task: &'static str, cause: String },

    /// The server answers and refuses: wrong password, unknown database. A retry won't help.
    #[error("the database refuses the connection: {cause}; check database.url")]
    Refused { cause: String },

    /// Every connection is in use. Worth another try later; slow down.
    #[error(
        "{task}: no database connection was free within {waited_ms} ms ({in_use} of at most {limit} \
         in use)"
    )]
    Exhausted { task: &'static str, in_use: u32, limit: u32, waited_ms: u128 },

    /// Too many wait to be stored already. Nothing was changed; slow down.
    #[error("{task}: {limit} others wait already")]
    Crowded { task: &'static str, limit: usize },

    /// The connection broke in mid-query: what it did is unknown. Look before trying again.
    #[error("{task}: the connection to the database broke: {cause}")]
    Disconnected { task: &'static str, cause: String },

    /// A statement or lock time-out, or a cancel from outside. Nothing was changed.
    #[error("{task}: stopped by the database's time limit: {cause}")]
    TimedOut { task: &'static str, cause: String },

    /// The server has no room: its disk or memory is full. Nothing was changed; worth another try
    /// once somebody has made room.
    #[error("{task}: the database server has no room: {cause}")]
    NoRoom { task: &'static str, cause: String },

    /// The server is in trouble of its own: its disk fails, or it takes no writes. Nothing was
    /// changed; worth another try once somebody has looked after it.
    #[error("{task}: the database server is in trouble: {cause}")]
    Faulty { task: &'static str, cause: String },

    /// Another transaction came in between. Nothing was changed; try again at once.
    #[error("{task}: another transaction came in between; try again")]
    Conflict { task: &'static str },

    /// The value can't be stored, whoever tries: a NUL character, a number out of range.
    #[error("{task}: the database can't store a value: {cause}")]
    Unstorable { task: &'static str, cause: String },

    /// Any other refusal by the server.
    #[error("{task}: {cause}")]
    Query { task: &'static str, cause: String },

    /// A stored value can't be read back.
    #[error("{what} in the database can't be read: {cause}")]
    Corrupt { what: String, cause: String },

    /// The schema was migrated by a newer version of this program.
    #[error(
        "the database has schema version {found}, this program knows up to {known}; \
         run the newer program or restore a backup"
    )]
    NewerSchema { found: i64, known: i64 },

    #[error("migrating the database failed: {cause}")]
    Migration { cause: String },

    #[error("there is no plan {plan}")]
    NoSuchPlan { plan: PlanId },

    /// The same idempotency key came with another request.
    #[error(
        "the idempotency key `{key}` belongs to plan {plan} with another request; use a new key"
    )]
    KeyReused { key: String, plan: PlanId },

    /// Somebody else claimed the plan since: drop the work.
    #[error("plan {plan} is no longer run number {run_number} of this daemon")]
    Fenced { plan: PlanId, run_number: i64 },

    /// The plan is not in the state that the change starts from.
    #[error("plan {plan} is {found}, not {expected}")]
    WrongState { plan: PlanId, found: PlanState, expected: PlanState },

    /// Another plan was selected in its place.
    #[error("plan {plan} was superseded by plan {successor}, which was selected in its place")]
    Superseded { plan: PlanId, successor: PlanId },

    /// Another plan of the same event was selected, and this one doesn't stand in for it.
    #[error("the event of plan {plan} is booked by plan {holder}, which was selected before")]
    BookedElsewhere { plan: PlanId, holder: PlanId },

    /// The plan is still under way.
    #[error("plan {plan} is {state}; cancel it, or wait until it has ended")]
    NotEnded { plan: PlanId, state: PlanState },

    /// A bug in the caller: no plan ever goes this way.
    #[error("plan {plan} can't go from {from} to {to}")]
    NoSuchTransition { plan: PlanId, from: PlanState, to: PlanState },

    #[error("vendor {vendor} is taken in the needed window")]
    Taken { vendor: VendorId },

    /// A hold ran out and the vendor was given to somebody else.
    #[error("plan {plan} no longer holds its vendors; select again")]
    HoldLost { plan: PlanId },

    #[error("there is no vendor {vendor}")]
    NoSuchVendor { vendor: VendorId },

    /// Another process uses the state directory.
    #[error("{} is in use by process {holder}; stop it or choose another state directory", path.display())]
    Locked { path: PathBuf, holder: String },

    #[error("no PostgreSQL server found ({searched}); {remedy}")]
    NoServer { searched: String, remedy: String },

    /// The private cluster can't be made, started or stopped.
    #[error("the private PostgreSQL cluster: {what}: {cause}")]
    Cluster { what: String, cause: String },

    #[error("{what} {}: {source}", path.display())]
    Io { what: &'static str, path: PathBuf, source: std::io::Error },
}

impl StoreError {
    /// Sorts an error of the driver by what can be done about it.
    pub(super) fn from_driver(task: &'static str, error: tokio_postgres::Error) -> Self {
        let cause = describe(&error);
        let Some(code) = error.code() else {
            if error.is_closed() || is_io(&error) {
                return Self::Disconnected { task, cause };
            }
            // Not the server's: a parameter or column of the wrong type, or one out of range.
            return Self::Unstorable { task, cause };
        };
        match kind(code) {
            ErrorKind::Disconnected => Self::Disconnected { task, cause },
            ErrorKind::Unreachable => Self::Unreachable { task, cause },
            ErrorKind::TimedOut => Self::TimedOut { task, cause },
            ErrorKind::NoRoom => Self::NoRoom { task, cause },
            ErrorKind::Conflict => Self::Conflict { task },
            ErrorKind::Faulty => Self::Faulty { task, cause },
            ErrorKind::Unstorable => Self::Unstorable { task, cause },
            ErrorKind::Refused => Self::Query { task, cause },
        }
    }

    /// Whether the same call may well succeed a little later, with nothing changed by this one.
    pub const fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. }
                | Self::Exhausted { .. }
                | Self::Crowded { .. }
                | Self::NoRoom { .. }
                | Self::Faulty { .. }
                | Self::TimedOut { .. }
                | Self::Conflict { .. }
        )
    }

    /// Whether the database itself is away, whatever the call was.
    pub const fn is_outage(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Disconnected { .. })
    }

    /// The same error for another caller of the same statement.
    pub(super) fn again(&self) -> Self {
        match self {
            Self::Unreachable { task, cause } => Self::Unreachable { task, cause: cause.clone() },
            Self::Refused { cause } => Self::Refused { cause: cause.clone() },
            &Self::Exhausted { task, in_use, limit, waited_ms } => {
                Self::Exhausted { task, in_use, limit, waited_ms }
            }
            Self::Disconnected { task, cause } => Self::Disconnected { task, cause: cause.clone() },
            Self::TimedOut { task, cause } => Self::TimedOut { task, cause: cause.clone() },
            Self::NoRoom { task, cause } => Self::NoRoom { task, cause: cause.clone() },
            Self::Faulty { task, cause } => Self::Faulty { task, cause: cause.clone() },
            Self::Conflict { task } => Self::Conflict { task },
            Self::Unstorable { task, cause } => Self::Unstorable { task, cause: cause.clone() },
            Self::Query { task, cause } => Self::Query { task, cause: cause.clone() },
            other => Self::Query { task: "sharing a statement", cause: other.to_string() },
        }
    }

    pub(super) fn corrupt(what: impl Into<String>, cause: impl std::fmt::Display) -> Self {
        Self::Corrupt { what: what.into(), cause: cause.to_string() }
    }

    pub(super) fn cluster(what: impl Into<String>, cause: impl std::fmt::Display) -> Self {
        Self::Cluster { what: what.into(), cause: cause.to_string() }
    }

    pub(super) fn exhausted(task: &'static str, in_use: u32, limit: u32, waited: Duration) -> Self {
        Self::Exhausted { task, in_use, limit, waited_ms: waited.as_millis() }
    }
}

/// The server's message with its detail, or the driver's with its cause.
pub(super) fn describe(error: &tokio_postgres::Error) -> String {
    if let Some(db) = error.as_db_error() {
        let detail = db.detail().map(|detail| format!(" ({detail})")).unwrap_or_default();
        return format!("{}{detail}{}", db.message(), remedy(db));
    }
    match std::error::Error::source(error) {
        // Only here nobody answered at all.
        Some(source) if nobody_listens(source) => {
            format!("{error}: {source}; is the server running?")
        }
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// What to do about answers that don't say so themselves.
fn remedy(answer: &tokio_postgres::error::DbError) -> &'static str {
    // PgBouncer's; PostgreSQL knows the parameter.
    if answer.message().contains("unsupported startup parameter") {
        "; behind a pooler set database.prepared_statements = false"
    } else {
        ""
    }
}

fn nobody_listens(source: &(dyn std::error::Error + 'static)) -> bool {
    use std::io::ErrorKind::{ConnectionRefused, NotFound};
    let error = source.downcast_ref::<std::io::Error>();
    error.is_some_and(|error| matches!(error.kind(), ConnectionRefused | NotFound))
}

pub(super) fn is_io(error: &tokio_postgres::Error) -> bool {
    let source = std::error::Error::source(error);
    source.is_some_and(|source| source.downcast_ref::<std::io::Error>().is_some())
}
