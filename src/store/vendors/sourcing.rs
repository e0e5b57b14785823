//! The complete set of vendors of one category that can serve an event.

use futures_util::future::try_join_all;
use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};
use tokio::task::JoinSet;
use tokio_postgres::{Row, types::Type};

use super::{
    columns,
    sourcing_busy::with_busy_windows,
    sourcing_sql::{BY_ROW_IDS, FEASIBLE, RELAXED},
};
use crate::{
    Store, StoreError,
    connection::{
        row_reader::RowReader,
        session::{Param, Session, Sql},
    },
};
use model::{Category, Currency, LocalDays, PlanId, Sourced, Vendor, VendorId, Window, name_key};

const TASK: &str = "sourcing vendors";
/// Connections that one plan's sourcing takes at most: as many queries run at the same time.
const CONNECTIONS: usize = 4;
/// Days before an event on which a vendor may already be at work at most: a week of its
/// category's lead (`service_category`), two days of its own setup (the catalogue's check).
pub(crate) const READY_DAYS_MAX: i64 = 7 + 2;
/// The same after an event: two days of teardown.
const CLEAR_DAYS_MAX: i64 = 2;

/// Which vendors are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reach {
    /// Those that meet every hard constraint that the database knows; `busy` stays empty.
    Feasible,
    /// All that serve the city, whatever else stands against them, with their bookings around
    /// the event: to find out why nothing is feasible.
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
    /// Local date of the event's start: lead days count up to it.
    pub date: Date,
    /// Its zone: blackout dates and closed weekdays count on each local day from setup to
    /// teardown.
    pub time_zone: String,
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
        self.city = name_key(&self.city).into_owned();
        self.exclude.sort_unstable();
        self.exclude.dedup();
        self
    }
}

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
        if queries.len() == 1 {
            return self.source_share(queries).await;
        }
        // Large categories come first, so that shares of every fourth are of much the same size.
        // Tasks of their own: vendors are unpacked on all cores. They end with this future.
        let mut tasks = JoinSet::new();
        let shares = CONNECTIONS.min(queries.len());
        for first in 0..shares {
            let share: Vec<_> = queries.iter().skip(first).step_by(shares).cloned().collect();
            let store = self.clone();
            tasks.spawn(async move { (first, store.source_share(&share).await) });
        }
        let mut all = vec![Vec::new(); queries.len()];
        while let Some(ended) = tasks.join_next().await {
            let (first, found) = ended
                .map_err(|cause| StoreError::Query { task: TASK, cause: cause.to_string() })?;
            let places = (first..).step_by(shares);
            places.zip(found?).for_each(|(place, found)| all[place] = found);
        }
        Ok(all)
    }

    /// The answers of one connection.
    async fn source_share(
        &self,
        queries: &[SourcingQuery],
    ) -> Result<Vec<Vec<Sourced>>, StoreError> {
        match self.source_on_one_connection(queries).await {
            Err(StoreError::Disconnected { .. }) => self.source_on_one_connection(queries).await,
            answer => answer,
        }
    }

    async fn source_on_one_connection(
        &self,
        queries: &[SourcingQuery],
    ) -> Result<Vec<Vec<Sourced>>, StoreError> {
        let session = self.pool.session(TASK).await?;
        // They leave together, but for the one that prepares a statement for the others.
        let is_known = queries.first().is_none_or(|query| session.knows(query.reach.statement()));
        let (first, others) = queries.split_at(usize::from(!is_known));
        let mut all = Vec::with_capacity(queries.len());
        for query in first {
            all.push(source_one(&session, query).await?);
        }
        all.extend(try_join_all(others.iter().map(|query| source_one(&session, query))).await?);
        Ok(all)
    }
}

impl Reach {
    fn statement(self) -> &'static str {
        match self {
            Self::Feasible => &FEASIBLE,
            Self::Relaxed => &RELAXED,
        }
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
    let (midnights, dates) = days_around(query);
    let exclude: Vec<&str> = query.exclude.iter().map(VendorId::as_str).collect();
    let plan = query.for_plan.map(|plan| plan.0);
    let params: [Param<'_>; 11] = [
        (&category as _, Type::TEXT),
        (&city as _, Type::TEXT),
        (&currency as _, Type::TEXT),
        (&guests as _, Type::INT4),
        (&days as _, Type::INT4),
        (&midnights as _, Type::TIMESTAMPTZ_ARRAY),
        (&dates as _, Type::DATE_ARRAY),
        (&exclude as _, Type::TEXT_ARRAY),
        (&query.window.start as _, Type::TIMESTAMPTZ),
        (&query.window.end as _, Type::TIMESTAMPTZ),
        (&plan as _, Type::UUID),
    ];
    let sql = query.reach.statement();
    let found = match query.reach {
        Reach::Feasible => {
            let free = |(_, vendor)| Sourced { vendor, busy: Vec::new() };
            rows(session, sql, &params).await?.into_iter().map(free).collect()
        }
        Reach::Relaxed => {
            let found = rows(session, sql, &params[..2]).await?;
            with_busy_windows(session, found, query).await?
        }
    };
    Ok(by_id(found))
}

/// Every local day on which any vendor may be at work for the event: when each begins, in
/// order, and its date. So the database needs no rules of time zones of its own.
fn days_around(query: &SourcingQuery) -> (Vec<Timestamp>, Vec<Date>) {
    let zone = TimeZone::get(&query.time_zone).unwrap_or(TimeZone::UTC);
    let mut days = LocalDays::of(query.window, &zone);
    days.first = days.first.saturating_sub((READY_DAYS_MAX + 1).days());
    days.last = days.last.saturating_add((CLEAR_DAYS_MAX + 1).days());
    let begins = |date: Date| date.to_zoned(zone.clone()).ok();
    let begun = days.iter().filter_map(begins).map(|at| (at.timestamp(), at.date()));
    let mut begun: Vec<(Timestamp, Date)> = begun.collect();
    // A day that a zone leaves out is told as the next one.
    begun.dedup();
    begun.into_iter().unzip()
}

/// Vendors with their rows' ids, a row each.
async fn rows(
    session: &Session<'_>,
    sql: &'static str,
    params: &[Param<'_>],
) -> Result<Vec<(i64, Vendor)>, StoreError> {
    let (mut found, mut unpacked) = (Vec::new(), Vec::new());
    let take = |row: &Row| {
        let mut c = RowReader::of(row, "a vendor");
        let (id, packed): (i64, Option<&[u8]>) = (c.take()?, c.take()?);
        match packed.and_then(columns::unpack) {
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
    rows.iter().map(columns::read).collect()
}
