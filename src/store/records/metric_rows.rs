//! Workflow metrics kept in the database, for reports over longer times.

use jiff::Timestamp;
use tokio_postgres::types::Type;

use crate::{
    Store, StoreError,
    connection::{
        row_reader::RowReader,
        session::{Param, Sql},
    },
};

/// One measured value.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricRow {
    pub at: Timestamp,
    /// With its unit last, e.g. `workflow_seconds`.
    pub name: String,
    pub value: f64,
}

impl Store {
    /// Stores a batch in one statement.
    pub async fn add_metrics(&self, rows: &[MetricRow]) -> Result<(), StoreError> {
        if rows.is_empty() {
            return Ok(());
        }
        let session = self.pool.session("storing metrics").await?;
        let sql = "INSERT INTO workflow_metric (at, name, value) \
                   SELECT * FROM unnest($1, $2, $3)";
        let ats: Vec<Timestamp> = rows.iter().map(|row| row.at).collect();
        let names: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
        let values: Vec<f64> = rows.iter().map(|row| row.value).collect();
        let params: [Param<'_>; 3] = [
            (&ats, Type::TIMESTAMPTZ_ARRAY),
            (&names, Type::TEXT_ARRAY),
            (&values, Type::FLOAT8_ARRAY),
        ];
        session.execute(sql, &params).await.map(drop)
    }

    /// Means over spans that end at `now`: (name, span's index in `spans`, mean), without spans
    /// that have no value. A span is (seconds from its begin to `now`, seconds from its end to
    /// `now`).
    pub async fn metric_means(
        &self,
        names: &[&str],
        spans: &[(i64, i64)],
        now: Timestamp,
    ) -> Result<Vec<(String, usize, f64)>, StoreError> {
        let session = self.pool.session("reading trends").await?;
        let sql = "SELECT m.name, s.index, avg(m.value) \
                   FROM unnest($2::bigint[], $3::bigint[]) WITH ORDINALITY AS s(begin_s, end_s, index) \
                   JOIN workflow_metric m ON m.at > $4 - make_interval(secs => s.begin_s) \
                   AND m.at <= $4 - make_interval(secs => s.end_s) AND m.name = ANY($1) \
                   GROUP BY m.name, s.index ORDER BY m.name, s.index";
        let (begins, ends): (Vec<i64>, Vec<i64>) = spans.iter().copied().unzip();
        let params: [Param<'_>; 4] = [
            (&names, Type::TEXT_ARRAY),
            (&begins, Type::INT8_ARRAY),
            (&ends, Type::INT8_ARRAY),
            (&now, Type::TIMESTAMPTZ),
        ];
        let rows = session.query(sql, &params).await?;
        let read = |row| {
            let mut c = RowReader::of(row, "a trend");
            let (name, index, mean): (String, i64, f64) = (c.take()?, c.take()?, c.take()?);
            Ok((name, index.saturating_sub(1) as usize, mean))
        };
        rows.iter().map(read).collect()
    }

    /// Deletes the values of these metrics from before `before`; returns how many.
    pub async fn prune_metrics(
        &self,
        names: &[&str],
        before: Timestamp,
    ) -> Result<u64, StoreError> {
        let session = self.pool.session("deleting old metrics").await?;
        let sql = "DELETE FROM workflow_metric WHERE name = ANY($1) AND at < $2";
        let params: [Param<'_>; 2] = [(&names, Type::TEXT_ARRAY), (&before, Type::TIMESTAMPTZ)];
        session.execute(sql, &params).await
    }
}
