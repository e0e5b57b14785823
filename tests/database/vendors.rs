//! Vendors in, vendors out: import, sourcing with each of its filters, search.

use std::time::Instant;

use common::{
    database,
    fixtures::{full_vendor, hold, import, sourced, sourcing, vendor, window},
    raw, small_pool, store,
};
use eventplanner::{
    model::{BookedSlot, Capacity, CateringPolicy, GeoPoint, Vendor, VendorId},
    store::{Reach, Store, VendorFilter, settings::DatabaseSettings},
};

#[tokio::test]
async fn every_field_of_a_vendor_comes_back() {
    let store = store().await;
    let vendors = [full_vendor("a"), vendor("b", "transport", "Mysuru")];
    import(&store, &vendors).await;
    let found = store.vendors_by_ids(&["b".into(), "a".into(), "x".into()]).await.unwrap();
    assert_eq!(found, vendors);
    let missing = store.missing_vendors(&["x".into(), "a".into(), "w".into()]).await.unwrap();
    assert_eq!(missing, [VendorId::from("w"), VendorId::from("x")]);
}

#[tokio::test]
async fn an_import_updates_by_id_and_tells_what_it_touched() {
    let store = store().await;
    let first =
        import(&store, &[vendor("a", "venue", "Bengaluru"), vendor("b", "music", "Mysuru")]).await;
    assert_eq!((first.inserted, first.updated), (2, 0));
    let pairs: Vec<String> = first.touched.iter().map(|(c, city)| format!("{c} {city}")).collect();
    assert_eq!(pairs, ["music Mysuru", "venue Bengaluru"]);
    assert!(first.travelling.is_empty());

    let moved = Vendor { service_radius_km: Some(10.0), ..vendor("a", "venue", "Mysuru") };
    let second = import(&store, &[moved.clone(), vendor("c", "venue", "bengaluru ")]).await;
    assert_eq!((second.inserted, second.updated), (1, 1));
    let pairs: Vec<String> = second.touched.iter().map(|(c, city)| format!("{c} {city}")).collect();
    assert_eq!(pairs, ["venue Bengaluru", "venue Mysuru"]);
    assert_eq!(second.travelling, ["venue".into()]);
    let found = store.vendors_by_ids(&["a".into(), "c".into()]).await.unwrap();
    assert_eq!(found[0], moved);
    assert_eq!(found[1].city, "Bengaluru", "the first spelling of a city stays");
}

#[tokio::test]
async fn a_dropped_import_leaves_nothing() {
    let store = store().await;
    let mut dropped = store.begin_import().await.unwrap();
    dropped.rows(&[(1, vendor("a", "venue", "Bengaluru"))]).await.unwrap();
    drop(dropped);
    import(&store, &[vendor("b", "venue", "Bengaluru")]).await;
    assert_eq!(sourced(&store, &sourcing()).await, ["b"]);
}

/// Building an index holds this lock, and waits for every transaction: an import that waited for
/// the lock in its own would never end.
#[tokio::test]
async fn an_import_goes_on_beside_an_index_that_is_built() {
    let url = database().await;
    let store = Store::open(&DatabaseSettings { url: url.clone(), ..small_pool() }).await.unwrap();
    let builder = raw(&url).await;
    builder.batch_execute("BEGIN; LOCK vendor IN SHARE UPDATE EXCLUSIVE MODE").await.unwrap();
    import(&store, &[vendor("a", "venue", "Bengaluru")]).await;
    import(&store, &[vendor("b", "venue", "Bengaluru")]).await;
    assert_eq!(sourced(&store, &sourcing()).await, ["a", "b"]);
    let analyzed = async || -> f32 {
        let sql = "SELECT reltuples FROM pg_class WHERE relname = 'vendor'";
        raw(&url).await.query_one(sql, &[]).await.unwrap().get(0)
    };
    assert_eq!(analyzed().await, -1.0, "the lock was held");
    builder.batch_execute("ROLLBACK").await.unwrap();
    import(&store, &[vendor("c", "venue", "Bengaluru")]).await;
    assert_eq!(analyzed().await, 3.0);
}

