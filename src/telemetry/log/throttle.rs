//! Cuts a flood: the first few of a kind in each span of time pass, the others are counted, and the
//! next that passes is told how many they were. Spares the log, where metrics count them all.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Kinds that are remembered. Where there are more, those of past spans are forgotten; where there
/// still are, all.
const KINDS_MAX: usize = 1_024;

/// Keeps count of each kind `K`.
pub struct Throttle<K> {
    /// That pass, of each kind in each span.
    passes: u32,
    span: Duration,
    seen: Mutex<HashMap<K, Seen>>,
}

struct Seen {
    since: Instant,
    passed: u32,
    left_out: u64,
}

impl<K: Hash + Eq> Throttle<K> {
    pub fn new(passes: u32, span: Duration) -> Self {
        Self { passes, span, seen: Mutex::default() }
    }

    /// `None` where one of this kind is left out; else how many were since the last that passed.
    pub fn passes(&self, kind: K, now: Instant) -> Option<u64> {
        let mut all = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= KINDS_MAX && !all.contains_key(&kind) {
            self.make_room(&mut all, now);
        }
        let seen = all.entry(kind).or_insert(Seen { since: now, passed: 0, left_out: 0 });
        if now.saturating_duration_since(seen.since) >= self.span {
            (seen.since, seen.passed) = (now, 0);
        }
        if seen.passed >= self.passes {
            seen.left_out += 1;
            return None;
        }
        seen.passed += 1;
        Some(std::mem::take(&mut seen.left_out))
    }

    fn make_room(&self, all: &mut HashMap<K, Seen>, now: Instant) {
        all.retain(|_, seen| now.saturating_duration_since(seen.since) < self.span);
        if all.len() >= KINDS_MAX {
            all.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPAN: Duration = Duration::from_secs(10);

    #[test]
    fn a_flood_leaves_a_few_lines_and_its_number() {
        let throttle = Throttle::new(2, SPAN);
        let start = Instant::now();
        let written: Vec<u64> = (0..1_000).filter_map(|_| throttle.passes("busy", start)).collect();
        assert_eq!(written, [0, 0]);
        assert_eq!(throttle.passes("denied", start), Some(0), "another kind");
        assert_eq!(throttle.passes("busy", start + SPAN / 2), None);
        assert_eq!(throttle.passes("busy", start + SPAN), Some(999));
        assert_eq!(throttle.passes("busy", start + SPAN), Some(0));
        assert_eq!(throttle.passes("busy", start + SPAN), None);
    }

    #[test]
    fn its_memory_is_bounded() {
        let throttle = Throttle::new(1, SPAN);
        let start = Instant::now();
        for kind in 0..KINDS_MAX {
            assert_eq!(throttle.passes(kind, start), Some(0));
        }
        assert_eq!(throttle.passes(0, start), None);
        for kind in KINDS_MAX..3 * KINDS_MAX {
            throttle.passes(kind, start);
        }
        assert!(throttle.seen.lock().unwrap().len() <= KINDS_MAX);
        throttle.passes(0, start + 2 * SPAN);
    }
}
