//! Keeps the gateway's replies across restarts: in the database, where the settings ask for it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;

use llm::{Gateway, SavedReply, settings::LlmSettings};
use store::{KeptReply, Store, StoreError};

/// A reply that came while the last save ran is saved once more rather than never.
const OVERLAP: Duration = Duration::from_secs(2);

/// Cheap to clone; all clones share the lock that keeps a save from undoing a flush.
#[derive(Clone)]
pub struct ReplyKeeper {
    gateway: Gateway,
    store: Store,
    is_on: bool,
    max_entries: usize,
    ttl: Duration,
    last_save: Arc<Mutex<Option<Instant>>>,
}

impl ReplyKeeper {
    pub fn new(gateway: Gateway, store: Store, settings: &LlmSettings) -> Self {
        Self {
            gateway,
            store,
            is_on: settings.response_cache && settings.response_cache_persistent,
            max_entries: settings.response_cache_size,
            ttl: settings.response_cache_ttl,
            last_save: Arc::default(),
        }
    }

    /// Puts what was kept back into the gateway's cache; where replies are not to be kept, forgets
    /// those of another time. Returns how many replies are of use.
    pub async fn restore(&self) -> Result<usize, StoreError> {
        if !self.is_on {
            return self.store.forget_replies().await.map(|_| 0);
        }
        let now = Timestamp::now();
        let kept = self.store.kept_replies(self.oldest(now), self.max_entries).await?;
        let saved = kept.into_iter().filter_map(|kept| saved(kept, now)).collect();
        Ok(self.gateway.restore_cache(saved))
    }

    /// Stores what came since the last save, and forgets what is too old. Returns how many
    /// replies were stored.
    pub async fn save(&self) -> Result<usize, StoreError> {
        if !self.is_on {
            return Ok(0);
        }
        let mut last_save = self.last_save.lock().await;
        let (began, now) = (Instant::now(), Timestamp::now());
        let max_age = last_save.map_or(self.ttl, |last| last.elapsed() + OVERLAP);
        let saved = self.gateway.save_cache(max_age);
        let kept: Vec<KeptReply> = saved.into_iter().filter_map(|one| kept(one, now)).collect();
        self.store.keep_replies(&kept).await?;
        self.store.prune_replies(self.oldest(now), self.max_entries).await?;
        *last_save = Some(began);
        Ok(kept.len())
    }

    /// Empties the gateway's cache and forgets what was kept. Returns how many entries the cache
    /// had.
    pub async fn flush(&self) -> Result<usize, StoreError> {
        let _saving = self.last_save.lock().await;
        let entries = self.gateway.flush_cache();
        if self.is_on {
            self.store.forget_replies().await?;
        }
        Ok(entries)
    }

    fn oldest(&self, now: Timestamp) -> Timestamp {
        before(now, self.ttl)
    }
}

fn before(now: Timestamp, age: Duration) -> Timestamp {
    let age = SignedDuration::try_from(age).unwrap_or(SignedDuration::MAX);
    now.checked_sub(age).unwrap_or(Timestamp::MIN)
}

/// `None` for a reply of a shape that this version doesn't know.
fn saved(kept: KeptReply, now: Timestamp) -> Option<SavedReply> {
    let age = now.duration_since(kept.stored_at).as_secs();
    let reply = serde_json::from_value(kept.reply).ok()?;
    Some(SavedReply { key: kept.key, reply, age_seconds: u64::try_from(age).unwrap_or(0) })
}

fn kept(saved: SavedReply, now: Timestamp) -> Option<KeptReply> {
    let stored_at = before(now, Duration::from_secs(saved.age_seconds));
    Some(KeptReply { key: saved.key, reply: serde_json::to_value(saved.reply).ok()?, stored_at })
}
