//! The complete set of vendors of one category that can serve an event.

use futures_util::future::try_join_all;
use jiff::civil::Date;
use tokio_postgres::{Row, types::Type};

use super::{
    Store, StoreError,
    columns::Columns,
    import_places::name_key,
    session::{Param, Session, Sql},
    sourcing_busy::with_busy_windows,
    sourcing_sql::{BY_ROW_IDS, FEASIBLE, FEASIBLE_ROWS, RELAXED},
    vendor_pack, vendor_row,
};
use crate::model::{Category, Currency, PlanId, Sourced, Vendor, VendorId, Weekday, Window};

/// A smaller half, of some 75 vendors, is not worth waking another thread for.
const UNPACK_ALONE_BYTES: usize = 32 << 10;
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
            let found = rows(session, Reach::Relaxed.statement(), &params[..2]).await?;
            with_busy_windows(session, found, query).await?
        }
    };
    Ok(by_id(found))
}

/// Vendors that meet the hard constraints.
async fn feasible(session: &Session<'_>, params: &[Param<'_>]) -> Result<Vec<Vendor>, StoreError> {
    let row = session.query_one(Reach::Feasible.statement(), params).await?;
    let mut c = Columns::of(&row, "vendors");
    let (one, other): (Option<&[u8]>, Option<Vec<u8>>) = (c.take()?, c.take()?);
    let unpacked: Vec<i64> = c.take::<Option<_>>()?.unwrap_or_default();
    let (mut found, intact) =
        unpack_both(one.unwrap_or_default(), other.unwrap_or_default()).await?;
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

/// Unpacks one piece here and the other on another thread, where they are large: the server is
/// done by then, and its core is free. False where bytes are broken.
async fn unpack_both(one: &[u8], other: Vec<u8>) -> Result<(Vec<Vendor>, bool), StoreError> {
    let mut found = Vec::new();
    if other.len() < UNPACK_ALONE_BYTES {
        let intact =
            vendor_pack::unpack_all(one, &mut found) && vendor_pack::unpack_all(&other, &mut found);
        return Ok((found, intact));
    }
    let there = tokio::task::spawn_blocking(move || {
        let mut found = Vec::new();
        let intact = vendor_pack::unpack_all(&other, &mut found);
        (found, intact)
    });
    let intact = vendor_pack::unpack_all(one, &mut found);
    let (others, intact_there) = there.await.map_err(|cause| StoreError::Query {
        task: "sourcing vendors",
        cause: format!("unpacking them: {cause}"),
    })?;
    found.extend(others);
    Ok((found, intact && intact_there))
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
