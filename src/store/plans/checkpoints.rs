//! Checkpoints of a search: opaque bytes, of which the newest few are kept.

use tokio_postgres::types::Type;

use crate::{
    Store, StoreError,
    connection::{
        row_reader::RowReader,
        session::{Param, Sql},
    },
};
use model::PlanId;

/// Where a search stood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    pub round: u32,
    /// Of the content's shape.
    pub version: i32,
    /// How `body` is encoded, e.g. `json+zstd`.
    pub codec: String,
    pub body: Vec<u8>,
}

/// Only the present run may write; the lock keeps a claim out until it has. Its commit does not
/// wait for the disk: a server that crashes in the next moment costs the rounds since the
/// checkpoint before, and nothing that anybody was told.
const SAVE: &str = "
    WITH mine AS (
        SELECT id, set_config('synchronous_commit', 'off', true) FROM plan
        WHERE id = $1 AND run_number = $2 AND state = 'running' FOR SHARE
    ), old AS (
        DELETE FROM checkpoint
        WHERE plan_id = $1 AND round < (SELECT min(round) FROM (
            SELECT round FROM checkpoint WHERE plan_id = $1 AND round <> $3
            ORDER BY round DESC LIMIT $7) newest)
    )
    INSERT INTO checkpoint (plan_id, round, run_number, version, codec, body)
    SELECT id, $3, $2, $4, $5, $6 FROM mine
    ON CONFLICT (plan_id, round) DO UPDATE SET
        run_number = EXCLUDED.run_number, version = EXCLUDED.version, codec = EXCLUDED.codec,
        body = EXCLUDED.body, created_at = now()";

impl Store {
    /// Saves a checkpoint of a running plan and drops all but the newest `keep`.
    ///
    /// # Errors
    /// `Fenced` where somebody claimed the plan since, or it does not run any more.
    pub async fn save_checkpoint(
        &self,
        plan: PlanId,
        run_number: i64,
        checkpoint: &Checkpoint,
        keep: u32,
    ) -> Result<(), StoreError> {
        let session = self.pool.session("saving a checkpoint").await?;
        let round = i32::try_from(checkpoint.round).unwrap_or(i32::MAX);
        let older = i64::from(keep.max(1) - 1);
        let params: [Param<'_>; 7] = [
            (&plan.0, Type::UUID),
            (&run_number, Type::INT8),
            (&round, Type::INT4),
            (&checkpoint.version, Type::INT4),
            (&checkpoint.codec, Type::TEXT),
            (&checkpoint.body, Type::BYTEA),
            (&older, Type::INT8),
        ];
        match session.execute(SAVE, &params).await? {
            0 => Err(StoreError::Fenced { plan, run_number }),
            _ => Ok(()),
        }
    }

    /// The newest checkpoint of a plan.
    pub async fn newest_checkpoint(&self, plan: PlanId) -> Result<Option<Checkpoint>, StoreError> {
        let session = self.pool.session("reading a checkpoint").await?;
        let sql = "SELECT round, version, codec, body FROM checkpoint \
                   WHERE plan_id = $1 ORDER BY round DESC LIMIT 1";
        let row = session.query_opt(sql, &[(&plan.0, Type::UUID)]).await?;
        let read = |row| {
            let mut c = RowReader::of(row, "a checkpoint");
            Ok(Checkpoint {
                round: c.take::<i32>()?.unsigned_abs(),
                version: c.take()?,
                codec: c.take()?,
                body: c.take()?,
            })
        };
        row.as_ref().map(read).transpose()
    }
}
