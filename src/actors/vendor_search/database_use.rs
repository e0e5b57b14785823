//! How the database is used, for `report` and `vendors stats`.

use jiff::{Timestamp, ToSpan};

use super::query_cache::QueryCacheCounters;
use store::{Store, StoreError};
use telemetry::{Telemetry, figures::metrics, report::ServerPart};
use wire::{ApiError, DatabaseUse};

/// What came to nothing is told for the last day.
const LOOK_BACK_HOURS: i64 = 24;
const FAILURES_SHOWN: u32 = 20;

/// `None` where the database does not answer: a report is wanted then most of all.
pub(crate) async fn server_part(store: &Store) -> Option<ServerPart> {
    read_server_part(store).await.ok()
}

async fn read_server_part(store: &Store) -> Result<ServerPart, StoreError> {
    let since = Timestamp::now().saturating_sub(LOOK_BACK_HOURS.hours());
    let since = since.unwrap_or(Timestamp::UNIX_EPOCH);
    let stats = store.database_stats().await?;
    let agents = store.agents_since(since).await?;
    let failures = store.failures_since(since, FAILURES_SHOWN).await?;
    Ok(ServerPart {
        stats,
        agents,
        failures: failures
            .into_iter()
            .map(|failure| {
                let why = failure.error.unwrap_or_else(|| failure.state.to_string());
                format!("plan {}: {why}", failure.plan)
            })
            .collect(),
    })
}

/// # Errors
/// What keeps the database from answering.
pub(crate) async fn database_use(
    store: &Store,
    cache: QueryCacheCounters,
    telemetry: &Telemetry,
) -> Result<DatabaseUse, ApiError> {
    let stats = store.database_stats().await?;
    let pool = store.pool_status();
    let queries = telemetry.snapshot().histogram(metrics::QUERY_SECONDS);
    let lookups = cache.hits + cache.misses;
    Ok(DatabaseUse {
        query_cache_hit_percent: (lookups > 0).then(|| 100.0 * cache.hits as f64 / lookups as f64),
        query_cache_entries: cache.entries as u64,
        queries: queries.count(),
        query_mean_ms: queries.mean_seconds().map(|seconds| 1e3 * seconds),
        query_p99_ms: queries.quantile_seconds(0.99).map(|seconds| 1e3 * seconds),
        connections_in_use: pool.in_use,
        connections_open: pool.open,
        connections_limit: pool.limit,
        callers_waiting: pool.waiting,
        connection_errors: pool.connection_errors,
        unused_indexes: stats.unused_indexes,
        slow_statements: stats
            .slow_statements
            .map(|all| all.into_iter().map(|slow| (slow.statement, slow.mean_ms)).collect()),
    })
}
