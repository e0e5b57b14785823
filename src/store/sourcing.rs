//! The complete set of vendors of one category that can serve an event.

use std::{collections::BTreeMap, sync::LazyLock};

use futures_util::future::try_join_all;
use jiff::{Timestamp, ToSpan, civil::Date};
use tokio_postgres::{Row, types::Type};

use super::{
    Store, StoreError,
    columns::Columns,
    import_places::name_key,
    session::{Param, Session, Sql},
    vendor_pack,
    vendor_row::{self, SELECT_LIST},
};
use crate::model::{Category, Currency, PlanId, Sourced, Vendor, VendorId, Weekday, Window};

/// Days before and after an event for which [`Reach::Relaxed`] tells when vendors are busy.
const BUSY_DAYS: i64 = 15;
/// Pieces in which a query's vendors arrive: of a million in one city each has some 50 MB, and the
/// server could not make one of a gigabyte.
const PIECES: u32 = 8;
/// Connections that one plan's sourcing takes at most: as many queries run at the same time.
const CONNECTIONS: usize = 4;

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

impl SourcingQuery {
    /// The same question in the one form that equal questions share.
    pub fn normalised(mut self) -> Self {
        self.city = name_key(&self.city);
        self.exclude.sort_unstable();
        self.exclude.dedup();
        self
    }
}

/// Vendors of the city, and travelling ones of other cities whose radius reaches its centre: the
/// box finds them by an index, the distance decides.
const SERVING: &str = "
    WITH cat AS MATERIALIZED (SELECT id, lead_minutes FROM service_category WHERE name = $1),
         here AS MATERIALIZED (SELECT id, lat, lon FROM city WHERE key = $2),
         v AS (
             SELECT local.* FROM vendor local
             WHERE local.category_id = (SELECT id FROM cat)
               AND local.city_id = (SELECT id FROM here)
             UNION ALL
             SELECT guest.* FROM vendor guest
             WHERE guest.category_id = (SELECT id FROM cat)
               AND guest.service_radius_km IS NOT NULL
               AND box_around(guest.lat, guest.lon, guest.service_radius_km)
                   @> (SELECT box(point(lon, lat)) FROM here)
               AND guest.city_id <> (SELECT id FROM here)
               AND km_between(guest.lat, guest.lon, (SELECT lat FROM here),
                              (SELECT lon FROM here)) <= guest.service_radius_km)";

/// All that serve the city.
static RELAXED: LazyLock<String> =
    LazyLock::new(|| format!("{SERVING} SELECT v.id, v.packed FROM v"));

/// The needed window runs from setup to teardown. A vendor is busy when none of its slots is
/// free over all of it: a booking occupies one slot from its start to its end. Most vendors have
/// no booking near the event, so that is asked first.
static CONSTRAINTS: LazyLock<String> = LazyLock::new(|| {
    let near = "b.vendor_id = v.id AND b.state IN ('held', 'confirmed')
        AND upper(b.during) > $9 - make_interval(mins =>
            (SELECT lead_minutes FROM cat) + v.setup_minutes)
        AND lower(b.during) < $10 + make_interval(mins => v.teardown_minutes)
        AND (b.expires_at IS NULL OR b.expires_at > now())
        AND b.plan_id IS DISTINCT FROM $11";
    format!(
        "v.currency = $3
         AND (v.capacity_min IS NULL OR v.capacity_min <= $4)
         AND (v.capacity_max IS NULL OR v.capacity_max >= $4)
         AND v.lead_days <= $5
         AND NOT $6 = ANY (v.blackout_dates)
         AND NOT $7 = ANY (v.closed_weekdays)
         AND NOT v.external_id = ANY ($8)
         AND (NOT EXISTS (SELECT FROM booking b WHERE {near})
              OR (SELECT count(DISTINCT b.slot) FROM booking b WHERE {near})
                  < v.parallel_events)"
    )
});

/// Those of them that meet the hard constraints, a vendor a row.
static FEASIBLE_ROWS: LazyLock<String> =
    LazyLock::new(|| format!("{SERVING} SELECT v.id, v.packed FROM v WHERE {}", *CONSTRAINTS));

/// The same in few pieces: what a row costs on its way is as much as finding it. A packed vendor
/// knows its own length. Beside them the ids of those that have to be read by their columns.
static FEASIBLE: LazyLock<String> = LazyLock::new(|| {
    let current = format!("substring(v.packed FOR 1) = '\\x{:02x}'", vendor_pack::VERSION);
    format!(
        "{SERVING}
         SELECT string_agg(v.packed, '') FILTER (WHERE {current}),
                array_agg(v.id) FILTER (WHERE ({current}) IS NOT TRUE)
         FROM v WHERE {}
         GROUP BY v.id % {PIECES}",
        *CONSTRAINTS
    )
});

