//! The indexes of the large tables: built beside the daemon's work, one by one, so that a build
//! that was cut short goes on with the next one.

use std::{
    collections::BTreeMap,
    sync::LazyLock,
    time::{Duration, Instant},
};

use tokio_postgres::{Client, SimpleQueryMessage};

use super::advisory_locks::INDEXES as LOCK;
use crate::{Store, StoreError, connection::connector::Connector, error::describe};

const TASK: &str = "building indexes";
/// The statements, as PostgreSQL would read them.
const SQL: &str = include_str!("../../../sql/indexes/indexes.sql");
/// Another daemon's builds take minutes on a large catalogue.
const LOCK_LIMIT: Duration = Duration::from_secs(3_600);
const LOCK_POLL: Duration = Duration::from_millis(100);
/// A smaller table is indexed at once, with it locked: some 8 MB take well under a second.
const SMALL_PAGES: i32 = 1_000;
/// Superseded ones of earlier versions.
const RETIRED: [&str; 4] = [
    "vendor_by_category_city",
    "vendor_by_category_travelling",
    "booking_by_vendor",
    "plan_by_city",
];
/// A plan's sourcing needs these; a search of the catalogue is only slow without the others.
const FOR_SOURCING: [&str; 2] = ["vendor_by_place", "vendor_travelling"];

/// One index, as the file has it.
struct Index {
    name: &'static str,
    table: &'static str,
    create: &'static str,
    comment: &'static str,
}

static INDEXES: LazyLock<Vec<Index>> = LazyLock::new(|| {
    let statement = |start: &'static str| {
        let code = SQL.split(";\n").map(str::trim);
        code.filter_map(move |text| text.find(start).map(|at| &text[at..]))
    };
    let comments: BTreeMap<&str, &str> = statement("COMMENT ON INDEX ")
        .filter_map(|text| Some((text.split(' ').nth(3)?, text)))
        .collect();
    let read = |create: &'static str| {
        let mut words = create.split(' ').skip(2);
        let (name, table) = (words.next()?, words.nth(1)?);
        Some(Index { name, table, create, comment: comments.get(name)? })
    };
    statement("CREATE INDEX ").filter_map(read).collect()
});

/// Indexes of the vendor table.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum VendorIndexes {
    All,
    /// Those that only a search of the catalogue needs.
    OfSearches,
}

/// How an index stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Valid,
    /// Its build was cut short.
    Broken,
}

/// Builds what is missing on tables that are small yet; a new database has all of them.
pub(crate) async fn build_small(client: &Client) -> Result<(), StoreError> {
    let found = found(client).await?;
    let small = pages(client).await?;
    let mut sql = String::new();
    for index in INDEXES.iter() {
        let is_small = small.get(index.table).is_some_and(|pages| *pages < SMALL_PAGES);
        match found.get(index.name) {
            Some(State::Valid) => continue,
            _ if !is_small => continue,
            Some(State::Broken) => sql.push_str(&format!("DROP INDEX {};", index.name)),
            None => {}
        }
        sql.push_str(&format!("{};{};", index.create, index.comment));
    }
    if INDEXES.iter().all(|index| small.get(index.table).is_none_or(|pages| *pages < SMALL_PAGES)) {
        sql.extend(RETIRED.map(|name| format!("DROP INDEX IF EXISTS {name};")));
    }
    // Several statements of one message are one transaction.
    client.batch_execute(&sql).await.map_err(failed)
}

impl Store {
    /// Builds every index that is missing, or was left half built, without getting in anybody's
    /// way; returns how many. One daemon at a time: another one waits.
    ///
    /// # Errors
    /// What keeps the database from answering. The next call goes on where this one ended.
    pub async fn build_indexes(&self) -> Result<usize, StoreError> {
        let (client, _guard) = self.index_client().await?;
        let found = found(&client).await?;
        let mut built = 0;
        for index in INDEXES.iter() {
            match found.get(index.name) {
                Some(State::Valid) => continue,
                Some(State::Broken) => drop_index(&client, index.name).await?,
                None => {}
            }
            let create = index.create.replacen("INDEX", "INDEX CONCURRENTLY", 1);
            client.batch_execute(&create).await.map_err(failed)?;
            client.batch_execute(index.comment).await.map_err(failed)?;
            built += 1;
        }
        for name in RETIRED {
            drop_index(&client, name).await?;
        }
        Ok(built)
    }

