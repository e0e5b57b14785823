//! What the pool holds, and how bb8 makes, tests and retires it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use bb8_postgres::PostgresConnectionManager;
use rand::RngExt;
use tokio::sync::Semaphore;
use tokio_postgres::{Client, error::SqlState};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{connector::Connector, health::Health, statements::Statements};
use crate::{error::describe, settings::DatabaseSettings};
use resilience::Backoff;

/// Connections opened at the same time: filling the pool must not slow down who waits for one.
const CONNECTING_MAX: usize = 4;
/// First and longest pause between attempts. A server that is back must be found within a
/// second, whatever `retry_delay` allows.
const RETRY_FIRST: Duration = Duration::from_millis(50);
const RETRY_MAX: Duration = Duration::from_secs(1);
/// An attempt is given up after this time; the next caller starts another.
const RETRY_LIMIT: Duration = Duration::from_secs(30);
/// A connection that rested longer is tested before use. A busy pool pays nothing.
const PRE_PING_AFTER: Duration = Duration::from_secs(1);
const PRE_PING_TIMEOUT: Duration = Duration::from_secs(2);
/// Connections end at 80–100 % of their longest life, so that not all of them end together.
const LIFETIME_SPREAD: f64 = 0.2;

/// A connection with its prepared statements.
pub(crate) struct Connection {
    client: Client,
    statements: Statements,
    rested_since: Instant,
    expires: Instant,
    spoiled: bool,
    /// Statements whose answer has not come yet.
    under_way: AtomicU32,
    tls: MakeRustlsConnect,
}

impl Connection {
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) fn statements(&self) -> &Statements {
        &self.statements
    }

    /// All at once, for a transaction that borrows the client.
    pub(crate) fn parts(&mut self) -> (&mut Client, &Statements, &AtomicU32) {
        (&mut self.client, &self.statements, &self.under_way)
    }

    pub(crate) fn under_way(&self) -> &AtomicU32 {
        &self.under_way
    }

    /// Whether the connection is closed on return, and with it whatever it was in the middle of.
    pub(crate) fn spoil(&mut self, spoiled: bool) {
        self.spoiled = spoiled;
    }

    /// From now until [`Self::end_work`] there is something under way that is no single statement.
    pub(crate) fn begin_work(&self) {
        self.under_way.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn end_work(&self) {
        self.under_way.fetch_sub(1, Ordering::Relaxed);
    }

    /// Ends what still runs on it: its caller went away. The server is told, since it would
    /// work on to the end of the statement otherwise.
    pub(crate) fn abandon(&mut self) {
        if self.under_way.load(Ordering::Relaxed) == 0 {
            return;
        }
        self.spoiled = true;
        let (token, tls) = (self.client.cancel_token(), self.tls.clone());
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            // Nobody waits: the statement's own time limit stands behind it.
            runtime.spawn(async move {
                let _ = tokio::time::timeout(PRE_PING_TIMEOUT, token.cancel_query(tls)).await;
            });
        }
    }
}

/// What a failed attempt to connect, or a failed test, tells the pool.
#[derive(Debug)]
pub(crate) struct ConnectionFault(pub String);

pub(crate) struct Manager {
    inner: PostgresConnectionManager<MakeRustlsConnect>,
    connector: Connector,
    connecting: Arc<Semaphore>,
    health: Health,
    retry: Backoff,
    pre_ping: bool,
    prepare: bool,
    max_lifetime: Duration,
}

impl Manager {
    pub(crate) fn new(connector: &Connector, settings: &DatabaseSettings, health: Health) -> Self {
        Self {
            inner: PostgresConnectionManager::new(connector.config().clone(), connector.tls()),
            connector: connector.clone(),
            connecting: Arc::new(Semaphore::new(CONNECTING_MAX)),
            health,
            retry: Backoff {
                first: RETRY_FIRST,
                max: settings.retry_delay.clamp(RETRY_FIRST, RETRY_MAX),
                jitter: 0.0,
            },
            pre_ping: settings.pre_ping,
            prepare: settings.prepared_statements,
            max_lifetime: settings.max_lifetime,
        }
    }

    fn connection(&self, client: Client) -> Connection {
        let now = Instant::now();
        let deadline = self.connector.answer_deadline();
        let share = 1.0 - rand::rng().random_range(0.0..LIFETIME_SPREAD);
        Connection {
            client,
            statements: match self.prepare {
                true => Statements::prepared(deadline),
                false => Statements::unprepared(self.connector.limits(), deadline),
            },
            rested_since: now,
            expires: now + self.max_lifetime.mul_f64(share),
            spoiled: false,
            under_way: AtomicU32::new(0),
            tls: self.connector.tls(),
        }
    }
}

impl bb8::ManageConnection for Manager {
    type Connection = Connection;
    type Error = ConnectionFault;

    async fn connect(&self) -> Result<Connection, ConnectionFault> {
        let _turn = self.connecting.acquire().await;
        let started = Instant::now();
        let mut waits = self.retry.waits();
        loop {
            match self.inner.connect().await {
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
                }
            }
            waits.pause().await;
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

/// Whether the server answered and said no, so that a retry is in vain.
pub(crate) fn is_refusal(error: &tokio_postgres::Error) -> bool {
    let refusals = [
        SqlState::INVALID_PASSWORD,
        SqlState::INVALID_AUTHORIZATION_SPECIFICATION,
        SqlState::INVALID_CATALOG_NAME,
        SqlState::INSUFFICIENT_PRIVILEGE,
    ];
    error.code().is_some_and(|code| refusals.contains(code))
}
