//! Floor 2: PostgreSQL: pool, private cluster, migrations, vendors, plans, bookings, audit.

mod api_error;
mod cluster;
mod connection;
mod error;
mod fleet;
mod import;
mod plans;
mod records;
mod schema;
mod selection;

pub mod settings;
mod sqlstate;
mod vendors;

pub use cluster::Cluster;
pub use cluster::state_lock::StateLock;
pub(crate) use connection::observer::Unobserved;
pub use connection::observer::{Observer, QueryFigures};
pub use connection::pool::PoolStatus;
pub use connection::unpooled::ping_without_pool;
pub use error::{RowError, StoreError};
pub use fleet::{FleetLink, PeerEvent};
pub use import::{ImportPlan, ImportSession, ImportSummary};
pub use plans::change::{GiveBack, Patch, Transition};
pub use plans::checkpoints::Checkpoint;
pub use plans::list::Failure;
pub use plans::outcomes::SearchOutcome;
pub use plans::proofs::ProofRow;
pub use plans::queue::{Claim, QueueLength, Renewed, SUSPECT_CRASHES};
pub use plans::{LIST_LIMIT_MAX, NewPlan, Plan, PlanResult, RoundFigures, Submitted, fingerprint};
pub use records::agent_runs::{AgentOutcome, AgentRun};
pub use records::audit::{AuditEvent, AuditRow, ChainCheck};
pub use records::bookings::{Booking, Bookings};
pub use records::history::HISTORY_LIMIT_MAX;
pub use records::kept_replies::KeptReply;
pub use records::metric_rows::MetricRow;
pub use schema::migrations::migrate;
pub use selection::calling_off::Cancelled;
pub use selection::family::{FAMILY_MAX, Family, Member};
pub use selection::{Agreed, Choice, Present, Selected};
pub use vendors::ServedCities;
pub use vendors::changes::{Changes, Horizon, Touched};
pub use vendors::filter::{SEARCH_LIMIT_MAX, VendorFilter};
pub use vendors::sourcing::{Reach, SourcingQuery};

use std::sync::Arc;

use settings::DatabaseSettings;

/// The database: cheap to clone, shared by all actors.
#[derive(Clone)]
pub struct Store {
    pool: crate::connection::pool::Pool,
    submissions: crate::plans::submission::Submissions,
    outcomes: crate::plans::outcomes::Outcomes,
    notifications: crate::fleet::notify::Notifications,
}

impl Store {
    /// Brings the schema of `settings.url` up to date and opens the pool. Call it on the runtime
    /// that lives as long as the process.
    ///
    /// # Errors
    /// As [`Store::closed`] and [`Store::bring_up`].
    pub async fn open(settings: &DatabaseSettings) -> Result<Self, StoreError> {
        let store = Self::closed(settings, Arc::new(Unobserved))?;
        store.bring_up().await?;
        Ok(store)
    }

    /// A store that answers `Unreachable` until it was brought up. `observer` learns of every
    /// statement.
    ///
    /// # Errors
    /// `Refused` for an address or certificates that can't be read.
    pub fn closed(
        settings: &DatabaseSettings,
        observer: Arc<dyn Observer>,
    ) -> Result<Self, StoreError> {
        let pool = crate::connection::pool::Pool::closed(settings, observer)?;
        let notifications = crate::fleet::notify::Notifications::new();
        let submissions =
            crate::plans::submission::Submissions::start(pool.clone(), notifications.clone());
        let outcomes = crate::plans::outcomes::Outcomes::start(pool.clone(), notifications.clone());
        Ok(Self { pool, submissions, outcomes, notifications })
    }

    /// Brings the schema up to date and opens the pool; once that is done, it does nothing.
    ///
    /// # Errors
    /// As [`migrate`]. The store stays closed and names the error as its reason.
    pub async fn bring_up(&self) -> Result<(), StoreError> {
        if let Err(error) = migrate(self.pool.settings()).await {
            self.pool.wait_for(&error);
            return Err(error);
        }
        self.pool.open();
        Ok(())
    }

    /// How the pool is doing.
    pub fn pool_status(&self) -> PoolStatus {
        self.pool.status()
    }

    /// One round trip.
    ///
    /// # Errors
    /// Whatever keeps the database from answering.
    pub async fn ping(&self) -> Result<(), StoreError> {
        use connection::session::Sql;
        let session = self.pool.session("asking the database for a sign of life").await?;
        session.query_one("SELECT 1", &[]).await.map(drop)
    }
}
