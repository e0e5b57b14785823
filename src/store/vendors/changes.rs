//! What changed in the catalogue since a daemon last looked: imports, edits and bookings, by
//! whoever they were made.

use jiff::{Timestamp, ToSpan};
use tokio_postgres::types::Type;

use crate::{
    Store, StoreError,
    connection::{row_reader::RowReader, session::Sql},
};
use model::Category;

/// A daemon that hasn't looked for so long forgets everything it remembers.
const KEPT_HOURS: i64 = 24;

/// Up to where the changes are known: all by transactions below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Horizon {
    transaction: i64,
    looked_at: Timestamp,
}

/// What is stale of a category.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Touched {
    pub category: Category,
    /// The city's name in lower case; `None` for every city, since a vendor travels.
    pub city: Option<String>,
}

/// What a look found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changes {
    /// Nothing else changed.
    Only(Vec<Touched>),
    /// What changed is no longer known.
    Anything,
}

impl Store {
    /// Changes since the last look, and the horizon for the next one. A transaction that ran
    /// while we looked is looked at again: nothing is missed, whatever the order of commits.
    pub async fn changes_since(
        &self,
        last: Option<Horizon>,
    ) -> Result<(Changes, Horizon), StoreError> {
        let session = self.pool.session("looking for changes").await?;
        let sql = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint, now()";
        let row = session.query_one(sql, &[]).await?;
        let mut c = RowReader::of(&row, "a snapshot");
        // Taken before the changes are read: what commits in between is read twice, not never.
        let horizon = Horizon { transaction: c.take()?, looked_at: c.take()? };
        let kept = (KEPT_HOURS / 2).hours();
        let known = last.filter(|last| {
            last.looked_at.checked_add(kept).is_ok_and(|until| until > horizon.looked_at)
        });
        let Some(known) = known else { return Ok((Changes::Anything, horizon)) };
        let sql = "SELECT DISTINCT cat.name, ci.key
                   FROM catalogue_change ch
                   JOIN service_category cat ON cat.id = ch.category_id
                   LEFT JOIN city ci ON ci.id = ch.city_id
                   WHERE ch.written_by >= $1::text::xid8 ORDER BY 1, 2";
        let since = known.transaction.to_string();
        let rows = session.query(sql, &[(&since, Type::TEXT)]).await?;
        let read = |row| {
            let mut c = RowReader::of(row, "a change");
            Ok(Touched { category: Category::new(c.take::<&str>()?), city: c.take()? })
        };
        let touched = rows.iter().map(read).collect::<Result<_, StoreError>>()?;
        Ok((Changes::Only(touched), horizon))
    }

    /// Tells other daemons that there is something to look for: a hint, which may be lost.
    pub fn tell_changes(&self) {
        self.notifications.catalogue();
    }

    /// Forgets changes that every daemon has seen; returns how many.
    pub async fn prune_changes(&self) -> Result<u64, StoreError> {
        let session = self.pool.session("forgetting old changes").await?;
        let sql = "DELETE FROM catalogue_change WHERE at < now() - make_interval(hours => $1)";
        let hours = KEPT_HOURS as i32;
        session.execute(sql, &[(&hours, Type::INT4)]).await
    }
}
