//! What one connection has prepared, and what it is in the middle of.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use tokio_postgres::{Error, Statement, error::SqlState};

use crate::{StoreError, error::is_io};

/// The statements of one connection. As many as there are SQL texts in this program, at most.
pub(crate) struct Statements {
    /// Where nothing is prepared, behind a pooler that hands each transaction to another server
    /// connection: what sets the limits of one transaction.
    pub(crate) unprepared: Option<Arc<str>>,
    /// How long an answer may take on this side; `None`: as long as it takes.
    deadline: Option<Duration>,
    prepared: Mutex<HashMap<&'static str, Statement>>,
}

impl Statements {
    pub(crate) fn prepared(deadline: Option<Duration>) -> Self {
        Self { unprepared: None, deadline, prepared: Mutex::default() }
    }

    pub(crate) fn unprepared(limits: Arc<str>, deadline: Option<Duration>) -> Self {
        Self { unprepared: Some(limits), deadline, prepared: Mutex::default() }
    }

    /// Waits for an answer of the server, but not for a server that hangs: past the deadline the
    /// wait is dropped, and with it the connection, which is in the middle of something.
    ///
    /// # Errors
    /// [`Unanswered`], or the answer's own.
    pub(crate) async fn within_deadline<T>(
        &self,
        answer: impl Future<Output = Result<T, Error>>,
    ) -> Result<Result<T, Error>, Unanswered> {
        let Some(deadline) = self.deadline else {
            return Ok(answer.await);
        };
        tokio::time::timeout(deadline, answer).await.map_err(|_| Unanswered(deadline))
    }

    pub(crate) fn get(&self, sql: &'static str) -> Option<Statement> {
        let prepared = self.prepared.lock().unwrap_or_else(PoisonError::into_inner);
        prepared.get(sql).cloned()
    }

    pub(crate) fn put(&self, sql: &'static str, statement: Statement) {
        self.prepared.lock().unwrap_or_else(PoisonError::into_inner).insert(sql, statement);
    }

    /// Forgets a statement that the server no longer knows, or whose tables changed their shape.
    pub(crate) fn drop_if_stale(&self, sql: &'static str, error: &Error) {
        let stale = [SqlState::FEATURE_NOT_SUPPORTED, SqlState::INVALID_SQL_STATEMENT_NAME];
        if error.code().is_some_and(|code| stale.contains(code)) {
            self.prepared.lock().unwrap_or_else(PoisonError::into_inner).remove(sql);
        }
    }
}

/// The server said nothing within this time: what it did is unknown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unanswered(pub(crate) Duration);

impl Unanswered {
    pub(crate) fn error(self, task: &'static str) -> StoreError {
        let cause = format!("the server gave no answer within {} ms", self.0.as_millis());
        StoreError::Disconnected { task, cause }
    }
}

/// Counts a statement as under way until its answer came, or its caller went away.
pub(crate) struct UnderWay<'a> {
    count: &'a AtomicU32,
    answered: bool,
}

impl<'a> UnderWay<'a> {
    pub(crate) fn begin(count: &'a AtomicU32) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self { count, answered: false }
    }

    /// The answer is there. After one that ends the connection it stays counted: the driver may
    /// not have noticed yet, and the next one must not get it.
    pub(crate) fn settle<T>(mut self, result: &Result<T, Error>) {
        self.answered = !result.as_ref().is_err_and(ends_connection);
    }
}

impl Drop for UnderWay<'_> {
    /// A statement that was dropped stays counted: its connection is in the middle of it.
    fn drop(&mut self) {
        if self.answered {
            self.count.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

fn ends_connection(error: &Error) -> bool {
    let last_words = [
        SqlState::ADMIN_SHUTDOWN,
        SqlState::CRASH_SHUTDOWN,
        SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
    ];
    match error.code() {
        Some(code) => last_words.contains(code),
        None => error.is_closed() || is_io(error),
    }
}
