//! The response cache: checked replies only, bounded by entries and by age. The time is an
//! argument. Errors, truncated and invalid replies never get here.

use std::{
    num::NonZeroUsize,
    sync::Arc,
    time::{Duration, Instant},
};

use lru::LruCache;
use serde::{Deserialize, Serialize};

use crate::{
    endpoint::{key::CacheKey, metrics::CacheCounters},
    tasks::Reply,
};

/// An entry as it is kept across restarts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SavedReply {
    /// Hexadecimal digest of the request: model, options, schema, prompt.
    pub key: String,
    pub reply: Reply,
    /// When it was saved; grows until it is restored.
    pub age_seconds: u64,
}

struct Entry {
    reply: Arc<Reply>,
    stored: Instant,
}

/// Least recently used goes first; older than `ttl` counts as absent.
pub(crate) struct ReplyCache {
    entries: LruCache<CacheKey, Entry>,
    ttl: Duration,
    counters: CacheCounters,
    hit_age: Duration,
}

impl ReplyCache {
    /// At most `size` entries (at least 1).
    pub(crate) fn new(size: usize, ttl: Duration) -> Self {
        let size = NonZeroUsize::new(size).unwrap_or(NonZeroUsize::MIN);
        Self {
            entries: LruCache::new(size),
            ttl,
            counters: CacheCounters::default(),
            hit_age: Duration::ZERO,
        }
    }

    /// Takes over changed bounds; what is beyond them goes, least recently used first.
    pub(crate) fn resize(&mut self, size: usize, ttl: Duration) {
        self.ttl = ttl;
        let size = NonZeroUsize::new(size).unwrap_or(NonZeroUsize::MIN);
        self.counters.evictions += self.entries.len().saturating_sub(size.get()) as u64;
        self.entries.resize(size);
    }

    pub(crate) fn get(&mut self, key: &CacheKey, now: Instant) -> Option<Arc<Reply>> {
        let found = self.peek(key, now);
        match &found {
            Some((_, age)) => {
                self.counters.hits += 1;
                self.hit_age += *age;
            }
            None => self.counters.misses += 1,
        }
        found.map(|(reply, _)| reply)
    }

    /// Like [`Self::get`], without counting: a second look of a caller already counted.
    pub(crate) fn get_again(&mut self, key: &CacheKey, now: Instant) -> Option<Arc<Reply>> {
        self.peek(key, now).map(|(reply, _)| reply)
    }

    fn peek(&mut self, key: &CacheKey, now: Instant) -> Option<(Arc<Reply>, Duration)> {
        let entry = self.entries.get(key)?;
        let age = now.saturating_duration_since(entry.stored);
        if age < self.ttl {
            return Some((Arc::clone(&entry.reply), age));
        }
        self.entries.pop(key);
        self.counters.expired += 1;
        None
    }

    pub(crate) fn insert(&mut self, key: CacheKey, reply: Arc<Reply>, now: Instant) {
        if let Some((pushed_out, _)) = self.entries.push(key, Entry { reply, stored: now }) {
            self.counters.evictions += u64::from(pushed_out != key);
        }
    }

    /// The living entries that are not older than `max_age`, least recently used first.
    pub(crate) fn save(&self, max_age: Duration, now: Instant) -> Vec<SavedReply> {
        let aged = self
            .entries
            .iter()
            .rev()
            .map(|(key, entry)| (key, entry, now.saturating_duration_since(entry.stored)));
        aged.filter(|(_, _, age)| *age < self.ttl && *age <= max_age)
            .map(|(key, entry, age)| SavedReply {
                key: key.to_hex(),
                reply: Reply::clone(&entry.reply),
                age_seconds: age.as_secs(),
            })
            .collect()
    }

