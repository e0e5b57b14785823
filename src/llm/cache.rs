//! The response cache: checked replies only, bounded by entries and by age. The time is an
//! argument. Errors, truncated and invalid replies never get here.

use std::{
    num::NonZeroUsize,
    sync::Arc,
    time::{Duration, Instant},
};

use lru::LruCache;

use super::{key::CacheKey, task::Reply};

struct Entry {
    reply: Arc<Reply>,
    stored: Instant,
}

/// What the cache did so far.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CacheCounters {
    pub hits: u64,
    pub misses: u64,
    /// Pushed out by newer entries.
    pub evictions: u64,
    /// Found, but older than the time to live.
    pub expired: u64,
    pub entries: usize,
    /// Mean age of the hits when they were hit, in seconds; 0 without hits.
    pub mean_hit_age_seconds: f64,
}

/// Least recently used goes first; older than `ttl` counts as absent.
pub struct ReplyCache {
    entries: LruCache<CacheKey, Entry>,
    ttl: Duration,
    counters: CacheCounters,
    hit_age: Duration,
}

impl ReplyCache {
    /// At most `size` entries (at least 1).
    pub fn new(size: usize, ttl: Duration) -> Self {
        let size = NonZeroUsize::new(size).unwrap_or(NonZeroUsize::MIN);
        Self {
            entries: LruCache::new(size),
            ttl,
            counters: CacheCounters::default(),
            hit_age: Duration::ZERO,
        }
    }

    pub fn get(&mut self, key: &CacheKey, now: Instant) -> Option<Arc<Reply>> {
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
    pub fn get_again(&mut self, key: &CacheKey, now: Instant) -> Option<Arc<Reply>> {
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

    pub fn insert(&mut self, key: CacheKey, reply: Arc<Reply>, now: Instant) {
        if let Some((pushed_out, _)) = self.entries.push(key, Entry { reply, stored: now }) {
            self.counters.evictions += u64::from(pushed_out != key);
        }
    }

    /// Drops everything; returns how many entries there were.
    pub fn flush(&mut self) -> usize {
        let entries = self.entries.len();
        self.entries.clear();
        entries
    }

    pub fn counters(&self) -> CacheCounters {
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
        assert_eq!(cache.flush(), 1);
        assert_eq!(cache.counters().entries, 0);
    }
}
