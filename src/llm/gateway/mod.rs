//! The gateway: a chain of endpoints that ends in `rules`, behind one cache.

pub(crate) mod cache;
pub(crate) mod routing;

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, OnceLock, atomic::AtomicU64},
    time::{Duration, Instant},
};

use cache::{ReplyCache, SavedReply};
use futures_util::{StreamExt, future::join_all, stream};
use tokio::{sync::mpsc, time::timeout_at};

use crate::{
    endpoint::{
        Endpoint,
        endpoint_queue::CallPriority,
        event::{Events, GatewayEvent},
        key::{CacheKey, KeyPrefix},
        metrics::{LlmCounters, Observer, RequestTimes, Times},
        status::{EndpointStatus, ModelStatus},
        tune::tune,
        upstream::Upstream,
        warm_up,
    },
    error::LlmError,
    failure::{Failure, FailureKind},
    locked,
    servers::http::Clients,
    settings::{LlmSettings, ServerKind},
    tasks::{Answer, Priority, Reply, Task, rules, schema::Schemas},
};
use resilience::{Flight, SingleFlight};

/// How a call upstream ends for all who share it.
type Outcome = Result<Arc<Reply>, Arc<Failure>>;

/// One endpoint's calls are its own: another endpoint's failure says nothing about this one.
type CallKey = (usize, CacheKey);

/// Answers tasks. Cheap to clone; all clones share everything.
#[derive(Clone)]
pub struct Gateway(Arc<Inner>);

struct Inner {
    settings: LlmSettings,
    seed: u64,
    endpoints: Vec<Endpoint>,
    schemas: Schemas,
    /// Hashes tasks alone, for routing by weight.
    routing: KeyPrefix,
    cache: Mutex<ReplyCache>,
    /// Held only while looking up or starting, never over a wait.
    flights: Mutex<SingleFlight<CallKey, Outcome, Arc<CallPriority>>>,
    events: Events,
    jitter: AtomicU64,
    totals: Mutex<Totals>,
    observer: OnceLock<Box<Observer>>,
}

struct Totals {
    requests: u64,
    fallbacks: u64,
    coalesced: u64,
    answer: Times,
}

impl Gateway {
    /// Reads key and certificate files, and builds one pooled HTTP client per TLS configuration.
    /// `seed` is pinned in every call upstream and draws the jitter of retries.
    ///
    /// # Errors
    /// Settings that no gateway can be built of.
    pub fn new(settings: LlmSettings, seed: u64) -> Result<Self, LlmError> {
        let schemas = Schemas::default();
        let mut clients = Clients::default();
        let mut names = BTreeSet::from([rules::RULES]);
        let mut endpoints = Vec::new();
        for endpoint in &settings.endpoints {
            if endpoint.kind == ServerKind::Rules {
                // The rules always answer: nothing behind them is ever asked.
                break;
            }
            if endpoint.name.is_empty() || !names.insert(&endpoint.name) {
                let problem = if endpoint.name.is_empty() { "empty" } else { "taken" };
                return Err(LlmError::Name { endpoint: endpoint.name.clone(), problem });
            }
            let endpoint = endpoint.clone();
            endpoints.push(Endpoint::new(endpoint, &settings, seed, &mut clients, &schemas)?);
        }
        let cache = ReplyCache::new(settings.response_cache_size, settings.response_cache_ttl);
        let totals = Totals { requests: 0, fallbacks: 0, coalesced: 0, answer: Times::new() };
        Ok(Self(Arc::new(Inner {
            seed,
            endpoints,
            schemas,
            routing: KeyPrefix::new(&["routing"]),
            cache: Mutex::new(cache),
            flights: Mutex::default(),
            events: Events::new(),
            jitter: AtomicU64::new(0),
            totals: Mutex::new(totals),
            observer: OnceLock::new(),
            settings,
        })))
    }

    /// Answers a task by `deadline`. Never fails: the chain of endpoints ends in `rules`.
    /// Cancelled by dropping the future; a call upstream that nobody else waits for ends with it.
    pub async fn answer(&self, task: Task, priority: Priority, deadline: Instant) -> Answer {
        let started = Instant::now();
        let mut answer = self.0.ask_chain(task, priority, deadline).await;
        answer.elapsed = started.elapsed();
        let mut totals = locked(&self.0.totals);
        totals.requests += 1;
        totals.answer.record(answer.elapsed);
        if answer.model.is_none() && !self.0.endpoints.is_empty() {
            totals.fallbacks += 1;
        }
        answer
    }

