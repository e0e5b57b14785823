//! The connection pool: bb8 with limits on connecting, a cheap check before use, and a memory of
//! why connecting failed. It opens when the schema is up to date, and says why it isn't before.

use std::{
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use super::{
    connector::Connector,
    health::Health,
    manager::{ConnectionFault, Manager},
    observer::Observer,
    session::Session,
};
use crate::{StoreError, settings::DatabaseSettings};

/// An idle connection is closed after this time; bb8 opens another where fewer than
/// `pool_size` are left.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(600);

pub(crate) type PooledConnection<'p> = bb8::PooledConnection<'p, Manager>;

/// How the pool is doing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PoolStatus {
    /// The schema is up to date and the last attempt to connect, if any, succeeded.
    pub reachable: bool,
    /// Open connections, and how many of them are in use.
    pub open: u32,
    pub in_use: u32,
    /// Most that may be open.
    pub limit: u32,
    /// Callers that wait for a connection now.
    pub waiting: u64,
    /// Check-outs and failed check-outs since the start.
    pub checkouts: u64,
    pub timeouts: u64,
    /// Failed attempts to connect since the start, and the cause of the last failure.
    pub connection_errors: u64,
    pub last_error: Option<String>,
}

#[derive(Clone)]
pub(crate) struct Pool {
    shared: Arc<Shared>,
}

struct Shared {
    /// Made once the schema is up to date.
    opened: OnceLock<bb8::Pool<Manager>>,
    /// Why it isn't open yet.
    closed_because: Mutex<String>,
    connector: Connector,
    settings: DatabaseSettings,
    health: Health,
    observer: Arc<dyn Observer>,
    limit: u32,
    /// Callers that wait for a connection. bb8's own count keeps those that left.
    waiting: AtomicU64,
}

/// A caller that waits: counted until it got its connection, gave up or went away.
struct Waiting<'p>(&'p AtomicU64);

impl<'p> Waiting<'p> {
    fn begin(count: &'p AtomicU64) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Pool {
    /// A pool that refuses everybody until [`Self::open`].
    pub(crate) fn closed(
        settings: &DatabaseSettings,
        observer: Arc<dyn Observer>,
    ) -> Result<Self, StoreError> {
        let shared = Shared {
            opened: OnceLock::new(),
            closed_because: Mutex::new("nobody has asked for it yet".to_owned()),
            connector: Connector::new(settings)?,
            settings: settings.clone(),
            health: Health::default(),
            observer,
            limit: (settings.pool_size + settings.max_overflow).max(1),
            waiting: AtomicU64::new(0),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Opens connections in the background; needs a running runtime, the one it will live on.
    pub(crate) fn open(&self) {
        let shared = &self.shared;
        shared.opened.get_or_init(|| {
            let settings = &shared.settings;
            bb8::Pool::builder()
                .max_size(shared.limit)
                .min_idle(settings.pool_size.min(shared.limit))
                .connection_timeout(settings.checkout_timeout.max(Duration::from_millis(1)))
                .max_lifetime(settings.max_lifetime.max(Duration::from_secs(1)))
                .idle_timeout(POOL_IDLE_TIMEOUT)
                // The manager retries itself, with its own bounds.
                .retry_connection(false)
                .test_on_check_out(true)
                // The connection used last has the warmest caches, and the rest can end.
                .queue_strategy(bb8::QueueStrategy::Lifo)
                .error_sink(Box::new(shared.health.clone()))
                .build_unchecked(Manager::new(&shared.connector, settings, shared.health.clone()))
        });
    }

    /// Notes why it can't be opened yet.
    pub(crate) fn wait_for(&self, cause: &StoreError) {
        let mut closed = self.closed_because();
        *closed = cause.to_string();
    }

    pub(crate) fn connector(&self) -> &Connector {
        &self.shared.connector
    }

    pub(crate) fn settings(&self) -> &DatabaseSettings {
        &self.shared.settings
    }

    pub(crate) fn observer(&self) -> &Arc<dyn Observer> {
        &self.shared.observer
    }

    /// # Errors
    /// `Exhausted` where all connections stay in use, `Unreachable` or `Refused` where none can
    /// be opened.
    pub(crate) async fn session(&self, task: &'static str) -> Result<Session<'_>, StoreError> {
        let connection = self.checked(task, self.opened(task)?.get()).await?;
        Ok(Session::new(connection, task, &*self.shared.observer))
    }

    /// A connection that outlives the borrow of the pool.
    pub(crate) async fn owned(
        &self,
        task: &'static str,
    ) -> Result<PooledConnection<'static>, StoreError> {
        self.checked(task, self.opened(task)?.get_owned()).await
    }

    fn opened(&self, task: &'static str) -> Result<&bb8::Pool<Manager>, StoreError> {
        let closed = || StoreError::Unreachable { task, cause: self.closed_because().clone() };
        self.shared.opened.get().ok_or_else(closed)
    }

    fn closed_because(&self) -> std::sync::MutexGuard<'_, String> {
        self.shared.closed_because.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a check-out, but no longer than there is hope.
    async fn checked<T>(
        &self,
        task: &'static str,
        checkout: impl Future<Output = Result<T, bb8::RunError<ConnectionFault>>>,
    ) -> Result<T, StoreError> {
        let health = &self.shared.health;
        let since = health.mark();
        let started = Instant::now();
        let _waiting = Waiting::begin(&self.shared.waiting);
        let most = u64::from(self.shared.settings.max_connection_errors.max(1));
        let got = tokio::select! {
            biased;
            got = checkout => got.map_err(|_| self.failure(task, since, started)),
            () = health.hopeless(since, most) => Err(self.failure(task, since, started)),
        };
        self.shared.observer.checked_out(started.elapsed(), got.is_ok());
        got
    }

    fn failure(&self, task: &'static str, since: u64, started: Instant) -> StoreError {
        let report = self.shared.health.report();
        let PoolStatus { in_use, limit, .. } = self.status();
        match report.cause {
            Some(cause) if report.refused => StoreError::Refused { cause },
            Some(cause) if self.shared.health.mark() > since => {
                StoreError::Unreachable { task, cause }
            }
            // Nobody holds one: the pool waits between two attempts, or for an answer.
            cause if in_use == 0 => {
                let none = || "no connection could be opened in time".to_owned();
                StoreError::Unreachable { task, cause: cause.unwrap_or_else(none) }
            }
            _ => StoreError::exhausted(task, in_use, limit, started.elapsed()),
        }
    }

    pub(crate) fn status(&self) -> PoolStatus {
        let limit = self.shared.limit;
        let Some(opened) = self.shared.opened.get() else {
            let last_error = Some(self.closed_because().clone());
            return PoolStatus { limit, last_error, ..PoolStatus::default() };
        };
        let state = opened.state();
        let report = self.shared.health.report();
        PoolStatus {
            reachable: !report.failing,
            open: state.connections,
            in_use: state.connections.saturating_sub(state.idle_connections),
            limit,
            waiting: self.shared.waiting.load(Ordering::Relaxed),
            checkouts: state.statistics.get_direct + state.statistics.get_waited,
            timeouts: state.statistics.get_timed_out,
            connection_errors: self.shared.health.mark(),
            last_error: report.cause,
        }
    }
}
