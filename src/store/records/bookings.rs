//! Bookings: a plan's vendors are held when an option is selected, confirmed or released later.
//!
//! The exclusion constraint makes double booking impossible; the locks here only make sure that
//! those who compete for a vendor learn it one after the other, and never wait in a circle.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use serde::Serialize;
use tokio_postgres::types::Type;

use super::audit::AuditEvent;
use crate::{
    Store, StoreError,
    connection::{
        row_reader::RowReader,
        session::{Param, Sql, Transaction},
    },
};
use model::{PlanId, PlanState, VendorId, Window};

/// Keeps the advisory locks of vendors apart from others: "vend" in ASCII, above the vendor's id.
const VENDOR_LOCKS: i64 = 0x7665_6e64 << 32;
/// Expired holds released in one go.
const EXPIRE_MAX: i64 = 10_000;

/// What a change does to its plan's bookings.
#[derive(Clone, Copy, Debug, Default)]
pub enum Bookings<'a> {
    #[default]
    Keep,
    /// Holds these vendors, each from setup to teardown, in place of what the plan held before.
    /// A vendor that stands twice is held once, over both windows.
    /// The bookings of the plans that this one stands in for end with it.
    Hold { vendors: &'a [(VendorId, Window)], lasts: Duration, instead_of: &'a [PlanId] },
    /// Makes the plan's holds final.
    Confirm,
    /// Lets all of them go.
    Release,
}

/// A booking of a plan.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Booking {
    pub vendor: VendorId,
    /// Which of the vendor's `parallel_events` it takes, from 1.
    pub slot: u32,
    pub window: Window,
    /// `held`, `confirmed`, `released` or `expired`.
    pub state: String,
    /// End of a hold.
    pub(crate) expires_at: Option<Timestamp>,
}

impl Store {
    /// A plan's bookings, released ones too, by vendor.
    pub async fn bookings(&self, plan: PlanId) -> Result<Vec<Booking>, StoreError> {
        let session = self.pool.session("reading bookings").await?;
        let sql = "SELECT v.external_id, b.slot, lower(b.during), upper(b.during), b.state,
                          b.expires_at
                   FROM booking b JOIN vendor v ON v.id = b.vendor_id
                   WHERE b.plan_id = $1 ORDER BY v.external_id, b.id";
        let rows = session.query(sql, &[(&plan.0, Type::UUID)]).await?;
        let read = |row| {
            let mut c = RowReader::of(row, "a booking");
            Ok(Booking {
                vendor: VendorId::new(c.take::<&str>()?),
                slot: c.take::<i16>()?.unsigned_abs().into(),
                window: Window { start: c.take()?, end: c.take()? },
                state: c.take()?,
                expires_at: c.take()?,
            })
        };
        rows.iter().map(read).collect()
    }

    /// Which of these vendors have no free slot all over their window, sorted; the bookings of
    /// the plan `but` are in nobody's way.
    pub async fn taken(
        &self,
        wanted: &[(VendorId, Window)],
        but: Option<PlanId>,
    ) -> Result<Vec<VendorId>, StoreError> {
        let session = self.pool.session("looking for free vendors").await?;
        let names: Vec<&str> = wanted.iter().map(|(vendor, _)| vendor.as_str()).collect();
        let starts: Vec<Timestamp> = wanted.iter().map(|(_, window)| window.start).collect();
        let ends: Vec<Timestamp> = wanted.iter().map(|(_, window)| window.end).collect();
        let sql = "
            SELECT DISTINCT v.external_id
            FROM unnest($1, $2, $3) AS w (external_id, starts, ends)
            JOIN vendor v ON v.external_id = w.external_id
            WHERE (SELECT count(DISTINCT b.slot) FROM booking b
                   WHERE b.vendor_id = v.id AND b.state IN ('held', 'confirmed')
                     AND upper(b.during) > w.starts AND lower(b.during) < w.ends
                     AND (b.expires_at IS NULL OR b.expires_at > now())
                     AND b.plan_id IS DISTINCT FROM $4) >= v.parallel_events
            ORDER BY 1";
        let but = but.map(|plan| plan.0);
        let params: [Param<'_>; 4] = [
            (&names, Type::TEXT_ARRAY),
            (&starts, Type::TIMESTAMPTZ_ARRAY),
            (&ends, Type::TIMESTAMPTZ_ARRAY),
            (&but, Type::UUID),
        ];
        let rows = session.query(sql, &params).await?;
        let read = |row| RowReader::of(row, "a vendor").take::<&str>().map(VendorId::new);
        rows.iter().map(read).collect()
    }

