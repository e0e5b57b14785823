//! What is kept beside the plans: audit, history, documents, figures.

pub(crate) mod agent_runs;
pub(crate) mod audit;
pub(crate) mod bookings;
pub(crate) mod database_stats;
pub(crate) mod documents;
pub(crate) mod history;
pub(crate) mod kept_replies;
pub(crate) mod metric_rows;
