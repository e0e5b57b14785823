//! The database layer at a million vendors of 8 categories in 200 cities: a private cluster of
//! its own, all figures and their ratios in one run.
//!
//! `cargo bench --bench database [-- VENDORS]`

use std::{
    os::unix::fs::PermissionsExt,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use eventplanner::{
    actors::vendor_search::{
        cached_sourcing::CachedSourcing,
        import::{RowSource, import},
        query_cache::QueryCache,
    },
    catalog::invented_cities,
    model::{Category, Currency, VendorId, Window},
    store::{
        Cluster, Observer, QueryFigures, Reach, SourcingQuery, StateLock, Store,
        settings::DatabaseSettings,
    },
    wire::GenerateVendors,
};
use jiff::{Timestamp, ToSpan, civil};

const VENDORS: u32 = 1_000_000;
const CITIES: usize = 200;
const CATEGORIES: [&str; 8] = [
    "venue",
    "caterer",
    "photographer",
    "makeup_artist",
    "florist",
    "music",
    "decorator",
    "transport",
];
/// Searches per category.
const SEARCHES: usize = 60;
/// The same without indexes: each reads the whole table.
const SEARCHES_UNINDEXED: usize = 4;
const ROUNDS: usize = 400;

fn main() {
    let vendors = std::env::args().filter_map(|arg| arg.parse().ok()).next().unwrap_or(VENDORS);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    // On the runtime's own threads, as the daemon's searches are.
    runtime.block_on(runtime.spawn(run(vendors))).expect("no panic");
}

/// Collects the waits for connections.
#[derive(Default)]
struct Waits(Mutex<Vec<Duration>>);

impl Observer for Waits {
    fn queried(&self, _: QueryFigures) {}

    fn checked_out(&self, wait: Duration, _: bool) {
        self.0.lock().expect("no panic").push(wait);
    }
}

async fn run(vendors: u32) {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o711)).expect("mode");
    let lock = StateLock::acquire(folder.path()).expect("a lock");
    let settings = DatabaseSettings::default();
    let cluster = Cluster::start(&lock, &settings).await.expect("a cluster");
    cluster.ensure_database("bench", None).await.expect("a database");
    let settings = DatabaseSettings { url: cluster.url("bench"), ..settings };
    let waits = Arc::new(Waits::default());
    let store = Store::closed(&settings, waits.clone()).expect("a store");
    store.bring_up().await.expect("a schema");

    println!("{:<58} {:>14}  target", "database layer", "measured");
    generating(&store, vendors).await;
    searching(&store, &settings).await;
    importing(&store, vendors).await;
    connecting(&store, &settings, &waits).await;
    cluster.stop().await.expect("a stop");
}

fn generated(count: u32, cities: Vec<String>, city_count: u32) -> RowSource {
    RowSource::generated(GenerateVendors {
        count,
        seed: 1,
        cities,
        city_count,
        currency: None,
        near: None,
    })
    .expect("what can be made up")
}

fn rate(rows: u64, began: Instant) -> String {
    format!("{:.0} rows/s", rows as f64 / began.elapsed().as_secs_f64())
}

async fn generating(store: &Store, vendors: u32) {
    let began = Instant::now();
    let report = import(store, generated(vendors, Vec::new(), CITIES as u32), false).await;
    let inserted = report.expect("an import").inserted;
    let what = format!("generate {inserted} vendors into an empty table");
    line(&what, &rate(inserted, began), ">= 50000 rows/s");

    let began = Instant::now();
    let built = store.build_indexes().await.expect("indexes");
    let figure = format!("{:.1} s", began.elapsed().as_secs_f64());
    line(&format!("build the {built} indexes of the catalogue, beside"), &figure, "");
}

