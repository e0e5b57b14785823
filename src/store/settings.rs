//! Limits and switches of the database layer.

use std::{path::PathBuf, time::Duration};

/// Section `database` of the settings.
#[derive(Clone, Debug, PartialEq)]
pub struct DatabaseSettings {
    /// `postgresql://…`; empty for the private cluster.
    pub url: String,
    /// Certificates (PEM) that the server's is checked against; with it, connections are
    /// encrypted. `None`: the system's, where the URL says `sslmode=require`.
    pub tls_ca: Option<PathBuf>,
    /// Directory of PostgreSQL's server binaries for the private cluster; empty: search.
    pub bin_dir: Option<PathBuf>,
    /// Memory of the private cluster for pages of tables and indexes, MiB, 16–65,536; a quarter of
    /// the machine's at most. Taken as pages are read.
    pub shared_buffers_mb: u32,
    /// Connections kept open (bb8 `min_idle`), 1–100.
    pub pool_size: u32,
    /// Connections beyond `pool_size` (bb8 `max_size` = both), 0–200.
    pub max_overflow: u32,
    pub statement_timeout: Duration,
    pub lock_timeout: Duration,
    /// Idle in transaction.
    pub idle_timeout: Duration,
    /// How long a caller waits for a connection.
    pub checkout_timeout: Duration,
    pub max_lifetime: Duration,
    /// Test a connection before use.
    pub pre_ping: bool,
    /// Failed connection attempts before the pool gives up on a caller.
    pub max_connection_errors: u32,
    pub retry_delay: Duration,
    /// Off behind PgBouncer in transaction mode.
    pub prepared_statements: bool,
    pub query_cache: bool,
    /// Entries.
    pub query_cache_size: usize,
    pub query_cache_ttl: Duration,
}

impl Default for DatabaseSettings {
    fn default() -> Self {
        Self {
            url: String::new(),
            tls_ca: None,
            bin_dir: None,
            shared_buffers_mb: 1_024,
            pool_size: 20,
            max_overflow: 40,
            statement_timeout: Duration::from_secs(30),
            lock_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(60),
            checkout_timeout: Duration::from_secs(5),
            max_lifetime: Duration::from_secs(1_800),
            pre_ping: true,
            max_connection_errors: 5,
            retry_delay: Duration::from_secs(5),
            prepared_statements: true,
            query_cache: true,
            query_cache_size: 2_000,
            query_cache_ttl: Duration::from_secs(300),
        }
    }
}
