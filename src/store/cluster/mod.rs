//! A private PostgreSQL cluster in a state directory: made once, started and stopped with the
//! daemon, reached over a Unix socket only.
//!
//! Who may connect: the socket lies in a directory of mode 0700, and `pg_hba.conf` demands peer
//! credentials, which the kernel vouches for: `pg_ident.conf` maps the daemon's and the server's
//! own users to the role `eventplanner`. There is no password to keep and no TCP port. As root
//! the server runs as an unprivileged user.

pub(crate) mod binaries;
pub(crate) mod files;
pub(crate) mod process;
pub(crate) mod settings;
pub(crate) mod state_lock;

use std::{
    fs::{self, OpenOptions},
    io::{Read, Seek, SeekFrom},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use binaries::{ServerBinaries, find_server};
use files::{percent_encoded, private_directory, socket_directory, write_access};
use nix::sys::signal::Signal;
use process::{Accounts, LOOKS, Postmaster};
use tokio_postgres::{Client, Config, NoTls, error::SqlState};

use crate::{StateLock, StoreError, error::describe, settings::DatabaseSettings};
use settings::{SERVER_SETTINGS, STATISTICS, Sizes};

/// Role that owns everything in a private cluster.
const ROLE: &str = "eventplanner";
/// Part of the socket's name only.
const PORT: u16 = 5432;
/// A start may have to replay the log after a crash.
const START_LIMIT: Duration = Duration::from_secs(60);
/// A server that another daemon left running answers at once, or is replaced.
const ADOPT_LIMIT: Duration = Duration::from_secs(5);
/// A server whose children survive it for a moment refuses to start.
const ORPHANS_LIMIT: Duration = Duration::from_secs(10);
/// Fast shutdown: ends sessions, writes a checkpoint.
const FAST_STOP_LIMIT: Duration = Duration::from_secs(20);
/// Immediate shutdown: the log is replayed at the next start.
const IMMEDIATE_STOP_LIMIT: Duration = Duration::from_secs(5);
/// A larger server log is moved aside at start; one older one is kept.
const LOG_MAX_BYTES: u64 = 8 << 20;
/// End of the log that an error shows.
const LOG_TAIL_BYTES: u64 = 2_000;

/// A running private cluster. [`Cluster::stop`] ends it; dropping it only asks it to end.
#[derive(Debug)]
pub struct Cluster {
    places: Places,
    postmaster: Postmaster,
}

#[derive(Debug)]
struct Places {
    data: PathBuf,
    socket: PathBuf,
    log: PathBuf,
}

impl Cluster {
    /// Starts the cluster of a locked state directory, making it where there is none. A server
    /// that a killed daemon left running is taken over where it fits, else stopped first.
    ///
    /// # Errors
    /// `NoServer` without PostgreSQL's programs; `Cluster` with the end of the server's log.
    pub async fn start(lock: &StateLock, settings: &DatabaseSettings) -> Result<Self, StoreError> {
        let accounts = Accounts::find()?;
        let home = lock.directory().join("postgres");
        private_directory(&home, &accounts)?;
        let data = home.join("data");
        accounts.check_reachable(&data)?;
        let socket = socket_directory(&home, &socket_file())?;
        private_directory(&socket, &accounts)?;
        let places = Places { data, socket, log: home.join("server.log") };

        let sizes = Sizes::of(settings);
        if let Some(left_over) = Postmaster::left_over(&places.data)?
            && let Some(adopted) = places.adopt(left_over, sizes.connections).await?
        {
            return Ok(adopted);
        }
        let made_by = places.data_version();
        let binaries = find_server(settings.bin_dir.as_deref(), made_by)?;
        if made_by.is_none() {
            places.make(&binaries, &accounts).await?;
        }
        write_access(&places.data, ROLE, &accounts)?;
        places.start(&binaries, &accounts, sizes).await
    }

    /// How to reach a database of this cluster.
    pub fn url(&self, database: &str) -> String {
        let host = percent_encoded(&self.places.socket.to_string_lossy());
        format!("postgresql://{ROLE}@/{database}?host={host}&port={PORT}")
    }

    /// Makes a database unless it exists. `template`: a database to copy, nobody connected to it.
    pub async fn ensure_database(
        &self,
        name: &str,
        template: Option<&str>,
    ) -> Result<(), StoreError> {
        let failed = |e: tokio_postgres::Error| StoreError::from_driver("making a database", e);
        let client = self.places.connect().await.map_err(failed)?;
        let known = "SELECT 1 FROM pg_database WHERE datname = $1";
        if client.query_opt(known, &[&name]).await.map_err(failed)?.is_none() {
            let template = template.unwrap_or("template1");
            let sql = format!("CREATE DATABASE {} TEMPLATE {}", quoted(name), quoted(template));
            client.batch_execute(&sql).await.map_err(failed)?;
        }
        // Also in one that is older than the library on this machine.
        let counts = "SELECT current_setting('shared_preload_libraries') LIKE '%' || $1 || '%'";
        let row = client.query_one(counts, &[&STATISTICS]).await.map_err(failed)?;
        if row.get(0) {
            let client = self.places.connect_to(name).await.map_err(failed)?;
            let sql = format!("CREATE EXTENSION IF NOT EXISTS {STATISTICS}");
            client.batch_execute(&sql).await.map_err(failed)?;
        }
        Ok(())
    }

    /// Drops a database, with whoever is connected to it; one that does not exist is no error.
    pub async fn drop_database(&self, name: &str) -> Result<(), StoreError> {
        let failed = |e: tokio_postgres::Error| StoreError::from_driver("dropping a database", e);
        let client = self.places.connect().await.map_err(failed)?;
        let sql = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", quoted(name));
        client.batch_execute(&sql).await.map_err(failed)
    }

    /// Major version of the server; 0 where the cluster doesn't say.
    pub fn version(&self) -> u32 {
        self.places.data_version().unwrap_or(0)
    }

    /// Process id of the server.
    pub fn process_id(&self) -> i32 {
        self.postmaster.pid()
    }

    /// How the server ended, where it ended by itself.
    pub fn exited(&mut self) -> Option<String> {
        self.postmaster.exited(&self.places.data)
    }

    /// Stops the server: fast, and at once where that takes too long.
    ///
    /// # Errors
    /// `Cluster` where it runs on after both.
    pub async fn stop(mut self) -> Result<(), StoreError> {
        self.places.stop(&mut self.postmaster).await?;
        // One outside of the state directory would stay behind; it is made at every start.
        let _ = fs::remove_dir(&self.places.socket);
        Ok(())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if self.exited().is_none() {
            self.postmaster.signal(Signal::SIGINT);
        }
    }
}

impl Places {
    fn data_version(&self) -> Option<u32> {
        let text = fs::read_to_string(self.data.join("PG_VERSION")).ok()?;
        text.trim().parse().ok()
    }

    /// Runs initdb beside the final place and moves the result there when it is complete, so
    /// that a kill in between leaves nothing half made.
    async fn make(&self, binaries: &ServerBinaries, accounts: &Accounts) -> Result<(), StoreError> {
        let unfinished = self.data.with_extension("new");
        let io = |what, source| StoreError::Io { what, path: unfinished.clone(), source };
        if unfinished.exists() {
            fs::remove_dir_all(&unfinished)
                .map_err(|source| io("can't remove the unfinished cluster", source))?;
        }
        let mut command = accounts.command(&binaries.program("initdb"));
        command
            .arg("--pgdata")
            .arg(&unfinished)
            .args(["--username", ROLE, "--encoding", "UTF8", "--locale", "C"])
            .args(["--auth", "peer", "--no-instructions"])
            .stdin(Stdio::null());
        let output = tokio::task::spawn_blocking(move || command.output())
            .await
            .map_err(|error| StoreError::cluster("initdb", error))?
            .map_err(|error| StoreError::cluster("can't run initdb", error))?;
        if !output.status.success() {
            let cause = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(StoreError::cluster("initdb failed", cause));
        }
        fs::rename(&unfinished, &self.data)
            .map_err(|source| io("can't move the new cluster into place from", source))
    }

    async fn start(
        self,
        binaries: &ServerBinaries,
        accounts: &Accounts,
        sizes: Sizes,
    ) -> Result<Cluster, StoreError> {
        let (mut waits, deadline) = (LOOKS.waits(), Instant::now() + ORPHANS_LIMIT);
        loop {
            let log_start = self.log_length();
            let mut postmaster = self.spawn(binaries, accounts, sizes)?;
            let Err(error) = self.until_ready(&mut postmaster, log_start, START_LIMIT).await else {
                return Ok(Cluster { places: self, postmaster });
            };
            let orphaned = error.to_string().contains("pre-existing shared memory block");
            if !orphaned || !waits.pause_before(deadline).await {
                postmaster.signal(Signal::SIGQUIT);
                return Err(error);
            }
        }
    }

    fn spawn(
        &self,
        binaries: &ServerBinaries,
        accounts: &Accounts,
        sizes: Sizes,
    ) -> Result<Postmaster, StoreError> {
        let io = |what, source| StoreError::Io { what, path: self.log.clone(), source };
        if fs::metadata(&self.log).is_ok_and(|meta| meta.len() > LOG_MAX_BYTES) {
            fs::rename(&self.log, self.log.with_extension("log.1"))
                .map_err(|source| io("can't move aside", source))?;
        }
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(&self.log)
            .map_err(|source| io("can't open", source))?;
        let log_too = log.try_clone().map_err(|source| io("can't open", source))?;
        // Left by a server that was killed. It names a process id, and where another process has
        // that id by now, the server takes it for a rival and refuses to start.
        let _ = fs::remove_file(self.socket.join(socket_file()));
        let mut command = accounts.command(&binaries.program("postgres"));
        command.arg("-D").arg(&self.data);
        for (name, value) in SERVER_SETTINGS {
            command.arg("-c").arg(format!("{name}={value}"));
        }
        let socket = self.socket.to_string_lossy().replace('"', "\"\"");
        command
            .arg("-c")
            .arg(format!("unix_socket_directories=\"{socket}\""))
            .arg("-c")
            .arg(format!("port={PORT}"))
            .arg("-c")
            .arg(format!("max_connections={}", sizes.connections))
            .arg("-c")
            .arg(format!("shared_buffers={}MB", sizes.shared_buffers_mb));
        if binaries.has_library(STATISTICS) {
            command.arg("-c").arg(format!("shared_preload_libraries={STATISTICS}"));
        }
        command.stdin(Stdio::null()).stdout(log).stderr(log_too);
        let child = command.spawn();
        child.map(Postmaster::Child).map_err(|e| StoreError::cluster("can't run postgres", e))
    }

    /// Returns once the server takes queries. Its own words start at `log_start` in the log.
    async fn until_ready(
        &self,
        postmaster: &mut Postmaster,
        log_start: u64,
        limit: Duration,
    ) -> Result<Client, StoreError> {
        let (mut waits, deadline) = (LOOKS.waits(), Instant::now() + limit);
        loop {
            let cause = match self.connect().await {
                Ok(client) => return Ok(client),
                Err(error) => match error.code() {
                    None | Some(&SqlState::CANNOT_CONNECT_NOW) => describe(&error),
                    Some(_) => return Err(StoreError::cluster("refuses us", describe(&error))),
                },
            };
            if let Some(status) = postmaster.exited(&self.data) {
                let log = self.log_since(log_start);
                return Err(StoreError::cluster(format!("the server ended ({status})"), log));
            }
            if !waits.pause_before(deadline).await {
                let what = format!("not ready after {} s", limit.as_secs());
                return Err(StoreError::cluster(what, cause));
            }
        }
    }

    /// Takes over a server that runs already, where it is ours to reach and large enough.
    async fn adopt(
        &self,
        mut found: Postmaster,
        connections: u32,
    ) -> Result<Option<Cluster>, StoreError> {
        if let Ok(client) = self.until_ready(&mut found, self.log_length(), ADOPT_LIMIT).await {
            let sql = "SELECT current_setting('max_connections')::int, \
                       current_setting('data_directory')";
            if let Ok(row) = client.query_one(sql, &[]).await {
                let (most, data): (i32, String) = (row.get(0), row.get(1));
                if most >= connections as i32 && Path::new(&data) == self.data {
                    let places = self.clone_paths();
                    return Ok(Some(Cluster { places, postmaster: found }));
                }
            }
        }
        self.stop(&mut found).await?;
        Ok(None)
    }

    fn clone_paths(&self) -> Self {
        Self { data: self.data.clone(), socket: self.socket.clone(), log: self.log.clone() }
    }

    async fn stop(&self, postmaster: &mut Postmaster) -> Result<(), StoreError> {
        if postmaster.end(&self.data, Signal::SIGINT, FAST_STOP_LIMIT).await
            || postmaster.end(&self.data, Signal::SIGQUIT, IMMEDIATE_STOP_LIMIT).await
        {
            return Ok(());
        }
        let what = format!("process {} does not stop", postmaster.pid());
        Err(StoreError::cluster(what, format!("see {}", self.log.display())))
    }

    async fn connect(&self) -> Result<Client, tokio_postgres::Error> {
        self.connect_to("postgres").await
    }

    async fn connect_to(&self, database: &str) -> Result<Client, tokio_postgres::Error> {
        let mut config = Config::new();
        config.host_path(&self.socket).port(PORT).user(ROLE).dbname(database);
        let (client, connection) = config.connect(NoTls).await?;
        tokio::spawn(connection);
        Ok(client)
    }

    fn log_length(&self) -> u64 {
        fs::metadata(&self.log).map_or(0, |meta| meta.len())
    }

    /// The end of what the server logged since its log had `start` bytes.
    fn log_since(&self, start: u64) -> String {
        let mut text = Vec::new();
        if let Ok(mut file) = fs::File::open(&self.log) {
            let length = file.metadata().map_or(0, |meta| meta.len());
            let from = start.max(length.saturating_sub(LOG_TAIL_BYTES));
            let _ = file.seek(SeekFrom::Start(from));
            let _ = file.read_to_end(&mut text);
        }
        String::from_utf8_lossy(&text).trim().to_owned()
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The longest name that the server gives a file beside its socket.
fn socket_file() -> String {
    format!(".s.PGSQL.{PORT}.lock")
}
