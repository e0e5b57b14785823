//! Replies of LLM servers that are kept across restarts.

use jiff::Timestamp;
use serde_json::Value;
use tokio_postgres::types::Type;

use crate::{
    Store, StoreError,
    connection::{
        row_reader::RowReader,
        session::{Param, Sql},
    },
};

/// A reply under the digest of its request.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptReply {
    /// 64 hexadecimal digits.
    pub key: String,
    pub reply: Value,
    /// When the server gave it.
    pub stored_at: Timestamp,
}

const KEEP: &str = "
    INSERT INTO llm_reply (key, reply, stored_at) SELECT * FROM unnest($1, $2, $3)
    ON CONFLICT (key) DO UPDATE SET reply = EXCLUDED.reply, stored_at = EXCLUDED.stored_at
    WHERE llm_reply.stored_at < EXCLUDED.stored_at";

const PRUNE: &str = "
    DELETE FROM llm_reply WHERE stored_at < $1 OR key IN
        (SELECT key FROM llm_reply ORDER BY stored_at DESC, key OFFSET $2)";

impl Store {
    /// Keeps replies; a newer one takes the place of an older one of the same key.
    pub async fn keep_replies(&self, replies: &[KeptReply]) -> Result<(), StoreError> {
        if replies.is_empty() {
            return Ok(());
        }
        let session = self.pool.session("keeping replies").await?;
        let keys: Vec<&str> = replies.iter().map(|kept| kept.key.as_str()).collect();
        let bodies: Vec<&Value> = replies.iter().map(|kept| &kept.reply).collect();
        let times: Vec<Timestamp> = replies.iter().map(|kept| kept.stored_at).collect();
        let params: [Param<'_>; 3] = [
            (&keys, Type::TEXT_ARRAY),
            (&bodies, Type::JSONB_ARRAY),
            (&times, Type::TIMESTAMPTZ_ARRAY),
        ];
        session.execute(KEEP, &params).await.map(drop)
    }

    /// Forgets replies from before `since`, and all but the newest `max`. Returns how many.
    pub async fn prune_replies(&self, since: Timestamp, max: usize) -> Result<u64, StoreError> {
        let session = self.pool.session("forgetting old replies").await?;
        let max = i64::try_from(max).unwrap_or(i64::MAX);
        session.execute(PRUNE, &[(&since, Type::TIMESTAMPTZ), (&max, Type::INT8)]).await
    }

    /// The newest `max` replies since `since`, oldest first.
    pub async fn kept_replies(
        &self,
        since: Timestamp,
        max: usize,
    ) -> Result<Vec<KeptReply>, StoreError> {
        let session = self.pool.session("reading kept replies").await?;
        let sql = "SELECT key, reply, stored_at FROM llm_reply WHERE stored_at >= $1 \
                   ORDER BY stored_at DESC, key LIMIT $2";
        let max = i64::try_from(max).unwrap_or(i64::MAX);
        let rows = session.query(sql, &[(&since, Type::TIMESTAMPTZ), (&max, Type::INT8)]).await?;
        let read = |row| {
            let mut c = RowReader::of(row, "a kept reply");
            Ok(KeptReply { key: c.take()?, reply: c.take()?, stored_at: c.take()? })
        };
        rows.iter().rev().map(read).collect()
    }

    /// Forgets all kept replies. Returns how many there were.
    pub async fn forget_replies(&self) -> Result<u64, StoreError> {
        let session = self.pool.session("forgetting replies").await?;
        session.execute("DELETE FROM llm_reply", &[]).await
    }
}
