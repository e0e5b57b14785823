//! How fast failing plans use up what the target allows: multi-window burn rates.
//!
//! A burn rate of 1 uses the allowed failures up exactly; 14.4 uses up a month's in 50 hours. An
//! alert looks at a long window, so that a single failure doesn't fire it, and at a short one as
//! well, so that it ends soon after the failures do (Google, The Site Reliability Workbook,
//! chapter 5).

use std::{collections::VecDeque, time::Duration};

use jiff::Timestamp;

use super::Sample;

const MINUTE: Duration = Duration::from_secs(60);
/// Long and short window of the quick burn: a month's allowance in two days.
pub(crate) const FAST: (Duration, Duration) = (MINUTE.saturating_mul(60), MINUTE.saturating_mul(5));
/// Of the slow burn: in five days.
pub(crate) const SLOW: (Duration, Duration) =
    (MINUTE.saturating_mul(360), MINUTE.saturating_mul(30));
/// Looks remembered at most; at one a second they reach back less than the slow burn wants.
const LOOKS_MAX: usize = 4_096;

/// Plans that ended between one look and the one before.
#[derive(Clone, Copy, Debug)]
struct Look {
    at: Timestamp,
    failed: u64,
    all: u64,
}

/// Ended plans of the last hours.
#[derive(Clone, Debug, Default)]
pub(crate) struct BurnRate {
    looks: VecDeque<Look>,
}

impl BurnRate {
    /// Takes in the plans that ended since the last look.
    pub(crate) fn add(&mut self, at: Timestamp, failed: u64, all: u64) {
        self.looks.push_back(Look { at, failed, all });
        let old = |look: &Look| age(look.at, at) > SLOW.0;
        while self.looks.len() > LOOKS_MAX || self.looks.front().is_some_and(old) {
            self.looks.pop_front();
        }
    }

    /// The lower burn rate of two windows at `now`, as a multiple of what `target_percent` of
    /// success allows, with the plans of the long window as samples. None where either window saw
    /// no plan end.
    pub(crate) fn sample(
        &self,
        (long, short): (Duration, Duration),
        target_percent: f64,
        now: Timestamp,
    ) -> Option<Sample> {
        let (failed_long, all_long) = self.sums(long, now);
        let (failed_short, all_short) = self.sums(short, now);
        if all_long == 0 || all_short == 0 || target_percent >= 100.0 {
            return None;
        }
        let allowed = 1.0 - target_percent / 100.0;
        let rate = |failed: u64, all: u64| failed as f64 / all as f64 / allowed;
        let value = rate(failed_long, all_long).min(rate(failed_short, all_short));
        Some(Sample { value, samples: all_long })
    }

    fn sums(&self, window: Duration, now: Timestamp) -> (u64, u64) {
        let within = self.looks.iter().filter(|look| age(look.at, now) < window);
        within.fold((0, 0), |(failed, all), look| (failed + look.failed, all + look.all))
    }
}

/// Zero where the clock was set back.
fn age(at: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(at)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(60 * minute).unwrap()
    }

    #[test]
    fn a_burst_of_failures_burns_in_both_windows_and_is_over_with_the_short_one() {
        let mut rate = BurnRate::default();
        assert_eq!(rate.sample(FAST, 99.0, at(0)), None);
        for minute in 0..60 {
            rate.add(at(minute), 0, 10);
        }
        assert_eq!(rate.sample(FAST, 99.0, at(59)).unwrap().value, 0.0);
        // Ten minutes in which every plan fails.
        for minute in 60..70 {
            rate.add(at(minute), 10, 10);
        }
        let burning = rate.sample(FAST, 99.0, at(69)).unwrap();
        // 100 of 600 plans in the long window failed, 1 % may: 16.7 times as many.
        assert!((burning.value - 100.0 / 600.0 / 0.01).abs() < 1e-9, "{burning:?}");
        assert_eq!(burning.samples, 600);
        for minute in 70..75 {
            rate.add(at(minute), 0, 10);
        }
        assert_eq!(rate.sample(FAST, 99.0, at(74)).unwrap().value, 0.0);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut rate = BurnRate::default();
        for minute in 0..1_000 {
            rate.add(at(minute), 1, 1);
        }
        assert_eq!(rate.looks.len(), 361);
        for _ in 0..10_000 {
            rate.add(at(1_000), 1, 1);
        }
        assert_eq!(rate.looks.len(), LOOKS_MAX);
    }
}
