//! VendorSearch: the one way to the vendor catalogue, for plans and for people.
//!
//! State owned: the query cache, and the categories as read a moment ago. Peers: the coordinator's
//! sourcing agents ask for whole feasible sets; the control server imports, generates and searches;
//! the coordinator tells when bookings changed. Bound: the supervisor's capacity; the cache's
//! entries, age and vendors. A restart loses the cache, which fills again.

pub mod cached_sourcing;
#[cfg(test)]
pub(crate) mod cached_sourcing_model;
pub mod catalogue_watch;
pub(crate) mod database_use;
pub(crate) mod filter;
pub mod import;
pub mod messages;
pub mod query_cache;

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use actix::{Actor, Context, Handler, ResponseFuture};
use cached_sourcing::{CachedSourcing, Candidates};
use database_use::database_use;
use filter::search_filter;
use messages::{
    FindMissingVendors, FlushQueries, ForgetStale, GetAreas, GetCategories, GetNearestCities,
    GetQueryCounters, GetServedCities, GetVendorStats, GetVendors, ImportGenerated, ImportVendors,
    LearnChanges, ResizeQueries, SearchVendors, SourceVendors,
};
use query_cache::{QueryCache, QueryCacheCounters};
use slog::info;
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use crate::{
    supervision::{DeathNotice, Envelope, Handle},
    task_spawner::TaskSpawner,
};
use model::{AreaMap, CategoryDef, Vendor, VendorId};
use store::{ServedCities, SourcingQuery, Store};
use telemetry::{Telemetry, figures::metrics, log::events::VENDORS_IMPORTED};
use wire::{ApiError, DatabaseUse, ImportReport, VendorCount, VendorStats};

/// Every submission and every plan asks for the categories; a new one is known this much later.
const CATEGORIES_TTL: Duration = Duration::from_secs(1);

/// The categories as last read, and when.
type KnownCategories = Arc<Mutex<Option<(Instant, Vec<CategoryDef>)>>>;

pub struct VendorSearch {
    store: Store,
    work: TaskSpawner,
    telemetry: Telemetry,
    sourcing: CachedSourcing,
    /// Ends with the actor.
    _watching: AbortOnDropHandle<()>,
    categories: KnownCategories,
    _death_notice: DeathNotice,
}

impl VendorSearch {
    /// `cache`: `None` where the query cache is switched off.
    pub fn new(
        store: Store,
        work: TaskSpawner,
        telemetry: Telemetry,
        cache: Option<QueryCache>,
        death_notice: DeathNotice,
    ) -> Self {
        let sourcing = CachedSourcing::new(store.clone(), cache);
        let watching = catalogue_watch::watch(store.clone(), sourcing.clone(), work.log.clone());
        let watching = AbortOnDropHandle::new(work.spawn(watching));
        let categories = KnownCategories::default();
        Self {
            store,
            work,
            telemetry,
            sourcing,
            _watching: watching,
            categories,
            _death_notice: death_notice,
        }
    }

    /// Asks for the vendors of several queries, and takes the question back where the caller's
    /// future is dropped.
    ///
    /// # Errors
    /// What keeps the database from answering.
    pub async fn source(
        vendors: &Handle<Self>,
        queries: Vec<SourcingQuery>,
    ) -> Result<Vec<Candidates>, ApiError> {
        let abandoned = CancellationToken::new();
        let _caller = abandoned.clone().drop_guard();
        vendors.ask(SourceVendors { queries, abandoned }).await
    }

    /// Imports, then forgets what the import made stale.
    fn import(&self, source: import::RowSource, skip_invalid: bool, uid: u32) -> Imported {
        let (store, sourcing) = (self.store.clone(), self.sourcing.clone());
        let (log, work) = (self.work.log.clone(), self.work.clone());
        self.work.run("vendor_search", async move {
            let done = import::import(&store, source, skip_invalid).await;
            // Also after a failure: whether the commit went through may be unknown.
            forget_stale(&store, &sourcing).await;
            if let Ok(report) = &done {
                info!(log, "vendors were imported"; VENDORS_IMPORTED, "actor" => "vendor_search",
                    "added" => report.inserted, "updated" => report.updated,
                    "skipped" => report.skipped, "uid" => uid);
            }
            // A large import dropped them; nothing is done where none is missing.
            drop(work.spawn(async move { catalogue_watch::build_indexes(&store, &log).await }));
            done
        })
    }
}

