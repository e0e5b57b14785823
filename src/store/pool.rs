//! The connection pool: bb8 with limits on connecting, a cheap check before use, and a memory of
//! why connecting failed.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use bb8_postgres::PostgresConnectionManager;
use rand::RngExt;
use tokio::sync::{Semaphore, watch};
use tokio_postgres::{Client, Config, NoTls, error::SqlState};

use super::{
    StoreError,
    error::describe,
    session::{Session, Statements},
    settings::DatabaseSettings,
};

/// Connections opened at the same time: filling the pool must not slow down who waits for one.
const CONNECTING_MAX: usize = 4;
/// One attempt to connect.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// First and longest pause between attempts. A server that is back must be found within a
/// second, whatever `retry_delay` allows.
const RETRY_FIRST: Duration = Duration::from_millis(50);
const RETRY_MAX: Duration = Duration::from_secs(1);
/// An attempt is given up after this time; the next caller starts another.
const RETRY_LIMIT: Duration = Duration::from_secs(30);
/// A connection that rested longer is tested before use. A busy pool pays nothing.
const PRE_PING_AFTER: Duration = Duration::from_secs(1);
const PRE_PING_TIMEOUT: Duration = Duration::from_secs(2);
/// An idle connection is closed after this time; bb8 opens another where fewer than
/// `pool_size` are left.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(600);
/// Connections end at 80–100 % of their longest life, so that not all of them end together.
const LIFETIME_SPREAD: f64 = 0.2;

pub(super) type PooledConnection<'p> = bb8::PooledConnection<'p, Manager>;

/// How the pool is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolStatus {
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
pub(super) struct Pool {
    inner: bb8::Pool<Manager>,
    health: Health,
    limit: u32,
    max_connection_errors: u64,
}

impl Pool {
    /// Opens connections in the background; needs a running runtime, the one it will live on.
    pub(super) fn open(config: Config, settings: &DatabaseSettings) -> Self {
        let limit = (settings.pool_size + settings.max_overflow).max(1);
        let health = Health::default();
        let manager = Manager {
            inner: PostgresConnectionManager::new(with_session(config, settings), NoTls),
            connecting: Arc::new(Semaphore::new(CONNECTING_MAX)),
            health: health.clone(),
            retry_max: settings.retry_delay.clamp(RETRY_FIRST, RETRY_MAX),
            pre_ping: settings.pre_ping,
            prepare: settings.prepared_statements,
            max_lifetime: settings.max_lifetime,
        };
        let inner = bb8::Pool::builder()
            .max_size(limit)
            .min_idle(settings.pool_size.min(limit))
            .connection_timeout(settings.checkout_timeout.max(Duration::from_millis(1)))
            .max_lifetime(settings.max_lifetime.max(Duration::from_secs(1)))
            .idle_timeout(POOL_IDLE_TIMEOUT)
            // The manager retries itself, with its own bounds.
            .retry_connection(false)
            .test_on_check_out(true)
            // The connection used last has the warmest caches, and the rest can end.
            .queue_strategy(bb8::QueueStrategy::Lifo)
            .error_sink(Box::new(health.clone()))
            .build_unchecked(manager);
        let max_connection_errors = u64::from(settings.max_connection_errors.max(1));
        Self { inner, health, limit, max_connection_errors }
    }

    /// # Errors
    /// `Exhausted` where all connections stay in use, `Unreachable` or `Refused` where none can
    /// be opened.
    pub(super) async fn session(&self, task: &'static str) -> Result<Session<'_>, StoreError> {
        let connection = self.checked(task, self.inner.get()).await?;
        Ok(Session::new(connection, task))
    }

    /// A connection that outlives the borrow of the pool.
    pub(super) async fn owned(
        &self,
        task: &'static str,
    ) -> Result<PooledConnection<'static>, StoreError> {
        self.checked(task, self.inner.get_owned()).await
    }

    /// Waits for a check-out, but no longer than there is hope.
    async fn checked<T>(
        &self,
        task: &'static str,
        checkout: impl Future<Output = Result<T, bb8::RunError<ConnectionFault>>>,
    ) -> Result<T, StoreError> {
        let since = self.health.mark();
        let started = Instant::now();
        tokio::select! {
            biased;
            got = checkout => got.map_err(|_| self.failure(task, since, started)),
            () = self.health.hopeless(since, self.max_connection_errors) => {
                Err(self.failure(task, since, started))
            }
        }
    }

    fn failure(&self, task: &'static str, since: u64, started: Instant) -> StoreError {
        let report = self.health.report.borrow();
        match &report.cause {
            Some(cause) if report.refused => StoreError::Refused { cause: cause.clone() },
            Some(cause) if self.health.mark() > since => {
                StoreError::Unreachable { task, cause: cause.clone() }
            }
            _ => {
                let state = self.inner.state();
                let in_use = state.connections.saturating_sub(state.idle_connections);
                StoreError::exhausted(task, in_use, started.elapsed())
            }
        }
    }

    pub(super) fn status(&self) -> PoolStatus {
        let state = self.inner.state();
        PoolStatus {
            open: state.connections,
            in_use: state.connections.saturating_sub(state.idle_connections),
            limit: self.limit,
            waiting: state.statistics.pending_gets(),
            checkouts: state.statistics.get_direct + state.statistics.get_waited,
            timeouts: state.statistics.get_timed_out,
            connection_errors: self.health.mark(),
            last_error: self.health.report.borrow().cause.clone(),
        }
    }
}

