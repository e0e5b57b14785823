//! Where plans are taken in or turned away. The control server asks at the very beginning of a
//! submission whether there is any use in it, so that a refusal waits for no actor, no check of
//! the document and, as a rule, no database.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use slog::warn;
use tokio::{
    sync::{Semaphore, watch},
    time::sleep,
};

use crate::{
    dispatch::admission::{Admission, Refused},
    task_spawner::TaskSpawner,
};
use settings::Settings;
use store::Store;
use telemetry::{Telemetry, Throttle, figures::metrics, log::events};
use wire::{ApiError, ErrorCode};

/// Refusals that a process gets at once in each second. One that goes on asking waits a moment for
/// each further one: refusing it as fast as it can ask would cost more than planning.
const AT_ONCE_PER_S: u32 = 100;
/// That moment.
const PAUSE: Duration = Duration::from_millis(5);
/// Callers that wait for a refusal at a time. Beyond them all are refused at once, so that they
/// can't fill the server's connections.
const PAUSED_MAX: usize = 64;
/// Between two lines in the log that tell of refusals.
const TOLD_EVERY: Duration = Duration::from_secs(10);

/// Outlives every generation of the coordinator. Cheap to clone.
#[derive(Clone)]
pub struct SubmitGate {
    admission: Arc<Admission>,
    store: Store,
    settings: watch::Receiver<Arc<Settings>>,
    telemetry: Telemetry,
    work: TaskSpawner,
    /// By process id.
    at_once: Arc<Throttle<i32>>,
    paused: Arc<Semaphore>,
    /// By reason.
    told: Arc<Throttle<&'static str>>,
}

impl SubmitGate {
    pub fn new(
        store: Store,
        settings: watch::Receiver<Arc<Settings>>,
        telemetry: Telemetry,
        work: TaskSpawner,
    ) -> Self {
        Self {
            admission: Arc::default(),
            store,
            settings,
            telemetry,
            work,
            at_once: Arc::new(Throttle::new(AT_ONCE_PER_S, Duration::from_secs(1))),
            paused: Arc::new(Semaphore::new(PAUSED_MAX)),
            told: Arc::new(Throttle::new(1, TOLD_EVERY)),
        }
    }

    /// Turns a client's process away that has no chance at this moment.
    ///
    /// # Errors
    /// `busy`.
    pub async fn precheck(&self, uid: u32, pid: i32) -> Result<(), ApiError> {
        let Err(refusal) = self.standing(uid) else { return Ok(()) };
        if self.at_once.passes(pid, Instant::now()).is_none()
            && let Ok(_place) = self.paused.try_acquire()
        {
            sleep(PAUSE).await;
        }
        Err(refusal)
    }

    /// The verdict on what is known already; waits for nothing.
    fn standing(&self, uid: u32) -> Result<(), ApiError> {
        let limits = self.settings.borrow().admission;
        let Some(standing) = self.admission.refuses(Some(uid), limits) else { return Ok(()) };
        if standing.look_is_due {
            let (admission, store) = (self.admission.clone(), self.store.clone());
            // A look that fails leaves what is known; it grows too old to refuse anybody for.
            self.work.spawn(async move { admission.look(&store, Some(uid)).await });
        }
        Err(self.refusal(uid, standing.refused))
    }

    /// Admits a client's plan to the queue.
    ///
    /// # Errors
    /// `busy` when the queue, or the client's part of it, is full; whatever keeps the database
    /// from answering.
    pub async fn admit(&self, uid: u32) -> Result<(), ApiError> {
        self.standing(uid)?;
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
        if let Some(others) = self.told.passes(reason, Instant::now()) {
            warn!(self.work.log, "plans are refused"; events::OVERLOADED,
                "limit" => limit, "refused" => others + 1);
        }
        ApiError::new(ErrorCode::Busy, message).with_hint("try again in a moment")
    }
}
