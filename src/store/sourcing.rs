//! The complete set of vendors of one category that can serve an event.

use std::{collections::BTreeMap, sync::LazyLock};

use jiff::{Timestamp, ToSpan, civil::Date};
use tokio_postgres::types::Type;

use super::{
    Store, StoreError,
    import_places::name_key,
    session::{Param, Sql},
    vendor_row::{self, SELECT_LIST},
};
use crate::model::{Category, Currency, PlanId, Sourced, Vendor, VendorId, Weekday, Window};

/// Days before and after an event for which [`Reach::Relaxed`] tells when vendors are busy.
const BUSY_DAYS: i64 = 15;

/// Which vendors are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reach {
    /// Those that meet every hard constraint that the database knows; `busy` stays empty.
    Feasible,
    /// All that serve the city, whatever else stands against them, with the windows around the
    /// event in which they are busy: to find out why nothing is feasible.
    Relaxed,
}

/// What an event needs of a category's vendors.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SourcingQuery {
    pub category: Category,
    pub city: String,
    pub guests: u32,
    /// Of the event itself; setup, teardown and the category's lead come on top.
    pub window: Window,
    /// Local date of the event's start: blackout dates, closed weekdays and lead days count by it.
    pub date: Date,
    /// Local date from which lead days count.
    pub today: Date,
    pub currency: Currency,
    pub exclude: Vec<VendorId>,
    /// A plan whose own bookings do not count.
    pub for_plan: Option<PlanId>,
    pub reach: Reach,
}

/// Vendors of the city, and travelling ones of other cities whose radius reaches its centre.
const SERVING: &str = "
    FROM service_category cat
    JOIN city here ON here.key = $2
    CROSS JOIN LATERAL (
        SELECT * FROM vendor local
        WHERE local.category_id = cat.id AND local.city_id = here.id
        UNION ALL
        SELECT * FROM vendor guest
        WHERE guest.category_id = cat.id AND guest.service_radius_km IS NOT NULL
          AND guest.city_id <> here.id
          AND km_between(guest.lat, guest.lon, here.lat, here.lon) <= guest.service_radius_km
    ) v
    JOIN city ci ON ci.id = v.city_id
    LEFT JOIN area a ON a.id = v.area_id
    WHERE cat.name = $1";

static RELAXED: LazyLock<String> =
    LazyLock::new(|| format!("SELECT {} {SERVING} ORDER BY v.external_id", *SELECT_LIST));

/// The needed window runs from setup to teardown. A vendor is busy when none of its slots is
/// free over all of it: a booking occupies one slot from its start to its end.
static FEASIBLE: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {} {SERVING}
           AND v.currency = $3
           AND (v.capacity_min IS NULL OR v.capacity_min <= $4)
           AND (v.capacity_max IS NULL OR v.capacity_max >= $4)
           AND v.lead_days <= $5
           AND NOT $6 = ANY (v.blackout_dates)
           AND NOT $7 = ANY (v.closed_weekdays)
           AND NOT v.external_id = ANY ($8)
           AND (SELECT count(DISTINCT b.slot) FROM booking b
                WHERE b.vendor_id = v.id AND b.state IN ('held', 'confirmed')
                  AND upper(b.during)
                      > $9 - make_interval(mins => cat.lead_minutes + v.setup_minutes)
                  AND lower(b.during) < $10 + make_interval(mins => v.teardown_minutes)
                  AND (b.expires_at IS NULL OR b.expires_at > now())
                  AND b.plan_id IS DISTINCT FROM $11) < v.parallel_events
         ORDER BY v.external_id",
        *SELECT_LIST
    )
});

const BOOKED: &str = "
    SELECT vendor_id, slot, lower(during), upper(during) FROM booking
    WHERE vendor_id = ANY ($1) AND state IN ('held', 'confirmed')
      AND upper(during) > $2 AND lower(during) < $3
      AND (expires_at IS NULL OR expires_at > now())
      AND plan_id IS DISTINCT FROM $4
    ORDER BY vendor_id, lower(during), slot";

impl Store {
    /// Finds the vendors that a query wants, all of them, ordered by id.
    ///
    /// # Errors
    /// Only what keeps the database from answering: an unknown city or category has no vendors.
    pub async fn source(&self, query: &SourcingQuery) -> Result<Vec<Sourced>, StoreError> {
        let session = self.pool.session("sourcing vendors").await?;
        let city = name_key(&query.city);
        let category = query.category.as_str();
        let place: [Param<'_>; 2] = [(&category as _, Type::TEXT), (&city as _, Type::TEXT)];
        if query.reach == Reach::Relaxed {
            let rows = session.query(&RELAXED, &place).await?;
            let found = rows.iter().map(vendor_row::read).collect::<Result<Vec<_>, _>>()?;
            return with_busy_windows(&session, found, query).await;
        }
        let currency = query.currency.code();
        let guests = i32::try_from(query.guests).unwrap_or(i32::MAX);
        let days = (query.date - query.today).get_days();
        let weekday = i16::from(Weekday(query.date.weekday()).iso());
        let exclude: Vec<&str> = query.exclude.iter().map(VendorId::as_str).collect();
        let plan = query.for_plan.map(|plan| plan.0);
        let [category, city] = place;
        let params: [Param<'_>; 11] = [
            category,
            city,
            (&currency as _, Type::TEXT),
            (&guests as _, Type::INT4),
            (&days as _, Type::INT4),
            (&query.date as _, Type::DATE),
            (&weekday as _, Type::INT2),
            (&exclude as _, Type::TEXT_ARRAY),
            (&query.window.start as _, Type::TIMESTAMPTZ),
            (&query.window.end as _, Type::TIMESTAMPTZ),
            (&plan as _, Type::UUID),
        ];
        let rows = session.query(&FEASIBLE, &params).await?;
        let vendors = rows.iter().map(vendor_row::read);
        vendors.map(|read| Ok(Sourced { vendor: read?.1, busy: Vec::new() })).collect()
    }
}

async fn with_busy_windows(
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
        let mut c = super::columns::Columns::of(&row, "a booking");
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
