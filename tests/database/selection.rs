//! Selecting an option: vendors held, confirmed, released, never booked twice.

use std::time::Duration;

use common::{
    database,
    fixtures::{choose, claim, import, request, vendor, waiting_plan, window},
    open, raw, small_pool, store,
};
use eventplanner::{
    model::{PlanId, PlanState, Vendor, VendorId, Window},
    store::{
        Bookings, Cancelled, ChainCheck, Patch, Selected, Store, StoreError, Transition,
        settings::DatabaseSettings,
    },
};

const LEASE: Duration = Duration::from_secs(60);
const HOLD: Duration = Duration::from_secs(600);

/// Selects, and lets the plan be claimed by who writes its documents; that run's number.
async fn select(
    store: &Store,
    plan: PlanId,
    vendors: &[(VendorId, Window)],
    lasts: Duration,
) -> Result<i64, StoreError> {
    assert!(matches!(choose(store, (plan, 1), vendors, lasts).await?, Selected::Now));
    let claimed = store.claim(claim("writer", LEASE, 1)).await.unwrap();
    assert_eq!(claimed[0].id, plan);
    Ok(claimed[0].run_number)
}

async fn confirm(store: &Store, plan: PlanId, run: i64) -> Result<(), StoreError> {
    let patch = Patch { bookings: Bookings::Confirm, ..Patch::default() };
    let done = Transition::new(plan, run, PlanState::Writing, PlanState::Completed).with(patch);
    store.transition(&done).await.map(drop)
}

fn pick(ids: &[&str], during: Window) -> Vec<(VendorId, Window)> {
    ids.iter().map(|id| (VendorId::from(*id), during)).collect()
}

async fn states(store: &Store, plan: PlanId) -> Vec<(String, String, u32)> {
    let bookings = store.bookings(plan).await.unwrap();
    bookings.into_iter().map(|b| (b.vendor.to_string(), b.state, b.slot)).collect()
}

#[tokio::test]
async fn a_selection_holds_all_vendors_and_completion_confirms_them() {
    let store = store().await;
    import(&store, &[vendor("a", "venue", "X"), vendor("b", "music", "X")]).await;
    let waiting = waiting_plan(&store).await;
    let plan = waiting.0;
    // The same vendor in two places is held once.
    let mut vendors = pick(&["b", "a"], window(10, 12));
    vendors.push((VendorId::from("a"), window(11, 14)));
    let run = select(&store, plan, &vendors, HOLD).await.unwrap();
    assert_eq!(run, waiting.1 + 1);
    let bookings = store.bookings(plan).await.unwrap();
    assert_eq!(bookings[0].window, window(10, 14));
    assert_eq!(
        states(&store, plan).await,
        [("a".into(), "held".into(), 1), ("b".into(), "held".into(), 1)]
    );
    // The same once more changes nothing; another one comes too late.
    let again = choose(&store, (plan, 1), &vendors, HOLD).await.unwrap();
    assert!(matches!(again, Selected::Before));
    let error = choose(&store, (plan, 2), &vendors, HOLD).await.unwrap_err();
    assert!(matches!(error, StoreError::WrongState { .. }), "{error}");
    assert_eq!(store.bookings(plan).await.unwrap(), bookings);

    confirm(&store, plan, run).await.unwrap();
    let confirmed = states(&store, plan).await;
    assert!(confirmed.iter().all(|(_, state, _)| state == "confirmed"), "{confirmed:?}");
    assert!(matches!(store.verify_audit(plan).await.unwrap(), ChainCheck::Whole { .. }));
    let stored = store.plan(plan).await.unwrap();
    assert_eq!((stored.state, stored.selected), (PlanState::Completed, Some(1)));
}