    /// Answers independent tasks of one plan together, at most `batch_size` at a time (one at a
    /// time where batching is off). Answers stand in the order of the tasks; each has its own
    /// server, and its own fallback where that failed.
    pub async fn answer_batch(
        &self,
        tasks: Vec<Task>,
        priority: Priority,
        deadline: Instant,
    ) -> Vec<Answer> {
        let settings = &self.0.settings;
        let together = if settings.batching { settings.batch_size.max(1) } else { 1 };
        stream::iter(tasks)
            .map(|task| self.answer(task, priority, deadline))
            .buffered(together)
            .collect()
            .await
    }

    /// Loads every endpoint's model with the options of real calls, all at once, and tells how
    /// they stand. Takes at most `timeout`.
    pub async fn warm_up(&self) -> Vec<ModelStatus> {
        let inner = &self.0;
        let all = inner.endpoints.iter();
        join_all(all.map(|endpoint| warm_up::warm_up(endpoint, &inner.settings, &inner.events)))
            .await
    }

    /// Keeps models loaded while work is queued: asks each Ollama server that was not called
    /// within half its keep-alive to hold its model.
    pub async fn keep_warm(&self) {
        let inner = &self.0;
        let all = inner.endpoints.iter();
        join_all(all.map(|endpoint| warm_up::keep_warm(endpoint, &inner.settings, &inner.events)))
            .await;
    }

    /// Asks every server how it is, without work for its model. One that was gone and answers
    /// gets a probe at once where its breaker is open.
    pub async fn check_health(&self) -> Vec<EndpointStatus> {
        let inner = &self.0;
        let all = inner.endpoints.iter();
        join_all(all.map(|endpoint| warm_up::check(endpoint, &inner.settings, &inner.events)))
            .await;
        self.status()
    }

    /// The endpoints, in the order of the settings.
    pub fn status(&self) -> Vec<EndpointStatus> {
        self.0.endpoints.iter().map(Endpoint::status).collect()
    }

    pub fn counters(&self) -> LlmCounters {
        let inner = &self.0;
        let figures = |endpoint: &Endpoint| locked(&endpoint.metrics).figures();
        let totals = locked(&inner.totals);
        LlmCounters {
            requests: totals.requests,
            fallbacks: totals.fallbacks,
            coalesced: totals.coalesced,
            under_way: locked(&inner.flights).len(),
            cache: locked(&inner.cache).counters(),
            answer: totals.answer.summary(),
            endpoints: inner.endpoints.iter().map(figures).collect(),
            events_lost: inner.events.lost(),
        }
    }

    /// The servers' own settings that fit this gateway's, as text to read and lines to copy.
    pub fn tune(&self) -> String {
        tune(&self.0.settings)
    }

    /// Empties the response cache; returns how many replies it held.
    pub fn flush_cache(&self) -> usize {
        locked(&self.0.cache).flush()
    }

    /// Takes over changed bounds of the response cache.
    pub fn resize_cache(&self, size: usize, ttl: Duration) {
        locked(&self.0.cache).resize(size, ttl);
    }

    /// The cache's entries that are not older than `max_age`, to keep them across a restart:
    /// checked replies under digests of their requests, without prompt text.
    pub fn save_cache(&self, max_age: Duration) -> Vec<SavedReply> {
        locked(&self.0.cache).save(max_age, Instant::now())
    }

    /// Takes entries of [`Self::save_cache`] back; add the time that has passed to their ages.
    /// Returns how many were still of use.
    pub fn restore_cache(&self, saved: Vec<SavedReply>) -> usize {
        locked(&self.0.cache).restore(saved, Instant::now())
    }

