//! Scores of combinations that were evaluated before.

use lru::LruCache;

use super::{Combination, Solution, score::Scorer};

/// A remembered combination: its value's bits and its best strategy, or nothing where it is
/// infeasible.
pub(crate) type ScoreEntry = (Combination, Option<(u64, usize)>);

/// Scores of combinations, least recently used first out.
pub(crate) struct ScoreCache {
    /// Grows as it fills: most searches need a few hundred of the entries that it may hold, and
    /// a table for all of them takes megabytes.
    entries: LruCache<Combination, Option<(f64, usize)>>,
    /// Entries held at most.
    size: usize,
    /// Combinations evaluated, not counting those found here.
    scored: u64,
    /// Combinations found here; not part of the search's state, and so counted from zero after a
    /// resumption.
    hits: u64,
    enabled: bool,
}

impl ScoreCache {
    /// Holds at most `size` combinations; none where it is not `enabled`.
    pub(crate) fn new(size: usize, enabled: bool) -> Self {
        Self { entries: LruCache::unbounded(), size: size.max(1), scored: 0, hits: 0, enabled }
    }

    fn put(&mut self, chosen: Combination, score: Option<(f64, usize)>) {
        self.entries.put(chosen, score);
        if self.entries.len() > self.size {
            self.entries.pop_lru();
        }
    }

    /// The combination's solution; evaluated once as long as the cache remembers it.
    pub(crate) fn solution(&mut self, scorer: &Scorer, chosen: &Combination) -> Option<Solution> {
        if self.enabled
            && let Some(&known) = self.entries.get(chosen)
        {
            self.hits += 1;
            let (value, strategy) = known?;
            let usage = scorer.usage(chosen);
            return Some(Solution { chosen: chosen.clone(), value, strategy, usage });
        }
        self.scored += 1;
        let solution = scorer.solution(chosen);
        if self.enabled {
            let score = solution.as_ref().map(|s| (s.value, s.strategy));
            self.put(chosen.clone(), score);
        }
        solution
    }

    /// Combinations evaluated so far.
    pub(crate) fn scored(&self) -> u64 {
        self.scored
    }

    /// Combinations that needed no evaluation.
    pub(crate) fn hits(&self) -> u64 {
        self.hits
    }

    /// Count and entries, the least recently used first; values as bits, so that no text form
    /// can change them.
    pub(crate) fn snapshot(&self) -> (u64, Vec<ScoreEntry>) {
        let entries = self.entries.iter().rev();
        let entries = entries.map(|(chosen, score)| {
            (chosen.clone(), score.map(|(value, strategy)| (value.to_bits(), strategy)))
        });
        (self.scored, entries.collect())
    }

    pub(crate) fn restore(&mut self, scored: u64, entries: Vec<ScoreEntry>) {
        self.scored = scored;
        for (chosen, score) in entries {
            let score = score.map(|(bits, strategy)| (f64::from_bits(bits), strategy));
            self.put(chosen, score);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_recently_used_makes_room() {
        let mut cache = ScoreCache::new(2, true);
        for place in 0..3 {
            cache.put(vec![Some(place)], None);
        }
        let kept: Vec<Combination> = cache.snapshot().1.into_iter().map(|(c, _)| c).collect();
        assert_eq!(kept, [vec![Some(1)], vec![Some(2)]]);
    }
}