#[tokio::test]
async fn refused_rows_are_numbered_and_the_others_are_in() {
    let store = store().await;
    let mut session = store.begin_import().await.unwrap();
    let named = |id: &str, name: &str| Vendor { name: name.into(), ..vendor(id, "venue", "X") };
    let rows = [
        (1, vendor("a", "venue", "X")),
        (2, vendor("b", "juggler", "X")),
        (3, vendor("a", "venue", "X")),
        (4, named("c", "with\0nul")),
        (5, Vendor { setup_minutes: u32::MAX, ..vendor("d", "venue", "X") }),
    ];
    let refused = session.rows(&rows).await.unwrap();
    let fields: Vec<(usize, &str)> =
        refused.iter().map(|e| (e.row, e.error.field.as_str())).collect();
    let expected = [(2, "category"), (3, "external_id"), (4, "name"), (5, "setup_minutes")];
    assert_eq!(fields, expected);
    // Also across chunks, where the first stays.
    let refused = session.rows(&[(6, named("a", "again")), (7, named("e", "e"))]).await.unwrap();
    assert_eq!(refused.iter().map(|e| e.row).collect::<Vec<_>>(), [6]);
    let summary = session.commit().await.unwrap();
    assert_eq!((summary.inserted, summary.updated), (2, 0));
    let found = store.vendors_by_ids(&["a".into(), "e".into()]).await.unwrap();
    assert_eq!(found.iter().map(|v| v.name.as_str()).collect::<Vec<_>>(), ["The a", "e"]);
}

#[tokio::test]
async fn an_area_keeps_the_centre_of_its_first_import() {
    let store = store().await;
    let at = |id: &str, lat: f64| Vendor {
        area: Some("Hill".into()),
        location: Some(GeoPoint { lat, lon: 77.0 }),
        ..vendor(id, "venue", "Bengaluru")
    };
    let nowhere = Vendor { location: None, area: Some("Vale".into()), ..at("c", 0.0) };
    import(&store, &[at("a", 12.0), at("b", 13.0), nowhere]).await;
    import(&store, &[at("d", 50.0)]).await;
    let areas = store.areas(&["BENGALURU", "nowhere"]).await.unwrap();
    let found: Vec<_> = areas.iter().map(|(_, name, centre)| (name, centre.lat)).collect();
    assert_eq!(found, [("Hill", 12.5)], "an area without coordinates has no centre");
}

/// Each filter alone: what it keeps out, and that its opposite is let in.
#[tokio::test]
async fn each_hard_constraint_keeps_vendors_out() {
    let store = store().await;
    let base = || vendor("ok", "venue", "BENGALURU");
    let capacity = |min, max| Some(Capacity { min, ideal: None, max });
    let cases = [
        ("ok", base()),
        ("fits", Vendor { capacity: capacity(Some(100), Some(100)), ..base() }),
        ("too-large", Vendor { capacity: capacity(Some(101), None), ..base() }),
        ("too-small", Vendor { capacity: capacity(None, Some(99)), ..base() }),
        ("lead-kept", Vendor { lead_days: 18, ..base() }),
        ("lead-missed", Vendor { lead_days: 19, ..base() }),
        ("sundays-off", Vendor { closed_weekdays: weekdays("sunday"), ..base() }),
        ("saturdays-off", Vendor { closed_weekdays: weekdays("saturday"), ..base() }),
        ("other-day-off", Vendor { blackout_dates: vec!["2027-06-20".parse().unwrap()], ..base() }),
        ("day-off", Vendor { blackout_dates: vec!["2027-06-19".parse().unwrap()], ..base() }),
        ("elsewhere", Vendor { city: "Mysuru".into(), ..base() }),
        ("caterer", Vendor { category: "caterer".into(), ..base() }),
        ("excluded", base()),
        ("euro", in_euro(base())),
    ];
    let vendors: Vec<Vendor> =
        cases.map(|(id, vendor)| Vendor { id: id.into(), ..vendor }).into_iter().collect();
    import(&store, &vendors).await;

    let mut query = sourcing();
    query.exclude = vec!["excluded".into()];
    let found = sourced(&store, &query).await;
    assert_eq!(found, ["fits", "lead-kept", "ok", "other-day-off", "sundays-off"]);
    query.reach = Reach::Relaxed;
    assert_eq!(sourced(&store, &query).await.len(), 12, "all of the category and city");
    query.city = "Atlantis".into();
    assert!(sourced(&store, &query).await.is_empty());
}

