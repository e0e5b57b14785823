//! Every index is used by the query that its comment names: the server itself tells, with
//! auto_explain, how it ran the store's own calls on a volume at which it has a choice.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
    time::Duration,
};

use common::{
    database,
    fixtures::{claim, import, new_plan, request, sourcing, touched, vendor},
    raw, reachable_directory, small_pool,
};
use eventplanner::{
    model::{CateringPolicy, GeoPoint, PlanId, PlanState, VendorId},
    store::{
        Changes, Cluster, KeptReply, StateLock, Store, StoreError, VendorFilter,
        settings::DatabaseSettings,
    },
    wire::{HistoryQuery, PlanQuery},
};
use jiff::{Timestamp, ToSpan};
use serde_json::json;

/// 60,000 vendors in 2,000 cities, 20,000 plans with events and runs, bookings, metrics. Without
/// triggers: they note changes row by row.
const VOLUME: &str = include_str!("volume.sql");

/// Where the server says how it ran what.
struct Plans {
    log: PathBuf,
    read: usize,
}

impl Plans {
    /// The words of what was logged since the last call.
    fn words(&mut self) -> BTreeSet<String> {
        let text = fs::read_to_string(&self.log).unwrap();
        let new = &text[self.read..];
        self.read = text.len();
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        new.split(|c| !is_part(c)).map(str::to_owned).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_index_is_used_by_its_query() {
    let directory = reachable_directory();
    let lock = StateLock::acquire(directory.path()).unwrap();
    let cluster = Cluster::start(&lock, &small_pool()).await.unwrap();
    cluster.ensure_database("volume", None).await.unwrap();
    let url = cluster.url("volume");
    let explaining = "options=-c%20session_preload_libraries%3Dauto_explain\
                      %20-c%20auto_explain.log_min_duration%3D0";
    let settings = DatabaseSettings { url: format!("{url}&{explaining}"), ..small_pool() };
    let store = Store::open(&settings).await.unwrap();
    let client = raw(&url).await;
    client.batch_execute(VOLUME).await.unwrap();
    // Whole requests, under the fields that the volume sets.
    let document = serde_json::to_value(request()).unwrap();
    client.execute("UPDATE plan SET request = $1 || request", &[&document]).await.unwrap();
    client.batch_execute("VACUUM ANALYZE").await.unwrap();

    let commented: BTreeMap<String, String> = client
        .query(
            "SELECT c.relname::text, coalesce(obj_description(c.oid, 'pg_class'), '')
             FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
             JOIN pg_class t ON t.oid = i.indrelid
             WHERE t.relnamespace = 'public'::regnamespace
               AND t.relname <> 'refinery_schema_history'",
            &[],
        )
        .await
        .unwrap()
        .iter()
        .map(|row| (row.get(0), row.get(1)))
        .collect();
    assert!(commented.len() >= 40, "{}", commented.len());
    for (index, comment) in &commented {
        assert!(!comment.is_empty(), "{index} has no comment");
    }

    let mut plans = Plans { log: directory.path().join("postgres/server.log"), read: 0 };
    let mut unused: BTreeMap<&String, &String> =
        commented.iter().filter(|(_, comment)| !comment.starts_with("integrity: ")).collect();
    for (what, expected) in CASES {
        plans.words();
        call(&store, what).await.unwrap();
        let words = plans.words();
        for index in expected.split(' ') {
            assert!(words.contains(index), "{what} does not use {index}: {words:?}");
            unused.retain(|name, _| *name != index);
        }
    }
    assert!(unused.is_empty(), "no query uses {unused:?}");
    cluster.stop().await.unwrap();
}

/// Each of the store's calls, and the indexes that it must use.
const CASES: [(&str, &str); 38] = [
    ("source", "vendor_by_place vendor_travelling city_key_key booking_live"),
    ("search rating", "vendor_by_rating city_pkey area_pkey"),
    ("search category", "vendor_by_category"),
    ("search city", "vendor_by_city"),
    ("search place", "vendor_by_place"),
    ("search guest price", "vendor_by_guest_price"),
    ("search price", "vendor_by_lowest_price"),
    ("search near", "vendor_by_location"),
    ("search name", "vendor_name_trigrams"),
    ("search words", "vendor_words"),
    ("search tag", "vendor_tags vendor_styles vendor_amenities"),
    ("search source", "vendor_details"),
    ("vendors by id", "vendor_external_id_key"),
    ("areas", "area_city_id_key_key"),
    ("plan", "plan_pkey"),
    ("family", "plan_by_family"),
    ("submit", "plan_idempotency_key_key plan_queued_by_client"),
    ("claim", "plan_queue plan_leased plan_suspect"),
    ("plans", "plan_newest"),
    ("plans by state", "plan_by_state"),
    ("plans by user", "plan_by_user"),
    ("plans by client", "plan_client_trigrams"),
    ("plans by date", "plan_by_date"),
    ("plans by city", "plan_by_city_key"),
    ("plans by type", "plan_request"),
    ("failures", "plan_failed"),
    ("leases", "plan_by_lease_owner"),
    ("details of a plan", "checkpoint_pkey document_pkey plan_event_pkey agent_run_by_plan"),
    ("bookings", "booking_by_plan vendor_pkey"),
    ("expire", "booking_expiring booking_pkey"),
    ("events", "plan_event_by_kind plan_event_times"),
    ("runs", "agent_run_failed agent_run_by_agent agent_run_times"),
    ("metrics", "workflow_metric_by_name"),
    ("changes", "catalogue_change_writers"),
    ("old changes", "catalogue_change_times"),
    ("kept replies", "llm_reply_by_age llm_reply_pkey"),
    ("proof", "plan_proof_pkey"),
    ("retention", "plan_ended"),
];

async fn call(store: &Store, what: &str) -> Result<(), StoreError> {
    let plan = PlanId("00000000-0000-7000-8000-000000000007".parse().unwrap());
    let inr = "INR".parse().unwrap();
    let any = || VendorFilter { limit: 20, ..VendorFilter::default() };
    let search = async |filter: VendorFilter| store.search_vendors(&filter).await.map(drop);
    let list = async |query: PlanQuery| {
        store.plans(&PlanQuery { limit: Some(20), ..query }).await.map(drop)
    };
    let (some, none) = (|text: &str| Some(text.to_owned()), PlanQuery::default);
    // The volume's times lie in the days before this one.
    let day: Timestamp = "2027-06-19T00:00:00Z".parse().unwrap();
    let recent = day.checked_sub(2.hours()).unwrap();
    match what {
        "source" => {
            let query = eventplanner::store::SourcingQuery { city: "city 7".into(), ..sourcing() };
            store.source(&query).await.map(drop)
        }
        "search rating" => search(VendorFilter { min_rating: Some(4.0), ..any() }).await,
        "search category" => search(VendorFilter { category: Some("venue".into()), ..any() }).await,
        "search city" => search(VendorFilter { city: some("City 7"), ..any() }).await,
        "search place" => {
            let place = VendorFilter { city: some("City 7"), ..any() };
            search(VendorFilter { category: Some("venue".into()), ..place }).await
        }
        "search guest price" => {
            let category = Some("caterer".into());
            let max_guest_price = Some((60_700, inr));
            search(VendorFilter { category, max_guest_price, ..any() }).await
        }
        "search price" => search(VendorFilter { max_price: Some((60_010, inr)), ..any() }).await,
        "search near" => {
            let near = Some((GeoPoint { lat: 10.0, lon: 70.0 }, 3.0));
            search(VendorFilter { near, ..any() }).await
        }
        "search name" => search(VendorFilter { name: some("palace of"), ..any() }).await,
        "search words" => search(VendorFilter { words: some("word4711"), ..any() }).await,
        "search tag" => search(VendorFilter { tag: some("tag4711"), ..any() }).await,
        "search source" => {
            search(VendorFilter { source: some("fair 77"), ..any() }).await?;
            search(VendorFilter { catering: Some(CateringPolicy::Both), ..any() }).await
        }
        "vendors by id" => {
            store.vendors_by_ids(&[VendorId::from("v4711")]).await?;
            store.missing_vendors(&[VendorId::from("v4711")]).await.map(drop)
        }
        "areas" => store.areas(&["City 7"]).await.map(drop),
        "plan" => store.plan(plan).await.map(drop),
        "family" => store.family(plan).await.map(drop),
        "submit" => {
            let request = request();
            let mut new = new_plan(PlanId(uuid::Uuid::now_v7()));
            (new.request, new.idempotency_key) = (&request, Some("key"));
            store.submit(&new).await.map(drop)
        }
        "claim" => store.claim(claim("somebody", Duration::from_secs(60), 3)).await.map(drop),
        "plans" => list(none()).await,
        "plans by state" => list(PlanQuery { state: Some(PlanState::Cancelled), ..none() }).await,
        "plans by user" => list(PlanQuery { user: Some(77), ..none() }).await,
        "plans by client" => list(PlanQuery { client: some("client 4711"), ..none() }).await,
        "plans by date" => {
            list(PlanQuery { date: Some("2027-03-07".parse().unwrap()), ..none() }).await
        }
        "plans by city" => list(PlanQuery { city: some("CITY 77"), ..none() }).await,
        "plans by type" => {
            let event_type = serde_json::from_value("gala".into()).unwrap();
            list(PlanQuery { event_type: Some(event_type), ..none() }).await
        }
        "failures" => store.failures_since(recent, 20).await.map(drop),
        "leases" => store.release_leases("nobody").await.map(drop),
        "details of a plan" => {
            store.newest_checkpoint(plan).await?;
            store.document(plan, "blueprint.md").await?;
            store.audit(plan, 0).await?;
            store.agent_runs(plan).await.map(drop)
        }
        "bookings" => store.bookings(plan).await.map(drop),
        "expire" => store.expire_holds().await.map(drop),
        "events" => {
            let any = || HistoryQuery { limit: Some(20), ..Default::default() };
            store.history(&HistoryQuery { since: Some(recent), ..any() }).await?;
            store.history(&HistoryQuery { kind: some("claim"), ..any() }).await.map(drop)
        }
        "runs" => {
            let any = || HistoryQuery { runs: true, limit: Some(20), ..Default::default() };
            store.history(&HistoryQuery { failed: true, ..any() }).await?;
            store.history(&HistoryQuery { agent: some("sourcing"), ..any() }).await?;
            store.agents_since(recent).await.map(drop)
        }
        "metrics" => store.metric_means(&["cpu_ratio"], &[(7_200, 0)], day).await.map(drop),
        "changes" => {
            let (_, seen) = store.changes_since(None).await?;
            store.changes_since(Some(seen)).await.map(drop)
        }
        "old changes" => store.prune_changes().await.map(drop),
        "kept replies" => {
            let reply = KeptReply { key: "f".repeat(64), reply: json!({}), stored_at: day };
            store.keep_replies(&[reply]).await?;
            store.prune_replies(day, 20_000).await?;
            store.kept_replies(day, 20).await.map(drop)
        }
        "proof" => store.proof(plan).await.map(drop),
        "retention" => store.delete_ended_plans(365).await.map(drop),
        other => panic!("no such case: {other}"),
    }
}

#[tokio::test]
async fn a_build_that_was_cut_short_goes_on() {
    let url = database().await;
    let settings = DatabaseSettings { url: url.clone(), ..small_pool() };
    let store = Store::open(&settings).await.unwrap();
    let other = Store::open(&settings).await.unwrap();
    assert_eq!(store.missing_indexes().await.unwrap(), [""; 0]);
    let client = raw(&url).await;
    // As a crash in the middle of CREATE INDEX CONCURRENTLY leaves it.
    let sql = "DROP INDEX vendor_tags;
               UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'vendor_words'::regclass";
    client.batch_execute(sql).await.unwrap();
    let missing: BTreeSet<&str> = store.missing_indexes().await.unwrap().into_iter().collect();
    assert_eq!(missing, BTreeSet::from(["vendor_tags", "vendor_words"]));
    // Two daemons at once: one builds, the other finds nothing left to do.
    let (one, two) = tokio::join!(store.build_indexes(), other.build_indexes());
    let mut built = [one.unwrap(), two.unwrap()];
    built.sort_unstable();
    assert_eq!(built, [0, 2]);
    assert_eq!(store.missing_indexes().await.unwrap(), [""; 0]);
    // Where tables are small, the next start does it at once.
    client.batch_execute("DROP INDEX plan_by_date").await.unwrap();
    assert_eq!(Store::open(&settings).await.unwrap().missing_indexes().await.unwrap(), [""; 0]);
}

/// The box of a vendor's reach finds every city within it, and never less: at any latitude, over
/// the date line and the poles.
#[tokio::test]
async fn the_box_around_a_place_holds_its_circle() {
    let client = raw(&database().await).await;
    client.batch_execute("SELECT setseed(0.5)").await.unwrap();
    let sql = "
        WITH places AS (
            SELECT (random() - 0.5) * 180 AS lat, (random() - 0.5) * 360 AS lon,
                   power(10, random() * 4.3) AS km, random() * 2 * pi() AS bearing,
                   random() AS share
            FROM generate_series(1, 100000)),
        points AS (
            SELECT *, asin(least(1, greatest(-1, sin(radians(lat)) * cos(km * share / 6371.0088)
                       + cos(radians(lat)) * sin(km * share / 6371.0088) * cos(bearing)))) AS to_lat
            FROM places),
        ends AS (
            SELECT *, radians(lon) + atan2(
                sin(bearing) * sin(km * share / 6371.0088) * cos(radians(lat)),
                cos(km * share / 6371.0088) - sin(radians(lat)) * sin(to_lat)) AS to_lon
            FROM points)
        SELECT count(*) FILTER (WHERE km_between(lat, lon, degrees(to_lat), wrapped) <= km),
               count(*) FILTER (WHERE km_between(lat, lon, degrees(to_lat), wrapped) <= km
                 AND NOT box_around(lat, lon, km) @> box(point(wrapped, degrees(to_lat))))
        FROM (SELECT *, degrees(atan2(sin(to_lon), cos(to_lon))) AS wrapped FROM ends) e";
    let row = client.query_one(sql, &[]).await.unwrap();
    let (within, missed): (i64, i64) = (row.get(0), row.get(1));
    assert!(within > 90_000, "{within}");
    assert_eq!(missed, 0);
}

/// A vendor that was changed by hand is read as it is now, wherever it is read.
#[tokio::test]
async fn a_vendor_edited_by_hand_is_read_anew() {
    let url = database().await;
    let store = common::open(url.clone()).await;
    import(&store, &[vendor("a", "venue", "Bengaluru"), vendor("b", "venue", "Bengaluru")]).await;
    let client = raw(&url).await;
    let (_, seen) = store.changes_since(None).await.unwrap();
    client.batch_execute("UPDATE vendor SET name = 'New' WHERE external_id = 'a'").await.unwrap();
    let names = async || -> Vec<String> {
        let found = store.source(&sourcing()).await.unwrap();
        found.into_iter().map(|sourced| sourced.vendor.name).collect()
    };
    assert_eq!(names().await, ["New", "The b"]);
    client.batch_execute("UPDATE city SET name = 'Bangalore'").await.unwrap();
    let found = store.source(&sourcing()).await.unwrap();
    assert!(found.iter().all(|sourced| sourced.vendor.city == "Bangalore"));
    let (changes, _) = store.changes_since(Some(seen)).await.unwrap();
    let expected = Changes::Only(vec![touched("venue", "bengaluru")]);
    assert_eq!(changes, expected);
}
