//! Taking plans in: many submitters share a statement, and with it a commit.
//!
//! A submission waits for nobody: what comes in while a commit is under way makes up the next
//! batch. Each is acknowledged after the commit of its own batch.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot};
use tokio_postgres::types::Type;

use super::{
    NewPlan, Submitted,
    batching::{self, Limits},
};
use crate::{
    Store, StoreError,
    connection::{
        pool::Pool,
        row_reader::RowReader,
        session::{Param, Sql},
    },
    fleet::notify::Notifications,
    records::audit::{AuditEvent, Head},
};
use model::{PlanId, PlanState, name_key};

const LIMITS: Limits = Limits { batch: 128, at_once: 2, waiting: 2_048 };
/// A key's plan may be erased between two looks at it.
const TRIES: u32 = 3;
const TASK: &str = "storing a plan";

/// The plans, each in its client's next turn, and the first row of their audit chains, in one
/// statement: one round trip, one commit.
const SUBMIT: &str = "
    WITH new AS (
        SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $13, $14, $15)
            WITH ORDINALITY AS n
            (id, priority, key, fingerprint, request, currency, seed, client, created_at, hash,
             detail, replans, previous, city_key, n)
    ), head AS (
        SELECT coalesce((SELECT turn FROM plan WHERE state = 'queued'
                         ORDER BY priority DESC, turn LIMIT 1), 0) AS turn
    ), begins AS (
        SELECT client, greatest(head.turn, (SELECT max(plan.turn) + 1 FROM plan
            WHERE plan.state = 'queued' AND plan.requested_by = clients.client)) AS turn
        FROM (SELECT DISTINCT client FROM new) clients, head
    ), fresh AS (
        INSERT INTO plan (id, state, priority, idempotency_key, fingerprint, request, currency,
                          seed, requested_by, created_at, updated_at, state_since, run_after, turn,
                          audit_seq, audit_hash, replans, previous, family, city_key)
        SELECT n.id, 'queued', n.priority, n.key, n.fingerprint, n.request::jsonb, n.currency,
               n.seed, n.client, n.created_at, n.created_at, n.created_at, now(),
               begins.turn + row_number() OVER (PARTITION BY n.client ORDER BY n.n) - 1, 1, n.hash,
               n.replans, n.previous::jsonb,
               (SELECT coalesce(earlier.family, earlier.id) FROM plan earlier
                WHERE earlier.id = n.replans), n.city_key
        FROM new n JOIN begins ON begins.client IS NOT DISTINCT FROM n.client
        -- The same order everywhere: two batches with the same keys don't wait in a circle.
        ORDER BY n.key
        ON CONFLICT (idempotency_key) DO NOTHING
        RETURNING id
    ), event AS (
        INSERT INTO plan_event (plan_id, seq, at, kind, detail, prev_hash, hash)
        SELECT n.id, 1, n.created_at, 'state', n.detail::json, $12, n.hash
        FROM new n JOIN fresh ON fresh.id = n.id
    )
    SELECT id FROM fresh";

/// A plan on its way in.
struct Submission {
    id: PlanId,
    priority: i16,
    key: Option<String>,
    fingerprint: [u8; 32],
    /// JSON.
    request: String,
    currency: &'static str,
    seed: i64,
    client: Option<i64>,
    created_at: Timestamp,
    /// Of the first audit row.
    hash: [u8; 32],
    detail: String,
    replans: Option<PlanId>,
    /// JSON.
    previous: Option<String>,
    city_key: String,
    done: oneshot::Sender<Result<Submitted, StoreError>>,
}

/// Where submissions wait for their batch. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Submissions {
    waiting: mpsc::Sender<Submission>,
}

impl Submissions {
    /// Starts to make batches; ends with the last clone. Needs a running runtime.
    pub(crate) fn start(pool: Pool, notifications: Notifications) -> Self {
        let settle = move |batch| settle(pool.clone(), notifications.clone(), batch);
        Self { waiting: batching::gather(LIMITS, settle) }
    }
}

impl Store {
    /// Stores a plan as `queued`. Once it returns, the plan is on disk and will be worked on.
    ///
    /// # Errors
    /// `KeyReused` where the key names a plan of another document; `Crowded` where too many wait
    /// to be stored.
    pub async fn submit(&self, plan: &NewPlan<'_>) -> Result<Submitted, StoreError> {
        let (done, answer) = oneshot::channel();
        let submission = Submission::new(plan, done)?;
        self.submissions
            .waiting
            .try_send(submission)
            .map_err(|_| StoreError::Crowded { task: TASK, limit: LIMITS.waiting })?;
        let lost = |_| StoreError::Disconnected { task: TASK, cause: "its batch was lost".into() };
        answer.await.map_err(lost)?
    }
}

