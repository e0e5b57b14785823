//! What an endpoint did, in numbers. Times go into histograms of bounded memory.

use std::time::Duration;

use hdrhistogram::Histogram;

use crate::failure::Failure;
use wire::{LlmFigures, LlmTimes};

/// Longest time that a histogram tells apart, in microseconds: ten minutes.
const LONGEST_US: u64 = 600_000_000;

/// Digits that a histogram keeps.
const DIGITS: u8 = 2;

/// Times with percentiles, some 25 kB.
pub(crate) struct Times {
    histogram: Option<Histogram<u64>>,
    count: u64,
    sum: Duration,
}

impl Times {
    pub(crate) fn new() -> Self {
        // The bounds are constants that the crate accepts.
        let histogram = Histogram::new_with_bounds(1, LONGEST_US, DIGITS).ok();
        Self { histogram, count: 0, sum: Duration::ZERO }
    }

    pub(crate) fn record(&mut self, time: Duration) {
        self.count += 1;
        self.sum = self.sum.saturating_add(time);
        if let Some(histogram) = &mut self.histogram {
            histogram.saturating_record(u64::try_from(time.as_micros()).unwrap_or(LONGEST_US));
        }
    }

    pub(crate) fn summary(&self) -> LlmTimes {
        if self.count == 0 {
            return LlmTimes::default();
        }
        let at = |quantile: f64| {
            let micros = self.histogram.as_ref().map_or(0, |h| h.value_at_quantile(quantile));
            micros as f64 / 1e3
        };
        LlmTimes {
            mean_ms: self.sum.as_secs_f64() / self.count as f64 * 1e3,
            p50_ms: at(0.5),
            p95_ms: at(0.95),
            p99_ms: at(0.99),
        }
    }
}

/// How long the parts of one request at an endpoint took.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Spent {
    pub queue: Duration,
    pub first_byte: Option<Duration>,
    /// On the wire, all tries together.
    pub upstream: Duration,
    /// Between tries.
    pub backoff: Duration,
}

impl Spent {
    /// Total time without queueing, backoff and waiting for the server.
    pub(crate) fn overhead(&self, total: Duration) -> Duration {
        total.saturating_sub(self.queue + self.upstream + self.backoff)
    }
}

/// How one request at an endpoint went, for whoever keeps figures of his own.
#[derive(Clone, Copy, Debug)]
pub struct RequestTimes<'a> {
    pub endpoint: &'a str,
    pub model: &'a str,
    pub succeeded: bool,
    pub queue: Duration,
    /// From a call to the first byte of its reply.
    pub first_byte: Option<Duration>,
    pub total: Duration,
    /// Total without queueing, backoff and waiting for the server.
    pub overhead: Duration,
}

/// Called at the end of each request; must be quick.
pub(crate) type Observer = dyn Fn(&RequestTimes<'_>) + Send + Sync;

/// Counters and times of one endpoint.
pub(crate) struct EndpointMetrics {
    /// All but the times.
    figures: LlmFigures,
    queue: Times,
    first_byte: Times,
    total: Times,
    overhead: Times,
}

/// What the whole gateway did since its start.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LlmCounters {
    /// Questions asked.
    pub requests: u64,
    /// Questions that `rules` answered although endpoints are configured.
    pub fallbacks: u64,
    /// Questions that joined a call under way.
    pub coalesced: u64,
    /// Requests to endpoints that are under way or queued now, coalesced ones once.
    pub under_way: usize,
    pub cache: CacheCounters,
    /// All answers, `rules` and cache included.
    pub answer: LlmTimes,
    /// In the order of the settings.
    pub endpoints: Vec<LlmFigures>,
    /// Events that nobody took in time.
    pub(crate) events_lost: u64,
}

impl EndpointMetrics {
    pub(crate) fn new() -> Self {
        Self {
            figures: LlmFigures::default(),
            queue: Times::new(),
            first_byte: Times::new(),
            total: Times::new(),
            overhead: Times::new(),
        }
    }

    pub(crate) fn cache_hit(&mut self) {
        self.figures.cache_hits += 1;
    }

    pub(crate) fn coalesced(&mut self) {
        self.figures.coalesced += 1;
    }

    pub(crate) fn retry(&mut self) {
        self.figures.retries += 1;
    }

    pub(crate) fn repair(&mut self) {
        self.figures.repairs += 1;
    }

    pub(crate) fn failure(&mut self, failure: &Failure) {
        let kind = failure.kind.as_str().to_owned();
        *self.figures.failures.entry(kind).or_default() += 1;
    }

    pub(crate) fn call(&mut self) {
        self.figures.calls += 1;
    }

    pub(crate) fn tokens(&mut self, tokens_in: u64, tokens_out: u64) {
        self.figures.tokens_in = self.figures.tokens_in.saturating_add(tokens_in);
        self.figures.tokens_out = self.figures.tokens_out.saturating_add(tokens_out);
    }

    /// A request ended. Times of failed ones would blur the distributions; they are counted only.
    pub(crate) fn request(&mut self, succeeded: bool, total: Duration, spent: Spent) {
        self.figures.requests += 1;
        self.queue.record(spent.queue);
        if !succeeded {
            return;
        }
        self.figures.succeeded += 1;
        self.total.record(total);
        if let Some(first_byte) = spent.first_byte {
            self.first_byte.record(first_byte);
        }
        self.overhead.record(spent.overhead(total));
    }

    pub(crate) fn figures(&self) -> LlmFigures {
        LlmFigures {
            queue: self.queue.summary(),
            first_byte: self.first_byte.summary(),
            total: self.total.summary(),
            overhead: self.overhead.summary(),
            ..self.figures.clone()
        }
    }
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

impl CacheCounters {
    /// Hits over lookups; `None` before the first lookup.
    pub fn hit_rate(&self) -> Option<f64> {
        let lookups = self.hits + self.misses;
        (lookups > 0).then(|| self.hits as f64 / lookups as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overhead_is_what_neither_queue_nor_server_took() {
        let mut metrics = EndpointMetrics::new();
        let ms = Duration::from_millis;
        let spent =
            Spent { queue: ms(10), first_byte: Some(ms(20)), upstream: ms(60), backoff: ms(25) };
        metrics.request(true, ms(100), spent);
        metrics.request(false, ms(900), Spent::default());
        let seen = metrics.figures();
        assert_eq!((seen.requests, seen.succeeded), (2, 1));
        assert!((seen.overhead.p50_ms - 5.0).abs() < 0.1, "{:?}", seen.overhead);
        assert!((seen.total.mean_ms - 100.0).abs() < 1e-6, "only the one that succeeded");
        assert!((seen.queue.mean_ms - 5.0).abs() < 1e-6, "both of them");
        assert_eq!(Times::new().summary(), LlmTimes::default());
    }
}
