//! Migrations: once, from several daemons at a time, never backwards.

use common::{empty_database, fixtures, raw, small_pool};
use eventplanner::{
    store::{SourcingQuery, Store, StoreError, VendorFilter, migrate, settings::DatabaseSettings},
    wire::PlanQuery,
};

#[tokio::test]
async fn daemons_that_start_together_migrate_once() {
    let settings = DatabaseSettings { url: empty_database().await, ..small_pool() };
    let (a, b, c) = tokio::join!(migrate(&settings), migrate(&settings), migrate(&settings));
    let mut ran = [a.unwrap(), b.unwrap(), c.unwrap()];
    ran.sort_unstable();
    assert_eq!(ran[..2], [0, 0]);
    assert!(ran[2] > 0);
    assert_eq!(migrate(&settings).await.unwrap(), 0);
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let url = common::database().await;
    let sql = "INSERT INTO refinery_schema_history (version, name, applied_on, checksum)
               SELECT 9999, 'future', applied_on, checksum FROM refinery_schema_history LIMIT 1";
    raw(&url).await.batch_execute(sql).await.unwrap();
    let settings = DatabaseSettings { url, ..small_pool() };
    match Store::open(&settings).await.map(drop).unwrap_err() {
        StoreError::NewerSchema { found: 9999, known } => assert!(known < 9999),
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn the_categories_are_data() {
    let store = common::store().await;
    let categories = store.categories().await.unwrap();
    let names: Vec<&str> = categories.iter().map(|category| category.name.as_str()).collect();
    let order = "venue caterer photographer makeup_artist florist music decorator transport";
    assert_eq!(names.join(" "), order);
    assert_eq!(categories[3].lead_minutes, 240);
    assert_eq!(categories[0].wants.len(), 3);
}

/// What an earlier version wrote is found under the names as they are now.
#[tokio::test]
async fn names_of_earlier_versions_are_brought_into_form_once() {
    let url = common::database().await;
    let store = common::open(url.clone()).await;
    let mut vendors = Vec::new();
    for (i, city) in ["a", "b", "c", "d"].into_iter().enumerate() {
        let mut vendor = fixtures::vendor(&format!("v{i}"), "venue", city);
        vendor.area = Some(format!("area {city}"));
        vendors.push(vendor);
    }
    fixtures::import(&store, &vendors).await;
    let plan = fixtures::submit(&store).await;
    let client = raw(&url).await;
    // As it was before the migration.
    let sql = "
        INSERT INTO upkeep (task) VALUES ('tidy_names');
        UPDATE city SET key = 'mu' || U&'\\0308' || 'nchen', name = 'Mu' || U&'\\0308' || 'nchen',
                        lat = 48, lon = 11 WHERE key = 'b';
        UPDATE city SET key = 'münchen', name = 'München' WHERE key = 'a';
        UPDATE city SET key = U&'new\\00a0\\00a0york', name = U&'New\\00a0\\00a0York' WHERE key = 'c';
        UPDATE area SET key = 'old town', name = 'Old Town' WHERE key IN ('area a', 'area b');
        UPDATE area SET key = U&'so\\200bho', name = U&'So\\200bho' WHERE key = 'area c';
        UPDATE vendor SET external_id = 'x  1' WHERE external_id = 'v0';
        UPDATE vendor SET external_id = 'x 1' WHERE external_id = 'v1';
        UPDATE vendor SET external_id = U&'Caf\\0065\\0301\\200b' WHERE external_id = 'v2';
        UPDATE plan SET city_key = NULL,
                        request = jsonb_set(request, '{city}', '\"MÜNCHEN\"');";
    client.batch_execute(sql).await.unwrap();
    let settings = DatabaseSettings { url: url.clone(), ..small_pool() };
    for _ in 0..2 {
        assert_eq!(migrate(&settings).await.unwrap(), 0);
        let found = |city: &str| {
            let filter = VendorFilter { city: Some(city.to_owned()), ..VendorFilter::default() };
            let store = store.clone();
            async move { store.search_vendors(&filter).await.unwrap() }
        };
        let munich = found("münchen").await;
        let ids: Vec<&str> = munich.iter().map(|vendor| vendor.id.as_str()).collect();
        assert_eq!(ids, ["x 1", "x 1 (2)"], "one city, and two ids that looked the same");
        for vendor in &munich {
            assert_eq!((&*vendor.city, vendor.area.as_deref()), ("München", Some("Old Town")));
        }
        let york = found("NEW YORK").await;
        assert_eq!((york[0].id.as_str(), &*york[0].city), ("Café", "New York"));
        assert_eq!(york[0].area.as_deref(), Some("Soho"));
        assert_eq!(found("d").await.len(), 1);
        // The planner reads the same, packed or not.
        let query = SourcingQuery { city: "Mu\u{308}nchen".into(), ..fixtures::sourcing() };
        assert_eq!(fixtures::sourced(&store, &query).await, ["x 1", "x 1 (2)"]);
        let counted = "SELECT (SELECT count(*) FROM city), (SELECT count(*) FROM area),
                              (SELECT lat FROM city WHERE key = 'münchen')";
        let row = client.query_one(counted, &[]).await.unwrap();
        let counts: (i64, i64, Option<f64>) = (row.get(0), row.get(1), row.get(2));
        assert_eq!(counts, (3, 3, Some(48.0)));
        let query = PlanQuery { city: Some("mu\u{308}nchen".into()), ..PlanQuery::default() };
        let plans = store.plans(&query).await.unwrap();
        assert_eq!(plans.plans.iter().map(|plan| plan.id).collect::<Vec<_>>(), [plan]);
    }
    // An import goes on under the same names.
    let again = fixtures::vendor("x\u{a0}1", "venue", "MÜNCHEN");
    let summary = fixtures::import(&store, &[again]).await;
    assert_eq!((summary.inserted, summary.updated), (0, 1));
}
