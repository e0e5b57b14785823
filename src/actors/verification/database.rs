//! The database's mechanisms: query cache, pooling, prepared statements, indexes; and agents that
//! wait for it at the same time.

use std::{
    future::Future,
    time::{Duration, Instant},
};

use futures_util::future::try_join_all;

use super::{
    Material, Verifier, open,
    samples::{Claim, Comparison},
};
use crate::vendor_search::VendorSearch;
use store::{SourcingQuery, Store, ping_without_pool};
use wire::ApiError;

const QUERY_CACHE: Claim =
    Claim { name: "query cache", unit: "ms of a vendor query", promised: Some(60.0) };
const POOLING: Claim =
    Claim { name: "pooling", unit: "ms of a query, connection included", promised: Some(40.0) };
const PREPARED: Claim =
    Claim { name: "prepared statements", unit: "ms of a vendor query", promised: None };
const INDEXES: Claim =
    Claim { name: "indexes", unit: "ms of a vendor query", promised: Some(50.0) };
const PARALLEL: Claim =
    Claim { name: "parallel agents", unit: "ms of a plan's vendor queries", promised: None };

/// For the planner: sequential scans only.
const WITHOUT_INDEXES: &str =
    "-c enable_indexscan=off -c enable_bitmapscan=off -c enable_indexonlyscan=off";
const NO_PLANS: &str = "no plan in the database to take queries from; submit one";

/// # Errors
/// The database doesn't answer.
pub(super) async fn compare(
    verifier: &Verifier,
    material: &Material,
    samples: u32,
) -> Result<Vec<Comparison>, ApiError> {
    let settings = &verifier.settings.database;
    let mut pooling = Comparison::new(POOLING);
    for _ in 0..samples {
        let off = timed(ping_without_pool(settings)).await?;
        pooling.add(off, timed(verifier.store.ping()).await?);
    }
    if material.queries.is_empty() {
        let nothing = |claim| Comparison::not_measured(claim, NO_PLANS);
        let [cache, prepared, indexes] = [QUERY_CACHE, PREPARED, INDEXES].map(nothing);
        return Ok(vec![cache, pooling, prepared, indexes]);
    }
    let plain = open(settings, |own| own.prepared_statements = true).await?;
    let cache = query_cache(verifier, &plain, &material.queries, samples).await?;
    let unprepared = open(settings, |own| own.prepared_statements = false).await?;
    let prepared = two_stores(PREPARED, (&unprepared, &plain), &material.queries, samples).await?;
    let scanning = open(settings, |own| own.url = with_options(&own.url, WITHOUT_INDEXES)).await?;
    let indexes = two_stores(INDEXES, (&scanning, &plain), &material.queries, samples).await?;
    Ok(vec![cache, pooling, prepared, indexes])
}

/// Through the actor, as plans go: the second time the same question is asked.
async fn query_cache(
    verifier: &Verifier,
    plain: &Store,
    queries: &[SourcingQuery],
    samples: u32,
) -> Result<Comparison, ApiError> {
    if !verifier.settings.database.query_cache {
        let note = "database.query_cache is off";
        return Ok(Comparison::not_measured(QUERY_CACHE, note));
    }
    let ask = |query: &SourcingQuery| VendorSearch::source(&verifier.vendors, vec![query.clone()]);
    let mut compared = Comparison::new(QUERY_CACHE);
    for query in queries.iter().cycle().take(samples as usize) {
        let off = timed(plain.source(query)).await?;
        ask(query).await?;
        compared.add(off, timed(ask(query)).await?);
    }
    Ok(compared)
}

async fn two_stores(
    claim: Claim,
    (off, on): (&Store, &Store),
    queries: &[SourcingQuery],
    samples: u32,
) -> Result<Comparison, ApiError> {
    // What a first query costs on a connection is not what is compared.
    for query in queries {
        off.source(query).await?;
        on.source(query).await?;
    }
    let mut compared = Comparison::new(claim);
    for query in queries.iter().cycle().take(samples as usize) {
        compared.add(timed(off.source(query)).await?, timed(on.source(query)).await?);
    }
    Ok(compared)
}

/// All of the plans' vendor queries one by one, and at the same time.
///
/// # Errors
/// The database doesn't answer.
pub(super) async fn parallel_agents(
    verifier: &Verifier,
    material: &Material,
    samples: u32,
) -> Result<Comparison, ApiError> {
    if material.queries.is_empty() {
        return Ok(Comparison::not_measured(PARALLEL, NO_PLANS));
    }
    let at_once = verifier.settings.max_parallel_agents.max(2);
    let store = open(&verifier.settings.database, |own| own.pool_size = at_once as u32).await?;
    let queries: Vec<&SourcingQuery> = material.queries.iter().take(at_once).collect();
    let all = || try_join_all(queries.iter().map(|query| store.source(query)));
    all().await?;
    let mut compared = Comparison::new(PARALLEL);
    for _ in 0..samples {
        let began = Instant::now();
        for query in &queries {
            store.source(query).await?;
        }
        let off = ms(began.elapsed());
        compared.add(off, timed(all()).await?);
    }
    let note = format!("{} queries; with a model server its answers overlap too", queries.len());
    Ok(compared.with_note(note))
}

/// Milliseconds that the work took.
async fn timed<T, E: Into<ApiError>>(
    work: impl Future<Output = Result<T, E>>,
) -> Result<f64, ApiError> {
    let began = Instant::now();
    work.await.map_err(Into::into)?;
    Ok(ms(began.elapsed()))
}

pub(super) fn ms(span: Duration) -> f64 {
    span.as_secs_f64() * 1e3
}

/// A connection URL with more options for the server.
fn with_options(url: &str, options: &str) -> String {
    let mark = if url.contains('?') { '&' } else { '?' };
    let encoded = options.replace(' ', "%20").replace('=', "%3D");
    format!("{url}{mark}options={encoded}")
}
