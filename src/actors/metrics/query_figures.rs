//! The store's figures, counted where all figures are.

use std::time::Duration;

use store::Observer;
use telemetry::{Telemetry, figures::metrics};

/// Counts every statement and every check-out.
pub struct QueryFigures(pub Telemetry);

impl Observer for QueryFigures {
    fn queried(&self, figures: store::QueryFigures) {
        let query = figures.task;
        self.0.observe(metrics::QUERY_SECONDS, &[query], figures.time);
        if figures.rows > 0 {
            self.0.add(metrics::QUERY_ROWS, &[query], figures.rows);
        }
        if !figures.succeeded {
            self.0.inc(metrics::DATABASE_ERRORS, &["query"]);
        }
    }

    fn checked_out(&self, wait: Duration, _succeeded: bool) {
        // The pool itself counts those that failed.
        self.0.observe(metrics::CHECKOUT_SECONDS, &[], wait);
    }
}
