//! Means over days and weeks out of sixteen days of measurements.

use common::{database, open, raw, store};
use eventplanner::{
    store::MetricRow,
    telemetry::report::trends::{SPANS, names, trends},
};
use jiff::{Timestamp, ToSpan};

/// 2027-06-01 12:00 UTC: the end of every span.
fn now() -> Timestamp {
    Timestamp::from_second(1_811_851_200).unwrap()
}

fn row(hours_ago: i64, name: &str, value: f64) -> MetricRow {
    let at = now() - hours_ago.hours();
    MetricRow { at, name: name.to_owned(), value }
}

/// One measurement an hour, 384 of them. A span takes in its end and leaves out its begin, so that
/// a measurement 24 hours old is the day before's.
fn sixteen_days() -> Vec<MetricRow> {
    let value = |hours_ago| match hours_ago {
        0..24 => 10.0,
        24..48 => 20.0,
        48..168 => 30.0,
        168..336 => 40.0,
        _ => 1_000.0,
    };
    let hours = 0..16 * 24;
    let mut rows: Vec<MetricRow> = hours.map(|h| row(h, "cpu_percent", value(h))).collect();
    // Measured twice in the last week, and not at all in the last day.
    rows.extend([row(30, "llm_seconds", 2.0), row(100, "llm_seconds", 5.0)]);
    // Only in the week before the last one.
    rows.push(row(200, "pool_percent", 70.0));
    // Too old, and of the future, where a clock was set back.
    rows.extend([row(400, "query_seconds", 9.0), row(-1, "plans_queued", 9.0)]);
    // Nobody asks for it.
    rows.push(row(1, "another_figure", 1.0));
    rows
}

#[tokio::test]
async fn means_of_days_and_weeks_are_those_of_their_rows() {
    let store = store().await;
    store.add_metrics(&sixteen_days()).await.unwrap();
    let means = store.metric_means(&names(), &SPANS, now()).await.unwrap();
    let found = trends(&means);
    let found: Vec<_> =
        found.iter().map(|t| (&t.name[..], t.day, t.day_before, t.week, t.week_before)).collect();
    // (24 · 10 + 24 · 20 + 120 · 30) / 168
    let week = 4_320.0 / 168.0;
    let [cpu, pool, llm] = &found[..] else { panic!("{found:?}") };
    assert_eq!((cpu.0, cpu.1, cpu.2, cpu.4), ("cpu_percent", Some(10.0), Some(20.0), Some(40.0)));
    assert!(cpu.3.is_some_and(|mean| (mean - week).abs() < 1e-9), "{cpu:?}");
    assert_eq!(*pool, ("pool_percent", None, None, None, Some(70.0)));
    assert_eq!(*llm, ("llm_seconds", None, Some(2.0), Some(3.5), None));

    // As after `metrics.keep_days = 7`: the figures that nobody asks for are somebody else's.
    let pruned = store.prune_metrics(&names(), now() - (7 * 24).hours()).await.unwrap();
    // 168 hours old is not before the limit: 169..384 of the first, one each of two others.
    assert_eq!(pruned, 215 + 2);
    let means = store.metric_means(&names(), &SPANS, now()).await.unwrap();
    let cpu = trends(&means).into_iter().next().unwrap();
    assert_eq!((cpu.day_before, cpu.week_before), (Some(20.0), Some(40.0)), "its one hour is left");
}

/// As many rows as a daemon leaves in sixteen days of a look a minute.
#[tokio::test]
async fn sixteen_days_of_minutes_have_the_means_of_their_rows() {
    let url = database().await;
    let client = raw(&url).await;
    let sql = "INSERT INTO workflow_metric (at, name, value)
               SELECT $1::timestamptz - make_interval(mins => minute), name, minute % 100
               FROM generate_series(0, 16 * 1440 - 1) minute, unnest($2::text[]) name";
    let added = client.execute(sql, &[&now(), &names()]).await.unwrap();
    assert_eq!(added, 16 * 1_440 * names().len() as u64);
    client.batch_execute("ANALYZE workflow_metric").await.unwrap();
    let store = open(url).await;
    let means = store.metric_means(&names(), &SPANS, now()).await.unwrap();
    let found = trends(&means);
    assert_eq!(found.len(), names().len());
    for trend in found {
        // Minutes 0 to 1,439: fourteen times 0 to 99 and once 0 to 39.
        let day = (14.0 * 4_950.0 + 780.0) / 1_440.0;
        assert!(trend.day.is_some_and(|mean| (mean - day).abs() < 1e-9), "{trend:?}");
        // 10,080 minutes: a hundred times 0 to 99, and once 0 to 79.
        let week = (100.0 * 4_950.0 + 3_160.0) / 10_080.0;
        assert!(trend.week.is_some_and(|mean| (mean - week).abs() < 1e-9), "{trend:?}");
    }
}
