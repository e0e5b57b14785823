//! What the handlers share.

use std::{path::PathBuf, sync::Arc, time::Duration};

use jiff::Timestamp;
use slog::Logger;
use tokio::sync::{Notify, Semaphore, watch};

use super::{
    audit::{FailedCalls, failed_calls},
    peer::Admins,
};
use crate::service::reload::Reloader;
use actors::Actors;
use settings::Settings;
use store::Store;
use telemetry::LogHandle;

/// Vendor files that are taken in at once; each may fill the disk for a while.
const IMPORTS_AT_ONCE: usize = 2;
/// Plans' problems that are exported at once; each is held for as long as its reader takes.
const EXPORTS_AT_ONCE: usize = 8;
/// Bytes of an imported vendor file: some 500,000 vendors.
const IMPORT_MAX_BYTES: u64 = 1024 * 1024 * 1024;
/// Longest `?wait=`.
const MAX_WAIT: Duration = Duration::from_secs(60);
/// Between two comments that keep an event stream alive.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// Shared by all handlers on all workers.
pub(crate) struct Context {
    pub actors: Actors,
    pub store: Store,
    pub log: Logger,
    pub log_level: LogHandle,
    pub failed_calls: FailedCalls,
    pub admins: Admins,
    pub facts: Facts,
    pub body_limit: usize,
    pub import_limit: u64,
    /// Between two parts of a body.
    pub body_timeout: Duration,
    pub max_wait: Duration,
    pub heartbeat: Duration,
    /// An actor that gave no sign for longer counts as frozen.
    pub heartbeat_timeout: Duration,
    /// Where vendor files wait for their import.
    pub spool_dir: PathBuf,
    pub imports: Arc<Semaphore>,
    pub exports: Arc<Semaphore>,
    /// Becomes true when the daemon stops: waits and event streams end then.
    pub stopping: watch::Receiver<bool>,
    /// Asks the daemon to stop.
    pub stop: Arc<Notify>,
    pub reloader: Reloader,
}

/// What `status` says beside the actors' own state.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    pub started_at: Timestamp,
    pub state_dir: PathBuf,
    /// `private cluster` or `external`.
    pub database: &'static str,
}

impl Context {
    pub(crate) fn new(
        (actors, store): (Actors, Store),
        (log, log_level): (Logger, LogHandle),
        settings: &Settings,
        facts: Facts,
        (stopping, stop): (watch::Receiver<bool>, Arc<Notify>),
        reloader: Reloader,
    ) -> Self {
        let own_uid = nix::unistd::geteuid().as_raw();
        let control = &settings.control;
        Self {
            actors,
            store,
            log,
            log_level,
            failed_calls: failed_calls(),
            admins: Admins { own_uid, listed: control.admin_uids.clone() },
            body_limit: control.body_limit,
            import_limit: IMPORT_MAX_BYTES,
            body_timeout: control.header_timeout,
            max_wait: MAX_WAIT,
            heartbeat: HEARTBEAT,
            heartbeat_timeout: settings.supervision.heartbeat_timeout,
            spool_dir: facts.state_dir.join("spool"),
            facts,
            imports: Arc::new(Semaphore::new(IMPORTS_AT_ONCE)),
            exports: Arc::new(Semaphore::new(EXPORTS_AT_ONCE)),
            stopping,
            stop,
            reloader,
        }
    }

    /// Returns once the daemon stops.
    pub(crate) async fn stopped(&self) {
        // An error means that the daemon's main task is gone: stopping as well.
        let _ = self.stopping.clone().wait_for(|stopping| *stopping).await;
    }
}
