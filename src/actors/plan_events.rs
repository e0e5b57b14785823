//! Live events of plans: whoever watches one gets them as they happen.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::broadcast;

use crate::{control::PlanEvent, model::PlanId};

/// Events that a slow watcher may lag behind; then it is told to read the stored ones.
const WATCHER_LAG_MAX: usize = 256;

/// Channels of the plans that somebody watches. Cheap to clone.
#[derive(Clone, Default)]
pub struct PlanEvents {
    channels: Arc<Mutex<BTreeMap<PlanId, broadcast::Sender<PlanEvent>>>>,
}

impl PlanEvents {
    /// Events of `plan` from now on.
    pub fn watch(&self, plan: PlanId) -> broadcast::Receiver<PlanEvent> {
        let mut channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        channels.retain(|_, channel| channel.receiver_count() > 0);
        channels.entry(plan).or_insert_with(|| broadcast::channel(WATCHER_LAG_MAX).0).subscribe()
    }

    /// Tells the watchers of `plan`, if there are any.
    pub fn publish(&self, plan: PlanId, event: PlanEvent) {
        let channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(channel) = channels.get(&plan) {
            // An error means that the last watcher has just gone.
            let _ = channel.send(event);
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    #[tokio::test]
    async fn only_the_watched_plan_is_heard_and_left_channels_go() {
        let events = PlanEvents::default();
        let [plan, other] = [1, 2].map(|n| PlanId(uuid::Uuid::from_u128(n)));
        let event = |kind: &str| PlanEvent {
            seq: 1,
            at: Timestamp::UNIX_EPOCH,
            kind: kind.into(),
            state: None,
            round: None,
            best: None,
            bound: None,
            message: None,
        };
        let mut watcher = events.watch(plan);
        events.publish(other, event("elsewhere"));
        events.publish(plan, event("here"));
        assert_eq!(watcher.recv().await.unwrap().kind, "here");
        drop(watcher);
        drop(events.watch(other));
        let _kept = events.watch(plan);
        assert_eq!(events.channels.lock().unwrap().len(), 1);
    }
}