/// Into the indexed table, for other cities.
async fn importing(store: &Store, vendors: u32) {
    for (share, what) in [(4, "bulk: without the search indexes, built after"), (40, "row by row")]
    {
        let cities = invented_cities(2 * CITIES).split_off(CITIES);
        let cities = cities.iter().map(|city| format!("{city} {share}")).collect();
        let began = Instant::now();
        let report = import(store, generated(vendors / share, cities, 0), false).await;
        let inserted = report.expect("an import").inserted;
        let target = ">= 50000 rows/s or honest best";
        line(&format!("import {inserted} more ({what})"), &rate(inserted, began), target);
        let began = Instant::now();
        if store.build_indexes().await.expect("indexes") > 0 {
            let figure = format!("{:.1} s", began.elapsed().as_secs_f64());
            line("  and the indexes again", &figure, "");
        }
    }
}

async fn searching(store: &Store, settings: &DatabaseSettings) {
    // Sequential reads only, as if this project had made no index.
    let off = "options=-c%20enable_indexscan%3Doff%20-c%20enable_bitmapscan%3Doff\
               %20-c%20enable_indexonlyscan%3Doff";
    let url = format!("{}&{off}", settings.url);
    let small = DatabaseSettings { url, pool_size: 1, ..settings.clone() };
    let unindexed = Store::open(&small).await.expect("a store");
    let cities = invented_cities(CITIES);
    // As in a database that has served for a while: statements are prepared, their plans have
    // settled, and every page was read once.
    for round in 0..CITIES {
        store.source_all(&queries(&cities, round)).await.expect("an answer");
    }
    let (mut all, mut all_unindexed) = (Vec::new(), Vec::new());
    for (position, category) in CATEGORIES.iter().enumerate() {
        let (mut times, mut rows) = (Vec::new(), 0);
        for round in 0..SEARCHES {
            let query = &queries(&cities, 100 + round * 7)[position];
            let began = Instant::now();
            let found = store.source(query).await.expect("an answer");
            times.push(began.elapsed());
            rows += found.len();
        }
        for round in 0..SEARCHES_UNINDEXED {
            let query = &queries(&cities, 100 + round * 7)[position];
            let began = Instant::now();
            unindexed.source(query).await.expect("an answer");
            all_unindexed.push(began.elapsed());
        }
        all.extend(times.iter().copied());
        let figure =
            format!("{} / {}", ms(quantile(&mut times, 0.5)), ms(quantile(&mut times, 0.99)));
        let what = format!("cold search, {category}: {} vendors, p50 / p99", rows / SEARCHES);
        line(&what, &figure, "<= 2 / 10 ms");
    }
    let (cold, without) = (quantile(&mut all, 0.5), quantile(&mut all_unindexed, 0.5));
    line("cold search, all categories, p50", &ms(cold), "<= 2 ms");
    line("the same without indexes, p50", &ms(without), "");
    line("  ratio", &ratio(without, cold), ">= 20 x");

    let cache = QueryCache::new(2_000, Duration::from_secs(300));
    let cached = CachedSourcing::new(store.clone(), Some(cache));
    let (mut hits, mut wholes, mut whole_hits) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..SEARCHES {
        let queries = queries(&cities, 1_000 + round);
        // As in a cache that is full: what is read takes the place of what was.
        cached.flush();
        let began = Instant::now();
        cached.source(queries.clone()).await.expect("an answer");
        wholes.push(began.elapsed());
        let began = Instant::now();
        cached.source(queries.clone()).await.expect("an answer");
        whole_hits.push(began.elapsed());
        for query in queries {
            let began = Instant::now();
            cached.source(vec![query]).await.expect("an answer");
            hits.push(began.elapsed());
        }
    }
    let hit = quantile(&mut hits, 0.5);
    line("cached search, p50", &format!("{:.1} us", hit.as_secs_f64() * 1e6), "<= 20 us");
    let less = 100.0 * (1.0 - hit.as_secs_f64() / cold.as_secs_f64());
    line("  less time than cold", &format!("{less:.2} %"), ">= 99 %");
    let figure =
        format!("{} / {}", ms(quantile(&mut wholes, 0.5)), ms(quantile(&mut wholes, 0.99)));
    line("a plan's sourcing, 8 categories, cold, p50 / p99", &figure, "<= 10 ms");
    line("  the same cached, p50", &ms(quantile(&mut whole_hits, 0.5)), "");
}

