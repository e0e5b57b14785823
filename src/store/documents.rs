//! The documents of a plan, as they were rendered.

use jiff::Timestamp;
use serde::Serialize;
use tokio_postgres::types::Type;

use super::{
    Store, StoreError,
    columns::Columns,
    session::{Param, Sql},
};
use crate::model::PlanId;

/// A stored document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Letters, digits, `.`, `_` and `-`, 1–128 of them.
    pub name: String,
    pub media_type: String,
    pub body: Vec<u8>,
}

/// A line of a list of documents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DocumentInfo {
    pub name: String,
    pub media_type: String,
    pub bytes: u64,
    pub created_at: Timestamp,
}

impl Store {
    /// Stores a document, in place of one of the same name.
    ///
    /// # Errors
    /// `Fenced` where somebody claimed the plan since; `Unstorable` for a name with other
    /// characters.
    pub async fn put_document(
        &self,
        plan: PlanId,
        run_number: i64,
        document: &Document,
    ) -> Result<(), StoreError> {
        let session = self.pool.session("storing a document").await?;
        let sql = "
            WITH mine AS (SELECT id FROM plan WHERE id = $1 AND run_number = $2 FOR SHARE)
            INSERT INTO document (plan_id, name, media_type, body)
            SELECT id, $3, $4, $5 FROM mine
            ON CONFLICT (plan_id, name) DO UPDATE SET
                media_type = EXCLUDED.media_type, body = EXCLUDED.body, created_at = now()";
        let params: [Param<'_>; 5] = [
            (&plan.0, Type::UUID),
            (&run_number, Type::INT8),
            (&document.name, Type::TEXT),
            (&document.media_type, Type::TEXT),
            (&document.body, Type::BYTEA),
        ];
        match session.execute(sql, &params).await? {
            0 => Err(StoreError::Fenced { plan, run_number }),
            _ => Ok(()),
        }
    }

    /// A document by its name.
    pub async fn document(&self, plan: PlanId, name: &str) -> Result<Option<Document>, StoreError> {
        let session = self.pool.session("reading a document").await?;
        let sql = "SELECT name, media_type, body FROM document WHERE plan_id = $1 AND name = $2";
        let params: [Param<'_>; 2] = [(&plan.0, Type::UUID), (&name, Type::TEXT)];
        let row = session.query_opt(sql, &params).await?;
        let read = |row| {
            let mut c = Columns::of(row, "a document");
            Ok(Document { name: c.take()?, media_type: c.take()?, body: c.take()? })
        };
        row.as_ref().map(read).transpose()
    }

    /// A plan's documents, by name.
    pub async fn documents(&self, plan: PlanId) -> Result<Vec<DocumentInfo>, StoreError> {
        let session = self.pool.session("listing documents").await?;
        let sql = "SELECT name, media_type, length(body), created_at FROM document \
                   WHERE plan_id = $1 ORDER BY name";
        let rows = session.query(sql, &[(&plan.0, Type::UUID)]).await?;
        let read = |row| {
            let mut c = Columns::of(row, "a document");
            let (name, media_type) = (c.take()?, c.take()?);
            let bytes = c.take::<i32>()?.unsigned_abs().into();
            Ok(DocumentInfo { name, media_type, bytes, created_at: c.take()? })
        };
        rows.iter().map(read).collect()
    }
}