    /// Takes saved entries back, in the order of [`Self::save`]; those too old by now, with an
    /// unreadable key, or known already are left out. Returns how many were taken.
    pub(crate) fn restore(&mut self, saved: Vec<SavedReply>, now: Instant) -> usize {
        let mut taken = 0;
        for SavedReply { key, reply, age_seconds } in saved {
            let age = Duration::from_secs(age_seconds);
            let (Some(key), Some(stored)) = (CacheKey::from_hex(&key), now.checked_sub(age)) else {
                continue;
            };
            if age < self.ttl && !self.entries.contains(&key) {
                self.entries.push(key, Entry { reply: Arc::new(reply), stored });
                taken += 1;
            }
        }
        taken
    }

    /// Drops everything; returns how many entries there were.
    pub(crate) fn flush(&mut self) -> usize {
        let entries = self.entries.len();
        self.entries.clear();
        entries
    }

    pub(crate) fn counters(&self) -> CacheCounters {
        let hits = self.counters.hits.max(1) as f64;
        CacheCounters {
            entries: self.entries.len(),
            mean_hit_age_seconds: self.hit_age.as_secs_f64() / hits,
            ..self.counters
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply() -> Arc<Reply> {
        Arc::new(Reply::Shares(None))
    }

    #[test]
    fn old_and_least_used_entries_go_and_everything_is_counted() {
        let mut cache = ReplyCache::new(2, Duration::from_secs(10));
        let now = Instant::now();
        let [a, b, c] = [1_u8, 2, 3].map(|byte| CacheKey([byte; 32]));
        assert!(cache.get(&a, now).is_none());
        cache.insert(a, reply(), now);
        cache.insert(b, reply(), now + Duration::from_secs(5));
        assert!(cache.get(&a, now + Duration::from_secs(4)).is_some());
        cache.insert(c, reply(), now + Duration::from_secs(5));
        assert!(cache.get(&b, now + Duration::from_secs(5)).is_none(), "least recently used");
        assert!(cache.get(&a, now + Duration::from_secs(10)).is_none(), "too old");
        cache.insert(c, reply(), now + Duration::from_secs(6));
        let counters = cache.counters();
        assert_eq!((counters.hits, counters.misses), (1, 3));
        assert_eq!((counters.evictions, counters.expired, counters.entries), (1, 1, 1));
        assert!((counters.mean_hit_age_seconds - 4.0).abs() < 1e-9);
        assert_eq!(counters.hit_rate(), Some(0.25));
        assert_eq!(cache.flush(), 1);
        assert_eq!(cache.counters().entries, 0);
        assert_eq!(CacheCounters::default().hit_rate(), None);
    }

    #[test]
    fn saved_entries_keep_their_age_and_order() {
        let ttl = Duration::from_secs(100);
        let now = Instant::now() + Duration::from_secs(1_000);
        let mut cache = ReplyCache::new(3, ttl);
        let keys = [1_u8, 2, 3].map(|byte| CacheKey([byte; 32]));
        for (key, age) in keys.iter().zip([150, 90, 10]) {
            cache.insert(*key, reply(), now - Duration::from_secs(age));
        }
        let young = cache.save(Duration::from_secs(10), now);
        assert_eq!(young.iter().map(|saved| saved.age_seconds).collect::<Vec<_>>(), [10]);
        let mut saved = cache.save(ttl, now);
        assert_eq!(saved.iter().map(|saved| saved.age_seconds).collect::<Vec<_>>(), [90, 10]);
        let json = serde_json::to_string(&saved).unwrap();
        assert_eq!(serde_json::from_str::<Vec<SavedReply>>(&json).unwrap(), saved);
        saved[0].age_seconds += 20;
        saved.push(SavedReply { key: "no key".into(), ..saved[1].clone() });
        let mut restored = ReplyCache::new(3, ttl);
        assert_eq!(restored.restore(saved, now), 1);
        assert!(restored.get(&keys[2], now + Duration::from_secs(89)).is_some());
        assert!(restored.get(&keys[2], now + Duration::from_secs(90)).is_none());
    }
}
