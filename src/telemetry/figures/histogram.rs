//! Times in seconds: exact counts per Prometheus bucket, and percentiles within 1 %.

use hdrhistogram::Histogram as Hdr;

/// Upper bounds of the buckets in seconds: from a cached answer to a slow workflow.
pub(crate) const BUCKETS: [f64; 16] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0, 300.0,
    1_200.0,
];

/// Longest time that percentiles tell apart: a day, in microseconds.
const MAX_US: u64 = 86_400_000_000;

/// Two significant figures: 1 % of error in some 20 KiB.
const FIGURES: u8 = 2;

/// A distribution of times.
#[derive(Clone, Debug, Default)]
pub struct Histogram {
    /// Observations per bucket, the last one for longer times; not cumulative.
    buckets: [u64; BUCKETS.len() + 1],
    sum_s: f64,
    /// Microseconds. None until the first observation, and should its making fail.
    percentiles: Option<Box<Hdr<u64>>>,
}

impl Histogram {
    /// Adds a time. One that is negative or no number counts as 0: clocks may step back.
    pub fn observe(&mut self, seconds: f64) {
        let seconds = if seconds > 0.0 { seconds } else { 0.0 };
        let bucket = BUCKETS.iter().position(|bound| seconds <= *bound).unwrap_or(BUCKETS.len());
        self.buckets[bucket] += 1;
        self.sum_s += seconds;
        if self.percentiles.is_none() {
            self.percentiles = Hdr::new_with_bounds(1, MAX_US, FIGURES).ok().map(Box::new);
        }
        if let Some(percentiles) = &mut self.percentiles {
            percentiles.saturating_record((seconds * 1e6) as u64);
        }
    }

    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// Sum of all times in seconds.
    pub(crate) fn sum_seconds(&self) -> f64 {
        self.sum_s
    }

    /// None where nothing was observed.
    pub fn mean_seconds(&self) -> Option<f64> {
        let count = self.count();
        (count > 0).then(|| self.sum_s / count as f64)
    }

    /// The time in seconds that the given share (0–1) of observations did not exceed; None where
    /// nothing was observed.
    pub fn quantile_seconds(&self, share: f64) -> Option<f64> {
        let percentiles = self.percentiles.as_ref().filter(|p| !p.is_empty())?;
        Some(percentiles.value_at_quantile(share) as f64 / 1e6)
    }

    /// Observations at or below each bound of [`BUCKETS`].
    pub(crate) fn cumulative(&self) -> impl Iterator<Item = (f64, u64)> {
        let sums = self.buckets.iter().scan(0, |sum, count| {
            *sum += count;
            Some(*sum)
        });
        BUCKETS.into_iter().zip(sums)
    }

    /// Adds all of the other's observations.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.buckets.iter_mut().zip(other.buckets) {
            *mine += theirs;
        }
        self.sum_s += other.sum_s;
        match (&mut self.percentiles, &other.percentiles) {
            // Both have the same bounds, so that neither call fails.
            (Some(mine), Some(theirs)) => {
                let _ = mine.add(theirs.as_ref());
            }
            (None, Some(theirs)) => self.percentiles = Some(theirs.clone()),
            (_, None) => {}
        }
    }

    /// What was observed since `earlier`, an older state of the same histogram.
    pub fn since(&self, earlier: &Self) -> Self {
        let mut rest = self.clone();
        for (mine, theirs) in rest.buckets.iter_mut().zip(earlier.buckets) {
            *mine = mine.saturating_sub(theirs);
        }
        rest.sum_s = (rest.sum_s - earlier.sum_s).max(0.0);
        if let (Some(mine), Some(theirs)) = (&mut rest.percentiles, &earlier.percentiles) {
            // Fails only where `earlier` is no older state: then the whole is shown.
            let _ = mine.subtract(theirs.as_ref());
        }
        rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_exact_and_percentiles_within_one_percent() {
        let mut histogram = Histogram::default();
        assert_eq!((histogram.count(), histogram.mean_seconds()), (0, None));
        assert_eq!(histogram.quantile_seconds(0.5), None);
        for ms in 1..=1_000 {
            histogram.observe(f64::from(ms) / 1e3);
        }
        for (share, expected) in [(0.5, 0.5), (0.95, 0.95), (0.99, 0.99), (1.0, 1.0)] {
            let found = histogram.quantile_seconds(share).unwrap();
            assert!((found / expected - 1.0).abs() < 0.01, "{share}: {found}");
        }
        assert!((histogram.mean_seconds().unwrap() - 0.5005).abs() < 1e-9);
        let below: Vec<_> = histogram.cumulative().map(|(_, count)| count).collect();
        assert_eq!(
            below,
            [1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 1000, 1000, 1000, 1000, 1000, 1000]
        );
    }

    #[test]
    fn odd_times_count_and_do_not_harm() {
        let mut histogram = Histogram::default();
        for odd in [-1.0, f64::NAN, 0.0, 1e9] {
            histogram.observe(odd);
        }
        assert_eq!(histogram.count(), 4);
        assert_eq!(histogram.sum_seconds(), 1e9);
        assert_eq!(histogram.cumulative().last(), Some((1_200.0, 3)));
    }

    #[test]
    fn a_difference_and_a_sum_undo_each_other() {
        let mut early = Histogram::default();
        early.observe(0.2);
        let mut late = early.clone();
        late.observe(3.0);
        late.observe(4.0);
        let between = late.since(&early);
        assert_eq!(between.count(), 2);
        assert!((between.mean_seconds().unwrap() - 3.5).abs() < 1e-9);
        assert!(between.quantile_seconds(0.0).unwrap() > 2.9);
        early.merge(&between);
        assert_eq!((early.count(), early.sum_seconds()), (3, late.sum_seconds()));
        assert_eq!(late.since(&late).quantile_seconds(0.5), None);
    }
}
