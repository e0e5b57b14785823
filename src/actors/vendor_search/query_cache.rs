//! The vendor query cache: pure state; the time is an argument.
//!
//! Bounded by entries, by age, and by the vendors held in all entries together, since one answer
//! may hold thousands. A read that began before its place changed is never stored after it.

use std::{
    collections::VecDeque,
    num::NonZeroUsize,
    sync::Arc,
    time::{Duration, Instant},
};

use lru::LruCache;

use model::Sourced;
use store::{SourcingQuery, Touched};

/// Vendors that all entries may hold together: some 150 MB.
const MAX_VENDORS: usize = 100_000;
/// Changes remembered for reads under way; a read that began before all of them is not stored.
const RECENT_CHANGES: usize = 1_024;

/// What the cache did so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueryCacheCounters {
    pub hits: u64,
    pub misses: u64,
    /// Misses that waited for the same query under way.
    pub coalesced: u64,
    /// Pushed out by newer entries.
    pub evictions: u64,
    /// Removed because vendors or bookings changed.
    pub(crate) invalidations: u64,
    pub entries: usize,
    pub vendors: usize,
}

struct Entry {
    vendors: Arc<Vec<Sourced>>,
    stored: Instant,
}

/// Handed out before a read, given back with its result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Epoch(u64);

pub struct QueryCache {
    entries: LruCache<SourcingQuery, Entry>,
    ttl: Duration,
    /// Changes so far.
    epoch: u64,
    /// The last ones, oldest first; `None` stands for everything.
    recent: VecDeque<Option<Touched>>,
    counters: QueryCacheCounters,
}

impl QueryCache {
    /// At most `size` entries (at least 1).
    pub fn new(size: usize, ttl: Duration) -> Self {
        let size = NonZeroUsize::new(size).unwrap_or(NonZeroUsize::MIN);
        Self {
            entries: LruCache::new(size),
            ttl,
            epoch: 0,
            recent: VecDeque::new(),
            counters: QueryCacheCounters::default(),
        }
    }

