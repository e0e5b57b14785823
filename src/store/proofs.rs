//! What a plan's proof rests on: its problem and its certificate, packed by the caller.

use tokio_postgres::types::Type;

use super::{
    Store, StoreError,
    columns::Columns,
    session::{Param, Sql},
};
use crate::model::PlanId;

/// A stored proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProofRow {
    /// Of both bodies' shape.
    pub version: i32,
    pub problem: Vec<u8>,
    pub certificate: Vec<u8>,
}

impl Store {
    /// Stores a plan's proof, in place of an earlier run's.
    ///
    /// # Errors
    /// `Fenced` where somebody claimed the plan since.
    pub async fn put_proof(
        &self,
        plan: PlanId,
        run_number: i64,
        proof: &ProofRow,
    ) -> Result<(), StoreError> {
        let session = self.pool.session("storing a proof").await?;
        let sql = "
            WITH mine AS (SELECT id FROM plan WHERE id = $1 AND run_number = $2 FOR SHARE)
            INSERT INTO plan_proof (plan_id, version, problem, certificate)
            SELECT id, $3, $4, $5 FROM mine
            ON CONFLICT (plan_id) DO UPDATE SET
                version = EXCLUDED.version, problem = EXCLUDED.problem,
                certificate = EXCLUDED.certificate, created_at = now()";
        let params: [Param<'_>; 5] = [
            (&plan.0, Type::UUID),
            (&run_number, Type::INT8),
            (&proof.version, Type::INT4),
            (&proof.problem, Type::BYTEA),
            (&proof.certificate, Type::BYTEA),
        ];
        match session.execute(sql, &params).await? {
            0 => Err(StoreError::Fenced { plan, run_number }),
            _ => Ok(()),
        }
    }

    /// A plan's proof, where one was kept.
    pub async fn proof(&self, plan: PlanId) -> Result<Option<ProofRow>, StoreError> {
        let session = self.pool.session("reading a proof").await?;
        let sql = "SELECT version, problem, certificate FROM plan_proof WHERE plan_id = $1";
        let row = session.query_opt(sql, &[(&plan.0, Type::UUID)]).await?;
        let read = |row| {
            let mut c = Columns::of(row, "a proof");
            Ok(ProofRow { version: c.take()?, problem: c.take()?, certificate: c.take()? })
        };
        row.as_ref().map(read).transpose()
    }
}
