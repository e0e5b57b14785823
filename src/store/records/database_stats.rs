//! What the server itself knows of this database: indexes nobody uses, statements that are slow.

use tokio_postgres::types::Type;

use crate::{
    Store, StoreError,
    connection::{
        row_reader::RowReader,
        session::{Param, Sql},
    },
};
use wire::{DatabaseStats, SlowStatement};

/// Rows of each list.
const LISTED_MAX: i64 = 20;
/// Characters of a statement that are shown: it holds no values, the server left them out.
const STATEMENT_CHARS: i32 = 160;

impl Store {
    /// # Errors
    /// What keeps the database from answering.
    pub async fn database_stats(&self) -> Result<DatabaseStats, StoreError> {
        let session = self.pool.session("reading the server's statistics").await?;
        let sql = "SELECT pg_database_size(datname),
                          (100.0 * blks_hit / nullif(blks_hit + blks_read, 0))::float8,
                          to_regclass('pg_stat_statements') IS NOT NULL
                            AND current_setting('shared_preload_libraries')
                                LIKE '%pg_stat_statements%'
                   FROM pg_stat_database WHERE datname = current_database()";
        let row = session.query_one(sql, &[]).await?;
        let mut c = RowReader::of(&row, "the server's statistics");
        let (bytes, buffer_hit_percent) = (c.take::<i64>()?.unsigned_abs(), c.take()?);
        let counts_statements: bool = c.take()?;
        let unused_indexes = unused(&session).await?;
        let slow_statements = match counts_statements {
            true => Some(slow(&session).await?),
            false => None,
        };
        Ok(DatabaseStats { bytes, buffer_hit_percent, unused_indexes, slow_statements })
    }
}

async fn unused(session: &impl Sql) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT s.indexrelname::text
               FROM pg_stat_user_indexes s
               JOIN pg_index i ON i.indexrelid = s.indexrelid
               WHERE s.idx_scan = 0 AND NOT i.indisunique AND NOT i.indisexclusion
               ORDER BY pg_relation_size(s.indexrelid) DESC, 1 LIMIT $1";
    let rows = session.query(sql, &[(&LISTED_MAX, Type::INT8)]).await?;
    rows.iter().map(|row| RowReader::of(row, "an index").take()).collect()
}

async fn slow(session: &impl Sql) -> Result<Vec<SlowStatement>, StoreError> {
    let sql = "SELECT left(regexp_replace(s.query, '\\s+', ' ', 'g'), $2), s.calls,
                      s.mean_exec_time
               FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid
               WHERE d.datname = current_database()
               ORDER BY s.mean_exec_time DESC LIMIT $1";
    let params: [Param<'_>; 2] = [(&LISTED_MAX, Type::INT8), (&STATEMENT_CHARS, Type::INT4)];
    let rows = session.query(sql, &params).await?;
    let read = |row| {
        let mut c = RowReader::of(row, "a statement's statistics");
        let (statement, calls) = (c.take()?, c.take::<i64>()?.unsigned_abs());
        Ok(SlowStatement { statement, calls, mean_ms: c.take()? })
    };
    rows.iter().map(read).collect()
}