/// From setup to teardown, in the event's own zone: Saturday 19 to Monday 21 June 2027.
#[tokio::test]
async fn every_local_day_on_the_spot_counts() {
    let store = store().await;
    let base = || vendor("", "venue", "Bengaluru");
    let cases = [
        ("saturdays-off", Vendor { closed_weekdays: weekdays("saturday"), ..base() }),
        ("sundays-off", Vendor { closed_weekdays: weekdays("sunday"), ..base() }),
        ("mondays-off", Vendor { closed_weekdays: weekdays("monday"), ..base() }),
        ("away-on-20", Vendor { blackout_dates: vec!["2027-06-20".parse().unwrap()], ..base() }),
        (
            "long-setup",
            Vendor { closed_weekdays: weekdays("friday"), setup_minutes: 660, ..base() },
        ),
        (
            "long-teardown",
            Vendor { closed_weekdays: weekdays("monday"), teardown_minutes: 481, ..base() },
        ),
    ];
    let vendors: Vec<Vendor> =
        cases.map(|(id, vendor)| Vendor { id: id.into(), ..vendor }).into_iter().collect();
    import(&store, &vendors).await;
    let all = vendors.iter().map(|vendor| vendor.id.as_str());
    for (zone, hours, out) in [
        ("UTC", (10, 18), &["saturdays-off", "long-setup"][..]),
        (
            "UTC",
            (10, 40),
            &["saturdays-off", "sundays-off", "away-on-20", "long-setup", "long-teardown"],
        ),
        ("UTC", (10, 24), &["saturdays-off", "long-setup"]),
        ("UTC", (10, 25), &["saturdays-off", "sundays-off", "away-on-20", "long-setup"]),
        (
            "UTC",
            (12, 49),
            &["saturdays-off", "sundays-off", "away-on-20", "mondays-off", "long-teardown"],
        ),
        // 15:30 to 00:00 and 00:30 in Kolkata.
        ("Asia/Kolkata", (10, 18), &["saturdays-off", "long-teardown"][..0]),
        // Still Friday evening in Honolulu.
        ("Pacific/Honolulu", (6, 9), &["long-setup"]),
    ] {
        let mut query = sourcing();
        query.window = window(hours.0, hours.1);
        query.time_zone = zone.into();
        // What the planner says of the same vendors.
        let tz = jiff::tz::TimeZone::get(zone).unwrap();
        let is_away = |vendor: &&Vendor| {
            let spot = query.window.widened(vendor.setup_minutes, vendor.teardown_minutes);
            eventplanner::model::LocalDays::of(spot, &tz).iter().any(|day| {
                vendor.blackout_dates.contains(&day)
                    || vendor.closed_weekdays.iter().any(|closed| closed.0 == day.weekday())
            })
        };
        let mut expected: Vec<&str> =
            vendors.iter().filter(|v| !is_away(v)).map(|v| v.id.as_str()).collect();
        expected.sort_unstable();
        assert_eq!(sourced(&store, &query).await, expected, "{zone} {hours:?}");
        if zone == "UTC" || !out.is_empty() {
            let mut named: Vec<&str> = all.clone().filter(|id| !out.contains(id)).collect();
            named.sort_unstable();
            assert_eq!(expected, named, "{zone} {hours:?}");
        }
    }
}

#[tokio::test]
async fn travelling_vendors_come_as_far_as_their_radius() {
    let store = store().await;
    let bengaluru = GeoPoint { lat: 12.9716, lon: 77.5946 };
    let mysuru = GeoPoint { lat: 12.2958, lon: 76.6394 };
    let km = bengaluru.distance_km(mysuru);
    let from_mysuru = |id: &str, radius, location| Vendor {
        location,
        service_radius_km: radius,
        ..vendor(id, "venue", "Mysuru")
    };
    import(
        &store,
        &[
            Vendor { location: Some(bengaluru), ..vendor("local", "venue", "Bengaluru") },
            from_mysuru("far", Some(km + 0.1), Some(mysuru)),
            from_mysuru("near", Some(km - 0.1), Some(mysuru)),
            from_mysuru("still", None, Some(mysuru)),
            from_mysuru("unknown", Some(1_000.0), None),
        ],
    )
    .await;
    assert_eq!(sourced(&store, &sourcing()).await, ["far", "local"]);
}

