//! One connection at work: statements prepared once per connection, errors that name the task.

use std::{
    future::Future,
    sync::{Mutex, PoisonError, atomic::AtomicU32},
    time::Instant,
};

use futures_util::{StreamExt, future::join3};
use tokio_postgres::{
    Error, GenericClient, Row, Statement,
    error::SqlState,
    types::{ToSql, Type},
};

use super::{
    observer::{Observer, QueryFigures},
    pool::PooledConnection,
    statements::{Statements, UnderWay},
};
use crate::StoreError;

/// A parameter and its type: named by the caller, so that a statement also runs unprepared in one
/// round trip.
pub(crate) type Param<'a> = (&'a (dyn ToSql + Sync), Type);

/// What runs statements: a connection, or a transaction on it.
pub(crate) trait Sql: Sync {
    type Client: GenericClient + Sync;

    fn client(&self) -> &Self::Client;
    fn statements(&self) -> &Statements;
    fn under_way(&self) -> &AtomicU32;
    fn observer(&self) -> &dyn Observer;
    /// Names the work in errors.
    fn task(&self) -> &'static str;
    /// Takes note of an error, and says which one to tell. `follow_up`: the server only says that
    /// something failed before.
    fn failed(&self, error: StoreError, follow_up: bool) -> StoreError {
        let _ = follow_up;
        error
    }
    /// Whether a statement is a transaction of its own.
    fn is_transaction(&self) -> bool;

