//! Workflow metrics kept in the database, for reports over longer times.

use jiff::Timestamp;
use tokio_postgres::types::Type;

use super::{
    Store, StoreError,
    columns::Columns,
    session::{Param, Sql},
};

/// Rows that one read returns at most.
const READ_MAX: i64 = 100_000;

/// One measured value.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricRow {
    pub at: Timestamp,
    /// With its unit last, e.g. `workflow_seconds`.
    pub name: String,
    pub value: f64,
    pub labels: Option<serde_json::Value>,
}

impl Store {
    /// Stores a batch in one statement.
    pub async fn add_metrics(&self, rows: &[MetricRow]) -> Result<(), StoreError> {
        if rows.is_empty() {
            return Ok(());
        }
        let session = self.pool.session("storing metrics").await?;
        let sql = "INSERT INTO workflow_metric (at, name, value, labels) \
                   SELECT * FROM unnest($1, $2, $3, $4)";
        let ats: Vec<Timestamp> = rows.iter().map(|row| row.at).collect();
        let names: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
        let values: Vec<f64> = rows.iter().map(|row| row.value).collect();
        let labels: Vec<Option<&serde_json::Value>> =
            rows.iter().map(|row| row.labels.as_ref()).collect();
        let params: [Param<'_>; 4] = [
            (&ats, Type::TIMESTAMPTZ_ARRAY),
            (&names, Type::TEXT_ARRAY),
            (&values, Type::FLOAT8_ARRAY),
            (&labels, Type::JSONB_ARRAY),
        ];
        session.execute(sql, &params).await.map(drop)
    }

    /// The values of one metric from `since` on, oldest first.
    pub async fn metrics(
        &self,
        name: &str,
        since: Timestamp,
    ) -> Result<Vec<MetricRow>, StoreError> {
        let session = self.pool.session("reading metrics").await?;
        let sql = "SELECT at, name, value, labels FROM workflow_metric \
                   WHERE name = $1 AND at >= $2 ORDER BY at, id LIMIT $3";
        let params: [Param<'_>; 3] =
            [(&name, Type::TEXT), (&since, Type::TIMESTAMPTZ), (&READ_MAX, Type::INT8)];
        let rows = session.query(sql, &params).await?;
        let read = |row| {
            let mut c = Columns::of(row, "a metric");
            Ok(MetricRow { at: c.take()?, name: c.take()?, value: c.take()?, labels: c.take()? })
        };
        rows.iter().map(read).collect()
    }
}
