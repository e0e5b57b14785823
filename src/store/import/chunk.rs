//! One chunk of an import: copied into a temporary table and merged from there; into an empty
//! table, and with ids known to be different, copied straight in. Rows are put into their binary
//! form while the server takes the ones before them.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::LazyLock,
};

use tokio_postgres::types::Type;

use super::{ImportSession, copy_writer::CopyWriter, driver};
use crate::{
    RowError, StoreError,
    vendors::columns::{self, COLUMNS, Keys, refuse_nul},
};
use model::{FieldError, Vendor};

pub(crate) static STAGE: LazyLock<String> = LazyLock::new(|| {
    let names = names();
    format!(
        "CREATE TEMP TABLE vendor_stage ON COMMIT DROP AS SELECT {names} FROM vendor WITH NO DATA"
    )
});

static COPY_STAGE: LazyLock<String> =
    LazyLock::new(|| format!("COPY vendor_stage ({}) FROM STDIN BINARY", names()));

static COPY_STRAIGHT: LazyLock<String> =
    LazyLock::new(|| format!("COPY vendor ({}) FROM STDIN BINARY", names()));

static TYPES: LazyLock<Vec<Type>> =
    LazyLock::new(|| COLUMNS.iter().map(|(_, of)| of.clone()).collect());

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

/// A vendor that is to be written, its row in the file, and the ids that it refers to.
type Placed<'v> = (usize, &'v Vendor, Keys);

impl ImportSession {
    /// Takes one chunk of rows; adds the refused ones.
    pub(crate) async fn merge(
        &mut self,
        rows: &[(usize, Vendor)],
        refused: &mut Vec<RowError>,
    ) -> Result<(), StoreError> {
        let accepted = without_duplicates(rows, refused);
        self.notes.places.learn(self.connection.client(), &accepted).await.map_err(driver)?;
        self.chunk += 1;
        let mut placed: Vec<Placed<'_>> = Vec::with_capacity(accepted.len());
        for (row, vendor) in accepted {
            match self.notes.keys(vendor, self.base + self.chunk) {
                Ok(keys) => placed.push((row, vendor, keys)),
                Err(error) => refused.push(RowError { row, error }),
            }
        }
        if placed.is_empty() {
            return Ok(());
        }
        // Rows that are read together lie together: a search of one city reads few pages.
        placed.sort_unstable_by(|a, b| place(a).cmp(&place(b)));
        if self.straight {
            self.inserted += self.copy(&COPY_STRAIGHT, &placed, refused).await?;
            return Ok(());
        }
        let client = self.connection.client();
        client.batch_execute("TRUNCATE vendor_stage").await.map_err(driver)?;
        let staged = self.copy(&COPY_STAGE, &placed, refused).await?;
        let client = self.connection.client();
        if !self.first {
            for row in client.query(STANDING, &[]).await.map_err(driver)? {
                self.notes.stood(row.get(0), row.get(1), row.get(2));
            }
        }
        let row = client.query_one(MERGE.as_str(), &[&self.base]).await.map_err(driver)?;
        let (inserted, updated): (i64, i64) = (row.get(0), row.get(1));
        let (inserted, updated) = (inserted.unsigned_abs(), updated.unsigned_abs());
        self.inserted += inserted;
        self.updated += updated;
        if inserted + updated < staged {
            let twice = client.query(WRITTEN_BEFORE, &[&self.base]).await.map_err(driver)?;
            let numbers: HashMap<&str, usize> =
                placed.iter().map(|(row, vendor, _)| (vendor.id.as_str(), *row)).collect();
            for found in twice {
                let id: &str = found.get(0);
                if let Some(row) = numbers.get(id) {
                    refused.push(RowError { row: *row, error: stands_twice(id, "an earlier row") });
                }
            }
        }
        Ok(())
    }

    /// Writes rows; adds those that no column can hold to the refused ones. Returns how many are
    /// in.
    async fn copy(
        &mut self,
        sql: &str,
        placed: &[Placed<'_>],
        refused: &mut Vec<RowError>,
    ) -> Result<u64, StoreError> {
        let client = self.connection.client();
        let mut writer = CopyWriter::begin(client, sql, &TYPES).await.map_err(driver)?;
        for (row, vendor, keys) in placed {
            let Some(names) = self.notes.names_of(*keys) else { continue };
            let added = columns::with_values(vendor, *keys, names, |values| {
                writer.add(values).map_err(|cause| FieldError::new("vendor", cause, "report this"))
            });
            match added {
                Ok(()) => self.notes.wrote(vendor, *keys),
                Err(error) => refused.push(RowError { row: *row, error }),
            }
            writer.send_if_full().await.map_err(driver)?;
        }
        writer.finish().await.map_err(driver)
    }
}

fn place<'v>((_, vendor, keys): &Placed<'v>) -> (i16, i32, &'v str) {
    (keys.category, keys.city, vendor.id.as_str())
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
    COLUMNS.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}