    /// From now on `observe` is called at the end of each request to an endpoint. The first
    /// observer stays.
    pub fn observe(&self, observe: impl Fn(&RequestTimes<'_>) + Send + Sync + 'static) {
        // An error says that there is one already.
        let _ = self.0.observer.set(Box::new(observe));
    }

    /// The events from now on; `None` for the second who asks. At most 256 wait to be taken,
    /// further ones are counted in `events_lost`.
    pub fn take_events(&self) -> Option<mpsc::Receiver<GatewayEvent>> {
        self.0.events.take()
    }
}

impl Inner {
    async fn ask_chain(
        self: &Arc<Self>,
        task: Task,
        priority: Priority,
        deadline: Instant,
    ) -> Answer {
        let mut reasons: Vec<String> = Vec::new();
        let mut last_failure = None;
        let task = Arc::new(task);
        for index in routing::order(&self.endpoints, || self.routing.key_of(&task)) {
            let endpoint = &self.endpoints[index];
            match self.ask_endpoint(index, &task, priority, deadline).await {
                Ok((reply, cached)) => {
                    return Answer {
                        reply: Reply::clone(&reply),
                        server: endpoint.settings.name.clone(),
                        model: Some(endpoint.settings.model.clone()),
                        cached,
                        fallback: fallback(&reasons),
                        last_failure,
                        elapsed: Duration::ZERO,
                    };
                }
                Err(failure) => {
                    reasons.push(format!("{}: {failure}", endpoint.settings.name));
                    last_failure = Some(failure.kind);
                    if failure.kind == FailureKind::Deadline {
                        break;
                    }
                }
            }
        }
        Answer {
            reply: rules::answer(&task),
            server: rules::RULES.to_owned(),
            model: None,
            cached: false,
            fallback: fallback(&reasons),
            last_failure,
            elapsed: Duration::ZERO,
        }
    }

    /// The reply of one endpoint, and whether it was cached.
    async fn ask_endpoint(
        self: &Arc<Self>,
        index: usize,
        task: &Arc<Task>,
        priority: Priority,
        deadline: Instant,
    ) -> Result<(Arc<Reply>, bool), Arc<Failure>> {
        let endpoint = &self.endpoints[index];
        let key = endpoint.key_of(task);
        if self.settings.response_cache
            && let Some(reply) = locked(&self.cache).get(&key, Instant::now())
        {
            locked(&endpoint.metrics).cache_hit();
            return Ok((reply, true));
        }
        let flight = match self.join_or_start((index, key), task, priority, deadline) {
            Ok(flight) => flight,
            Err(reply) => return Ok((reply, true)),
        };
        match timeout_at(deadline.into(), flight).await {
            Ok(outcome) => outcome.map(|reply| (reply, false)),
            Err(_) => {
                let late = Failure::from(FailureKind::Deadline);
                locked(&endpoint.metrics).failure(&late);
                Err(Arc::new(late))
            }
        }
    }

    /// The call under way that answers the same, or a new one.
    ///
    /// # Errors
    /// The reply, where a call has ended since the caller looked for one.
    fn join_or_start(
        self: &Arc<Self>,
        key: CallKey,
        task: &Arc<Task>,
        priority: Priority,
        deadline: Instant,
    ) -> Result<Flight<Outcome>, Arc<Reply>> {
        let mut flights = locked(&self.flights);
        if let Some((flight, call)) = flights.join(&key, |_| true) {
            let call = Arc::clone(call);
            drop(flights);
            let endpoint = &self.endpoints[key.0];
            endpoint.queue.join(&call, priority, deadline);
            locked(&endpoint.metrics).coalesced();
            locked(&self.totals).coalesced += 1;
            return Ok(flight);
        }
        if self.settings.response_cache
            && let Some(reply) = locked(&self.cache).get_again(&key.1, Instant::now())
        {
            return Err(reply);
        }
        let priority = Arc::new(CallPriority::new(priority, deadline));
        let (inner, task, shared) = (Arc::clone(self), Arc::clone(task), Arc::clone(&priority));
        let call = async move { inner.call(key, &task, &shared).await };
        let inner = Arc::clone(self);
        let over = move |landed| locked(&inner.flights).land(&landed);
        Ok(flights.start(vec![(key, priority)], call, over))
    }

    /// The shared call: asks the endpoint and keeps a good reply.
    async fn call(&self, (index, key): CallKey, task: &Task, priority: &CallPriority) -> Outcome {
        let schema = self.schemas.of(task);
        let upstream = Upstream {
            endpoint: &self.endpoints[index],
            settings: &self.settings,
            events: &self.events,
            call_priority: priority,
            jitter: &self.jitter,
            seed: self.seed,
            observer: self.observer.get().map(|observer| &**observer),
        };
        let reply = upstream.ask(task, &schema).await.map_err(Arc::new)?;
        if self.settings.response_cache {
            locked(&self.cache).insert(key, Arc::clone(&reply), Instant::now());
        }
        Ok(reply)
    }
}

fn fallback(reasons: &[String]) -> Option<String> {
    (!reasons.is_empty()).then(|| reasons.join("; "))
}