    /// Releases the holds that ran out, a bounded number per call; returns how many.
    /// Nothing depends on it: an expired hold is in nobody's way.
    pub async fn expire_holds(&self) -> Result<u64, StoreError> {
        let session = self.pool.session("releasing expired holds").await?;
        let sql = "UPDATE booking SET state = 'expired', expires_at = NULL, updated_at = now()
                   WHERE id IN (SELECT id FROM booking
                                WHERE state = 'held' AND expires_at <= now()
                                ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED)";
        session.execute(sql, &[(&EXPIRE_MAX, Type::INT8)]).await
    }
}

/// Does it for a plan whose row is locked and which goes to state `to`; returns what to put on
/// record.
pub(crate) async fn apply(
    transaction: &Transaction<'_>,
    plan: PlanId,
    to: PlanState,
    bookings: Bookings<'_>,
) -> Result<Option<AuditEvent>, StoreError> {
    match bookings {
        Bookings::Hold { vendors, lasts, instead_of } => {
            hold(transaction, plan, instead_of, vendors, lasts).await.map(Some)
        }
        Bookings::Confirm => confirm(transaction, plan).await.map(Some),
        Bookings::Release => release(transaction, plan).await,
        // A plan that ends without an event keeps nobody's time.
        Bookings::Keep
            if matches!(to, PlanState::Failed | PlanState::Cancelled | PlanState::Superseded) =>
        {
            release(transaction, plan).await
        }
        Bookings::Keep => Ok(None),
    }
}

