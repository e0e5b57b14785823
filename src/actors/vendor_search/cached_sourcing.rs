//! Sourcing through the query cache: what is remembered is not read, what is being read is not
//! read twice, and what changed since is neither.

use std::{
    num::NonZeroUsize,
    sync::{Arc, PoisonError},
    time::{Duration, Instant},
};

use futures_util::future::try_join_all;
use lru::LruCache;
use tokio::sync::Mutex as TurnMutex;

// The model check in `cached_sourcing_model` decides when a lock is taken.
#[cfg(test)]
use shuttle::sync::{Mutex, MutexGuard};
#[cfg(not(test))]
use std::sync::{Mutex, MutexGuard};

use super::query_cache::{Epoch, QueryCache, QueryCacheCounters};
use model::{AreaMap, Sourced};
use resilience::{Flight, SingleFlight};
use store::{Changes, Horizon, SourcingQuery, Store, StoreError};
use wire::ApiError;

/// Sets of cities whose areas are remembered.
const AREAS_MAX: NonZeroUsize = NonZeroUsize::new(64).expect("not zero");
/// Areas that somebody else moved, and no vendor with them, are known this much later.
const AREAS_TTL: Duration = Duration::from_secs(1);

/// The whole feasible set of one query.
pub type Candidates = Arc<Vec<Sourced>>;

/// What several queries that were read in one go have found, in their order.
type AllCandidates = Result<Arc<Vec<Candidates>>, ApiError>;

/// Where vendors are read, and changes are learnt of.
pub trait Catalogue: Clone + Send + Sync + 'static {
    /// Up to where the changes are known.
    type Horizon: Copy + Send;

    /// As [`Store::source_all`].
    fn vendors(
        &self,
        queries: &[SourcingQuery],
    ) -> impl Future<Output = Result<Vec<Vec<Sourced>>, StoreError>> + Send;

    /// As [`Store::changes_since`].
    fn changes(
        &self,
        last: Option<Self::Horizon>,
    ) -> impl Future<Output = Result<(Changes, Self::Horizon), StoreError>> + Send;

    /// As [`Store::areas`].
    fn areas(&self, cities: &[String]) -> impl Future<Output = Result<AreaMap, StoreError>> + Send;
}

impl Catalogue for Store {
    type Horizon = Horizon;

    async fn vendors(&self, queries: &[SourcingQuery]) -> Result<Vec<Vec<Sourced>>, StoreError> {
        self.source_all(queries).await
    }

    async fn changes(&self, last: Option<Horizon>) -> Result<(Changes, Horizon), StoreError> {
        self.changes_since(last).await
    }

    async fn areas(&self, cities: &[String]) -> Result<AreaMap, StoreError> {
        let names: Vec<&str> = cities.iter().map(String::as_str).collect();
        Self::areas(self, &names).await
    }
}

/// Cheap to clone; all clones share the cache.
#[derive(Clone)]
pub struct CachedSourcing<C: Catalogue = Store> {
    store: C,
    shared: Option<Arc<SharedState<C::Horizon>>>,
}

struct SharedState<H> {
    /// Held only while looking up or storing, never over a wait.
    state: Mutex<State>,
    /// Up to where changes by others are known; one look at a time.
    horizon: TurnMutex<Option<H>>,
}

struct State {
    cache: QueryCache,
    /// Reads under way.
    flights: SingleFlight<SourcingQuery, AllCandidates, Part>,
    areas: LruCache<Vec<String>, KnownAreas>,
}

/// Areas as they were read at a time, when so much had changed.
struct KnownAreas {
    areas: Arc<AreaMap>,
    epoch: Epoch,
    read: Instant,
}

/// One query's part in a read.
struct Part {
    place: usize,
    /// When the read began.
    epoch: Epoch,
}

/// Where one query's answer comes from.
enum Answer {
    Cached(Candidates),
    Read(Flight<AllCandidates>, usize),
}

impl Answer {
    async fn candidates(self) -> Result<Candidates, ApiError> {
        match self {
            Self::Cached(found) => Ok(found),
            Self::Read(flight, place) => {
                let all = flight.await?;
                Ok(all.get(place).cloned().unwrap_or_default())
            }
        }
    }
}

impl<C: Catalogue> CachedSourcing<C> {
    /// `cache`: `None` where the query cache is switched off.
    pub fn new(store: C, cache: Option<QueryCache>) -> Self {
        let shared = cache.map(|cache| {
            Arc::new(SharedState {
                state: Mutex::new(State {
                    cache,
                    flights: SingleFlight::default(),
                    areas: LruCache::new(AREAS_MAX),
                }),
                horizon: TurnMutex::new(None),
            })
        });
        Self { store, shared }
    }

    /// The complete feasible sets of these queries, in their order.
    ///
    /// # Errors
    /// What keeps the database from answering.
    pub async fn source(&self, queries: Vec<SourcingQuery>) -> Result<Vec<Candidates>, ApiError> {
        let keys: Vec<_> = queries.into_iter().map(SourcingQuery::normalised).collect();
        let Some(shared) = &self.shared else {
            let all = self.store.vendors(&keys).await?;
            return Ok(all.into_iter().map(Arc::new).collect());
        };
        let answers = self.answers(shared, &keys);
        try_join_all(answers.into_iter().map(Answer::candidates)).await
    }

