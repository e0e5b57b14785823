//! Bulk import of vendors: one transaction, fed in chunks, so that memory stays bounded.
//!
//! Each chunk is copied into a temporary table in binary form and merged from there; into an empty
//! table, and with ids known to be different, it is copied straight in. An import that is dropped
//! before its commit closes its connection, and the server forgets all of it.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, hash_map::Entry},
    pin::pin,
    sync::{Arc, LazyLock},
    time::Instant,
};

use tokio_postgres::{binary_copy::BinaryCopyInWriter, types::Type};

use super::{
    RowError, Store, StoreError,
    import_places::{Place, Places},
    observer::{Observer, QueryFigures},
    pool::PooledConnection,
    vendor_record::{Keys, Names, Record, refuse_nul},
    vendor_row::COLUMNS,
};
use crate::model::{Category, FieldError, Vendor};

const TASK: &str = "importing vendors";
/// Advisory lock of the import: one at a time, or two that update the same rows in a different
/// order would block each other for good. "evplimpt" in ASCII.
const LOCK: i64 = 0x6576_706c_696d_7074;
/// Rows merged at a time: some 10 MB in flight.
const CHUNK_MAX: usize = 20_000;
/// An import's number in the table is its sequence number times this, plus its chunk's number.
const CHUNKS_PER_IMPORT: i64 = 1 << 20;
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
    connection: PooledConnection<'static>,
    observer: Arc<dyn Observer>,
    /// Number of its first chunk; those of later imports are all larger.
    base: i64,
    chunk: i64,
    /// No vendor existed when the import began, so none can move.
    first: bool,
    /// Rows go straight into the table.
    straight: bool,
    finished: bool,
    categories: BTreeMap<Category, i16>,
    places: Places,
    touched: BTreeSet<(i16, i32)>,
    travelling: BTreeSet<i16>,
    inserted: u64,
    updated: u64,
}

static STAGE: LazyLock<String> = LazyLock::new(|| {
    let names = names();
    format!(
        "CREATE TEMP TABLE vendor_stage ON COMMIT DROP AS SELECT {names} FROM vendor WITH NO DATA"
    )
});

static COPY_STAGE: LazyLock<String> =
    LazyLock::new(|| format!("COPY vendor_stage ({}) FROM STDIN BINARY", names()));

static COPY_STRAIGHT: LazyLock<String> =
    LazyLock::new(|| format!("COPY vendor ({}) FROM STDIN BINARY", names()));

/// Daemons that remember vendors of these places learn that they changed; 0 stands for all
/// cities.
const NOTE_CHANGES: &str = "
    INSERT INTO catalogue_change (category_id, city_id)
    SELECT category_id, nullif(city_id, 0) FROM unnest($1::smallint[], $2::int[])
        AS touched (category_id, city_id)";

/// A row that an earlier chunk of this import wrote stays as it is: its id stands twice.
static MERGE: LazyLock<String> = LazyLock::new(|| {
    let names = names();
    let others = COLUMNS.iter().filter(|(name, _)| *name != "external_id");
    let set: Vec<String> = others.map(|(name, _)| format!("{name} = EXCLUDED.{name}")).collect();
    format!(
        "WITH merged AS (
             INSERT INTO vendor ({names}) SELECT {names} FROM vendor_stage
             ORDER BY category_id, city_id, external_id
             ON CONFLICT (external_id) DO UPDATE SET {}
                 WHERE vendor.import_number < $1
             RETURNING xmax = 0 AS fresh)
         SELECT count(*) FILTER (WHERE fresh), count(*) FILTER (WHERE NOT fresh) FROM merged",
        set.join(", ")
    )
});

/// Where the vendors about to be overwritten stand. The inner limit keeps it an index look-up
/// per row, whatever the planner believes about a table that was just filled.
const STANDING: &str = "
    SELECT DISTINCT old.category_id, old.city_id, old.service_radius_km IS NOT NULL
    FROM vendor_stage s
    CROSS JOIN LATERAL (SELECT category_id, city_id, service_radius_km FROM vendor v
                        WHERE v.external_id = s.external_id LIMIT 1) old
    WHERE old.category_id <> s.category_id OR old.city_id <> s.city_id
       OR old.service_radius_km IS NOT NULL";