async fn hold(
    transaction: &Transaction<'_>,
    plan: PlanId,
    instead_of: &[PlanId],
    vendors: &[(VendorId, Window)],
    lasts: Duration,
) -> Result<AuditEvent, StoreError> {
    let mut wanted: BTreeMap<&str, Window> = BTreeMap::new();
    for (vendor, window) in vendors {
        let held = wanted.entry(vendor.as_str()).or_insert(*window);
        held.start = held.start.min(window.start);
        held.end = held.end.max(window.end);
    }
    let names: Vec<&str> = wanted.keys().copied().collect();
    let sql = "SELECT id, external_id, parallel_events FROM vendor \
               WHERE external_id = ANY ($1) ORDER BY id";
    let rows = transaction.query(sql, &[(&names, Type::TEXT_ARRAY)]).await?;
    let (mut ids, mut slots, mut by_id) = (Vec::new(), Vec::new(), BTreeMap::new());
    let (mut starts, mut ends) = (Vec::new(), Vec::new());
    for row in &rows {
        let mut c = RowReader::of(row, "a vendor");
        let (id, name): (i64, &str) = (c.take()?, c.take()?);
        let Some(window) = wanted.remove(name) else { continue };
        ids.push(id);
        slots.push(i32::from(c.take::<i16>()?));
        starts.push(window.start);
        ends.push(window.end);
        by_id.insert(id, name);
    }
    if let Some(name) = wanted.keys().next() {
        return Err(StoreError::NoSuchVendor { vendor: VendorId::new(name) });
    }

    // In the order of ids, so that two plans never wait for each other.
    let locks: Vec<i64> = ids.iter().map(|id| VENDOR_LOCKS | (id & 0xffff_ffff)).collect();
    let sql = "SELECT pg_advisory_xact_lock(key) FROM unnest($1) AS key";
    transaction.query(sql, &[(&locks, Type::INT8_ARRAY)]).await?;
    let sql = "UPDATE booking
               SET state = CASE WHEN plan_id = $2 OR plan_id = ANY ($3) THEN 'released'
                                ELSE 'expired' END,
                   expires_at = NULL, updated_at = now()
               WHERE (plan_id = $2 AND state IN ('held', 'expired'))
                  OR (plan_id = ANY ($3) AND state IN ('held', 'confirmed', 'expired'))
                  OR (vendor_id = ANY ($1) AND state = 'held' AND expires_at <= now())";
    let others: Vec<_> = instead_of.iter().map(|plan| plan.0).collect();
    let params: [Param<'_>; 3] =
        [(&ids, Type::INT8_ARRAY), (&plan.0, Type::UUID), (&others, Type::UUID_ARRAY)];
    transaction.execute(sql, &params).await?;

    // The lowest free slot of each vendor; a vendor without one gives no row.
    let sql = "
        INSERT INTO booking (vendor_id, slot, plan_id, during, state, expires_at)
        SELECT w.vendor_id, free.slot, $5, tstzrange(w.starts, w.ends), 'held',
               now() + make_interval(secs => $6)
        FROM unnest($1, $2, $3, $4) AS w (vendor_id, slots, starts, ends)
        CROSS JOIN LATERAL (
            SELECT slot FROM generate_series(1, w.slots) AS slot
            WHERE NOT EXISTS (SELECT FROM booking b
                              WHERE b.vendor_id = w.vendor_id AND b.slot = slot.slot
                                AND b.state IN ('held', 'confirmed')
                                AND upper(b.during) > w.starts AND lower(b.during) < w.ends)
            ORDER BY slot LIMIT 1) free
        RETURNING vendor_id, slot";
    let seconds = lasts.as_secs_f64();
    let params: [Param<'_>; 6] = [
        (&ids, Type::INT8_ARRAY),
        (&slots, Type::INT4_ARRAY),
        (&starts, Type::TIMESTAMPTZ_ARRAY),
        (&ends, Type::TIMESTAMPTZ_ARRAY),
        (&plan.0, Type::UUID),
        (&seconds, Type::FLOAT8),
    ];
    let held = transaction.query(sql, &params).await?;
    let mut taken = by_id.clone();
    let mut detail = BTreeMap::new();
    for row in &held {
        let mut c = RowReader::of(row, "a booking");
        let (id, slot): (i64, i16) = (c.take()?, c.take()?);
        if let Some(name) = taken.remove(&id) {
            detail.insert(name, slot);
        }
    }
    // By name, so that the answer does not depend on the order of import.
    if let Some(name) = taken.into_values().min() {
        return Err(StoreError::Taken { vendor: VendorId::new(name) });
    }
    let mut detail = serde_json::json!({ "slots": detail });
    if !instead_of.is_empty() {
        detail["instead_of"] = serde_json::json!(instead_of);
    }
    Ok(AuditEvent::new("vendors_held", detail))
}

/// Makes holds final: also those past their time that nobody else wanted.
async fn confirm(transaction: &Transaction<'_>, plan: PlanId) -> Result<AuditEvent, StoreError> {
    let sql = "UPDATE booking SET state = 'confirmed', expires_at = NULL, updated_at = now() \
               WHERE plan_id = $1 AND state = 'held'";
    let confirmed = transaction.execute(sql, &[(&plan.0, Type::UUID)]).await?;
    let sql = "SELECT EXISTS (SELECT FROM booking WHERE plan_id = $1 AND state = 'expired')";
    let row = transaction.query_one(sql, &[(&plan.0, Type::UUID)]).await?;
    if RowReader::of(&row, "a booking").take()? {
        return Err(StoreError::HoldLost { plan });
    }
    Ok(AuditEvent::new("vendors_confirmed", serde_json::json!({ "vendors": confirmed })))
}

pub(crate) async fn release(
    transaction: &Transaction<'_>,
    plan: PlanId,
) -> Result<Option<AuditEvent>, StoreError> {
    let sql = "UPDATE booking SET state = 'released', expires_at = NULL, updated_at = now() \
               WHERE plan_id = $1 AND state IN ('held', 'confirmed')";
    let released = transaction.execute(sql, &[(&plan.0, Type::UUID)]).await?;
    let event = AuditEvent::new("vendors_released", serde_json::json!({ "vendors": released }));
    Ok((released > 0).then_some(event))
}