/// Adds the session's name and time limits to a configuration.
pub(super) fn with_session(mut config: Config, settings: &DatabaseSettings) -> Config {
    let given = config.get_options().unwrap_or_default();
    let options = format!(
        "{given} -c statement_timeout={} -c lock_timeout={} \
         -c idle_in_transaction_session_timeout={} -c timezone=UTC -c jit=off",
        settings.statement_timeout.as_millis(),
        settings.lock_timeout.as_millis(),
        settings.idle_timeout.as_millis(),
    );
    config.options(options.trim_start()).connect_timeout(CONNECT_TIMEOUT);
    if config.get_application_name().is_none() {
        config.application_name("eventplannerd");
    }
    config
}

/// A connection with its prepared statements.
pub(super) struct Connection {
    client: Client,
    statements: Statements,
    rested_since: Instant,
    expires: Instant,
    spoiled: bool,
}

impl Connection {
    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    pub(super) fn statements(&self) -> &Statements {
        &self.statements
    }

    /// Both at once, for a transaction that borrows the client.
    pub(super) fn parts(&mut self) -> (&mut Client, &Statements) {
        (&mut self.client, &self.statements)
    }

    /// Whether the connection is closed on return, and with it whatever it was in the middle of.
    pub(super) fn spoil(&mut self, spoiled: bool) {
        self.spoiled = spoiled;
    }
}

/// What a failed attempt to connect, or a failed test, tells the pool.
#[derive(Debug)]
pub(super) struct ConnectionFault(String);

pub(super) struct Manager {
    inner: PostgresConnectionManager<NoTls>,
    connecting: Arc<Semaphore>,
    health: Health,
    retry_max: Duration,
    pre_ping: bool,
    prepare: bool,
    max_lifetime: Duration,
}

impl bb8::ManageConnection for Manager {
    type Connection = Connection;
    type Error = ConnectionFault;

    async fn connect(&self) -> Result<Connection, ConnectionFault> {
        let _turn = self.connecting.acquire().await;
        let started = Instant::now();
        let mut pause = RETRY_FIRST;
        loop {
            let fault = match self.inner.connect().await {
                Ok(client) => {
                    self.health.connected();
                    return Ok(self.connection(client));
                }
                Err(error) => {
                    let refused = is_refusal(&error);
                    let cause = describe(&error);
                    self.health.failed(&cause, refused);
                    if refused || started.elapsed() > RETRY_LIMIT {
                        return Err(ConnectionFault(cause));
                    }
                    pause
                }
            };
            tokio::time::sleep(fault).await;
            pause = (pause * 2).min(self.retry_max);
        }
    }

    async fn is_valid(&self, connection: &mut Connection) -> Result<(), ConnectionFault> {
        if connection.client.is_closed() {
            return Err(ConnectionFault("the server closed an idle connection".to_owned()));
        }
        if !self.pre_ping || connection.rested_since.elapsed() < PRE_PING_AFTER {
            return Ok(());
        }
        match tokio::time::timeout(PRE_PING_TIMEOUT, connection.client.check_connection()).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(ConnectionFault(describe(&error))),
            Err(_) => Err(ConnectionFault("an idle connection did not answer".to_owned())),
        }
    }

    /// Called on every return to the pool.
    fn has_broken(&self, connection: &mut Connection) -> bool {
        let now = Instant::now();
        connection.rested_since = now;
        connection.spoiled || connection.client.is_closed() || now >= connection.expires
    }
}

impl Manager {
    fn connection(&self, client: Client) -> Connection {
        let now = Instant::now();
        let share = 1.0 - rand::rng().random_range(0.0..LIFETIME_SPREAD);
        Connection {
            client,
            statements: Statements::new(self.prepare),
            rested_since: now,
            expires: now + self.max_lifetime.mul_f64(share),
            spoiled: false,
        }
    }
}

/// Whether the server answered and said no, so that a retry is in vain.
fn is_refusal(error: &tokio_postgres::Error) -> bool {
    let refusals = [
        SqlState::INVALID_PASSWORD,
        SqlState::INVALID_AUTHORIZATION_SPECIFICATION,
        SqlState::INVALID_CATALOG_NAME,
        SqlState::INSUFFICIENT_PRIVILEGE,
    ];
    error.code().is_some_and(|code| refusals.contains(code))
}

/// Why connecting fails, told to those who wait for a connection.
#[derive(Clone, Debug, Default)]
struct Health {
    failures: Arc<AtomicU64>,
    report: Arc<watch::Sender<Report>>,
}

#[derive(Clone, Debug, Default)]
struct Report {
    cause: Option<String>,
    refused: bool,
}

impl Health {
    /// Failures so far.
    fn mark(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    fn failed(&self, cause: &str, refused: bool) {
        self.failures.fetch_add(1, Ordering::Relaxed);
        self.report.send_replace(Report { cause: Some(cause.to_owned()), refused });
    }

    fn connected(&self) {
        self.report.send_if_modified(|report| std::mem::take(&mut report.refused));
    }

    /// Resolves once `most` attempts failed since the mark, or the server said no.
    async fn hopeless(&self, since: u64, most: u64) {
        let mut reports = self.report.subscribe();
        let over = |report: &Report| report.refused || self.mark() >= since + most;
        if reports.wait_for(over).await.is_err() {
            // The sender lives as long as `self`.
            std::future::pending::<()>().await;
        }
    }
}

impl bb8::ErrorSink<ConnectionFault> for Health {
    fn sink(&self, fault: ConnectionFault) {
        self.report.send_modify(|report| report.cause = Some(fault.0));
    }

    fn boxed_clone(&self) -> Box<dyn bb8::ErrorSink<ConnectionFault>> {
        Box::new(self.clone())
    }
}
