//! Vendors and requests for tests.

use std::time::Duration;

use jiff::{Timestamp, civil::Date};
use model::{
    Amount, Basis, Capacity, GeoPoint, Infeasibility, MealOption, PlanId, PlanState, PriceLine,
    Request, Requirements, Vendor, VendorId, Window,
};
use serde_json::{Value, json};
use store::{
    Agreed, Choice, Claim, ImportSummary, NewPlan, PlanResult, Reach, SearchOutcome, Selected,
    SourcingQuery, Store, StoreError, Touched, fingerprint,
};
use uuid::Uuid;

/// Noon of the day before which the tests' events are asked for.
pub fn now() -> Timestamp {
    "2027-01-01T12:00:00Z".parse().unwrap()
}

/// A time in the week of the tests' events, in hours after midnight UTC of 2027-06-19, a
/// Saturday.
pub fn hour(hour: i64) -> Timestamp {
    let midnight: Timestamp = "2027-06-19T00:00:00Z".parse().unwrap();
    Timestamp::from_second(midnight.as_second() + hour * 3_600).unwrap()
}

pub fn window(start: i64, end: i64) -> Window {
    Window { start: hour(start), end: hour(end) }
}

pub fn vendor(id: &str, category: &str, city: &str) -> Vendor {
    let inr = "INR".parse().unwrap();
    let package = PriceLine {
        label: "package".into(),
        basis: Basis::Flat,
        amount: Amount::new(5_000_000, 2),
        currency: inr,
        option: None,
    };
    Vendor {
        pricing: vec![package],
        ..Vendor::new(id.into(), category.into(), format!("The {id}"), city.into())
    }
}

/// A vendor with every field set.
pub fn full_vendor(id: &str) -> Vendor {
    let inr = "INR".parse().unwrap();
    let line = |label: &str, basis, minor, option| PriceLine {
        label: label.into(),
        basis,
        amount: Amount::new(minor, 2),
        currency: inr,
        option,
    };
    Vendor {
        area: Some("Indiranagar".into()),
        location: Some(GeoPoint { lat: 12.9719, lon: 77.6412 }),
        pricing: vec![
            line("veg plate", Basis::PerGuest, 65_050, Some(MealOption::Veg)),
            line("non-veg plate", Basis::PerGuest, 80_000, Some(MealOption::NonVeg)),
            line("hall", Basis::Flat, 12_345_678, None),
            line("rooms", Basis::PerRoom, 400_000, None),
            line("staff", Basis::PerPerson, 1, None),
            line("band", Basis::PerHour, 0, None),
        ],
        capacity: Some(Capacity { min: Some(50), ideal: Some(200), max: Some(400) }),
        policies: serde_json::from_value(json!({
            "catering": "both", "alcohol": false, "decor": "no open fire", "music_until": "22:00:00"
        }))
        .unwrap(),
        tags: vec!["garden".into(), "ünïcode \"quoted\"".into()],
        amenities: vec!["parking".into()],
        rating: Some(4.3),
        description: Some("A hall, with a garden\nand a pond.".into()),
        contact: [("phone".to_owned(), "+91 80 0000".to_owned())].into(),
        setup_minutes: 90,
        teardown_minutes: 60,
        styles: vec!["rustic".into(), "classic".into()],
        max_hours: Some(7.5),
        lead_days: 14,
        closed_weekdays: serde_json::from_value(json!(["monday", "sunday"])).unwrap(),
        blackout_dates: vec!["2027-02-03".parse().unwrap(), "2027-01-26".parse().unwrap()],
        tax: serde_json::from_value(json!(18)).unwrap(),
        service_charge: serde_json::from_value(json!(7.25)).unwrap(),
        source: serde_json::from_value(json!({"name": "fair", "as_of": "2026-10-01"})).unwrap(),
        service_radius_km: Some(42.5),
        parallel_events: 3,
        ..vendor(id, "venue", "Bengaluru")
    }
}

/// Imports vendors, all of them.
pub async fn import(store: &Store, vendors: &[Vendor]) -> ImportSummary {
    let mut import = store.begin_import().await.unwrap();
    let rows: Vec<_> = vendors.iter().cloned().enumerate().map(|(i, v)| (i + 1, v)).collect();
    assert_eq!(import.rows(&rows).await.unwrap(), []);
    import.commit().await.unwrap()
}

/// Venues in Bengaluru for 100 guests on Saturday 2027-06-19 from 10:00 to 18:00 UTC.
pub fn sourcing() -> SourcingQuery {
    SourcingQuery {
        category: "venue".into(),
        city: "Bengaluru".into(),
        guests: 100,
        window: window(10, 18),
        date: "2027-06-19".parse::<Date>().unwrap(),
        time_zone: "UTC".into(),
        today: "2027-06-01".parse::<Date>().unwrap(),
        currency: "INR".parse().unwrap(),
        exclude: Vec::new(),
        for_plan: None,
        reach: Reach::Feasible,
    }
}

pub fn touched(category: &str, city: &str) -> Touched {
    Touched { category: category.into(), city: Some(city.to_owned()) }
}

