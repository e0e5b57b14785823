//! Tells somebody how long queries take: figures are kept elsewhere.

use std::time::Duration;

/// What one statement did.
#[derive(Clone, Copy, Debug)]
pub struct QueryFigures {
    /// What it was for, e.g. `sourcing vendors`: one of the fixed texts of this program.
    pub task: &'static str,
    /// From sending to the last row, without the wait for a connection.
    pub time: Duration,
    /// Read or changed.
    pub rows: u64,
    pub succeeded: bool,
}

/// Who wants to know. Called on every statement: be quick, never wait.
pub trait Observer: Send + Sync {
    fn queried(&self, figures: QueryFigures);

    /// How long a caller waited for a connection, and whether it got one.
    fn checked_out(&self, wait: Duration, succeeded: bool);
}

/// Nobody.
pub(crate) struct Unobserved;

impl Observer for Unobserved {
    fn queried(&self, _: QueryFigures) {}

    fn checked_out(&self, _: Duration, _: bool) {}
}
