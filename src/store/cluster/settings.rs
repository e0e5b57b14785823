//! What the private server is started with.

use crate::settings::DatabaseSettings;

/// Connections beyond the pool's: migrations, listeners, session locks, psql, backups.
const RESERVED_CONNECTIONS: u32 = 15;
/// Small, and as durable as PostgreSQL's defaults are (fsync, full_page_writes, synchronous
/// commits stay on).
pub(crate) const SERVER_SETTINGS: [(&str, &str); 12] = [
    ("listen_addresses", ""),
    ("unix_socket_permissions", "0700"),
    ("maintenance_work_mem", "256MB"),
    // Of disks without moving parts.
    ("random_page_cost", "1.1"),
    ("max_wal_size", "1GB"),
    ("checkpoint_timeout", "15min"),
    // Compiling a plan costs more than any query here takes.
    ("jit", "off"),
    ("timezone", "UTC"),
    ("log_timezone", "UTC"),
    ("log_line_prefix", "%m [%p] "),
    ("log_checkpoints", "off"),
    // After a crash: one call per file system in place of one per file, seconds less.
    ("recovery_init_sync_method", "syncfs"),
];

/// On the smallest machine.
const SHARED_BUFFERS_MIN_MB: u32 = 16;
/// Counts statements, for `report`; part of PostgreSQL, though some systems package it apart.
pub(crate) const STATISTICS: &str = "pg_stat_statements";

/// What a server is started with.
#[derive(Clone, Copy)]
pub(crate) struct Sizes {
    pub connections: u32,
    pub shared_buffers_mb: u32,
}

impl Sizes {
    pub(crate) fn of(settings: &DatabaseSettings) -> Self {
        let connections = settings.pool_size + settings.max_overflow + RESERVED_CONNECTIONS;
        // Where the machine doesn't say what it has, the setting stands.
        let memory_mb =
            nix::sys::sysinfo::sysinfo().map_or(u64::MAX, |info| info.ram_total() >> 20);
        let most = u32::try_from(memory_mb / 4).unwrap_or(u32::MAX).max(SHARED_BUFFERS_MIN_MB);
        Self { connections, shared_buffers_mb: settings.shared_buffers_mb.min(most) }
    }
}
