//! What VendorSearch can be asked.

use std::{path::PathBuf, sync::Arc, time::Duration};

use actix::Message;
use tokio_util::sync::CancellationToken;

use super::{cached_sourcing::Candidates, query_cache::QueryCacheCounters};
use model::{AreaMap, Category, CategoryDef, Vendor, VendorId};
use store::{ServedCities, SourcingQuery};
use wire::{ApiError, GenerateVendors, ImportFormat, ImportReport, VendorQuery, VendorStats};

/// The complete sets of vendors that meet each query's hard constraints, in the queries' order:
/// all categories of a plan in one message.
pub(crate) struct SourceVendors {
    pub queries: Vec<SourcingQuery>,
    /// The caller has left: the query ends, unless others wait for the same.
    pub abandoned: CancellationToken,
}

impl Message for SourceVendors {
    type Result = Result<Vec<Candidates>, ApiError>;
}

/// The service categories, all of them, in order.
pub(crate) struct GetCategories;

impl Message for GetCategories {
    type Result = Result<Vec<CategoryDef>, ApiError>;
}

/// The areas of these cities.
pub(crate) struct GetAreas {
    pub cities: Vec<String>,
}

impl Message for GetAreas {
    type Result = Result<Arc<AreaMap>, ApiError>;
}

/// Other cities that have vendors of any of these categories: the nearest to `city` first.
pub(crate) struct GetNearestCities {
    pub city: String,
    pub categories: Vec<Category>,
    pub limit: u16,
}

impl Message for GetNearestCities {
    type Result = Result<Vec<String>, ApiError>;
}

/// The cities that have vendors of any of these categories, and where `city` lies if that is
/// known.
pub(crate) struct GetServedCities {
    pub city: String,
    pub categories: Vec<Category>,
}

impl Message for GetServedCities {
    type Result = Result<ServedCities, ApiError>;
}

/// Those of the ids that no vendor has.
pub(crate) struct FindMissingVendors {
    pub ids: Vec<VendorId>,
}

impl Message for FindMissingVendors {
    type Result = Result<Vec<VendorId>, ApiError>;
}

pub(crate) struct GetVendors {
    pub ids: Vec<VendorId>,
}

impl Message for GetVendors {
    type Result = Result<Vec<Vendor>, ApiError>;
}

/// Imports a file that lies on the daemon's disk; all of it, or nothing.
pub struct ImportVendors {
    pub spool: PathBuf,
    pub format: ImportFormat,
    /// Leave refused rows out and import the others.
    pub skip_invalid: bool,
    /// The user who imports.
    pub uid: u32,
}

impl Message for ImportVendors {
    type Result = Result<ImportReport, ApiError>;
}

/// Makes up vendors and imports them.
pub struct ImportGenerated {
    pub wanted: GenerateVendors,
    /// The user who imports.
    pub uid: u32,
}

impl Message for ImportGenerated {
    type Result = Result<ImportReport, ApiError>;
}

pub struct SearchVendors(pub VendorQuery);

impl Message for SearchVendors {
    type Result = Result<Vec<Vendor>, ApiError>;
}

pub struct GetVendorStats;

impl Message for GetVendorStats {
    type Result = Result<VendorStats, ApiError>;
}

/// Vendors were booked or released here: what was read before is stale. Once it is answered,
/// nothing stale is; other daemons are told.
pub struct ForgetStale;

impl Message for ForgetStale {
    type Result = Result<(), ApiError>;
}

/// Another daemon tells that vendors changed: time to look which.
pub(crate) struct LearnChanges;

impl Message for LearnChanges {
    type Result = Result<(), ApiError>;
}

/// Empties the query cache; answers how many entries it had.
pub struct FlushQueries;

impl Message for FlushQueries {
    type Result = Result<usize, ApiError>;
}

/// The query cache's bounds changed.
pub(crate) struct ResizeQueries {
    pub size: usize,
    pub ttl: Duration,
}

impl Message for ResizeQueries {
    type Result = Result<(), ApiError>;
}

pub(crate) struct GetQueryCounters;

impl Message for GetQueryCounters {
    type Result = Result<QueryCacheCounters, ApiError>;
}
