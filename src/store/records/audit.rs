//! The audit chain of a plan: one row per state change and agent step, each sealed by a hash over
//! itself and the row before.

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
use model::PlanId;
use wire::BrokenChain;

/// Separates these hashes from any other use of BLAKE3.
const DOMAIN: &[u8] = b"eventplanner plan audit 1\n";

/// Something to be put on record.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditEvent {
    /// Stable name, e.g. `state`, `agent`, `vendors_held`.
    pub kind: String,
    /// An object; no personal data.
    pub detail: Value,
}

impl AuditEvent {
    pub fn new(kind: impl Into<String>, detail: Value) -> Self {
        Self { kind: kind.into(), detail }
    }
}

/// A row of the chain.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditRow {
    /// 1, 2, 3 …
    pub seq: i64,
    pub at: Timestamp,
    pub kind: String,
    /// JSON, byte for byte as it was hashed.
    pub detail: String,
    pub prev_hash: [u8; 32],
    pub hash: [u8; 32],
}

/// What checking a chain found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChainCheck {
    /// Every row is as it was written, and none is missing.
    Whole {
        rows: u64,
    },
    Broken(BrokenChain),
}

/// The last row of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub seq: i64,
    pub hash: [u8; 32],
}

impl Head {
    pub(crate) const EMPTY: Self = Self { seq: 0, hash: [0; 32] };

    pub(crate) fn read(c: &mut RowReader<'_>) -> Result<Self, StoreError> {
        Ok(Self { seq: c.take()?, hash: hash_of(c)? })
    }

    /// Moves on by one event and returns its row.
    pub(crate) fn append(&mut self, plan: PlanId, at: Timestamp, event: &AuditEvent) -> AuditRow {
        let mut row = AuditRow {
            seq: self.seq + 1,
            // What the database keeps of it.
            at: Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at),
            kind: event.kind.clone(),
            detail: event.detail.to_string(),
            prev_hash: self.hash,
            hash: [0; 32],
        };
        row.hash = seal(plan, &row);
        *self = Self { seq: row.seq, hash: row.hash };
        row
    }
}

/// BLAKE3 over everything but the hash itself; lengths stand before texts, so that no two rows
/// have the same bytes.
fn seal(plan: PlanId, row: &AuditRow) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(DOMAIN);
    hasher.update(&row.prev_hash);
    hasher.update(plan.0.as_bytes());
    hasher.update(&row.seq.to_be_bytes());
    hasher.update(&row.at.as_microsecond().to_be_bytes());
    for text in [&row.kind, &row.detail] {
        hasher.update(&(text.len() as u64).to_be_bytes());
        hasher.update(text.as_bytes());
    }
    *hasher.finalize().as_bytes()
}

fn check(plan: PlanId, rows: &[AuditRow], head: Head) -> ChainCheck {
    let broken = |seq, reason: &str| {
        ChainCheck::Broken(BrokenChain { plan, seq, reason: reason.to_owned() })
    };
    let mut last = Head::EMPTY;
    for row in rows {
        let reason = if row.seq != last.seq + 1 {
            Some("the row before it is missing")
        } else if row.prev_hash != last.hash {
            Some("it does not follow the row before it")
        } else if seal(plan, row) != row.hash {
            Some("it was changed")
        } else {
            None
        };
        if let Some(reason) = reason {
            let seq = row.seq.min(last.seq + 1);
            return broken(seq, reason);
        }
        last = Head { seq: row.seq, hash: row.hash };
    }
    if last == head {
        return ChainCheck::Whole { rows: rows.len() as u64 };
    }
    let reason = "the plan's record of the chain's end differs";
    broken(last.seq.min(head.seq) + 1, reason)
}

