//! Faults of a real server: no wrong answer, no connection lost, back within two seconds, and one
//! alert that fires and is resolved.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use common::{
    database,
    fixtures::{claim, hold, import, sourced, sourcing, submit, vendor, window},
    raw, reachable_directory, small_pool,
};
use eventplanner::{
    actors::{
        QueryFigures,
        vendor_search::{
            cached_sourcing::CachedSourcing, catalogue_watch, query_cache::QueryCache,
        },
    },
    model::VendorId,
    store::{Cluster, StateLock, Store, StoreError, settings::DatabaseSettings},
    telemetry::{
        Snapshot, Telemetry, Window,
        alerts::{AlertBook, AlertSettings, TransitionState},
        figures::metrics,
    },
};
use jiff::{Timestamp, ToSpan};

/// What the server must be back within, from the moment it answers.
const RECOVERY: Duration = Duration::from_secs(2);
/// No test here waits longer for what must happen.
const LIMIT: Duration = Duration::from_secs(30);

/// A store whose figures feed the alert rules, as the daemon's do.
struct Watched {
    store: Store,
    url: String,
    telemetry: Telemetry,
    book: AlertBook,
    last: Snapshot,
    now: Timestamp,
}

impl Watched {
    async fn with(settings: DatabaseSettings) -> Self {
        let telemetry = Telemetry::default();
        let observer = Arc::new(QueryFigures(telemetry.clone()));
        let store = Store::closed(&settings, observer).unwrap();
        store.bring_up().await.unwrap();
        let mut alerts = AlertSettings::default();
        alerts.database_errors.keep_firing_for = Duration::from_secs(60);
        let book = AlertBook::new(&alerts);
        let (last, now) = (telemetry.snapshot(), Timestamp::UNIX_EPOCH);
        Self { store, url: settings.url, telemetry, book, last, now }
    }

    async fn new() -> Self {
        Self::with(DatabaseSettings { url: database().await, ..small_pool() }).await
    }

    /// A minute's cycle: whether the alert of database errors began or ended in it.
    fn cycle(&mut self) -> Vec<TransitionState> {
        let pool = self.store.pool_status();
        let errors = metrics::DATABASE_ERRORS;
        self.telemetry.set_total(errors, &["connect"], pool.connection_errors);
        self.telemetry.set_total(errors, &["checkout_timeout"], pool.timeouts);
        let figures = self.telemetry.snapshot();
        let window = Window::between(&self.last, &figures, Duration::from_secs(60));
        self.now = self.now.checked_add(1.minute()).unwrap();
        let found = self.book.evaluate(&window, self.now).into_iter();
        let of_errors = found.filter(|transition| transition.alert.alert == "database_errors");
        self.last = figures;
        of_errors.map(|transition| transition.state).collect()
    }

    /// The fault is over: the store works again in time, no connection is lost, and the alert
    /// fired once and is resolved once.
    async fn recovered(mut self) {
        let began = Instant::now();
        while let Err(error) = self.store.ping().await {
            assert!(error.is_outage() || error.is_transient(), "{error}");
            assert!(began.elapsed() < RECOVERY, "{error}");
        }
        assert!(began.elapsed() < RECOVERY);
        until("all connections are back", async || self.store.pool_status().in_use == 0).await;
        let mut seen = self.cycle();
        for _ in 0..5 {
            self.store.ping().await.unwrap();
            seen.extend(self.cycle());
        }
        assert_eq!(seen, [TransitionState::Firing, TransitionState::Resolved]);
        assert!(self.store.pool_status().reachable);
    }
}

