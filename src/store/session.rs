//! One connection at work: statements prepared once per connection, errors that name the task.

use std::{
    collections::HashMap,
    future::Future,
    sync::{Mutex, PoisonError},
};

use tokio_postgres::{
    GenericClient, Row, Statement,
    error::SqlState,
    types::{ToSql, Type},
};

use super::{StoreError, pool::PooledConnection};

/// A parameter and its type: named by the caller, so that a statement also runs unprepared in one
/// round trip.
pub(super) type Param<'a> = (&'a (dyn ToSql + Sync), Type);

/// The statements of one connection. As many as there are SQL texts in this program, at most.
pub(super) struct Statements {
    /// Off behind a pooler that hands each transaction to another server connection.
    prepare: bool,
    prepared: Mutex<HashMap<&'static str, Statement>>,
}

impl Statements {
    pub(super) fn new(prepare: bool) -> Self {
        Self { prepare, prepared: Mutex::default() }
    }

    fn get(&self, sql: &'static str) -> Option<Statement> {
        let prepared = self.prepared.lock().unwrap_or_else(PoisonError::into_inner);
        prepared.get(sql).cloned()
    }

    fn put(&self, sql: &'static str, statement: Statement) {
        self.prepared.lock().unwrap_or_else(PoisonError::into_inner).insert(sql, statement);
    }

    /// Forgets a statement that the server no longer knows, or whose tables changed their shape.
    fn drop_if_stale(&self, sql: &'static str, error: &tokio_postgres::Error) {
        let stale = [SqlState::FEATURE_NOT_SUPPORTED, SqlState::INVALID_SQL_STATEMENT_NAME];
        if error.code().is_some_and(|code| stale.contains(code)) {
            self.prepared.lock().unwrap_or_else(PoisonError::into_inner).remove(sql);
        }
    }
}

/// What runs statements: a connection, or a transaction on it.
pub(super) trait Sql: Sync {
    type Client: GenericClient + Sync;

    fn client(&self) -> &Self::Client;
    fn statements(&self) -> &Statements;
    /// Names the work in errors.
    fn task(&self) -> &'static str;

    fn query(
        &self,
        sql: &'static str,
        params: &[Param<'_>],
    ) -> impl Future<Output = Result<Vec<Row>, StoreError>> + Send {
        async move {
            let result = if self.statements().prepare {
                let values: Vec<&(dyn ToSql + Sync)> = params.iter().map(|p| p.0).collect();
                match self.statement(sql, params).await {
                    Ok(statement) => self.client().query(&statement, &values).await,
                    Err(error) => Err(error),
                }
            } else {
                self.client().query_typed(sql, params).await
            };
            result.map_err(|error| {
                self.statements().drop_if_stale(sql, &error);
                StoreError::from_driver(self.task(), error)
            })
        }
    }

    fn query_opt(
        &self,
        sql: &'static str,
        params: &[Param<'_>],
    ) -> impl Future<Output = Result<Option<Row>, StoreError>> + Send {
        async move { Ok(self.query(sql, params).await?.into_iter().next()) }
    }

    /// The one row that the statement always gives.
    fn query_one(
        &self,
        sql: &'static str,
        params: &[Param<'_>],
    ) -> impl Future<Output = Result<Row, StoreError>> + Send {
        async move {
            let row = self.query_opt(sql, params).await?;
            row.ok_or_else(|| StoreError::Query {
                task: self.task(),
                cause: "the statement gave no row".to_owned(),
            })
        }
    }

    /// Rows changed.
    fn execute(
        &self,
        sql: &'static str,
        params: &[Param<'_>],
    ) -> impl Future<Output = Result<u64, StoreError>> + Send {
        async move {
            let result = if self.statements().prepare {
                let values: Vec<&(dyn ToSql + Sync)> = params.iter().map(|p| p.0).collect();
                match self.statement(sql, params).await {
                    Ok(statement) => self.client().execute(&statement, &values).await,
                    Err(error) => Err(error),
                }
            } else {
                self.client().execute_typed(sql, params).await
            };
            result.map_err(|error| {
                self.statements().drop_if_stale(sql, &error);
                StoreError::from_driver(self.task(), error)
            })
        }
    }

    fn statement(
        &self,
        sql: &'static str,
        params: &[Param<'_>],
    ) -> impl Future<Output = Result<Statement, tokio_postgres::Error>> + Send {
        async move {
            if let Some(statement) = self.statements().get(sql) {
                return Ok(statement);
            }
            let types: Vec<Type> = params.iter().map(|p| p.1.clone()).collect();
            let statement = self.client().prepare_typed(sql, &types).await?;
            self.statements().put(sql, statement.clone());
            Ok(statement)
        }
    }
}

/// A connection on loan from the pool.
pub(super) struct Session<'p> {
    connection: PooledConnection<'p>,
    task: &'static str,
}

impl<'p> Session<'p> {
    pub(super) fn new(connection: PooledConnection<'p>, task: &'static str) -> Self {
        Self { connection, task }
    }

    /// Begins a transaction; dropping it rolls it back.
    pub(super) async fn begin(&mut self) -> Result<Transaction<'_>, StoreError> {
        let task = self.task;
        let (client, statements) = self.connection.parts();
        let inner = client.transaction().await.map_err(|e| StoreError::from_driver(task, e))?;
        Ok(Transaction { inner, statements, task })
    }
}

impl Sql for Session<'_> {
    type Client = tokio_postgres::Client;

    fn client(&self) -> &Self::Client {
        self.connection.client()
    }

    fn statements(&self) -> &Statements {
        self.connection.statements()
    }

    fn task(&self) -> &'static str {
        self.task
    }
}

/// A transaction: all of it happens at `commit`, or nothing.
pub(super) struct Transaction<'s> {
    inner: tokio_postgres::Transaction<'s>,
    statements: &'s Statements,
    task: &'static str,
}

impl Transaction<'_> {
    /// # Errors
    /// `Disconnected` leaves open whether the server committed.
    pub(super) async fn commit(self) -> Result<(), StoreError> {
        let task = self.task;
        self.inner.commit().await.map_err(|e| StoreError::from_driver(task, e))
    }
}

impl<'s> Sql for Transaction<'s> {
    type Client = tokio_postgres::Transaction<'s>;

    fn client(&self) -> &Self::Client {
        &self.inner
    }

    fn statements(&self) -> &Statements {
        self.statements
    }

    fn task(&self) -> &'static str {
        self.task
    }
}
