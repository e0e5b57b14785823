//! A daemon's link to the others on the same database: one connection of its own that says that
//! the daemon lives, hears and tells what changed, and notices when another one dies.
//!
//! The link holds a session advisory lock. The server lets go of it the moment the daemon's
//! connection ends, however it ends; whoever gets the lock of a listed daemon knows that it is
//! dead, and frees its plans. A daemon that hangs keeps its lock: there the lease is the backstop.
//! Nothing rests on any of this but speed: leases and run numbers alone keep plans safe.

pub(crate) mod notify;

use std::{
    future::poll_fn,
    time::{Duration, Instant},
};

use notify::Hint;
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};
use tokio_postgres::{AsyncMessage, Client, Notification, Statement};
use tokio_util::task::AbortOnDropHandle;

use crate::{Store, StoreError, connection::connector::Connector, error::describe};
use model::PlanId;
use resilience::Backoff;

/// Channels; a payload is plans' ids, parted by commas.
const CHANGED: &str = "eventplanner_changed";
const READY: &str = "eventplanner_ready";
/// No payload.
const CATALOGUE: &str = "eventplanner_catalogue";
/// A daemon came: look who is there. No payload.
const JOINED: &str = "eventplanner_joined";
/// Ids in one payload, which may have 7,999 bytes.
const IDS_MAX: usize = 200;
/// Hints that go out together wait for each other this long.
const GATHER: Duration = Duration::from_millis(5);
/// Between two looks at the other daemons' locks, where there are any.
const LOOK_EVERY: Duration = Duration::from_millis(25);
/// A lock that is free must still be free this much later: a daemon whose link was cut has it
/// back by then.
const CONFIRM_AFTER: Duration = Duration::from_millis(25);
/// The same where there are none: a lost `JOINED` costs as much.
const LOOK_ALONE_EVERY: Duration = Duration::from_secs(2);
/// After a lost link: the server may have restarted, and the others need their time to come back
/// before they can be called dead.
const GRACE: Duration = Duration::from_secs(2);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A statement of the link; a server that takes longer is as good as away.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(10);
const RETRY: Backoff =
    Backoff { first: Duration::from_millis(2), max: Duration::from_millis(500), jitter: 0.0 };
/// Notifications that may wait to be passed on; then the listener is told to look for itself.
const HEARD_WAITING: usize = 1_024;

const JOIN: &str = "
    INSERT INTO daemon (name, lock_key) VALUES ($1, $2)
    ON CONFLICT (name) DO UPDATE SET joined_at = now()";

/// The others whose locks are free, and of these the dead ones, which were seen free before: their
/// plans can be had from now on.
const LOOK: &str = "
    WITH others AS MATERIALIZED (
        SELECT name, lock_key FROM daemon WHERE name <> $1
    ), free AS MATERIALIZED (
        SELECT name FROM others WHERE pg_try_advisory_xact_lock_shared(lock_key)
    ), dead AS (
        SELECT name FROM free WHERE name = ANY ($2)
    ), freed AS (
        UPDATE plan SET lease_until = clock_timestamp() - interval '1 microsecond'
        FROM dead
        WHERE plan.lease_owner = dead.name AND plan.state IN ('running', 'writing')
          AND plan.lease_until > clock_timestamp()
        RETURNING plan.lease_owner
    ), gone AS (
        DELETE FROM daemon USING dead WHERE daemon.name = dead.name RETURNING daemon.name
    )
    SELECT (SELECT count(*) FROM others),
           ARRAY(SELECT name FROM free WHERE name <> ALL ($2)),
           ARRAY(SELECT name FROM gone),
           (SELECT count(*) FROM freed)";

/// What a daemon hears over its link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PeerEvent {
    /// The link is up (again): what was told meanwhile was missed.
    Joined,
    /// Another daemon changed a plan.
    Changed(PlanId),
    /// Another daemon has made a plan that can be claimed.
    Ready(PlanId),
    /// Another daemon imported, booked or released vendors.
    Catalogue,
    /// Other daemons died; so many of their plans can be claimed now.
    Died { daemons: Vec<String>, plans: u64 },
    /// More was told than could be passed on.
    Missed,
    /// The link is down and will be up again; the daemon works on without it.
    Lost { cause: String },
}

/// Left by the holder's drop: the daemon goes, and says so.
pub struct FleetLink {
    leave: Option<oneshot::Sender<()>>,
    task: AbortOnDropHandle<()>,
}

impl FleetLink {
    /// Leaves in good order, so that nobody takes this daemon for dead.
    pub async fn leave(mut self) {
        if let Some(leave) = self.leave.take() {
            let _ = leave.send(());
        }
        // A server that doesn't answer is left all the same.
        let _ = timeout(STATEMENT_TIMEOUT, self.task).await;
    }
}