    /// `key` must be [normalised](SourcingQuery::normalised).
    pub fn get(&mut self, key: &SourcingQuery, now: Instant) -> Option<Arc<Vec<Sourced>>> {
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
    pub(crate) const fn epoch(&self) -> Epoch {
        Epoch(self.epoch)
    }

    /// Whether what a read found that began at `epoch` may be stale by now.
    pub fn is_stale(&self, epoch: Epoch, key: &SourcingQuery) -> bool {
        let since = (self.epoch - epoch.0) as usize;
        if since > self.recent.len() {
            return true;
        }
        let changes = self.recent.iter().rev().take(since);
        changes
            .into_iter()
            .any(|change| change.as_ref().is_none_or(|touched| touches(touched, key)))
    }

    pub(crate) fn count_coalesced(&mut self) {
        self.counters.coalesced += 1;
    }

    /// Stores what was read, unless its place changed since `epoch`. An empty answer is an
    /// answer.
    pub fn insert(
        &mut self,
        epoch: Epoch,
        key: SourcingQuery,
        vendors: Arc<Vec<Sourced>>,
        now: Instant,
    ) {
        if vendors.len() > MAX_VENDORS || self.is_stale(epoch, &key) {
            return;
        }
        self.counters.vendors += vendors.len();
        if let Some((_, old)) = self.entries.push(key, Entry { vendors, stored: now }) {
            self.counters.vendors -= old.vendors.len();
            self.counters.evictions += 1;
        }
        while self.counters.vendors > MAX_VENDORS {
            let Some((_, old)) = self.entries.pop_lru() else { break };
            self.counters.vendors -= old.vendors.len();
            self.counters.evictions += 1;
        }
    }

    /// Forgets every answer that these changes may have made stale.
    pub(crate) fn invalidate(&mut self, changes: &[Touched]) {
        for change in changes {
            self.note(Some(change.clone()));
        }
        let stale: Vec<SourcingQuery> = self
            .entries
            .iter()
            .map(|(key, _)| key)
            .filter(|key| changes.iter().any(|touched| touches(touched, key)))
            .cloned()
            .collect();
        for key in stale {
            if let Some(old) = self.entries.pop(&key) {
                self.counters.vendors -= old.vendors.len();
                self.counters.invalidations += 1;
            }
        }
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
        self.note(None);
        let entries = self.entries.len();
        self.entries.clear();
        self.counters.vendors = 0;
        entries
    }

    fn note(&mut self, change: Option<Touched>) {
        self.epoch += 1;
        self.recent.push_back(change);
        if self.recent.len() > RECENT_CHANGES {
            self.recent.pop_front();
        }
    }

    pub fn counters(&self) -> QueryCacheCounters {
        QueryCacheCounters { entries: self.entries.len(), ..self.counters }
    }
}

/// A normalised query names its city in lower case, as changes do.
fn touches(touched: &Touched, key: &SourcingQuery) -> bool {
    touched.category == key.category && touched.city.as_ref().is_none_or(|city| *city == key.city)
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Window;
    use store::Reach;

    fn nothing() -> Arc<Vec<Sourced>> {
        Arc::new(Vec::new())
    }

    fn key(category: &str, city: &str, guests: u32) -> SourcingQuery {
        let start = jiff::Timestamp::UNIX_EPOCH;
        SourcingQuery {
            category: category.into(),
            city: city.to_owned(),
            guests,
            window: Window { start, end: start },
            date: jiff::civil::date(2027, 6, 19),
            time_zone: "UTC".into(),
            today: jiff::civil::date(2027, 1, 1),
            currency: model::Currency::INR,
            exclude: Vec::new(),
            for_plan: None,
            reach: Reach::Feasible,
        }
    }

    fn touched(category: &str, city: Option<&str>) -> Touched {
        Touched { category: category.into(), city: city.map(str::to_owned) }
    }

    #[test]
    fn answers_age_and_are_pushed_out() {
        let mut cache = QueryCache::new(2, Duration::from_secs(10));
        let now = Instant::now();
        let epoch = cache.epoch();
        let keys: Vec<_> = (0..5).map(|guests| key("venue", "x", guests)).collect();
        for key in &keys[1..3] {
            cache.insert(epoch, key.clone(), nothing(), now);
        }
        assert!(cache.get(&keys[1], now + Duration::from_secs(9)).is_some());
        assert!(cache.get(&keys[1], now + Duration::from_secs(10)).is_none());
        cache.insert(epoch, keys[3].clone(), nothing(), now);
        cache.insert(epoch, keys[4].clone(), nothing(), now);
        assert!(cache.get(&keys[2], now).is_none());
        assert_eq!(cache.counters().evictions, 1);
    }

    #[test]
    fn a_change_reaches_its_category_and_city_alone() {
        let mut cache = QueryCache::new(9, Duration::from_secs(10));
        let now = Instant::now();
        let [here, there, other] =
            [key("venue", "here", 1), key("venue", "there", 1), key("caterer", "here", 1)];
        let fill = |cache: &mut QueryCache| {
            for key in [&here, &there, &other] {
                cache.insert(cache.epoch(), key.clone(), nothing(), now);
            }
        };
        let kept = |cache: &mut QueryCache| {
            [&here, &there, &other].map(|key| cache.get(key, now).is_some())
        };
        fill(&mut cache);
        cache.invalidate(&[touched("venue", Some("here"))]);
        assert_eq!(kept(&mut cache), [false, true, true]);
        fill(&mut cache);
        cache.invalidate(&[touched("venue", None)]);
        assert_eq!(kept(&mut cache), [false, false, true], "who travels is everywhere");
        assert_eq!(cache.flush(), 1);
        assert_eq!(kept(&mut cache), [false, false, false]);
    }

    #[test]
    fn a_read_that_began_before_a_change_is_not_stored_after_it() {
        let mut cache = QueryCache::new(9, Duration::from_secs(10));
        let now = Instant::now();
        let [here, there] = [key("venue", "here", 1), key("venue", "there", 1)];
        let before = cache.epoch();
        cache.invalidate(&[touched("venue", Some("here"))]);
        cache.insert(before, here.clone(), nothing(), now);
        cache.insert(before, there.clone(), nothing(), now);
        assert!(cache.get(&here, now).is_none());
        assert!(cache.get(&there, now).is_some(), "a change elsewhere is no reason");
        let late = cache.epoch();
        for _ in 0..=RECENT_CHANGES {
            cache.invalidate(&[touched("music", None)]);
        }
        assert!(cache.is_stale(late, &there), "what is no longer known may be stale");
        assert!(!cache.is_stale(cache.epoch(), &there));
    }
}
