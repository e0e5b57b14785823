//! Brings a database's schema up to date: forward only, one process at a time.

use tokio_postgres::Client;

use super::{advisory_locks::MIGRATION, indexes, tidy_names::tidy_names};
use crate::{
    StoreError,
    connection::{connector::Connector, manager::is_refusal},
    error::describe,
    settings::DatabaseSettings,
};

mod embedded {
    refinery::embed_migrations!("../../sql");
}

const TASK: &str = "migrating the database";

/// Runs what is missing, on a connection of its own. Returns how many migrations it ran.
///
/// # Errors
/// `NewerSchema` where a newer version of this program migrated the database; `Unreachable` or
/// `Refused` where it can't be asked.
pub async fn migrate(settings: &DatabaseSettings) -> Result<usize, StoreError> {
    // Another daemon may migrate now, and building an index takes longer than any query may.
    let connector = Connector::without_limits(settings)?;
    let (mut guard, mut client) = (connect(&connector).await?, connect(&connector).await?);
    let failed = |e| StoreError::from_driver(TASK, e);
    // Held by an open transaction, since behind a pooler a session's lock would stay with the
    // pooler's connection when we are gone.
    let locked = guard.transaction().await.map_err(failed)?;
    locked
        .batch_execute(&format!("SELECT pg_advisory_xact_lock({MIGRATION})"))
        .await
        .map_err(failed)?;
    let ran = run(&mut client).await;
    drop(locked);
    ran
}

async fn connect(connector: &Connector) -> Result<Client, StoreError> {
    connector.connect().await.map_err(|error| {
        let cause = describe(&error);
        // One that starts or shuts down answers, too, and is there a moment later.
        if is_refusal(&error) {
            return StoreError::Refused { cause };
        }
        StoreError::Unreachable { task: TASK, cause }
    })
}

async fn run(client: &mut Client) -> Result<usize, StoreError> {
    let runner = embedded::migrations::runner();
    let known = runner.get_migrations().iter().map(|m| i64::from(m.version())).max().unwrap_or(0);
    let found = found_version(client).await.map_err(|e| StoreError::from_driver(TASK, e))?;
    if found > known {
        return Err(StoreError::NewerSchema { found, known });
    }
    let report = runner.run_async(client).await.map_err(|error| {
        let source = std::error::Error::source(&error).map(ToString::to_string);
        let cause = source.map_or(error.to_string(), |source| format!("{error}: {source}"));
        StoreError::Migration { cause }
    })?;
    tidy_names(client).await.map_err(|e| StoreError::from_driver(TASK, e))?;
    indexes::build_small(client).await?;
    Ok(report.applied_migrations().len())
}

/// 0 for a database without a schema. In a transaction: behind a pooler, only that keeps a
/// statement's steps on one connection.
async fn found_version(client: &mut Client) -> Result<i64, tokio_postgres::Error> {
    let transaction = client.transaction().await?;
    let table = "SELECT to_regclass('refinery_schema_history') IS NOT NULL";
    if !transaction.query_one(table, &[]).await?.get::<_, bool>(0) {
        return Ok(0);
    }
    let sql = "SELECT coalesce(max(version), 0)::bigint FROM refinery_schema_history";
    Ok(transaction.query_one(sql, &[]).await?.get(0))
}
