//! The vendor query cache: pure state; the time is an argument.
//!
//! Bounded by entries, by age, and by the vendors held in all entries together, since one answer
//! may hold thousands. A read that began before an invalidation is never stored after it.

use std::{
    hash::Hash,
    num::NonZeroUsize,
    sync::Arc,
    time::{Duration, Instant},
};

use lru::LruCache;

use crate::model::{Category, Sourced};

/// Vendors that all entries may hold together: some 30 MB.
const MAX_VENDORS: usize = 20_000;

/// What the cache did so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueryCacheCounters {
    pub hits: u64,
    pub misses: u64,
    /// Pushed out by newer entries.
    pub evictions: u64,
    /// Removed because vendors or bookings changed.
    pub invalidations: u64,
    pub entries: usize,
    pub vendors: usize,
}

struct Entry {
    category: Category,
    vendors: Arc<Vec<Sourced>>,
    stored: Instant,
}

/// Handed out before a read, given back with its result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Epoch(u64);

pub struct QueryCache<K: Hash + Eq> {
    entries: LruCache<K, Entry>,
    ttl: Duration,
    epoch: u64,
    counters: QueryCacheCounters,
}

impl<K: Hash + Eq> QueryCache<K> {
    /// At most `size` entries (at least 1).
    pub fn new(size: usize, ttl: Duration) -> Self {
        let size = NonZeroUsize::new(size).unwrap_or(NonZeroUsize::MIN);
        Self {
            entries: LruCache::new(size),
            ttl,
            epoch: 0,
            counters: QueryCacheCounters::default(),
        }
    }

    pub fn get(&mut self, key: &K, now: Instant) -> Option<Arc<Vec<Sourced>>> {
        let fresh = self
            .entries
            .get(key)
            .filter(|entry| now.saturating_duration_since(entry.stored) < self.ttl)
            .map(|entry| entry.vendors.clone());
        match &fresh {
            Some(_) => self.counters.hits += 1,
            None => {
                self.counters.misses += 1;
                if let Some(old) = self.entries.pop(key) {
                    self.counters.vendors -= old.vendors.len();
                }
            }
        }
        fresh
    }

    /// To be taken before the read whose result goes into [`Self::insert`].
    pub fn epoch(&self) -> Epoch {
        Epoch(self.epoch)
    }

    /// Stores what was read, unless something was invalidated since `epoch`. An empty answer is
    /// an answer.
    pub fn insert(
        &mut self,
        epoch: Epoch,
        key: K,
        category: Category,
        vendors: Arc<Vec<Sourced>>,
        now: Instant,
    ) {
        if epoch != self.epoch() || vendors.len() > MAX_VENDORS {
            return;
        }
        self.counters.vendors += vendors.len();
        if let Some((_, old)) = self.entries.push(key, Entry { category, vendors, stored: now }) {
            self.counters.vendors -= old.vendors.len();
            self.counters.evictions += 1;
        }
        while self.counters.vendors > MAX_VENDORS {
            let Some((_, old)) = self.entries.pop_lru() else { break };
            self.counters.vendors -= old.vendors.len();
            self.counters.evictions += 1;
        }
    }

    /// Forgets every answer of these categories: whatever the city, since vendors travel.
    pub fn invalidate(&mut self, categories: &[Category]) {
        self.epoch += 1;
        let before = self.entries.len();
        let mut kept = LruCache::new(self.entries.cap());
        self.counters.vendors = 0;
        // Oldest first, so that the order of use stays.
        while let Some((key, entry)) = self.entries.pop_lru() {
            if !categories.contains(&entry.category) {
                self.counters.vendors += entry.vendors.len();
                kept.put(key, entry);
            }
        }
        self.entries = kept;
        self.counters.invalidations += (before - self.entries.len()) as u64;
    }

    /// Takes over changed bounds; what is beyond them goes, least recently used first.
    pub fn resize(&mut self, size: usize, ttl: Duration) {
        self.ttl = ttl;
        let size = NonZeroUsize::new(size).unwrap_or(NonZeroUsize::MIN);
        while self.entries.len() > size.get() {
            let Some((_, old)) = self.entries.pop_lru() else { break };
            self.counters.vendors -= old.vendors.len();
            self.counters.evictions += 1;
        }
        self.entries.resize(size);
    }

    /// Forgets everything; returns how many entries there were.
    pub fn flush(&mut self) -> usize {
        self.epoch += 1;
        let entries = self.entries.len();
        self.entries.clear();
        self.counters.vendors = 0;
        entries
    }

    pub fn counters(&self) -> QueryCacheCounters {
        QueryCacheCounters { entries: self.entries.len(), ..self.counters }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nothing() -> Arc<Vec<Sourced>> {
        Arc::new(Vec::new())
    }

    #[test]
    fn answers_age_and_are_pushed_out() {
        let mut cache = QueryCache::new(2, Duration::from_secs(10));
        let now = Instant::now();
        let epoch = cache.epoch();
        for key in [1, 2] {
            cache.insert(epoch, key, "venue".into(), nothing(), now);
        }
        assert!(cache.get(&1, now + Duration::from_secs(9)).is_some());
        assert!(cache.get(&1, now + Duration::from_secs(10)).is_none());
        cache.insert(epoch, 3, "venue".into(), nothing(), now);
        cache.insert(epoch, 4, "venue".into(), nothing(), now);
        assert!(cache.get(&2, now).is_none());
        assert_eq!(cache.counters().evictions, 1);
    }

    #[test]
    fn a_read_that_began_before_a_change_is_not_stored_after_it() {
        let mut cache = QueryCache::new(4, Duration::from_secs(10));
        let now = Instant::now();
        let before = cache.epoch();
        cache.insert(before, 1, "venue".into(), nothing(), now);
        cache.insert(before, 2, "caterer".into(), nothing(), now);
        cache.invalidate(&["venue".into()]);
        assert!(cache.get(&1, now).is_none());
        assert!(cache.get(&2, now).is_some());
        cache.insert(before, 1, "venue".into(), nothing(), now);
        assert!(cache.get(&1, now).is_none());
    }
}