impl Store {
    /// Joins the daemons of this database under a name that nobody else uses. Needs the runtime
    /// that lives as long as the process. `None` where this store has joined already, and behind
    /// a pooler: neither locks nor notifications outlive a transaction there.
    pub fn join_fleet(&self, name: String) -> Option<(FleetLink, mpsc::Receiver<PeerEvent>)> {
        if !self.pool.settings().prepared_statements {
            return None;
        }
        let hints = self.notifications.take()?;
        let (tell, heard) = mpsc::channel(HEARD_WAITING);
        let (leave, left) = oneshot::channel();
        let link = Link {
            lock_key: lock_key(&name),
            name,
            connector: link_connector(self.pool.connector()),
            tell,
            has_joined: false,
            doubtful: Vec::new(),
            missed: false,
        };
        let task = AbortOnDropHandle::new(tokio::spawn(link.run(hints, left)));
        Some((FleetLink { leave: Some(leave), task }, heard))
    }
}

/// The pool's, with a limit on statements that fits the link.
fn link_connector(connector: &Connector) -> Connector {
    connector.with_statement_timeout(STATEMENT_TIMEOUT)
}

/// 64 bits of the name's hash: no other lock of this program is likely to be the same.
fn lock_key(name: &str) -> i64 {
    let hash = blake3::hash(name.as_bytes());
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&hash.as_bytes()[..8]);
    i64::from_le_bytes(bytes)
}

struct Link {
    name: String,
    lock_key: i64,
    connector: Connector,
    tell: mpsc::Sender<PeerEvent>,
    /// Whether there was a link before.
    has_joined: bool,
    /// Daemons whose locks were free at the last look.
    doubtful: Vec<String>,
    /// Something could not be passed on.
    missed: bool,
}

impl Link {
    async fn run(mut self, mut hints: mpsc::Receiver<Hint>, mut left: oneshot::Receiver<()>) {
        let mut waits = RETRY.waits();
        loop {
            let began = Instant::now();
            let cause = match self.session(&mut hints, &mut left).await {
                Ok(()) => return,
                Err(error) => error.to_string(),
            };
            if began.elapsed() > RETRY.max {
                waits.restart();
            }
            self.pass_on(PeerEvent::Lost { cause });
            tokio::select! {
                () = waits.pause() => {}
                // Others find its lock free and its plans given back.
                _ = &mut left => return,
            }
        }
    }

    /// One connection, to its end; `Ok` where the daemon leaves.
    async fn session(
        &mut self,
        hints: &mut mpsc::Receiver<Hint>,
        left: &mut oneshot::Receiver<()>,
    ) -> Result<(), StoreError> {
        let connected = timeout(CONNECT_TIMEOUT, self.connector.connect_raw()).await;
        let (client, mut connection) = match connected {
            Ok(Ok(connected)) => connected,
            Ok(Err(error)) => return Err(lost(&error)),
            Err(_) => return Err(silent()),
        };
        let (tell, mut told) = mpsc::channel(HEARD_WAITING);
        let (overflow, mut overflown) = tokio::sync::watch::channel(false);
        // Drives the connection; ends with it, or with the client.
        let driver = AbortOnDropHandle::new(tokio::spawn(async move {
            while let Some(message) = poll_fn(|cx| connection.poll_message(cx)).await {
                match message {
                    Ok(AsyncMessage::Notification(notification)) => {
                        if tell.try_send(notification).is_err() {
                            overflow.send_replace(true);
                        }
                    }
                    Ok(_) => {}
                    Err(error) => return describe(&error),
                }
            }
            "the server closed the connection".to_owned()
        }));
        let own = self.join(&client).await?;
        let statements = Statements::prepare(&client).await.map_err(|error| lost(&error))?;
        self.pass_on(PeerEvent::Joined);
        // The server may have restarted: the others need their time to come back too.
        let grace =
            if std::mem::replace(&mut self.has_joined, true) { GRACE } else { Duration::ZERO };
        self.doubtful.clear();
        let may_judge = Instant::now() + grace;
        let mut look_at = may_judge;
        let mut others = true;
        loop {
            tokio::select! {
                notification = told.recv() => match notification {
                    Some(notification) if notification.process_id() == own => {}
                    Some(notification) if notification.channel() == JOINED => {
                        others = true;
                        look_at = look_at.min((Instant::now() + LOOK_EVERY).max(may_judge));
                    }
                    Some(notification) if notification.channel() == CATALOGUE => {
                        self.pass_on(PeerEvent::Catalogue);
                    }
                    Some(notification) => self.hear(&notification),
                    None => return Err(StoreError::Disconnected {
                        task: TASK,
                        cause: driver.await.unwrap_or_else(|error| error.to_string()),
                    }),
                },
                _ = overflown.changed() => self.pass_on(PeerEvent::Missed),
                Some(hint) = hints.recv() => if others {
                    self.send(&client, &statements, hint, hints).await?;
                },
                _ = &mut *left => return self.unlist(&client).await,
                () = tokio::time::sleep_until(look_at.into()) => {
                    others = self.look(&client, &statements).await?;
                    look_at = Instant::now() + match (others, self.doubtful.is_empty()) {
                        (_, false) => CONFIRM_AFTER,
                        (true, true) => LOOK_EVERY,
                        (false, true) => LOOK_ALONE_EVERY,
                    };
                }
            }
            if self.missed && self.tell.try_send(PeerEvent::Missed).is_ok() {
                self.missed = false;
            }
        }
    }