/// Ids of the chunk just merged that an earlier chunk of this import had written.
const WRITTEN_BEFORE: &str = "
    SELECT s.external_id
    FROM vendor_stage s
    CROSS JOIN LATERAL (SELECT import_number FROM vendor v
                        WHERE v.external_id = s.external_id LIMIT 1) old
    WHERE old.import_number >= $1 AND old.import_number < s.import_number
    ORDER BY 1";

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
            self.drop_search_indexes().await?;
        }
        // Until the commit this connection is in a transaction that nobody else may see.
        connection.spoil(true);
        connection.begin_work();
        let client = connection.client();
        let limits = self.pool.connector().limits();
        client.batch_execute(&format!("BEGIN; {limits}")).await.map_err(driver)?;
        client.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK]).await.map_err(driver)?;
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
            categories,
            places: Places::default(),
            touched: BTreeSet::new(),
            travelling: BTreeSet::new(),
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
            let done = self.chunk(chunk, &mut refused).await;
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
        self.places.set_centres(client).await.map_err(driver)?;
        let (categories, cities): (Vec<i16>, Vec<i32>) = self
            .touched
            .iter()
            .copied()
            .chain(self.travelling.iter().map(|category| (*category, 0)))
            .unzip();
        client.execute(NOTE_CHANGES, &[&categories, &cities]).await.map_err(driver)?;
        let known = rows_known(client).await?;
        if (self.inserted + self.updated) as f64 > known * ANALYZE_SHARE {
            client.batch_execute("ANALYZE vendor, city, area").await.map_err(driver)?;
        }
        let cities = self.touched.iter().map(|pair| pair.1).collect();
        let city_names = self.places.names_of(client, &cities).await.map_err(driver)?;
        let categories: BTreeMap<i16, &Category> =
            self.categories.iter().map(|(name, id)| (*id, name)).collect();
        let pairs = self.touched.iter().filter_map(|(category, city)| {
            Some(((*categories.get(category)?).clone(), city_names.get(city)?.clone()))
        });
        let mut touched: Vec<(Category, String)> = pairs.collect();
        touched.sort();
        let travelling = self.travelling.iter().filter_map(|id| categories.get(id));
        let mut travelling: Vec<Category> = travelling.map(|name| (*name).clone()).collect();
        travelling.sort();
        client.batch_execute("COMMIT").await.map_err(driver)?;
        self.finished = true;
        self.connection.end_work();
        self.connection.spoil(false);
        Ok(ImportSummary { inserted: self.inserted, updated: self.updated, touched, travelling })
    }

    async fn chunk(
        &mut self,
        rows: &[(usize, Vendor)],
        refused: &mut Vec<RowError>,
    ) -> Result<(), StoreError> {
        let accepted = without_duplicates(rows, refused);
        self.places.learn(self.connection.client(), &accepted).await.map_err(driver)?;
        self.chunk += 1;
        let mut records = Vec::with_capacity(accepted.len());
        for (row, vendor) in accepted {
            match self.record(vendor) {
                Ok(record) => records.push((row, record)),
                Err(error) => refused.push(RowError { row, error }),
            }
        }
        if records.is_empty() {
            return Ok(());
        }
        records.sort_by(|a, b| a.1.place().cmp(&b.1.place()));
        if self.straight {
            self.inserted += self.copy(&COPY_STRAIGHT, &records).await?;
            return Ok(());
        }
        let client = self.connection.client();
        client.batch_execute("TRUNCATE vendor_stage").await.map_err(driver)?;
        self.copy(&COPY_STAGE, &records).await?;
        if !self.first {
            let client = self.connection.client();
            for row in client.query(STANDING, &[]).await.map_err(driver)? {
                self.touched.insert((row.get(0), row.get(1)));
                if row.get(2) {
                    self.travelling.insert(row.get(0));
                }
            }
        }
        let client = self.connection.client();
        let row = client.query_one(MERGE.as_str(), &[&self.base]).await.map_err(driver)?;
        let (inserted, updated): (i64, i64) = (row.get(0), row.get(1));
        self.inserted += inserted.unsigned_abs();
        self.updated += updated.unsigned_abs();
        if inserted + updated < records.len() as i64 {
            let twice = client.query(WRITTEN_BEFORE, &[&self.base]).await.map_err(driver)?;
            let numbers: HashMap<&str, usize> =
                records.iter().map(|(row, record)| (record.id(), *row)).collect();
            for found in twice {
                let id: &str = found.get(0);
                if let Some(row) = numbers.get(id) {
                    refused.push(RowError { row: *row, error: stands_twice(id, "an earlier row") });
                }
            }
        }
        Ok(())
    }

    /// A vendor as it will be stored; notes what it touches.
    fn record<'v>(&mut self, vendor: &'v Vendor) -> Result<Record<'v>, FieldError> {
        let category = *self.categories.get(&vendor.category).ok_or_else(|| {
            let known: Vec<&str> = self.categories.keys().map(Category::as_str).collect();
            FieldError::new(
                "category",
                format!("`{}` is no service category", vendor.category.as_str().escape_debug()),
                format!("write one of {}", known.join(", ")),
            )
        })?;
        let (city, area) = self.places.find(vendor).ok_or_else(|| {
            FieldError::new("city", "holds a character that can't be stored", "correct it")
        })?;
        let import_number = self.base + self.chunk;
        let keys = Keys { category, city: city.id(), area: area.map(Place::id), import_number };
        let names = Names { city: city.name(), area: area.map(Place::name) };
        let record = Record::new(vendor, keys, names)?;
        self.touched.insert((category, keys.city));
        self.places.locate(vendor);
        if vendor.service_radius_km.is_some() {
            self.travelling.insert(category);
        }
        Ok(record)
    }

    async fn copy(&self, sql: &str, records: &[(usize, Record<'_>)]) -> Result<u64, StoreError> {
        let sink = self.connection.client().copy_in(sql).await.map_err(driver)?;
        let types: Vec<Type> = COLUMNS.iter().map(|(_, of)| of.clone()).collect();
        let mut writer = pin!(BinaryCopyInWriter::new(sink, &types));
        for (_, record) in records {
            writer.as_mut().write(&record.values()).await.map_err(driver)?;
        }
        writer.finish().await.map_err(driver)
    }
}

/// The rows whose id stands once in the chunk, or first, and whose names can be stored.
fn without_duplicates<'v>(
    rows: &'v [(usize, Vendor)],
    refused: &mut Vec<RowError>,
) -> Vec<(usize, &'v Vendor)> {
    let mut seen: HashMap<&str, usize> = HashMap::with_capacity(rows.len());
    let mut accepted = Vec::with_capacity(rows.len());
    for (row, vendor) in rows {
        if let Err(error) = refuse_nul(vendor) {
            refused.push(RowError { row: *row, error });
            continue;
        }
        match seen.entry(vendor.id.as_str()) {
            Entry::Vacant(entry) => {
                entry.insert(*row);
                accepted.push((*row, vendor));
            }
            Entry::Occupied(entry) => {
                let error = stands_twice(vendor.id.as_str(), &format!("row {}", entry.get()));
                refused.push(RowError { row: *row, error });
            }
        }
    }
    accepted
}

fn stands_twice(id: &str, whose: &str) -> FieldError {
    let message = format!("`{}` is also the id of {whose}", id.escape_debug());
    FieldError::new("external_id", message, "give each vendor an id of its own")
}

fn names() -> String {
    COLUMNS.map(|(name, _)| name).join(", ")
}

fn driver(error: tokio_postgres::Error) -> StoreError {
    StoreError::from_driver(TASK, error)
}
