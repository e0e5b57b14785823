//! The daemon's database: the one of `database.url`, or a private cluster.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use slog::{Logger, info, warn};
use tokio_util::task::AbortOnDropHandle;

use crate::service::{exit::Failed, notify};
use actors::QueryFigures;
use resilience::Backoff;
use settings::Settings;
use store::{Cluster, StateLock, Store, settings::DatabaseSettings};
use telemetry::{
    Telemetry,
    log::events::{CLUSTER_STARTED, CLUSTER_STOPPED, DATABASE_REACHED, DATABASE_WAITING},
};

/// Between two looks for a database that is away.
const RETRY: Backoff =
    Backoff { first: Duration::from_millis(100), max: Duration::from_secs(1), jitter: 0.0 };

/// Database in a private cluster, unless told otherwise.
const DATABASE: &str = "eventplanner";

/// An open database.
pub(crate) struct Database {
    pub store: Store,
    /// With the address that is in use.
    pub settings: DatabaseSettings,
    /// None where the database is somebody else's.
    cluster: Option<Cluster>,
    /// Waits for a database that is away; ends with the daemon.
    _waiting: Option<AbortOnDropHandle<()>>,
}

/// Tries until the database is there. An answer that no waiting changes, such as a wrong
/// password, is logged like any other: the operator may mend it while we wait. `last`: what was
/// said of it already.
async fn bring_up_later(store: Store, mut last: String, log: Logger) {
    let start = Instant::now();
    let mut waits = RETRY.waits();
    loop {
        waits.pause().await;
        match store.bring_up().await {
            Ok(()) => break,
            Err(error) => {
                let said = error.to_string();
                if said != last {
                    warn!(log, "waiting for the database"; DATABASE_WAITING, "error" => &said);
                    last = said;
                }
            }
        }
    }
    info!(log, "the database is there"; DATABASE_REACHED,
        "ms" => start.elapsed().as_millis() as u64);
    notify::status(&log, "ready");
}

impl Database {
    /// Connects and migrates; where the database is away, goes on trying in the background, and
    /// the store refuses everybody until then. `fresh`: use the private cluster, with an empty
    /// database of that name. Call it on the runtime that lives as long as the process.
    pub(crate) async fn open(
        settings: &Settings,
        lock: &StateLock,
        fresh: Option<&str>,
        telemetry: &Telemetry,
        log: &Logger,
    ) -> Result<Self, Failed> {
        let mut database = settings.database.clone();
        let mut cluster = None;
        if database.url.is_empty() || fresh.is_some() {
            notify::status(log, "starting the private database");
            let start = Instant::now();
            let started = Cluster::start(lock, &database).await?;
            info!(log, "private database started"; CLUSTER_STARTED,
                "version" => started.version(), "ms" => start.elapsed().as_millis() as u64);
            if let Some(name) = fresh {
                started.drop_database(name).await?;
            }
            let name = fresh.unwrap_or(DATABASE);
            started.ensure_database(name, None).await?;
            database.url = started.url(name);
            cluster = Some(started);
        }
        notify::status(log, "bringing the schema up to date");
        let observer = Arc::new(QueryFigures(telemetry.clone()));
        let store = Store::closed(&database, observer)?;
        let mut waiting = None;
        match store.bring_up().await {
            Ok(()) => {}
            Err(error) if cluster.is_none() && error.is_outage() => {
                warn!(log, "waiting for the database"; DATABASE_WAITING, "error" => %error);
                notify::status(log, "waiting for the database");
                let task = bring_up_later(store.clone(), error.to_string(), log.clone());
                waiting = Some(AbortOnDropHandle::new(tokio::spawn(task)));
            }
            Err(error) => return Err(error.into()),
        }
        Ok(Self { store, settings: database, cluster, _waiting: waiting })
    }

    /// For `status`; never the URL, which may hold a password.
    pub(crate) fn kind(&self) -> &'static str {
        if self.cluster.is_some() { "private cluster" } else { "external" }
    }

    /// How the private cluster ended, where it ended by itself.
    pub(crate) fn ended(&mut self) -> Option<String> {
        self.cluster.as_mut().and_then(Cluster::exited)
    }

    /// Stops the private cluster, if there is one.
    pub(crate) async fn close(self, log: &Logger) -> Result<(), Failed> {
        drop(self.store);
        if let Some(cluster) = self.cluster {
            let start = Instant::now();
            cluster.stop().await?;
            info!(log, "private database stopped"; CLUSTER_STOPPED,
                "ms" => start.elapsed().as_millis() as u64);
        }
        Ok(())
    }
}
