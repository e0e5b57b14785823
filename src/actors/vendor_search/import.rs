//! Importing vendors: rows are read and checked on one thread, stored on another, in bounded
//! chunks. All of a file goes in, or nothing; with `skip_invalid`, all of its good rows.

use std::{fs::File, path::PathBuf};

use jiff::Timestamp;
use tokio::sync::mpsc;

use super::filter::near_point;
use crate::errors::{LISTED_ROWS_MAX, refused_rows};
use catalog::{GenerateOptions, Row};
use model::{FieldErrors, Vendor};
use store::{ImportPlan, RowError, Store};
use wire::{ApiError, ErrorCode, GenerateVendors, ImportFormat, ImportReport, Refusal};

/// Rows that go to the database at once.
const CHUNK_ROWS: usize = 20_000;
/// Chunks that may wait between reader and database.
const CHUNKS_WAITING: usize = 1;
/// Vendors that one call may make up.
const GENERATED_MAX: u32 = 5_000_000;
/// Invented cities of one call.
const CITIES_MAX: u32 = 10_000;
/// Of a vendor in a file, about: to guess how many rows a file holds.
const ROW_BYTES: u64 = 600;

/// Where rows come from.
pub enum RowSource {
    File(PathBuf, ImportFormat),
    Generated(GenerateOptions),
}

impl RowSource {
    /// Vendors to be made up.
    ///
    /// # Errors
    /// `Invalid` with the field that makes no sense.
    pub fn generated(wanted: GenerateVendors) -> Result<Self, ApiError> {
        let range = |field, value, range: std::ops::RangeInclusive<u32>| {
            let hint = format!("write a number from {} to {}", range.start(), range.end());
            let refused = ApiError::invalid(field, format!("is {value}"), hint);
            if range.contains(&value) { Ok(()) } else { Err(refused) }
        };
        range("count", wanted.count, 1..=GENERATED_MAX)?;
        range("city_count", wanted.city_count, 0..=CITIES_MAX)?;
        let near = wanted.near.as_deref().map(near_point).transpose()?;
        catalog::check_sites(&wanted.cities, wanted.currency, near)?;
        Ok(Self::Generated(GenerateOptions {
            count: wanted.count as usize,
            seed: wanted.seed,
            cities: match wanted.cities.is_empty() {
                true => catalog::invented_cities(wanted.city_count as usize),
                false => wanted.cities,
            },
            categories: Vec::new(),
            currency: wanted.currency,
            near,
            as_of: Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date(),
        }))
    }

    /// What is known before the first row.
    fn plan(&self) -> ImportPlan {
        match self {
            Self::File(path, _) => {
                // A file that can't be looked at is reported by whoever reads it.
                let bytes = std::fs::metadata(path).map_or(0, |meta| meta.len());
                ImportPlan { rows: bytes / ROW_BYTES, unique_ids: false }
            }
            // The index of a vendor stands in its id.
            Self::Generated(options) => ImportPlan { rows: options.count as u64, unique_ids: true },
        }
    }
}

/// Rows in the order of the source; refused ones beside the good ones.
#[derive(Default)]
struct Chunk {
    good: Vec<(usize, Vendor)>,
    refused: Vec<(usize, FieldErrors)>,
    /// The file can't be read on from here, so that nothing of it may be taken.
    broken: bool,
}

/// Imports everything that `source` yields.
///
/// # Errors
/// `Invalid` with row numbers where a row was refused (and none may be skipped) or the file's
/// structure is broken; whatever the database says. Nothing was imported then.
pub async fn import(
    store: &Store,
    source: RowSource,
    skip_invalid: bool,
) -> Result<ImportReport, ApiError> {
    let plan = source.plan();
    let (chunks, mut arriving) = mpsc::channel(CHUNKS_WAITING);
    let reading = tokio::task::spawn_blocking(move || read(source, &chunks));
    let mut session = store.begin_planned_import(plan).await?;
    let mut refusals = Refusals::default();
    let mut broken = false;
    while let Some(chunk) = arriving.recv().await {
        let Chunk { good, refused, broken: ends_here } = chunk;
        broken |= ends_here;
        for (row, errors) in refused {
            refusals.add(row, errors);
        }
        // Once the import is bound to fail, rows are still read to report on, not stored.
        if broken || (refusals.rows > 0 && !skip_invalid) {
            continue;
        }
        for RowError { row, error } in session.rows(&good).await? {
            refusals.add(row, error.into());
        }
    }
    match reading.await {
        Ok(read) => read?,
        Err(panicked) => return Err(ApiError::new(ErrorCode::Internal, panicked.to_string())),
    }
    if broken || (refusals.rows > 0 && !skip_invalid) {
        return Err(refusals.into_error());
    }
    let summary = session.commit().await?;
    Ok(ImportReport {
        inserted: summary.inserted,
        updated: summary.updated,
        skipped: refusals.rows,
        errors: refusals.listed.iter().map(refusal).collect(),
    })
}

/// Refused rows: all counted, the first ones kept.
#[derive(Default)]
struct Refusals {
    rows: u64,
    listed: Vec<RowError>,
}

impl Refusals {
    fn add(&mut self, row: usize, errors: FieldErrors) {
        self.rows += 1;
        for error in errors.0 {
            if self.listed.len() < LISTED_ROWS_MAX {
                self.listed.push(RowError { row, error });
            }
        }
    }

    fn into_error(self) -> ApiError {
        let mut error = refused_rows(&self.listed);
        let plural = if self.rows == 1 { "row is" } else { "rows are" };
        error.message = format!("{} {plural} refused; nothing was imported", self.rows);
        error
    }
}

fn refusal(row: &RowError) -> Refusal {
    Refusal { row: Some(row.row as u64), ..row.error.clone().into() }
}

/// Reads the source to its end, or until nobody takes its rows any more.
fn read(source: RowSource, chunks: &mpsc::Sender<Chunk>) -> Result<(), ApiError> {
    match source {
        RowSource::File(path, format) => {
            let file = File::open(&path).map_err(|error| {
                ApiError::new(ErrorCode::Internal, format!("the uploaded file: {error}"))
            })?;
            send(catalog::reader(format, file), chunks);
        }
        RowSource::Generated(options) => {
            let rows = catalog::generate(&options).zip(1..);
            send(
                rows.map(|(vendor, number)| Row { number, result: Ok(vendor), fatal: false }),
                chunks,
            );
        }
    }
    Ok(())
}

fn send(rows: impl Iterator<Item = Row>, chunks: &mpsc::Sender<Chunk>) {
    let mut chunk = Chunk::default();
    for Row { number, result, fatal } in rows {
        chunk.broken |= fatal;
        match result {
            Ok(vendor) => chunk.good.push((number, vendor)),
            Err(errors) => chunk.refused.push((number, errors)),
        }
        if chunk.good.len() + chunk.refused.len() >= CHUNK_ROWS
            && chunks.blocking_send(std::mem::take(&mut chunk)).is_err()
        {
            return;
        }
    }
    // Nobody listens only when the import has failed already.
    let _ = chunks.blocking_send(chunk);
}