async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !holds().await {
        assert!(began.elapsed() < LIMIT, "not within {LIMIT:?}: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Everybody but the caller.
const KILL_OTHERS: &str = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()";

#[tokio::test]
async fn a_backend_killed_in_mid_query() {
    let watched = Watched::new().await;
    import(&watched.store, &[vendor("a", "venue", "Bengaluru")]).await;
    let client = raw(&watched.url).await;
    client.batch_execute("BEGIN; LOCK TABLE vendor IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let (store, killer) = (watched.store.clone(), raw(&watched.url).await);
    let query = tokio::spawn(async move { store.source(&sourcing()).await });
    let waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'
                   AND datname = current_database()";
    until("the query waits", async || {
        killer.query_one(waits, &[]).await.unwrap().get::<_, i64>(0) == 1
    })
    .await;
    let kill = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                WHERE wait_event_type = 'Lock' AND datname = current_database()";
    killer.query_one(kill, &[]).await.unwrap();
    client.batch_execute("COMMIT").await.unwrap();
    // It was only read: the reader asks again and gets the right answer.
    assert_eq!(query.await.unwrap().unwrap().len(), 1);
    watched.recovered().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_immediate_stop_and_ten_seconds_without_a_server() {
    let directory = reachable_directory();
    let lock = StateLock::acquire(directory.path()).unwrap();
    let cluster = Cluster::start(&lock, &small_pool()).await.unwrap();
    cluster.ensure_database("faults", None).await.unwrap();
    let settings = DatabaseSettings {
        url: cluster.url("faults"),
        checkout_timeout: Duration::from_secs(1),
        ..small_pool()
    };
    let watched = Watched::with(settings).await;
    import(&watched.store, &[vendor("a", "venue", "Bengaluru")]).await;
    // As after a crash: no goodbye, the log is replayed at the next start.
    let pid = nix::unistd::Pid::from_raw(cluster.process_id());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGQUIT).unwrap();
    // A busy machine may let it answer once more.
    until("the server is gone", async || watched.store.source(&sourcing()).await.is_err()).await;
    let down = Instant::now();
    while down.elapsed() < Duration::from_secs(10) {
        let error = watched.store.source(&sourcing()).await.unwrap_err();
        assert!(error.is_outage(), "{error}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert!(!watched.store.pool_status().reachable);
    drop(cluster);
    let cluster = Cluster::start(&lock, &small_pool()).await.unwrap();
    let store = watched.store.clone();
    watched.recovered().await;
    assert_eq!(sourced(&store, &sourcing()).await, ["a"]);
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn a_pool_that_is_used_up() {
    let settings = DatabaseSettings {
        url: database().await,
        max_overflow: 0,
        checkout_timeout: Duration::from_millis(100),
        ..small_pool()
    };
    let watched = Watched::with(settings).await;
    let held = watched.store.begin_import().await.unwrap();
    let error = watched.store.ping().await.unwrap_err();
    assert!(matches!(error, StoreError::Exhausted { in_use: 1, .. }), "{error}");
    drop(held);
    watched.recovered().await;
}

#[tokio::test]
async fn a_statement_and_a_wait_for_a_lock_that_take_too_long() {
    let short = Duration::from_millis(100);
    for (settings, limit) in [
        (DatabaseSettings { statement_timeout: short, ..small_pool() }, "statement timeout"),
        (DatabaseSettings { lock_timeout: short, ..small_pool() }, "lock timeout"),
    ] {
        let watched = Watched::with(DatabaseSettings { url: database().await, ..settings }).await;
        import(&watched.store, &[vendor("a", "venue", "Bengaluru")]).await;
        let client = raw(&watched.url).await;
        client.batch_execute("BEGIN; LOCK TABLE vendor IN ACCESS EXCLUSIVE MODE").await.unwrap();
        let error = watched.store.source(&sourcing()).await.unwrap_err();
        assert!(matches!(error, StoreError::TimedOut { .. }), "{error}");
        assert!(error.to_string().contains(limit), "{error}");
        client.batch_execute("ROLLBACK").await.unwrap();
        assert_eq!(sourced(&watched.store, &sourcing()).await, ["a"]);
        watched.recovered().await;
    }
}

#[tokio::test]
async fn transactions_that_can_t_be_put_in_order() {
    let url = database().await;
    let url = format!("{url}&options=-c%20default_transaction_isolation%3Dserializable");
    let watched = Watched::with(DatabaseSettings { url, ..small_pool() }).await;
    for _ in 0..20 {
        submit(&watched.store).await;
    }
    let mut conflicts = 0;
    let mut claimed = std::collections::BTreeSet::new();
    let began = Instant::now();
    while claimed.len() < 20 || conflicts == 0 {
        assert!(began.elapsed() < LIMIT, "{} claimed, {conflicts} conflicts", claimed.len());
        if claimed.len() == 20 {
            submit(&watched.store).await;
        }
        let claims = (0..8).map(|n| {
            let store = watched.store.clone();
            async move { store.claim(claim(&format!("d{n}"), Duration::from_secs(600), 1)).await }
        });
        for answer in futures_util::future::join_all(claims).await {
            match answer {
                Ok(plans) => {
                    for plan in plans {
                        assert!(claimed.insert(plan.id), "{} was claimed twice", plan.id);
                    }
                }
                Err(error) => {
                    assert!(matches!(error, StoreError::Conflict { .. }), "{error}");
                    conflicts += 1;
                }
            }
        }
    }
    watched.recovered().await;
}

/// A quota stands in for a full disk: the sort of an import spills, and may not.
#[tokio::test]
async fn no_room_on_the_disk() {
    let url = database().await;
    let quota = "&options=-c%20temp_file_limit%3D64kB%20-c%20work_mem%3D64kB";
    let settings = DatabaseSettings { url: format!("{url}{quota}"), ..small_pool() };
    let watched = Watched::with(settings).await;
    import(&watched.store, &[vendor("before", "venue", "Bengaluru")]).await;
    let rows: Vec<_> =
        (0..5_000).map(|n| (n, vendor(&format!("v{n}"), "venue", "Bengaluru"))).collect();
    let mut session = watched.store.begin_import().await.unwrap();
    let error = session.rows(&rows).await.unwrap_err();
    assert!(matches!(error, StoreError::NoRoom { .. }), "{error}");
    drop(session);
    assert_eq!(sourced(&watched.store, &sourcing()).await, ["before"], "all or nothing");
    let few: Vec<_> = rows[..10].to_vec();
    let mut session = watched.store.begin_import().await.unwrap();
    assert_eq!(session.rows(&few).await.unwrap(), []);
    assert_eq!(session.commit().await.unwrap().inserted, 10);
    watched.recovered().await;
}

#[tokio::test]
async fn a_query_ends_with_the_plan_that_asked_for_it() {
    let url = database().await;
    let store = common::open(url.clone()).await;
    import(&store, &[vendor("a", "venue", "Bengaluru")]).await;
    let cached = CachedSourcing::new(store.clone(), Some(cache()));
    let (client, watcher) = (raw(&url).await, raw(&url).await);
    client.batch_execute("BEGIN; LOCK TABLE vendor IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let waiting = async || -> i64 {
        let sql = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'
                     AND datname = current_database()";
        watcher.query_one(sql, &[]).await.unwrap().get(0)
    };
    // Two plans ask the same: one query.
    let ask = || {
        let cached = cached.clone();
        tokio::spawn(async move { cached.source(vec![sourcing()]).await })
    };
    let (first, second) = (ask(), ask());
    until("the query waits", async || waiting().await == 1).await;
    until("both wait for it", async || cached.counters().coalesced == 1).await;
    first.abort();
    let _ = first.await;
    assert_eq!(waiting().await, 1, "somebody still waits for it");
    second.abort();
    let _ = second.await;
    until("the server was told to stop", async || waiting().await == 0).await;
    until("the connection is back", async || store.pool_status().in_use == 0).await;
    client.batch_execute("COMMIT").await.unwrap();
    assert_eq!(cached.source(vec![sourcing()]).await.unwrap()[0].len(), 1);
}

/// Another daemon books, and its word of it is lost: what is remembered here is dropped all the
/// same, within a look.
#[tokio::test]
async fn a_notification_that_is_lost() {
    let url = database().await;
    let (here, there) = (common::open(url.clone()).await, common::open(url.clone()).await);
    import(&here, &[vendor("a", "venue", "Bengaluru"), vendor("b", "venue", "Bengaluru")]).await;
    let cached = CachedSourcing::new(here.clone(), Some(cache()));
    let log = slog::Logger::root(slog::Discard, slog::o!());
    let watching = tokio::spawn(catalogue_watch::watch(here.clone(), cached.clone(), log));
    let free = async || cached.source(vec![sourcing()]).await.unwrap()[0].len();
    let client = raw(&url).await;
    assert_eq!(free().await, 2);
    book(&there, "a").await;
    // Nobody told: the look of every second finds it.
    until("the booking is seen", async || free().await == 1).await;
    // Also when every connection is lost.
    client.query_one(KILL_OTHERS, &[]).await.unwrap();
    until("it works again", async || here.ping().await.is_ok() && there.ping().await.is_ok()).await;
    until("it reads again", async || {
        cached.source(vec![sourcing()]).await.is_ok_and(|found| found[0].len() == 1)
    })
    .await;
    book(&there, "b").await;
    until("the second booking is seen", async || free().await == 0).await;
    watching.abort();
}

/// What a daemon itself booked is never answered from memory again.
#[tokio::test]
async fn nothing_stale_is_read_after_a_booking() {
    let store = common::store().await;
    let cached = CachedSourcing::new(store.clone(), Some(cache()));
    import(&store, &[vendor("a", "venue", "Bengaluru"), vendor("c", "caterer", "Bengaluru")]).await;
    cached.look_for_changes().await.unwrap();
    let mut caterers = sourcing();
    caterers.category = "caterer".into();
    let queries = vec![sourcing(), caterers];
    for hits in [0, 2] {
        let found = cached.source(queries.clone()).await.unwrap();
        assert_eq!((found[0].len(), found[1].len()), (1, 1));
        assert_eq!(cached.counters().hits, hits);
    }
    book(&store, "a").await;
    cached.look_for_changes().await.unwrap();
    let found = cached.source(queries).await.unwrap();
    assert_eq!((found[0].len(), found[1].len()), (0, 1));
    assert_eq!(cached.counters().hits, 3, "the caterers are still remembered");
    // A negative answer is an answer.
    let found = cached.source(vec![sourcing()]).await.unwrap();
    assert_eq!((found[0].len(), cached.counters().hits), (0, 4));
}

fn cache() -> QueryCache {
    QueryCache::new(100, Duration::from_secs(300))
}

async fn book(store: &Store, id: &str) {
    hold(store, &[(VendorId::from(id), window(10, 18))]).await;
}