static BY_ROW_IDS: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {} FROM vendor v
         JOIN service_category cat ON cat.id = v.category_id
         JOIN city ci ON ci.id = v.city_id
         LEFT JOIN area a ON a.id = v.area_id
         WHERE v.id = ANY ($1)",
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
        let mut all = self.source_all(std::slice::from_ref(query)).await?;
        Ok(all.pop().unwrap_or_default())
    }

    /// The same for several queries, in their order, over few connections: each connection gets
    /// its queries in one go and answers them one after the other. A connection that breaks is
    /// replaced once, since reading twice does no harm.
    ///
    /// # Errors
    /// As [`Store::source`].
    pub async fn source_all(
        &self,
        queries: &[SourcingQuery],
    ) -> Result<Vec<Vec<Sourced>>, StoreError> {
        let share = queries.len().div_ceil(CONNECTIONS).max(1);
        let shares =
            queries.chunks(share).map(async |share| match self.source_share(share).await {
                Err(StoreError::Disconnected { .. }) => self.source_share(share).await,
                answer => answer,
            });
        Ok(try_join_all(shares).await?.into_iter().flatten().collect())
    }

    async fn source_share(
        &self,
        queries: &[SourcingQuery],
    ) -> Result<Vec<Vec<Sourced>>, StoreError> {
        let session = self.pool.session("sourcing vendors").await?;
        if let [query] = queries {
            return Ok(vec![source_one(&session, query).await?]);
        }
        // The first one prepares the statement; the others leave together.
        let Some((first, others)) = queries.split_first() else { return Ok(Vec::new()) };
        let mut all = vec![source_one(&session, first).await?];
        all.extend(try_join_all(others.iter().map(|query| source_one(&session, query))).await?);
        Ok(all)
    }
}

async fn source_one(
    session: &Session<'_>,
    query: &SourcingQuery,
) -> Result<Vec<Sourced>, StoreError> {
    let city = name_key(&query.city);
    let category = query.category.as_str();
    let currency = query.currency.code();
    let guests = i32::try_from(query.guests).unwrap_or(i32::MAX);
    let days = (query.date - query.today).get_days();
    let weekday = i16::from(Weekday(query.date.weekday()).iso());
    let exclude: Vec<&str> = query.exclude.iter().map(VendorId::as_str).collect();
    let plan = query.for_plan.map(|plan| plan.0);
    let params: [Param<'_>; 11] = [
        (&category as _, Type::TEXT),
        (&city as _, Type::TEXT),
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
    let found = match query.reach {
        Reach::Feasible => {
            let free = |vendor| Sourced { vendor, busy: Vec::new() };
            feasible(session, &params).await?.into_iter().map(free).collect()
        }
        Reach::Relaxed => {
            let found = rows(session, &RELAXED, &params[..2]).await?;
            with_busy_windows(session, found, query).await?
        }
    };
    Ok(by_id(found))
}

/// Vendors that meet the hard constraints.
async fn feasible(session: &Session<'_>, params: &[Param<'_>]) -> Result<Vec<Vendor>, StoreError> {
    let (mut found, mut unpacked, mut intact) = (Vec::new(), Vec::new(), true);
    let take = |row: &Row| {
        let mut c = Columns::of(row, "vendors");
        let (packed, others): (Option<&[u8]>, Option<Vec<i64>>) = (c.take()?, c.take()?);
        intact &= vendor_pack::unpack_all(packed.unwrap_or_default(), &mut found);
        unpacked.extend(others.unwrap_or_default());
        Ok(())
    };
    session.query_each(&FEASIBLE, params, take).await?;
    let others = match intact {
        true => read_columns(session, &unpacked).await?,
        // Broken bytes hide where the next vendor begins: row by row they are told apart.
        false => {
            found.clear();
            rows(session, &FEASIBLE_ROWS, params).await?
        }
    };
    found.extend(others.into_iter().map(|(_, vendor)| vendor));
    Ok(found)
}

/// Vendors with their rows' ids, a row each.
async fn rows(
    session: &Session<'_>,
    sql: &'static str,
    params: &[Param<'_>],
) -> Result<Vec<(i64, Vendor)>, StoreError> {
    let (mut found, mut unpacked) = (Vec::new(), Vec::new());
    let take = |row: &Row| {
        let mut c = Columns::of(row, "a vendor");
        let (id, packed): (i64, Option<&[u8]>) = (c.take()?, c.take()?);
        match packed.and_then(vendor_pack::unpack) {
            Some(vendor) => found.push((id, vendor)),
            None => unpacked.push(id),
        }
        Ok(())
    };
    session.query_each(sql, params, take).await?;
    found.extend(read_columns(session, &unpacked).await?);
    Ok(found)
}

/// In order of their ids; each vendor, some hundred bytes, moves once.
fn by_id(found: Vec<Sourced>) -> Vec<Sourced> {
    let mut order: Vec<usize> = (0..found.len()).collect();
    order.sort_unstable_by(|a, b| found[*a].vendor.id.cmp(&found[*b].vendor.id));
    let mut slots: Vec<Option<Sourced>> = found.into_iter().map(Some).collect();
    order.into_iter().filter_map(|index| slots[index].take()).collect()
}

/// Rows that were changed by other hands, or written by an older version.
async fn read_columns(session: &impl Sql, ids: &[i64]) -> Result<Vec<(i64, Vendor)>, StoreError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows = session.query(&BY_ROW_IDS, &[(&ids as _, Type::INT8_ARRAY)]).await?;
    rows.iter().map(vendor_row::read).collect()
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