#[tokio::test]
async fn a_taken_vendor_undoes_the_whole_selection() {
    let store = store().await;
    import(&store, &[vendor("a", "venue", "X"), vendor("b", "music", "X")]).await;
    let (first, _) = waiting_plan(&store).await;
    select(&store, first, &pick(&["b"], window(10, 12)), HOLD).await.unwrap();

    let (second, _) = waiting_plan(&store).await;
    let error = select(&store, second, &pick(&["a", "b"], window(11, 13)), HOLD).await.unwrap_err();
    assert!(matches!(&error, StoreError::Taken { vendor } if vendor.as_str() == "b"), "{error}");
    assert!(states(&store, second).await.is_empty());
    assert_eq!(store.plan(second).await.unwrap().state, PlanState::AwaitingSelection);
    let error = select(&store, second, &pick(&["zz"], window(1, 2)), HOLD).await.unwrap_err();
    assert!(matches!(error, StoreError::NoSuchVendor { .. }), "{error}");
    // Windows that only touch do not overlap.
    select(&store, second, &pick(&["a", "b"], window(12, 13)), HOLD).await.unwrap();
}

#[tokio::test]
async fn a_cancelled_plan_lets_its_vendors_go() {
    let store = store().await;
    import(&store, &[vendor("a", "venue", "X")]).await;
    let (first, _) = waiting_plan(&store).await;
    let run = select(&store, first, &pick(&["a"], window(10, 12)), HOLD).await.unwrap();
    let cancelled = store.cancel(first, None, &|_, _| Vec::new()).await.unwrap();
    assert_eq!(cancelled, Cancelled::AtOnce { from: PlanState::Writing });
    let error = confirm(&store, first, run).await.unwrap_err();
    assert!(matches!(error, StoreError::WrongState { .. }), "{error}");
    assert_eq!(states(&store, first).await, [("a".into(), "released".into(), 1)]);
    let (second, _) = waiting_plan(&store).await;
    select(&store, second, &pick(&["a"], window(10, 12)), HOLD).await.unwrap();
}

#[tokio::test]
async fn an_expired_hold_is_lost_to_the_next_one_only() {
    let store = store().await;
    import(&store, &[vendor("a", "venue", "X")]).await;
    let vendors = pick(&["a"], window(10, 12));
    let (first, _) = waiting_plan(&store).await;
    let run = select(&store, first, &vendors, Duration::ZERO).await.unwrap();
    // Nobody wanted the vendor: the hold can still be confirmed.
    let (second, _) = waiting_plan(&store).await;
    select(&store, second, &vendors, HOLD).await.unwrap();
    let error = confirm(&store, first, run).await.unwrap_err();
    assert!(matches!(error, StoreError::HoldLost { .. }), "{error}");

    let (third, _) = waiting_plan(&store).await;
    let later = pick(&["a"], window(20, 22));
    let run = select(&store, third, &later, Duration::ZERO).await.unwrap();
    confirm(&store, third, run).await.unwrap();

    let (fourth, _) = waiting_plan(&store).await;
    let run = select(&store, fourth, &pick(&["a"], window(30, 31)), Duration::ZERO).await.unwrap();
    assert_eq!(store.expire_holds().await.unwrap(), 1);
    assert!(confirm(&store, fourth, run).await.is_err());
}