/// Writes rows, of any number of plans, inside the caller's transaction.
pub(crate) async fn insert(sql: &impl Sql, rows: &[(PlanId, AuditRow)]) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    let plans: Vec<_> = rows.iter().map(|(plan, _)| plan.0).collect();
    let seqs: Vec<i64> = rows.iter().map(|(_, row)| row.seq).collect();
    let ats: Vec<Timestamp> = rows.iter().map(|(_, row)| row.at).collect();
    let kinds: Vec<&str> = rows.iter().map(|(_, row)| row.kind.as_str()).collect();
    let details: Vec<&str> = rows.iter().map(|(_, row)| row.detail.as_str()).collect();
    let prevs: Vec<&[u8]> = rows.iter().map(|(_, row)| row.prev_hash.as_slice()).collect();
    let hashes: Vec<&[u8]> = rows.iter().map(|(_, row)| row.hash.as_slice()).collect();
    let statement = "
        INSERT INTO plan_event (plan_id, seq, at, kind, detail, prev_hash, hash)
        SELECT plan_id, seq, at, kind, detail::json, prev_hash, hash
        FROM unnest($1, $2, $3, $4, $5, $6, $7)
             AS e (plan_id, seq, at, kind, detail, prev_hash, hash)";
    let params: [Param<'_>; 7] = [
        (&plans, Type::UUID_ARRAY),
        (&seqs, Type::INT8_ARRAY),
        (&ats, Type::TIMESTAMPTZ_ARRAY),
        (&kinds, Type::TEXT_ARRAY),
        (&details, Type::TEXT_ARRAY),
        (&prevs, Type::BYTEA_ARRAY),
        (&hashes, Type::BYTEA_ARRAY),
    ];
    sql.execute(statement, &params).await.map(drop)
}

impl Store {
    /// A plan's audit rows after `after` (0: from the first), in order.
    pub async fn audit(&self, plan: PlanId, after: i64) -> Result<Vec<AuditRow>, StoreError> {
        let session = self.pool.session("reading the audit").await?;
        read(&session, plan, after).await
    }

    /// Proves a plan's audit chain, or names the first row that breaks it.
    ///
    /// # Errors
    /// `NoSuchPlan`.
    pub async fn verify_audit(&self, plan: PlanId) -> Result<ChainCheck, StoreError> {
        let mut session = self.pool.session("checking the audit").await?;
        let transaction = session.begin().await?;
        // One snapshot for the head and the rows: the lock keeps the next row out.
        let sql = "SELECT audit_seq, audit_hash FROM plan WHERE id = $1 FOR SHARE";
        let head = transaction.query_opt(sql, &[(&plan.0, Type::UUID)]).await?;
        let head = head.ok_or(StoreError::NoSuchPlan { plan })?;
        let head = Head::read(&mut RowReader::of(&head, "a plan"))?;
        let rows = read(&transaction, plan, 0).await?;
        Ok(check(plan, &rows, head))
    }
}

/// Plans and rows of one page of checks.
type Page = Vec<(PlanId, ChainCheck)>;