/// The ids of the vendors that a query finds.
pub async fn sourced(store: &Store, query: &SourcingQuery) -> Vec<String> {
    let found = store.source(query).await.unwrap();
    found.into_iter().map(|sourced| sourced.vendor.id.to_string()).collect()
}

pub fn request_document() -> Value {
    json!({
        "client": {"name": "A. Client"}, "event_type": "wedding", "date": "2027-06-19",
        "start": "16:00", "time_zone": "Asia/Kolkata", "hours": 8, "city": "Bengaluru",
        "guests": 200, "budget": {"amount": "800000.10", "currency": "INR"},
        "services": {"venue": {"weight": 1.1}, "caterer": {"required": false}},
        "preferences": {"veg_share": 0.30000000000000004}, "vision": "a garden, \"fairy\" lights"
    })
}

pub fn request() -> Request {
    Request::parse(request_document().to_string().as_bytes(), now()).unwrap()
}

/// A claim of up to `limit` plans, a suspect among them.
pub fn claim(owner: &str, lease: Duration, limit: u32) -> Claim<'_> {
    Claim { owner, lease, limit, suspect_crashes: u32::MAX }
}

/// Submits a plan of the usual request.
pub async fn submit(store: &Store) -> PlanId {
    let id = PlanId(Uuid::now_v7());
    let plan = new_plan(id);
    let request = request();
    store.submit(&NewPlan { request: &request, ..plan }).await.unwrap().plan()
}

/// A new plan without a key; give it a request.
pub fn new_plan(id: PlanId) -> NewPlan<'static> {
    static REQUEST: std::sync::LazyLock<Request> = std::sync::LazyLock::new(request);
    NewPlan {
        id,
        request: &REQUEST,
        fingerprint: fingerprint(request_document().to_string().as_bytes()),
        idempotency_key: None,
        requested_by: Some(1_000),
        priority: 0,
        replans: None,
        created_at: now(),
    }
}

/// A run's search ends with a result that is empty but for its digest.
pub async fn conclude(
    store: &Store,
    (plan, run_number): (PlanId, i64),
    to: PlanState,
    infeasibility: Option<&Infeasibility>,
) -> Result<(), StoreError> {
    let result = PlanResult {
        options: Vec::new(),
        tally: None,
        notes: Vec::new(),
        digest: format!("of run {run_number}"),
        history: Vec::new(),
        basis: Vec::new(),
    };
    let outcome = SearchOutcome {
        plan,
        run_number,
        to,
        requirements: &Requirements { keywords: vec!["garden".into()], ..Default::default() },
        shares: &[],
        result: &result,
        infeasibility,
        events: Vec::new(),
        agent_runs: &[],
        proof: None,
    };
    store.conclude(outcome).await
}

/// A result without options, under this digest.
pub fn no_options(digest: impl Into<String>) -> PlanResult {
    let (options, tally, notes, history, basis) =
        (Vec::new(), None, Vec::new(), Vec::new(), Vec::new());
    PlanResult { options, tally, notes, digest: digest.into(), history, basis }
}

/// What a run's search came to; give it what it found out.
pub fn outcome<'a>(
    plan: PlanId,
    run_number: i64,
    to: PlanState,
    result: &'a PlanResult,
) -> SearchOutcome<'a> {
    static REQUIREMENTS: std::sync::LazyLock<Requirements> =
        std::sync::LazyLock::new(Requirements::default);
    SearchOutcome {
        plan,
        run_number,
        to,
        requirements: &REQUIREMENTS,
        shares: &[],
        result,
        infeasibility: None,
        events: Vec::new(),
        agent_runs: &[],
        proof: None,
    }
}

/// A plan that waits for a selection, and its run number.
pub async fn waiting_plan(store: &Store) -> (PlanId, i64) {
    submit(store).await;
    let run = loop {
        // One that is to be written can be claimed as well.
        let claimed = store.claim(claim("searcher", Duration::from_secs(60), 1)).await.unwrap();
        let run = claimed.into_iter().next().expect("a plan to claim");
        if run.state == PlanState::Running {
            break run;
        }
    };
    let result = no_options("d");
    let found = outcome(run.id, run.run_number, PlanState::AwaitingSelection, &result);
    store.conclude(found).await.unwrap();
    (run.id, run.run_number)
}

/// Selects an option whose vendors are needed then.
pub async fn choose(
    store: &Store,
    (plan, number): (PlanId, u32),
    vendors: &[(VendorId, Window)],
    lasts: Duration,
) -> Result<Selected<std::convert::Infallible>, StoreError> {
    let choice = Choice { plan, number, lasts, call_off: &|_, _| Vec::new() };
    let windows = vendors.to_vec();
    store.select(choice, |_| Ok(Agreed { windows, result: None, events: Vec::new() })).await
}

/// Holds vendors for a plan of its own.
pub async fn hold(store: &Store, vendors: &[(VendorId, Window)]) -> PlanId {
    let (plan, _) = waiting_plan(store).await;
    let held = choose(store, (plan, 1), vendors, Duration::from_secs(600)).await.unwrap();
    assert!(matches!(held, Selected::Now));
    plan
}