#[tokio::test]
async fn parallel_events_are_slots() {
    let store = store().await;
    import(&store, &[Vendor { parallel_events: 2, ..vendor("a", "venue", "X") }]).await;
    let vendors = pick(&["a"], window(10, 12));
    for slot in [1, 2] {
        let (plan, _) = waiting_plan(&store).await;
        select(&store, plan, &vendors, HOLD).await.unwrap();
        assert_eq!(states(&store, plan).await, [("a".into(), "held".into(), slot)]);
    }
    let (plan, _) = waiting_plan(&store).await;
    let error = select(&store, plan, &vendors, HOLD).await.unwrap_err();
    assert!(matches!(error, StoreError::Taken { .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn competing_plans_never_book_a_vendor_twice() {
    const PLANS: usize = 40;
    let url = database().await;
    let store = open(url.clone()).await;
    let crews = Vendor { parallel_events: 3, ..vendor("crews", "music", "X") };
    import(&store, &[vendor("a", "venue", "X"), vendor("b", "caterer", "X"), crews]).await;
    let mut plans = Vec::new();
    for _ in 0..PLANS {
        plans.push(waiting_plan(&store).await.0);
    }
    let tasks = plans.iter().enumerate().map(|(n, plan)| {
        let store = &store;
        async move {
            // In every order, at overlapping times.
            let ids = [["a", "b", "crews"], ["crews", "b", "a"], ["b", "a", "crews"]][n % 3];
            let start = (n % 4) as i64;
            let vendors = pick(&ids[..2 + n % 2], window(start, start + 4));
            choose(store, (*plan, 1), &vendors, HOLD).await
        }
    });
    let results = futures_util::future::join_all(tasks).await;
    let won = results.iter().filter(|result| result.is_ok()).count();
    assert!(won >= 1);
    for error in results.into_iter().filter_map(Result::err) {
        assert!(matches!(error, StoreError::Taken { .. }), "{error}");
    }
    let sql = "SELECT count(*) FROM booking x JOIN booking y
                   ON x.vendor_id = y.vendor_id AND x.slot = y.slot AND x.id < y.id
                  AND x.during && y.during";
    let overlaps: i64 = raw(&url).await.query_one(sql, &[]).await.unwrap().get(0);
    assert_eq!(overlaps, 0);
}

#[tokio::test]
async fn the_database_itself_refuses_an_overlap() {
    let url = database().await;
    let store = open(url.clone()).await;
    import(&store, &[vendor("a", "venue", "X")]).await;
    let client = raw(&url).await;
    let book = "INSERT INTO booking (vendor_id, slot, during, state)
                SELECT id, 1, tstzrange('2027-01-01 10:00Z', '2027-01-01 12:00Z'), 'confirmed'
                FROM vendor";
    client.execute(book, &[]).await.unwrap();
    let error = client.execute(book, &[]).await.unwrap_err();
    let code = error.code().unwrap();
    assert_eq!(*code, tokio_postgres::error::SqlState::EXCLUSION_VIOLATION);
}

/// A thousand plans want the same four vendors, each of which serves two events at a time, all
/// at once: eight get one, the others are told which vendor is taken.
#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_holds_at_once_never_overlap() {
    const PLANS: usize = 1_000;
    let url = database().await;
    let settings = DatabaseSettings {
        url: url.clone(),
        checkout_timeout: Duration::from_secs(120),
        lock_timeout: Duration::from_secs(60),
        ..small_pool()
    };
    let store = Store::open(&settings).await.unwrap();
    let ids = ["a", "b", "c", "d"];
    let two_crews = |id: &str| Vendor { parallel_events: 2, ..vendor(id, "venue", "Bengaluru") };
    import(&store, &ids.map(two_crews)).await;
    let client = raw(&url).await;
    let sql = "
        INSERT INTO plan (id, state, fingerprint, request, currency, seed, created_at, updated_at,
                          state_since, run_after, audit_seq, audit_hash)
        SELECT gen_random_uuid(), 'awaiting_selection', $1, $3, 'INR', 0, now(), now(), now(), now(),
               0, $1
        FROM generate_series(1, $2) RETURNING id";
    let request = serde_json::to_value(request()).unwrap();
    let rows = client.query(sql, &[&vec![0_u8; 32], &(PLANS as i32), &request]).await.unwrap();
    let plans: Vec<PlanId> = rows.iter().map(|row| PlanId(row.get(0))).collect();
    let holds = plans.iter().enumerate().map(|(n, plan)| {
        let store = store.clone();
        async move {
            let vendors = pick(&[ids[n % 4]], window(10, 18));
            choose(&store, (*plan, 1), &vendors, HOLD).await
        }
    });
    let mut won = 0;
    for answer in futures_util::future::join_all(holds).await {
        match answer {
            Ok(_) => won += 1,
            Err(StoreError::Taken { vendor }) => assert!(ids.contains(&vendor.as_str())),
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(won, 8);
    let sql = "SELECT count(*), count(*) FILTER (WHERE EXISTS (
                   SELECT FROM booking o WHERE o.id <> b.id AND o.vendor_id = b.vendor_id
                     AND o.slot = b.slot AND o.during && b.during))
               FROM booking b WHERE state = 'held'";
    let row = client.query_one(sql, &[]).await.unwrap();
    assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1)), (8, 0));
    let all = pick(&ids, window(10, 18));
    assert_eq!(store.taken(&all, None).await.unwrap().len(), 4);
    assert_eq!(store.taken(&pick(&ids, window(18, 20)), None).await.unwrap(), []);
}
