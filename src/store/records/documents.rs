//! The documents of a plan, as they were rendered.

use tokio_postgres::{Row, types::Type};

use crate::{
    Store, StoreError,
    connection::{
        row_reader::RowReader,
        session::{Param, Sql},
    },
};
use model::{CalledOff, PlanId};
use wire::Document;

/// Makes a plan's documents say that they no longer hold.
pub(crate) type CallOff<'a> = &'a (dyn Fn(&[Document], CalledOff) -> Vec<Document> + Sync);

/// Writes a plan's documents inside the caller's transaction, each in place of one of the same
/// name.
pub(crate) async fn insert(
    sql: &impl Sql,
    plan: PlanId,
    documents: &[Document],
) -> Result<(), StoreError> {
    if documents.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = documents.iter().map(|d| d.name.as_str()).collect();
    let types: Vec<&str> = documents.iter().map(|d| d.media_type.as_str()).collect();
    let bodies: Vec<&[u8]> = documents.iter().map(|d| d.body.as_slice()).collect();
    let statement = "
        INSERT INTO document (plan_id, name, media_type, body)
        SELECT $1, name, media_type, body FROM unnest($2, $3, $4) AS d (name, media_type, body)
        ON CONFLICT (plan_id, name) DO UPDATE SET
            media_type = EXCLUDED.media_type, body = EXCLUDED.body, created_at = now()";
    let params: [Param<'_>; 4] = [
        (&plan.0, Type::UUID),
        (&names, Type::TEXT_ARRAY),
        (&types, Type::TEXT_ARRAY),
        (&bodies, Type::BYTEA_ARRAY),
    ];
    sql.execute(statement, &params).await.map(drop)
}

/// A plan's documents as they are to be once it was called off, inside the caller's transaction.
pub(crate) async fn called_off(
    sql: &impl Sql,
    plan: PlanId,
    call_off: CallOff<'_>,
    how: CalledOff,
) -> Result<Vec<Document>, StoreError> {
    let statement = "SELECT name, media_type, body FROM document WHERE plan_id = $1 ORDER BY name";
    let rows = sql.query(statement, &[(&plan.0, Type::UUID)]).await?;
    let documents = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    Ok(if documents.is_empty() { documents } else { call_off(&documents, how) })
}

fn read(row: &Row) -> Result<Document, StoreError> {
    let mut c = RowReader::of(row, "a document");
    Ok(Document { name: c.take()?, media_type: c.take()?, body: c.take()? })
}

impl Store {
    /// A document by its name.
    pub async fn document(&self, plan: PlanId, name: &str) -> Result<Option<Document>, StoreError> {
        let session = self.pool.session("reading a document").await?;
        let sql = "SELECT name, media_type, body FROM document WHERE plan_id = $1 AND name = $2";
        let params: [Param<'_>; 2] = [(&plan.0, Type::UUID), (&name, Type::TEXT)];
        let row = session.query_opt(sql, &params).await?;
        row.as_ref().map(read).transpose()
    }

    /// The names of a plan's documents, in their order.
    pub async fn document_names(&self, plan: PlanId) -> Result<Vec<String>, StoreError> {
        let session = self.pool.session("listing documents").await?;
        let sql = "SELECT name FROM document WHERE plan_id = $1 ORDER BY name";
        let rows = session.query(sql, &[(&plan.0, Type::UUID)]).await?;
        rows.iter().map(|row| RowReader::of(row, "a document").take()).collect()
    }
}
