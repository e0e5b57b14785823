//! Where plans are taken in or turned away. The control server asks at the very beginning of a
//! submission whether there is any use in it, so that a refusal waits for no actor, no check of
//! the document and, as a rule, no database.

use std::sync::Arc;

use slog::debug;
use tokio::sync::watch;

use super::{
    admission::{Admission, Refused},
    work::Work,
};
use crate::{
    config::Settings,
    control::{ApiError, ErrorCode},
    store::Store,
    telemetry::{Telemetry, events, metrics},
};

/// Outlives every generation of the coordinator. Cheap to clone.
#[derive(Clone)]
pub struct Gate {
    admission: Arc<Admission>,
    store: Store,
    settings: watch::Receiver<Arc<Settings>>,
    telemetry: Telemetry,
    work: Work,
}

impl Gate {
    pub fn new(
        store: Store,
        settings: watch::Receiver<Arc<Settings>>,
        telemetry: Telemetry,
        work: Work,
    ) -> Self {
        Self { admission: Arc::default(), store, settings, telemetry, work }
    }

    /// Turns a client away that has no chance at this moment.
    ///
    /// # Errors
    /// `busy`.
    pub fn knock(&self, uid: u32) -> Result<(), ApiError> {
        let limits = self.settings.borrow().admission;
        let Some(standing) = self.admission.refuses(Some(uid), limits) else { return Ok(()) };
        if standing.look_is_due {
            let (admission, store) = (self.admission.clone(), self.store.clone());
            // A look that fails leaves what is known; it grows too old to refuse anybody for.
            self.work.spawn(async move { admission.look(&store, Some(uid)).await });
        }
        Err(self.refusal(uid, standing.refused))
    }

    /// Takes a place in the queue for a client's plan.
    ///
    /// # Errors
    /// `busy` when the queue, or the client's part of it, is full; whatever keeps the database
    /// from answering.
    pub async fn enter(&self, uid: u32) -> Result<(), ApiError> {
        self.knock(uid)?;
        let limits = self.settings.borrow().admission;
        let admitted = self.admission.admit(&self.store, Some(uid), limits).await?;
        admitted.map_err(|refused| self.refusal(uid, refused))
    }

    fn refusal(&self, uid: u32, refused: Refused) -> ApiError {
        let limits = self.settings.borrow().admission;
        let (reason, limit, message) = match refused {
            Refused::QueueFull { waiting } => {
                let message = format!("{waiting} plans are waiting already");
                ("queue_full", limits.max_queued_plans, message)
            }
            Refused::ClientFull { waiting } => {
                let message = format!("{waiting} plans of user id {uid} are waiting already");
                ("client_full", limits.max_queued_plans_per_client, message)
            }
        };
        self.telemetry.inc(metrics::PLANS_REFUSED, &[reason]);
        debug!(self.work.log, "a plan was refused"; events::OVERLOADED, "limit" => limit);
        ApiError::new(ErrorCode::Busy, message).with_hint("try again in a moment")
    }
}
