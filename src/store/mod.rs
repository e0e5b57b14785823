//! Floor 2: PostgreSQL: pool, private cluster, migrations, vendors, plans, bookings, audit.

mod agent_runs;
mod audit;
mod batching;
mod binaries;
mod bookings;
mod calling_off;
mod changes;
mod checkpoints;
mod cluster;
mod cluster_files;
mod cluster_process;
mod cluster_settings;
mod columns;
mod conditions;
mod connector;
mod copy_writer;
mod database_stats;
mod documents;
mod error;
mod family;
mod fleet;
mod history;
mod import;
mod import_chunk;
mod import_notes;
mod import_places;
mod indexes;
mod kept_replies;
mod metric_rows;
mod migrations;
mod notify;
mod observer;
mod outcomes;
mod plan_change;
mod plan_list;
mod plan_queue;
mod plans;
mod pool;
mod pool_health;
mod pool_manager;
mod proofs;
mod retention;
mod selection;
mod session;
pub mod settings;
mod sourcing;
mod sourcing_busy;
mod sourcing_sql;
mod state_lock;
mod statements;
mod submission;
mod tidy_names;
mod unpooled;
mod vendor_filter;
mod vendor_pack;
mod vendor_record;
mod vendor_row;
mod vendors;

pub use agent_runs::{AgentOutcome, AgentRun};
pub use audit::{AuditEvent, AuditRow, ChainCheck};
pub use bookings::{Booking, Bookings};
pub use calling_off::Cancelled;
pub use changes::{Changes, Horizon, Touched};
pub use checkpoints::Checkpoint;
pub use cluster::Cluster;
pub use database_stats::{DatabaseStats, SlowStatement, UnusedIndex};
pub use documents::{Document, DocumentInfo};
pub use error::{RowError, StoreError};
pub use family::{FAMILY_MAX, Family, Member};
pub use fleet::{FleetLink, Heard};
pub use history::{AgentSummary, HISTORY_LIMIT_MAX, HistoryFilter, PlanEventRow};
pub use import::{ImportPlan, ImportSession, ImportSummary};
pub use kept_replies::KeptReply;
pub use metric_rows::MetricRow;
pub use migrations::migrate;
pub use observer::{Observer, QueryFigures, Unobserved};
pub use outcomes::SearchOutcome;
pub use plan_change::{Changed, GiveBack, Lease, Patch, Transition};
pub use plan_list::{Failure, PlanFilter};
pub use plan_queue::{CLAIM_MAX, Claim, QueueLength, Renewed, SUSPECT_CRASHES};
pub use plans::{
    LIST_LIMIT_MAX, NewPlan, Plan, PlanResult, PlanSummary, RoundFigures, Submitted, fingerprint,
};
pub use pool::PoolStatus;
pub use proofs::ProofRow;
pub use selection::{Agreed, CallOff, Choice, Present, Selected};
pub use sourcing::{Reach, SourcingQuery};
pub use state_lock::StateLock;
pub use unpooled::ping_without_pool;
pub use vendor_filter::{SEARCH_LIMIT_MAX, VendorFilter};
pub use vendors::{ServedCities, VendorCount};

use std::sync::Arc;

use settings::DatabaseSettings;

/// The database: cheap to clone, shared by all actors.
#[derive(Clone)]
pub struct Store {
    pool: pool::Pool,
    submissions: submission::Submissions,
    outcomes: outcomes::Outcomes,
    hints: notify::Hints,
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
        let pool = pool::Pool::closed(settings, observer)?;
        let hints = notify::Hints::new();
        let submissions = submission::Submissions::start(pool.clone(), hints.clone());
        let outcomes = outcomes::Outcomes::start(pool.clone(), hints.clone());
        Ok(Self { pool, submissions, outcomes, hints })
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
        use session::Sql;
        let session = self.pool.session("asking the database for a sign of life").await?;
        session.query_one("SELECT 1", &[]).await.map(drop)
    }
}
