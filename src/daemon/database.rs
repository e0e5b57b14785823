//! The daemon's database: the one of `database.url`, or a private cluster.

use std::time::Instant;

use slog::{Logger, info};

use super::{exit::Failed, notify};
use crate::{
    config::Settings,
    store::{Cluster, StateLock, Store, settings::DatabaseSettings},
    telemetry::events::{CLUSTER_STARTED, CLUSTER_STOPPED},
};

/// Database in a private cluster, unless told otherwise.
const DATABASE: &str = "eventplanner";

/// An open database.
pub struct Database {
    pub store: Store,
    /// With the address that is in use.
    pub settings: DatabaseSettings,
    /// None where the database is somebody else's.
    cluster: Option<Cluster>,
}

impl Database {
    /// Connects and migrates. `fresh`: use the private cluster, with an empty database of that
    /// name. Call it on the runtime that lives as long as the process.
    pub async fn open(
        settings: &Settings,
        lock: &StateLock,
        fresh: Option<&str>,
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
        let store = Store::open(&database).await?;
        Ok(Self { store, settings: database, cluster })
    }

    /// For `status`; never the URL, which may hold a password.
    pub fn kind(&self) -> &'static str {
        if self.cluster.is_some() { "private cluster" } else { "external" }
    }

    /// How the private cluster ended, where it ended by itself.
    pub fn ended(&mut self) -> Option<String> {
        self.cluster.as_mut().and_then(Cluster::exited)
    }

    /// Stops the private cluster, if there is one.
    pub async fn close(self, log: &Logger) -> Result<(), Failed> {
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
