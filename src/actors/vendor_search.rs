//! VendorSearch: the one way to the vendor catalogue, for plans and for people.
//!
//! State owned: the query cache, and the categories as read a moment ago. Peers: the coordinator's sourcing agents ask for whole feasible
//! sets; the control server imports, generates and searches; the coordinator tells when bookings
//! changed. Bound: the supervisor's capacity; the cache's entries, age and vendors. A restart
//! loses the cache, which fills again.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use actix::{Actor, Context, Handler, Message, ResponseFuture};

use super::{
    query_cache::{QueryCache, QueryCacheCounters},
    supervision::{Heartbeat, Lifeline},
    vendor_import,
    work::Work,
};
use crate::{
    control::{
        ApiError, GenerateVendors, ImportFormat, ImportReport, VendorCount, VendorQuery,
        VendorStats,
    },
    model::{AreaMap, Category, CategoryDef, Sourced, Vendor, VendorId},
    store::{SEARCH_LIMIT_MAX, SourcingQuery, Store, VendorFilter},
    telemetry::{Telemetry, metrics},
};

/// Vendors that a search lists where the caller names no limit.
const SEARCH_LIMIT_DEFAULT: u32 = 50;
/// Every submission and every plan asks for the categories; a new one is known this much later.
const CATEGORIES_TTL: Duration = Duration::from_secs(1);

/// The complete sets of vendors that meet each query's hard constraints, in the queries' order:
/// all categories of a plan in one message.
pub struct SourceVendors {
    pub queries: Vec<SourcingQuery>,
}

impl Message for SourceVendors {
    type Result = Result<Vec<Arc<Vec<Sourced>>>, ApiError>;
}

/// The service categories, all of them, in order.
pub struct GetCategories;

impl Message for GetCategories {
    type Result = Result<Vec<CategoryDef>, ApiError>;
}

/// The areas of these cities.
pub struct GetAreas {
    pub cities: Vec<String>,
}

impl Message for GetAreas {
    type Result = Result<AreaMap, ApiError>;
}

/// Those of the ids that no vendor has.
pub struct FindMissingVendors {
    pub ids: Vec<VendorId>,
}

impl Message for FindMissingVendors {
    type Result = Result<Vec<VendorId>, ApiError>;
}

pub struct GetVendors {
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
}

impl Message for ImportVendors {
    type Result = Result<ImportReport, ApiError>;
}

/// Makes up vendors and imports them.
pub struct ImportGenerated(pub GenerateVendors);

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

/// Vendors of these categories were booked or released: what was read before is stale.
pub struct ForgetCategories(pub Vec<Category>);

impl Message for ForgetCategories {
    type Result = Result<(), ApiError>;
}

/// Empties the query cache; answers how many entries it had.
pub struct FlushQueries;

impl Message for FlushQueries {
    type Result = Result<usize, ApiError>;
}

/// The query cache's bounds changed.
pub struct ResizeQueries {
    pub size: usize,
    pub ttl: Duration,
}

impl Message for ResizeQueries {
    type Result = Result<(), ApiError>;
}

pub struct GetQueryCounters;

impl Message for GetQueryCounters {
    type Result = Result<QueryCacheCounters, ApiError>;
}

/// The categories as last read, and when.
type KnownCategories = Arc<Mutex<Option<(Instant, Vec<CategoryDef>)>>>;

/// Shared with the work on the runtime; held only while looking up or storing, never over a wait.
type SharedCache = Arc<Mutex<QueryCache<SourcingQuery>>>;

pub struct VendorSearch {
    store: Store,
    work: Work,
    telemetry: Telemetry,
    cache: Option<SharedCache>,
    categories: KnownCategories,
    _lifeline: Lifeline,
}

impl VendorSearch {
    /// `cache`: `None` where the query cache is switched off.
    pub fn new(
        store: Store,
        work: Work,
        telemetry: Telemetry,
        cache: Option<QueryCache<SourcingQuery>>,
        lifeline: Lifeline,
    ) -> Self {
        let cache = cache.map(|cache| Arc::new(Mutex::new(cache)));
        let categories = KnownCategories::default();
        Self { store, work, telemetry, cache, categories, _lifeline: lifeline }
    }

    /// Imports, then forgets what the import made stale.
    fn import(&self, source: vendor_import::RowSource, skip_invalid: bool) -> Imported {
        let (store, cache) = (self.store.clone(), self.cache.clone());
        self.work.run("vendor_search", async move {
            let done = vendor_import::import(&store, source, skip_invalid).await;
            // Also after a failure: whether the commit went through may be unknown.
            if let Some(cache) = &cache {
                locked(cache).flush();
            }
            done
        })
    }
}

type Imported = ResponseFuture<Result<ImportReport, ApiError>>;

impl Actor for VendorSearch {
    type Context = Context<Self>;
}

impl Handler<Heartbeat> for VendorSearch {
    type Result = ();

    fn handle(&mut self, heartbeat: Heartbeat, context: &mut Context<Self>) {
        heartbeat.answer::<Self>(context);
    }
}

impl Handler<SourceVendors> for VendorSearch {
    type Result = ResponseFuture<Result<Vec<Arc<Vec<Sourced>>>, ApiError>>;

    fn handle(&mut self, message: SourceVendors, _: &mut Context<Self>) -> Self::Result {
        let (store, cache) = (self.store.clone(), self.cache.clone());
        let telemetry = self.telemetry.clone();
        self.work.run("vendor_search", source(store, cache, telemetry, message.queries))
    }
}

