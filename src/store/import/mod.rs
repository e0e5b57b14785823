//! Bulk import of vendors: one transaction, fed in chunks, so that memory stays bounded.
//!
//! An import that is dropped before its commit closes its connection, and the server forgets all
//! of it.

pub(crate) mod chunk;
pub(crate) mod copy_writer;
pub(crate) mod notes;
pub(crate) mod places;

use std::{sync::Arc, time::Instant};

use chunk::STAGE;
use notes::Notes;

use crate::{
    RowError, Store, StoreError,
    connection::{
        observer::{Observer, QueryFigures},
        pool::PooledConnection,
    },
    schema::{advisory_locks, indexes::VendorIndexes},
};
use model::{Category, Vendor};

const TASK: &str = "importing vendors";
/// Rows merged at a time: some 16 MB in the temporary table.
const CHUNK_MAX: usize = 20_000;
/// An import's number in the table is its sequence number times this, plus its chunk's number.
const CHUNKS_PER_IMPORT: i64 = 1 << 20;
const ANALYZE: &str = "SET LOCAL lock_timeout = '200ms'; ANALYZE vendor, city, area";
/// Share of the table that an import must have written before it renews the planner's
/// statistics itself; autovacuum sees to smaller changes.
const ANALYZE_SHARE: f64 = 0.1;
/// From so many rows on, and from this share of the table, the indexes of the catalogue search
/// are dropped before and built again after: keeping a dozen indexes up to date row by row costs
/// ten times as much as building them from the finished table.
const BULK_ROWS_MIN: u64 = 100_000;
const BULK_SHARE: f64 = 0.2;

/// What is known of an import before it begins.
#[derive(Clone, Copy, Debug, Default)]
pub struct ImportPlan {
    /// Rows, about; 0 where nobody knows.
    pub rows: u64,
    /// No id stands twice.
    pub unique_ids: bool,
}

/// What an import did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportSummary {
    pub inserted: u64,
    pub updated: u64,
    /// Categories and cities with a new, changed or moved-away vendor: their cached queries are
    /// stale. Sorted.
    pub touched: Vec<(Category, String)>,
    /// Categories with a touched vendor that also serves other cities: their cached queries are
    /// stale in every city. Sorted.
    pub travelling: Vec<Category>,
}

/// An import in progress.
pub struct ImportSession {
    pub(super) connection: PooledConnection<'static>,
    observer: Arc<dyn Observer>,
    /// Number of its first chunk; those of later imports are all larger.
    pub(super) base: i64,
    pub(super) chunk: i64,
    /// No vendor existed when the import began, so none can move.
    pub(super) first: bool,
    /// Rows go straight into the table.
    pub(super) straight: bool,
    finished: bool,
    pub(super) notes: Notes,
    pub(super) inserted: u64,
    pub(super) updated: u64,
}

/// Daemons that remember vendors of these places learn that they changed; 0 stands for all
/// cities.
const NOTE_CHANGES: &str = "
    INSERT INTO catalogue_change (category_id, city_id)
    SELECT category_id, nullif(city_id, 0) FROM unnest($1::smallint[], $2::int[])
        AS touched (category_id, city_id)";

impl Store {
    /// Begins an import; waits for another one to end, up to the lock time-out.
    ///
    /// # Errors
    /// `TimedOut` while another import runs.
    pub async fn begin_import(&self) -> Result<ImportSession, StoreError> {
        self.begin_planned_import(ImportPlan::default()).await
    }

