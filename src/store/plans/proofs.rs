//! What a plan's proof rests on: its problem and its certificate, packed by the caller.

use tokio_postgres::types::Type;

use crate::{
    Store, StoreError,
    connection::{
        row_reader::RowReader,
        session::{Param, Sql},
    },
};
use model::PlanId;

/// A stored proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProofRow {
    /// Of both bodies' shape.
    pub version: i32,
    pub problem: Vec<u8>,
    pub certificate: Vec<u8>,
}

/// Writes proofs, each in place of an earlier run's, inside the transaction of what they prove.
pub(crate) async fn insert(
    sql: &impl Sql,
    proofs: &[(PlanId, &ProofRow)],
) -> Result<(), StoreError> {
    if proofs.is_empty() {
        return Ok(());
    }
    let plans: Vec<_> = proofs.iter().map(|(plan, _)| plan.0).collect();
    let versions: Vec<i32> = proofs.iter().map(|(_, proof)| proof.version).collect();
    let problems: Vec<&[u8]> = proofs.iter().map(|(_, proof)| proof.problem.as_slice()).collect();
    let certificates: Vec<&[u8]> =
        proofs.iter().map(|(_, proof)| proof.certificate.as_slice()).collect();
    let statement = "
        INSERT INTO plan_proof (plan_id, version, problem, certificate)
        SELECT * FROM unnest($1, $2, $3, $4)
        ON CONFLICT (plan_id) DO UPDATE SET
            version = EXCLUDED.version, problem = EXCLUDED.problem,
            certificate = EXCLUDED.certificate, created_at = now()";
    let params: [Param<'_>; 4] = [
        (&plans, Type::UUID_ARRAY),
        (&versions, Type::INT4_ARRAY),
        (&problems, Type::BYTEA_ARRAY),
        (&certificates, Type::BYTEA_ARRAY),
    ];
    sql.execute(statement, &params).await.map(drop)
}

impl Store {
    /// A plan's proof, where one was kept.
    pub async fn proof(&self, plan: PlanId) -> Result<Option<ProofRow>, StoreError> {
        let session = self.pool.session("reading a proof").await?;
        let sql = "SELECT version, problem, certificate FROM plan_proof WHERE plan_id = $1";
        let row = session.query_opt(sql, &[(&plan.0, Type::UUID)]).await?;
        let read = |row| {
            let mut c = RowReader::of(row, "a proof");
            Ok(ProofRow { version: c.take()?, problem: c.take()?, certificate: c.take()? })
        };
        row.as_ref().map(read).transpose()
    }
}
