//! Events of plans: the stored ones, which are the audit rows, and the live ones.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde_json::Value;
use tokio::sync::broadcast;

use model::PlanId;
use store::{AuditRow, Store, StoreError};
use wire::PlanEvent;

/// Events that a slow watcher may lag behind; then it is told to read the stored ones.
const WATCHER_LAG_MAX: usize = 256;

/// Channels of the plans that somebody watches. Cheap to clone.
#[derive(Clone, Default)]
pub struct PlanEvents {
    channels: Arc<Mutex<BTreeMap<PlanId, Channel>>>,
}

struct Channel {
    sender: broadcast::Sender<PlanEvent>,
    /// Of the stored events, the last one that was sent.
    last_seq: u64,
}

impl PlanEvents {
    /// Events of `plan` from now on. Stored ones that a watcher has seen already may come again.
    pub fn watch(&self, plan: PlanId) -> broadcast::Receiver<PlanEvent> {
        let mut channels = self.locked();
        channels.retain(|_, channel| channel.sender.receiver_count() > 0);
        let channel = channels.entry(plan).or_insert_with(|| Channel {
            sender: broadcast::channel(WATCHER_LAG_MAX).0,
            last_seq: 0,
        });
        channel.sender.subscribe()
    }

    /// Whether somebody watches `plan` now.
    pub(crate) fn is_watched(&self, plan: PlanId) -> bool {
        self.locked().get(&plan).is_some_and(|channel| channel.sender.receiver_count() > 0)
    }

    /// Tells the watchers of `plan`, if there are any.
    pub(crate) fn publish(&self, plan: PlanId, event: PlanEvent) {
        if let Some(channel) = self.locked().get_mut(&plan) {
            // A stored event that another task has sent meanwhile.
            if event.seq > 0 && event.seq <= channel.last_seq {
                return;
            }
            channel.last_seq = channel.last_seq.max(event.seq);
            // An error means that the last watcher has just gone.
            let _ = channel.sender.send(event);
        }
    }

    /// Tells the watchers of `plan` what was stored since they were last told. A database that
    /// does not answer costs the watchers a delay: the next call makes up for it.
    pub(crate) async fn tell_stored(&self, store: &Store, plan: PlanId) {
        let Some(last_seq) = self.locked().get(&plan).map(|channel| channel.last_seq) else {
            return;
        };
        for event in stored(store, plan, last_seq).await.unwrap_or_default() {
            self.publish(plan, event);
        }
    }

    /// The same for every plan that is watched: hints from other daemons were missed.
    pub(crate) async fn tell_all_stored(&self, store: &Store) {
        let watched: Vec<PlanId> = self.locked().keys().copied().collect();
        for plan in watched {
            self.tell_stored(store, plan).await;
        }
    }

    fn locked(&self) -> MutexGuard<'_, BTreeMap<PlanId, Channel>> {
        self.channels.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The stored events of a plan after number `after`.
///
/// # Errors
/// Whatever keeps the database from answering.
pub(crate) async fn stored(
    store: &Store,
    plan: PlanId,
    after: u64,
) -> Result<Vec<PlanEvent>, StoreError> {
    let after = i64::try_from(after).unwrap_or(i64::MAX);
    Ok(store.audit(plan, after).await?.iter().map(event_of).collect())
}

/// An audit row as watchers see it.
fn event_of(row: &AuditRow) -> PlanEvent {
    let detail: Value = serde_json::from_str(&row.detail).unwrap_or_default();
    let text = |key: &str| detail[key].as_str().map(str::to_owned);
    let state = text("to").and_then(|state| state.parse().ok());
    let (kind, message) = match row.kind.as_str() {
        "state" | "claim" => {
            let successor = || text("successor").map(|plan| format!("by {plan}"));
            ("state_changed".to_owned(), text("error").or_else(successor))
        }
        "agent" => {
            let parts = [text("agent"), text("outcome"), text("server")];
            let words: Vec<String> = parts.into_iter().flatten().collect();
            ("agent_finished".to_owned(), Some(words.join(", ")))
        }
        other => (other.to_owned(), text("reason")),
    };
    PlanEvent {
        seq: row.seq.unsigned_abs(),
        at: row.at,
        kind,
        state,
        round: None,
        best: None,
        bound: None,
        message,
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use model::PlanState;

    fn row(seq: i64, kind: &str, detail: &str) -> AuditRow {
        AuditRow {
            seq,
            at: Timestamp::UNIX_EPOCH,
            kind: kind.into(),
            detail: detail.into(),
            prev_hash: [0; 32],
            hash: [0; 32],
        }
    }

    #[test]
    fn audit_rows_read_as_events() {
        let event = event_of(&row(2, "claim", r#"{"from":"queued","to":"running"}"#));
        assert_eq!((event.seq, event.state), (2, Some(PlanState::Running)));
        let detail = r#"{"agent":"budgeting","outcome":"ok","server":"rules"}"#;
        let event = event_of(&row(3, "agent", detail));
        assert_eq!(event.message.as_deref(), Some("budgeting, ok, rules"));
    }

    #[tokio::test]
    async fn only_the_watched_plan_is_heard_and_left_channels_go() {
        let events = PlanEvents::default();
        let [plan, other] = [1, 2].map(|n| PlanId(uuid::Uuid::from_u128(n)));
        let event = |seq| event_of(&row(seq, "state", r#"{"to":"running"}"#));
        let mut watcher = events.watch(plan);
        events.publish(other, event(1));
        events.publish(plan, event(2));
        events.publish(plan, event(2));
        events.publish(plan, event(3));
        assert_eq!(watcher.recv().await.unwrap().seq, 2);
        assert_eq!(watcher.recv().await.unwrap().seq, 3);
        assert!(events.is_watched(plan) && !events.is_watched(other));
        drop(watcher);
        assert!(!events.is_watched(plan));
        drop(events.watch(other));
        let _kept = events.watch(plan);
        assert_eq!(events.channels.lock().unwrap().len(), 1);
    }
}