    fn query(
        &self,
        sql: &'static str,
        params: &[Param<'_>],
    ) -> impl Future<Output = Result<Vec<Row>, StoreError>> + Send {
        self.observed(Some(sql), |rows| rows.len() as u64, async move {
            if self.statements().unprepared.is_some() {
                return self.alone(self.client().query_typed(sql, params)).await;
            }
            let values: Vec<&(dyn ToSql + Sync)> = params.iter().map(|p| p.0).collect();
            let statement = self.statement(sql, params).await?;
            self.client().query(&statement, &values).await
        })
    }

    /// A statement that is put together for this call: it is planned for these parameters, and
    /// not kept.
    fn query_once(
        &self,
        sql: &str,
        params: &[Param<'_>],
    ) -> impl Future<Output = Result<Vec<Row>, StoreError>> + Send {
        self.observed(None, |rows| rows.len() as u64, async move {
            self.alone(self.client().query_typed(sql, params)).await
        })
    }

    /// Hands over row by row as they arrive, so that a large answer is never held as rows.
    fn query_each(
        &self,
        sql: &'static str,
        params: &[Param<'_>],
        mut take: impl FnMut(&Row) -> Result<(), StoreError> + Send,
    ) -> impl Future<Output = Result<(), StoreError>> + Send {
        async move {
            if self.statements().unprepared.is_some() {
                return self.query(sql, params).await?.iter().try_for_each(take);
            }
            let mut refused = Ok(());
            self.observed(Some(sql), |rows: &u64| *rows, async {
                let statement = self.statement(sql, params).await?;
                let rows = self.client().query_raw(&statement, params.iter().map(|p| p.0)).await?;
                let mut rows = std::pin::pin!(rows);
                let mut count = 0;
                while let Some(row) = rows.next().await {
                    let row = row?;
                    count += 1;
                    if refused.is_ok() {
                        refused = take(&row);
                    }
                }
                Ok(count)
            })
            .await?;
            refused
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
        self.observed(Some(sql), |changed| *changed, async move {
            if self.statements().unprepared.is_some() {
                return self.alone(self.client().execute_typed(sql, params)).await;
            }
            let values: Vec<&(dyn ToSql + Sync)> = params.iter().map(|p| p.0).collect();
            let statement = self.statement(sql, params).await?;
            self.client().execute(&statement, &values).await
        })
    }

    /// Whether a statement goes out in one round trip.
    fn knows(&self, sql: &'static str) -> bool {
        let statements = self.statements();
        statements.unprepared.is_some() || statements.get(sql).is_some()
    }

    fn statement(
        &self,
        sql: &'static str,
        params: &[Param<'_>],
    ) -> impl Future<Output = Result<Statement, Error>> + Send {
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

    /// Runs one statement with the session's limits where the session can't hold them: inside a
    /// transaction of its own. Its three messages leave together, so it is one round trip.
    fn alone<T: Send>(
        &self,
        statement: impl Future<Output = Result<T, Error>> + Send,
    ) -> impl Future<Output = Result<T, Error>> + Send {
        async move {
            let limits = self.statements().unprepared.as_deref();
            let Some(limits) = limits.filter(|_| !self.is_transaction()) else {
                return statement.await;
            };
            let begin = format!("BEGIN; {limits}");
            let begun = self.client().batch_execute(&begin);
            let (begun, done, ended) =
                join3(begun, statement, self.client().batch_execute("COMMIT")).await;
            begun?;
            let done = done?;
            ended?;
            Ok(done)
        }
    }

    /// Counts and times a statement, and sorts its error.
    fn observed<T: Send>(
        &self,
        sql: Option<&'static str>,
        rows: impl Fn(&T) -> u64 + Send,
        statement: impl Future<Output = Result<T, Error>> + Send,
    ) -> impl Future<Output = Result<T, StoreError>> + Send {
        async move {
            let began = Instant::now();
            let under_way = UnderWay::begin(self.under_way());
            let answer = self.statements().within_deadline(statement).await;
            let time = began.elapsed();
            let figures =
                |rows, succeeded| QueryFigures { task: self.task(), time, rows, succeeded };
            let result = match answer {
                Ok(result) => result,
                Err(unanswered) => {
                    self.observer().queried(figures(0, false));
                    return Err(self.failed(unanswered.error(self.task()), false));
                }
            };
            under_way.settle(&result);
            let succeeded = result.as_ref().map_or_else(is_answer, |_| true);
            self.observer().queried(figures(result.as_ref().map_or(0, rows), succeeded));
            result.map_err(|error| {
                if let Some(sql) = sql {
                    self.statements().drop_if_stale(sql, &error);
                }
                let follow_up = error.code() == Some(&SqlState::IN_FAILED_SQL_TRANSACTION);
                self.failed(StoreError::from_driver(self.task(), error), follow_up)
            })
        }
    }
}

/// Whether the database did its work and the caller's wish was refused, as a booking is.
fn is_answer(error: &Error) -> bool {
    error.code() == Some(&SqlState::EXCLUSION_VIOLATION)
}

/// A connection on loan from the pool. Dropped in mid-statement, it ends the statement and is
/// not used again.
pub(crate) struct Session<'p> {
    connection: PooledConnection<'p>,
    task: &'static str,
    observer: &'p dyn Observer,
}

impl<'p> Session<'p> {
    pub(crate) fn new(
        connection: PooledConnection<'p>,
        task: &'static str,
        observer: &'p dyn Observer,
    ) -> Self {
        Self { connection, task, observer }
    }

    /// Begins a transaction; dropping it rolls it back.
    pub(crate) async fn begin(&mut self) -> Result<Transaction<'_>, StoreError> {
        let (task, observer) = (self.task, self.observer);
        let (client, statements, under_way) = self.connection.parts();
        let failed = |e| StoreError::from_driver(task, e);
        let beginning = UnderWay::begin(under_way);
        let begun = async {
            let inner = client.transaction().await?;
            if let Some(limits) = &statements.unprepared {
                inner.batch_execute(limits).await?;
            }
            Ok(inner)
        };
        let begun = statements.within_deadline(begun).await.map_err(|late| late.error(task))?;
        beginning.settle(&begun);
        let inner = begun.map_err(failed)?;
        let first_error = Mutex::default();
        Ok(Transaction { inner, statements, under_way, task, observer, first_error })
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        self.connection.abandon();
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

    fn under_way(&self) -> &AtomicU32 {
        self.connection.under_way()
    }

    fn observer(&self) -> &dyn Observer {
        self.observer
    }

    fn task(&self) -> &'static str {
        self.task
    }

    fn is_transaction(&self) -> bool {
        false
    }
}

/// A transaction: all of it happens at `commit`, or nothing.
pub(crate) struct Transaction<'s> {
    inner: tokio_postgres::Transaction<'s>,
    statements: &'s Statements,
    under_way: &'s AtomicU32,
    task: &'static str,
    observer: &'s dyn Observer,
    /// What ended it: everything after it is refused without saying why.
    first_error: Mutex<Option<StoreError>>,
}

impl Transaction<'_> {
    /// Of statements that travelled together, the error to tell: the one that made the others fail.
    pub(crate) fn cause_of(&self, error: StoreError) -> StoreError {
        let first = self.first_error.lock().unwrap_or_else(PoisonError::into_inner);
        first.as_ref().map_or(error, StoreError::again)
    }

    /// # Errors
    /// `Disconnected` leaves open whether the server committed.
    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        let task = self.task;
        // The server would roll back what failed, and call that a success.
        if let Some(first) = self.first_error.lock().unwrap_or_else(PoisonError::into_inner).take()
        {
            return Err(first);
        }
        let committing = UnderWay::begin(self.under_way);
        let committed = self.statements.within_deadline(self.inner.commit()).await;
        let committed = committed.map_err(|late| late.error(task))?;
        committing.settle(&committed);
        committed.map_err(|e| StoreError::from_driver(task, e))
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

    fn under_way(&self) -> &AtomicU32 {
        self.under_way
    }

    fn observer(&self) -> &dyn Observer {
        self.observer
    }

    fn task(&self) -> &'static str {
        self.task
    }

    fn failed(&self, error: StoreError, follow_up: bool) -> StoreError {
        let mut first = self.first_error.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(first) = &*first {
            return first.again();
        }
        // Of statements that travel together, a later one's answer may be looked at first.
        if !follow_up {
            *first = Some(error.again());
        }
        error
    }

    fn is_transaction(&self) -> bool {
        true
    }
}
