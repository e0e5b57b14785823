//! Brings a database's schema up to date: forward only, one process at a time.

use tokio_postgres::{Client, Config, NoTls};

use super::{StoreError, error::describe, pool::with_session, settings::DatabaseSettings};

mod embedded {
    refinery::embed_migrations!("sql");
}

/// Advisory lock that a migrating process holds: "evplmigr" in ASCII.
const LOCK: i64 = 0x6576_706c_6d69_6772;

/// Runs what is missing, on a connection of its own. Returns how many migrations it ran.
///
/// # Errors
/// `NewerSchema` where a newer version of this program migrated the database; `Unreachable` or
/// `Refused` where it can't be asked.
pub async fn migrate(config: &Config, settings: &DatabaseSettings) -> Result<usize, StoreError> {
    const TASK: &str = "migrating the database";
    let mut config = with_session(config.clone(), settings);
    // Another daemon may migrate now, and building an index takes longer than any query may.
    let options = config.get_options().unwrap_or_default().to_owned();
    config.options(format!("{options} -c statement_timeout=0 -c lock_timeout=0"));
    let (mut client, connection) = config.connect(NoTls).await.map_err(|error| {
        let cause = describe(&error);
        match error.code() {
            Some(_) => StoreError::Refused { cause },
            None => StoreError::Unreachable { task: TASK, cause },
        }
    })?;
    let connection = tokio::spawn(connection);
    let result = run(&mut client).await;
    // Ends the session, and with it the lock.
    drop(client);
    let _ = connection.await;
    result
}

async fn run(client: &mut Client) -> Result<usize, StoreError> {
    let failed = |e: tokio_postgres::Error| StoreError::from_driver("migrating the database", e);
    client.execute("SELECT pg_advisory_lock($1)", &[&LOCK]).await.map_err(failed)?;
    let runner = embedded::migrations::runner();
    let known = runner.get_migrations().iter().map(|m| i64::from(m.version())).max().unwrap_or(0);
    let table = "SELECT to_regclass('refinery_schema_history') IS NOT NULL";
    let exists: bool = client.query_one(table, &[]).await.map_err(failed)?.get(0);
    if exists {
        let sql = "SELECT coalesce(max(version), 0)::bigint FROM refinery_schema_history";
        let found: i64 = client.query_one(sql, &[]).await.map_err(failed)?.get(0);
        if found > known {
            return Err(StoreError::NewerSchema { found, known });
        }
    }
    let report = runner.run_async(client).await.map_err(|error| {
        let source = std::error::Error::source(&error).map(ToString::to_string);
        let cause = source.map_or(error.to_string(), |source| format!("{error}: {source}"));
        StoreError::Migration { cause }
    })?;
    Ok(report.applied_migrations().len())
}