/// The planner measures the way to the centre that the database finds it by.
#[tokio::test]
async fn a_city_without_areas_has_a_centre_all_the_same() {
    let store = store().await;
    let bengaluru = GeoPoint { lat: 12.9716, lon: 77.5946 };
    let mysuru = GeoPoint { lat: 12.2958, lon: 76.6394 };
    let local = Vendor { location: Some(bengaluru), ..vendor("local", "venue", "Bengaluru") };
    let far = Vendor {
        location: Some(mysuru),
        area: Some("Vale".into()),
        service_radius_km: Some(bengaluru.distance_km(mysuru) + 0.1),
        ..vendor("far", "venue", "Mysuru")
    };
    import(&store, &[local, far]).await;
    assert_eq!(sourced(&store, &sourcing()).await, ["far", "local"]);
    let areas = store.areas(&["bengaluru", "Mysuru", "nowhere"]).await.unwrap();
    assert_eq!(areas.iter().collect::<Vec<_>>(), [("Mysuru", "Vale", mysuru)]);
    let cities: Vec<_> = areas.cities().collect();
    assert_eq!(cities, [("Bengaluru", bengaluru), ("Mysuru", mysuru)]);
}

#[tokio::test]
async fn a_booking_blocks_the_window_from_setup_to_teardown() {
    let store = store().await;
    let vendor = |id: &str, setup, teardown, parallel| Vendor {
        setup_minutes: setup,
        teardown_minutes: teardown,
        parallel_events: parallel,
        ..vendor(id, "venue", "Bengaluru")
    };
    // The event runs from 10 to 18; the bookings end at 9 and start at 20.
    let vendors = [
        vendor("ready-in-an-hour", 60, 120, 1),
        vendor("slow-to-set-up", 61, 0, 1),
        vendor("slow-to-clear", 0, 121, 1),
        vendor("two-crews", 61, 121, 2),
    ];
    import(&store, &vendors).await;
    for (ids, start, end) in [
        (vec!["ready-in-an-hour", "slow-to-set-up", "two-crews"], 5, 9),
        (vec!["ready-in-an-hour", "slow-to-clear"], 20, 22),
    ] {
        book(&store, &ids, start, end).await;
    }
    assert_eq!(sourced(&store, &sourcing()).await, ["ready-in-an-hour", "two-crews"]);
    book(&store, &["two-crews"], 17, 19).await;
    assert_eq!(sourced(&store, &sourcing()).await, ["ready-in-an-hour", "two-crews"]);
    book(&store, &["two-crews"], 17, 19).await;
    assert_eq!(sourced(&store, &sourcing()).await, ["ready-in-an-hour"]);

    let mut query = sourcing();
    query.reach = Reach::Relaxed;
    let found = store.source(&query).await.unwrap();
    let busy = |id: &str| &found.iter().find(|s| s.vendor.id.as_str() == id).unwrap().busy;
    let booked = |slot, start, end| BookedSlot { slot, window: window(start, end) };
    assert_eq!(*busy("two-crews"), [booked(1, 5, 9), booked(1, 17, 19), booked(2, 17, 19)]);
    assert_eq!(*busy("ready-in-an-hour"), [booked(1, 5, 9), booked(1, 20, 22)]);
}

#[tokio::test]
async fn the_category_s_lead_widens_the_window() {
    let store = store().await;
    import(&store, &[vendor("m", "makeup_artist", "Bengaluru")]).await;
    let mut query = sourcing();
    query.category = "makeup_artist".into();
    let plan = book(&store, &["m"], 1, 7).await;
    // Work may begin four hours before 10:00.
    assert!(sourced(&store, &query).await.is_empty());
    query.for_plan = Some(plan);
    assert_eq!(sourced(&store, &query).await, ["m"], "a plan is not in its own way");
}