    fn answers(
        &self,
        shared: &Arc<SharedState<C::Horizon>>,
        keys: &[SourcingQuery],
    ) -> Vec<Answer> {
        let mut state = shared.locked();
        let now = Instant::now();
        let mut wanted: Vec<SourcingQuery> = Vec::new();
        let mut answers: Vec<Option<Answer>> = Vec::with_capacity(keys.len());
        for key in keys {
            let answer = state.look_up(key, now);
            if answer.is_none() && !wanted.contains(key) {
                wanted.push(key.clone());
            }
            answers.push(answer);
        }
        if !wanted.is_empty() {
            let epoch = state.cache.epoch();
            let part = |(place, key): (usize, &SourcingQuery)| (key.clone(), Part { place, epoch });
            let parts = wanted.iter().enumerate().map(part).collect();
            let call = read(self.store.clone(), shared.clone(), wanted.clone(), epoch);
            let over = {
                let shared = shared.clone();
                move |landed| shared.locked().flights.land(&landed)
            };
            let flight = state.flights.start(parts, call, over);
            for (answer, key) in answers.iter_mut().zip(keys) {
                let place = wanted.iter().position(|wanted| wanted == key);
                if let (None, Some(place)) = (&answer, place) {
                    *answer = Some(Answer::Read(flight.clone(), place));
                }
            }
        }
        answers.into_iter().flatten().collect()
    }

    /// The areas of these cities; none that were read before the last change that is known of.
    ///
    /// # Errors
    /// What keeps the database from answering.
    pub async fn areas(&self, cities: Vec<String>) -> Result<Arc<AreaMap>, ApiError> {
        let read =
            async |cities: &[String]| Ok::<_, ApiError>(Arc::new(self.store.areas(cities).await?));
        let Some(shared) = &self.shared else { return read(&cities).await };
        let (epoch, began) = {
            let mut state = shared.locked();
            if let Some(known) = state.known_areas(&cities) {
                return Ok(known);
            }
            (state.cache.epoch(), Instant::now())
        };
        let areas = read(&cities).await?;
        let known = KnownAreas { areas: areas.clone(), epoch, read: began };
        shared.locked().areas.put(cities, known);
        Ok(areas)
    }

    /// Learns what changed in the catalogue, by whoever it was changed, and forgets what is
    /// stale. Once it returns, nothing older than its call is answered from memory.
    ///
    /// # Errors
    /// What keeps the database from answering; everything is forgotten then.
    pub async fn look_for_changes(&self) -> Result<(), ApiError> {
        let Some(shared) = &self.shared else { return Ok(()) };
        let mut horizon = shared.horizon.lock().await;
        match self.store.changes(*horizon).await {
            Ok((changes, seen)) => {
                *horizon = Some(seen);
                match changes {
                    Changes::Only(touched) if touched.is_empty() => {}
                    Changes::Only(touched) => shared.locked().cache.invalidate(&touched),
                    Changes::Anything => {
                        shared.locked().cache.flush();
                    }
                }
                Ok(())
            }
            Err(error) => {
                shared.locked().cache.flush();
                Err(error.into())
            }
        }
    }

    /// Takes over changed bounds.
    pub fn resize(&self, size: usize, ttl: Duration) {
        if let Some(shared) = &self.shared {
            shared.locked().cache.resize(size, ttl);
        }
    }

    /// Forgets everything; returns how many answers there were.
    pub fn flush(&self) -> usize {
        self.shared.as_ref().map_or(0, |shared| shared.locked().cache.flush())
    }

    pub fn counters(&self) -> QueryCacheCounters {
        self.shared.as_ref().map(|shared| shared.locked().cache.counters()).unwrap_or_default()
    }
}

impl<H> SharedState<H> {
    fn locked(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn known_areas(&mut self, cities: &[String]) -> Option<Arc<AreaMap>> {
        let now = self.cache.epoch();
        let known = self.areas.get(cities)?;
        let good = known.epoch == now && known.read.elapsed() < AREAS_TTL;
        good.then(|| known.areas.clone())
    }

    /// An answer from memory, or a read under way that began after every change that matters.
    fn look_up(&mut self, key: &SourcingQuery, now: Instant) -> Option<Answer> {
        if let Some(found) = self.cache.get(key, now) {
            return Some(Answer::Cached(found));
        }
        let cache = &self.cache;
        let (flight, part) =
            self.flights.join(key, |part: &Part| !cache.is_stale(part.epoch, key))?;
        let answer = Answer::Read(flight, part.place);
        self.cache.count_coalesced();
        Some(answer)
    }
}

/// Reads and remembers.
async fn read<C: Catalogue>(
    store: C,
    shared: Arc<SharedState<C::Horizon>>,
    keys: Vec<SourcingQuery>,
    epoch: Epoch,
) -> AllCandidates {
    let all = store.vendors(&keys).await?;
    let found: Vec<Candidates> = all.into_iter().map(Arc::new).collect();
    let now = Instant::now();
    let mut state = shared.locked();
    for (key, found) in keys.into_iter().zip(&found) {
        state.cache.insert(epoch, key, found.clone(), now);
    }
    drop(state);
    Ok(Arc::new(found))
}
