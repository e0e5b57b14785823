//! What the integration tests and the benches share: a private PostgreSQL cluster (one per test
//! binary, one database per test), real daemons, LLM servers that misbehave, and problems from seeds.

pub mod arena;
pub mod daemon;
pub mod dice;
pub mod fixtures;
pub mod hostile;
pub mod llm_server;
pub mod llm_tasks;
pub mod llm_wire;
pub mod synthetic;

use std::{
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

use store::{Cluster, StateLock, Store, settings::DatabaseSettings};
use tokio::sync::OnceCell;

/// Migrated once, copied for each test.
const TEMPLATE: &str = "migrated";

/// A cluster that ends with this process, however it ends.
struct SharedCluster {
    cluster: Cluster,
    _lock: StateLock,
    _leash: Leash,
}

static SHARED: OnceCell<SharedCluster> = OnceCell::const_new();
static DATABASES: AtomicU32 = AtomicU32::new(0);

/// Few connections: a test binary runs many tests at once.
pub fn small_pool() -> DatabaseSettings {
    DatabaseSettings { pool_size: 1, max_overflow: 15, ..DatabaseSettings::default() }
}

/// The address of a new, migrated database.
pub async fn database() -> String {
    let shared = SHARED.get_or_init(start).await;
    let name = format!("test_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
    shared.cluster.ensure_database(&name, Some(TEMPLATE)).await.unwrap();
    shared.cluster.url(&name)
}

/// The address of a new database without a schema.
pub async fn empty_database() -> String {
    let shared = SHARED.get_or_init(start).await;
    let name = format!("test_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
    shared.cluster.ensure_database(&name, None).await.unwrap();
    shared.cluster.url(&name)
}

/// A store on a new database.
pub async fn store() -> Store {
    open(database().await).await
}

pub async fn open(url: String) -> Store {
    Store::open(&DatabaseSettings { url, ..small_pool() }).await.unwrap()
}

/// A connection of its own, for what the store has no words for.
pub async fn raw(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// A directory that the server's user can pass through, which tempfile's own mode forbids.
pub fn reachable_directory() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o711)).unwrap();
    directory
}

async fn start() -> SharedCluster {
    let directory = reachable_directory().keep();
    let lock = StateLock::acquire(&directory).unwrap();
    // Room for all tests of a binary at once.
    let settings = DatabaseSettings { max_overflow: 200, ..DatabaseSettings::default() };
    let cluster = Cluster::start(&lock, &settings).await.unwrap();
    let leash = Leash::new(cluster.process_id(), &directory);
    cluster.ensure_database(TEMPLATE, None).await.unwrap();
    let settings = DatabaseSettings { url: cluster.url(TEMPLATE), ..settings };
    store::migrate(&settings).await.unwrap();
    SharedCluster { cluster, _lock: lock, _leash: leash }
}

/// Ends a server and removes its directory when it is dropped, or when this process is gone: a
/// shell waits for a pipe of ours to close.
pub struct Leash {
    shell: Child,
}

impl Leash {
    pub fn new(pid: i32, directory: &Path) -> Self {
        let script = "read -r _; kill -QUIT \"$0\"; \
                      for _ in $(seq 100); do kill -0 \"$0\" || break; sleep 0.05; done; \
                      rm -rf \"$1\"";
        let shell = Command::new("sh")
            .args(["-c", script])
            .arg(pid.to_string())
            .arg(directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Ctrl-C is for the tests; the shell outlives them.
            .process_group(0)
            .spawn()
            .unwrap();
        Self { shell }
    }
}

impl Drop for Leash {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
    }
}

pub fn state_directory(directory: &tempfile::TempDir) -> PathBuf {
    directory.path().join("state")
}
