//! Migrations: once, from several daemons at a time, never backwards.

use eventplanner::store::{Store, StoreError, migrate, settings::DatabaseSettings};

use crate::common::{empty_database, raw, small_pool};

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
    let url = crate::common::database().await;
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
    let store = crate::common::store().await;
    let categories = store.categories().await.unwrap();
    let names: Vec<&str> = categories.iter().map(|category| category.name.as_str()).collect();
    let order = "venue caterer photographer makeup_artist florist music decorator transport";
    assert_eq!(names.join(" "), order);
    assert_eq!(categories[3].lead_minutes, 240);
    assert_eq!(categories[0].wants.len(), 3);
}
