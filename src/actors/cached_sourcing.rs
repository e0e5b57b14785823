//! Sourcing through the query cache: what is remembered is not read, what is being read is not
//! read twice, and what changed since is neither.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared, WeakShared, try_join_all},
};
use tokio::sync::Mutex as TurnMutex;

use super::query_cache::{Epoch, QueryCache, QueryCacheCounters};
use crate::{
    control::ApiError,
    model::Sourced,
    store::{Changes, Horizon, SourcingQuery, Store},
};

/// The whole feasible set of one query.
pub type Found = Arc<Vec<Sourced>>;

/// Several queries read in one go: every caller who waits for one of them drives it, and when
/// the last of them goes away, so does the read.
type Reading = BoxFuture<'static, Result<Arc<Vec<Found>>, ApiError>>;
type Flight = Shared<Reading>;
type WeakFlight = WeakShared<Reading>;

/// Cheap to clone; all clones share the cache.
#[derive(Clone)]
pub struct CachedSourcing {
    store: Store,
    shared: Option<Arc<SharedState>>,
}

struct SharedState {
    /// Held only while looking up or storing, never over a wait.
    state: Mutex<State>,
    /// Up to where changes by others are known; one look at a time.
    horizon: TurnMutex<Option<Horizon>>,
}

struct State {
    cache: QueryCache,
    /// Reads under way: each query's flight, its place in it, and when it began.
    /// Weakly: a read that nobody waits for any more ends at once.
    flights: HashMap<SourcingQuery, (WeakFlight, usize, Epoch)>,
}

/// Where one query's answer comes from.
enum Answer {
    Cached(Found),
    Flying(Flight, usize),
}

impl Answer {
    async fn found(self) -> Result<Found, ApiError> {
        match self {
            Self::Cached(found) => Ok(found),
            Self::Flying(flight, place) => {
                let all = flight.await?;
                Ok(all.get(place).cloned().unwrap_or_default())
            }
        }
    }
}

impl CachedSourcing {
    /// `cache`: `None` where the query cache is switched off.
    pub fn new(store: Store, cache: Option<QueryCache>) -> Self {
        let shared = cache.map(|cache| {
            Arc::new(SharedState {
                state: Mutex::new(State { cache, flights: HashMap::new() }),
                horizon: TurnMutex::new(None),
            })
        });
        Self { store, shared }
    }

    /// The complete feasible sets of these queries, in their order.
    ///
    /// # Errors
    /// What keeps the database from answering.
    pub async fn source(&self, queries: Vec<SourcingQuery>) -> Result<Vec<Found>, ApiError> {
        let keys: Vec<_> = queries.into_iter().map(SourcingQuery::normalised).collect();
        let Some(shared) = &self.shared else {
            let all = self.store.source_all(&keys).await?;
            return Ok(all.into_iter().map(Arc::new).collect());
        };
        let answers = self.answers(shared, &keys);
        try_join_all(answers.into_iter().map(Answer::found)).await
    }

    fn answers(&self, shared: &Arc<SharedState>, keys: &[SourcingQuery]) -> Vec<Answer> {
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
            let flight = read(self.store.clone(), shared.clone(), wanted.clone(), epoch);
            for (place, key) in wanted.iter().enumerate() {
                if let Some(weak) = flight.downgrade() {
                    state.flights.insert(key.clone(), (weak, place, epoch));
                }
            }
            for (answer, key) in answers.iter_mut().zip(keys) {
                let place = wanted.iter().position(|wanted| wanted == key);
                if let (None, Some(place)) = (&answer, place) {
                    *answer = Some(Answer::Flying(flight.clone(), place));
                }
            }
        }
        answers.into_iter().flatten().collect()
    }

    /// Learns what changed in the catalogue, by whoever it was changed, and forgets what is
    /// stale. Once it returns, nothing older than its call is answered from memory.
    ///
    /// # Errors
    /// What keeps the database from answering; everything is forgotten then.
    pub async fn look_for_changes(&self) -> Result<(), ApiError> {
        let Some(shared) = &self.shared else { return Ok(()) };
        let mut horizon = shared.horizon.lock().await;
        match self.store.changes_since(*horizon).await {
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

impl SharedState {
    fn locked(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// An answer from memory, or a read under way that began after every change that matters.
    fn look_up(&mut self, key: &SourcingQuery, now: Instant) -> Option<Answer> {
        if let Some(found) = self.cache.get(key, now) {
            return Some(Answer::Cached(found));
        }
        let (flight, place, epoch) = self.flights.get(key)?;
        if self.cache.is_stale(*epoch, key) {
            return None;
        }
        let answer = Answer::Flying(flight.upgrade()?, *place);
        self.cache.count_coalesced();
        Some(answer)
    }

    /// A read is over, or was left by all: its flights end, unless later ones took their place.
    fn land(&mut self, keys: &[SourcingQuery], epoch: Epoch) {
        for key in keys {
            if self.flights.get(key).is_some_and(|flight| flight.2 == epoch) {
                self.flights.remove(key);
            }
        }
    }
}

/// Ends a read's flights also where it is dropped on the way.
struct Landing {
    shared: Arc<SharedState>,
    keys: Vec<SourcingQuery>,
    epoch: Epoch,
}

impl Drop for Landing {
    fn drop(&mut self) {
        self.shared.locked().land(&self.keys, self.epoch);
    }
}

fn read(store: Store, shared: Arc<SharedState>, keys: Vec<SourcingQuery>, epoch: Epoch) -> Flight {
    async move {
        let landing = Landing { shared, keys, epoch };
        let all = store.source_all(&landing.keys).await?;
        let found: Vec<Found> = all.into_iter().map(Arc::new).collect();
        let mut state = landing.shared.locked();
        let now = Instant::now();
        for (key, found) in landing.keys.iter().zip(&found) {
            state.cache.insert(epoch, key.clone(), found.clone(), now);
        }
        drop(state);
        Ok(Arc::new(found))
    }
    .boxed()
    .shared()
}