/// What can't be looked up is forgotten altogether; what can't be told is found by the others'
/// own looks.
async fn forget_stale(store: &Store, sourcing: &CachedSourcing) {
    let _ = sourcing.look_for_changes().await;
    store.tell_changes();
}

type Imported = ResponseFuture<Result<ImportReport, ApiError>>;

impl Actor for VendorSearch {
    type Context = Context<Self>;
}

impl Handler<Envelope<Self>> for VendorSearch {
    type Result = ();

    fn handle(&mut self, envelope: Envelope<Self>, context: &mut Context<Self>) {
        envelope.open(self, context);
    }
}

impl Handler<SourceVendors> for VendorSearch {
    type Result = ResponseFuture<Result<Vec<Candidates>, ApiError>>;

    fn handle(&mut self, message: SourceVendors, _: &mut Context<Self>) -> Self::Result {
        let (sourcing, telemetry) = (self.sourcing.clone(), self.telemetry.clone());
        let SourceVendors { queries, abandoned } = message;
        self.work.run_unless_abandoned("vendor_search", abandoned, async move {
            let began = Instant::now();
            let found = sourcing.source(queries).await;
            telemetry.observe(metrics::SOURCING_SECONDS, &[], began.elapsed());
            found
        })
    }
}

impl Handler<GetCategories> for VendorSearch {
    type Result = ResponseFuture<Result<Vec<CategoryDef>, ApiError>>;

    fn handle(&mut self, _: GetCategories, _: &mut Context<Self>) -> Self::Result {
        let known = self.categories.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((_, categories)) = known.filter(|(read, _)| read.elapsed() < CATEGORIES_TTL) {
            return Box::pin(std::future::ready(Ok(categories)));
        }
        let (store, known) = (self.store.clone(), self.categories.clone());
        self.work.run("vendor_search", async move {
            let categories = store.categories().await?;
            let read = Some((Instant::now(), categories.clone()));
            *known.lock().unwrap_or_else(PoisonError::into_inner) = read;
            Ok(categories)
        })
    }
}

impl Handler<GetAreas> for VendorSearch {
    type Result = ResponseFuture<Result<Arc<AreaMap>, ApiError>>;

    fn handle(&mut self, message: GetAreas, _: &mut Context<Self>) -> Self::Result {
        let sourcing = self.sourcing.clone();
        self.work.run("vendor_search", async move { sourcing.areas(message.cities).await })
    }
}

impl Handler<GetNearestCities> for VendorSearch {
    type Result = ResponseFuture<Result<Vec<String>, ApiError>>;

    fn handle(&mut self, message: GetNearestCities, _: &mut Context<Self>) -> Self::Result {
        let store = self.store.clone();
        self.work.run("vendor_search", async move {
            let GetNearestCities { city, categories, limit } = message;
            Ok(store.nearest_cities(&city, &categories, limit).await?)
        })
    }
}

impl Handler<GetServedCities> for VendorSearch {
    type Result = ResponseFuture<Result<ServedCities, ApiError>>;

    fn handle(&mut self, message: GetServedCities, _: &mut Context<Self>) -> Self::Result {
        let store = self.store.clone();
        self.work.run("vendor_search", async move {
            Ok(store.served_cities(&message.city, &message.categories).await?)
        })
    }
}

impl Handler<FindMissingVendors> for VendorSearch {
    type Result = ResponseFuture<Result<Vec<VendorId>, ApiError>>;

    fn handle(&mut self, message: FindMissingVendors, _: &mut Context<Self>) -> Self::Result {
        let store = self.store.clone();
        self.work
            .run("vendor_search", async move { Ok(store.missing_vendors(&message.ids).await?) })
    }
}

