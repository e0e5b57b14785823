//! When vendors are busy around an event: to find out why nothing is feasible.

use std::collections::BTreeMap;

use jiff::{Timestamp, ToSpan};
use tokio_postgres::types::Type;

use super::{
    StoreError,
    columns::Columns,
    session::{Param, Sql},
    sourcing::SourcingQuery,
};
use crate::model::{Sourced, Vendor, Window};

/// Days before and after an event for which [`Reach::Relaxed`] tells when vendors are busy.
const BUSY_DAYS: i64 = 15;

const BOOKED: &str = "
    SELECT vendor_id, slot, lower(during), upper(during) FROM booking
    WHERE vendor_id = ANY ($1) AND state IN ('held', 'confirmed')
      AND upper(during) > $2 AND lower(during) < $3
      AND (expires_at IS NULL OR expires_at > now())
      AND plan_id IS DISTINCT FROM $4
    ORDER BY vendor_id, lower(during), slot";

pub(super) async fn with_busy_windows(
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
    let mut booked: BTreeMap<i64, Vec<Window>> = BTreeMap::new();
    for row in session.query(BOOKED, &params).await? {
        let mut c = Columns::of(&row, "a booking");
        let (vendor, _slot): (i64, i16) = (c.take()?, c.take()?);
        let window = Window { start: c.take()?, end: c.take()? };
        booked.entry(vendor).or_default().push(window);
    }
    let sourced = found.into_iter().map(|(id, vendor)| {
        let windows = booked.remove(&id).unwrap_or_default();
        let busy = full_windows(&windows, vendor.parallel_events);
        Sourced { vendor, busy }
    });
    Ok(sourced.collect())
}

/// The windows in which `capacity` bookings or more run at the same time, in order and apart.
fn full_windows(bookings: &[Window], capacity: u32) -> Vec<Window> {
    let mut steps: Vec<(Timestamp, i64)> = Vec::with_capacity(bookings.len() * 2);
    for booking in bookings {
        steps.push((booking.start, 1));
        steps.push((booking.end, -1));
    }
    // At the same moment ends come before starts; windows that touch are joined below.
    steps.sort_unstable();
    let mut running = 0;
    let mut full: Vec<Window> = Vec::new();
    let mut since = None;
    for (at, step) in steps {
        running += step;
        match since {
            None if running >= i64::from(capacity) => since = Some(at),
            Some(start) if running < i64::from(capacity) => {
                since = None;
                match full.last_mut() {
                    Some(last) if last.end == start => last.end = at,
                    _ if start < at => full.push(Window { start, end: at }),
                    _ => {}
                }
            }
            _ => {}
        }
    }
    full
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vendor_is_full_when_all_slots_run() {
        let at = |hour: i64| Timestamp::from_second(hour * 3_600).unwrap();
        let windows = |list: &[(i64, i64)]| -> Vec<Window> {
            list.iter().map(|(start, end)| Window { start: at(*start), end: at(*end) }).collect()
        };
        for (bookings, capacity, full) in [
            (&[][..], 1, &[][..]),
            (&[(1, 3), (5, 6)], 1, &[(1, 3), (5, 6)]),
            (&[(1, 3), (3, 6)], 1, &[(1, 6)]),
            (&[(1, 4), (2, 6)], 2, &[(2, 4)]),
            (&[(1, 4), (2, 6), (4, 8)], 2, &[(2, 6)]),
            (&[(1, 4), (2, 6)], 3, &[]),
        ] {
            let found = full_windows(&windows(bookings), capacity);
            assert_eq!(found, windows(full), "{bookings:?} at {capacity}");
        }
    }
}
