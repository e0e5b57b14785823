//! What the other daemons of this database tell: passed on to the watchers of plans and to the
//! dispatcher.

use std::{sync::Arc, time::Duration};

use slog::{debug, info, warn};
use tokio::{
    sync::{Notify, mpsc},
    time::Instant,
};

use crate::{
    run::event_hub::PlanEvents,
    supervision::Handle,
    task_spawner::TaskSpawner,
    vendor_search::{VendorSearch, messages::LearnChanges},
};
use store::{PeerEvent, Store};
use telemetry::{Telemetry, figures::metrics, log::events};

/// A plan that another daemon made ready is that daemon's first: it claims without being told.
/// Notifications of one span wake the dispatcher once.
const OTHERS_FIRST: Duration = Duration::from_millis(10);

/// Listens until the link ends with the daemon.
pub(crate) struct PeerListener {
    pub store: Store,
    pub events: PlanEvents,
    pub vendors: Handle<VendorSearch>,
    /// Wakes the dispatcher.
    pub wake: Arc<Notify>,
    pub telemetry: Telemetry,
    pub work: TaskSpawner,
}

impl PeerListener {
    pub(crate) async fn listen(self, mut peer_events: mpsc::Receiver<PeerEvent>) {
        let mut wake_at: Option<Instant> = None;
        let mut is_up = true;
        loop {
            let wake = async {
                match wake_at {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            let event = tokio::select! {
                event = peer_events.recv() => event,
                () = wake => {
                    self.wake.notify_one();
                    wake_at = None;
                    continue;
                }
            };
            let Some(event) = event else { return };
            let may_be_claimed = matches!(event, PeerEvent::Ready(_));
            self.act(event, &mut is_up).await;
            if may_be_claimed && wake_at.is_none() {
                wake_at = Some(Instant::now() + OTHERS_FIRST);
            }
        }
    }

    async fn act(&self, event: PeerEvent, is_up: &mut bool) {
        let log = &self.work.log;
        match event {
            PeerEvent::Ready(plan) | PeerEvent::Changed(plan) => {
                self.events.tell_stored(&self.store, plan).await;
            }
            PeerEvent::Catalogue => self.forget_vendors().await,
            PeerEvent::Joined | PeerEvent::Missed => {
                *is_up = true;
                self.forget_vendors().await;
                self.events.tell_all_stored(&self.store).await;
                self.wake.notify_one();
            }
            PeerEvent::Died { daemons, plans } => {
                self.telemetry.add(metrics::PLANS_TAKEN_OVER, &[], plans);
                info!(log, "other daemons ended without a goodbye"; events::DAEMONS_DIED,
                    "daemons" => daemons.join(", "), "plans" => plans);
                self.wake.notify_one();
            }
            // Said once per outage.
            PeerEvent::Lost { cause } => {
                if std::mem::take(is_up) {
                    warn!(log, "out of touch with the other daemons"; events::FLEET_LINK_LOST,
                        "error" => cause);
                }
            }
        }
    }

    /// What was read of vendors before may be stale.
    async fn forget_vendors(&self) {
        if let Err(error) = self.vendors.ask(LearnChanges).await {
            // A restarting actor has an empty cache, and what can't be learnt is forgotten.
            debug!(self.work.log, "changed vendors were not looked up"; "error" => %error);
        }
    }
}
