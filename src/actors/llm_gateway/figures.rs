//! The LLM gateway's figures, as metrics: per endpoint and model.

use llm::{Answer, BreakerState, EndpointStatus, Gateway, LlmCounters, ModelState};
use telemetry::{Telemetry, figures::metrics};
use wire::LlmFigures;

/// How the gateway and its endpoints are.
pub struct LlmStatus {
    pub endpoints: Vec<EndpointStatus>,
    pub counters: LlmCounters,
}

/// Lets the gateway's times go into `telemetry` as they are taken.
pub(crate) fn observe_times(gateway: &Gateway, telemetry: &Telemetry) {
    let telemetry = telemetry.clone();
    gateway.observe(move |times| {
        let labels = [times.endpoint, times.model];
        telemetry.observe(metrics::LLM_QUEUE_SECONDS, &labels, times.queue);
        // Times of failed requests would blur the others; they are counted by kind.
        if times.succeeded {
            telemetry.observe(metrics::LLM_SECONDS, &labels, times.total);
            telemetry.observe(metrics::LLM_OVERHEAD_SECONDS, &labels, times.overhead);
        }
        if let Some(first_byte) = times.first_byte {
            telemetry.observe(metrics::LLM_FIRST_BYTE_SECONDS, &labels, first_byte);
        }
    });
}

/// Counts an answer of the rules in place of a server's.
pub(crate) fn count_fallback(telemetry: &Telemetry, answer: &Answer) {
    if let (None, Some(kind)) = (&answer.model, answer.last_failure) {
        telemetry.inc(metrics::LLM_FALLBACKS, &[kind.as_str()]);
    }
}

/// Brings counters and gauges up to date.
pub fn record(telemetry: &Telemetry, status: &LlmStatus) {
    let cache = status.counters.cache;
    telemetry.set_total(metrics::LLM_CACHE, &["hit"], cache.hits);
    telemetry.set_total(metrics::LLM_CACHE, &["miss"], cache.misses);
    telemetry.set_total(metrics::LLM_CACHE_REMOVED, &["evicted"], cache.evictions);
    telemetry.set_total(metrics::LLM_CACHE_REMOVED, &["expired"], cache.expired);
    telemetry.gauge(metrics::LLM_CACHE_ENTRIES, &[], cache.entries as f64);
    telemetry.gauge(metrics::LLM_CACHE_HIT_AGE, &[], cache.mean_hit_age_seconds);
    for (endpoint, figures) in status.endpoints.iter().zip(&status.counters.endpoints) {
        record_figures(telemetry, endpoint, figures);
        record_state(telemetry, endpoint);
    }
}

fn record_figures(telemetry: &Telemetry, endpoint: &EndpointStatus, figures: &LlmFigures) {
    let (name, model) = (endpoint.name.as_str(), endpoint.model.model.as_str());
    let failed = figures.requests.saturating_sub(figures.succeeded);
    for (outcome, count) in [("ok", figures.succeeded), ("failed", failed)] {
        telemetry.set_total(metrics::LLM_REQUESTS, &[name, model, outcome], count);
    }
    for (direction, count) in [("prompt", figures.tokens_in), ("reply", figures.tokens_out)] {
        telemetry.set_total(metrics::LLM_TOKENS, &[name, model, direction], count);
    }
    for (metric, count) in [
        (metrics::LLM_CACHE_HITS, figures.cache_hits),
        (metrics::LLM_COALESCED, figures.coalesced),
        (metrics::LLM_CALLS, figures.calls),
        (metrics::LLM_RETRIES, figures.retries),
        (metrics::LLM_REPAIRS, figures.repairs),
    ] {
        telemetry.set_total(metric, &[name, model], count);
    }
    for (kind, count) in &figures.failures {
        telemetry.set_total(metrics::LLM_FAILURES, &[name, model, kind.as_str()], *count);
    }
}

fn record_state(telemetry: &Telemetry, endpoint: &EndpointStatus) {
    let (name, model) = (endpoint.name.as_str(), endpoint.model.model.as_str());
    let occupancy = endpoint.occupancy;
    telemetry.gauge(metrics::LLM_QUEUED, &[name, model], occupancy.queued as f64);
    telemetry.gauge(metrics::LLM_UPSTREAM, &[name, model], occupancy.busy as f64);
    for state in BreakerState::ALL {
        let is_it = f64::from(state == endpoint.breaker);
        telemetry.gauge(metrics::LLM_BREAKER, &[name, model, state.as_str()], is_it);
    }
    for state in ModelState::NAMES {
        let is_it = f64::from(state == endpoint.model.state.as_str());
        telemetry.gauge(metrics::LLM_MODEL, &[name, model, state], is_it);
    }
}