impl Store {
    /// The plan that a key names, where it was made of the same document.
    ///
    /// # Errors
    /// Whatever keeps the database from answering.
    pub async fn plan_of_key(
        &self,
        key: &str,
        fingerprint: [u8; 32],
    ) -> Result<Option<PlanId>, StoreError> {
        let session = self.pool.session("looking for a plan by its key").await?;
        let mut known = named(&session, &[key]).await?;
        let found = known.remove(key).filter(|(_, of)| *of == fingerprint);
        Ok(found.map(|(plan, _)| plan))
    }
}

impl Submission {
    fn new(
        plan: &NewPlan<'_>,
        done: oneshot::Sender<Result<Submitted, StoreError>>,
    ) -> Result<Self, StoreError> {
        let detail = serde_json::json!({
            "to": PlanState::Queued.as_str(),
            "requested_by": plan.requested_by,
            "replans": plan.replans.map(|(plan, _)| plan),
        });
        let event = AuditEvent::new("state", detail);
        let row = { Head::EMPTY }.append(plan.id, plan.created_at, &event);
        let unstorable = |error: serde_json::Error| StoreError::Unstorable {
            task: TASK,
            cause: error.to_string(),
        };
        let previous = plan.replans.and_then(|(_, option)| option).map(serde_json::to_string);
        Ok(Self {
            id: plan.id,
            priority: plan.priority,
            key: plan.idempotency_key.map(str::to_owned),
            fingerprint: plan.fingerprint,
            request: serde_json::to_string(plan.request).map_err(unstorable)?,
            currency: plan.request.budget.currency.code(),
            seed: plan.request.seed.cast_signed(),
            client: plan.requested_by.map(i64::from),
            created_at: row.at,
            hash: row.hash,
            detail: row.detail,
            replans: plan.replans.map(|(plan, _)| plan),
            previous: previous.transpose().map_err(unstorable)?,
            city_key: name_key(&plan.request.city).into_owned(),
            done,
        })
    }
}

/// Stores a batch and tells every submitter what came of it.
async fn settle(pool: Pool, notifications: Notifications, batch: Vec<Submission>) {
    match store(&pool, &batch).await {
        Ok(answers) => {
            for (submission, answer) in batch.into_iter().zip(answers) {
                tell(&notifications, submission, answer);
            }
        }
        // Whatever ails it may be one plan's alone.
        Err(error) if batch.len() > 1 && may_be_one_plans(&error) => {
            for submission in batch {
                let alone = std::slice::from_ref(&submission);
                let answer = match store(&pool, alone).await {
                    Ok(mut answers) => {
                        answers.pop().unwrap_or(Err(StoreError::Conflict { task: TASK }))
                    }
                    Err(error) => Err(error),
                };
                tell(&notifications, submission, answer);
            }
        }
        Err(error) => {
            for submission in batch {
                tell(&notifications, submission, Err(error.again()));
            }
        }
    }
}

fn may_be_one_plans(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::Unstorable { .. } | StoreError::Query { .. } | StoreError::Conflict { .. }
    )
}

fn tell(
    notifications: &Notifications,
    submission: Submission,
    answer: Result<Submitted, StoreError>,
) {
    if let Ok(Submitted::Created(plan)) = &answer {
        notifications.ready([*plan]);
    }
    // The submitter may have gone; its plan is kept all the same.
    let _ = submission.done.send(answer);
}