    /// The same, told what is to come. After a large one, call [`Store::build_indexes`], whatever
    /// became of it.
    pub async fn begin_planned_import(
        &self,
        plan: ImportPlan,
    ) -> Result<ImportSession, StoreError> {
        let mut connection = self.pool.owned(TASK).await?;
        let known = rows_known(connection.client()).await?;
        if plan.rows >= BULK_ROWS_MIN && plan.rows as f64 >= known * BULK_SHARE {
            let indexes = match is_empty(connection.client()).await? {
                // There is nobody to be found.
                true => VendorIndexes::All,
                false => VendorIndexes::OfSearches,
            };
            self.drop_vendor_indexes(indexes).await?;
        }
        // Until the commit this connection is in a transaction that nobody else may see.
        connection.spoil(true);
        connection.begin_work();
        let client = connection.client();
        let limits = self.pool.connector().limits();
        client.batch_execute(&format!("BEGIN; {limits}")).await.map_err(driver)?;
        client
            .execute("SELECT pg_advisory_xact_lock($1)", &[&advisory_locks::IMPORT])
            .await
            .map_err(driver)?;
        client.batch_execute(&STAGE).await.map_err(driver)?;
        let sql = "SELECT nextval('vendor_import_number'), NOT EXISTS (SELECT FROM vendor)";
        let row = client.query_one(sql, &[]).await.map_err(driver)?;
        let (number, first): (i64, bool) = (row.get(0), row.get(1));
        let sql = "SELECT id, name FROM service_category";
        let rows = client.query(sql, &[]).await.map_err(driver)?;
        let categories =
            rows.iter().map(|row| (Category::new(row.get::<_, &str>(1)), row.get(0))).collect();
        Ok(ImportSession {
            connection,
            observer: self.pool.observer().clone(),
            base: number * CHUNKS_PER_IMPORT,
            chunk: 0,
            first,
            straight: first && plan.unique_ids,
            finished: false,
            notes: Notes::new(categories),
            inserted: 0,
            updated: 0,
        })
    }
}

/// Vendors in the table, as the server last estimated them.
async fn rows_known(client: &tokio_postgres::Client) -> Result<f64, StoreError> {
    let sql = "SELECT greatest(reltuples, 0)::text FROM pg_class WHERE oid = 'vendor'::regclass";
    let rows = client.simple_query(sql).await.map_err(driver)?;
    let text = rows.iter().find_map(|message| match message {
        tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    Ok(text.and_then(|text| text.parse().ok()).unwrap_or(0.0))
}

async fn is_empty(client: &tokio_postgres::Client) -> Result<bool, StoreError> {
    let sql = "SELECT FROM vendor LIMIT 1";
    let messages = client.simple_query(sql).await.map_err(driver)?;
    Ok(!messages.iter().any(|m| matches!(m, tokio_postgres::SimpleQueryMessage::Row(_))))
}

impl Drop for ImportSession {
    fn drop(&mut self) {
        if !self.finished {
            self.connection.abandon();
        }
    }
}

impl ImportSession {
    /// Takes the next rows, each with its number in the file. Returns those that were refused,
    /// by row: an unknown category, an id that stands twice in this import, a value that no
    /// column holds. The others are in; the caller goes on without the refused ones, or drops
    /// the import.
    ///
    /// # Errors
    /// What keeps the whole import from going on; drop it then.
    pub async fn rows(&mut self, rows: &[(usize, Vendor)]) -> Result<Vec<RowError>, StoreError> {
        let mut refused = Vec::new();
        for chunk in rows.chunks(CHUNK_MAX) {
            let began = Instant::now();
            let done = self.merge(chunk, &mut refused).await;
            self.observer.queried(QueryFigures {
                task: TASK,
                time: began.elapsed(),
                rows: chunk.len() as u64,
                succeeded: done.is_ok(),
            });
            done?;
        }
        refused.sort_by_key(|error| error.row);
        Ok(refused)
    }

    /// Makes all of it visible at once.
    ///
    /// # Errors
    /// As any statement; `Disconnected` leaves open whether it was committed.
    pub async fn commit(mut self) -> Result<ImportSummary, StoreError> {
        let client = self.connection.client();
        self.notes.places.set_centres(client).await.map_err(driver)?;
        let (categories, cities) = self.notes.changes();
        client.execute(NOTE_CHANGES, &[&categories, &cities]).await.map_err(driver)?;
        let known = rows_known(client).await?;
        let (touched, travelling) = self.notes.names(client).await.map_err(driver)?;
        let commit = format!("SELECT pg_advisory_xact_lock({}); COMMIT", advisory_locks::CATALOGUE);
        client.batch_execute(&commit).await.map_err(driver)?;
        self.finished = true;
        self.connection.end_work();
        self.connection.spoil(false);
        if (self.inserted + self.updated) as f64 > known * ANALYZE_SHARE {
            // After the commit, and not for long: an index that is being built holds the same
            // lock, and waits for whoever is in a transaction. Autovacuum makes up for it.
            let _ = self.connection.client().batch_execute(ANALYZE).await;
        }
        Ok(ImportSummary { inserted: self.inserted, updated: self.updated, touched, travelling })
    }
}

pub(super) fn driver(error: tokio_postgres::Error) -> StoreError {
    StoreError::from_driver(TASK, error)
}
