//! A model check of the query cache: the real `CachedSourcing` over a catalogue that changes, under
//! a scheduler that tries orders of events that time would hardly ever bring about.
//!
//! `EVENTPLANNER_MODEL_SCHEDULES=100000 cargo test --lib cached_sourcing_model` tries more of them. A
//! schedule that fails is printed, and `shuttle::replay` runs it again.

use std::{sync::Arc, time::Duration};

use shuttle::{
    future::{block_on, spawn, yield_now},
    rand::{Rng, thread_rng},
    sync::Mutex,
};

use super::{
    cached_sourcing::{CachedSourcing, Candidates, Catalogue},
    query_cache::QueryCache,
};
use model::{AreaMap, Category, Sourced, Vendor, Window};
use store::{Changes, Reach, SourcingQuery, StoreError, Touched};

/// Of the short form.
const SCHEDULES: usize = 2_000;
/// Steps of one schedule that PCT may force a change of task at.
const PCT_DEPTH: usize = 4;
const CITIES: [&str; 2] = ["north", "south"];

/// By city: how often it has changed. And which cities changed, in the order of the commits.
#[derive(Default)]
struct Rows {
    versions: [usize; 2],
    log: Vec<usize>,
    reads: usize,
}

/// A catalogue whose answer tells the version that it was read at.
#[derive(Clone, Default)]
struct Model {
    rows: Arc<Mutex<Rows>>,
    /// Whether looks may fail.
    fails: bool,
}

impl Model {
    /// Commits a change of a city's vendors; its new version.
    fn change(&self, city: usize) -> usize {
        let mut rows = self.rows.lock().unwrap();
        rows.versions[city] += 1;
        rows.log.push(city);
        rows.versions[city]
    }

    fn reads(&self) -> usize {
        self.rows.lock().unwrap().reads
    }
}

impl Catalogue for Model {
    type Horizon = usize;

    async fn vendors(&self, queries: &[SourcingQuery]) -> Result<Vec<Vec<Sourced>>, StoreError> {
        self.rows.lock().unwrap().reads += 1;
        // The question travels; the answer is of one moment; it travels back.
        yield_now().await;
        let versions = self.rows.lock().unwrap().versions;
        yield_now().await;
        let city = |query: &SourcingQuery| CITIES.iter().position(|city| *city == query.city);
        let found = |query| vec![sourced(city(query).map_or(0, |city| versions[city]))];
        Ok(queries.iter().map(found).collect())
    }

    async fn changes(&self, last: Option<usize>) -> Result<(Changes, usize), StoreError> {
        yield_now().await;
        if self.fails && thread_rng().gen_range(0..4) == 0 {
            return Err(StoreError::Disconnected { task: "a look", cause: "cut".into() });
        }
        let (touched, now): (Vec<Touched>, usize) = {
            let rows = self.rows.lock().unwrap();
            let since = &rows.log[last.unwrap_or(0)..];
            (since.iter().map(|city| touched(CITIES[*city])).collect(), rows.log.len())
        };
        yield_now().await;
        let changes = if last.is_none() { Changes::Anything } else { Changes::Only(touched) };
        Ok((changes, now))
    }

    async fn areas(&self, _: &[String]) -> Result<AreaMap, StoreError> {
        Ok(AreaMap::default())
    }
}

fn touched(city: &str) -> Touched {
    Touched { category: "venue".into(), city: Some(city.to_owned()) }
}

/// Its number of parallel events is the version.
fn sourced(version: usize) -> Sourced {
    let vendor = serde_json::json!({
        "external_id": "v", "category": "venue", "name": "v", "city": "c", "pricing": [],
        "parallel_events": version
    });
    let vendor: Vendor = serde_json::from_value(vendor).unwrap();
    Sourced { vendor, busy: Vec::new() }
}

fn version_of(found: &Candidates) -> usize {
    found[0].vendor.parallel_events as usize
}

fn query(city: usize) -> SourcingQuery {
    let start = jiff::Timestamp::UNIX_EPOCH;
    SourcingQuery {
        category: Category::new("venue"),
        city: CITIES[city].to_owned(),
        guests: 100,
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

fn cached(model: &Model) -> CachedSourcing<Model> {
    let cache = QueryCache::new(8, Duration::from_secs(3_600));
    CachedSourcing::new(model.clone(), Some(cache))
}

fn schedules() -> usize {
    let wanted = std::env::var("EVENTPLANNER_MODEL_SCHEDULES");
    wanted.map_or(SCHEDULES, |text| text.parse().expect("a number"))
}

/// Under a random scheduler and one that changes tasks at few, well-placed steps.
fn check(model: impl Fn() + Send + Sync + Copy + 'static) {
    shuttle::check_random(model, schedules());
    shuttle::check_pct(model, schedules(), PCT_DEPTH);
}

/// Whoever asks after a change was learnt of is answered with it, or with a later one: from the
/// cache, by a read under way, or by a read of its own.
#[test]
fn nothing_stale_is_answered_once_a_change_is_known() {
    check(|| {
        let model = Model { fails: thread_rng().gen_range(0..2) == 0, ..Model::default() };
        let sourcing = cached(&model);
        // By city: the version that everybody may count on.
        let known = Arc::new(Mutex::new([0_usize; 2]));
        let writers = (0..2).map(|city| {
            let (model, sourcing, known) = (model.clone(), sourcing.clone(), known.clone());
            spawn(async move {
                for _ in 0..2 {
                    let version = model.change(city);
                    // After a look that failed, too, nothing is answered from memory.
                    let _ = sourcing.look_for_changes().await;
                    let mut known = known.lock().unwrap();
                    known[city] = known[city].max(version);
                }
            })
        });
        let readers = (0..3).map(|reader| {
            let (sourcing, known) = (sourcing.clone(), known.clone());
            spawn(async move {
                for round in 0..2 {
                    let cities: Vec<usize> =
                        if (reader + round) % 3 == 0 { vec![0, 1] } else { vec![reader % 2] };
                    let least = *known.lock().unwrap();
                    let queries = cities.iter().map(|city| query(*city)).collect();
                    let found = sourcing.source(queries).await.unwrap();
                    for (city, found) in cities.into_iter().zip(&found) {
                        let version = version_of(found);
                        assert!(version >= least[city], "{version} after {least:?}");
                    }
                }
            })
        });
        let tasks: Vec<_> = writers.chain(readers).collect();
        block_on(async {
            for task in tasks {
                task.await.unwrap();
            }
        });
    });
}

/// While nothing changes, callers share one read; one that goes away costs the others nothing.
#[test]
fn callers_share_a_read_and_may_leave_it() {
    check(|| {
        let model = Model::default();
        let sourcing = cached(&model);
        let ask = || {
            let sourcing = sourcing.clone();
            spawn(async move { sourcing.source(vec![query(0)]).await.map(|all| all.len()) })
        };
        let (leaves, stays, late) = (ask(), ask(), ask());
        block_on(async {
            yield_now().await;
            leaves.abort();
            assert_eq!(stays.await.unwrap().unwrap(), 1);
            assert_eq!(late.await.unwrap().unwrap(), 1);
        });
        // One more where the first caller left before another one came.
        assert!(model.reads() <= 2, "{} reads", model.reads());
        assert_eq!(block_on(sourcing.source(vec![query(0)])).unwrap().len(), 1);
        assert!(model.reads() <= 2, "it is remembered");
    });
}