/// What came of each submission, in their order.
async fn store(
    pool: &Pool,
    batch: &[Submission],
) -> Result<Vec<Result<Submitted, StoreError>>, StoreError> {
    let session = pool.session(TASK).await?;
    let mut answers: Vec<Option<Result<Submitted, StoreError>>> = Vec::new();
    answers.resize_with(batch.len(), || None);
    for _ in 0..TRIES {
        let open: Vec<&Submission> = batch
            .iter()
            .zip(&answers)
            .filter(|(_, answer)| answer.is_none())
            .map(|(s, _)| s)
            .collect();
        if open.is_empty() {
            break;
        }
        let created = insert(&session, &open).await?;
        let keys: Vec<&str> = open
            .iter()
            .filter(|s| !created.contains(&s.id))
            .filter_map(|s| s.key.as_deref())
            .collect();
        let known = if keys.is_empty() { HashMap::new() } else { named(&session, &keys).await? };
        for (submission, answer) in batch.iter().zip(&mut answers).filter(|(_, a)| a.is_none()) {
            let key = submission.key.as_deref().unwrap_or_default();
            *answer = match known.get(key) {
                _ if created.contains(&submission.id) => {
                    Some(Ok(Submitted::Created(submission.id)))
                }
                Some((plan, fingerprint)) if *fingerprint == submission.fingerprint => {
                    Some(Ok(Submitted::Known(*plan)))
                }
                Some((plan, _)) => {
                    Some(Err(StoreError::KeyReused { key: key.to_owned(), plan: *plan }))
                }
                None => None,
            };
        }
    }
    let open = |answer: Option<_>| answer.unwrap_or(Err(StoreError::Conflict { task: TASK }));
    Ok(answers.into_iter().map(open).collect())
}

/// Inserts those whose key is new.
async fn insert(sql: &impl Sql, batch: &[&Submission]) -> Result<HashSet<PlanId>, StoreError> {
    let ids: Vec<_> = batch.iter().map(|s| s.id.0).collect();
    let priorities: Vec<i16> = batch.iter().map(|s| s.priority).collect();
    let keys: Vec<Option<&str>> = batch.iter().map(|s| s.key.as_deref()).collect();
    let fingerprints: Vec<&[u8]> = batch.iter().map(|s| s.fingerprint.as_slice()).collect();
    let requests: Vec<&str> = batch.iter().map(|s| s.request.as_str()).collect();
    let currencies: Vec<&str> = batch.iter().map(|s| s.currency).collect();
    let seeds: Vec<i64> = batch.iter().map(|s| s.seed).collect();
    let clients: Vec<Option<i64>> = batch.iter().map(|s| s.client).collect();
    let created: Vec<Timestamp> = batch.iter().map(|s| s.created_at).collect();
    let hashes: Vec<&[u8]> = batch.iter().map(|s| s.hash.as_slice()).collect();
    let details: Vec<&str> = batch.iter().map(|s| s.detail.as_str()).collect();
    let replans: Vec<_> = batch.iter().map(|s| s.replans.map(|plan| plan.0)).collect();
    let previous: Vec<Option<&str>> = batch.iter().map(|s| s.previous.as_deref()).collect();
    let city_keys: Vec<&str> = batch.iter().map(|s| s.city_key.as_str()).collect();
    let none = Head::EMPTY.hash;
    let params: [Param<'_>; 15] = [
        (&ids, Type::UUID_ARRAY),
        (&priorities, Type::INT2_ARRAY),
        (&keys, Type::TEXT_ARRAY),
        (&fingerprints, Type::BYTEA_ARRAY),
        (&requests, Type::TEXT_ARRAY),
        (&currencies, Type::TEXT_ARRAY),
        (&seeds, Type::INT8_ARRAY),
        (&clients, Type::INT8_ARRAY),
        (&created, Type::TIMESTAMPTZ_ARRAY),
        (&hashes, Type::BYTEA_ARRAY),
        (&details, Type::TEXT_ARRAY),
        (&none.as_slice(), Type::BYTEA),
        (&replans, Type::UUID_ARRAY),
        (&previous, Type::TEXT_ARRAY),
        (&city_keys, Type::TEXT_ARRAY),
    ];
    let rows = sql.query(SUBMIT, &params).await?;
    rows.iter().map(|row| Ok(PlanId(RowReader::of(row, "a plan").take()?))).collect()
}

/// The plans that keys name, with the fingerprints of their documents.
async fn named(
    sql: &impl Sql,
    keys: &[&str],
) -> Result<HashMap<String, (PlanId, Vec<u8>)>, StoreError> {
    let statement =
        "SELECT idempotency_key, id, fingerprint FROM plan WHERE idempotency_key = ANY ($1)";
    let rows = sql.query(statement, &[(&keys, Type::TEXT_ARRAY)]).await?;
    let read = |row| {
        let mut c = RowReader::of(row, "a plan");
        Ok((c.take()?, (PlanId(c.take()?), c.take()?)))
    };
    rows.iter().map(read).collect()
}
