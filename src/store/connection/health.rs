//! Why connecting fails, told to those who wait for a connection.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use tokio::sync::watch;

use super::manager::ConnectionFault;

/// Shared by the pool, its manager and its error sink.
#[derive(Clone, Debug, Default)]
pub(crate) struct Health {
    failures: Arc<AtomicU64>,
    report: Arc<watch::Sender<Report>>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Report {
    /// Of the last failure, also when it is over.
    pub cause: Option<String>,
    /// The server answered and said no.
    pub refused: bool,
    /// The last attempt to connect failed.
    pub failing: bool,
}

impl Health {
    /// Failures so far.
    pub(crate) fn mark(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    pub(crate) fn report(&self) -> Report {
        self.report.borrow().clone()
    }

    pub(crate) fn failed(&self, cause: &str, refused: bool) {
        self.failures.fetch_add(1, Ordering::Relaxed);
        let cause = Some(cause.to_owned());
        self.report.send_replace(Report { cause, refused, failing: true });
    }

    pub(crate) fn connected(&self) {
        self.report.send_if_modified(|report| {
            let changed = report.failing || report.refused;
            (report.failing, report.refused) = (false, false);
            changed
        });
    }

    /// Resolves once `most` attempts failed since the mark, or the server said no.
    pub(crate) async fn hopeless(&self, since: u64, most: u64) {
        let mut reports = self.report.subscribe();
        let over = |report: &Report| report.refused || self.mark() >= since + most;
        if reports.wait_for(over).await.is_err() {
            // The sender lives as long as `self`.
            std::future::pending::<()>().await;
        }
    }
}

impl bb8::ErrorSink<ConnectionFault> for Health {
    /// What bb8 would swallow: failed connects, failed tests of idle connections.
    fn sink(&self, fault: ConnectionFault) {
        self.report.send_modify(|report| report.cause = Some(fault.0));
    }

    fn boxed_clone(&self) -> Box<dyn bb8::ErrorSink<ConnectionFault>> {
        Box::new(self.clone())
    }
}