/// Answers from the cache what it has; reads the rest at the same time, on connections of its own.
async fn source(
    store: Store,
    cache: Option<SharedCache>,
    telemetry: Telemetry,
    queries: Vec<SourcingQuery>,
) -> Result<Vec<Arc<Vec<Sourced>>>, ApiError> {
    let answers = queries.into_iter().map(|query| {
        let (store, cache, telemetry) = (store.clone(), cache.clone(), telemetry.clone());
        async move {
            let read = async |query: &SourcingQuery| {
                let began = Instant::now();
                let vendors = store.source(query).await?;
                telemetry.observe(metrics::QUERY_SECONDS, &["source"], began.elapsed());
                Ok::<_, ApiError>(Arc::new(vendors))
            };
            let Some(cache) = cache else { return read(&query).await };
            let (cached, epoch) = {
                let mut cache = locked(&cache);
                (cache.get(&query, Instant::now()), cache.epoch())
            };
            if let Some(vendors) = cached {
                return Ok(vendors);
            }
            let vendors = read(&query).await?;
            let category = query.category.clone();
            locked(&cache).insert(epoch, query, category, vendors.clone(), Instant::now());
            Ok(vendors)
        }
    });
    futures_util::future::try_join_all(answers).await
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
    type Result = ResponseFuture<Result<AreaMap, ApiError>>;

    fn handle(&mut self, message: GetAreas, _: &mut Context<Self>) -> Self::Result {
        let store = self.store.clone();
        self.work.run("vendor_search", async move {
            let cities: Vec<&str> = message.cities.iter().map(String::as_str).collect();
            Ok(AreaMap::new(store.areas(&cities).await?))
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
        let source = vendor_import::RowSource::File(message.spool, message.format);
        self.import(source, message.skip_invalid)
    }
}

impl Handler<ImportGenerated> for VendorSearch {
    type Result = Imported;

    fn handle(&mut self, message: ImportGenerated, _: &mut Context<Self>) -> Self::Result {
        self.import(vendor_import::RowSource::Generated(message.0), false)
    }
}

impl Handler<SearchVendors> for VendorSearch {
    type Result = ResponseFuture<Result<Vec<Vendor>, ApiError>>;

    fn handle(&mut self, message: SearchVendors, _: &mut Context<Self>) -> Self::Result {
        let store = self.store.clone();
        self.work.run("vendor_search", async move {
            Ok(store.search_vendors(&filter(message.0)?).await?)
        })
    }
}

impl Handler<GetVendorStats> for VendorSearch {
    type Result = ResponseFuture<Result<VendorStats, ApiError>>;

    fn handle(&mut self, _: GetVendorStats, _: &mut Context<Self>) -> Self::Result {
        let store = self.store.clone();
        self.work.run("vendor_search", async move { Ok(stats(store.vendor_counts().await?)) })
    }
}

impl Handler<ForgetCategories> for VendorSearch {
    type Result = Result<(), ApiError>;

    fn handle(&mut self, message: ForgetCategories, _: &mut Context<Self>) -> Self::Result {
        if let Some(cache) = &self.cache {
            locked(cache).invalidate(&message.0);
        }
        Ok(())
    }
}

impl Handler<FlushQueries> for VendorSearch {
    type Result = Result<usize, ApiError>;

    fn handle(&mut self, _: FlushQueries, _: &mut Context<Self>) -> Self::Result {
        Ok(self.cache.as_ref().map_or(0, |cache| locked(cache).flush()))
    }
}

impl Handler<ResizeQueries> for VendorSearch {
    type Result = Result<(), ApiError>;

    fn handle(&mut self, message: ResizeQueries, _: &mut Context<Self>) -> Self::Result {
        if let Some(cache) = &self.cache {
            locked(cache).resize(message.size, message.ttl);
        }
        Ok(())
    }
}

impl Handler<GetQueryCounters> for VendorSearch {
    type Result = Result<QueryCacheCounters, ApiError>;

    fn handle(&mut self, _: GetQueryCounters, _: &mut Context<Self>) -> Self::Result {
        Ok(self.cache.as_ref().map(|cache| locked(cache).counters()).unwrap_or_default())
    }
}

fn locked(cache: &SharedCache) -> MutexGuard<'_, QueryCache<SourcingQuery>> {
    cache.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A caller's query as the store takes it.
fn filter(query: VendorQuery) -> Result<VendorFilter, ApiError> {
    let limit = query.limit.unwrap_or(SEARCH_LIMIT_DEFAULT);
    if !(1..=SEARCH_LIMIT_MAX).contains(&limit) {
        let hint = format!("write a number from 1 to {SEARCH_LIMIT_MAX}");
        return Err(ApiError::invalid("limit", format!("is {limit}"), hint));
    }
    Ok(VendorFilter {
        category: query.category,
        city: query.city,
        text: query.name,
        tag: query.tag.map(|tag| tag.to_lowercase()),
        guests: query.guests,
        date: query.date,
        min_rating: query.min_rating,
        limit,
        ..VendorFilter::default()
    })
}

fn stats(counts: Vec<crate::store::VendorCount>) -> VendorStats {
    let total = counts.iter().map(|count| count.vendors).sum();
    let count = |count: crate::store::VendorCount| VendorCount {
        category: count.category,
        city: count.city,
        vendors: count.vendors,
    };
    VendorStats { total, counts: counts.into_iter().map(count).collect() }
}
