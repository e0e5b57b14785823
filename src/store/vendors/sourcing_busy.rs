//! When vendors are busy around an event: to find out why nothing is feasible.

use std::collections::BTreeMap;

use jiff::{Timestamp, ToSpan};
use tokio_postgres::types::Type;

use super::sourcing::SourcingQuery;
use crate::{
    StoreError,
    connection::{
        row_reader::RowReader,
        session::{Param, Sql},
    },
};
use model::{BookedSlot, Sourced, Vendor, Window};

/// Days before and after an event for which [`Reach::Relaxed`] tells when vendors are busy: the
/// 14 by which an explanation may move the event, and the longest lead and setup before it.
const BUSY_DAYS: i64 = 14 + super::sourcing::READY_DAYS_MAX + 1;

const BOOKED: &str = "
    SELECT vendor_id, slot, lower(during), upper(during) FROM booking
    WHERE vendor_id = ANY ($1) AND state IN ('held', 'confirmed')
      AND upper(during) > $2 AND lower(during) < $3
      AND (expires_at IS NULL OR expires_at > now())
      AND plan_id IS DISTINCT FROM $4
    ORDER BY vendor_id, lower(during), slot";

pub(crate) async fn with_busy_windows(
    session: &impl Sql,
    found: Vec<(i64, Vendor)>,
    query: &SourcingQuery,
) -> Result<Vec<Sourced>, StoreError> {
    let ids: Vec<i64> = found.iter().map(|(id, _)| *id).collect();
    let hours = (BUSY_DAYS * 24).hours();
    let from = query.window.start.checked_sub(hours).unwrap_or(Timestamp::MIN);
    let until = query.window.end.checked_add(hours).unwrap_or(Timestamp::MAX);
    let plan = query.for_plan.map(|plan| plan.0);
    let params: [Param<'_>; 4] = [
        (&ids as _, Type::INT8_ARRAY),
        (&from as _, Type::TIMESTAMPTZ),
        (&until as _, Type::TIMESTAMPTZ),
        (&plan as _, Type::UUID),
    ];
    let mut booked: BTreeMap<i64, Vec<BookedSlot>> = BTreeMap::new();
    for row in session.query(BOOKED, &params).await? {
        let mut c = RowReader::of(&row, "a booking");
        let (vendor, slot): (i64, i16) = (c.take()?, c.take()?);
        let window = Window { start: c.take()?, end: c.take()? };
        let slot = u32::from(slot.unsigned_abs());
        booked.entry(vendor).or_default().push(BookedSlot { slot, window });
    }
    let sourced = found.into_iter().map(|(id, vendor)| {
        let busy = booked.remove(&id).unwrap_or_default();
        Sourced { vendor, busy }
    });
    Ok(sourced.collect())
}