    /// Takes the lock, is listed, listens; returns the number of this connection's server
    /// process. First the lock: a listed daemon without it counts as dead.
    async fn join(&self, client: &Client) -> Result<i32, StoreError> {
        let row = async {
            client.execute("SELECT pg_advisory_lock($1)", &[&self.lock_key]).await?;
            client.execute(JOIN, &[&self.name, &self.lock_key]).await?;
            for channel in [CHANGED, READY, CATALOGUE, JOINED] {
                client.batch_execute(&format!("LISTEN {channel}")).await?;
            }
            client.batch_execute(&format!("NOTIFY {JOINED}")).await?;
            client.query_one("SELECT pg_backend_pid()", &[]).await
        };
        let row = row.await.map_err(|error| lost(&error))?;
        row.try_get(0).map_err(|error| lost(&error))
    }

    /// The daemon goes: its row must not be taken for a dead daemon's.
    async fn unlist(&self, client: &Client) -> Result<(), StoreError> {
        let gone = client.execute("DELETE FROM daemon WHERE name = $1", &[&self.name]).await;
        gone.map(drop).map_err(|error| lost(&error))
    }

    /// Frees what dead daemons left, and notes who may be dead; whether there are other daemons.
    async fn look(&mut self, client: &Client, known: &Statements) -> Result<bool, StoreError> {
        let row = client.query_one(&known.look, &[&self.name, &self.doubtful]).await;
        let row = row.map_err(|error| lost(&error))?;
        let read = |error: tokio_postgres::Error| lost(&error);
        let others: i64 = row.try_get(0).map_err(read)?;
        self.doubtful = row.try_get(1).map_err(read)?;
        let daemons: Vec<String> = row.try_get(2).map_err(read)?;
        let plans: i64 = row.try_get(3).map_err(read)?;
        if !daemons.is_empty() {
            self.pass_on(PeerEvent::Died { daemons, plans: plans.unsigned_abs() });
        }
        Ok(others > 0)
    }

    /// Sends a hint, and those that come within a moment.
    async fn send(
        &self,
        client: &Client,
        known: &Statements,
        first: Hint,
        hints: &mut mpsc::Receiver<Hint>,
    ) -> Result<(), StoreError> {
        let mut gathered = vec![first];
        tokio::time::sleep(GATHER).await;
        while gathered.len() < IDS_MAX
            && let Ok(hint) = hints.try_recv()
        {
            gathered.push(hint);
        }
        let payload = |ready: bool| {
            let ids = gathered.iter().filter_map(|hint| match (hint, ready) {
                (Hint::Ready(plan), true) | (Hint::Changed(plan), false) => Some(plan.to_string()),
                _ => None,
            });
            ids.collect::<Vec<_>>().join(",")
        };
        let channels =
            [(READY, payload(true)), (CHANGED, payload(false)), (CATALOGUE, String::new())];
        for (channel, payload) in channels {
            let due = match channel {
                CATALOGUE => gathered.contains(&Hint::Catalogue),
                _ => !payload.is_empty(),
            };
            if due {
                let sent = client.execute(&known.notify, &[&channel, &payload]).await;
                sent.map_err(|error| lost(&error))?;
            }
        }
        Ok(())
    }

    fn hear(&mut self, notification: &Notification) {
        let is_ready = notification.channel() == READY;
        for plan in notification.payload().split(',').filter_map(|id| id.parse().ok()) {
            self.pass_on(if is_ready { PeerEvent::Ready(plan) } else { PeerEvent::Changed(plan) });
        }
    }

    fn pass_on(&mut self, heard: PeerEvent) {
        if self.tell.try_send(heard).is_err() {
            self.missed = true;
        }
    }
}

const TASK: &str = "keeping in touch with the other daemons";

fn lost(error: &tokio_postgres::Error) -> StoreError {
    StoreError::Disconnected { task: TASK, cause: describe(error) }
}

fn silent() -> StoreError {
    StoreError::Unreachable { task: TASK, cause: "the server does not answer".to_owned() }
}

/// What the link says again and again.
struct Statements {
    look: Statement,
    notify: Statement,
}

impl Statements {
    async fn prepare(client: &Client) -> Result<Self, tokio_postgres::Error> {
        let notify = client.prepare("SELECT pg_notify($1, $2)").await?;
        Ok(Self { look: client.prepare(LOOK).await?, notify })
    }
}
