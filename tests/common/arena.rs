//! A PostgreSQL of the test's own that can be crashed, and daemons on it.

use std::{
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use store::{Cluster, StateLock, settings::DatabaseSettings};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio_postgres::{Client, NoTls};

use crate::{
    daemon::{Daemon, folder, sample},
    reachable_directory,
};

/// With every core busy.
pub const PATIENCE: Duration = Duration::from_secs(60);
const DATABASE: &str = "chaos";

/// Waits until something is so, for as long as a busy machine may need.
pub fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < PATIENCE, "never happened: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

pub struct Arena {
    pub runtime: Runtime,
    pub url: String,
    cluster: Option<Cluster>,
    lock: StateLock,
    directory: PathBuf,
    /// Ends the server and removes its directory when this process is gone.
    leash: Child,
}

impl Arena {
    pub fn start() -> Self {
        let runtime = Runtime::new().unwrap();
        let directory = reachable_directory().keep();
        let lock = StateLock::acquire(&directory).unwrap();
        let leash = leash(&directory);
        let cluster = runtime.block_on(async {
            let cluster = Cluster::start(&lock, &settings()).await.unwrap();
            cluster.ensure_database(DATABASE, None).await.unwrap();
            cluster
        });
        let url = cluster.url(DATABASE);
        Self { runtime, url, cluster: Some(cluster), lock, directory, leash }
    }

    /// `pg_ctl stop -m immediate`, and a start that replays the log.
    pub fn crash_database(&mut self) {
        let former = self.cluster.take().unwrap();
        kill(Pid::from_raw(former.process_id()), Signal::SIGQUIT).unwrap();
        self.runtime.block_on(async {
            // Takes note of the end; there is nothing left to stop.
            let _ = former.stop().await;
            self.cluster = Some(Cluster::start(&self.lock, &settings()).await.unwrap());
        });
    }

    pub fn sql(&self) -> Sql<'_> {
        let client = self.runtime.block_on(async {
            let (client, connection) = tokio_postgres::connect(&self.url, NoTls).await.unwrap();
            tokio::spawn(connection);
            client
        });
        Sql { runtime: &self.runtime, client }
    }

    /// A daemon in a folder of its own, ready when this returns.
    pub fn daemon(&self, more: &[(&str, &str)]) -> Daemon {
        self.daemon_in(Arc::new(folder()), more)
    }

    pub fn daemon_in(&self, folder: Arc<TempDir>, more: &[(&str, &str)]) -> Daemon {
        let mut environment = vec![
            ("DATABASE_URL", self.url.as_str()),
            ("EVENTPLANNER__DATABASE__POOL_SIZE", "4"),
            ("EVENTPLANNER__DATABASE__MAX_OVERFLOW", "4"),
            ("EVENTPLANNER__WORKFLOW__LEASE", "5s"),
            ("EVENTPLANNER__SUPERVISION__HEARTBEAT_TIMEOUT", "2s"),
        ];
        environment.extend_from_slice(more);
        Daemon::start_in(folder, &environment)
    }

    /// The sample vendors.
    pub fn import(&self, daemon: &Daemon) {
        let vendors = sample("vendors.json");
        let imported = daemon.ctl(&["vendors", "import", vendors.to_str().unwrap()]);
        assert!(imported.status.success(), "{imported:?}");
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        if let Some(cluster) = self.cluster.take() {
            let _ = self.runtime.block_on(cluster.stop());
        }
        drop(self.leash.stdin.take());
        let _ = self.leash.wait();
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

fn settings() -> DatabaseSettings {
    DatabaseSettings::default()
}

fn leash(directory: &std::path::Path) -> Child {
    let script = "read -r _; pid=$(head -n 1 \"$0/postgres/data/postmaster.pid\" 2>/dev/null); \
                  [ -z \"$pid\" ] || kill -QUIT \"$pid\"; sleep 0.2; rm -rf \"$0\"";
    let mut command = Command::new("sh");
    command.args(["-c", script]).arg(directory).stdin(Stdio::piped());
    command.stdout(Stdio::null()).stderr(Stdio::null());
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command.spawn().unwrap()
}

/// A connection for looking at what the daemons stored.
pub struct Sql<'a> {
    runtime: &'a Runtime,
    pub client: Client,
}

impl Sql<'_> {
    pub fn rows(&self, sql: &str) -> Vec<tokio_postgres::Row> {
        self.runtime.block_on(self.client.query(sql, &[])).unwrap()
    }

    /// The one number that the statement gives.
    pub fn number(&self, sql: &str) -> i64 {
        self.rows(sql)[0].get(0)
    }

    /// A column of texts.
    pub fn texts(&self, sql: &str) -> Vec<String> {
        self.rows(sql).iter().map(|row| row.get(0)).collect()
    }

    pub fn execute(&self, sql: &str) {
        self.runtime.block_on(self.client.batch_execute(sql)).unwrap();
    }
}

/// Signals a daemon.
pub fn signal(daemon: &Daemon, signal: Signal) {
    kill(Pid::from_raw(daemon.pid().cast_signed()), signal).unwrap();
}