async fn connecting(store: &Store, settings: &DatabaseSettings, waits: &Waits) {
    let unprepared = DatabaseSettings { prepared_statements: false, ..settings.clone() };
    let unprepared = Store::open(&unprepared).await.expect("a store");
    let cities = invented_cities(1);
    let id = [VendorId::new(format!("venue-{}-000001", cities[0].to_lowercase()))];
    let nowhere = SourcingQuery { city: "nowhere".to_owned(), ..queries(&cities, 1)[0].clone() };
    for _ in 0..20 {
        store.vendors_by_ids(&id).await.expect("an answer");
        store.source(&nowhere).await.expect("an answer");
        unprepared.ping().await.expect("an answer");
    }
    waits.0.lock().expect("no panic").clear();
    let (mut connects, mut by_id, mut by_id_un, mut source, mut source_un) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let began = Instant::now();
        let url = &settings.url;
        let (client, connection) =
            tokio_postgres::connect(url, tokio_postgres::NoTls).await.expect("a connection");
        connects.push(began.elapsed());
        let driven = tokio::spawn(connection);
        drop(client);
        driven.await.expect("no panic").expect("an end");
        for (store, by_id, source) in
            [(store, &mut by_id, &mut source), (&unprepared, &mut by_id_un, &mut source_un)]
        {
            let began = Instant::now();
            store.vendors_by_ids(&id).await.expect("an answer");
            by_id.push(began.elapsed());
            let began = Instant::now();
            store.source(&nowhere).await.expect("an answer");
            source.push(began.elapsed());
        }
    }
    let checkout = quantile(&mut waits.0.lock().expect("no panic"), 0.5);
    let connect = quantile(&mut connects, 0.5);
    line("connecting, p50", &ms(connect), "");
    line("pooled check-out, p50", &format!("{:.1} us", checkout.as_secs_f64() * 1e6), "");
    line("  ratio", &ratio(connect, checkout), ">= 40 x");
    for (what, prepared, unprepared) in
        [("a vendor by id", &mut by_id, &mut by_id_un), ("a search", &mut source, &mut source_un)]
    {
        let (with, without) = (quantile(prepared, 0.5), quantile(unprepared, 0.5));
        line(
            &format!("{what}, prepared / unprepared, p50"),
            &format!("{} / {}", ms(with), ms(without)),
            "",
        );
        line("  ratio", &ratio(without, with), ">= 1.5 x");
    }
}

/// One plan's queries; another `round`, another event.
fn queries(cities: &[String], round: usize) -> Vec<SourcingQuery> {
    let date = civil::date(2027, 3, 1).saturating_add(((round as i64 * 13) % 300).days());
    let start: Timestamp = date.at(12, 0, 0, 0).in_tz("UTC").expect("UTC").timestamp();
    let end = start.checked_add(8.hours()).expect("in range");
    let query = |category: &str| SourcingQuery {
        category: Category::new(category),
        city: cities[(round * 31) % cities.len()].clone(),
        guests: 80 + (round as u32 * 17) % 300,
        window: Window { start, end },
        date,
        time_zone: "UTC".into(),
        today: civil::date(2026, 12, 1),
        currency: Currency::INR,
        exclude: Vec::new(),
        for_plan: None,
        reach: Reach::Feasible,
    };
    CATEGORIES.map(query).to_vec()
}

fn quantile(times: &mut [Duration], share: f64) -> Duration {
    times.sort_unstable();
    let last = times.len().saturating_sub(1);
    times.get((last as f64 * share).round() as usize).copied().unwrap_or_default()
}

fn ms(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}

fn ratio(more: Duration, less: Duration) -> String {
    format!("{:.1} x", more.as_secs_f64() / less.as_secs_f64())
}

fn line(what: &str, measured: &str, target: &str) {
    println!("{what:<58} {measured:>14}  {target}");
}