impl Store {
    /// Proves the audit chains of up to `limit` plans, in the order of their ids, after `after`.
    /// A plan that changes meanwhile is seen as it was at one moment.
    pub async fn verify_audits(
        &self,
        after: Option<PlanId>,
        limit: u32,
    ) -> Result<Page, StoreError> {
        let session = self.pool.session("checking the audit").await?;
        // One statement, so one snapshot for heads and rows.
        let sql = "
            SELECT p.id, p.audit_seq, p.audit_hash, e.seq, e.at, e.kind, e.detail::text,
                   e.prev_hash, e.hash
            FROM (SELECT id, audit_seq, audit_hash FROM plan
                  WHERE $1::uuid IS NULL OR id > $1 ORDER BY id LIMIT $2) p
            LEFT JOIN plan_event e ON e.plan_id = p.id
            ORDER BY p.id, e.seq";
        let after = after.map(|plan| plan.0);
        let limit = i64::from(limit);
        let params: [Param<'_>; 2] = [(&after, Type::UUID), (&limit, Type::INT8)];
        let rows = session.query(sql, &params).await?;
        let mut chains: Vec<(PlanId, Head, Vec<AuditRow>)> = Vec::new();
        for row in &rows {
            let mut c = RowReader::of(row, "an audit row");
            let (plan, head) = (PlanId(c.take()?), Head::read(&mut c)?);
            if chains.last().is_none_or(|chain| chain.0 != plan) {
                chains.push((plan, head, Vec::new()));
            }
            // A plan without any row: the head tells that they are missing.
            let Some(seq) = c.take::<Option<i64>>()? else { continue };
            if let Some(chain) = chains.last_mut() {
                chain.2.push(rest_of_row(seq, &mut c)?);
            }
        }
        Ok(chains.iter().map(|(plan, head, rows)| (*plan, check(*plan, rows, *head))).collect())
    }
}

fn rest_of_row(seq: i64, c: &mut RowReader<'_>) -> Result<AuditRow, StoreError> {
    Ok(AuditRow {
        seq,
        at: c.take()?,
        kind: c.take()?,
        detail: c.take()?,
        prev_hash: hash_of(c)?,
        hash: hash_of(c)?,
    })
}

async fn read(sql: &impl Sql, plan: PlanId, after: i64) -> Result<Vec<AuditRow>, StoreError> {
    let statement = "SELECT seq, at, kind, detail::text, prev_hash, hash FROM plan_event \
                     WHERE plan_id = $1 AND seq > $2 ORDER BY seq";
    let params: [Param<'_>; 2] = [(&plan.0, Type::UUID), (&after, Type::INT8)];
    let rows = sql.query(statement, &params).await?;
    let read = |row| {
        let mut c = RowReader::of(row, "an audit row");
        let seq = c.take()?;
        rest_of_row(seq, &mut c)
    };
    rows.iter().map(read).collect()
}

fn hash_of(c: &mut RowReader<'_>) -> Result<[u8; 32], StoreError> {
    let bytes: &[u8] = c.take()?;
    bytes.try_into().map_err(|error| c.corrupt(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_change_of_a_chain_is_found() {
        let plan = PlanId(uuid::Uuid::from_u128(7));
        let mut head = Head::EMPTY;
        let rows: Vec<AuditRow> = (1..=4)
            .map(|n| {
                let event = AuditEvent::new("step", serde_json::json!({ "n": n }));
                head.append(plan, Timestamp::from_second(n).unwrap(), &event)
            })
            .collect();
        assert_eq!(check(plan, &rows, head), ChainCheck::Whole { rows: 4 });

        let broken_at = |change: &dyn Fn(&mut Vec<AuditRow>)| {
            let mut changed = rows.clone();
            change(&mut changed);
            match check(plan, &changed, head) {
                ChainCheck::Broken(broken) => Some(broken.seq),
                ChainCheck::Whole { .. } => None,
            }
        };
        assert_eq!(broken_at(&|rows| rows[1].detail.push(' ')), Some(2));
        assert_eq!(broken_at(&|rows| rows[2].kind = "other".into()), Some(3));
        assert_eq!(broken_at(&|rows| rows[0].at = Timestamp::UNIX_EPOCH), Some(1));
        assert_eq!(broken_at(&|rows| drop(rows.remove(1))), Some(2));
        assert_eq!(broken_at(&|rows| drop(rows.pop())), Some(4));
        assert_eq!(broken_at(&|rows| rows.swap(0, 1)), Some(1));
        // A rewritten row with a fitting hash no longer fits the next one.
        let forged = |rows: &mut Vec<AuditRow>| {
            rows[2].detail = "{}".into();
            rows[2].hash = seal(plan, &rows[2]);
        };
        assert_eq!(broken_at(&forged), Some(4));
        let other = PlanId(uuid::Uuid::from_u128(8));
        assert_ne!(check(other, &rows, head), ChainCheck::Whole { rows: 4 });
    }
}