#[tokio::test]
async fn searches_combine_their_filters() {
    let store = store().await;
    let described = Vendor { name: "100% Garden_party".into(), ..full_vendor("a") };
    import(&store, &[described, vendor("b", "venue", "Bengaluru"), vendor("c", "music", "Mysuru")])
        .await;
    let inr = "INR".parse().unwrap();
    let any = VendorFilter::default;
    for (filter, found) in [
        (any(), "a b c"),
        (VendorFilter { limit: 1, offset: 1, ..any() }, "b"),
        (VendorFilter { category: Some("venue".into()), ..any() }, "a b"),
        (VendorFilter { city: Some("mysuru".into()), ..any() }, "c"),
        (VendorFilter { name: Some("0% gARDEN_".into()), ..any() }, "a"),
        (VendorFilter { name: Some("garden%party".into()), ..any() }, ""),
        (VendorFilter { words: Some("pond -lake".into()), ..any() }, "a"),
        (VendorFilter { words: Some("lake".into()), ..any() }, ""),
        (VendorFilter { tag: Some("rustic".into()), ..any() }, "a"),
        (VendorFilter { style: Some("classic".into()), ..any() }, "a"),
        (VendorFilter { style: Some("parking".into()), ..any() }, ""),
        (VendorFilter { amenity: Some("parking".into()), ..any() }, "a"),
        (VendorFilter { cuisine: Some("garden".into()), ..any() }, "a"),
        (VendorFilter { max_guest_price: Some((65_050, inr)), ..any() }, "a"),
        (VendorFilter { max_guest_price: Some((65_049, inr)), ..any() }, ""),
        (VendorFilter { near: Some((GeoPoint { lat: 12.97, lon: 77.60 }, 5.0)), ..any() }, "a"),
        (VendorFilter { near: Some((GeoPoint { lat: 12.97, lon: 77.60 }, 4.0)), ..any() }, ""),
        (VendorFilter { source: Some("fair".into()), ..any() }, "a"),
        (VendorFilter { catering: Some(CateringPolicy::Both), ..any() }, "a"),
        (VendorFilter { catering: Some(CateringPolicy::InHouse), ..any() }, ""),
        (VendorFilter { guests: Some(401), ..any() }, "b c"),
        (VendorFilter { guests: Some(49), ..any() }, "b c"),
        (VendorFilter { min_rating: Some(4.3), ..any() }, "a"),
        (VendorFilter { max_price: Some((4_999_999, inr)), ..any() }, "a"),
        (VendorFilter { max_price: Some((5_000_000, inr)), ..any() }, "a b c"),
        (VendorFilter { max_price: Some((5_000_000, "EUR".parse().unwrap())), ..any() }, ""),
    ] {
        let vendors = store.search_vendors(&filter).await.unwrap();
        let ids: Vec<&str> = vendors.iter().map(|vendor| vendor.id.as_str()).collect();
        assert_eq!(ids.join(" "), found, "{filter:?}");
    }
    let counts = store.vendor_counts().await.unwrap();
    let counts: Vec<String> =
        counts.iter().map(|c| format!("{} {} {}", c.category, c.city, c.vendors)).collect();
    assert_eq!(counts, ["venue Bengaluru 2", "music Mysuru 1"]);
}

#[tokio::test]
async fn a_large_import_is_fast() {
    let store = store().await;
    let template = full_vendor("x");
    let rows: Vec<(usize, Vendor)> = (0..20_000)
        .map(|n| (n, Vendor { id: format!("v{n:07}").as_str().into(), ..template.clone() }))
        .collect();
    for round in ["inserted", "updated"] {
        let started = Instant::now();
        let mut import = store.begin_import().await.unwrap();
        assert_eq!(import.rows(&rows).await.unwrap(), []);
        let summary = import.commit().await.unwrap();
        println!("{round} 20,000 vendors in {:?}", started.elapsed());
        assert_eq!(summary.inserted + summary.updated, 20_000);
    }
}

/// Books vendors for a plan of its own.
async fn book(store: &Store, ids: &[&str], start: i64, end: i64) -> eventplanner::model::PlanId {
    let vendors: Vec<_> = ids.iter().map(|id| (VendorId::from(*id), window(start, end))).collect();
    hold(store, &vendors).await
}

fn weekdays(day: &str) -> Vec<eventplanner::model::Weekday> {
    vec![day.parse().unwrap()]
}

fn in_euro(mut vendor: Vendor) -> Vendor {
    for line in &mut vendor.pricing {
        line.currency = "EUR".parse().unwrap();
    }
    vendor
}
