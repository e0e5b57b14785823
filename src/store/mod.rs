//! Floor 2: PostgreSQL: pool, private cluster, migrations, vendors, plans, bookings, audit.

mod agent_runs;
mod audit;
mod binaries;
mod bookings;
mod checkpoints;
mod cluster;
mod cluster_files;
mod cluster_process;
mod columns;
mod documents;
mod error;
mod fleet;
mod import;
mod import_places;
mod kept_replies;
mod metric_rows;
mod migrations;
mod notify;
mod plan_change;
mod plan_queue;
mod plans;
mod pool;
mod proofs;
mod retention;
mod session;
pub mod settings;
mod sourcing;
mod state_lock;
mod submission;
mod unpooled;
mod vendor_record;
mod vendor_row;
mod vendors;

pub use agent_runs::{AgentOutcome, AgentRun};
pub use audit::{AuditEvent, AuditRow, ChainCheck};
pub use bookings::{Booking, Bookings};
pub use checkpoints::Checkpoint;
pub use cluster::Cluster;
pub use documents::{Document, DocumentInfo};
pub use error::{RowError, StoreError};
pub use fleet::{FleetLink, Heard};
pub use import::{ImportSession, ImportSummary};
pub use kept_replies::KeptReply;
pub use metric_rows::MetricRow;
pub use migrations::migrate;
pub use plan_change::{Cancelled, Changed, GiveBack, Lease, Patch, Transition};
pub use plan_queue::{CLAIM_MAX, Claim, QueueLength, Renewed, SUSPECT_CRASHES};
pub use plans::{
    LIST_LIMIT_MAX, NewPlan, Plan, PlanFilter, PlanResult, PlanSummary, RoundFigures, Submitted,
    fingerprint,
};
pub use pool::PoolStatus;
pub use proofs::ProofRow;
pub use sourcing::{Reach, SourcingQuery};
pub use state_lock::StateLock;
pub use unpooled::ping_without_pool;
pub use vendors::{SEARCH_LIMIT_MAX, VendorCount, VendorFilter};

use std::sync::Arc;

use settings::DatabaseSettings;
use tokio_postgres::Config;

/// The database: cheap to clone, shared by all actors.
#[derive(Clone)]
pub struct Store {
    pool: pool::Pool,
    submissions: submission::Submissions,
    hints: notify::Hints,
    /// What the link to the other daemons connects with.
    link: Arc<(Config, DatabaseSettings)>,
}

impl Store {
    /// Brings the schema of `settings.url` up to date and opens the pool. Call it on the runtime
    /// that lives as long as the process.
    ///
    /// # Errors
    /// As [`migrate`]; `Refused` for an address that can't be read.
    pub async fn open(settings: &DatabaseSettings) -> Result<Self, StoreError> {
        let config: Config = settings.url.parse().map_err(|e: tokio_postgres::Error| {
            StoreError::Refused { cause: error::describe(&e) }
        })?;
        migrate(&config, settings).await?;
        let link = Arc::new((config.clone(), settings.clone()));
        let pool = pool::Pool::open(config, settings);
        let hints = notify::Hints::new();
        let submissions = submission::Submissions::start(pool.clone(), hints.clone());
        Ok(Self { pool, submissions, hints, link })
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