    /// Indexes that are missing or half built.
    pub async fn missing_indexes(&self) -> Result<Vec<&'static str>, StoreError> {
        let client = self.pool.connector().connect().await.map_err(failed)?;
        let found = found(&client).await?;
        let names = INDEXES.iter().map(|index| index.name);
        Ok(names.filter(|name| found.get(*name) != Some(&State::Valid)).collect())
    }

    /// Drops indexes of the vendors, before more rows arrive than are worth keeping them up to
    /// date for. [`Store::build_indexes`] brings them back; until then the searches are slow.
    pub(crate) async fn drop_vendor_indexes(&self, which: VendorIndexes) -> Result<(), StoreError> {
        let (client, _guard) = self.index_client().await?;
        for index in INDEXES.iter().filter(|index| index.table == "vendor") {
            if which == VendorIndexes::All || !FOR_SOURCING.contains(&index.name) {
                drop_index(&client, index.name).await?;
            }
        }
        Ok(())
    }

    /// A connection without time limits, and one that holds the lock as long as it lives: in a
    /// transaction, which CONCURRENTLY can't be in.
    async fn index_client(&self) -> Result<(Client, Client), StoreError> {
        let connector = Connector::without_limits(self.pool.settings())?;
        let guard = connector.connect().await.map_err(failed)?;
        // Asked again and again: a build waits for every statement that began before it, so
        // that one which waited for the lock would never get it.
        let deadline = Instant::now() + LOCK_LIMIT;
        guard.batch_execute("BEGIN").await.map_err(failed)?;
        while !is_locked(&guard).await? {
            if Instant::now() > deadline {
                let cause = "another daemon builds them".to_owned();
                return Err(StoreError::TimedOut { task: TASK, cause });
            }
            tokio::time::sleep(LOCK_POLL).await;
        }
        Ok((connector.connect().await.map_err(failed)?, guard))
    }
}

async fn is_locked(guard: &Client) -> Result<bool, StoreError> {
    let sql = format!("SELECT pg_try_advisory_xact_lock({LOCK})");
    let rows = guard.simple_query(&sql).await.map_err(failed)?;
    Ok(rows
        .iter()
        .any(|message| matches!(message, SimpleQueryMessage::Row(row) if row.get(0) == Some("t"))))
}

async fn drop_index(client: &Client, name: &str) -> Result<(), StoreError> {
    let sql = format!("DROP INDEX CONCURRENTLY IF EXISTS {name}");
    client.batch_execute(&sql).await.map_err(failed)
}

async fn found(client: &Client) -> Result<BTreeMap<String, State>, StoreError> {
    let sql =
        "SELECT c.relname, i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
               WHERE c.relnamespace = 'public'::regnamespace";
    let rows = client.simple_query(sql).await.map_err(failed)?;
    let read = |message| {
        let SimpleQueryMessage::Row(row) = message else { return None };
        let state = if row.get(1) == Some("t") { State::Valid } else { State::Broken };
        Some((row.get(0)?.to_owned(), state))
    };
    Ok(rows.into_iter().filter_map(read).collect())
}

/// Pages of each table.
async fn pages(client: &Client) -> Result<BTreeMap<String, i32>, StoreError> {
    let sql = "SELECT relname, (pg_relation_size(oid) / 8192)::int FROM pg_class
               WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace";
    let rows = client.simple_query(sql).await.map_err(failed)?;
    let read = |message| {
        let SimpleQueryMessage::Row(row) = message else { return None };
        Some((row.get(0)?.to_owned(), row.get(1)?.parse().ok()?))
    };
    Ok(rows.into_iter().filter_map(read).collect())
}

fn failed(error: tokio_postgres::Error) -> StoreError {
    if error.code().is_none() {
        return StoreError::Unreachable { task: TASK, cause: describe(&error) };
    }
    StoreError::from_driver(TASK, error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_read_to_its_end() {
        let statements = SQL.matches("\nCREATE INDEX ").count();
        assert_eq!(INDEXES.len(), statements, "each with a comment");
        assert!(INDEXES.iter().all(|index| index.comment.contains(" IS '")));
        let sourcing = INDEXES.iter().filter(|index| FOR_SOURCING.contains(&index.name));
        assert_eq!(sourcing.filter(|index| index.table == "vendor").count(), FOR_SOURCING.len());
    }
}