impl Handler<GetVendors> for VendorSearch {
    type Result = ResponseFuture<Result<Vec<Vendor>, ApiError>>;

    fn handle(&mut self, message: GetVendors, _: &mut Context<Self>) -> Self::Result {
        let store = self.store.clone();
        self.work.run("vendor_search", async move { Ok(store.vendors_by_ids(&message.ids).await?) })
    }
}

impl Handler<ImportVendors> for VendorSearch {
    type Result = Imported;

    fn handle(&mut self, message: ImportVendors, _: &mut Context<Self>) -> Self::Result {
        let source = import::RowSource::File(message.spool, message.format);
        self.import(source, message.skip_invalid, message.uid)
    }
}

impl Handler<ImportGenerated> for VendorSearch {
    type Result = Imported;

    fn handle(&mut self, message: ImportGenerated, _: &mut Context<Self>) -> Self::Result {
        match import::RowSource::generated(message.wanted) {
            Ok(source) => self.import(source, false, message.uid),
            Err(error) => Box::pin(std::future::ready(Err(error))),
        }
    }
}

impl Handler<SearchVendors> for VendorSearch {
    type Result = ResponseFuture<Result<Vec<Vendor>, ApiError>>;

    fn handle(&mut self, message: SearchVendors, _: &mut Context<Self>) -> Self::Result {
        let store = self.store.clone();
        self.work.run("vendor_search", async move {
            Ok(store.search_vendors(&search_filter(message.0)?).await?)
        })
    }
}

impl Handler<GetVendorStats> for VendorSearch {
    type Result = ResponseFuture<Result<VendorStats, ApiError>>;

    fn handle(&mut self, _: GetVendorStats, _: &mut Context<Self>) -> Self::Result {
        let (store, sourcing) = (self.store.clone(), self.sourcing.clone());
        let telemetry = self.telemetry.clone();
        self.work.run("vendor_search", async move {
            let mut stats = stats(store.vendor_counts().await?);
            stats.database = database_use(&store, sourcing.counters(), &telemetry).await?;
            Ok(stats)
        })
    }
}

impl Handler<ForgetStale> for VendorSearch {
    type Result = ResponseFuture<Result<(), ApiError>>;

    fn handle(&mut self, _: ForgetStale, _: &mut Context<Self>) -> Self::Result {
        let (store, sourcing) = (self.store.clone(), self.sourcing.clone());
        self.work.run("vendor_search", async move {
            forget_stale(&store, &sourcing).await;
            Ok(())
        })
    }
}

impl Handler<LearnChanges> for VendorSearch {
    type Result = ResponseFuture<Result<(), ApiError>>;

    fn handle(&mut self, _: LearnChanges, _: &mut Context<Self>) -> Self::Result {
        let sourcing = self.sourcing.clone();
        self.work.run("vendor_search", async move { sourcing.look_for_changes().await })
    }
}

impl Handler<FlushQueries> for VendorSearch {
    type Result = Result<usize, ApiError>;

    fn handle(&mut self, _: FlushQueries, _: &mut Context<Self>) -> Self::Result {
        Ok(self.sourcing.flush())
    }
}

impl Handler<ResizeQueries> for VendorSearch {
    type Result = Result<(), ApiError>;

    fn handle(&mut self, message: ResizeQueries, _: &mut Context<Self>) -> Self::Result {
        self.sourcing.resize(message.size, message.ttl);
        Ok(())
    }
}

impl Handler<GetQueryCounters> for VendorSearch {
    type Result = Result<QueryCacheCounters, ApiError>;

    fn handle(&mut self, _: GetQueryCounters, _: &mut Context<Self>) -> Self::Result {
        Ok(self.sourcing.counters())
    }
}

fn stats(counts: Vec<VendorCount>) -> VendorStats {
    let total = counts.iter().map(|count| count.vendors).sum();
    VendorStats { total, counts, database: DatabaseUse::default() }
}
